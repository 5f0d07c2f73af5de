"""Small matrices side by side, and one window of a convolution."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from cnn_basics.figures import LessonFigure, new_figure
from cnn_basics.plots.cells import (
    Cell,
    align_grids,
    draw_grid,
    draw_sign,
    window_cells,
    write_number,
)


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
    limits = None
    if shared:
        limits = min(m.min().item() for m in matrices), max(m.max().item() for m in matrices)
    for index, (matrix, title) in enumerate(zip(matrices, titles, strict=True)):
        cells = lit[index] if lit else ()
        style = {"limits": limits, "diverging": index in diverging}
        draw_grid(axes[index], matrix, title, lit=cells, **style)
    for empty in axes[len(matrices) :]:
        empty.set_axis_off()
    align_grids(axes[: len(matrices)], shapes)
    for axis, sign in zip(axes[1:], signs, strict=False):
        draw_sign(axis, sign)
    return figure


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
