"""Points of two classes, and which columns pooling windows see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes

from cnn_basics.figures import BLUE, VERMILION, LessonFigure, new_figure


def plot_points(
    panels: Sequence[torch.Tensor],
    labels: torch.Tensor,
    titles: Sequence[str],
    alt: str,
    *,
    names: Sequence[str] = (),
    lines: Sequence[tuple[float, float, float] | None] = (),
) -> LessonFigure:
    """Draw points of two classes, once for each panel, with a straight border where there is one.

    Args:
        panels: Each `(N, 2)`, the same points in different coordinates.
        labels: `(N,)`, 0 for a hollow circle, 1 for a filled square.
        titles: One for each panel.
        alt: What the picture shows.
        names: Written beside each point, or nothing; points in one place share their names.
        lines: For each panel `(a, b, c)` of the border `a·x + b·y + c = 0`, or None.

    Returns:
        The figure, one axes for each panel.

    Example:
        >>> corners = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
        >>> plot_points([corners], torch.tensor([0, 1]), ["two"], "Two corners of a square.")
        <LessonFigure: Two corners of a square.>
    """
    figure, axes = new_figure(1, len(panels), height=3.0, alt=alt)
    for index, (axis, points, title) in enumerate(zip(axes, panels, titles, strict=True)):
        for label, marker, face in ((0, "o", "white"), (1, "s", BLUE)):
            x, y = points[labels == label].T.tolist()
            style = {"marker": marker, "facecolor": face, "edgecolors": BLUE, "zorder": 3}
            axis.scatter(x, y, 120, label=f"answer {label}", **style)
        _write_names(axis, points, names)
        low, high = points.min().item() - 0.8, points.max().item() + 0.8
        axis.set(xlim=(low, high), ylim=(low, high), title=title, aspect="equal")
        if lines and lines[index] is not None:
            _draw_border(axis, *lines[index], low, high)
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2)
    return figure


def _write_names(axes: Axes, points: torch.Tensor, names: Sequence[str]) -> None:
    """Write the names of points below them, those of equal points together."""
    places: dict[tuple[float, float], list[str]] = {}
    for point, name in zip(points.tolist(), names, strict=False):
        places.setdefault(tuple(point), []).append(name)
    style = {"textcoords": "offset points", "ha": "center", "va": "top", "fontsize": 9}
    style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    for place, here in places.items():
        axes.annotate("\n".join(here), place, (0, -10), **style)


def _draw_border(axes: Axes, a: float, b: float, c: float, low: float, high: float) -> None:
    """Draw the line `a·x + b·y + c = 0` as far as the axes reach."""
    reach = (low, high)
    ends = [(x, -(a * x + c) / b) for x in reach] if b else [(-c / a, y) for y in reach]
    axes.plot(*zip(*ends, strict=True), color=VERMILION, linestyle="--", linewidth=2)
