"""Each lesson links the first use of each term, and each link leads to a term."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat.v4 as v4
import notebook_rules as rules
import pytest

from cnn_basics.authoring import glossary
from cnn_basics.authoring.glossary import (
    GLOSSARY,
    Term,
    find_lost_links,
    find_unlinked,
    first_uses,
    link_terms,
    read_terms,
)

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = {path.stem: rules.load(path) for path in sorted(FOLDER.glob("[0-9]*.ipynb"))}
TERMS = read_terms()
FEW = [
    Term("pooling", ("pooling",)),
    Term("max pooling", ("max pooling",)),
    Term("axis", ("axis", "axes")),
    Term("ReLU", ("ReLU",)),
]

lessons = pytest.mark.parametrize("name", NOTEBOOKS)


@lessons
def test_every_first_use_is_a_link(name):
    unlinked = find_unlinked(name, NOTEBOOKS[name]["cells"], TERMS)
    said = [f"cell {use.cell}: {use.term.name}" for use in unlinked]
    assert said == [], "link them with: python -m cnn_basics.authoring.glossary"


@lessons
def test_every_link_leads_to_a_term(name):
    assert find_lost_links(NOTEBOOKS[name]["cells"], TERMS) == []


@lessons
def test_linking_again_changes_nothing(name):
    cells = json.loads(json.dumps(NOTEBOOKS[name]["cells"]))
    assert link_terms(name, cells, TERMS) > 5
    assert [rules.source(cell) for cell in cells] == [
        rules.source(cell) for cell in NOTEBOOKS[name]["cells"]
    ]


def test_every_term_is_used_and_its_lesson_says_so():
    used = {
        (use.term.name, name)
        for name, notebook in NOTEBOOKS.items()
        for use in first_uses(notebook["cells"], TERMS)
    }
    assert {term.name for term in TERMS} == {name for name, _ in used}
    assert len(TERMS) >= 60


def test_terms_are_unique_and_in_order():
    names = [term.name for term in TERMS]
    forms = [form.lower() for term in TERMS for form in term.forms]
    assert len(set(forms)) == len(forms)
    initials = [name[0].upper() for name in names]
    assert initials == sorted(initials)


def test_the_glossary_keeps_the_rules_of_notebooks():
    notebook = rules.load(GLOSSARY)
    for rule in (rules.find_empty_cells, rules.find_remote, rules.find_unstable_metadata):
        assert rule(notebook) == []
    assert rules.find_heading_jumps(notebook) == []
    assert rules.find_broken_links(notebook, FOLDER) == []


def test_each_entry_says_where_the_term_is_first_met():
    text = "\n".join(map(rules.source, rules.load(GLOSSARY)["cells"]))
    for entry in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        found = re.search(r"First met in \[lesson (\d+)\]\((\d\d)_\w+\.ipynb\)\.", entry)
        assert found, entry
        assert int(found[1]) == int(found[2])


def uses(*texts: str) -> list[tuple[str, int, bool]]:
    cells = [v4.new_markdown_cell(text) for text in ("# 1 · Title, pooling", *texts)]
    return [(use.term.name, use.cell, use.linked) for use in first_uses(cells, FEW)]


def test_the_longest_term_counts():
    assert uses("Max pooling first.", "Then pooling.") == [
        ("max pooling", 1, False),
        ("pooling", 2, False),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "`pooling`",
        "```\npooling\n```",
        "## About pooling",
        "[pooling](05_pooling_and_stride.ipynb)",
        "<details><summary>Answer</summary>\n\npooling\n\n</details>",
        "1<!--= pooling -->",
        "unpooling or pooling-like",
        "![A picture of pooling.](x.png)",
    ],
)
def test_what_is_no_running_text_does_not_count(text):
    assert uses(text) == []


def test_links_count_where_they_lead_to_the_term():
    assert uses("[Pooling](glossary.ipynb#pooling)") == [("pooling", 1, True)]
    assert uses("[Pooling](glossary.ipynb#axis)") == [("pooling", 1, False)]


def test_plurals_and_proper_names():
    assert uses("Two axes, relu and ReLU.") == [("axis", 1, False), ("ReLU", 1, False)]
    assert uses("Nothing here: relu.") == []


def test_references_do_not_count():
    assert uses("Two axes.\n\n## References\n\n- On pooling.", "pooling") == [("axis", 1, False)]


def test_linking_makes_first_uses_links_and_undoes_later_ones():
    texts = ["# 1 · T", "Pooling, axes.", "[pooling](glossary.ipynb#pooling) and ReLU"]
    cells = [v4.new_markdown_cell(text) for text in texts]
    assert link_terms("01_x", cells, FEW) == 3
    assert [rules.source(cell) for cell in cells] == [
        "# 1 · T",
        "[Pooling](glossary.ipynb#pooling), [axes](glossary.ipynb#axis).",
        "pooling and [ReLU](glossary.ipynb#ReLU)",
    ]


def test_a_removed_link_is_found():
    cells = json.loads(json.dumps(NOTEBOOKS["05_pooling_and_stride"]["cells"]))
    for cell in cells:
        text = rules.source(cell)
        cell["source"] = text.replace("[stride](glossary.ipynb#stride)", "stride")
    assert [use.term.name for use in find_unlinked("05_x", cells, TERMS)] == ["stride"]


def test_a_link_to_nowhere_is_found():
    cells = [v4.new_markdown_cell("[pool](glossary.ipynb#pool)")]
    assert find_lost_links(cells, TERMS) == ["pool"]


def test_the_command_names_what_it_does_not_find_and_helps(capsys):
    assert glossary.main(["nope"]) == 1
    assert capsys.readouterr().err == "glossary: there is no notebook nope\n"
    assert glossary.main(["--help"]) == 0
    assert "usage" in capsys.readouterr().out


def test_the_command_links_a_lesson(tmp_path, capsys):
    path = tmp_path / "03_x.ipynb"
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell(t) for t in ("# 3 · T", "A stride.")])
    path.write_text(v4.writes(notebook), encoding="utf-8")
    assert glossary.main([str(path)]) == 0
    assert capsys.readouterr().out == "03_x.ipynb: 1 terms linked\n"
    assert "[stride](glossary.ipynb#stride)" in path.read_text(encoding="utf-8")
