"""Pictures, feature maps and kernels side by side, and how often numbers occur."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes

from cnn_basics.expect import expect
from cnn_basics.figures import (
    BLUE,
    DIVERGING,
    SEQUENTIAL,
    LessonFigure,
    new_figure,
    plain_axes,
)
from cnn_basics.plots.curves import check_count
from cnn_basics.plots.grids import write_number


def plot_pictures(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    alt: str,
    *,
    columns: int = 5,
    size: float = 1.7,
) -> LessonFigure:
    """Show pictures in a table.

    Args:
        pictures: Each `(H, W, 3)` or `(H, W)`; uint8, or float from 0 to 1.
        titles: One for each picture.
        alt: What the pictures show.
        columns: Pictures in a row.
        size: Height of a row in inches.

    Returns:
        The figure.

    Raises:
        ValueError: When there is no picture, or the titles do not match.
    """
    what = "one title for each of at least one picture"
    got = f"{len(pictures)} pictures and {len(titles)} titles"
    fix = "give both lists the same length"
    expect(len(pictures) == len(titles) > 0, what, got, fix)
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure, axes = new_figure(rows, columns, height=size * rows, alt=alt)
    for axis in axes[len(pictures) :]:
        axis.set_axis_off()
    for axis, picture, title in zip(axes, pictures, titles, strict=False):
        top = 255 if picture.dtype == np.uint8 else 1.0
        axis.imshow(picture, cmap="gray", vmin=0, vmax=top)
        plain_axes(axis, title)
    return figure


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
    """Show feature maps as pictures with a colour bar.

    Args:
        maps: `(C, H, W)`.
        titles: One for each map.
        alt: What the maps show.
        columns: Maps in a row.
        size: Height of a row in inches.
        diverging: Use colours with zero in the middle, for maps with both signs.
        shared: Give all maps one colour scale, so that they can be compared.

    Returns:
        The figure; the first `C` axes hold the maps.

    Raises:
        ValueError: When `maps` is not `(C, H, W)`.
    """
    got, fix = str(tuple(maps.shape)), "pick one picture, as in y[0]"
    expect(maps.ndim == 3, "maps as (C, H, W)", got, fix)
    columns = min(columns, len(maps))
    rows = math.ceil(len(maps) / columns)
    figure, axes = new_figure(rows, columns, height=size * rows, alt=alt)
    for axis in axes[len(maps) :]:
        axis.set_axis_off()
    for axis, feature_map, title in zip(axes, maps, titles, strict=False):
        numbers = maps if shared else feature_map
        low, high = numbers.min().item(), numbers.max().item()
        if diverging:
            high = max(abs(low), abs(high)) or 1.0
            low = -high
        colours = DIVERGING if diverging else SEQUENTIAL
        image = axis.imshow(feature_map.detach().cpu().numpy(), cmap=colours, vmin=low, vmax=high)
        plain_axes(axis, title)
        if not shared:
            figure.colorbar(image, ax=axis, shrink=0.8)
    if shared:
        figure.colorbar(image, ax=list(axes), shrink=0.8)
    return figure


def plot_filtered(
    picture: torch.Tensor,
    maps: torch.Tensor,
    titles: Sequence[str],
    alt: str,
    *,
    signed: Sequence[int] = (),
    columns: int = 4,
    size: float = 1.6,
) -> LessonFigure:
    """Show a grey picture and, after it, what kernels made of it.

    The scale of a map leaves out its largest half per cent, so that a bright border does not
    darken the rest.

    Args:
        picture: `(H, W)`, from 0 to 1.
        maps: `(C, H, W)`.
        titles: One for each map.
        alt: What the pictures show.
        signed: Which maps, by index, are shown with grey for zero; the others run from black
            for zero to white.
        columns: Pictures in a row.
        size: Height of a row in inches.

    Returns:
        The figure; the first axes hold the picture, the next `C` the maps.
    """
    rows = math.ceil((len(maps) + 1) / columns)
    figure, axes = new_figure(rows, columns, height=size * rows, alt=alt)
    figure.sharpness = 1.0  # there is little text, and photographs take much room
    for axis in axes:
        axis.set_axis_off()
    axes[0].imshow(picture.cpu().numpy(), cmap="gray", vmin=0, vmax=1)
    axes[0].set_title("input", fontsize=10)
    for index, (axis, title) in enumerate(zip(axes[1:], titles, strict=False)):
        numbers = maps[index].detach().cpu().numpy()
        high = float(np.quantile(abs(numbers), 0.995)) or 1.0
        low = -high if index in signed else 0.0
        axis.imshow(numbers, cmap="gray", vmin=low, vmax=high)
        axis.set_title(title, fontsize=10)
    return figure


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
