"""Pictures, feature maps and kernels side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from cnn_basics.figures import DIVERGING, SEQUENTIAL, LessonFigure, new_figure, plain_axes


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
    if not len(pictures) or len(pictures) != len(titles):
        raise ValueError(
            f"expected one title for each of at least one picture, got {len(pictures)} pictures "
            f"and {len(titles)} titles: give both lists the same length"
        )
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
    if maps.ndim != 3:
        raise ValueError(
            f"expected maps as (C, H, W), got {tuple(maps.shape)}: pick one picture, as in y[0]"
        )
    columns = min(columns, len(maps))
    rows = math.ceil(len(maps) / columns)
    figure, axes = new_figure(rows, columns, height=size * rows, alt=alt)
    for axis in axes[len(maps) :]:
        axis.set_axis_off()
    for axis, feature_map, title in zip(axes, maps, titles, strict=False):
        low, high = _limits(maps if shared else feature_map, diverging)
        colours = DIVERGING if diverging else SEQUENTIAL
        image = axis.imshow(feature_map.detach().cpu().numpy(), cmap=colours, vmin=low, vmax=high)
        plain_axes(axis, title)
        if not shared:
            figure.colorbar(image, ax=axis, shrink=0.8)
    if shared:
        figure.colorbar(image, ax=list(axes), shrink=0.8)
    return figure


def _limits(numbers: torch.Tensor, diverging: bool) -> tuple[float, float]:
    """Find where a colour scale begins and ends, with zero in its middle if it is diverging."""
    low, high = numbers.min().item(), numbers.max().item()
    if not diverging:
        return low, high
    high = max(abs(low), abs(high)) or 1.0
    return -high, high


def plot_kernels(
    weight: torch.Tensor, titles: Sequence[str], alt: str, *, columns: int = 8, size: float = 1.2
) -> LessonFigure:
    """Show kernels in colours with zero in the middle.

    Args:
        weight: `(K, kernel height, kernel width)`.
        titles: One for each kernel.
        alt: What the kernels look like.
        columns: Kernels in a row.
        size: Height of a row in inches.

    Returns:
        The figure; the first `K` axes hold the kernels.
    """
    return plot_feature_maps(weight, titles, alt, columns=columns, size=size, diverging=True)


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
