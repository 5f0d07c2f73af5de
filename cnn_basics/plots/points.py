"""Points of two classes, and which columns pooling windows see."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure, new_figure, plain_axes
from cnn_basics.functional import output_size


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


def plot_coverage(
    size: int,
    kernel_size: int,
    stride: int,
    alt: str,
    *,
    ceil_modes: Sequence[bool] = (False, True),
) -> LessonFigure:
    """Show which columns of one row the pooling windows see, and which they never see.

    Args:
        size: Columns of the input.
        kernel_size: Width of a window.
        stride: Columns from one window to the next.
        alt: What the picture shows.
        ceil_modes: One panel for each, rounding the number of windows down or up.

    Returns:
        The figure; columns that no window sees are crossed out, windows are bars below.

    Example:
        >>> plot_coverage(7, 2, 2, "Column 6 of 7 is never seen unless ceil_mode is True.")
        <LessonFigure: Column 6 of 7 is never seen unless ceil_mode is True.>
    """
    figure, axes = new_figure(len(ceil_modes), 1, width=6.0, height=1.6 * len(ceil_modes), alt=alt)
    for axis, ceil_mode in zip(axes, ceil_modes, strict=True):
        count = output_size(size, kernel_size, stride, ceil_mode=ceil_mode)
        windows = [range(i * stride, i * stride + kernel_size) for i in range(count)]
        seen = {column for window in windows for column in window}
        for column in range(size):
            _draw_column(axis, column, column in seen)
        for index, window in enumerate(windows):
            _draw_window(axis, window, index)
        axis.set_xlim(-0.7, size + kernel_size - 0.3)
        axis.set_ylim(2.0, -0.6)
        plain_axes(axis, f"ceil_mode={ceil_mode}: {count} windows")
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


def _draw_column(axes: Axes, column: int, seen: bool) -> None:
    """Draw one column of the input; one never seen is hatched and crossed out."""
    style = {"facecolor": "#d6e6f2"} if seen else {"facecolor": "white", "hatch": "////"}
    axes.add_patch(Rectangle((column - 0.5, -0.5), 1, 1, edgecolor="0.5", **style))
    axes.text(column, 0, str(column), ha="center", va="center", color=BLACK)
    if not seen:
        axes.text(column, 0.95, "never\nseen", ha="center", va="center", fontsize=9)


def _draw_window(axes: Axes, window: range, index: int) -> None:
    """Draw one window as a bar under its columns, neighbours at different heights."""
    row = 0.7 + 0.55 * (index % 2)
    left, width = window[0] - 0.42, len(window) - 0.16
    axes.add_patch(
        Rectangle((left, row), width, 0.4, facecolor="white", edgecolor=VERMILION, linewidth=2)
    )
    axes.text(left + width / 2, row + 0.2, f"window {index}", ha="center", va="center", fontsize=8)
