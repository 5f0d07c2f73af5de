"""Each rule of `notebook_rules` accepts a good notebook and finds the faults it is for."""

from __future__ import annotations

import copy

import notebook_rules as rules
import pytest


def markdown(text: str, cell_id: str) -> dict:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": [text]}


def code(text: str, cell_id: str, count: int, outputs: list[dict]) -> dict:
    cell = {"cell_type": "code", "id": cell_id, "metadata": {}, "source": [text]}
    return cell | {"execution_count": count, "outputs": outputs}


def picture(alt: str) -> dict:
    data = {"image/png": "iVBORw0KGgo=", "text/plain": ["LessonFigure"]}
    return {"output_type": "display_data", "data": data, "metadata": {"image/png": {"alt": alt}}}


@pytest.fixture
def good():
    """A notebook that keeps every rule, as `01_second`, between `00_first` and `02_third`."""
    end = "## Takeaways\n- a\n\n## Common mistakes\n- b"
    end += "\n\n[before](00_first.ipynb) [next](02_third.ipynb)"
    text = {"output_type": "stream", "name": "stdout", "text": ["0.2500\n"]}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": dict(rules.KERNEL), "language_info": {"name": "python"}},
        "cells": [
            markdown("# 1 · Sliding windows\n\n- see it\n- do it\n\n15 minutes", "a"),
            code(f"{rules.GUARD}import torch\n\n_ = torch.manual_seed(0)", "b", 1, []),
            markdown(
                "## A window\n\nSee https://example.org and [that](https://example.org/a).", "c"
            ),
            code("show(1)\nprint(0.25)", "d", 2, [picture("A 3×3 window in the top left"), text]),
            markdown("Another, with `<img src='http://x'>` and\n\n```html\n# no heading\n```", "e"),
            code("show(2)", "f", 3, [picture("The same window, one pixel to the right")]),
            markdown(end, "g"),
        ],
    }


ALL_RULES = [
    *rules.RULES,
    lambda nb: rules.find_bad_title(nb, "01_second"),
    lambda nb: rules.find_missing_neighbours(
        nb, "01_second", ["00_first", "01_second", "02_third"]
    ),
    lambda nb: rules.find_repeated_definitions(nb, {"conv2d"}),
]


@pytest.mark.parametrize("rule", ALL_RULES)
def test_a_good_notebook_keeps_every_rule(rule, good):
    assert rule(good) == []


@pytest.mark.parametrize("folded", [False, True])
def test_definitions_and_folded_cells_may_be_longer(good, folded):
    first = "draw()\n" if folded else "def f():\n"
    good["cells"][5]["source"] = [first, *["    1\n"] * 29]
    good["cells"][5]["metadata"]["jupyter"] = {"source_hidden": folded}
    assert rules.find_long_cells(good) == []


def replace(cell: int, old: str, new: str):
    """Plant a fault: other text in the source of one cell."""

    def plant(nb):
        text = rules.source(nb["cells"][cell])
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


