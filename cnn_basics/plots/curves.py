"""Lines, panels of lines and bars, told apart by style, marker and label."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from cnn_basics.figures import BLUE, CYCLE, LessonFigure, new_figure

Curves = Mapping[str, torch.Tensor]

LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)), (0, (8, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "//", "..", "xx", "\\\\", "++", "oo")


def plot_lines(
    curves: Curves,
    alt: str,
    *,
    x: torch.Tensor | None = None,
    x_label: str = "",
    y_label: str = "",
    log: bool = False,
    height: float = 3.0,
) -> LessonFigure:
    """Draw several lines in one plot.

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
        The figure; each line has its own style and marker, and, if there are several, an entry in
        the legend.

    Raises:
        ValueError: When there is no line, or more than 7.

    Example:
        >>> plot_lines({"twice": torch.tensor([2.0, 4.0])}, "A line that rises from 2 to 4.")
        <LessonFigure: A line that rises from 2 to 4.>
    """
    check_count(curves, len(CYCLE))
    figure, (axes,) = new_figure(height=height, alt=alt)
    _draw_lines(axes, curves, x, markers=True)
    if log:
        axes.set_yscale("log")
        _mark_powers(axes)
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if len(curves) > 1:
        figure.legend(loc="outside right upper", handlelength=3.5)
    return figure


def plot_panels(
    x: torch.Tensor, panels: Mapping[str, Curves], alt: str, *, columns: int = 4, size: float = 1.9
) -> LessonFigure:
    """Draw one small plot for each function, all with the same axes.

    Args:
        x: `(T,)`, the places of the points, the same for all.
        panels: Title of each plot, and its curves by label, each `(T,)`.
        alt: What the picture shows.
        columns: Plots in a row.
        size: Height of a row in inches.

    Returns:
        The figure; the first axes hold the panels in order. Lines of the same label have the
        same style everywhere; one legend names them.

    Example:
        >>> x = torch.linspace(-1, 1, 3)
        >>> plot_panels(x, {"square": {"value": x**2}}, "A parabola, open at the top.")
        <LessonFigure: A parabola, open at the top.>
    """
    check_count(panels, 16)
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure, axes = new_figure(rows, columns, height=size * rows + 0.4, alt=alt)
    heights = torch.cat([curve for curves in panels.values() for curve in curves.values()])
    low, high = heights.min().item(), heights.max().item()
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, curves) in zip(axes, panels.items(), strict=False):
        _draw_lines(axis, curves, x, markers=False)
        axis.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        axis.set_title(title, fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), handlelength=3.5)
    return figure


def plot_bars(
    values: Mapping[str, float], alt: str, *, x_label: str = "", digits: int = 2
) -> LessonFigure:
    """Draw one horizontal bar for each number, with the number at its end.

    Args:
        values: Label and length of each bar.
        alt: What the picture shows.
        x_label: Says what the lengths are.
        digits: Decimals of the numbers written.

    Returns:
        The figure; the first bar is at the top.

    Example:
        >>> plot_bars({"one": 1.0, "two": 2.0}, "Two bars, one half as long as the other.")
        <LessonFigure: Two bars, one half as long as the other.>
    """
    check_count(values, 16)
    figure, (axes,) = new_figure(height=0.45 * len(values) + 0.9, alt=alt)
    bars = axes.barh(list(values), list(values.values()), color="0.85", edgecolor=BLUE, height=0.65)
    for index, bar in enumerate(bars):
        bar.set_hatch(HATCHES[index % len(HATCHES)])
    axes.bar_label(bars, [f"{value:,.{digits}f}" for value in values.values()], padding=4)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(x_label)
    return figure


def _draw_lines(axes: Axes, curves: Curves, x: torch.Tensor | None, markers: bool) -> None:
    """Draw each curve in its own colour, line style and, if wanted, marker."""
    if not markers:
        axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    for index, (label, curve) in enumerate(curves.items()):
        places = torch.arange(1, len(curve) + 1) if x is None else x
        axes.plot(
            places.detach().cpu().numpy(),
            curve.detach().cpu().numpy(),
            label=label,
            color=CYCLE[index],
            linestyle=LINE_STYLES[index],
            marker=MARKERS[index] if markers else "",
            linewidth=2,
            markersize=5,
        )
    axes.spines[["top", "right"]].set_visible(False)


def _mark_powers(axes: Axes) -> None:
    """Mark powers of ten, and where they would be few, also what lies between."""
    low, high = axes.get_ylim()
    if high < 100 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        label_plainly(axes.yaxis)
    else:
        axes.yaxis.set_minor_formatter(NullFormatter())


def label_plainly(axis: Axis) -> None:
    """Label a scale of powers with plain numbers, such as 0.5, and only at its main marks."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def check_count(things: Mapping[str, object], most: int) -> None:
    """Refuse nothing at all, and more than can be told apart."""
    if not 1 <= len(things) <= most:
        raise ValueError(
            f"expected 1 to {most} things to draw, got {len(things)}: split them over more figures"
        )
