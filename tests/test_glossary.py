"""Each lesson links the first use of each term, and each link leads to a term."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat.v4 as v4
import notebook_rules as rules
import pytest

from cnn_basics.authoring import glossary
from cnn_basics.authoring.glossary import GLOSSARY, Term, first_uses, link_terms, read_terms

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = {path.stem: rules.load(path) for path in sorted(FOLDER.glob("[0-9]*.ipynb"))}
TERMS = read_terms()
FORMS = (("pooling",), ("max pooling",), ("axis", "axes"), ("ReLU",))
FEW = [Term(forms[0], forms) for forms in FORMS]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_linking_again_changes_nothing(name):
    """Else run `python -m cnn_basics.authoring.glossary`: it links first uses and no others."""
    cells = json.loads(json.dumps(NOTEBOOKS[name]["cells"]))
    assert link_terms(name, cells, TERMS) > 5
    assert list(map(rules.source_of, cells)) == list(map(rules.source_of, NOTEBOOKS[name]["cells"]))


def test_terms_are_unique_in_order_and_used():
    names = [term.name for term in TERMS]
    forms = [form.lower() for term in TERMS for form in term.forms]
    assert len(set(forms)) == len(forms)
    initials = [name[0].upper() for name in names]
    assert initials == sorted(initials)
    lessons = [first_uses(notebook["cells"], TERMS) for notebook in NOTEBOOKS.values()]
    assert {use.term.name for uses in lessons for use in uses} == set(names)
    assert len(TERMS) >= 60


def test_the_glossary_keeps_the_rules_of_notebooks():
    lesson = rules.Lesson(GLOSSARY)
    assert not [*rules.find_what_never_stands_there(lesson), *rules.find_unstable_format(lesson)]
    for _, target in lesson.links:
        assert (FOLDER / target).exists()
    for entry in re.split(r"^### ", "\n".join(t for _, t in lesson.texts), flags=re.M)[1:]:
        found = re.search(r"First met in \[lesson (\d+)\]\((\d\d)_\w+\.ipynb\)\.", entry)
        assert found, entry
        assert int(found[1]) == int(found[2])


def uses(*texts: str) -> list[tuple[str, int]]:
    cells = [v4.new_markdown_cell(text) for text in ("# 1 · Title, pooling", *texts)]
    return [(use.term.name, use.cell) for use in first_uses(cells, FEW)]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Max pooling first.", "Then pooling."], [("max pooling", 1), ("pooling", 2)]),
        (["[Pooling](glossary.ipynb#pooling)"], [("pooling", 1)]),
        (["Two axes, relu and ReLU."], [("axis", 1), ("ReLU", 1)]),
        (["Two axes.\n\n## References\n\n- On pooling.", "pooling"], [("axis", 1)]),
        (["Nothing here: relu."], []),
        (["`pooling`"], []),
        (["```\npooling\n```"], []),
        (["## About pooling"], []),
        (["[pooling](05_pooling_and_stride.ipynb)"], []),
        (["<details><summary>Answer</summary>\n\npooling\n\n</details>"], []),
        (["1<!--= pooling -->"], []),
        (["unpooling or pooling-like"], []),
        (["![A picture of pooling.](x.png)"], []),
    ],
)
def test_first_uses(texts, found):
    assert uses(*texts) == found


def test_linking_makes_first_uses_links_and_undoes_later_ones():
    texts = ["# 1 · T", "Pooling, axes.", "[pooling](glossary.ipynb#pooling) and ReLU"]
    cells = [v4.new_markdown_cell(text) for text in texts]
    assert link_terms("01_x", cells, FEW) == 3
    assert [rules.source_of(cell) for cell in cells] == [
        "# 1 · T",
        "[Pooling](glossary.ipynb#pooling), [axes](glossary.ipynb#axis).",
        "pooling and [ReLU](glossary.ipynb#ReLU)",
    ]


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
