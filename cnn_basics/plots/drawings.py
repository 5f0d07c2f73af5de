"""Drawings of their own: windows along a row of pixels, a network as blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.by_hand import output_size
from cnn_basics.expect import expect
from cnn_basics.figures import BLACK, BLUE, SEQUENTIAL, LessonFigure, new_figure

Shape = tuple[int, ...]

_LARGEST = 0.6  # side of the largest square; blocks are 1 apart
_MAPS = 4  # so many maps of a stack are drawn at most
_SHIFT = 0.05  # from one map of a stack to the one behind it
_CELLS = 10  # so many numbers of a row are drawn one by one
_CELL = 0.09


def plot_window_positions(
    size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> LessonFigure:
    """Draw one row of pixels and, below it, every position of the kernel.

    Args:
        size: Pixels in the row.
        kernel_size: Elements of the kernel.
        stride: Pixels from one position to the next.
        padding: Zeros on either side, drawn hatched.
        dilation: Pixels from one kernel element to the next.
        ceil_mode: Round the number of windows up, as pooling can; the last one may then reach
            over the edge.

    Returns:
        The figure: pixels on top (those that no window sees are crossed out), then one line
        for each window, with its elements filled in.

    Raises:
        ValueError: When the kernel does not fit.

    Example:
        >>> plot_window_positions(8, kernel_size=3, stride=2).alt
        '8 pixels and the 3 windows of a kernel of 3 with stride 2; 1 pixel is never seen.'
    """
    count = output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    reads = [[i * stride + k * dilation for k in range(kernel_size)] for i in range(count)]
    seen = {position - padding for window in reads for position in window}
    missed = [pixel for pixel in range(size) if pixel not in seen]
    settings = f"stride {stride}" + (f", padding {padding}" if padding else "")
    settings += f", dilation {dilation}" if dilation > 1 else ""
    settings += ", rounded up (ceil_mode)" if ceil_mode else ""
    pixels = "pixel is" if len(missed) == 1 else "pixels are"
    alt = (
        f"{size} pixels and the {count} windows of a kernel of {kernel_size} with {settings}; "
        f"{len(missed)} {pixels} never seen."
    )
    figure, (axis,) = new_figure(height=0.7 + 0.34 * (count + 1), alt=alt)
    _draw_pixels(axis, size, padding, missed)
    for line, window in enumerate(reads, start=1):
        _draw_window(axis, window, line, padding, dilation)
    axis.set_xlim(-padding - 2.6, size + padding + (kernel_size if ceil_mode else 0))
    axis.set_ylim(count + 0.7, -0.7)
    axis.set_aspect("equal")
    axis.set_axis_off()
    return figure


def _draw_pixels(axis: Axes, size: int, padding: int, missed: list[int]) -> None:
    """Draw the row of pixels: numbered, hatched where padding, crossed out where never seen."""
    axis.text(-padding - 0.8, 0, "input", ha="right", va="center", fontsize=9)
    for x in range(-padding, size + padding):
        inside = 0 <= x < size
        style = {"facecolor": "0.92" if inside else "white", "hatch": None if inside else "////"}
        axis.add_patch(Rectangle((x - 0.5, -0.5), 1, 1, edgecolor="0.5", **style))
        label = "×" if x in missed else str(x) if inside else "0"
        axis.text(x, 0, label, ha="center", va="center", fontsize=12 if x in missed else 9)


def _draw_window(axis: Axes, window: list[int], line: int, padding: int, dilation: int) -> None:
    """Draw one position of the kernel: a line over its span, a square for each element."""
    columns = [position - padding for position in window]
    axis.text(-padding - 0.8, line, f"output {line - 1}", ha="right", va="center", fontsize=9)
    axis.plot([columns[0], columns[-1]], [line, line], color=BLUE, linewidth=1.5)
    for x in columns:
        axis.add_patch(Rectangle((x - 0.36, line - 0.36), 0.72, 0.72, facecolor=BLUE))


def plot_blocks(
    titles: Sequence[str],
    shapes: Sequence[Shape],
    alt: str,
    contents: Mapping[int, torch.Tensor] | None = None,
) -> LessonFigure:
    """Draw a network from left to right: stacks of maps, then lists of numbers.

    Args:
        titles: One for each block; a line break is allowed.
        shapes: Of each block for one picture: `(C, H, W)`, drawn as a stack of at most 4 squares,
            or `(n,)`, drawn as a column of cells with dots where there are more than 10.
        alt: What the picture shows.
        contents: What to draw in some of the stacks, by their index: `(C, H, W)` float; three
            channels from 0 to 1 are drawn as one colour picture, others as maps.

    Returns:
        The figure; the shape is written under each block.

    Raises:
        ValueError: Titles and shapes differ in number, or a shape has neither 1 nor 3 numbers.

    Example:
        >>> plot_blocks(["in", "out"], [(1, 8, 8), (2,)], "A picture becomes two numbers.")
        <LessonFigure: A picture becomes two numbers.>
    """
    got = f"{len(titles)} titles and {len(shapes)} shapes"
    what, fix = "one title for each of at least one shape", "give both lists the same length"
    expect(len(titles) == len(shapes) > 0, what, got, fix)
    for shape in shapes:
        what, fix = "shapes (C, H, W) or (n,) of one picture", "leave the batch axis N away"
        expect(len(shape) in (1, 3), what, str(tuple(shape)), fix)
    figure, (axes,) = new_figure(width=7.6, height=2.0, alt=alt)
    tallest = max((shape[1] for shape in shapes if len(shape) == 3), default=1)
    rights = []
    for index, shape in enumerate(shapes):
        if len(shape) == 3:
            side = _LARGEST * (shape[1] / tallest) ** 0.5
            content = (contents or {}).get(index)
            half = _draw_stack(axes, index, side, shape[0], content)
        else:
            half = _draw_row(axes, index, shape[0])
        rights.append(half)
    _draw_arrows(axes, rights)
    for index, (title, shape) in enumerate(zip(titles, shapes, strict=True)):
        axes.text(index, 0.5, title, ha="center", va="bottom", fontsize=9)
        axes.text(index, -0.55, "×".join(map(str, shape)), ha="center", va="top", fontsize=9)
    axes.set(xlim=(-0.6, len(shapes) - 0.4), ylim=(-0.85, 0.95), aspect="equal")
    axes.set_axis_off()
    return figure


def _draw_stack(
    axes: Axes, x: float, side: float, maps: int, content: torch.Tensor | None
) -> float:
    """Draw a stack of squares around `(x, 0)`; returns half of its width."""
    coloured = content is not None and len(content) == 3
    count = 1 if coloured else min(maps, _MAPS)
    spread = _SHIFT * (count - 1) / 2
    for layer in reversed(range(count)):
        left = x - side / 2 - spread + layer * _SHIFT
        bottom = -side / 2 - spread + layer * _SHIFT
        if content is not None:
            extent = (left, left + side, bottom, bottom + side)
            _draw_content(axes, content if coloured else content[layer], extent, -layer)
        face = "none" if content is not None else str(0.95 - 0.08 * layer)
        frame = Rectangle((left, bottom), side, side, fc=face, ec=BLACK, lw=0.8, zorder=-layer)
        axes.add_patch(frame)
    return side / 2 + spread


def _draw_content(
    axes: Axes, content: torch.Tensor, extent: tuple[float, float, float, float], zorder: float
) -> None:
    """Draw a colour picture `(3, H, W)` or one map `(H, W)` into a square."""
    pixels = content.detach().cpu().numpy()
    if pixels.ndim == 3:
        axes.imshow(np.moveaxis(pixels, 0, -1), extent=extent, zorder=zorder)
    else:
        axes.imshow(pixels, extent=extent, zorder=zorder, cmap=SEQUENTIAL)


def _draw_row(axes: Axes, x: float, numbers: int) -> float:
    """Draw numbers as a column of cells around `(x, 0)`; returns half of its width."""
    cells = min(numbers, _CELLS)
    for cell in range(cells):
        bottom = (cell - cells / 2) * _CELL
        axes.add_patch(
            Rectangle((x - _CELL / 2, bottom), _CELL, _CELL, fc="0.95", ec=BLACK, lw=0.8)
        )
    if numbers > _CELLS:
        axes.text(x, 0, "⋮", ha="center", va="center", fontsize=11, backgroundcolor="white")
    return _CELL / 2


def _draw_arrows(axes: Axes, halves: Sequence[float]) -> None:
    """Draw an arrow from each block to the next one."""
    for index, (here, there) in enumerate(pairwise(halves)):
        ends = {"xy": (index + 1 - there - 0.05, 0), "xytext": (index + here + 0.05, 0)}
        axes.annotate("", **ends, arrowprops={"arrowstyle": "->", "lw": 1.2})
