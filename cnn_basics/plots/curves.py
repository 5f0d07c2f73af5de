"""Lines and bars, told apart by line style, marker or hatching and never by colour alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from cnn_basics.expect import expect
from cnn_basics.figures import BLACK, BLUE, CYCLE, VERMILION, LessonFigure, new_figure

if TYPE_CHECKING:
    from cnn_basics.training import History

LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo")


def plot_lines(
    curves: Mapping[str, torch.Tensor],
    alt: str,
    *,
    x: torch.Tensor | None = None,
    x_label: str = "",
    y_label: str = "",
    log: bool = False,
    height: float = 3.0,
) -> LessonFigure:
    """Draw several lines in one plot, each with its own style, marker and entry in the legend.

    Args:
        curves: Label and heights of each line, each `(T,)`, at most 7.
        alt: What the picture shows.
        x: `(T,)`, the places of the points; None counts from 1.
        x_label: Written below.
        y_label: Written at the left.
        log: Give every power of ten the same height; if the axis holds less than two, it is also
            marked at 2 and 5 times each.
        height: Height of the figure in inches.

    Returns:
        The figure; a single line has no legend, a long one a marker at every twentieth part only.

    Raises:
        ValueError: When there is no line, or more than 7.

    Example:
        >>> plot_lines({"twice": torch.tensor([2.0, 4.0])}, "A line that rises from 2 to 4.")
        <LessonFigure: A line that rises from 2 to 4.>
    """
    check_count(curves, len(CYCLE))
    figure, (axes,) = new_figure(height=height, alt=alt)
    figure.few_colours = True
    looks = zip(CYCLE, LINE_STYLES, MARKERS, strict=True)
    for (label, curve), (colour, line, marker) in zip(curves.items(), looks, strict=False):
        places = torch.arange(1, len(curve) + 1) if x is None else x
        look = {"color": colour, "linestyle": line, "linewidth": 2, "marker": marker}
        look |= {"markersize": 5, "markevery": max(1, len(curve) // 20)}
        axes.plot(places.detach().cpu(), curve.detach().cpu(), label=label, **look)
    if log:
        axes.set_yscale("log")
        _mark_powers(axes.yaxis)
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        figure.legend(loc="outside right upper", handlelength=3.5)
    return figure


def plot_bars(
    values: Mapping[str, float | Sequence[float]],
    alt: str,
    *,
    x_label: str = "",
    digits: int = 2,
    log: bool = False,
    bound: float | None = None,
) -> LessonFigure:
    """Draw one horizontal bar for each number, with the number at its end.

    Args:
        values: Label and length of each bar, the first at the top, at most 16. Several numbers
            are drawn as dots, and the bar is as long as their median.
        alt: What the picture shows.
        x_label: Says what the lengths are.
        digits: Decimals of the numbers written.
        log: For ratios: bars start at 1, and every power of ten is equally wide.
        bound: A length to mark with a dashed line.

    Returns:
        The figure.

    Raises:
        ValueError: When there is no bar, or more than 16.

    Example:
        >>> plot_bars({"one": 1.0, "two": [1.9, 2.0, 2.4]}, "Two bars, one twice as long.")
        <LessonFigure: Two bars, one twice as long.>
    """
    check_count(values, 16)
    figure, (axes,) = new_figure(height=0.45 * len(values) + 0.9, alt=alt)
    start, paper = (1.0 if log else 0.0), {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    for row, (label, numbers) in enumerate(values.items()):
        repeats = np.atleast_1d(numbers)
        length = float(np.median(repeats))
        look = {"color": "0.85", "edgecolor": BLUE, "hatch": HATCHES[row % len(HATCHES)]}
        axes.barh(label, length - start, 0.65, left=start, **look)
        if len(repeats) > 1:
            axes.plot(repeats, [row] * len(repeats), "o", color=BLACK, ms=3, alpha=0.6)
        place = {"xytext": (4, 0), "textcoords": "offset points", "va": "center", "bbox": paper}
        axes.annotate(f"{length:,.{digits}f}", (max(*repeats, start), row), **place)
    if log:
        axes.set_xscale("log")
        axes.axvline(start, color=BLACK, lw=1.2)
    if bound is not None:
        axes.axvline(bound, color=VERMILION, lw=1.5, ls="--", zorder=0)
        axes.annotate(f"{bound:g}", (bound, 1), xycoords=axes.get_xaxis_transform(), ha="center")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    if log:
        _mark_powers(axes.xaxis)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(x_label)
    return figure


def plot_learning_curves(runs: Mapping[str, History], alt: str, classes: int = 2) -> LessonFigure:
    """Draw loss and accuracy of one or several trainings, for training and validation pictures.

    Args:
        runs: Name and history of each training, as `training.fit` returns it, at most 4; a name
            may be empty.
        alt: What the picture shows.
        classes: How many there are, to draw the level of guessing: a loss of log(classes), and
            an accuracy of 1 / classes.

    Returns:
        One row for each training, with its loss at the left and its accuracy at the right; all
        rows have the same axes. Training is a solid line with circles, validation a broken one
        with squares; a training without validation has the first alone.

    Raises:
        ValueError: When there is no training, or more than 4, or one without an epoch.

    Example:
        >>> from types import SimpleNamespace
        >>> lists = {"train_loss": [0.7, 0.4], "train_accuracy": [0.5, 0.8]}
        >>> run = SimpleNamespace(**lists, valid_loss=[], valid_accuracy=[])
        >>> plot_learning_curves({"": run}, "Loss falls, accuracy rises.")
        <LessonFigure: Loss falls, accuracy rises.>
    """
    check_count(runs, 4)
    trained = all(len(run.train_loss) for run in runs.values())
    expect(trained, "at least one epoch in each training", "none", "run fit first")
    figure, axes = new_figure(len(runs), 2, height=2.4 * len(runs) + 0.3, alt=alt)
    figure.few_colours = True
    for index, (name, run) in enumerate(runs.items()):
        loss, accuracy = axes[2 * index : 2 * index + 2]
        before = f"{name}: " if name else ""
        _draw_history(loss, f"{before}loss", run.train_loss, run.valid_loss, math.log(classes))
        shares = run.train_accuracy, run.valid_accuracy
        _draw_history(accuracy, f"{before}accuracy", *shares, 1 / classes)
    for column, fixed in ((axes[::2], {"bottom": 0.0}), (axes[1::2], {"top": 1.02})):
        lows, highs = zip(*(axis.get_ylim() for axis in column), strict=True)
        for axis in column:
            axis.set_ylim(**{"bottom": min(lows), "top": max(highs)} | fixed)
    for axis in axes[-2:]:
        axis.set_xlabel("epoch")
    handles = {h.get_label(): h for axis in axes for h in axis.get_lines()}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=3.5)
    return figure


def _draw_history(
    axes: Axes, title: str, train: Sequence[float], valid: Sequence[float], guess: float
) -> None:
    """Draw one quantity for the training pictures and, where it is known, for the others."""
    epochs, look = range(1, len(train) + 1), {"lw": 1.8, "ms": 5 if len(train) <= 20 else 3}
    axes.plot(epochs, train, "o-", color=BLUE, label="training", **look)
    if len(valid):
        axes.plot(epochs, valid, "s--", color=VERMILION, label="validation", **look)
    axes.axhline(guess, color=BLACK, ls=":", lw=1.2, label="guessing")
    axes.set_title(title, fontsize=10, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.spines[["top", "right"]].set_visible(False)


def _mark_powers(axis: Axis) -> None:
    """Mark powers of ten with plain numbers, and where they would be few, also 2 and 5 times."""
    low, high = axis.get_view_interval()
    few = high < 100 * low
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=12))
    if few:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def check_count(things: Mapping[str, object], most: int) -> None:
    """Refuse nothing at all, and more than can be told apart."""
    what = f"1 to {most} things to draw"
    expect(1 <= len(things) <= most, what, len(things), "split them over more figures")
