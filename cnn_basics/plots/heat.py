"""Numbers as colours over a plane: heat-maps over pictures, and surfaces of losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes

from cnn_basics import figures
from cnn_basics.expect import expect


def plot_heat(
    pictures: torch.Tensor,
    heats: Mapping[str, torch.Tensor],
    titles: Sequence[str],
    alt: str,
    *,
    masks: torch.Tensor | None = None,
    size: float = 1.5,
) -> figures.LessonFigure:
    """Show pictures and, below each, heat-maps over its grey copy.

    Args:
        pictures: `(N, 3, H, W)` or `(N, 1, H, W)`, uint8, or float from 0 to 1; at most 8.
        heats: Name and heat-maps of each explanation, `(N, H, W)`, float.
        titles: One for each picture.
        alt: What the figure shows.
        masks: `(N, H, W)` bool, such as where the animal is; their outlines are dotted.
        size: Height of a row in inches.

    Returns:
        The figure: a row of pictures, then a row for each explanation. Heat without negative
        numbers runs from dark (0) to bright; heat of both signs from blue over white (0) to red.
        Solid lines run where the heat is half of the picture's largest, and 0.8 of it; dashed
        ones at the same heights below zero. Each map has its own scale.

    Raises:
        ValueError: When shapes or counts do not fit.

    Example:
        >>> heat = {"saliency": torch.rand(1, 6, 6)}
        >>> plot_heat(torch.rand(1, 3, 6, 6), heat, ["cat"], "A cat and a heat-map.")
        <LessonFigure: A cat and a heat-map.>
    """
    count, size_of_all = len(pictures), (len(pictures), *pictures.shape[2:])
    is_batch = pictures.ndim == 4 and pictures.shape[1] in (1, 3) and 1 <= count <= 8
    what = "1 to 8 pictures (N, 3, H, W) or (N, 1, H, W)"
    expect(is_batch, what, f"{tuple(pictures.shape)}", "pick some of a batch, as in x[:4]")
    what = f"a title for each of {count} pictures"
    expect(len(titles) == count, what, len(titles), "give both the same length")
    for name, heat in {**heats, **({} if masks is None else {"masks": masks})}.items():
        what, fix = f"{name} of shape {size_of_all}", f"explain.enlarge(heat, {size_of_all[1:]})"
        fits = tuple(heat.shape) == size_of_all
        expect(fits, what, f"{tuple(heat.shape)}", f"write {fix}")
    rows = len(heats) + 1
    figure, axes = figures.new_figure(rows, count, height=size * rows + 0.2, alt=alt)
    figure.sharpness, figure.few_colours = 1.3, True  # pictures under colours take much room
    values = pictures.detach().cpu().permute(0, 2, 3, 1)  # (N, H, W, C)
    values = (values.float() / 255 if values.dtype == torch.uint8 else values.float()).numpy()
    for place, axis in enumerate(axes):
        row, column = divmod(place, count)
        picture = values[column] if row == 0 else values[column].mean(axis=-1)
        axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
        figures.plain_axes(axis, titles[column] if row == 0 else "")
        if row > 0:
            heat = list(heats.values())[row - 1]
            _draw_heat(axis, heat[column].detach().cpu().numpy(), bool((heat < 0).any()))
        if masks is not None:
            _outline(axis, masks[column].cpu().float().numpy())
    for axis, name in zip(axes[count::count], heats, strict=True):
        axis.set_ylabel(name, fontsize=9)
    return figure


def _outline(axes: Axes, mask: np.ndarray) -> None:
    """Draw the outline of a mask `(H, W)` as a dotted line."""
    if mask.any() and not mask.all():
        axes.contour(mask, levels=[0.5], colors="0.9", linewidths=2.2)
        axes.contour(mask, levels=[0.5], colors="black", linewidths=1.0, linestyles="dotted")


def _draw_heat(axes: Axes, heat: np.ndarray, signed: bool) -> None:
    """Lay one heat-map `(H, W)` over what is drawn already, with contour lines."""
    high = float(np.abs(heat).max()) or 1.0
    low, colours = (-high, figures.DIVERGING) if signed else (0.0, figures.SEQUENTIAL)
    axes.imshow(heat, cmap=colours, vmin=low, vmax=high, alpha=0.65)
    for sign, style in ((1, "solid"), (-1, "dashed")):
        levels = [share * high for share in (0.5, 0.8) if (sign * heat).max() > share * high]
        if levels and min(heat.shape) > 1:
            look = {"colors": "black" if signed else "white", "linestyles": style}
            axes.contour(sign * heat, levels=levels, linewidths=1.2, **look)


def draw_surface(axes: Axes, heights: np.ndarray, limits: Sequence[tuple[float, float]]) -> None:
    """Draw levels of equal loss `(H, W)`, closer together at the bottom, where it is flat."""
    columns, rows = (np.linspace(*ends, n) for ends, n in zip(limits, heights.T.shape, strict=True))
    levels = heights.min() + np.ptp(heights) * np.linspace(0, 1, 18) ** 2
    axes.contourf(columns, rows, heights, levels, cmap=figures.SEQUENTIAL)
    axes.contour(columns, rows, heights, levels, colors="white", linewidths=0.6, alpha=0.6)


def draw_path(axes: Axes, points: np.ndarray) -> None:
    """Draw a path `(T, 2)` that is seen on dark and on light ground."""
    for colour, width in (("black", 3.6), ("white", 1.8)):
        axes.plot(*points.T, color=colour, lw=width, zorder=3)
    axes.plot(*points[1:].T, "o", color="white", mec="black", ms=4, mew=0.8, zorder=4)
    axes.plot(*points[0], "s", color="white", mec="black", ms=8, zorder=5)
    axes.plot(*points[-1], "o", color=figures.VERMILION, mec="white", mew=1.5, ms=11, zorder=6)
