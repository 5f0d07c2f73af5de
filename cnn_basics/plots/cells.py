"""One small matrix as coloured cells with their numbers written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.patches import Rectangle

from cnn_basics.figures import BLACK, DIVERGING, SEQUENTIAL, VERMILION, plain_axes

Cell = tuple[int, int]

# The light part of a perceptually uniform map, so that black numbers are read on every cell.
_LIGHT = ListedColormap(colormaps[SEQUENTIAL](np.linspace(0.5, 1.0, 256)), "light")


def draw_grid(
    axes: Axes,
    matrix: torch.Tensor,
    title: str = "",
    *,
    lit: Iterable[Cell] = (),
    border: int = 0,
    limits: tuple[float, float] | None = None,
    diverging: bool = False,
    hidden: Iterable[Cell] = (),
) -> None:
    """Draw one matrix as a grid with its numbers.

    Args:
        axes: Where to draw.
        matrix: `(H, W)`, any real numbers; whole numbers are written without a decimal point.
        title: Written above.
        lit: Cells `(row, column)` to outline with a thick frame.
        border: Width of a frame of padding, drawn hatched.
        limits: Smallest and largest number of the colour scale; None takes the matrix's own.
        diverging: Use a colour scale with zero in the middle.
        hidden: Cells left empty, such as outputs not computed yet.

    Raises:
        ValueError: When `matrix` has not two axes.
    """
    numbers = torch.as_tensor(matrix).detach().cpu().numpy()
    if numbers.ndim != 2:
        raise ValueError(
            f"expected a matrix (H, W), got {numbers.shape}: pick one map, as in x[0, 0]"
        )
    low, high = _limits(numbers, limits, diverging)
    blank = {*hidden, *_padding_cells(numbers.shape, border)}
    shown = np.ma.array(numbers.astype(float), mask=_mask(numbers.shape, blank))
    colours = (colormaps[DIVERGING] if diverging else _LIGHT).with_extremes(bad="white")
    axes.imshow(shown, cmap=colours, vmin=low, vmax=high)
    _write_numbers(axes, numbers, colours, Normalize(low, high), shown.mask, set(hidden))
    _outline(axes, numbers.shape, border, lit)
    plain_axes(axes, title)


def align_grids(axes: Sequence[Axes], shapes: Sequence[tuple[int, int]]) -> None:
    """Give grids of different heights cells of one size and numbers of one size."""
    tallest = max(height for height, _ in shapes)
    size = 10 if max(max(shape) for shape in shapes) <= 7 else 7.5
    for axis, (height, _) in zip(axes, shapes, strict=True):
        middle = (height - 1) / 2
        axis.set_ylim(middle + tallest / 2, middle - tallest / 2)
        for text in axis.texts:
            text.set_fontsize(size)


def window_cells(
    row: int, column: int, kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> list[Cell]:
    """List the cells that a window with its upper left corner at `(row, column)` reads."""
    return [
        (row + i * dilation[0], column + j * dilation[1])
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]


def write_number(number: float) -> str:
    """Write a number as briefly as it can be read back: 3, -2, 0.25."""
    rounded = round(float(number), 2) or 0.0  # no minus sign on a zero
    return f"{rounded:g}".replace("-", "−")


def _limits(
    numbers: np.ndarray, limits: tuple[float, float] | None, diverging: bool
) -> tuple[float, float]:
    """Choose the ends of the colour scale; a diverging one is symmetric around zero."""
    low, high = limits if limits is not None else (float(numbers.min()), float(numbers.max()))
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    return low, high if high > low else low + 1.0


def _mask(shape: tuple[int, int], hidden: Iterable[Cell]) -> np.ndarray:
    """Mark the cells that stay empty."""
    mask = np.zeros(shape, bool)
    for cell in hidden:
        mask[cell] = True
    return mask


def _write_numbers(
    axes: Axes,
    numbers: np.ndarray,
    colours: Colormap,
    scale: Normalize,
    white: np.ndarray,
    hidden: set[Cell],
) -> None:
    """Write every number in black or white, whichever stands out from its cell."""
    size = 10 if max(numbers.shape) <= 7 else 7.5
    for cell in np.ndindex(numbers.shape):
        if cell in hidden:
            continue
        red, green, blue, _ = colours(scale(float(numbers[cell])))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 and not white[cell]
        axes.text(
            cell[1],
            cell[0],
            write_number(numbers[cell]),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark else BLACK,
        )


def draw_sign(axes: Axes, sign: str, away: int = 16) -> None:
    """Write a sign such as `×` to the left of a grid.

    Args:
        axes: Those of the grid.
        sign: What is written.
        away: How far from the grid, in points.
    """
    axes.annotate(
        sign, (0, 0.5), xytext=(-away, 0), xycoords="axes fraction", textcoords="offset points",
        ha="center", va="center", fontsize=16,
    )  # fmt: skip


def _outline(axes: Axes, shape: tuple[int, int], border: int, lit: Iterable[Cell]) -> None:
    """Draw the lines between cells, hatch the padding and frame the cells that are lit."""
    height, width = shape
    down = np.arange(width + 1) - 0.5  # where the lines from top to bottom are
    across = np.arange(height + 1) - 0.5
    style = {"linewidth": 0.8, "color": "0.8", "clip_on": False}
    axes.vlines(down, -0.5, height - 0.5, **style)
    axes.hlines(across, -0.5, width - 0.5, **style)
    for row, column in _padding_cells(shape, border):
        _frame(axes, (row, column), (1, 1), linewidth=0, edgecolor="0.7", hatch="////")
    for corner, size in _rectangles(list(lit)):
        _frame(axes, corner, size, linewidth=3, edgecolor=VERMILION, zorder=3)


def _frame(axes: Axes, corner: Cell, size: Cell, **style: object) -> None:
    """Draw an unfilled rectangle around `size` cells from `corner` on."""
    (row, column), (height, width) = corner, size
    patch = Rectangle((column - 0.5, row - 0.5), width, height, fill=False, clip_on=False, **style)
    axes.add_patch(patch)


def _padding_cells(shape: tuple[int, int], border: int) -> list[Cell]:
    """List the cells that lie in a frame of padding `border` cells wide."""
    height, width = shape
    return [
        (row, column)
        for row, column in np.ndindex(shape)
        if not (border <= row < height - border and border <= column < width - border)
    ]


def _rectangles(cells: list[Cell]) -> list[tuple[Cell, Cell]]:
    """Join cells that fill a rectangle into one; else give every cell its own."""
    if not cells:
        return []
    rows, columns = zip(*cells, strict=True)
    size = (max(rows) - min(rows) + 1, max(columns) - min(columns) + 1)
    if size[0] * size[1] == len(cells):
        return [((min(rows), min(columns)), size)]
    return [(cell, (1, 1)) for cell in cells]
