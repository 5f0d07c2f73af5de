"""Lines, bars and surfaces; what is compared is told apart by more than its colour."""

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
from cnn_basics.figures import BLACK, BLUE, CYCLE, SEQUENTIAL, VERMILION, LessonFigure, new_figure

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
    """Draw up to 7 lines in one plot, each with its own style, marker and name in the legend.

    The heights of a line are `(T,)`, and so are the places `x` of the points, which count from 1 if
    None. `log` gives every power of ten the same height; the figure is `height` inches high.

    Example:
        >>> plot_lines({"twice": torch.tensor([2.0, 4.0])}, "A line that rises from 2 to 4.")
        <LessonFigure: A line that rises from 2 to 4.>
    """
    check_count(curves, len(CYCLE))
    figure, (axes,) = new_figure(height=height, alt=alt)
    figure.few_colours = True
    heights = {name: torch.as_tensor(curve).detach().cpu() for name, curve in curves.items()}
    _draw_lines(axes, heights, x)
    if log:
        axes.set_yscale("log")
        _mark_powers(axes.yaxis)
    axes.set(xlabel=x_label, ylabel=y_label)
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
    """Draw up to 16 horizontal bars, the first at the top, with their lengths as numbers.

    Several numbers for one bar are drawn as dots, and the bar is as long as their median. The
    numbers have so many `digits` after the point. `log` is for ratios: bars start at 1, and every
    power of ten is equally wide. A dashed line marks the `bound`.

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
    if bound is not None:
        axes.axvline(bound, color=VERMILION, lw=1.5, ls="--", zorder=0)
        axes.annotate(f"{bound:g}", (bound, 1), xycoords=axes.get_xaxis_transform(), ha="center")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    if log:
        axes.set_xscale("log")
        axes.axvline(start, color=BLACK, lw=1.2)
        _mark_powers(axes.xaxis)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(x_label)
    return figure


def plot_learning_curves(runs: Mapping[str, History], alt: str, classes: int = 2) -> LessonFigure:
    """Draw loss and accuracy of up to 4 trainings, for training and validation pictures.

    The `runs` are histories as `training.fit` returns them, by name, which may be empty. Each has
    a row, loss at the left, accuracy at the right; all rows have the same axes. Dotted lines show
    what guessing one of so many `classes` gives: a loss of log(classes), and 1 / classes right.

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
    panels = [(name, run, what) for name, run in runs.items() for what in ("loss", "accuracy")]
    for index, (axis, (name, run, what)) in enumerate(zip(axes, panels, strict=True)):
        if index >= 2:
            axis.sharey(axes[index % 2])
        curves = {"training": f"train_{what}", "validation": f"valid_{what}"}
        known = {label: getattr(run, each) for label, each in curves.items()}
        _draw_lines(axis, {label: curve for label, curve in known.items() if len(curve)})
        guess = math.log(classes) if what == "loss" else 1 / classes
        axis.axhline(guess, color=BLACK, ls=":", lw=1.2, label="guessing")
        axis.set_title(f"{name}: {what}" if name else what, fontsize=10, loc="left")
    axes[0].set_ylim(bottom=0.0)
    axes[1].set_ylim(top=1.02)
    for axis in axes[-2:]:
        axis.set_xlabel("epoch")
    handles = {line.get_label(): line for axis in axes for line in axis.get_lines()}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=3.5)
    return figure


def _draw_lines(
    axes: Axes, curves: Mapping[str, Sequence[float]], x: torch.Tensor | None = None
) -> None:
    """Draw each curve in its own look, with a marker at every twentieth part of a long one."""
    looks = zip(CYCLE, LINE_STYLES, MARKERS, strict=True)
    for (name, curve), (colour, line, marker) in zip(curves.items(), looks, strict=False):
        look = {"color": colour, "linestyle": line, "marker": marker, "linewidth": 2}
        look |= {"markersize": 5, "markevery": max(1, len(curve) // 20)}
        places = range(1, len(curve) + 1) if x is None else torch.as_tensor(x).cpu()
        axes.plot(places, curve, label=name, **look)
    if x is None:
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


def draw_surface(axes: Axes, heights: np.ndarray, limits: Sequence[tuple[float, float]]) -> None:
    """Draw levels of equal loss `(H, W)`, closer together at the bottom, where it is flat."""
    columns, rows = (np.linspace(*ends, n) for ends, n in zip(limits, heights.T.shape, strict=True))
    levels = heights.min() + np.ptp(heights) * np.linspace(0, 1, 18) ** 2
    axes.contourf(columns, rows, heights, levels, cmap=SEQUENTIAL)
    axes.contour(columns, rows, heights, levels, colors="white", linewidths=0.6, alpha=0.6)


def draw_path(axes: Axes, points: np.ndarray) -> None:
    """Draw a path `(T, 2)` that is seen on dark and on light ground."""
    for colour, width in (("black", 3.6), ("white", 1.8)):
        axes.plot(*points.T, color=colour, lw=width, zorder=3)
    axes.plot(*points[1:].T, "o", color="white", mec="black", ms=4, mew=0.8, zorder=4)
    axes.plot(*points[0], "s", color="white", mec="black", ms=8, zorder=5)
    axes.plot(*points[-1], "o", color=VERMILION, mec="white", mew=1.5, ms=11, zorder=6)
