"""A surface of losses from above, and a ball that goes down on it."""

from __future__ import annotations

import numpy as np

from cnn_basics.figures import VERMILION, LessonFigure, new_figure
from cnn_basics.plots.heat import draw_path, draw_surface

Limits = tuple[tuple[float, float], tuple[float, float]]


def plot_surface(
    heights: np.ndarray, limits: Limits, *, width: float, height: float
) -> LessonFigure:
    """Draw a surface from above up to the figure's edges, with nothing written.

    Args:
        heights: `(H, W)` float, the loss; the first row belongs to the smallest second weight.
        limits: Smallest and largest first weight, and the same for the second.
        width: Width of the figure in inches.
        height: Height in inches.

    Returns:
        The figure: dark where the loss is low, with lines of equal loss, closer where it is steep.

    Raises:
        ValueError: When `heights` is not `(H, W)`.

    Example:
        >>> plot_surface(np.eye(4), ((0, 1), (0, 1)), width=2, height=2)
        <LessonFigure: A surface of losses from above.>
    """
    figure, (axes,) = new_figure(width=width, height=height)
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    draw_surface(axes, heights, limits)
    axes.set_axis_off()
    figure.alt = "A surface of losses from above."
    return figure


def plot_walk(
    heights: np.ndarray,
    limits: Limits,
    points: np.ndarray,
    losses: np.ndarray,
    alt: str,
    *,
    title: str = "",
) -> LessonFigure:
    """Draw the path of a ball on a surface, and its loss after each step.

    Args:
        heights: `(H, W)` float, as in `plot_surface`.
        limits: Smallest and largest first weight, and the same for the second.
        points: `(T, 2)` float, the path; what leaves the limits leaves the picture.
        losses: `(T,)` float, the loss at each point.
        alt: What the picture shows.
        title: Written above.

    Returns:
        Two panels: the surface with the path (a square where it starts, a large ball where it
        ends), and the losses on a logarithmic axis.

    Raises:
        ValueError: When there is no point, or not one loss for each.

    Example:
        >>> heights, points = np.eye(4), np.array([[0.1, 0.2], [0.3, 0.4]])
        >>> plot_walk(heights, ((0, 1), (0, 1)), points, np.array([2.0, 1.0]), "Two points.")
        <LessonFigure: Two points.>
    """
    if not len(points) or len(points) != len(losses):
        raise ValueError(
            f"expected one loss for each of at least one point, got {len(points)} points and "
            f"{len(losses)} losses: give both the same length"
        )
    figure, (left, right) = new_figure(1, 2, width=7.6, height=3.2, alt=alt, width_ratios=[1.6, 1])
    figure.few_colours = True
    draw_surface(left, heights, limits)
    draw_path(left, points)
    left.set(xlim=limits[0], ylim=limits[1], aspect="equal")
    left.set(xlabel="first weight", ylabel="second weight")
    left.set_title(title, fontsize=10, loc="left")
    right.plot(np.maximum(losses, 1e-12), color=VERMILION, marker="o", ms=3, lw=1.5)
    right.set_yscale("log")
    right.set(xlabel="step", ylabel="loss")
    right.spines[["top", "right"]].set_visible(False)
    return figure
