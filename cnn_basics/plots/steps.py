"""Animations of lesson 6: a point that moves along a curve, numbers that are normalised."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch

from cnn_basics.figures import BLUE, VERMILION, Animation, figure_to_array, new_figure
from cnn_basics.plots.cells import write_number
from cnn_basics.plots.histograms import common_limits, draw_histogram


def animate_curve(
    x: torch.Tensor, y: torch.Tensor, slope: torch.Tensor, name: str = "f"
) -> Animation:
    """Move a point along a curve, with a piece of its tangent.

    Args:
        x: `(T,)`, the inputs in order.
        y: `(T,)`, the outputs.
        slope: `(T,)`, the slope of the curve at each point.
        name: What the function is called.

    Returns:
        One frame for each point.

    Raises:
        ValueError: When the three are not of one shape `(T,)`.

    Example:
        >>> x = torch.tensor([0.0, 1.0])
        >>> len(animate_curve(x, 2 * x, torch.full((2,), 2.0)).frames)
        2
    """
    if not x.shape == y.shape == slope.shape or x.ndim != 1:
        raise ValueError(
            f"expected x, y and slope of one shape (T,), got {tuple(x.shape)}, {tuple(y.shape)} "
            f"and {tuple(slope.shape)}: compute all three at the same points"
        )
    xs, ys, slopes = x.detach().cpu(), y.detach().cpu(), slope.detach().cpu()
    frames = [_curve_frame(xs, ys, slopes[i].item(), i, name) for i in range(len(xs))]
    ends = [write_number(v) for v in (xs[0], xs[-1], ys[0], ys[-1])]
    alt = (
        f"A point moves along the curve of {name}, from input {ends[0]} to input {ends[1]}; its "
        f"output goes from {ends[2]} to {ends[3]}, and a short straight line shows the slope."
    )
    return Animation(np.stack(frames), alt, seconds_per_frame=0.5)


def animate_normalization(stages: Mapping[str, torch.Tensor], between: int = 2) -> Animation:
    """Show how the histogram of some numbers moves from one stage to the next.

    Args:
        stages: Title and numbers of each stage, all of one shape; each number keeps its place.
        between: Frames between two stages, in which every number goes straight to its new value.

    Returns:
        `(len(stages) - 1) * (between + 1) + 1` frames; the last is the last stage.

    Example:
        >>> x = torch.tensor([1.0, 3.0])
        >>> len(animate_normalization({"before": x, "after": x - 2}).frames)
        4
    """
    titles, values = list(stages), list(stages.values())
    limits = common_limits(stages)
    frames = [_histogram_frame(values[0], titles[0], limits)]
    for (old, new), title in zip(pairwise(values), titles[1:], strict=True):
        for part in torch.linspace(0, 1, between + 2)[1:].tolist():
            frames.append(_histogram_frame(torch.lerp(old, new, part), title, limits))
    mean, spread = (write_number(v) for v in (values[-1].mean(), values[-1].std(correction=0)))
    alt = (
        f"A histogram of {values[0].numel()} numbers in {len(stages)} stages: "
        f"{', then '.join(titles)}; it ends with mean {mean} and standard deviation {spread}."
    )
    return Animation(np.stack(frames), alt, seconds_per_frame=0.5)


def _curve_frame(
    x: torch.Tensor, y: torch.Tensor, slope: float, index: int, name: str
) -> np.ndarray:
    """Draw the whole curve, the point at `index` and its tangent."""
    here, there = x[index].item(), y[index].item()
    reach = (x[-1] - x[0]).item() / 6
    figure, (axes,) = new_figure(width=5.0, height=2.8)
    axes.plot(x.numpy(), y.numpy(), color=BLUE, linewidth=2)
    tangent = [there - slope * reach, there + slope * reach]
    axes.plot([here - reach, here + reach], tangent, color=VERMILION, linewidth=3, linestyle="--")
    axes.plot([here], [there], marker="o", color=VERMILION, markersize=10)
    axes.set_title(
        f"input {write_number(here)}   output {write_number(there)}   slope {write_number(slope)}",
        fontsize=11,
        family="DejaVu Sans Mono",
    )
    margin = 0.15 * ((y.max() - y.min()).item() or 1.0)
    axes.set_ylim(y.min().item() - margin, y.max().item() + margin)
    axes.set_xlabel("input")
    axes.set_ylabel(name)
    return figure_to_array(figure)


def _histogram_frame(numbers: torch.Tensor, title: str, limits: tuple[float, float]) -> np.ndarray:
    """Draw one stage."""
    figure, (axes,) = new_figure(width=5.0, height=2.4)
    draw_histogram(axes, numbers, title, limits, bins=60)
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    axes.set_xlabel("value")
    return figure_to_array(figure)
