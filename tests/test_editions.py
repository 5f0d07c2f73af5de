"""Every edition comes from the same notebooks, and keeps what it must not tell to itself."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat
import nbformat.v4 as v4
import pytest

from cnn_basics.authoring import editions
from cnn_basics.authoring.claims import LessonError, Note, read_notes
from cnn_basics.authoring.editions import add_notes
from cnn_basics.authoring.refresh import KERNEL
from cnn_basics.exercises.content import LESSONS, Exercise, of_lesson

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NAMES = [path.stem for path in sorted(FOLDER.glob("[0-9]*.ipynb"))]
CANARY = "canary-3f9a"
SOLUTION = """
def count_windows(size, kernel_size, stride):
    return (size - kernel_size) // stride + 1  # canary-3f9a


from IPython.display import display
dot = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
display({"image/png": dot}, raw=True, metadata={"image/png": {"alt": "canary-3f9a picture"}})
print("canary-3f9a printed")
"""

lessons = pytest.mark.parametrize("name", NAMES)


def read(name: str):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


@lessons
def test_notes_tell_no_solution(name):
    said = " ".join(note.text for note in read_notes(name))
    for asked in of_lesson(int(name[:2])) if int(name[:2]) in LESSONS else ():
        if isinstance(asked, Exercise):
            lines = [line.strip() for line in asked.solution.splitlines()[1:]]
            assert not [line for line in lines if len(line) > 20 and line in said]


def test_notes_stand_behind_their_headings_with_the_time_that_has_passed(monkeypatch):
    notes = [Note("# 1 · T", 2, "Say hello."), Note("## Two", 1, "Ask.")]
    monkeypatch.setattr("cnn_basics.authoring.editions.read_notes", lambda lesson: notes)
    texts = ("# 1 · T\n\ntext", "more", "## Two")
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(text) for text in texts])
    add_notes(notebook, "01_t", visible=False)
    assert [cell.source for cell in notebook.cells] == [
        texts[0],
        "2 minutes, from minute 0.\n\nSay hello.",
        "more",
        "## Two",
        "1 minute, from minute 2.\n\nAsk.",
    ]
    assert notebook.cells[1].metadata.slideshow.slide_type == "notes"
    notes.append(Note("## Three", 1, "No."))
    with pytest.raises(LessonError, match="no such heading"):
        add_notes(notebook, "01_t", visible=True)


def test_notes_without_minutes_are_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("cnn_basics.authoring.claims.NOTES", tmp_path)
    (tmp_path / "01_x.md").write_text("# 1 · X\nsoon\n\nSay.\n", encoding="utf-8")
    with pytest.raises(LessonError, match="expected \"5 minutes\" below '# 1 · X', got 'soon'"):
        read_notes("01_x")
    assert read_notes("02_y") == []


@lessons
def test_the_learners_edition_is_what_is_shipped(name, tmp_path):
    path = FOLDER / f"{name}.ipynb"
    made = editions.build("learner", path, tmp_path)
    assert made.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES[1:])
def test_solutions_are_filled_in(name):
    notebook = read(name)
    blank = copy.deepcopy(notebook)
    editions.fill_in(notebook)
    filled = [cell for cell in notebook.cells if editions.asked_in(cell)]
    for asked, cell in zip(of_lesson(int(name[:2])), filled, strict=True):
        if isinstance(asked, Exercise):
            assert cell.source == asked.with_check(asked.solution)
            after = notebook.cells[notebook.cells.index(cell) + 1].source
            assert asked.why in after
            assert asked.wrongs[0].why in after
    kept = [cell.source for cell in blank.cells if not editions.asked_in(cell)]
    sources = [cell.source for cell in notebook.cells]
    assert [source for source in sources if source in kept] == kept


@pytest.fixture(scope="module")
def with_canary(tmp_path_factory) -> dict[str, Path]:
    """All editions of a small lesson whose solution holds a canary wherever one can sing."""
    folder = tmp_path_factory.mktemp("canary")
    asked = of_lesson(5)[0]
    cells = [
        v4.new_markdown_cell("# 5 · Small"),
        v4.new_code_cell("from cnn_basics import exercises", execution_count=1),
        v4.new_code_cell(asked.cell, execution_count=2, metadata={"tags": ["exercise"]}),
    ]
    path = folder / "small.ipynb"
    metadata = {"kernelspec": KERNEL}
    path.write_text(v4.writes(v4.new_notebook(cells=cells, metadata=metadata)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "solution", SOLUTION.strip())
        made = {}
        for edition in editions.EDITIONS:
            (made_in := folder / edition).mkdir()
            made[edition] = editions.build(edition, path, made_in)
    return made


def test_the_canary_sings_for_instructors_and_for_nobody_else(with_canary):
    told = [each for each, path in with_canary.items() if CANARY in path.read_text("utf-8")]
    assert told == ["instructor"]
    notebook = nbformat.read(with_canary["instructor"], as_version=4)
    cell = next(cell for cell in notebook.cells if editions.asked_in(cell))
    assert CANARY in cell.source
    (picture, printed) = cell.outputs
    assert picture.metadata["image/png"]["alt"] == f"{CANARY} picture"
    assert f"{CANARY} printed" in printed.text
    assert ": right\n" in printed.text


def test_a_solution_that_is_not_accepted_is_an_error(monkeypatch, tmp_path):
    asked = of_lesson(5)[0]
    cells = [
        v4.new_code_cell("from cnn_basics import exercises"),
        v4.new_code_cell(asked.cell, metadata={"tags": ["exercise"]}),
    ]
    monkeypatch.setattr(asked, "solution", asked.blank)
    with pytest.raises(LessonError, match=r"x\.ipynb: the solutions of 5\.1 were not"):
        editions.make_instructor(v4.new_notebook(cells=cells), tmp_path / "x.ipynb")


@pytest.fixture(scope="module", params=["05_pooling_and_stride", "11_your_own_photos"])
def both_pages(request) -> dict[str, str]:
    path = FOLDER / f"{request.param}.ipynb"
    return {
        "slides": editions.make_slides(read(request.param), path),
        "handout": editions.make_handout(read(request.param), path),
    }


@pytest.mark.parametrize("edition", ["slides", "handout"])
def test_pages_stand_for_themselves_and_tell_no_solution(both_pages, edition):
    page = both_pages[edition]
    loads = r"""<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=["']([^"']*)"""
    for target in re.findall(loads, page):
        assert target.startswith(("data:", "reveal.js/", "deck/")), target[:80]
    assert not re.search(r"""(?:@import|url\(|\bfrom)\s*["']?https?:""", page)
    alts = [re.search(r'alt="([^"]*)"', each)[1] for each in re.findall(r"<img\b[^>]*>", page)]
    assert len(alts) >= 10
    assert min(map(len, alts)) >= 20
    for asked in (*of_lesson(5), *of_lesson(11)):
        if isinstance(asked, Exercise):
            assert asked.solution.splitlines()[-1] not in page
            assert asked.why not in page
    targets = re.findall(r'href="([^"#:]+)(?:#[^"]*)?"', page)
    linked = [target for target in targets if re.match(r"\d\d_|glossary", target)]
    assert len(linked) >= 2
    assert all(target.endswith(".html") for target in linked)


def test_pages_show_what_folded_cells_draw_but_not_how():
    cell = v4.new_code_cell("draw_it()", metadata={"jupyter": {"source_hidden": True}})
    cell.outputs = [v4.new_output("stream", text="drawn")]
    notebook = v4.new_notebook(cells=[cell])
    page = editions.make_handout(notebook, Path("x.ipynb"))
    assert "drawn" in page
    assert "draw_it" not in page


def test_notes_are_in_slides_and_a_handout_breaks_long_lines(both_pages):
    words = ('<aside class="notes">', "from minute", "<script")
    assert [word in both_pages["slides"] for word in words] == [True, True, True]
    assert [word in both_pages["handout"] for word in words] == [False, False, False]
    rule = re.search(r"RenderedText pre, \.highlight pre \{([^}]*)\}", both_pages["handout"])
    assert "white-space: pre-wrap" in rule[1]


def test_decks_get_what_they_load(tmp_path):
    editions.copy_assets(tmp_path)
    assert (tmp_path / "reveal.js/dist/reveal.js").stat().st_size > 10_000
    assert (tmp_path / "reveal.js/plugin/notes/notes.js").is_file()
    assert {path.name for path in (tmp_path / "deck").iterdir()} == {"deck.css", "deck.js"}


def test_without_reveal_it_is_said_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(LessonError, match=r'pip install -e "\.\[editions\]"'):
        editions.copy_assets(tmp_path)


class TestCommand:
    def test_it_builds_and_says_where(self, tmp_path, capsys):
        path = FOLDER / "05_pooling_and_stride.ipynb"
        asked = ["handout", "--output", str(tmp_path / "new"), str(path)]
        assert editions.main(asked) == 0
        assert [made.name for made in (tmp_path / "new").iterdir()] == [f"{path.stem}.html"]
        assert f"handout: 1 of 1 in {tmp_path / 'new'}" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["slides", "99_no.ipynb"], "there is no notebook 99_no.ipynb"),
            (["learner", "--output", str(FOLDER)], "expected a folder other than"),
        ],
    )
    def test_what_goes_wrong_is_one_sentence(self, arguments, said, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert editions.main(arguments) == 1
        assert said in capsys.readouterr().err

    def test_help_names_every_edition_and_without_names_it_is_all_lessons(self, capsys):
        with pytest.raises(SystemExit):
            editions.main(["--help"])
        said = capsys.readouterr().out
        assert all(f"  {edition} " in said for edition in editions.EDITIONS)
        assert {path.stem for path in editions.parse(["slides"]).notebooks} >= set(NAMES)
