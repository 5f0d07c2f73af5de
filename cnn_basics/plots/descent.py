"""Gradient descent on a curve: where each step leads, for one or several learning rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes

from cnn_basics.figures import (
    BLUE,
    VERMILION,
    Animation,
    LessonFigure,
    figure_to_array,
    new_figure,
)

Loss = Callable[[torch.Tensor], torch.Tensor]


def plot_descent(
    loss: Loss,
    paths: Mapping[str, Sequence[float]],
    alt: str,
    *,
    limits: tuple[float, float] = (-4.0, 10.0),
) -> LessonFigure:
    """Draw the steps of several descents on the same curve, one panel each.

    Args:
        loss: Takes a tensor of weights `(T,)` and returns the loss at each of them, `(T,)`.
        paths: Title and weights of each descent, from the first weight to the last.
        alt: What the picture shows.
        limits: Smallest and largest weight shown; steps beyond them leave the picture.

    Returns:
        One panel for each path: the curve, and the steps as joined points, the last one a diamond.

    Raises:
        ValueError: There is no path, or one without a weight.

    Example:
        >>> figure = plot_descent(lambda w: w**2, {"halved": [4.0, 2.0, 1.0]}, "Three points.")
        >>> figure.axes[0].get_title()
        'halved'
    """
    if not paths or not all(len(path) for path in paths.values()):
        raise ValueError("expected at least one weight in each path, got none: start with one")
    figure, axes = new_figure(1, len(paths), width=7.2, height=2.6, alt=alt)
    for axis, (title, path) in zip(axes, paths.items(), strict=True):
        _draw_path(axis, loss, path, limits)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("weight")
    axes[0].set_ylabel("loss")
    return figure


def animate_descent(
    loss: Loss, path: Sequence[float], *, limits: tuple[float, float] = (-4.0, 10.0)
) -> Animation:
    """Let a point go down a curve, step by step.

    Args:
        loss: As in `plot_descent`.
        path: The weights, from the first to the last.
        limits: Smallest and largest weight shown.

    Returns:
        One frame for each weight; its title gives the step, the weight and the loss.

    Raises:
        ValueError: `path` is empty.

    Example:
        >>> len(animate_descent(lambda w: w**2, [4.0, 2.0, 1.0]).frames)
        3
    """
    if not len(path):
        raise ValueError("expected at least one weight in the path, got none: start with one")
    losses = loss(torch.tensor(path)).tolist()
    frames = []
    for step, (weight, value) in enumerate(zip(path, losses, strict=True)):
        figure, (axis,) = new_figure(width=4.6, height=2.8)
        _draw_path(axis, loss, path[: step + 1], limits)
        title = f"step {step:2}   weight {weight:5.2f}   loss {value:5.2f}"
        axis.set_title(title, fontsize=10, family="DejaVu Sans Mono")
        axis.set(xlabel="weight", ylabel="loss")
        frames.append(figure_to_array(figure))
    alt = (
        f"A point goes down a curve in {len(path) - 1} steps; its loss falls from "
        f"{losses[0]:.2f} to {losses[-1]:.2f}."
    )
    if losses[-1] >= losses[0]:
        alt = (
            f"A point jumps about on a curve in {len(path) - 1} steps; its loss does not fall: "
            f"{losses[0]:.2f} at first, {losses[-1]:.2f} at last."
        )
    return Animation(np.stack(frames), alt, seconds_per_frame=0.8)


def _draw_path(axes: Axes, loss: Loss, path: Sequence[float], limits: tuple[float, float]) -> None:
    """Draw the curve and the points of one descent, the last one largest."""
    curve = torch.linspace(*limits, 141)
    heights = loss(curve)
    points = torch.tensor(path)
    axes.plot(curve.numpy(), heights.numpy(), color=BLUE, linewidth=2)
    axes.plot(
        points.numpy(),
        loss(points).numpy(),
        color=VERMILION,
        linestyle="--",
        marker="o",
        ms=5,
        lw=1,
    )
    axes.plot(points[-1:].numpy(), loss(points[-1:]).numpy(), "D", color=VERMILION, ms=9, mec="k")
    top = heights.max().item()
    axes.set(xlim=limits, ylim=(-0.08 * top, top))
