"""The convolution lens as a picture, for where no kernel runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from cnn_basics.figures import LessonFigure, new_figure
from cnn_basics.plots.cells import Cell, align_grids, draw_grid, window_cells, write_number

if TYPE_CHECKING:
    from cnn_basics.widgets.lens import ConvolutionLens


def draw_lens(lens: ConvolutionLens) -> LessonFigure:
    """Draw inputs, kernel slices and outputs side by side, with the selected window framed.

    Args:
        lens: Its settings and the selected cell are drawn.

    Returns:
        One row for each channel; the alt text gives the settings and the selected output.
    """
    try:
        output, reason = lens.output, ""
    except ValueError as error:
        output, reason = None, str(error)
    x = torch.tensor(lens.x, dtype=torch.float64)
    border = 0 if lens.transposed else lens.padding
    padded = F.pad(x, (border,) * 4)
    kernel = torch.tensor(lens.kernel, dtype=torch.float64)
    plane, row, column = _selected(lens, output)
    window = [] if lens.transposed or output is None else _window(lens, row, column)
    shapes = [tuple(padded.shape[1:]), tuple(kernel.shape[1:])]
    shapes.append(tuple(output.shape[1:]) if output is not None else (1, 1))
    figure, axes = new_figure(
        len(x), 3, height=0.5 + 2.3 * len(x), width_ratios=[width for _, width in shapes]
    )
    for c, (here, kernel_axes, there) in enumerate(axes.reshape(-1, 3)):
        name = f", channel {c}" if len(x) > 1 else ""
        lit = window if c // (len(x) // lens.groups) == plane else []
        draw_grid(here, padded[c], f"input{name}", lit=lit, border=border)
        draw_grid(kernel_axes, kernel[c], f"kernel{name}", diverging=True)
        if output is not None and c < len(output):
            map_name = f", map {c}" if len(output) > 1 else ""
            lit = [(row, column)] if c == plane else []
            draw_grid(there, output[c], f"output{map_name}", lit=lit, diverging=True)
        else:
            there.set_axis_off()
        align_grids([here, kernel_axes, there], shapes)
    place = plane, row, column
    figure.alt = f"Convolution lens: {reason}." if reason else _alt(lens, output, *place)
    return figure


def _selected(lens: ConvolutionLens, output: torch.Tensor | None) -> tuple[int, int, int]:
    """Return the map, row and column of the selected output, or of the first one."""
    where, *place = lens.selected
    if where != "output" or output is None:
        return 0, 0, 0
    return tuple(min(max(n, 0), size - 1) for n, size in zip(place, output.shape, strict=True))


def _window(lens: ConvolutionLens, row: int, column: int) -> list[Cell]:
    """List the cells of the padded input that one output reads."""
    side, step = len(lens.kernel[0]), lens.stride
    return window_cells(row * step, column * step, (side, side), (lens.dilation,) * 2)


def _alt(lens: ConvolutionLens, output: torch.Tensor, plane: int, row: int, column: int) -> str:
    """Say what is computed, with which settings, and the selected output."""
    channels, height, width = torch.tensor(lens.x).shape
    kind = "transposed convolution" if lens.transposed else "convolution"
    size = f"{output.shape[1]}×{output.shape[2]}"
    maps = f"{len(output)} outputs" if len(output) > 1 else "an output"
    which = f"output {plane}" if len(output) > 1 else "its number"
    side = len(lens.kernel[0])
    source = f"{channels} channels of {height}×{width}" if channels > 1 else f"{height}×{width}"
    return (
        f"Convolution lens: a {kind} of an input of {source} with a {side}×{side} kernel, stride "
        f"{lens.stride}, padding {lens.padding}, dilation {lens.dilation}, groups {lens.groups} "
        f"gives {maps} of {size}; {which} at row {row}, column {column} is "
        f"{write_number(output[plane, row, column].item())}."
    )
