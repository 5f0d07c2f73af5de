"""Pictures, feature maps and kernels side by side, heat over them, histograms, and blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.expect import expect
from cnn_basics.figures import BLUE, DIVERGING, SEQUENTIAL, LessonFigure, new_figure, plain_axes
from cnn_basics.plots.curves import check_count
from cnn_basics.plots.grids import new_tiles, write_number


def plot_pictures(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    alt: str,
    *,
    columns: int = 5,
    size: float = 1.7,
) -> LessonFigure:
    """Show pictures, each `(H, W, 3)` or `(H, W)`, uint8 or float from 0 to 1, with their titles.

    A row has so many `columns`, and is `size` inches high.
    """
    pictures = [np.asarray(picture) for picture in pictures]
    scales = [(0, 255 if picture.dtype == np.uint8 else 1) for picture in pictures]
    return _show(pictures, titles, alt, scales, columns, size)


def plot_feature_maps(
    maps: torch.Tensor,
    titles: Sequence[str],
    alt: str,
    *,
    columns: int = 4,
    size: float = 1.7,
    diverging: bool = False,
    shared: bool = True,
) -> LessonFigure:
    """Show feature maps `(C, H, W)` as pictures with a colour bar.

    Maps with both signs want `diverging` colours, with zero in the middle. One `shared` colour
    scale for all lets them be compared. A row has so many `columns`, and `size` inches.
    """
    numbers = torch.as_tensor(maps).detach().cpu().numpy()
    expect(numbers.ndim == 3, "maps as (C, H, W)", str(numbers.shape), "pick one, as in y[0]")
    scales = [(each.min(), each.max()) for each in ([numbers] * len(maps) if shared else numbers)]
    if diverging:
        highs = [max(-low, high) or 1.0 for low, high in scales]
        scales = [(-high, high) for high in highs]
    colours = DIVERGING if diverging else SEQUENTIAL
    figure = _show(numbers, titles, alt, scales, columns, size, colours)
    shown = [axes for axes in figure.axes if axes.images]
    for axes in shown[:1] if shared else shown:
        figure.colorbar(axes.images[0], ax=shown if shared else axes, shrink=0.8)
    return figure


def _show(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    alt: str,
    scales: Sequence[tuple[float, float]],
    columns: int,
    size: float,
    colours: str = "gray",
) -> LessonFigure:
    """Show each picture `(H, W)`, or `(H, W, 3)` in its own colours, with its title and scale."""
    figure, axes = new_tiles(pictures, titles, columns, size, alt)
    for axis, picture, title, (low, high) in zip(axes, pictures, titles, scales, strict=True):
        axis.imshow(picture, cmap=colours, vmin=low, vmax=high)
        plain_axes(axis, title)
    return figure


def plot_heat(
    pictures: torch.Tensor,
    heats: Mapping[str, torch.Tensor],
    titles: Sequence[str],
    alt: str,
    *,
    masks: torch.Tensor | None = None,
    size: float = 1.5,
) -> LessonFigure:
    """Show pictures and, below each, heat-maps over its grey copy, each with its own scale.

    Heat without negative numbers runs from dark (0) to bright; heat of both signs from blue over
    white (0) to red. Solid lines run where it is half of the largest, and 0.8 of it; dashed ones at
    the same heights below zero.

    Args:
        pictures: `(N, 3, H, W)` or `(N, 1, H, W)`, uint8, or float from 0 to 1; at most 8.
        heats: Name and heat-maps of each explanation, `(N, H, W)`, float.
        titles: One for each picture.
        alt: What the figure shows.
        masks: `(N, H, W)` bool, such as where the animal is; their outlines are dotted.
        size: Height of a row in inches.

    Example:
        >>> heat = {"saliency": torch.rand(1, 6, 6)}
        >>> plot_heat(torch.rand(1, 3, 6, 6), heat, ["cat"], "A cat and a heat-map.")
        <LessonFigure: A cat and a heat-map.>
    """
    heats = {name: torch.as_tensor(heat) for name, heat in heats.items()}
    count, wanted = len(pictures), (len(pictures), *pictures.shape[2:])
    is_batch = pictures.ndim == 4 and pictures.shape[1] in (1, 3) and 1 <= count <= 8
    what, got = "1 to 8 pictures (N, 3, H, W) or (N, 1, H, W)", str(tuple(pictures.shape))
    expect(is_batch, what, got, "pick some of a batch, as in x[:4]")
    what = f"a title for each of {count} pictures"
    expect(len(titles) == count, what, len(titles), "give both the same length")
    for name, heat in {**heats, **({} if masks is None else {"masks": masks})}.items():
        got, fix = str(tuple(heat.shape)), f"write explain.enlarge(heat, {wanted[1:]})"
        expect(tuple(heat.shape) == wanted, f"{name} of shape {wanted}", got, fix)
    rows = len(heats) + 1
    figure, axes = new_figure(rows, count, height=size * rows + 0.2, alt=alt)
    figure.sharpness, figure.few_colours = 1.3, True  # pictures under colours take much room
    colours = pictures.detach().cpu().permute(0, 2, 3, 1).float()  # (N, H, W, C)
    colours = (colours / 255 if pictures.dtype == torch.uint8 else colours).numpy()
    layers = [("", None, colours), *((*each, colours.mean(axis=-1)) for each in heats.items())]
    for row, (name, heat, shown) in zip(axes.reshape(rows, count), layers, strict=True):
        for index, axis in enumerate(row):
            axis.imshow(shown[index], cmap="gray", vmin=0, vmax=1)
            plain_axes(axis, titles[index] if heat is None else "")
            if heat is not None:
                _draw_heat(axis, heat[index].detach().cpu().numpy(), bool((heat < 0).any()))
            mask = None if masks is None else masks[index].cpu().float().numpy()
            if mask is not None and mask.any() and not mask.all():  # else it has no outline
                axis.contour(mask, levels=[0.5], colors="0.9", linewidths=2.2)
                look = {"colors": "black", "linewidths": 1.0, "linestyles": "dotted"}
                axis.contour(mask, levels=[0.5], **look)
        row[0].set_ylabel(name, fontsize=9)
    return figure


def _draw_heat(axes: Axes, heat: np.ndarray, signed: bool) -> None:
    """Lay one heat-map `(H, W)` over what is drawn already, with contour lines."""
    high = float(np.abs(heat).max()) or 1.0
    low, colours = (-high, DIVERGING) if signed else (0.0, SEQUENTIAL)
    axes.imshow(heat, cmap=colours, vmin=low, vmax=high, alpha=0.65)
    for sign, style in ((1, "solid"), (-1, "dashed")):
        levels = [share * high for share in (0.5, 0.8) if (sign * heat).max() > share * high]
        if levels and min(heat.shape) > 1:
            look = {"colors": "black" if signed else "white", "linestyles": style}
            axes.contour(sign * heat, levels=levels, linewidths=1.2, **look)


def plot_histograms(
    samples: Mapping[str, torch.Tensor], alt: str, *, x_label: str = "value", bins: int = 40
) -> LessonFigure:
    """Draw a histogram with its title for each of up to 16 tensors, all on one scale.

    Example:
        >>> plot_histograms({"ones": torch.ones(5)}, "Five numbers, all in one bar.")
        <LessonFigure: Five numbers, all in one bar.>
    """
    check_count(samples, 16)
    samples = {title: torch.as_tensor(numbers) for title, numbers in samples.items()}
    figure, axes = new_tiles(samples, samples, 2, 2.2, alt)
    low = min(numbers.min().item() for numbers in samples.values())
    high = max(numbers.max().item() for numbers in samples.values())
    limits = low, max(high, low + 1.0)
    for axis, (title, numbers) in zip(axes, samples.items(), strict=True):
        draw_histogram(axis, numbers, title, limits, bins)
    for axis in axes[-2:]:
        axis.set_xlabel(x_label)
    return figure


def draw_histogram(
    axes: Axes, numbers: torch.Tensor, title: str, limits: tuple[float, float], bins: int = 40
) -> None:
    """Draw one histogram, mark its mean by a dashed line, and write mean and spread above it."""
    flat = numbers.detach().cpu().flatten().double()
    axes.hist(flat.numpy(), bins=bins, range=limits, color="0.75", edgecolor=BLUE, linewidth=0.4)
    axes.axvline(flat.mean().item(), color="black", linestyle="--", linewidth=1.5)
    mean, spread = write_number(flat.mean()), write_number(flat.std(correction=0))
    axes.set_title(f"{title}\nmean {mean}, standard deviation {spread}", fontsize=9)
    axes.set_xlim(*limits)
    axes.set_yticks([])


def plot_blocks(
    titles: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
    alt: str,
    contents: Mapping[int, torch.Tensor] | None = None,
) -> LessonFigure:
    """Draw a network from left to right: stacks of maps, then columns of numbers.

    The shapes are those of one picture: `(C, H, W)`, drawn as a stack of at most 4 squares, or
    `(n,)`, drawn as a column of at most 10 cells. Stacks may have `contents` `(C, H, W)`, float, by
    index: three channels from 0 to 1 are one colour picture, others maps.

    Example:
        >>> plot_blocks(["in", "out"], [(1, 8, 8), (2,)], "A picture becomes two numbers.")
        <LessonFigure: A picture becomes two numbers.>
    """
    got = f"{len(titles)} titles and {len(shapes)} shapes"
    what, fix = "one title for each of at least one shape", "give both lists the same length"
    expect(len(titles) == len(shapes) > 0, what, got, fix)
    figure, (axes,) = new_figure(width=7.6, height=2.0, alt=alt)
    left, look = 0.0, {"ha": "center", "fontsize": 9}
    for index, (title, shape) in enumerate(zip(titles, shapes, strict=True)):
        if index:
            arrow = {"arrowstyle": "->", "lw": 1.2}
            axes.annotate("", (left - 0.05, 0), (left - 0.45, 0), arrowprops=arrow)
        if len(shape) == 3:
            side = 0.6 * (shape[1] / shapes[0][1]) ** 0.5
            right = _draw_stack(axes, left, side, shape[0], (contents or {}).get(index))
        else:
            right = _draw_column(axes, left, shape[0])
        axes.text((left + right) / 2, 0.54, title, va="bottom", **look)
        axes.text((left + right) / 2, -0.56, "×".join(map(str, shape)), va="top", **look)
        left = right + 0.5
    axes.set(xlim=(-0.3, right + 0.3), ylim=(-0.8, 0.9), aspect="equal")
    axes.set_axis_off()
    return figure


def _draw_stack(
    axes: Axes, left: float, side: float, count: int, content: torch.Tensor | None
) -> float:
    """Draw squares, each to the upper right of the one before it; return their right edge."""
    maps = [None] * min(count, 4)
    if content is not None:
        pixels = content.detach().cpu().numpy()
        maps = [np.moveaxis(pixels, 0, -1)] if count == 3 else list(pixels[:4])
    for k, shown in enumerate(maps):
        x, y = left + 0.05 * k, 0.05 * (k - (len(maps) - 1) / 2) - side / 2
        face = str(0.95 - 0.08 * k)
        if shown is not None:
            axes.imshow(shown, SEQUENTIAL, extent=(x, x + side, y, y + side), zorder=-k)
            face = "none"
        axes.add_patch(Rectangle((x, y), side, side, fc=face, ec="black", lw=0.8, zorder=-k))
    return x + side


def _draw_column(axes: Axes, left: float, numbers: int) -> float:
    """Draw numbers as a column of cells, with dots if there are more; return its right edge."""
    cells = min(numbers, 10)
    for k in range(cells):
        corner = (left, (k - cells / 2) * 0.09)
        axes.add_patch(Rectangle(corner, 0.09, 0.09, fc="0.95", ec="black", lw=0.8))
    if numbers > cells:
        look = {"ha": "center", "va": "center", "fontsize": 11, "backgroundcolor": "white"}
        axes.text(left + 0.045, 0, "⋮", **look)
    return left + 0.09
