"""Numbers in the text of lessons are compared with what computes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat.v4 as v4
import notebook_rules as rules
import pytest
import torch

from cnn_basics.authoring.claims import Claim, changed, claims_by_code_cell, compare, find_claims

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("857,282", 857282),
        ("0.69", 0.6931),
        ("0.5", torch.tensor(0.46)),
        ("−3", -3),
        ("28×28", (28, 28)),
        ("28×28", torch.Size([28, 28])),
        ("3 × 4", torch.tensor([3, 4])),
        ("12", 12.00001),
        ("1.50", "1.50"),
    ],
)
def test_what_is_so(stated, value):
    assert compare(stated, value) == ""
    assert compare(changed(stated), value) != ""


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ("857,282", 857283),
        ("0.69", 0.6951),
        ("3", -3),
        ("28×28", (28, 29)),
        ("28×28", (28, 28, 1)),
        ("28", (28, 28)),
        ("1", True),
        ("1", None),
        ("1.5", "1.50"),
        ("12", 11.6),
        ("12", float("nan")),
    ],
)
def test_what_is_not(stated, value):
    assert compare(stated, value) == f"the text says {stated}, and it is {value}"


def test_claims_are_found_behind_numbers_in_every_form():
    text = (
        "It has **857,282**<!--= total --> weights, `28×28`<!--=size--> pixels, −3<!--= low -->, "
        "and 12 %<!--= round(100 * share) -->; 5 is none.\n<!-- a comment -->"
    )
    assert find_claims(text) == [
        Claim("857,282", "total"),
        Claim("28×28", "size"),
        Claim("−3", "low"),
        Claim("12", "round(100 * share)"),
    ]


def test_an_expression_without_a_number_is_refused():
    with pytest.raises(ValueError, match="expected a number right before each"):
        find_claims("many<!--= n --> of them")


def test_claims_belong_to_the_code_cell_before_them():
    cells = [
        v4.new_markdown_cell("1<!--= a -->"),
        v4.new_code_cell(""),
        v4.new_markdown_cell("2<!--= b -->"),
        v4.new_markdown_cell("3<!--= c -->"),
        v4.new_code_cell(""),
    ]
    assert claims_by_code_cell(cells) == [
        [Claim("1", "a"), Claim("2", "b"), Claim("3", "c")],
        [],
    ]


def run_lesson(folder: Path, text: str) -> str:
    """Test a lesson with this text as lessons are tested."""
    shutil.copy(PROJECT / "notebooks" / "conftest.py", folder)
    cells = [v4.new_code_cell("n = 12", execution_count=1), v4.new_markdown_cell(text)]
    cells.append(v4.new_code_cell("n = 0", execution_count=2))
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": rules.KERNEL})
    (folder / "lesson.ipynb").write_text(v4.writes(notebook), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "lesson.ipynb"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout


def test_true_claims_pass_and_false_ones_fail(tmp_path):
    said = run_lesson(tmp_path, "It is 12<!--= n -->, twice 24<!--= 2 * n -->.")
    assert "2 passed" in said
    said = run_lesson(tmp_path, "It is 12<!--= n -->, twice 25<!--= 2 * n -->.")
    assert "1 failed, 1 passed" in said
    assert "the text says 25, and it is 24" in said
    said = run_lesson(tmp_path, "It is 12<!--= gone -->.")
    assert "gone raises NameError" in said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_lesson_has_claims_that_can_be_read(path):
    claims = [c for each in claims_by_code_cell(rules.load(path)["cells"]) for c in each]
    assert len(claims) >= 3
    for claim in claims:
        compile(claim.expression, path.stem, "eval")
