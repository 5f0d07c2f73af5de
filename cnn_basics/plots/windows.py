"""Windows of a kernel: one worked out, all in a row, and one that moves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from matplotlib.patches import Rectangle

from cnn_basics import by_hand
from cnn_basics.expect import expect, whole
from cnn_basics.figures import BLUE, Animation, LessonFigure, new_figure
from cnn_basics.plots.grids import (
    align_grids,
    animate,
    clear,
    draw_grid,
    plot_grids,
    window_cells,
    write_number,
    write_size,
)


def plot_window(x: torch.Tensor, kernel: torch.Tensor, row: int, column: int) -> LessonFigure:
    """Show one window of a convolution: the input, the kernel, their products and the sum.

    The window of `x` `(H, W)` has its upper left corner at `(row, column)`, and the size of
    `kernel` `(kernel height, kernel width)`; it must lie inside `x`.

    Example:
        >>> plot_window(torch.eye(3), torch.ones(2, 2), row=0, column=0).alt[-25:]
        'the products add up to 2.'
    """
    height, width = kernel.shape
    is_inside = 0 <= row <= x.shape[0] - height and 0 <= column <= x.shape[1] - width
    what, got = f"a window inside {tuple(x.shape)}", f"its corner at ({row}, {column})"
    expect(is_inside, what, got, "choose a smaller row or column")
    products = x[row : row + height, column : column + width] * kernel
    result = write_number(products.sum())
    figure = plot_grids(
        [x, kernel, products],
        ["input, one window", "kernel", "products"],
        f"The {height}×{width} window at row {row}, column {column} of a {write_size(x.shape)} "
        f"input times the kernel, cell by cell; the products add up to {result}.",
        signs=["×", "="],
        lit=[window_cells(row, column, (height, width)), (), ()],
        diverging=[1, 2],
    )
    terms = " + ".join(write_number(product) for product in products.flatten())
    figure.supxlabel(f"{terms} = {result}".replace("+ −", "− "), fontsize=11)
    return figure


def plot_window_positions(
    size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> LessonFigure:
    """Draw a row of `size` pixels and, below it, every position of a kernel, as in `F.conv1d`.

    Padding is hatched; pixels that no window sees are crossed out. With `ceil_mode` the number of
    windows is rounded up, as pooling can, and the last one may reach over the edge.

    Example:
        >>> plot_window_positions(8, kernel_size=3, stride=2).alt
        '8 pixels and the 3 windows of a kernel of 3 with stride 2; 1 pixel is never seen.'
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    _require_whole(size=size, kernel_size=kernel_size, **options)
    count = by_hand.output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    reads = np.arange(count)[:, None] * stride + np.arange(kernel_size) * dilation - padding
    missed = set(range(size)) - set(reads.flat)
    settings = f"stride {stride}" + (f", padding {padding}" if padding else "")
    settings += f", dilation {dilation}" if dilation > 1 else ""
    settings += ", rounded up (ceil_mode)" if ceil_mode else ""
    alt = (
        f"{size} pixels and the {count} windows of a kernel of {kernel_size} with {settings}; "
        f"{len(missed)} {'pixel is' if len(missed) == 1 else 'pixels are'} never seen."
    )
    figure, (axis,) = new_figure(height=0.7 + 0.34 * (count + 1), alt=alt)
    for x in range(-padding, size + padding):
        inside = 0 <= x < size
        style = {"fc": "0.92", "hatch": None} if inside else {"fc": "white", "hatch": "////"}
        axis.add_patch(Rectangle((x - 0.5, -0.5), 1, 1, ec="0.5", **style))
        label = "×" if x in missed else x if inside else 0
        axis.text(x, 0, label, ha="center", va="center", fontsize=12 if x in missed else 9)
    for line, columns in enumerate(reads, start=1):
        axis.plot(columns[[0, -1]], [line, line], color=BLUE, linewidth=1.5)
        for x in columns:
            axis.add_patch(Rectangle((x - 0.36, line - 0.36), 0.72, 0.72, fc=BLUE))
    names = ["input", *(f"output {line}" for line in range(count))]
    axis.set_yticks(range(count + 1), names, fontsize=9)
    axis.set_xlim(-padding - 0.8, max(size + padding, reads.max() + 1) - 0.4)
    axis.set_ylim(count + 0.7, -0.7)
    axis.set_aspect("equal")
    axis.tick_params(length=0, labelbottom=False)
    axis.spines[:].set_visible(False)
    return figure


def animate_convolution(
    x: torch.Tensor, kernel: torch.Tensor, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Animation:
    """Slide a kernel `(kernel height, kernel width)` over a small `x` `(H, W)` of the same dtype.

    Each output has its frame; padding is hatched.

    Example:
        >>> animate_convolution(torch.eye(3), torch.ones(2, 2)).frames.shape[0]
        4
    """
    _require_whole(stride=stride, padding=padding, dilation=dilation)
    y = by_hand.conv2d(x[None, None], kernel[None, None], None, stride, padding, dilation)[0, 0]
    alt = (
        f"A {write_size(kernel.shape)} kernel slides over a {write_size(x.shape)} input with "
        f"stride {stride}, padding {padding} and dilation {dilation}; window by window it fills "
        f"the {write_size(y.shape)} output."
    )
    padded = torch.nn.functional.pad(x, (padding,) * 4)
    shapes = [tuple(grid.shape) for grid in (padded, kernel, y)]

    def fill_output() -> Iterator[LessonFigure]:
        ratios, limits = [width for _, width in shapes], (padded.min().item(), padded.max().item())
        figure, axes = new_figure(1, 3, width=6.0, height=2.7, width_ratios=ratios)
        cells = list(np.ndindex(shapes[2]))
        for count, (row, column) in enumerate(cells):
            lit = window_cells(row * stride, column * stride, shapes[1], (dilation, dilation))
            clear(axes)
            draw_grid(axes[0], padded, "input", lit=lit, border=padding, limits=limits)
            draw_grid(axes[1], kernel, "kernel", diverging=True)
            look = {"lit": [cells[count]], "hidden": cells[count + 1 :], "diverging": True}
            draw_grid(axes[2], y, "output", **look)
            align_grids(axes, shapes)
            yield figure

    return animate(fill_output(), alt)


def _require_whole(**options: int) -> None:
    """Refuse pairs and words, which `by_hand` would take."""
    for name, value in options.items():
        whole(value, name, 0 if name == "padding" else 1)
