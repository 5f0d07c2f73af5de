"""Figures that are drawn again and again: what is kept is right, and what is drawn is the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cnn_basics.figures import figure_to_array
from cnn_basics.plots import MixerFigure, PlaygroundFigure, Response, ShiftFigure
from cnn_basics.plots.numbers import number_path, write_short
from cnn_basics.plots.reused import PercentAxis, fixed_figure, percentages, share_in_words
from cnn_basics.plots.shift_words import describe_changes, shift_titles

RANDOM = np.random.default_rng(0)
CURVE = torch.stack([torch.linspace(-6, 6, 9), torch.linspace(-6, 6, 9).relu()])
BOUNDED = torch.stack([CURVE[0], CURVE[0].tanh()])


def noise(*shape):
    return RANDOM.integers(0, 256, shape, dtype=np.uint8)


def mixer_states():
    return [(noise(6, 9, 3), ["one"]), (noise(6, 9), ["grey", "two"]), (noise(6, 9, 3), ["three"])]


def shift_states():
    for size, shown in ((5, 3), (3, 2), (6, 6)):
        maps = [RANDOM.normal(size=(n, n)).round(1) for n in (5, size, 5, size)]
        changed = RANDOM.random((size, size)) > 0.5
        windows = [(0, 0, shown)]
        yield maps, list("abcd"), "words", changed, {"padding": shown - 1, "windows": windows}


def playground_states():
    for curve, point in ((CURVE, (1.0, 1.0, 1.0)), (BOUNDED, (0.0, 0.0, 1.0)), (CURVE, (-1, 0, 0))):
        numbers = [torch.randn(50) * 3, torch.randn(50), torch.randn(50).tanh()]
        yield Response("bent", curve, point), numbers, ["first", "second"]


def draw_mixer(figure, state):
    return figure.update(*state, "alt")


def draw_shift(figure, state):
    *rest, changed, inputs = state
    return figure.update(*rest, "alt", changed=changed, **inputs)


def draw_playground(figure, state):
    return figure.update(*state, "alt")


@pytest.mark.parametrize(
    ("make", "draw", "states"),
    [
        (lambda: MixerFigure(np.zeros((6, 9, 3), np.uint8)), draw_mixer, mixer_states),
        (lambda: ShiftFigure((5, 5), (-2.0, 2.0)), draw_shift, shift_states),
        (PlaygroundFigure, draw_playground, playground_states),
    ],
)
def test_a_figure_drawn_again_equals_a_new_one(make, draw, states):
    reused, every = make(), list(states())
    for state in every + every:  # the second time, texts come from memory
        again = figure_to_array(draw(reused, state))
        assert np.array_equal(again, figure_to_array(draw(make(), state)))
    reused.figure.to_png()  # another size in between
    assert np.array_equal(figure_to_array(reused.figure), again)


def test_what_moves_is_drawn_and_what_stays_is_kept():
    figure, (axes,) = fixed_figure([(0, 0, 1, 1)], width=1, height=1)
    axes.set_axis_off()
    (dot,) = figure.moves(*axes.plot([0.5], [0.5], "ks", ms=200))
    assert figure_to_array(figure)[50, 50].tolist() == [0, 0, 0]
    dot.set_visible(False)
    axes.set_facecolor("red")
    axes.set_axis_on()
    assert figure_to_array(figure)[50, 50].tolist() == [255, 255, 255]
    figure.forget()
    assert figure_to_array(figure)[50, 50].tolist() == [255, 0, 0]


def test_many_texts_are_remembered_and_the_oldest_forgotten():
    figure, _ = fixed_figure([], width=1, height=1)
    text = figure.text(0.1, 0.5, "")
    figure.writes(text)
    pictures = []
    for number in [*range(60), 0, 59]:
        text.set_text(f"n = {number}")
        pictures.append(figure_to_array(figure))
    assert np.array_equal(pictures[0], pictures[60])
    assert np.array_equal(pictures[59], pictures[61])
    assert not np.array_equal(pictures[0], pictures[59])
    assert [len(words) for words in figure._words.values()] == [40]


def test_percentages_count_everything_and_what_lies_beyond_at_the_ends():
    counted = percentages(np.array([-9.0, 0.1, 0.2, 1.0, 7.0]), np.array([0.0, 0.5, 1.0, 2.0]))
    assert counted.tolist() == [60, 0, 40]


@given(st.integers(1, 5000), st.data())
def test_a_share_is_never_rounded_to_none_or_all(total, data):
    count = data.draw(st.integers(0, total))
    words = share_in_words(count, total)
    assert (words == "0 %") == (count == 0)
    assert (words == "100 %") == (count == total)
    if words[0].isdigit():
        assert abs(int(words.split()[0]) - 100 * count / total) <= 0.5


def test_the_percent_axis_ends_above_every_bar():
    _, (axes,) = fixed_figure([(0.1, 0.1, 0.8, 0.8)], width=2, height=2)
    axis = PercentAxis(axes)
    assert [axis.fit(np.array([n])) for n in (4.9, 5.0, 5.1, 26.0, 51.0, 100.0)] == [
        5, 5, 10, 50, 100, 100,
    ]  # fmt: skip
    assert axes.get_ylim()[1] > 100
    assert [label.get_text() for label in axis.labels] == ["0", "50", "100 %"]


def test_numbers_are_written_as_large_as_the_longest_fits_its_cell():
    assert len(number_path(np.empty((0, 0))).vertices) == 0
    for values in ([[1, 2], [3, 4]], [[-12.34, 5], [0.125, 1000]]):
        path = number_path(np.array(values, float))
        cells = np.rint(path.vertices)
        assert set(map(tuple, cells.tolist())) == {(0, 0), (1, 0), (0, 1), (1, 1)}
        reach = np.abs(path.vertices - cells).max()  # of the curves' control points
        assert 0.2 < reach < 0.45


def test_numbers_are_written_short():
    assert [write_short(n) for n in (3, 0.256, -9.99, 12.345, 99.96, -123.4)] == [
        "3", "0.26", "−9.99", "12.3", "100", "−123",
    ]  # fmt: skip


def test_a_map_is_framed_where_it_changed_in_cells_or_in_regions():
    changed = np.array([[True, False], [False, False]])
    small = ShiftFigure((2, 2), (0, 1))
    maps = [np.eye(2)] * 4
    small.update(maps, list("abcd"), "", "alt", changed=changed)
    frames = small.figure.axes[3].collections[3].get_segments()
    assert [frame.tolist() for frame in frames] == [
        [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5]]
    ]
    large = ShiftFigure((2, 2), None)
    large.update([np.zeros((2, 2, 3))] * 4, list("abcd"), "", "alt", changed=changed)
    lines = {
        tuple(map(tuple, s.tolist())) for s in large.figure.axes[3].collections[3].get_segments()
    }
    assert lines == {
        ((-0.5, -0.5), (0.5, -0.5)),
        ((-0.5, 0.5), (0.5, 0.5)),
        ((-0.5, -0.5), (-0.5, 0.5)),
        ((0.5, -0.5), (0.5, 0.5)),
    }


def test_words_about_moves():
    maps = [torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 2, 2)] * 2
    assert shift_titles(maps, "max", -2, 1)[2] == "input moved 2 left, 1 down"
    assert shift_titles(maps, "max", 0, -1)[2] == "input moved 1 up"
    assert shift_titles(maps, "max", 0, 0)[2] == "input, not moved"
    assert describe_changes(maps[1], maps[1], 1, 0) == "None of 4 outputs changed."
    assert describe_changes(maps[1], maps[1], 0, 0).startswith("Nothing moved yet")


def test_what_piles_up_at_an_end_is_named():
    figure = MixerFigure(np.zeros((4, 4, 3), np.uint8))
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5
    picture[..., 2] = 255
    figure.update(picture, ["words"], "alt")
    texts = [text.get_text() for text in figure.figure.axes[2].texts]
    assert "blue 100 % at 248–255" in texts
