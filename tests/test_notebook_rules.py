"""The lessons' own test holds them to rules, and each rule finds the faults it is for."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import sys
from functools import reduce
from operator import getitem
from pathlib import Path

import nbformat.v4 as v4
import notebook_rules as rules
import pytest

from cnn_basics.authoring.refresh import KERNEL

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "notebooks"


def test_lessons_are_numbered_from_00():
    names = sorted(path.name for path in FOLDER.glob("[0-9]*.ipynb"))
    assert [name[:2] for name in names] == [f"{number:02}" for number in range(len(names))]


def html(text):
    return v4.new_output("display_data", data={"text/html": text})


def picture(alt):
    metadata = {"image/png": {"alt": alt}}
    return v4.new_output("display_data", data={"image/png": "iVBORw0KGgo="}, metadata=metadata)


def printed(text, name="stdout"):
    return v4.new_output("stream", text=text, name=name)


HEAD = "# 13 · Sliding windows\n\n- see it\n- do it\n\n15 minutes"
LINKED = (
    "## A window\n\nSee https://example.org, [that](https://example.org/a), and a "
    "[frame](glossary.ipynb#frame) of 3<!-- no claim -->, or 0.25<!--= x -->."
)
END = "## Takeaways\n- a\n\n## Common mistakes\n- b\n\n[x](12_first.ipynb) [next](14_third.ipynb)"
SOURCES = [
    HEAD,
    f"{rules.GUARD}import torch\n\n_ = torch.manual_seed(0)",
    LINKED,
    "show(1)\nprint(0.25)",
    "Another, with `<img src='http://x'>` and\n\n```html\n# no heading\n```",
    "show(2)",
    END,
]
NOTES = """\
# 13 · Sliding windows
9 minutes
## A window
4 minutes
## Takeaways
1 minute
## Common mistakes
1 minute
"""


@pytest.fixture
def good():
    """A lesson that keeps every rule, as `13_second`, between `12_first` and `14_third`."""
    new = (v4.new_markdown_cell, v4.new_code_cell)
    cells = [new[k % 2](text, id="abcdefg"[k]) for k, text in enumerate(SOURCES)]
    for count, cell in enumerate(cells[1::2], 1):
        cell.execution_count = count
    cells[3].outputs = [picture("A 3×3 window in the top left"), printed("0.2500\n")]
    cells[5].outputs = [picture("The same window, one pixel to the right")]
    metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    return v4.new_notebook(cells=cells, metadata=metadata)


@pytest.fixture
def faults(tmp_path, monkeypatch):
    """Store a lesson in a project of its own, and return its faults."""
    folder = tmp_path / "notebooks"
    monkeypatch.setattr("cnn_basics.authoring.claims.NOTES", tmp_path)
    monkeypatch.setattr(rules, "public_names", lambda: {"conv2d"})
    folder.mkdir()

    def store(name, text):
        cells = [v4.new_markdown_cell(text)]
        (folder / f"{name}.ipynb").write_text(v4.writes(v4.new_notebook(cells=cells)), "utf-8")

    store("12_first", "[Sliding windows](13_second.ipynb), 15 minutes")
    store("14_third", "")
    store("glossary", "### frame\n\nWhat is around.")
    readme, notes = tmp_path / "README.md", tmp_path / "13_second.md"
    readme.write_text("[Sliding windows](notebooks/13_second.ipynb), 15 minutes", "utf-8")
    notes.write_text(NOTES, "utf-8")

    def find(nb):
        path = folder / "13_second.ipynb"
        path.write_text(v4.writes(nb), "utf-8")
        return rules.faults(path)

    find.readme, find.folder, find.notes = readme, folder, notes
    return find


def test_a_good_lesson_keeps_every_rule(good, faults):
    assert faults(good) == []
    for hidden, head in ((True, "draw()\n"), (False, "def f():\n")):  # these may be longer
        good.cells[5].source = head + "    1\n" * 29
        good.cells[5].metadata.jupyter = {"source_hidden": hidden}
        assert faults(good) == []
    good.cells[5].source = "# NBVAL_IGNORE_OUTPUT\nshow(2)  # because a clock differs"
    put(3, ERROR)(good)
    good.cells[3].metadata.tags = ["raises-exception"]
    assert faults(good) == []


def change(*path, to):
    """Plant a fault: another value at `path`."""
    return lambda nb: reduce(getitem, path[:-1], nb).update({path[-1]: to})


def replace(cell, old, new):
    """Plant a fault: other text in the source of one cell."""
    return change("cells", cell, "source", to=SOURCES[cell].replace(old, new))


def put(cell, output):
    """Plant a fault: one more output of one cell."""
    return lambda nb: nb.cells[cell].outputs.append(output)


ERROR = v4.new_output("error", ename="ValueError")
ALT = "a grey cat on a mat"
FAULTS = [
    (change("cells", 3, "execution_count", to=None), "cell [2] was not run"),
    (change("cells", 5, "execution_count", to=4), "cell [3] was run as number 4"),
    (put(3, ERROR), "cell [2] stores an error"),
    (change("cells", 3, "metadata", to={"tags": ["raises-exception"]}), "stores no error"),
    (put(3, printed("UserWarning", "stderr")), "cell [2] stores stderr"),
    (change("cells", 5, "source", to="\n"), "cell [3] is empty"),
    (change("cells", 4, "source", to=""), "text below [2] is empty"),
    (change("cells", 5, "source", to="x = 1\n" * 16), "cell [3] has 16 lines, over 15"),
    (change("cells", 5, "source", to="def f():\n" + "    1\n" * 30), "31 lines, over 30"),
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
    (put(3, v4.new_output("display_data", {"image/gif": ""})), "say what it shows"),
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
    (put(3, v4.new_output("error", traceback=["File /usr/lib/x.py:3"])), "cell [2] stores '/usr"),
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


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        ("| 13 | [Sliding windows](notebooks/13_second.ipynb) | 15 |", True),
        ("| 13 | [Sliding windows](notebooks/13_second.ipynb) | 20 |", False),
        ("| 13 | [Windows](notebooks/13_second.ipynb) | 15 |", False),
        ("| 13 | [Sliding windows](notebooks/14_third.ipynb) | 15 |", False),
        ("Sliding windows, 15 minutes", False),
    ],
)
def test_a_listing_gives_link_title_and_minutes(good, faults, line, listed):
    faults.readme.write_text(line, encoding="utf-8")
    assert (faults(good) == []) is listed


def test_a_forgotten_number_in_the_notes_is_found(good, faults):
    faults.notes.write_text(f"{NOTES}many<!--= n -->", encoding="utf-8")
    assert ["the notes" in said for said in faults(good)] == [True]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r"exercises\.check\(\S+ max_pool", "print(", "5.2 is missing"),
        (r"5\.([34])", lambda found: f"5.{7 - int(found[1])}", "in the order 5.1, 5.2, 5.4, 5.3"),
        ("### 5.2 · Max", "### 5.2 · Min", "5.2 has no text before"),
        (r"def max_pool\(x\)", "def pool(x)", "5.2 has no cell, tagged"),
        (r"Write `max_pool\(x\)`", "Write", "what 5.2 asks"),
    ],
)
def test_what_is_asked_stands_in_the_lesson(old, new, said, tmp_path):
    (lesson,) = FOLDER.glob("05_*.ipynb")
    path = tmp_path / lesson.name
    path.write_text(re.sub(old, new, lesson.read_text("utf-8")), "utf-8")
    assert said in "\n".join(rules.find_bad_exercises(rules.Lesson(path)))


def test_a_lessons_own_test_runs_its_rules_and_compares_its_claims(good, faults):
    def run_lesson():
        """Test the lesson as lessons are tested, but without its notes."""
        faults(good)
        line = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q"]
        line += ["-p", "no:cacheprovider", "-p", "no:xdist", "13_second.ipynb"]
        paths = {"PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])}
        settings = {"cwd": faults.folder, "env": os.environ | paths, "timeout": 120}
        return subprocess.run(line, **settings, capture_output=True, text=True).stdout

    shutil.copy(FOLDER / "conftest.py", faults.folder)
    good.cells[1].source = "x = 0.25\nn = 16"
    good.cells[3].update(source="n = 17", outputs=[])
    good.cells[5].update(source="n = 0", outputs=[])
    replace(4, "Another", "17<!--= n --> of 16<!--= n - 1 -->, 34<!--= 2 * n -->")(good)
    assert "1 failed, 3 passed" in run_lesson()
    replace(4, "Another", "17<!--= n --> of 15<!--= n - 1 -->, 34<!--= 2 * n -->")(good)
    replace(2, "= x -->", "= gone -->")(good)
    del good.cells[6]
    said = run_lesson()
    for words in (
        "the section 'Takeaways' is missing\n",
        "after Cell [2]: the text says 15 in '…17 of 15",
        "`n - 1` is 16",
        "after Cell [1]: the text says 0.25 in",
        "`gone` raises NameError",
    ):
        assert words in said
