"""How often numbers occur."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from matplotlib.axes import Axes

from cnn_basics.figures import BLUE, LessonFigure, new_figure
from cnn_basics.plots.cells import write_number
from cnn_basics.plots.curves import check_count


def plot_histograms(
    samples: Mapping[str, torch.Tensor],
    alt: str,
    *,
    x_label: str = "value",
    columns: int = 2,
    bins: int = 40,
    size: float = 2.2,
) -> LessonFigure:
    """Count how often numbers occur, one histogram for each set of numbers, on one scale.

    Args:
        samples: Title and numbers of each histogram, of any shape.
        alt: What the picture shows.
        x_label: Says what the numbers are.
        columns: Histograms in a row.
        bins: Into how many bars the common range is cut.
        size: Height of a row in inches.

    Returns:
        The figure; a dashed line marks each mean. The first axes hold the histograms in order.

    Example:
        >>> plot_histograms({"ones": torch.ones(5)}, "Five numbers, all in one bar.")
        <LessonFigure: Five numbers, all in one bar.>
    """
    check_count(samples, 16)
    columns = min(columns, len(samples))
    rows = math.ceil(len(samples) / columns)
    figure, axes = new_figure(rows, columns, height=size * rows, alt=alt)
    limits = common_limits(samples)
    for axis in axes[len(samples) :]:
        axis.set_axis_off()
    for axis, (title, numbers) in zip(axes, samples.items(), strict=False):
        draw_histogram(axis, numbers, title, limits, bins)
    for axis in axes[len(samples) - columns : len(samples)]:
        axis.set_xlabel(x_label)
    return figure


def common_limits(samples: Mapping[str, torch.Tensor]) -> tuple[float, float]:
    """Return the smallest and the largest of all numbers, at least 1 apart."""
    low = min(numbers.min().item() for numbers in samples.values())
    high = max(numbers.max().item() for numbers in samples.values())
    return low, max(high, low + 1.0)


def draw_histogram(
    axes: Axes, numbers: torch.Tensor, title: str, limits: tuple[float, float], bins: int = 40
) -> None:
    """Draw one histogram, mark its mean, and write mean and spread above it."""
    flat = numbers.detach().cpu().flatten().double()
    axes.hist(flat.numpy(), bins=bins, range=limits, color="0.75", edgecolor=BLUE, linewidth=0.4)
    axes.axvline(flat.mean().item(), color="black", linestyle="--", linewidth=1.5)
    mean, spread = write_number(flat.mean()), write_number(flat.std(correction=0))
    axes.set_title(f"{title}\nmean {mean}, standard deviation {spread}", fontsize=9)
    axes.set_xlim(*limits)
    axes.set_yticks([])
