"""Data, labels, limits and alt texts of lines, bars, histograms, points and animations."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
from matplotlib.colors import to_hex

from cnn_basics import plots

X = torch.tensor([-1.0, 0.0, 2.0])


def curves(count: int) -> dict[str, torch.Tensor]:
    return {f"curve {i}": X * i for i in range(count)}


def legend_texts(figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_lines_hold_their_data_from_1_on():
    figure = plots.plot_lines({"a": X, "b": -X}, "Two lines that cross.", x_label="layer")
    first, second = figure.axes[0].get_lines()
    assert first.get_xdata().tolist() == [1, 2, 3]
    assert first.get_ydata().tolist() == [-1, 0, 2]
    assert second.get_ydata().tolist() == [1, 0, -2]
    assert figure.axes[0].get_xlabel() == "layer"
    assert legend_texts(figure) == ["a", "b"]
    assert figure.alt == "Two lines that cross."


def test_lines_take_places_scale_and_gradients():
    y = torch.tensor([1.0, 10.0, 100.0], requires_grad=True)
    (axes,) = plots.plot_lines({"a": y}, "A line.", x=X, y_label="size", log=True).axes
    assert axes.get_lines()[0].get_xdata().tolist() == X.tolist()
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "size")
    assert axes.figure.legends == []


def test_a_long_line_has_few_markers():
    (line,) = plots.plot_lines({"a": torch.ones(300)}, "A level line.").axes[0].get_lines()
    assert line.get_markevery() == 15


@pytest.mark.parametrize(
    ("highest", "marks"),
    [(5.0, ["0.2", "0.5", "1", "2", "5"]), (1000.0, ["1", "10", "100", "1000"])],
)
def test_a_short_axis_of_powers_is_marked_between_them(highest, marks):
    y = torch.tensor([0.2, highest])
    (axes,) = plots.plot_lines({"a": y}, "A rising line.", log=True).axes
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert [f"{tick:g}" for tick in ticks] == marks
    if highest < 10:
        assert axes.yaxis.get_major_formatter().format_ticks(ticks) == marks


def test_places_that_are_counted_are_marked_by_whole_numbers():
    (axes,) = plots.plot_lines({"a": torch.ones(3)}, "A level line.").axes
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
    (axes,) = plots.plot_lines({"a": torch.ones(2)}, "A level line.", x=X[:2] / 2).axes
    assert not all(float(tick).is_integer() for tick in axes.get_xticks())


def test_lines_differ_by_more_than_colour():
    lines = plots.plot_lines(curves(7), "Seven lines that fan out.").axes[0].get_lines()
    assert len({line.get_marker() for line in lines}) == 7
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == 7
    assert len({to_hex(line.get_color()) for line in lines}) == 7


@pytest.mark.parametrize("count", [0, 8])
def test_lines_that_cannot_be_told_apart_are_refused(count):
    with pytest.raises(ValueError, match=f"expected 1 to 7 things to draw, got {count}"):
        plots.plot_lines(curves(count), "Too many lines, or none.")


def test_bars_stand_in_order_with_their_numbers():
    figure = plots.plot_bars({"small": 0.25, "large": 1234.5}, "Two bars.", x_label="cost")
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [0.25, 1234.5]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["small", "large"]
    assert [text.get_text() for text in axes.texts] == ["0.25", "1,234.50"]
    assert axes.yaxis_inverted()
    assert len({bar.get_hatch() for bar in axes.patches}) == 2
    assert axes.get_xlabel() == "cost"


def test_bars_of_several_ratios_show_each_and_end_at_the_median():
    ratios = {"slow": [100.0, 900.0, 200.0], "quick": [0.5]}
    figure = plots.plot_bars(ratios, "Two rows.", digits=1, log=True, bound=3.0)
    (axes,) = figure.axes
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert [bar.get_x() for bar in axes.patches] == [1, 1]
    assert ends == [200, 0.5]
    dots, one, bound = axes.lines
    assert dots.get_xydata().tolist() == [[100, 0], [900, 0], [200, 0]]
    assert (one.get_xdata()[0], bound.get_xdata()[0]) == (1, 3)
    assert [text.get_text() for text in axes.texts] == ["200.0", "0.5", "3"]
    assert [text.xy for text in axes.texts] == [(900, 0), (1, 1), (3, 1)]
    assert axes.get_xscale() == "log"


TRAINED = SimpleNamespace(
    train_loss=[0.7, 0.4, 0.1],
    train_accuracy=[0.5, 0.8, 0.99],
    valid_loss=[0.75, 0.5, 0.9],
    valid_accuracy=[0.45, 0.75, 0.7],
)
ALONE = SimpleNamespace(
    train_loss=[2.0, math.inf, math.nan],
    train_accuracy=[0.3, 0.2, 0.2],
    valid_loss=[],
    valid_accuracy=[],
)


def test_learning_curves_hold_the_history_told_apart_by_more_than_colour():
    figure = plots.plot_learning_curves({"": TRAINED}, "Loss and accuracy.", classes=4)
    for axes, name, guess in zip(
        figure.axes, ("loss", "accuracy"), (math.log(4), 0.25), strict=True
    ):
        train, valid, level = axes.get_lines()
        assert axes.get_title(loc="left") == name
        assert list(train.get_xdata()) == [1, 2, 3]
        assert list(train.get_ydata()) == getattr(TRAINED, f"train_{name}")
        assert list(valid.get_ydata()) == getattr(TRAINED, f"valid_{name}")
        assert set(level.get_ydata()) == {guess}
        assert train.get_linestyle() != valid.get_linestyle()
        assert train.get_marker() != valid.get_marker()
    assert legend_texts(figure) == ["training", "validation", "guessing"]
    assert len(figure.to_png()) < 30_000


def test_several_trainings_share_axes_and_have_their_names():
    figure = plots.plot_learning_curves({"plain": TRAINED, "alone": ALONE}, "Two trainings.")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["plain: loss", "plain: accuracy", "alone: loss", "alone: accuracy"]
    (low, high), (lowest, highest) = (axes.get_ylim() for axes in figure.axes[:2])
    assert [axes.get_ylim() for axes in figure.axes[2:]] == [(low, high), (lowest, highest)]
    assert (low, highest) == (0, 1.02)
    assert 2 < high < 3  # what is not finite is a gap
    assert 0.1 < lowest < 0.2
    assert [line.get_label() for line in figure.axes[2].get_lines()] == ["training", "guessing"]


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


def test_histograms_count_all_numbers_on_one_scale():
    samples = {"low": torch.tensor([[0.0, 0.1], [0.2, 0.3]]), "high": torch.tensor([9.0, 10.0])}
    figure = plots.plot_histograms(samples, "Four small numbers, two large ones.", bins=10)
    low, high = figure.axes
    assert sum(bar.get_height() for bar in low.patches) == 4
    assert [bar.get_height() for bar in high.patches] == [0] * 9 + [2]
    assert low.get_xlim() == high.get_xlim() == (0.0, 10.0)
    assert high.get_title() == "high\nmean 9.5, standard deviation 0.5"
    assert low.get_lines()[0].get_xdata() == pytest.approx([0.15, 0.15])
    stacked = plots.plot_histograms({**samples, "one": torch.ones(1)}, "Three sets.", columns=2)
    assert [axis.axison for axis in stacked.axes] == [True, True, True, False]


def test_histogram_of_equal_numbers_is_drawn():
    figure = plots.plot_histograms({"ones": torch.ones(3)}, "Three ones in one bar.")
    assert figure.axes[0].get_xlim() == (1.0, 2.0)
    assert figure.axes[0].get_title() == "ones\nmean 1, standard deviation 0"
