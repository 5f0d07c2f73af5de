"""Lessons show the code that runs, without its docstring."""

from __future__ import annotations

from cnn_basics.by_hand import pad
from cnn_basics.source import show_source


def test_the_docstring_is_left_out_and_nothing_else(capsys):
    def double(x):
        return 2 * x

    show_source(double)
    assert capsys.readouterr().out == "def double(x):\n    return 2 * x\n"
    show_source(pad)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("def pad(x: Tensor")
    assert lines[1] == "    check_planes(x)"
    assert lines[-1] == "    return padded"
