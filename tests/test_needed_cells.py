"""The tests in a browser run every cell that a widget needs, and no others."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat.v4 as v4
import pytest

sys.path.insert(0, str(Path(__file__).with_name("browser")))

from needed import keep_needed, names


def kept(*cells: str) -> list[str]:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    keep_needed(notebook)
    return [cell.source for cell in notebook.cells]


def test_what_no_widget_needs_is_left_out():
    first, show = "from cnn_basics import widgets\nx = 1", "widgets.lens(x)"
    assert kept(first, "y = 2", "print(x)", show, "x = 3") == [first, show]
    assert kept(first, "y = 2") == []
    assert kept(f"print(1)\n{first}\nfit(x)", show) == [first, show]
    assert kept("y = 2\nmanual_seed(0)") == ["manual_seed(0)"]


def test_only_the_last_value_before_counts():
    assert kept("x = 1", "x = 2", "widgets.lens(x)") == ["x = 2", "widgets.lens(x)"]
    for step in ("x = x + 1", "x += 1"):
        assert kept("x = 1", step, "widgets.lens(x)") == ["x = 1", step, "widgets.lens(x)"]


def test_text_stays():
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("words"), v4.new_code_cell("x = 1")])
    keep_needed(notebook)
    assert [cell.source for cell in notebook.cells] == ["words"]


@pytest.mark.parametrize(
    ("source", "stored", "loaded"),
    [
        ("a, *b = c", {"a", "b"}, {"c"}),
        ("for i in x:\n    y = i", {"i", "y"}, {"x"}),
        ("[k for k in x if k > y]", set(), {"x", "y"}),
        ("def f(x):\n    return x + g", {"f"}, {"g"}),
        ("f = lambda x: x + g", {"f"}, {"g"}),
        ("import torch.nn as nn, math", {"nn", "math"}, set()),
        ("import torch.nn.functional", {"torch"}, set()),
        ("x = 1\nprint(x)", {"x"}, set()),
        ("print(x)\nx = 1", {"x"}, {"x"}),
        ("x += 1", {"x"}, {"x"}),
        ("x[0] = y", set(), {"x", "y"}),
        ("class A(B):\n    c = D", {"A"}, {"B", "D"}),
    ],
)
def test_names(source, stored, loaded):
    assert names(compile(source, "cell", "exec")) == (stored, loaded)
