"""The first lesson's figures: blocks of a network, errors by year."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba

from cnn_basics import plots

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
    picture, maps = torch.rand(3, 28, 28), torch.rand(32, 28, 28)
    drawn = [np.asarray(i.get_array()) for i in blocks(contents={0: picture, 1: maps}).images]
    assert len(drawn) == 5
    assert np.array_equal(drawn[0], picture.permute(1, 2, 0))
    assert np.array_equal(np.stack(drawn[:0:-1]), maps[:4])


def test_contents_may_have_a_gradient():
    maps = torch.rand(32, 28, 28, requires_grad=True)
    assert len(blocks(contents={1: maps}).images) == 4


def test_blocks_say_what_they_show():
    assert plots.plot_blocks(TITLES, SHAPES, ALT).alt == ALT


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


ERRORS = {2010: 28.2, 2011: 25.8, 2012: 16.4, 2015: 3.57}


def chart(**options):
    return plots.plot_error_by_year(ERRORS, 2012, "Errors that fall, as bars.", **options)


def test_bars_are_the_errors_in_their_years():
    (axes,) = chart().axes
    bars = {round(b.get_x() + b.get_width() / 2): b.get_height() for b in axes.patches}
    assert bars == ERRORS
    assert [t.get_text() for t in axes.texts] == ["28.2", "25.8", "16.4", "3.57"]
    assert axes.get_xticks().tolist() == list(ERRORS)


def test_networks_are_filled_and_the_others_hatched():
    (axes,) = chart().axes
    looks = [(b.get_hatch() or "", b.get_facecolor() == to_rgba("1")) for b in axes.patches]
    assert looks == [("///", True), ("///", True), ("", False), ("", False)]


def test_the_line_is_the_persons_error():
    (axes,) = chart(human=5.1).axes
    (line,) = axes.lines
    assert set(line.get_ydata()) == {5.1}
    assert line.get_linestyle() == "--"
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "one trained person: 5.1" in labels
    assert not chart().axes[0].lines
