"""A kernel or a pooling window that moves, and the output that fills up behind it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from cnn_basics import by_hand
from cnn_basics.figures import Animation, figure_to_array, new_figure
from cnn_basics.plots.cells import align_grids, draw_grid, window_cells

Pair = tuple[int, int]


def animate_convolution(
    x: torch.Tensor,
    kernel: torch.Tensor,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Animation:
    """Slide a kernel over one small feature map.

    Args:
        x: `(H, W)`, float32 or float64, small enough for its numbers to be read.
        kernel: `(kernel height, kernel width)`, same dtype.
        stride: Pixels from one window to the next.
        padding: Rows and columns of zeros on every side, drawn hatched.
        dilation: Pixels from one kernel element to the next.

    Returns:
        One frame for each output, in reading order; the last frame shows the whole output.

    Example:
        >>> animate_convolution(torch.eye(3), torch.ones(2, 2)).frames.shape[0]
        4
    """
    y = by_hand.conv2d(x[None, None], kernel[None, None], None, stride, padding, dilation)[0, 0]
    alt = (
        f"A {_size(kernel)} kernel slides over a {_size(x)} input with stride {stride}, padding "
        f"{padding} and dilation {dilation}; window by window it fills the {_size(y)} output."
    )
    padded = by_hand.pad(x[None, None], ((padding, padding), (padding, padding)))[0, 0]
    frames = _frames(
        padded,
        y,
        kernel=kernel,
        lit=lambda i, j: window_cells(
            i * stride, j * stride, tuple(kernel.shape), (dilation, dilation)
        ),
        border=padding,
        title="output",
    )
    return Animation(frames, alt)


def animate_pooling(
    x: torch.Tensor, kernel_size: int = 2, stride: int | None = None, kind: str = "max"
) -> Animation:
    """Move a pooling window over one small feature map.

    Args:
        x: `(H, W)`, float32 or float64.
        kernel_size: Height and width of the window.
        stride: Pixels from one window to the next; None means `kernel_size`.
        kind: `"max"` or `"average"`.

    Returns:
        One frame for each output, in reading order.

    Raises:
        ValueError: When `kind` is unknown.

    Example:
        >>> animate_pooling(torch.eye(4)).alt.split(";")[0]
        'A 2×2 window moves over a 4×4 input with stride 2'
    """
    pools = {"max": by_hand.max_pool2d, "average": by_hand.avg_pool2d}
    if kind not in pools:
        raise ValueError(f"expected kind 'max' or 'average', got {kind!r}: choose one of these")
    step = kernel_size if stride is None else stride
    y = pools[kind](x[None], kernel_size, step)[0]
    what = "largest number" if kind == "max" else "mean"
    alt = (
        f"A {kernel_size}×{kernel_size} window moves over a {_size(x)} input with stride {step}; "
        f"the {what} of each window becomes one number of the {_size(y)} output."
    )
    frames = _frames(
        x,
        y,
        lit=lambda i, j: window_cells(i * step, j * step, (kernel_size, kernel_size)),
        title="output",
    )
    return Animation(frames, alt)


def _size(matrix: torch.Tensor) -> str:
    """Write a matrix's height and width, as in 4×5."""
    return "×".join(str(n) for n in matrix.shape)


def _frames(
    x: torch.Tensor,
    y: torch.Tensor,
    lit: Callable[[int, int], list[Pair]],
    title: str,
    kernel: torch.Tensor | None = None,
    border: int = 0,
) -> np.ndarray:
    """Draw one frame for each output: the window lit, the outputs so far filled in."""
    cells = list(np.ndindex(tuple(y.shape)))
    grids = [x, y] if kernel is None else [x, kernel, y]
    widths = [grid.shape[1] for grid in grids]
    figure, axes = new_figure(1, len(grids), width=6.0, height=2.7, width_ratios=widths)
    limits = (x.min().item(), x.max().item())
    scale = {"diverging": True} if kernel is not None else {"limits": limits}
    frames = []
    for count, cell in enumerate(cells):
        for axis in axes:  # quicker than axis.clear()
            for artist in [*axis.images, *axis.collections, *axis.patches, *axis.texts]:
                artist.remove()
        draw_grid(axes[0], x, "input", lit=lit(*cell), border=border, limits=limits)
        if kernel is not None:
            draw_grid(axes[1], kernel, "kernel", diverging=True)
        draw_grid(axes[-1], y, title, lit=[cell], hidden=cells[count + 1 :], **scale)
        align_grids(axes, [tuple(grid.shape) for grid in grids])
        frames.append(figure_to_array(figure))
        figure.set_layout_engine("none")  # the first frame's layout holds for all
    return np.stack(frames)
