"""The training board's figure: what is drawn is what was given."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnn_basics.figures import figure_to_array
from cnn_basics.widgets.board import (
    MOST_MISTAKES,
    BoardFigure,
    BoardState,
    Mistake,
    colour_kernels,
    round_loss,
)
from cnn_basics.widgets.redrawn import tile_pictures

RANDOM = np.random.default_rng(0)
KERNELS = RANDOM.normal(size=(12, 3, 5, 4))


def make_mistakes(count: int) -> tuple[Mistake, ...]:
    return tuple(
        Mistake(np.full((6, 9, 3), i / 10), "cats", "long-haired dogs", 0.9 - i / 20)
        for i in range(count)
    )


def make_state(done: int, mistakes: int = 8, kernels=KERNELS, epochs: int = 5) -> BoardState:
    steps = np.linspace(0.1, max(done, 0.1), 10)
    whole = np.arange(done + 1.0)
    return BoardState(
        epochs,
        2,
        kernels,
        "12 kernels",
        np.stack([steps, 2.5 / (1 + steps)], axis=1),
        np.stack([whole, 0.7 / (1 + whole)], axis=1),
        np.stack([whole[1:], 1 - 0.4 / (1 + whole[1:])], axis=1),
        np.stack([whole, 1 - 0.5 / (1 + whole)], axis=1),
        make_mistakes(mistakes),
    )


def check(figure, state: BoardState) -> None:
    loss, accuracy, lower = figure.axes
    shown, *places = lower.images
    titles, captions = lower.texts[:2], lower.texts[2:]
    curves = (state.batch_loss, state.valid_loss, state.train_accuracy, state.valid_accuracy)
    lines = [*loss.lines[:2], *accuracy.lines[:2]]
    for line, curve in zip(lines, curves, strict=True):
        assert np.array_equal(line.get_xydata(), curve)
        if len(curve):
            assert line.axes.get_ylim()[0] <= curve[:, 1].min()
            assert line.axes.get_ylim()[1] >= curve[:, 1].max()
    assert loss.get_xlim() == accuracy.get_xlim() == (0, state.epochs)
    assert loss.lines[2].get_ydata()[0] == math.log(state.classes)
    assert accuracy.lines[2].get_ydata()[0] == 1 / state.classes
    assert titles[0].get_text() == state.kernels_title
    assert shown.get_visible() == (state.kernels is not None)
    if state.kernels is not None:
        assert np.array_equal(shown.get_array(), tile_pictures(colour_kernels(state.kernels), 8))
    assert len(places) == MOST_MISTAKES
    for index, (place, text) in enumerate(zip(places, captions, strict=True)):
        given = state.mistakes[index] if index < len(state.mistakes) else None
        assert place.get_visible() == (given is not None)
        caption = text.get_text()
        assert (caption == "") == (given is None)
        if given:
            assert np.array_equal(place.get_array(), given.picture)
            box = place.get_window_extent()
            height, width = given.picture.shape[:2]
            assert box.width / box.height == pytest.approx(width / height)
            assert max(box.width, box.height) == pytest.approx(68.4)  # of 100 in an inch
            share = f"{100 * given.share:.0f} %"
            assert caption == f"cats, said\nlong-ha… {share}"


def test_one_figure_shows_one_state_after_another():
    board = BoardFigure()
    states = [
        BoardState(5, 2, KERNELS, "12 kernels"),
        make_state(0, mistakes=3),
        make_state(3),
        make_state(3, mistakes=0),
        make_state(5, kernels=None),
        make_state(9, epochs=10),
        BoardState(3, 10, KERNELS, "12 kernels, again"),
    ]
    for state in states:
        figure = board.update(state, "What is shown.")
        check(figure, state)
        assert figure.alt == "What is shown."
        # Nothing of another state stays in the pixels: a new figure draws the same.
        fresh = BoardFigure().update(state, "What is shown.")
        assert np.array_equal(figure_to_array(figure), figure_to_array(fresh))


def test_the_headline_knows_mistakes_from_answers_that_are_right():
    board = BoardFigure()
    right = Mistake(np.ones((4, 4, 3)), "cats", "cats", 0.55)
    state = BoardState(1, 2, None, "none", mistakes=(right,))
    words = [text.get_text() for text in board.update(state, "x").axes[2].texts]
    assert "worst answers" in words
    words = [text.get_text() for text in board.update(make_state(1), "x").axes[2].texts]
    assert "worst mistakes" in words


@pytest.mark.parametrize(
    ("losses", "top"),
    [([0.2], 1), ([1.0], 1), ([1.01], 2), ([4.0, np.nan], 5), ([7.0], 10), ([np.inf, 12.0], 20),
     ([3e5], 5e5), ([], 1), ([np.nan], 1), ([0.0], 1)],
)  # fmt: skip
def test_the_axis_of_the_loss_holds_all_that_is_finite(losses, top):
    curve = np.array([[index, loss] for index, loss in enumerate(losses)]).reshape(-1, 2)
    assert round_loss(curve) == pytest.approx(top)


def test_losses_that_are_not_finite_are_drawn_as_gaps():
    curve = np.array([[0.1, 0.7], [0.2, np.nan], [0.3, np.inf]])
    state = BoardState(1, 2, KERNELS * np.nan, "kernels", batch_loss=curve)
    drawn = figure_to_array(BoardFigure().update(state, "x"))
    assert drawn.shape == (480, 760, 3)


def test_kernels_in_colour_are_their_three_channels_around_grey():
    weight = np.zeros((2, 3, 1, 2))
    weight[0, :, 0, 0] = [1.0, -2.0, 0.5]
    colours = colour_kernels(weight)
    assert colours.shape == (2, 1, 2, 3)
    assert colours[0, 0, 0].tolist() == [0.75, 0.0, 0.625]
    assert (colours[1] == 0.5).all()


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_other_kernels_are_averaged_with_white_for_zero(channels):
    weight = np.zeros((1, channels, 1, 3))
    weight[0, 0, 0] = [-1.0, 0.0, 1.0]
    negative, zero, positive = colour_kernels(weight)[0, 0]
    assert negative[2] > negative[0]  # blue
    assert zero.min() > 0.95
    assert positive[0] > positive[2]  # red


def test_what_is_not_a_number_counts_as_zero():
    weight = np.array([[[[np.nan]], [[np.inf]], [[1.0]]]])
    assert colour_kernels(weight).tolist() == [[[[0.5, 0.5, 1.0]]]]
