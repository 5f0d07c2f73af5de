"""Refreshing a lesson: stable when stored, untouched when it fails."""

from __future__ import annotations

import importlib
import json
import subprocess
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cnn_basics.authoring import refresh

WIDGET = {"image/png": "iVBO", "text/plain": "A lens."}


def write(path, *sources, **metadata):
    notebook = new_notebook(cells=[new_markdown_cell("# 1 · A")], metadata=metadata)
    notebook.cells += [new_code_cell(text) for text in sources]
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def executed():
    """A notebook with all that differs from one run to the next."""
    failed = new_code_cell("1 / 0", execution_count=2, metadata={"tags": ["raises-exception"]})
    failed.outputs = [
        new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[0m", "/home/x"])
    ]
    shown = new_code_cell("show()", execution_count=1)
    shown.metadata = {
        "execution": {"t": "1"},
        "collapsed": True,
        "slideshow": {"slide_type": "slide"},
    }
    shown.metadata["jupyter"] = {"outputs_hidden": True, "source_hidden": True}
    data = {refresh.WIDGET_VIEW: {"model_id": "changes with each run"}, **WIDGET}
    shown.outputs = [new_output("display_data", data=data)]
    cells = [new_markdown_cell("a", metadata={"jp-MarkdownHeadingCollapsed": True}), shown, failed]
    metadata = {"widgets": {"state": {}}, "kernelspec": {"name": "mine", "display_name": "Mine"}}
    return new_notebook(cells=cells, metadata=nbformat.from_dict(metadata))


def test_clean_keeps_only_what_is_stable_and_changes_nothing_then(executed):
    refresh.clean(executed)
    assert executed.metadata == {"kernelspec": refresh.KERNEL, "language_info": refresh.LANGUAGE}
    hidden = {"source_hidden": True}
    assert [cell.metadata for cell in executed.cells] == [
        {},
        {"slideshow": {"slide_type": "slide"}, "jupyter": hidden},
        {"tags": ["raises-exception"]},
    ]
    assert executed.cells[2].outputs[0].traceback == ["ValueError: no"]
    assert executed.cells[1].outputs[0].data == WIDGET
    assert nbformat.validate(executed) is None
    once = nbformat.writes(executed)
    refresh.clean(executed)
    assert nbformat.writes(executed) == once


@pytest.mark.parametrize(("name", "kept"), [("03_convolution_layer", False), ("mine", True)])
def test_a_saved_lesson_forgets_the_python_of_this_computer(executed, name, kept):
    found = refresh.LANGUAGE | {"version": "3.11.7", "codemirror_mode": {"name": "ipython"}}
    executed.metadata["language_info"] = found
    saved = {"type": "notebook", "content": executed}
    hooks = []
    app = SimpleNamespace(contents_manager=SimpleNamespace(register_pre_save_hook=hooks.append))
    (point,) = refresh._jupyter_server_extension_points()
    importlib.import_module(point["module"])._load_jupyter_server_extension(app)
    hooks[0](model=saved, path=f"class/notebooks/{name}.ipynb", contents_manager=None)
    assert executed.metadata["language_info"] == (found if kept else refresh.LANGUAGE)
    hooks[0](model={"type": "directory", "content": None}, path="notebooks", contents_manager=None)


def test_a_failure_is_named_unless_its_cell_asks_for_it(executed):
    assert refresh.find_failure(executed) == ""
    executed.cells[2].metadata.tags = []
    assert refresh.find_failure(executed) == "cell [2] raised ValueError: no"


def test_refresh_stores_outputs_and_then_changes_nothing(tmp_path):
    path = write(tmp_path / "01_a.ipynb", "import os\nprint(os.getcwd())", "40 + 2", widgets={})
    ids = [cell["id"] for cell in json.loads(path.read_text())["cells"]]
    assert refresh.refresh(path)
    stored = path.read_text(encoding="utf-8")
    cells = json.loads(stored)["cells"]
    assert [cell["id"] for cell in cells] == ids
    assert [cell["execution_count"] for cell in cells[1:]] == [1, 2]
    assert cells[1]["outputs"][0]["text"] == [f"{tmp_path.resolve()}\n"]
    assert cells[2]["outputs"][0]["data"]["text/plain"] == ["42"]
    assert "widgets" not in json.loads(stored)["metadata"]
    assert stored.endswith("}\n")
    assert not refresh.refresh(path)
    assert path.read_text(encoding="utf-8") == stored
    assert [item.name for item in tmp_path.iterdir()] == ["01_a.ipynb"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("while True:\n    pass", "timed out"),
        ("import os\nos._exit(1)", "Kernel died"),
        (
            "raise ValueError('too wide')",
            "01_a.ipynb: left as it was: cell [2] raised ValueError: t",
        ),
    ],
)
def test_a_notebook_that_fails_is_left_as_it_was(tmp_path, monkeypatch, capsys, text, message):
    monkeypatch.setattr(refresh, "CELL_SECONDS", 2)
    path = write(tmp_path / "01_a.ipynb", "x = 1", text)
    before = path.read_bytes()
    assert refresh.main([str(path)], {}) == 1
    assert path.read_bytes() == before
    (said,) = capsys.readouterr().err.splitlines()
    assert message in said


@pytest.mark.parametrize("in_git", [True, False])
def test_texts_that_a_change_leaves_behind_are_pointed_at(tmp_path, in_git, capsys):
    path = write(tmp_path / "01_a.ipynb", "print(3.25)")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_markdown_cell("That is 3.25."))
    nbformat.write(notebook, path)
    assert refresh.main([str(path)], {}) == 0
    assert capsys.readouterr().out == "01_a.ipynb: stored\n"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for line in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]) if in_git else ():
        subprocess.run([*git, *line], check=True, timeout=120)
    changed = path.read_text("utf-8").replace("print(3.25)", "print(4)")
    path.write_text(changed.replace('"3.25\\n"', '"4\\n"') if in_git else changed, "utf-8")
    assert refresh.main([str(path)], {}) == 0
    said = "  look again, no cell there prints it any more: 3.25 in 'That is 3.25.'\n"
    assert capsys.readouterr().out.endswith(said)


def test_help_is_shown_and_a_missing_notebook_is_named(tmp_path, capsys):
    assert refresh.main(["--help"], {}) == 0
    assert "usage: python3 -m cnn_basics refresh" in capsys.readouterr().out
    assert refresh.main([str(tmp_path / "no.ipynb")], {}) == 1
    assert capsys.readouterr().err.endswith("no.ipynb: no such notebook\n")


def test_own_photos_are_refused(capsys, monkeypatch):
    monkeypatch.setattr(refresh, "refresh", None)
    assert refresh.main([], {"CNN_BASICS_DATA": "/photos"}) == 1
    assert "CNN_BASICS_DATA is set" in capsys.readouterr().err


def test_all_lessons_are_refreshed_in_order(tmp_path, monkeypatch, capsys):
    for name in ("01_b", "00_a"):
        write(tmp_path / f"{name}.ipynb")
    monkeypatch.setattr(refresh, "LESSONS", tmp_path)
    monkeypatch.setattr(refresh, "refresh", lambda path: path.name < "01")
    assert refresh.main([], {}) == 0
    assert capsys.readouterr().out == "00_a.ipynb: stored\n01_b.ipynb: unchanged\n"
