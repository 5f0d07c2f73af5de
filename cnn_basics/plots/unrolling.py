"""How windows become the rows of a matrix: im2col, row by row."""

from __future__ import annotations

import numpy as np
import torch

from cnn_basics.by_hand.fast import im2col
from cnn_basics.figures import Animation, figure_to_array, new_figure
from cnn_basics.plots.cells import align_grids, draw_grid, draw_sign, window_cells


def animate_im2col(x: torch.Tensor, kernel_size: tuple[int, int]) -> Animation:
    """Write the windows of one small feature map into the rows of a matrix, one after another.

    Args:
        x: `(H, W)`, float32 or float64, small enough for its numbers to be read.
        kernel_size: Height and width of a window.

    Returns:
        One frame for each window, in reading order; the last frame shows the whole matrix.

    Raises:
        ValueError: When the window does not fit.

    Example:
        >>> len(animate_im2col(torch.eye(3), (2, 2)).frames)
        4
    """
    columns = im2col(x[None, None], kernel_size)
    frames = [_draw_frame(x, columns, row, kernel_size) for row in range(len(columns))]
    alt = (
        f"Each of the {len(columns)} windows of {kernel_size[0]}×{kernel_size[1]} of a "
        f"{x.shape[0]}×{x.shape[1]} input, read along its rows, becomes one row of a matrix of "
        f"shape {tuple(columns.shape)}."
    )
    return Animation(np.stack(frames), alt, seconds_per_frame=0.8)


def _draw_frame(
    x: torch.Tensor, columns: torch.Tensor, row: int, kernel_size: tuple[int, int]
) -> np.ndarray:
    """Draw the matrix with its rows up to `row`, and the window that this row comes from."""
    cells = window_cells(*divmod(row, x.shape[1] - kernel_size[1] + 1), kernel_size)
    later = [cell for cell in np.ndindex(tuple(columns.shape)) if cell[0] > row]
    figure, axes = new_figure(
        1, 2, width=4.4, height=0.6 + 0.31 * max(len(columns), len(x)),
        width_ratios=[x.shape[1], columns.shape[1]],
    )  # fmt: skip
    figure.get_layout_engine().set(wspace=0.2)
    draw_grid(axes[0], x, f"input {tuple(x.shape)}", lit=cells)
    draw_grid(
        axes[1],
        columns,
        f"matrix {tuple(columns.shape)}",
        lit=[(row, column) for column in range(columns.shape[1])],
        hidden=later,
        limits=(x.min().item(), x.max().item()),
    )
    align_grids(axes, [tuple(x.shape), tuple(columns.shape)])
    draw_sign(axes[1], "→", away=20)
    return figure_to_array(figure)
