"""Rooflines with programs below them, and times as multiples of another's."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from cnn_basics.figures import BLACK, BLUE, CYCLE, VERMILION, LessonFigure, new_figure
from cnn_basics.plots.curves import MARKERS, check_count, label_plainly

if TYPE_CHECKING:
    from cnn_basics.by_hand.fast import Machine

GIGA = 1e9


def plot_roofline(
    machine: Machine,
    programs: Mapping[str, tuple[float, float]],
    alt: str,
    *,
    height: float = 3.4,
) -> LessonFigure:
    """Draw what a machine can attain, and how close programs come.

    Args:
        machine: Its peak and its bandwidth.
        programs: By name, the arithmetic intensity (operations for each byte moved) and the
            operations per second that were reached, both above 0; at most 7.
        alt: What the picture shows; measured numbers are written into the picture itself.
        height: Height of the figure in inches.

    Returns:
        One axes, both scales in powers of ten: the roof, and a marker for each program.

    Raises:
        ValueError: When there is no program, or more than 7.

    Example:
        >>> from cnn_basics.by_hand.fast import Machine
        >>> plot_roofline(Machine(1e11, 2e10), {"a copy": (0.1, 1e9)}, "A point under a roof.")
        <LessonFigure: A point under a roof.>
    """
    check_count(programs, len(CYCLE))
    figure, (axes,) = new_figure(height=height, alt=alt)
    intensities = [intensity for intensity, _ in programs.values()]
    low = min(*intensities, machine.ridge) / 4
    high = max(*intensities, machine.ridge) * 4
    middle = (low * machine.ridge) ** 0.5  # of the slope, as it is drawn
    slope = np.array([low, machine.ridge, high])
    axes.plot(slope, [machine.attainable(x) / GIGA for x in slope], color=BLACK, lw=2, zorder=1)
    for index, (name, (intensity, speed)) in enumerate(programs.items()):
        look = {"marker": MARKERS[index], "color": CYCLE[index], "mec": BLACK, "ms": 9, "ls": ""}
        axes.plot([intensity], [speed / GIGA], label=name, **look)
    axes.text(
        high, machine.peak / GIGA * 1.12, f"peak: {machine.peak / GIGA:,.0f}",
        ha="right", va="bottom", fontsize=9,
    )  # fmt: skip
    axes.text(
        middle, machine.attainable(middle) / GIGA, f"  {machine.bandwidth / GIGA:,.1f} GB/s",
        ha="left", va="top", fontsize=9,
    )  # fmt: skip
    use_powers(axes)
    axes.set_ylim(top=machine.peak / GIGA * 2.5)
    figure.legend(loc="outside right upper")
    return figure


def use_powers(axes: Axes) -> None:
    """Scale both axes of a roofline in powers of ten, and label them with plain numbers."""
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        label_plainly(axis)
    axes.set_xlabel("arithmetic intensity (operations for each byte)", fontsize=9)
    axes.set_ylabel("billion operations per second", fontsize=9)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def plot_ratios(
    ratios: Mapping[str, Sequence[float]],
    alt: str,
    *,
    reference: str = "F.conv2d",
    bound: float | None = None,
) -> LessonFigure:
    """Draw how many times as long as a reference each of several functions took.

    Args:
        ratios: By name, one ratio above 0 for each time that both ran; at most 16.
        alt: What the picture shows; measured numbers are written into the picture itself.
        reference: What the times were divided by.
        bound: A ratio to mark with a dashed line.

    Returns:
        A row for each name, the first at the top, in powers of ten: a small dot for each ratio, and
        a bar to their median, which is also written.

    Raises:
        ValueError: When there is nothing to draw, or too much.

    Example:
        >>> plot_ratios({"by hand": [2.0, 2.2, 1.9]}, "A bar to the right of the line at 1.")
        <LessonFigure: A bar to the right of the line at 1.>
    """
    check_count(ratios, 16)
    figure, (axes,) = new_figure(height=0.36 * len(ratios) + 0.9, alt=alt)
    for row, values in enumerate(ratios.values()):
        _draw_ratios(axes, row, values)
    axes.axvline(1, color=BLACK, lw=1.2)
    if bound is not None:
        axes.axvline(bound, color=VERMILION, lw=1.5, linestyle="--")
        axes.text(bound, -0.75, f"{bound:g}×", ha="center", va="bottom", fontsize=9)
    axes.set_xscale("log")
    label_plainly(axes.xaxis)
    axes.set_yticks(range(len(ratios)), list(ratios))
    axes.set_ylim(len(ratios) - 0.5, -0.7)
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(f"time, as a multiple of {reference}'s (median and all repeats)", fontsize=9)
    return figure


def _draw_ratios(axes: Axes, row: int, values: Sequence[float]) -> None:
    """Draw one row: a dot for each ratio, a bar to their median, and the median in figures."""
    median = statistics.median(values)
    axes.plot([1, median], [row, row], color=BLUE, lw=7, alpha=0.35, solid_capstyle="butt")
    axes.plot(values, [row] * len(values), "o", color=BLACK, ms=3, alpha=0.6)
    axes.plot([median], [row], "|", color=BLACK, ms=14, mew=2)
    axes.annotate(
        f"{median:,.2f}×" if median < 10 else f"{median:,.0f}×", (max(*values, 1.0), row),
        xytext=(7, 0), textcoords="offset points", va="center", fontsize=10,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip
