"""Small matrices as coloured grids with their numbers written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.patches import Rectangle

from cnn_basics.figures import (
    BLACK,
    DIVERGING,
    SEQUENTIAL,
    VERMILION,
    LessonFigure,
    new_figure,
    plain_axes,
)

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


def plot_grids(
    matrices: Sequence[torch.Tensor],
    titles: Sequence[str],
    alt: str,
    *,
    signs: Sequence[str] = (),
    lit: Sequence[Iterable[Cell]] = (),
    diverging: Sequence[int] = (),
    shared: bool = False,
    columns: int | None = None,
    height: float = 2.6,
) -> LessonFigure:
    """Draw matrices side by side, with signs such as `×` and `=` between them.

    Args:
        matrices: Each `(H, W)`.
        titles: One for each matrix.
        alt: What the picture shows.
        signs: What stands between neighbours, one fewer than matrices, or nothing.
        lit: Cells to outline in each matrix, or nothing.
        diverging: Which matrices, by index, have zero in the middle of their colours.
        shared: Give all matrices one colour scale, so that equal numbers look equal.
        columns: Matrices in a row; None puts all into one row.
        height: Height of a row in inches.

    Returns:
        The figure; its axes are in the order of the matrices.

    Example:
        >>> plot_grids([torch.eye(2)], ["identity"], "A 2×2 grid with ones on its diagonal.")
        <LessonFigure: A 2×2 grid with ones on its diagonal.>
    """
    matrices = [torch.as_tensor(matrix) for matrix in matrices]
    shapes = [tuple(matrix.shape) for matrix in matrices]
    columns = columns or len(matrices)
    rows = -(-len(matrices) // columns)
    widths = [width for _, width in shapes[:columns]]
    figure, axes = new_figure(rows, columns, height=height * rows, alt=alt, width_ratios=widths)
    figure.get_layout_engine().set(wspace=0.12 if signs else 0.05)
    limits = (min(m.min().item() for m in matrices), max(m.max().item() for m in matrices))
    for index, (matrix, title) in enumerate(zip(matrices, titles, strict=True)):
        draw_grid(
            axes[index],
            matrix,
            title,
            lit=lit[index] if lit else (),
            limits=limits if shared else None,
            diverging=index in diverging,
        )
    for empty in axes[len(matrices) :]:
        empty.set_axis_off()
    align_grids(axes[: len(matrices)], shapes)
    _draw_signs(axes, signs)
    return figure


def _draw_signs(axes: Sequence[Axes], signs: Sequence[str]) -> None:
    """Write a sign to the left of every grid but the first."""
    for axis, sign in zip(axes[1:], signs, strict=False):
        axis.annotate(
            sign,
            (0, 0.5),
            xytext=(-16, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=16,
        )


def align_grids(axes: Sequence[Axes], shapes: Sequence[tuple[int, int]]) -> None:
    """Give grids of different heights cells of one size and numbers of one size."""
    tallest = max(height for height, _ in shapes)
    size = 10 if max(max(shape) for shape in shapes) <= 7 else 7.5
    for axis, (height, _) in zip(axes, shapes, strict=True):
        middle = (height - 1) / 2
        axis.set_ylim(middle + tallest / 2, middle - tallest / 2)
        for text in axis.texts:
            text.set_fontsize(size)


def plot_window(
    x: torch.Tensor, kernel: torch.Tensor, row: int, column: int, bias: float = 0.0
) -> LessonFigure:
    """Show one window of a convolution: the input, the kernel, their products and the sum.

    Args:
        x: `(H, W)`, one feature map.
        kernel: `(kernel height, kernel width)`.
        row: Row of the window's upper left corner.
        column: Column of the window's upper left corner.
        bias: Added to the sum of the products.

    Returns:
        Three grids: the input with the window outlined, the kernel, and the products.

    Raises:
        ValueError: When the window does not lie inside `x`.
    """
    height, width = kernel.shape
    if row < 0 or column < 0 or row + height > x.shape[0] or column + width > x.shape[1]:
        raise ValueError(
            f"expected a {height}×{width} window inside {tuple(x.shape)}, got its corner at "
            f"({row}, {column}): choose a smaller row or column"
        )
    products = x[row : row + height, column : column + width] * kernel
    terms = " + ".join(write_number(p) for p in products.flatten().tolist())
    result = write_number(products.sum().item() + bias)
    added = f" + {write_number(bias)} (bias)" if bias else ""
    figure = plot_grids(
        [x, kernel, products],
        ["input, one window", "kernel", "products"],
        f"The {height}×{width} window at row {row}, column {column} of a {x.shape[0]}×{x.shape[1]} "
        f"input times the kernel, cell by cell; the products add up to {result}"
        + (f" with the bias {write_number(bias)}." if bias else "."),
        signs=["×", "="],
        lit=[window_cells(row, column, (height, width)), (), ()],
        diverging=[1, 2],
    )
    figure.supxlabel(f"{terms}{added} = {result}".replace("+ −", "− "), fontsize=11)
    return figure


def window_cells(
    row: int, column: int, kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> list[Cell]:
    """List the cells that a window with its upper left corner at `(row, column)` reads."""
    return [
        (row + i * dilation[0], column + j * dilation[1])
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]


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


def write_number(number: float) -> str:
    """Write a number as briefly as it can be read back: 3, -2, 0.25."""
    rounded = round(float(number), 2) or 0.0  # no minus sign on a zero
    return f"{rounded:g}".replace("-", "−")


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


def _outline(axes: Axes, shape: tuple[int, int], border: int, lit: Iterable[Cell]) -> None:
    """Draw the lines between cells, hatch the padding and frame the cells that are lit."""
    for row, column in np.ndindex(shape):
        _frame(axes, (row, column), (1, 1), linewidth=0.8, edgecolor="0.8")
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
