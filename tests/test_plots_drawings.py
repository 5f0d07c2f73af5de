"""Drawings of their own: windows are those that PyTorch reads, blocks have their shapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from cnn_basics import plots
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


SHAPES = [(3, 28, 28), (32, 28, 28), (64, 7, 7), (3136,), (10,), (2,)]
TITLES = ["picture", "conv", "pool", "flatten", "ten", "two"]
ALT = "Blocks from left to right, as a test draws them."


def blocks(**options):
    (axes,) = plots.plot_blocks(TITLES, SHAPES, ALT, **options).axes
    return axes


def squares(axes, index):
    """Return the rectangles of one block."""
    return [p for p in axes.patches if round(p.get_x() + p.get_width() / 2) == index]


def test_each_block_has_its_title_and_its_shape():
    written = [(round(t.get_position()[0]), t.get_text()) for t in blocks().texts]
    for index, (title, shape) in enumerate(zip(TITLES, SHAPES, strict=True)):
        here = [text for x, text in written if x == index]
        assert title in here
        assert "×".join(map(str, shape)) in here


def test_a_stack_has_at_most_four_maps_and_a_list_at_most_ten_cells():
    axes = blocks()
    assert [len(squares(axes, i)) for i in range(len(SHAPES))] == [3, 4, 4, 10, 10, 2]


def test_dots_only_where_numbers_are_left_out():
    dots = [t.get_position() for t in blocks().texts if t.get_text() == "⋮"]
    assert dots == [(3, 0)]


def test_larger_maps_are_drawn_larger():
    axes = blocks()
    sides = [squares(axes, index)[0].get_width() for index in range(3)]
    assert sides[0] == sides[1]
    assert sides[2] == pytest.approx(sides[0] / 2)  # the root of 7 / 28


def test_blocks_do_not_overlap():
    axes = blocks()
    for index in range(len(SHAPES) - 1):
        right = max(p.get_x() + p.get_width() for p in squares(axes, index))
        left = min(p.get_x() for p in squares(axes, index + 1))
        assert right < left


def test_arrows_join_neighbours():
    axes = blocks()
    arrows = [t for t in axes.texts if getattr(t, "arrow_patch", None) is not None]
    assert len(arrows) == len(SHAPES) - 1
    for index, arrow in enumerate(arrows):
        assert index < arrow.xyann[0] < arrow.xy[0] < index + 1


def test_contents_are_the_picture_and_the_first_four_maps():
    picture, maps = torch.rand(3, 28, 28), torch.rand(32, 28, 28, requires_grad=True)
    drawn = [np.asarray(i.get_array()) for i in blocks(contents={0: picture, 1: maps}).images]
    assert len(drawn) == 5
    assert np.array_equal(drawn[0], picture.permute(1, 2, 0))
    assert np.array_equal(np.stack(drawn[:0:-1]), maps[:4].detach())


@pytest.mark.parametrize(
    ("titles", "shapes", "message"),
    [
        (["one"], [(1,), (2,)], "1 titles and 2 shapes"),
        ([], [], "0 titles and 0 shapes"),
        (["one"], [(1, 3, 28, 28)], r"got \(1, 3, 28, 28\): leave the batch axis"),
        (["one"], [(28, 28)], r"got \(28, 28\)"),
    ],
)
def test_blocks_refuse_what_they_cannot_draw(titles, shapes, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_blocks(titles, shapes, ALT)
