"""Learning curves and range tests: their data, what is told apart, and what is refused."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from cnn_basics import plots

TRAINED = SimpleNamespace(
    train_loss=[0.7, 0.4, 0.1],
    train_accuracy=[0.5, 0.8, 0.99],
    valid_loss=[0.75, 0.5, 0.9],
    valid_accuracy=[0.45, 0.75, 0.7],
)
ALONE = SimpleNamespace(
    train_loss=[2.0, float("nan")], train_accuracy=[0.3, 0.2], valid_loss=[], valid_accuracy=[]
)


def data(axes) -> dict[str, list]:
    return {line.get_label(): line.get_ydata() for line in axes.get_lines()}


def names(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_curves_hold_the_history():
    figure = plots.plot_learning_curves({"": TRAINED}, "Loss and accuracy.")
    loss, accuracy = figure.axes
    assert (loss.get_title(loc="left"), accuracy.get_title(loc="left")) == ("loss", "accuracy")
    assert list(data(loss)) == list(data(accuracy)) == names(figure) == ["training", "validation"]
    assert data(loss)["training"].tolist() == TRAINED.train_loss
    assert data(loss)["validation"].tolist() == TRAINED.valid_loss
    assert data(accuracy)["training"].tolist() == TRAINED.train_accuracy
    assert data(accuracy)["validation"].tolist() == TRAINED.valid_accuracy
    assert list(loss.get_lines()[0].get_xdata()) == [1, 2, 3]
    assert figure.alt == "Loss and accuracy."


def test_training_and_validation_differ_by_more_than_colour():
    for axes in plots.plot_learning_curves({"": TRAINED}, "Loss and accuracy.").axes:
        train, valid = axes.get_lines()
        assert train.get_linestyle() != valid.get_linestyle()
        assert train.get_marker() != valid.get_marker()


def test_several_trainings_share_axes_and_have_their_names():
    figure = plots.plot_learning_curves({"plain": TRAINED, "alone": ALONE}, "Two trainings.")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["plain: loss", "plain: accuracy", "alone: loss", "alone: accuracy"]
    assert figure.axes[0].get_ylim() == figure.axes[2].get_ylim()
    assert figure.axes[0].get_ylim()[0] == 0
    assert figure.axes[0].get_ylim()[1] > 2
    assert figure.axes[1].get_ylim() == figure.axes[3].get_ylim()
    assert figure.axes[1].get_ylim()[0] < 0.2
    assert figure.axes[1].get_ylim()[1] > 1
    assert names(figure) == ["training", "validation"]
    assert list(data(figure.axes[2])) == ["training"]


def test_guessing_is_a_level_in_both():
    loss, accuracy = plots.plot_learning_curves({"": TRAINED}, "Guessing, too.", classes=4).axes
    assert set(data(loss)["guessing"]) == {math.log(4)}
    assert set(data(accuracy)["guessing"]) == {0.25}


def test_what_is_not_finite_is_a_gap():
    loss, _ = plots.plot_learning_curves({"": ALONE}, "A loss that breaks.").axes
    assert data(loss)["training"][0] == 2.0
    assert np.isnan(data(loss)["training"][1])


def test_curves_are_stored_in_little_room():
    assert len(plots.plot_learning_curves({"": TRAINED}, "Loss and accuracy.").to_png()) < 30_000
    assert len(plots.plot_range_test([0.1, 1.0], [0.5, 0.4], "Two batches.").to_png()) < 20_000


EMPTY = SimpleNamespace(train_loss=[], train_accuracy=[], valid_loss=[], valid_accuracy=[])


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({}, "expected 1 to 4 things"),
        (dict.fromkeys("abcde", TRAINED), "got 5"),
        ({"a": TRAINED, "b": EMPTY}, "at least one epoch"),
    ],
)
def test_trainings_that_cannot_be_drawn_are_refused(runs, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_learning_curves(runs, "Nothing to see.")


def test_range_test_holds_rates_losses_and_the_choice():
    figure = plots.plot_range_test(
        [1e-4, 1e-2, 1.0], [0.7, 0.5, math.inf], "It explodes.", smooth=[0.7, 0.6, 5], chosen=1e-3
    )
    (axes,) = figure.axes
    batches, smooth, chosen = axes.get_lines()
    assert list(batches.get_xdata()) == list(smooth.get_xdata()) == [1e-4, 1e-2, 1.0]
    assert batches.get_ydata()[:2].tolist() == [0.7, 0.5]
    assert np.isnan(batches.get_ydata()[2])
    assert smooth.get_ydata().tolist() == [0.7, 0.6, 5]
    assert list(chosen.get_xdata()) == [1e-3, 1e-3]
    assert names(figure) == ["one batch", "smoothed", "chosen: 0.001"]
    assert axes.get_xscale() == "log"
    assert axes.get_ylim() == pytest.approx((0, 2.1))


def test_range_test_marks_the_lowest_and_the_chosen_by_different_lines():
    figure = plots.plot_range_test([1e-3, 0.1], [0.7, 0.5], "Two.", lowest=0.02, chosen=0.002)
    _, chosen, lowest = figure.axes[0].get_lines()
    assert list(lowest.get_xdata()) == [0.02, 0.02]
    assert list(chosen.get_xdata()) == [0.002, 0.002]
    assert lowest.get_linestyle() != chosen.get_linestyle()
    assert names(figure) == ["one batch", "chosen: 0.002", "lowest: 0.02"]


def test_range_test_without_smoothing_or_choice():
    figure = plots.plot_range_test([0.1], [0.5], "One batch.")
    assert names(figure) == ["one batch"]


@pytest.mark.parametrize(
    ("rates", "losses", "smooth"), [([], [], None), ([1], [1, 2], None), ([1], [1], [])]
)
def test_range_test_needs_a_loss_for_each_rate(rates, losses, smooth):
    with pytest.raises(ValueError, match="one loss for each rate"):
        plots.plot_range_test(rates, losses, "Nothing to see.", smooth=smooth)
