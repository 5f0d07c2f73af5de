"""The paths that several update rules take on one surface, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.ticker import LogLocator, NullFormatter

from cnn_basics.by_hand import Surface, Walk
from cnn_basics.figures import CYCLE, LessonFigure, new_figure
from cnn_basics.plots.curves import LINE_STYLES, MARKERS, check_count
from cnn_basics.plots.surfaces import draw_path, draw_surface

_POINTS = 81  # at which the loss is computed along each axis


def plot_walks(
    surface: Surface, walks: Mapping[str, Walk], alt: str, *, columns: int = 3, height: float = 2.4
) -> LessonFigure:
    """Draw the paths of several descents on the same surface, one panel each.

    Args:
        surface: The loss, drawn dark where it is low.
        walks: Title and path of each descent, at most 9.
        alt: What the picture shows.
        columns: Panels in a row.
        height: Height of a row in inches.

    Returns:
        One panel for each walk: a square where it starts, a large ball where it ends, and a
        cross in each valley. What lies outside of the surface's limits leaves the picture.

    Raises:
        ValueError: When there is no walk, or more than 9.

    Example:
        >>> from cnn_basics.by_hand import SURFACES, walk
        >>> figure = plot_walks(SURFACES["bowl"], {"SGD": walk("bowl")}, "A straight path.")
        >>> figure.axes[0].get_title()
        'SGD'
    """
    check_count(walks, 9)
    columns = min(columns, len(walks))
    figure, axes = new_figure(
        -(-len(walks) // columns), columns, width=7.4, height=height * -(-len(walks) // columns)
    )
    figure.alt, figure.few_colours = alt, True
    xs, ys = (torch.linspace(*ends, _POINTS, dtype=torch.float64) for ends in surface.limits)
    heights = surface.loss(torch.stack(torch.meshgrid(xs, ys, indexing="xy"), dim=-1)).numpy()
    for axis in axes[len(walks) :]:
        axis.set_axis_off()
    for axis, (title, path) in zip(axes, walks.items(), strict=False):
        draw_surface(axis, heights, surface.limits)
        axis.plot(*zip(*surface.valleys, strict=True), "x", color="white", ms=9, mew=2.5)
        draw_path(axis, path.points.numpy())
        axis.set(xlim=surface.limits[0], ylim=surface.limits[1], aspect="equal")
        axis.set_title(title, fontsize=10)
    axes[0].set_ylabel("second weight")
    for axis in axes[: len(walks)][-columns:]:  # the lowest of each column
        axis.set_xlabel("first weight")
    return figure


def plot_walk_losses(
    walks: Mapping[str, Walk], alt: str, *, lowest: float = 1e-3, height: float = 2.8
) -> LessonFigure:
    """Draw the loss of several descents, step by step, in one plot.

    Args:
        walks: Name and path of each descent, at most 7.
        alt: What the picture shows.
        lowest: Where the axis ends; lines of smaller losses leave the picture.
        height: Height of the figure in inches.

    Returns:
        The figure, in which every power of ten is equally high; each line has its own style, and
        its own marker now and then.

    Raises:
        ValueError: When there is no walk, or more than 7.

    Example:
        >>> from cnn_basics.by_hand import walk
        >>> plot_walk_losses({"SGD": walk("bowl")}, "A loss that falls evenly.")
        <LessonFigure: A loss that falls evenly.>
    """
    check_count(walks, len(CYCLE))
    figure, (axes,) = new_figure(height=height, alt=alt)
    figure.few_colours = True
    for index, (name, path) in enumerate(walks.items()):
        axes.plot(
            path.losses.numpy(),
            label=name,
            color=CYCLE[index],
            linestyle=LINE_STYLES[index],
            marker=MARKERS[index],
            markevery=max(1, len(path.losses) // 10),
            linewidth=2,
        )
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(numticks=12))  # one for every power of ten
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="step", ylabel="loss")
    axes.set_ylim(lowest, 2 * max(path.losses.max().item() for path in walks.values()))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", handlelength=3.5)
    return figure
