"""Figures that are drawn again and again: what is kept is right, and what is drawn is the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnn_basics.figures import figure_to_array
from cnn_basics.widgets.redrawn import (
    PercentAxis,
    ReusedFigure,
    colour,
    cut_name,
    percentages,
    share_in_words,
    tile_pictures,
    to_pixels,
)

RANDOM = np.random.default_rng(0)
PICTURES = torch.from_numpy(RANDOM.random((2, 3, 28, 28), np.float32))


def test_what_moves_is_drawn_and_what_stays_is_kept_by_state():
    figure = ReusedFigure([(0, 0, 1, 1)], width=1, height=1)
    (axes,) = figure.axes
    axes.set_axis_off()
    (dot,) = axes.plot([0.5], [0.5], "ks", ms=200)
    figure.moves(dot)
    assert figure_to_array(figure)[50, 50].tolist() == [0, 0, 0]
    dot.set_visible(False)
    axes.set_facecolor("red")
    axes.set_axis_on()
    assert figure_to_array(figure)[50, 50].tolist() == [255, 255, 255]
    for figure.state in range(9):
        assert figure_to_array(figure)[50, 50].tolist() == [255, 0, 0]
    assert len(figure._kept) <= 4


def test_many_texts_are_remembered_and_not_too_many():
    figure = ReusedFigure(width=1, height=1)
    figure.writes(figure.text(0.1, 0.5, ""))
    pictures = [
        figure_to_array(figure.say([f"n = {number}"], "A number."))
        for number in [*range(250), 0, 249]
    ]
    assert np.array_equal(pictures[0], pictures[250])
    assert np.array_equal(pictures[249], pictures[251])
    assert not np.array_equal(pictures[0], pictures[249])
    assert [len(words) <= 200 for _, words in figure._kept.values()] == [True]


@given(st.integers(1, 5000), st.data())
def test_a_share_is_never_rounded_to_none_or_all(total, data):
    count = data.draw(st.integers(0, total))
    words = share_in_words(count, total)
    assert (words == "0 %") == (count == 0)
    assert (words == "100 %") == (count == total)
    if words[0].isdigit():
        assert abs(int(words.split()[0]) - 100 * count / total) <= 0.5
    elif count:
        assert words == f"{'less than 1' if 2 * count < total else 'more than 99'} %"
        assert share_in_words(count, total, start=True) == words.capitalize()


def test_the_percent_axis_ends_above_every_bar():
    counted = percentages(np.array([-9.0, 0.1, 0.2, 1.0, 7.0]), np.array([0.0, 0.5, 1.0, 2.0]))
    assert counted.tolist() == [60, 0, 40]  # what lies beyond counts at the ends
    (axes,) = ReusedFigure([(0.1, 0.1, 0.8, 0.8)], width=2, height=2).axes
    axis = PercentAxis(axes)
    highest = (4.9, 5.0, 5.1, 26.0, 51.0, 100.0)
    assert [axis.fit(np.array([n])) for n in highest] == [5, 5, 10, 50, 100, 100]
    assert axes.get_ylim()[1] > 100
    assert [label.get_text() for label in axis.labels] == ["0", "50", "100 %"]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_pictures_lie_in_rows_with_white_between(count):
    pictures = RANDOM.random((count, 2, 5, 3)) / 2
    sheet = tile_pictures(pictures, columns=3)
    assert sheet.shape == (max(1, -(-count // 3)) * 3 - 1, 3 * 6 - 1, 3)
    for index, picture in enumerate(pictures):
        top, left = 3 * (index // 3), 6 * (index % 3)
        assert np.array_equal(sheet[top : top + 2, left : left + 5], picture)
    assert (sheet < 1).all(axis=-1).sum() == count * 10


def test_colours_have_zero_in_the_middle_where_values_are_signed():
    negative, zero, positive = colour(np.array([-1.0, 0.0, 2.0]), signed=True)
    assert zero.min() > 0.95
    assert positive[0] > positive[2]  # red
    assert negative[2] > negative[0]  # blue
    rising = colour(np.array([0.0, 1.0, 2.0]), signed=False).sum(axis=-1).tolist()
    assert rising == sorted(rising)
    for signed in (False, True):
        assert np.isfinite(colour(np.zeros((1, 2, 2)), signed)).all()
    assert [cut_name(name, 5) for name in ("three", "longer")] == ["three", "long…"]


def test_pixels_are_from_0_to_1_and_have_three_channels():
    assert to_pixels(torch.tensor([[[0, 255]]]).byte()).tolist() == [[[0.0] * 3, [1.0] * 3]]
    assert np.array_equal(to_pixels(PICTURES), PICTURES.permute(0, 2, 3, 1))
    two = torch.tensor([[[0.0, 0.5]], [[9.0, 9.0]]], requires_grad=True)  # of 2 channels the first
    assert to_pixels(two).tolist() == [[[0.0] * 3, [0.5] * 3]]
    for values in ([-1.0, 3.0], [-0.5, 1.0], [0.0, 4.0]):  # what is beyond is scaled
        pixels = to_pixels(torch.tensor([[values]]))
        assert (pixels.min(), pixels.max()) == (0, 1)
