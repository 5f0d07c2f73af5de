"""The order of a tensor's numbers in memory, and what each shape makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from matplotlib.patches import Rectangle

from cnn_basics.figures import (
    ORANGE,
    SKY,
    VERMILION,
    Animation,
    LessonFigure,
    figure_to_array,
    new_figure,
    plain_axes,
)
from cnn_basics.plots.cells import align_grids, draw_grid
from cnn_basics.plots.grids import plot_grids


def plot_views(x: torch.Tensor, shapes: Sequence[tuple[int, int]]) -> LessonFigure:
    """Draw the same numbers in several shapes, side by side, with cells of one size.

    Args:
        x: `(L,)`, a few numbers.
        shapes: `(rows, columns)`, each with `L` cells.

    Returns:
        One grid for each shape.

    Example:
        >>> len(plot_views(torch.arange(6), [(2, 3), (3, 2)]).axes)
        2
    """
    alt = (
        f"The same {x.numel()} numbers in the shapes {', '.join(map(str, shapes))}: in each they "
        "follow one another along the rows, from left to right, then on to the next row."
    )
    views = [x.view(shape) for shape in shapes]
    widths = [max(columns, 2.8) for _, columns in shapes]  # room for the title of a narrow one
    tallest = max(rows for rows, _ in shapes)
    figure, axes = new_figure(
        1, len(shapes), width=7.4, height=0.6 + 0.23 * tallest, width_ratios=widths
    )
    figure.alt = alt
    for axis, view, width in zip(axes, views, widths, strict=True):
        draw_grid(axis, view, str(tuple(view.shape)))
        for text in axis.texts:
            text.set_fontsize(7.5)
        axis.title.set_fontsize(9)
        middle = (view.shape[1] - 1) / 2
        axis.set_xlim(middle - width / 2, middle + width / 2)
        axis.set_ylim(tallest - 0.5, -0.5)  # all hang from their titles
    return figure


def plot_tensor(x: torch.Tensor, name: str = "M") -> LessonFigure:
    """Draw a tensor of three or more axes as a row of matrices, one for each leading index.

    Args:
        x: `(..., H, W)`, few and small matrices.
        name: How the tensor is called in the titles.

    Returns:
        One grid for each leading index, titled for example `M[1, 0]`, all in one colour scale.

    Raises:
        ValueError: When `x` has fewer than three axes.
    """
    if x.ndim < 3:
        raise ValueError(
            f"expected (..., H, W) with at least three axes, got {tuple(x.shape)}: "
            "draw a matrix with plot_grids"
        )
    leading = list(np.ndindex(tuple(x.shape[:-2])))
    rows, columns = x.shape[-2:]
    alt = (
        f"A tensor of shape {tuple(x.shape)} as {len(leading)} "
        f"{'matrix' if len(leading) == 1 else 'matrices'} of {rows}×{columns}; "
        "its numbers count on from row to row and from matrix to matrix."
    )
    figure, axes = new_figure(1, len(leading), width=6.0, height=0.7 + 0.4 * rows, alt=alt)
    limits = (x.min().item(), x.max().item())
    for axis, index in zip(axes, leading, strict=True):
        title = f"{name}[{', '.join(map(str, index))}]"
        draw_grid(axis, x[index], title, limits=limits)
    return figure


def plot_memory_order(matrices: Sequence[torch.Tensor], titles: Sequence[str]) -> LessonFigure:
    """Draw the path that memory takes through matrices.

    Args:
        matrices: Each `(H, W)`, holding the whole numbers 0, 1, 2, … of their places in memory.
        titles: One for each matrix.

    Returns:
        One grid for each matrix, with an arrow from each number to the next in memory.
    """
    alt = (
        f"Matrices ({'; '.join(titles)}) with an arrow from each number to the next one in memory: "
        "along the rows where the tensor is contiguous, down the columns where it is not."
    )
    figure = plot_grids(matrices, titles, alt, height=2.8)
    for axis, matrix in zip(figure.axes, matrices, strict=True):
        places = [divmod(int(k), matrix.shape[1]) for k in torch.argsort(matrix.flatten())]
        for (row, column), (next_row, next_column) in pairwise(places):
            arrow = {"arrowstyle": "->", "color": VERMILION, "shrinkA": 9, "shrinkB": 9, "lw": 1.3}
            axis.annotate("", (next_column, next_row), (column, row), arrowprops=arrow)
    return figure


def plot_owners(rows: torch.Tensor, title: str) -> LessonFigure:
    """Show which picture the numbers of each row of a batch belong to.

    Args:
        rows: `(R, F)`, every element holding the number of the picture that it came from.
        title: Written above.

    Returns:
        One bar for each row, named after its picture; pictures differ by colour and hatching.

    Raises:
        ValueError: When a row holds numbers of more than one picture.
    """
    owners = [sorted(set(row.tolist())) for row in rows]
    mixed = [k for k, found in enumerate(owners) if len(found) != 1]
    if mixed:
        raise ValueError(
            f"expected rows that each hold one picture's numbers, got {owners[mixed[0]]} in row "
            f"{mixed[0]}: choose a length that divides a picture's"
        )
    count, length = rows.shape
    named = [int(found[0]) for found in owners]
    parts = ", ".join(f"picture {p}: {named.count(p)}" for p in sorted(set(named)))
    alt = f"{title} gives {count} rows of {length:,} numbers; rows for each picture: {parts}."
    figure, (axes,) = new_figure(width=7.0, height=0.7 + 0.28 * count, alt=alt)
    looks = [{"facecolor": SKY}, {"facecolor": ORANGE, "hatch": "//"}]
    for k, picture in enumerate(named):
        look = looks[picture % 2]
        axes.add_patch(Rectangle((0, k - 0.42), length, 0.84, edgecolor="black", lw=0.8, **look))
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(
            length / 2, k, f"numbers of picture {picture}", ha="center", va="center", bbox=box
        )
        axes.text(-0.01 * length, k, f"row {k}", ha="right", va="center")
    axes.set_xlim(0, length)
    axes.set_ylim(count - 0.4, -0.6)
    plain_axes(axes, f"{title}: {tuple(rows.shape)}")
    return figure


def animate_reshape(x: torch.Tensor, shape: tuple[int, int]) -> Animation:
    """Move the numbers of a small matrix into another shape, one by one in memory order.

    Args:
        x: `(H, W)`, a few numbers.
        shape: `(rows, columns)` with as many cells.

    Returns:
        One frame for each number; the last frame shows the whole new matrix.

    Raises:
        ValueError: When the shapes have different numbers of cells.

    Example:
        >>> len(animate_reshape(torch.eye(2), (1, 4)).frames)
        4
    """
    if x.ndim != 2 or math.prod(shape) != x.numel():
        raise ValueError(
            f"expected a matrix and a shape with {x.numel()} cells, got {tuple(x.shape)} and "
            f"{shape}: choose sizes whose product is {x.numel()}"
        )
    y = x.reshape(shape)
    before, after = (list(np.ndindex(tuple(m.shape))) for m in (x, y))
    frames = []
    for k, (source, target) in enumerate(zip(before, after, strict=True)):
        figure, axes = new_figure(1, 2, width=5.4, height=1.9, width_ratios=[x.shape[1], shape[1]])
        figure.get_layout_engine().set(wspace=0.2)
        draw_grid(axes[0], x, str(tuple(x.shape)), lit=[source])
        draw_grid(axes[1], y, str(shape), lit=[target], hidden=after[k + 1 :])
        align_grids(axes, [tuple(x.shape), shape])
        axes[1].annotate(
            "→", (0, 0.5), xytext=(-20, 0), xycoords="axes fraction", textcoords="offset points",
            ha="center", va="center", fontsize=16,
        )  # fmt: skip
        frames.append(figure_to_array(figure))
    alt = (
        f"The {x.numel()} numbers of a {tuple(x.shape)} matrix fill a {shape} matrix one by one: "
        "both are read along the rows, from left to right and from top to bottom."
    )
    return Animation(np.stack(frames), alt, seconds_per_frame=0.6)
