"""Matrix products and what broadcasting does, drawn on matrices small enough to be read."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.figures import (
    SKY,
    VERMILION,
    Animation,
    LessonFigure,
    figure_to_array,
    new_figure,
    plain_axes,
)
from cnn_basics.plots.cells import align_grids, draw_grid, write_number
from cnn_basics.plots.grids import plot_grids


def plot_broadcast(y: torch.Tensor, bias: torch.Tensor) -> LessonFigure:
    """Show what PyTorch adds when it adds a bias of fewer numbers to a matrix.

    Args:
        y: `(N, K)`.
        bias: `(K,)`, `(1, K)` or `(N, 1)`.

    Returns:
        Three grids: `y`, the bias copied to the shape of `y` with the numbers that are really
        stored outlined, and the sum.

    Raises:
        ValueError: When the bias cannot be copied to the shape of `y`.

    Example:
        >>> len(plot_broadcast(torch.zeros(4, 3), torch.ones(3)).axes)
        3
    """
    rows, columns = y.shape
    shape = tuple(bias.shape)
    if shape not in {(columns,), (1, columns), (rows, 1)}:
        raise ValueError(
            f"expected a bias of shape ({columns},), (1, {columns}) or ({rows}, 1) for y "
            f"{tuple(y.shape)}, got {shape}: give one number for each column"
        )
    down = shape != (rows, 1)
    stored = [(0, j) for j in range(columns)] if down else [(i, 0) for i in range(rows)]
    way = "down, one for each column" if down else "to the right, one for each row"
    return plot_grids(
        [y, bias.expand_as(y), y + bias],
        [f"y {tuple(y.shape)}", f"bias {shape}, copied {'down' if down else 'right'}", "sum"],
        f"A bias of shape {shape} added to y of shape {tuple(y.shape)}: its numbers, outlined, "
        f"are copied {way}.",
        signs=["+", "="],
        lit=[(), stored, ()],
        diverging=[0, 1, 2],
    )


def plot_product_shapes(pictures: int, inputs: int, outputs: int) -> LessonFigure:
    """Draw the shapes of a matrix product as rectangles, and what one output is made of.

    Args:
        pictures: Rows of the first matrix.
        inputs: Columns of the first matrix and rows of the second.
        outputs: Columns of the second matrix.

    Returns:
        One axes with three labelled rectangles; a row, a column and a cell are filled.
    """
    alt = (
        f"A matrix of {pictures} rows and {inputs} columns times one of {inputs} rows and "
        f"{outputs} columns gives {pictures} rows and {outputs} columns; one filled row and one "
        "filled column meet in one filled output. Sizes are not to scale."
    )
    figure, (axes,) = new_figure(width=7.0, height=3.2, alt=alt)
    n, i, o = (size**0.4 for size in (pictures, inputs, outputs))  # 10 stays visible beside 784
    gap, left = 4.0, 0.0
    table = [("x", i, n, pictures, inputs), ("W", o, i, inputs, outputs)]
    table.append(("y", o, n, pictures, outputs))
    for (name, width, height, rows, columns), sign in zip(table, ("×", "=", ""), strict=True):
        _rectangle(axes, (left, -height / 2), (width, height))
        axes.text(left + width / 2, height / 2 + 0.3, f"{columns}", ha="center", va="bottom")
        axes.text(left - 0.3, 0, f"{rows}", ha="right", va="center")
        axes.text(left + width / 2, -height / 2 - 0.4, name, ha="center", va="top", fontsize=13)
        axes.text(left + width + gap / 3, 0, sign, ha="center", va="center", fontsize=16)
        across = (left, n * 0.2) if name != "W" else (left + o * 0.3, -height / 2)
        size = (width, 0.4) if name == "x" else (0.4, height)
        if name == "y":
            across, size = (left + o * 0.3, n * 0.2), (0.4, 0.4)
        _rectangle(axes, across, size, facecolor=VERMILION)
        left += width + gap
    axes.set_xlim(-2.5, left - gap + 1)
    axes.set_ylim(-i / 2 - 2, i / 2 + 2)
    axes.set_aspect("equal")
    plain_axes(axes)
    return figure


def animate_product(x: torch.Tensor, weight: torch.Tensor) -> Animation:
    """Fill the product of two small matrices cell by cell.

    Args:
        x: `(N, in_features)`.
        weight: `(in_features, out_features)`, one column for each output.

    Returns:
        One frame for each output, in reading order, with the row of `x` and the column of
        `weight` that it is made of outlined and the sum written below.

    Raises:
        ValueError: When the shapes do not fit together.

    Example:
        >>> animate_product(torch.ones(2, 3), torch.ones(3, 2)).frames.shape[0]
        4
    """
    if x.ndim != 2 or weight.ndim != 2 or x.shape[1] != weight.shape[0]:
        raise ValueError(
            f"expected x (N, in) and weight (in, out), got {tuple(x.shape)} and "
            f"{tuple(weight.shape)}: the columns of x must be as many as the rows of weight"
        )
    y = x @ weight
    alt = (
        f"x {tuple(x.shape)} times W {tuple(weight.shape)} fills y {tuple(y.shape)} cell by cell: "
        "each output is one outlined row of x times one outlined column of W, summed."
    )
    cells = list(np.ndindex(tuple(y.shape)))
    frames = [_product_frame(x, weight, y, cell, cells[k + 1 :]) for k, cell in enumerate(cells)]
    return Animation(np.stack(frames), alt, seconds_per_frame=1.0)


def write_sum(row: torch.Tensor, column: torch.Tensor) -> str:
    """Write a weighted sum as in 2·1 + 0·5 + 3·(−2) = −4."""
    terms = zip(row.tolist(), column.tolist(), strict=True)
    written = (f"{_bracketed(a)}·{_bracketed(b)}" for a, b in terms)
    return f"{' + '.join(written)} = {write_number((row * column).sum().item())}"


def _bracketed(number: float) -> str:
    """Write a number, a negative one in brackets."""
    return f"({write_number(number)})" if number < 0 else write_number(number)


def _product_frame(
    x: torch.Tensor,
    weight: torch.Tensor,
    y: torch.Tensor,
    cell: tuple[int, int],
    empty: list[tuple[int, int]],
) -> np.ndarray:
    """Draw the moment at which one output is filled in."""
    grids = (x, weight, y)
    ratios = [grid.shape[1] for grid in grids]
    figure, axes = new_figure(1, 3, width=6.0, height=2.6, width_ratios=ratios)
    row, column = cell
    draw_grid(axes[0], x, "x", lit=[(row, k) for k in range(x.shape[1])], diverging=True)
    lit = [(k, column) for k in range(weight.shape[0])]
    draw_grid(axes[1], weight, "W", lit=lit, diverging=True)
    draw_grid(axes[2], y, "y", lit=[cell], hidden=empty, diverging=True)
    align_grids(axes, [tuple(grid.shape) for grid in grids])
    figure.supxlabel(
        f"y[{row}, {column}] = {write_sum(x[row], weight[:, column])}",
        fontsize=11,
        family="monospace",
    )
    return figure_to_array(figure)


def _rectangle(
    axes: Axes, corner: tuple[float, float], size: tuple[float, float], facecolor: str = SKY
) -> None:
    """Draw one filled rectangle with a thin frame."""
    axes.add_patch(Rectangle(corner, *size, facecolor=facecolor, edgecolor="black", linewidth=0.8))
