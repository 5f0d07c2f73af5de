"""The stored lessons keep the rules of `notebook_rules`."""

from __future__ import annotations

import ast
from pathlib import Path

import notebook_rules as rules
import pytest

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "notebooks"
ALL_LESSONS = [
    "00_start_here",
    "01_images_and_channels",
    "02_fully_connected_layer",
    "03_convolution_layer",
    "04_reshaping",
    "05_pooling_and_stride",
    "06_activation_and_normalization",
    "07_custom_cnn",
    "08_forward_and_backward",
    "09_training",
    "10_looking_inside",
    "11_your_own_photos",
    "12_fast_convolution",
]
LESSONS = sorted(path.stem for path in FOLDER.glob("[0-9]*.ipynb"))
NOTEBOOKS = {name: rules.load(FOLDER / f"{name}.ipynb") for name in LESSONS}
PUBLIC = {
    node.name
    for path in (PROJECT / "cnn_basics").rglob("*.py")
    if not path.name.startswith("lesson_")  # solutions have the names that learners give answers
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
}

lessons = pytest.mark.parametrize("name", LESSONS)


def test_the_lessons_are_all_there_numbered_from_00():
    assert LESSONS == ALL_LESSONS
    assert [name[:3] for name in LESSONS] == [f"{i:02}_" for i in range(len(LESSONS))]


@lessons
@pytest.mark.parametrize("rule", rules.RULES)
def test_rule(rule, name):
    assert rule(NOTEBOOKS[name]) == []


@lessons
def test_first_cell_has_number_title_aims_and_minutes(name):
    assert rules.find_bad_title(NOTEBOOKS[name], name) == []


@lessons
def test_links_lead_somewhere(name):
    assert rules.find_broken_links(NOTEBOOKS[name], FOLDER) == []


@lessons
def test_links_to_the_lessons_before_and_after(name):
    assert rules.find_missing_neighbours(NOTEBOOKS[name], name, LESSONS) == []


@lessons
def test_listed_in_readme(name):
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert rules.find_unlisted(NOTEBOOKS[name], name, readme, "notebooks/") == []


@pytest.mark.parametrize("name", LESSONS[1:])
def test_listed_in_start_here(name):
    start = "\n".join(
        rules.source(cell) for _, cell in rules.cells(NOTEBOOKS[LESSONS[0]], "markdown")
    )
    assert rules.find_unlisted(NOTEBOOKS[name], name, start, "") == []


@lessons
def test_defines_nothing_that_the_package_has(name):
    assert rules.find_repeated_definitions(NOTEBOOKS[name], PUBLIC) == []


@lessons
def test_is_small(name):
    assert rules.find_oversize((FOLDER / f"{name}.ipynb").stat().st_size) == []
