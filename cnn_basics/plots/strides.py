"""One element of a view: where it sits in the shape and where in memory."""

from __future__ import annotations

import numpy as np
import torch

from cnn_basics.figures import LessonFigure, new_figure
from cnn_basics.plots.cells import draw_grid


def spell_place(index: tuple[int, ...], strides: tuple[int, ...]) -> str:
    """Write out how strides lead from an index to a place in memory.

    Args:
        index: One index for each axis.
        strides: How many numbers one step along each axis skips.

    Returns:
        The sum, written out.

    Example:
        >>> spell_place((1, 2), (4, 1))
        '1·4 + 2·1 = 6'
    """
    steps = " + ".join(f"{i}·{s}" for i, s in zip(index, strides, strict=True))
    return f"{steps} = {sum(i * s for i, s in zip(index, strides, strict=True))}"


def plot_strides(y: torch.Tensor, index: tuple[int, ...], name: str = "y") -> LessonFigure:
    """Outline one element of a small tensor, in its shape and in memory.

    Args:
        y: One to four axes, at most 24 numbers, each holding its place in memory.
        index: One index for each axis.
        name: How the tensor is called in the titles.

    Returns:
        Memory as a strip, and below it the tensor as one matrix for each leading index.

    Example:
        >>> print(plot_strides(torch.arange(6).view(2, 3), (1, 0)).alt)
        The numbers of y, shape (2, 3), strides (3, 1), in memory and in the shape: y[1, 0] sits at 1·3 + 0·1 = 3.
    """  # noqa: E501
    grids = y.reshape(1, *y.shape) if y.ndim == 1 else y
    leading = list(np.ndindex(tuple(grids.shape[:-2])))
    columns = min(len(leading), grids.shape[1] if y.ndim == 4 and grids.shape[1] > 1 else 6)
    rows = -(-len(leading) // columns)
    spelled = spell_place(index, y.stride())
    written = f"{name}[{', '.join(map(str, index))}]"
    figure = _strip_above(y, rows, grids.shape[-2])
    figure.alt = (
        f"The numbers of {name}, shape {tuple(y.shape)}, strides {y.stride()}, in memory and in "
        f"the shape: {written} sits at {spelled}."
    )
    below = figure.subfigs[1]
    below.suptitle(f"{written}: place {spelled}", fontsize=10)
    axes = below.subplots(rows, columns, squeeze=False).ravel()
    full = (0,) * (grids.ndim - y.ndim) + tuple(index)
    for axis, lead in zip(axes, leading, strict=False):
        lit = [full[-2:]] if full[:-2] == lead else []
        title = f"{name}[{', '.join(map(str, lead))}]" if y.ndim > 2 else ""
        draw_grid(axis, grids[lead], title, lit=lit, limits=(0, y.numel() - 1))
    for axis in axes[len(leading) :]:
        axis.set_axis_off()
    place = sum(i * s for i, s in zip(index, y.stride(), strict=True))
    strip = figure.subfigs[0].axes[0]
    draw_grid(strip, torch.arange(y.numel())[None], "memory", lit=[(0, place)])
    return figure


def _strip_above(y: torch.Tensor, rows: int, height: int) -> LessonFigure:
    """Make a figure with room for a strip, and below it for rows of matrices of a height."""
    below = 0.6 + rows * (0.3 + 0.3 * height)
    figure, (spare,) = new_figure(width=7.0, height=0.8 + below)
    figure.delaxes(spare)
    strip, _ = figure.subfigures(2, 1, height_ratios=[0.8, below])
    strip.subplots()
    return figure
