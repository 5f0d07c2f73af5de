"""All kernels of a layer, and all feature maps of several layers, as sheets of small pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from matplotlib import colormaps

from cnn_basics.figures import SEQUENTIAL, LessonFigure, new_figure, plain_axes
from cnn_basics.plots.mosaic import colour_kernels, tile_pictures


def plot_kernel_sheet(weight: torch.Tensor, alt: str, *, columns: int = 8) -> LessonFigure:
    """Show the kernels of a first layer, in colours and in grey.

    Args:
        weight: `(K, 3, kernel height, kernel width)`, float.
        alt: What the kernels look like.
        columns: Kernels in a row.

    Returns:
        Two sheets: each kernel as a colour picture, where grey is zero, and the sum of its three
        slices, from black (most negative) over grey (zero) to white.

    Raises:
        ValueError: When the kernels do not read three channels.

    Example:
        >>> plot_kernel_sheet(torch.randn(4, 3, 5, 5), "Four kernels.")
        <LessonFigure: Four kernels.>
    """
    if weight.ndim != 4 or weight.shape[1] != 3:
        raise ValueError(
            f"expected kernels (K, 3, height, width), got {tuple(weight.shape)}: only kernels "
            "that read red, green and blue can be shown as pictures"
        )
    numbers = weight.detach().cpu().double().numpy()
    summed = numbers.sum(axis=1, keepdims=True).repeat(3, axis=1)
    figure, axes = new_figure(1, 2, height=_height([numbers.shape[0]], columns, 3.4), alt=alt)
    figure.sharpness = 1.0  # there is little text, and many small pictures take much room
    titles = ("in colour (grey = 0)", "sum of the three slices")
    for axis, kernels, title in zip(axes, (numbers, summed), titles, strict=True):
        axis.imshow(tile_pictures(colour_kernels(kernels), columns), interpolation="nearest")
        plain_axes(axis, title)
    return figure


def plot_map_sheets(
    maps: Mapping[str, torch.Tensor], alt: str, *, columns: int = 8
) -> LessonFigure:
    """Show every feature map of several layers, one sheet for each layer.

    Args:
        maps: Name and maps of each layer, `(C, H, W)`, float, at most 4 layers.
        alt: What the maps show.
        columns: Maps in a row of a sheet.

    Returns:
        The figure: each sheet has its own colour scale, from the smallest number of the layer
        (dark) to its largest (bright).

    Raises:
        ValueError: When there is no layer, there are more than 4, or one is not `(C, H, W)`.

    Example:
        >>> plot_map_sheets({"conv1": torch.rand(32, 8, 8)}, "The maps of a layer.")
        <LessonFigure: The maps of a layer.>
    """
    if not 1 <= len(maps) <= 4:
        raise ValueError(f"expected 1 to 4 layers, got {len(maps)}: use more figures")
    for name, stack in maps.items():
        if stack.ndim != 3:
            raise ValueError(
                f"expected maps (C, H, W) for {name}, got {tuple(stack.shape)}: "
                "pick one picture, as in y[0]"
            )
    height = _height([len(stack) for stack in maps.values()], columns, 7.0 / len(maps))
    figure, axes = new_figure(1, len(maps), height=height, alt=alt)
    figure.sharpness = 1.0
    for axis, (name, stack) in zip(axes, maps.items(), strict=True):
        numbers = stack.detach().cpu().double().numpy()
        spread = numbers.max() - numbers.min() or 1.0
        coloured = colormaps[SEQUENTIAL]((numbers - numbers.min()) / spread)[..., :3]
        axis.imshow(tile_pictures(coloured, columns), interpolation="nearest")
        plain_axes(axis, f"{name}  {'×'.join(map(str, numbers.shape))}")
    return figure


def _height(counts: list[int], columns: int, width: float) -> float:
    """The height of a figure whose sheets are so wide, in inches."""
    return width * max(math.ceil(count / columns) for count in counts) / columns + 0.4
