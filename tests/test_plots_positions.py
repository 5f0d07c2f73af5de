"""The windows drawn are those that PyTorch reads."""

from __future__ import annotations

import pytest
import torch
from matplotlib.patches import Rectangle

from cnn_basics.plots import plot_window_positions

CASES = [(7, 3, 1, 0, 1), (8, 3, 2, 0, 1), (8, 3, 2, 1, 1), (9, 3, 2, 1, 2), (5, 5, 1, 2, 1)]


def read_by_pytorch(size, kernel_size, stride, padding, dilation):
    """The pixels that each output reads: those where its gradient is not zero."""
    x = torch.ones(1, 1, size, requires_grad=True)
    weight = torch.ones(1, 1, kernel_size)
    y = torch.nn.functional.conv1d(x, weight, None, stride, padding, dilation)[0, 0]
    gradients = [torch.autograd.grad(value, x, retain_graph=True)[0][0, 0] for value in y]
    return [gradient.nonzero().flatten().tolist() for gradient in gradients]


@pytest.mark.parametrize("case", CASES)
def test_windows_drawn_are_the_windows_read(case):
    size = case[0]
    axis = plot_window_positions(*case).axes[0]
    squares = [p for p in axis.patches if isinstance(p, Rectangle) and p.get_width() == 0.72]
    drawn: dict[int, list[int]] = {}
    for patch in squares:
        column = round(patch.get_x() + 0.36)
        line = drawn.setdefault(round(patch.get_y() + 0.36) - 1, [])
        line += [column] if 0 <= column < size else []
    expected = read_by_pytorch(*case)
    assert [drawn[i] for i in range(len(drawn))] == expected
    missed = set(range(size)) - {pixel for window in expected for pixel in window}
    crossed = {round(t.get_position()[0]) for t in axis.texts if t.get_text() == "×"}
    assert crossed == missed


@pytest.mark.parametrize("case", CASES)
def test_padding_is_hatched(case):
    axis = plot_window_positions(*case).axes[0]
    hatched = [p for p in axis.patches if p.get_hatch()]
    assert len(hatched) == 2 * case[3]
    assert len([t for t in axis.texts if t.get_text().startswith("output")]) == len(
        read_by_pytorch(*case)
    )


def test_alt_text_counts_windows_and_missed_pixels():
    assert plot_window_positions(8, 3, stride=2).alt == (
        "8 pixels and the 3 windows of a kernel of 3 with stride 2; 1 pixel is never seen."
    )
    assert (
        "stride 2, padding 1, dilation 2; 5 pixels are" in plot_window_positions(9, 3, 2, 1, 2).alt
    )


def test_rounded_up_a_last_window_sees_what_is_left_and_reaches_over_the_edge():
    axis = plot_window_positions(7, 2, stride=2, ceil_mode=True).axes[0]
    squares = [p for p in axis.patches if p.get_width() == 0.72]
    assert [round(p.get_x() + 0.36) for p in squares] == list(range(8))  # column 7 is outside
    assert not [t for t in axis.texts if t.get_text() == "×"]
    assert axis.get_xlim()[1] >= 8
    rounded_down = plot_window_positions(7, 2, stride=2).axes[0]
    assert [t.get_position()[0] for t in rounded_down.texts if t.get_text() == "×"] == [6]
