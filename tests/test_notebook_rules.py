"""The lessons' own test holds them to rules, and each rule finds the faults it is for."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import notebook_rules as rules
import pytest

from cnn_basics.authoring.refresh import KERNEL

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("[0-9]*.ipynb"))
NUMBERS = {f"{number:02}" for number in range(len(NAMES))}


def test_lessons_are_numbered_from_00():
    assert {name[:2] for name in NAMES} == NUMBERS


def markdown(text: str, cell_id: str) -> dict:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": [text]}


def code(text: str, cell_id: str, count: int, outputs: list[dict]) -> dict:
    cell = {"cell_type": "code", "id": cell_id, "metadata": {}, "source": [text]}
    return cell | {"execution_count": count, "outputs": outputs}


def picture(alt: str) -> dict:
    data = {"image/png": "iVBORw0KGgo=", "text/plain": ["LessonFigure"]}
    return {"output_type": "display_data", "data": data, "metadata": {"image/png": {"alt": alt}}}


def html(text: str) -> dict:
    return {"output_type": "display_data", "data": {"text/html": [text]}, "metadata": {}}


END = "## Takeaways\n- a\n\n## Common mistakes\n- b\n\n[x](12_first.ipynb) [next](14_third.ipynb)"
NOTES = [
    ("# 13 · Sliding windows", 9),
    ("## A window", 4),
    ("## Takeaways", 1),
    ("## Common mistakes", 1),
]


@pytest.fixture
def good():
    """A lesson that keeps every rule, as `13_second`, between `12_first` and `14_third`."""
    text = {"output_type": "stream", "name": "stdout", "text": ["0.2500\n"]}
    linked = "## A window\n\nSee https://example.org, [that](https://example.org/a), and a "
    linked += "[frame](glossary.ipynb#frame) of 3<!-- no claim -->, or 0.25<!--= x -->."
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}},
        "cells": [
            markdown("# 13 · Sliding windows\n\n- see it\n- do it\n\n15 minutes", "a"),
            code(f"{rules.GUARD}import torch\n\n_ = torch.manual_seed(0)", "b", 1, []),
            markdown(linked, "c"),
            code("show(1)\nprint(0.25)", "d", 2, [picture("A 3×3 window in the top left"), text]),
            markdown("Another, with `<img src='http://x'>` and\n\n```html\n# no heading\n```", "e"),
            code("show(2)", "f", 3, [picture("The same window, one pixel to the right")]),
            markdown(END, "g"),
        ],
    }


@pytest.fixture
def faults(tmp_path, monkeypatch):
    """Store a lesson in a project of its own, and return its faults."""
    folder, notes = tmp_path / "notebooks", tmp_path / "notes"
    monkeypatch.setattr("cnn_basics.authoring.claims.NOTES", notes)
    monkeypatch.setattr(rules, "public_names", lambda: {"conv2d"})
    folder.mkdir()
    notes.mkdir()
    listed = "[Sliding windows]({}13_second.ipynb), 15 minutes"
    first = {"cells": [markdown(listed.format(""), "a")]}
    glossary = {"cells": [markdown("### frame\n\nWhat is around.", "a")]}
    for name, content in (("12_first", first), ("14_third", first), ("glossary", glossary)):
        (folder / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    readme = tmp_path / "README.md"
    readme.write_text(listed.format("notebooks/"), encoding="utf-8")
    noted = "\n".join(f"{heading}\n{minutes} minutes\n\nSay.\n" for heading, minutes in NOTES)
    (notes / "13_second.md").write_text(noted, encoding="utf-8")

    def find(nb: dict) -> list[str]:
        path = folder / "13_second.ipynb"
        path.write_text(json.dumps(nb), encoding="utf-8")
        return rules.faults(path)

    find.readme, find.folder, find.notes = readme, folder, notes / "13_second.md"
    return find


def test_a_good_lesson_keeps_every_rule(good, faults):
    assert faults(good) == []
    for folded, head in ((True, "draw()\n"), (False, "def f():\n")):  # these may be longer
        good["cells"][5]["source"] = [head, *["    1\n"] * 29]
        good["cells"][5]["metadata"]["jupyter"] = {"source_hidden": folded}
        assert faults(good) == []
    good["cells"][5]["source"] = ["# NBVAL_IGNORE_OUTPUT\nshow(2)  # because a clock differs"]
    put(3, ERROR, tags=["raises-exception"])(good)
    assert faults(good) == []


def replace(cell: int, old: str, new: str):
    """Plant a fault: other text in the source of one cell."""

    def plant(nb):
        text = rules.source_of(nb["cells"][cell])
        assert old in text
        nb["cells"][cell]["source"] = [text.replace(old, new)]

    return plant


def put(cell: int, output: dict, **metadata):
    """Plant a fault: one more output, and metadata, in one cell."""

    def plant(nb):
        nb["cells"][cell]["outputs"].append(output)
        nb["cells"][cell]["metadata"] |= metadata

    return plant


def change(*path, to):
    """Plant a fault: another value at `path`."""

    def plant(nb):
        for key in path[:-1]:
            nb = nb[key]
        nb[path[-1]] = to

    return plant


def printed(text: str) -> dict:
    return {"output_type": "stream", "name": "stdout", "text": text}


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["no"]}
STDERR = {"output_type": "stream", "name": "stderr", "text": "UserWarning"}
ALT = "a grey cat on a mat"
FAULTS = [
    (change("cells", 3, "execution_count", to=None), "cell [2] was not run"),
    (change("cells", 5, "execution_count", to=4), "cell [3] was run as number 4"),
    (put(3, ERROR), "cell [2] stores an error"),
    (change("cells", 3, "metadata", to={"tags": ["raises-exception"]}), "stores no error"),
    (put(3, STDERR), "cell [2] stores stderr"),
    (change("cells", 5, "source", to=["\n"]), "cell [3] is empty"),
    (change("cells", 4, "source", to=[]), "text below [2] is empty"),
    (change("cells", 5, "source", to=["x = 1\n"] * 16), "cell [3] has 16 lines, over 15"),
    (change("cells", 5, "source", to=["def f():\n", *["    1\n"] * 30]), "31 lines, over 30"),
    (replace(2, "See", f"![{ALT}](https://example.org/a.gif)"), "from elsewhere"),
    (replace(2, "See", f"![{ALT}](//example.org/a.gif)"), "from elsewhere"),
    (replace(2, "See", f"![{ALT}][pic]\n\n[pic]: https://example.org/a\n"), "picture 'pic'"),
    (replace(2, "See", "![pic][]\n\n[pic]: https://example.org/a\n"), "picture 'pic'"),
    (replace(2, "See", f"<img alt='{ALT}' src='https://example.org/a'>"), "from elsewhere"),
    (replace(2, "See", "<iframe srcdoc='x'></iframe>"), "from elsewhere: '<iframe'"),
    (replace(2, "See", "<style>p {background: url(https://x.org/a)}</style>"), "elsewhere"),
    (put(3, html("<script>fetch('//x')</script>")), "from elsewhere"),
    (put(3, html("<link rel=stylesheet href='https://example.org/a.css'>")), "elsewhere"),
    (put(3, html("<style>@import 'https://example.org/a.css'</style>")), "elsewhere"),
    (replace(5, "show(2)", "read('https://example.org/cat.png')"), "names an address"),
    (put(3, picture("")), "has the alt text ''"),
    (put(3, picture("Figure 1")), "say what it shows"),
    (put(3, {"output_type": "display_data", "data": {"image/gif": ""}}), "say what it shows"),
    (put(3, html("<img src='data:image/png;base64,'>")), "cell [2]: an <img>"),
    (replace(2, "See", "![](attachment:a.png)"), "text below [1]: a picture"),
    (replace(2, "See", "<img src='a.png' alt=''>"), "say what it shows"),
    (put(5, picture("A 3×3 window in the top left")), "alt text of a picture in cell [2]"),
    (replace(6, "## Takeaways", "## The end"), "'Takeaways' is missing"),
    (replace(6, "## Common mistakes", "## The end"), "'Common mistakes' is missing"),
    (replace(2, "## A", "### A"), "a heading of level 3 follows"),
    (replace(6, "## Takeaways", "# Takeaways"), "one heading of level 1, got 2"),
    (lambda nb: nb["cells"].pop(4), "cell [3] is code without a text"),
    (replace(1, "import torch", "import matplotlib.pyplot as plt"), "pyplot"),
    (replace(1, "import torch", "%matplotlib inline"), "pyplot"),
    (replace(5, "show(2)", "show(2);"), "cell [3] ends with a semicolon"),
    (replace(1, "_ = torch.manual_seed(0)", "x = torch.rand(3)"), "does not seed"),
    (replace(1, "try:", "if True:"), "does not begin with"),
    (replace(5, "show(2)", "# NBVAL_IGNORE_OUTPUT\nshow(2)"), "is not compared"),
    (change("cells", 5, "metadata", to={"tags": ["nbval-skip"]}), "is not compared"),
    (put(3, printed("/home/ann/lessons/cat.png")), "cell [2] stores '/home/ann"),
    (put(3, printed(r"C:\lessons\cat.png")), "cell [2] stores 'C:"),
    (put(3, printed("<object at 0x7f22a0b1c2d0>")), "cell [2] stores 'at 0x"),
    (put(3, ERROR | {"traceback": ["File /usr/lib/x.py:3"]}), "cell [2] stores '/usr"),
    (change("metadata", "kernelspec", "name", to="conda-env-x"), "the kernelspec"),
    (change("metadata", "language_info", "version", to="3.11.7"), "a Python version"),
    (change("metadata", "widgets", to={}), "metadata 'widgets' is stored"),
    (change("cells", 3, "metadata", to={"execution": {}}), "cell [2] stores metadata 'execution'"),
    (change("nbformat_minor", to=4), "expected format 4.5"),
    (change("cells", 3, "id", to="a"), "ids"),
    (change("x", to="x" * 1_000_000), "over 1000000"),
    (replace(0, "# 13 ·", "# 2 ·"), "starts with '# 13 · '"),
    (replace(0, "15 minutes", ""), "does not say how many minutes"),
    (replace(0, "- see it\n- do it", "See it."), "does not list"),
    (replace(6, "12_first", "14_third"), "does not link to 12_first.ipynb"),
    (replace(6, "14_third", "15_no"), "links to '15_no.ipynb', which is not there"),
    (replace(6, "14_third", "12_first"), "does not link to 14_third.ipynb"),
    (replace(5, "show(2)", "def conv2d(x):\n    return x"), "cell [3] defines conv2d"),
    (replace(0, "Sliding", "Gliding"), "README.md has no line with [Gliding windows]"),
    (replace(0, "15 minutes", "20 minutes"), "12_first.ipynb has no line"),
    (replace(2, "0.25<", "sixteen<"), "'sixteen<!--= x -->' binds no number"),
    (replace(2, "= x -->", "= x) -->"), "`x)` behind 0.25 is no Python"),
    (replace(2, "## A window", "## The window"), "has no note for '## The window'"),
    (replace(2, "## A window", "## The window"), "has a note for '## A window', which"),
    (replace(0, "15 minutes", "20 minutes"), "add up to 15, and the lesson says 20"),
    (replace(5, "show(2)", 'exercises.ask("13.1")'), "exercise 13.1 is asked, but is not in"),
]


@pytest.mark.parametrize(("plant", "said"), FAULTS, ids=range(len(FAULTS)))
def test_a_planted_fault_is_found(plant, said, good, faults):
    before = copy.deepcopy(good)
    plant(good)
    assert good != before
    assert said in "\n".join(faults(good))


LINES = [
    ("| 13 | [Sliding windows](notebooks/13_second.ipynb) | 15 |", True),
    ("| 13 | [Sliding windows](notebooks/13_second.ipynb) | 20 |", False),
    ("| 13 | [Windows](notebooks/13_second.ipynb) | 15 |", False),
    ("| 13 | [Sliding windows](notebooks/14_third.ipynb) | 15 |", False),
    ("Sliding windows, 15 minutes", False),
]


@pytest.mark.parametrize(("line", "listed"), LINES)
def test_a_listing_gives_link_title_and_minutes(good, faults, line, listed):
    faults.readme.write_text(line, encoding="utf-8")
    assert (faults(good) == []) is listed


def test_a_forgotten_number_in_the_notes_is_found(good, faults):
    faults.notes.write_text(faults.notes.read_text("utf-8") + "many<!--= n -->", encoding="utf-8")
    assert ["the notes" in said for said in faults(good)] == [True]


def stored(number: int) -> dict:
    return rules.load(next(FOLDER.glob(f"{number:02}_*.ipynb")))


@pytest.mark.parametrize(
    ("change_cells", "said"),
    [
        (lambda cells: [c for c in cells if "max_pool)" not in joined(c)], "5.2 is missing"),
        (lambda cells: cells[:-14] + cells[:-15:-1], "the exercises stand in the order 5.4, 5.3"),
        (lambda cells: swapped(cells, "### 5.2 · Max", "### 5.2 · Min"), "5.2 has no text before"),
        (lambda cells: swapped(cells, "def max_pool(x)", "def pool(x)"), "5.2 has no cell, tagged"),
        (lambda cells: swapped(cells, "without a loop", "with one", "outputs"), "what 5.2 asks"),
    ],
    ids=range(5),
)
def test_what_is_asked_stands_in_the_lesson(change_cells, said, tmp_path):
    lesson = stored(5)
    path = tmp_path / "05_x.ipynb"
    path.write_text(json.dumps(lesson | {"cells": change_cells(lesson["cells"])}))
    assert said in "\n".join(rules.find_bad_exercises(rules.Lesson(path)))


def joined(cell: dict) -> str:
    return rules.source_of(cell)


def swapped(cells: list[dict], old: str, new: str, where: str = "source") -> list[dict]:
    texts = [json.dumps(cell.get(where, []), ensure_ascii=False) for cell in cells]
    return [c | {where: json.loads(t.replace(old, new))} for c, t in zip(cells, texts, strict=True)]


def run_lesson(folder: Path, name: str) -> str:
    """Test a lesson as lessons are tested."""
    options = ["--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, name],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout


def test_a_lessons_own_test_runs_its_rules_and_compares_its_claims(good, faults, tmp_path):
    conftest = (FOLDER / "conftest.py").read_text("utf-8")
    conftest = conftest.replace("Path(__file__).resolve().parent.parent", f"Path({str(PROJECT)!r})")
    (faults.folder / "conftest.py").write_text(conftest, encoding="utf-8")
    (faults.folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    good["cells"][1]["source"] = ["x = 0.25\nn = 16"]
    good["cells"][3] |= {"source": ["n = 17"], "outputs": []}
    good["cells"][5] |= {"source": ["n = 0"], "outputs": []}
    replace(4, "Another", "17<!--= n --> of 16<!--= n - 1 -->, 34<!--= 2 * n -->")(good)
    faults(good)
    assert "1 failed, 3 passed" in run_lesson(faults.folder, "13_second.ipynb")  # no notes here
    replace(4, "16<", "15<")(good)
    replace(2, "= x -->", "= gone -->")(good)
    del good["cells"][6]
    faults(good)
    said = run_lesson(faults.folder, "13_second.ipynb")
    assert "the section 'Takeaways' is missing\n" in said
    assert "after Cell [2]: the text says 15 in '…17 of 15" in said
    assert "`n - 1` is 16" in said
    assert "after Cell [1]: the text says 0.25 in" in said
    assert "`gone` raises NameError" in said
