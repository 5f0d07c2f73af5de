"""Heat-maps over the pictures that they explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes

from cnn_basics.figures import (
    BLACK,
    DIVERGING,
    SEQUENTIAL,
    LessonFigure,
    new_figure,
    plain_axes,
)

LEVELS = (0.5, 0.8)  # shares of the largest heat where contour lines run


def plot_heat(
    pictures: torch.Tensor,
    heats: Mapping[str, torch.Tensor],
    titles: Sequence[str],
    alt: str,
    *,
    masks: torch.Tensor | None = None,
    size: float = 1.5,
) -> LessonFigure:
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
    _check(pictures, heats, titles, masks)
    count = len(pictures)
    figure, axes = new_figure(len(heats) + 1, count, height=size * (len(heats) + 1) + 0.2, alt=alt)
    figure.sharpness, figure.few_colours = 1.3, True  # pictures under colours take much room
    shown = _as_floats(pictures)
    for column, (picture, title) in enumerate(zip(shown, titles, strict=True)):
        whole = picture if picture.shape[-1] == 3 else picture[..., 0]
        axes[column].imshow(whole, cmap="gray", vmin=0, vmax=1)
        plain_axes(axes[column], title)
        if masks is not None:
            _outline(axes[column], masks[column])
    for row, (name, heat) in enumerate(heats.items(), start=1):
        signed = bool((heat < 0).any())
        for column, picture in enumerate(shown):
            axis = axes[row * count + column]
            axis.imshow(picture.mean(axis=-1), cmap="gray", vmin=0, vmax=1)
            draw_heat(axis, heat[column].detach().cpu().numpy(), signed=signed)
            plain_axes(axis)
            if masks is not None:
                _outline(axis, masks[column])
        axes[row * count].set_ylabel(name, fontsize=9)
    return figure


def draw_heat(axes: Axes, heat: np.ndarray, *, signed: bool, opacity: float = 0.65) -> None:
    """Lay one heat-map over what is drawn already, with contour lines.

    Args:
        axes: Where the picture is.
        heat: `(H, W)`.
        signed: Whether zero is in the middle of the colours; else it is their dark end.
        opacity: Of the colours, 0 to 1.
    """
    high = float(np.abs(heat).max()) or 1.0
    low, colours = (-high, DIVERGING) if signed else (0.0, SEQUENTIAL)
    axes.imshow(heat, cmap=colours, vmin=low, vmax=high, alpha=opacity)
    line = BLACK if signed else "white"
    for sign, style in ((1, "solid"), (-1, "dashed")):
        heights = [share * high for share in LEVELS if (sign * heat).max() > share * high]
        if heights and min(heat.shape) > 1:
            axes.contour(sign * heat, levels=heights, colors=line, linewidths=1.2, linestyles=style)


def _outline(axes: Axes, mask: torch.Tensor) -> None:
    """Draw the outline of a mask as a dotted line."""
    if 0 < int(mask.sum()) < mask.numel():
        axes.contour(mask.cpu().float().numpy(), levels=[0.5], colors="0.9", linewidths=2.2)
        axes.contour(
            mask.cpu().float().numpy(),
            levels=[0.5],
            colors=BLACK,
            linewidths=1.0,
            linestyles="dotted",
        )


def _as_floats(pictures: torch.Tensor) -> np.ndarray:
    """Bring pictures to `(N, H, W, C)` from 0 to 1."""
    values = pictures.detach().cpu().permute(0, 2, 3, 1)
    return (values.float() / 255 if values.dtype == torch.uint8 else values.float()).numpy()


def _check(
    pictures: torch.Tensor,
    heats: Mapping[str, torch.Tensor],
    titles: Sequence[str],
    masks: torch.Tensor | None,
) -> None:
    if pictures.ndim != 4 or pictures.shape[1] not in (1, 3) or not 1 <= len(pictures) <= 8:
        raise ValueError(
            f"expected 1 to 8 pictures (N, 3, H, W) or (N, 1, H, W), got {tuple(pictures.shape)}: "
            "pick some of a batch, as in x[:4]"
        )
    if len(titles) != len(pictures):
        raise ValueError(
            f"expected a title for each of {len(pictures)} pictures, got {len(titles)}: "
            "give both the same length"
        )
    wanted = (len(pictures), *pictures.shape[2:])
    for name, heat in {**heats, **({"masks": masks} if masks is not None else {})}.items():
        if tuple(heat.shape) != wanted:
            raise ValueError(
                f"expected {name} of shape {wanted}, got {tuple(heat.shape)}: "
                f"write explain.enlarge(heat, {wanted[1:]})"
            )