def html(text: str) -> dict:
    return {"output_type": "display_data", "data": {"text/html": [text]}, "metadata": {}}


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["no"]}
STDERR = {"output_type": "stream", "name": "stderr", "text": "UserWarning"}
PATH = {"output_type": "stream", "name": "stdout", "text": "/home/ann/lessons/cat.png"}
WINDOWS_PATH = {"output_type": "stream", "name": "stdout", "text": r"C:\lessons\cat.png"}
ADDRESS = {"output_type": "stream", "name": "stdout", "text": "<object at 0x7f22a0b1c2d0>"}
LONG_ALT = "a grey cat on a mat"
FAULTS = [
    (rules.find_wrong_order, change("cells", 3, "execution_count", to=None)),
    (rules.find_wrong_order, change("cells", 5, "execution_count", to=4)),
    (rules.find_errors, put(3, ERROR)),
    (rules.find_errors, change("cells", 3, "metadata", to={"tags": ["raises-exception"]})),
    (rules.find_stderr, put(3, STDERR)),
    (rules.find_empty_cells, change("cells", 5, "source", to=["\n"])),
    (rules.find_empty_cells, change("cells", 4, "source", to=[])),
    (rules.find_long_cells, change("cells", 5, "source", to=["x = 1\n"] * 16)),
    (rules.find_long_cells, change("cells", 5, "source", to=["def f():\n", *["    1\n"] * 30])),
    (rules.find_remote, replace(2, "See", f"![{LONG_ALT}](https://example.org/a.gif)")),
    (rules.find_remote, replace(2, "See", f"![{LONG_ALT}](//example.org/a.gif)")),
    (rules.find_remote, replace(2, "See", f"![{LONG_ALT}][pic]\n\n[pic]: https://example.org/a\n")),
    (rules.find_remote, replace(2, "See", "![pic][]\n\n[pic]: https://example.org/a\n")),
    (rules.find_remote, replace(2, "See", f"<img alt='{LONG_ALT}' src='https://example.org/a'>")),
    (rules.find_remote, replace(2, "See", "<iframe srcdoc='x'></iframe>")),
    (rules.find_remote, replace(2, "See", "<style>p {background: url(https://x.org/a)}</style>")),
    (rules.find_remote, put(3, html("<script>fetch('//x')</script>"))),
    (rules.find_remote, put(3, html("<link rel=stylesheet href='https://example.org/a.css'>"))),
    (rules.find_remote, put(3, html("<style>@import 'https://example.org/a.css'</style>"))),
    (rules.find_remote, replace(5, "show(2)", "read('https://example.org/cat.png')")),
    (rules.find_missing_alt, put(3, picture(""))),
    (rules.find_missing_alt, put(3, picture("Figure 1"))),
    (rules.find_missing_alt, put(3, {"output_type": "display_data", "data": {"image/gif": ""}})),
    (rules.find_missing_alt, put(3, html("<img src='data:image/png;base64,'>"))),
    (rules.find_missing_alt, replace(2, "See", "![](attachment:a.png)")),
    (rules.find_missing_alt, replace(2, "See", "<img src='a.png' alt=''>")),
    (rules.find_shared_alt, put(5, picture("A 3×3 window in the top left"))),
    (rules.find_missing_sections, replace(6, "## Takeaways", "## The end")),
    (rules.find_missing_sections, replace(6, "## Common mistakes", "## The end")),
    (rules.find_heading_jumps, replace(2, "## A", "### A")),
    (rules.find_heading_jumps, replace(6, "## Takeaways", "# Takeaways")),
    (rules.find_unexplained_code, lambda nb: nb["cells"].pop(4)),
    (rules.find_pyplot, replace(1, "import torch", "import matplotlib.pyplot as plt")),
    (rules.find_pyplot, replace(1, "import torch", "%matplotlib inline")),
    (rules.find_trailing_semicolons, replace(5, "show(2)", "show(2);")),
    (rules.find_unguarded, replace(1, "try:", "if True:")),
    (rules.find_unseeded, replace(1, "_ = torch.manual_seed(0)", "x = torch.rand(3)")),
    (rules.find_unreasoned_skips, replace(5, "show(2)", "# NBVAL_IGNORE_OUTPUT\nshow(2)")),
    (rules.find_unreasoned_skips, change("cells", 5, "metadata", to={"tags": ["nbval-skip"]})),
    (rules.find_machine_traces, put(3, PATH)),
    (rules.find_machine_traces, put(3, WINDOWS_PATH)),
    (rules.find_machine_traces, put(3, ADDRESS)),
    (rules.find_machine_traces, put(3, ERROR | {"traceback": ["File /usr/lib/x.py:3"]})),
    (rules.find_unstable_metadata, change("metadata", "kernelspec", "name", to="conda-env-x")),
    (rules.find_unstable_metadata, change("metadata", "language_info", "version", to="3.11.7")),
    (rules.find_unstable_metadata, change("metadata", "widgets", to={})),
    (rules.find_unstable_metadata, change("cells", 3, "metadata", to={"execution": {}})),
    (rules.find_format_faults, change("nbformat_minor", to=4)),
    (rules.find_format_faults, change("cells", 3, "id", to="a")),
    (ALL_RULES[-3], replace(0, "# 1 ·", "# 2 ·")),
    (ALL_RULES[-3], replace(0, "15 minutes", "")),
    (ALL_RULES[-3], replace(0, "- see it\n- do it", "See it.")),
    (ALL_RULES[-2], replace(6, "00_first", "02_third")),
    (ALL_RULES[-2], replace(6, "02_third", "00_first")),
    (ALL_RULES[-1], replace(5, "show(2)", "def conv2d(x):\n    return x")),
]


@pytest.mark.parametrize(("rule", "plant"), FAULTS)
def test_a_rule_finds_the_planted_fault(rule, plant, good):
    before = copy.deepcopy(good)
    plant(good)
    assert good != before
    assert rule(good) != []


def test_every_rule_has_a_planted_fault():
    assert {rule for rule, _ in FAULTS} == set(ALL_RULES)


def test_a_skip_with_its_reason_is_accepted(good):
    replace(5, "show(2)", "# NBVAL_IGNORE_OUTPUT\nshow(2)  # because a clock differs")(good)
    assert rules.find_unreasoned_skips(good) == []


def test_an_error_that_its_cell_asks_for_is_accepted(good):
    put(3, ERROR, tags=["raises-exception"])(good)
    assert rules.find_errors(good) == []


def test_broken_links_are_found(good, tmp_path):
    (tmp_path / "00_first.ipynb").touch()
    assert rules.find_broken_links(good, tmp_path) == [
        "cell 6 links to '02_third.ipynb', which is not there"
    ]
    (tmp_path / "02_third.ipynb").touch()
    assert rules.find_broken_links(good, tmp_path) == []


@pytest.mark.parametrize(
    ("line", "listed"),
    [
        ("| 1 | [Sliding windows](notebooks/01_second.ipynb) | 15 |", True),
        ("1. [Sliding windows](notebooks/01_second.ipynb), 15 minutes", True),
        ("| 1 | [Sliding windows](notebooks/01_second.ipynb) | 20 |", False),
        ("| 1 | [Windows](notebooks/01_second.ipynb) | 15 |", False),
        ("| 1 | [Sliding windows](notebooks/02_third.ipynb) | 15 |", False),
        ("Sliding windows, 15 minutes", False),
    ],
)
def test_a_listing_gives_link_title_and_minutes(good, line, listed):
    found = rules.find_unlisted(good, "01_second", line, "notebooks/")
    assert (found == []) is listed


def test_size_is_limited():
    assert rules.find_oversize(rules.LARGEST_FILE) == []
    assert "1000001 bytes" in rules.find_oversize(rules.LARGEST_FILE + 1)[0]
