"""Which inputs one output reads: all of them, or one window with shared weights."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from matplotlib.axes import Axes

from cnn_basics.figures import LessonFigure, new_figure
from cnn_basics.plots.cells import Cell, align_grids, draw_grid, window_cells

LETTERS = "abcdefghijklmnopqrstuvwxy"


def plot_connections(size: int, kernel_size: int, unit: Cell) -> LessonFigure:
    """Draw one output of a fully connected layer beside the same output of a convolution.

    Args:
        size: Rows and columns of the input.
        kernel_size: Rows and columns of the kernel, at most 5; stride 1, no padding.
        unit: Row and column of the output.

    Returns:
        Four grids: input and output of the fully connected layer, of the convolution. Inputs
        that the output reads are outlined and hold the number or letter of their weight.

    Raises:
        ValueError: When the output has no such unit.

    Example:
        >>> len(plot_connections(6, 3, (1, 2)).axes)
        4
    """
    side = size - kernel_size + 1
    if not (0 <= unit[0] < side and 0 <= unit[1] < side):
        raise ValueError(
            f"expected a unit inside the {side}×{side} output, got {unit}: choose smaller numbers"
        )
    first = (unit[0] * side + unit[1]) * size * size + 1
    window = window_cells(*unit, (kernel_size, kernel_size))
    everything = window_cells(0, 0, (size, size))
    figure, axes = new_figure(1, 4, width=7.4, height=2.7, width_ratios=[size, side, size, side])
    numbers = {cell: str(first + k) for k, cell in enumerate(everything)}
    letters = {cell: LETTERS[k] for k, cell in enumerate(window)}
    _draw_pair(axes[:2], size, side, numbers, unit, "fully connected")
    _draw_pair(axes[2:], size, side, letters, unit, "convolution")
    figure.alt = (
        f"Output {unit} of two layers on a {size}×{size} input. Fully connected, it reads all "
        f"{size * size} inputs, with the weights {first} to {first + size * size - 1}, its own. "
        f"As a convolution it reads a {kernel_size}×{kernel_size} window, with the weights "
        f"{letters[window[0]]} to {letters[window[-1]]}, the same for every output."
    )
    return figure


def _draw_pair(
    axes: list[Axes], size: int, side: int, weights: dict[Cell, str], unit: Cell, name: str
) -> None:
    """Draw an input with the names of the weights that it meets, and the output."""
    title = f"{name}:\n{len(weights)} inputs"
    _draw_lit(axes[0], size, title, weights, names=weights if _fits(size, weights) else {})
    _draw_lit(axes[1], side, "one output", [unit], names={})
    align_grids(axes, [(size, size), (side, side)])


def _draw_lit(
    axes: Axes, side: int, title: str, lit: Iterable[Cell], names: dict[Cell, str]
) -> None:
    """Draw a square of empty cells, those that are lit tinted, framed and named."""
    tints = torch.zeros(side, side)
    for cell in lit:
        tints[cell] = 0.2
    draw_grid(axes, tints, title, lit=lit, limits=(-1, 1), diverging=True)
    for text in axes.texts:
        column, row = (round(place) for place in text.get_position())
        text.set_text(names.get((row, column), ""))


def _fits(size: int, weights: dict[Cell, str]) -> bool:
    """Whether the names can be read at the size of a cell."""
    return size * max(map(len, weights.values())) <= 18
