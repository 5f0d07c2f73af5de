"""Fully connected against convolution: which inputs an output reads, and what that costs."""

from __future__ import annotations

from string import ascii_lowercase

import torch
from traitlets import List, TraitError, observe, validate

from cnn_basics.expect import expect, whole
from cnn_basics.figures import LessonFigure
from cnn_basics.plots import plot_grids
from cnn_basics.plots.grids import window_cells
from cnn_basics.widgets.parts import FrontEndWidget, Whole

RANGES = {"size": range(4, 13), "kernel_size": range(1, 6), "kernels": range(1, 9)}
OUT = "one output"
READABLE = 18  # characters of the names beside each other in one row


class ConnectionsExplorer(FrontEndWidget, static=("tables", "pointing", "connections")):
    """The widget that `connections_explorer` returns; `unit` is the chosen output's place."""

    size = Whole(6).tag(sync=True)
    kernel_size = Whole(3).tag(sync=True)
    kernels = Whole(1).tag(sync=True)
    unit = List(Whole(), [1, 2]).tag(sync=True)

    def still(self) -> LessonFigure:
        """Draw the chosen output of both layers, with the names of the weights that it uses."""
        size, side, unit = self.size, self.size - self.kernel_size + 1, tuple(self.unit)
        first = (unit[0] * side + unit[1]) * size**2 + 1
        everything = window_cells(0, 0, (size, size))
        window = window_cells(*unit, (self.kernel_size, self.kernel_size))
        numbers = {cell: str(first + k) for k, cell in enumerate(everything)}
        letters = dict(zip(window, ascii_lowercase, strict=False))
        readable = size * len(str(first + size**2)) <= READABLE
        counts = {"fully connected": size**2, "convolution": len(window)}
        titles = [
            text for name, count in counts.items() for text in (f"{name}:\n{count} inputs", OUT)
        ]
        figure = plot_grids(
            [torch.zeros(size, size), torch.zeros(side, side)] * 2,
            titles,
            f"Output {unit} of two layers on a {size}×{size} input. Fully connected, it reads all "
            f"{size * size} inputs, with the weights {first} to {first + size * size - 1}, its "
            f"own. As a convolution it reads a {self.kernel_size}×{self.kernel_size} window, with "
            f"the weights a to {letters[window[-1]]}, the same for every output.",
            lit=[everything, [unit], window, [unit]],
            diverging=range(4),
        )
        names_by_axes = (numbers if readable else {}, {}, letters, {})
        for axes, names in zip(figure.axes, names_by_axes, strict=True):
            for text in axes.texts:
                column, row = (round(place) for place in text.get_position())
                text.set_text(names.get((row, column), ""))
        return figure

    @validate(*RANGES)
    def _inside(self, proposal: dict) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        allowed = RANGES[name]
        what = f"{name} from {allowed[0]} to {allowed[-1]}"
        expect(value in allowed, what, value, "choose a number in between", TraitError)
        return value

    @observe("size", "kernel_size", "unit")
    def _keep_inside(self, _: object) -> None:
        self.kernel_size = min(self.kernel_size, self.size)
        last = self.size - self.kernel_size
        self.unit = [min(max(place, 0), last) for place in self.unit]


def connections_explorer(size: int = 6) -> ConnectionsExplorer:
    """Show which inputs an output reads: all of them, or one window with shared weights.

    Both layers turn one picture of one channel into outputs of the same number. Click or tap an
    output, or walk with the arrow keys: its inputs light up with the names of their weights.
    Sliders change the input, the kernel and the number of kernels; a table counts the weights.

    Args:
        size: Rows and columns of the input, 4 to 12.

    Returns:
        The widget.

    Raises:
        TypeError: When `size` is not a whole number.
        TraitError: When it is not from 4 to 12.

    Example:
        >>> connections_explorer(size=8).unit
        [1, 2]
    """
    return ConnectionsExplorer(size=whole(size, "size", 0, "write size=6"))
