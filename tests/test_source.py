"""Lessons show the code that runs, without its docstring."""

from __future__ import annotations

from cnn_basics.by_hand import pad
from cnn_basics.source import show_source


def test_the_docstring_is_left_out_and_nothing_else(capsys):
    show_source(pad)
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].startswith("def pad(x: Tensor")
    assert printed.splitlines()[1] == "    (top, bottom), (left, right) = borders"
    assert printed.splitlines()[-1] == "    return padded"


def test_a_function_without_docstring_is_shown_whole(capsys):
    def double(x):
        return 2 * x

    show_source(double)
    assert capsys.readouterr().out == "def double(x):\n    return 2 * x\n"
