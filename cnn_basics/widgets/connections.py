"""Fully connected against convolution: which inputs an output reads, and what that costs."""

from __future__ import annotations

from typing import Any

from traitlets import Dict, Int, List, TraitError, observe, validate

from cnn_basics.by_hand import output_size
from cnn_basics.figures import LessonFigure
from cnn_basics.plots.connections import LETTERS, plot_connections
from cnn_basics.widgets.parts import FrontEndWidget

SIZES = range(4, 13)
KERNEL_SIZES = range(1, 6)
KERNELS = range(1, 9)
PHOTOS = (28, 224)  # of which the table tells without drawing them


def count_connections(size: int, kernel_size: int, kernels: int) -> dict[str, int]:
    """Count what two layers need that turn the same input into outputs of the same number.

    Args:
        size: Rows and columns of the input, of one channel.
        kernel_size: Rows and columns of a kernel; stride 1, no padding.
        kernels: How many maps come out.

    Returns:
        `inputs` and `outputs`, `full_weights` and `full_biases` of `nn.Linear(inputs, outputs)`,
        `weights` and `biases` of `nn.Conv2d(1, kernels, kernel_size)`, and its `connections`,
        of which many share a weight (a fully connected layer has one for each weight); `times`:
        how many times as many parameters the fully connected layer has, rounded.

    Raises:
        ValueError: When the kernel is larger than the input.

    Example:
        >>> counts = count_connections(6, kernel_size=3, kernels=1)
        >>> counts["full_weights"], counts["weights"], counts["connections"]
        (576, 9, 144)
    """
    inputs, outputs = size**2, kernels * output_size(size, kernel_size) ** 2
    full, own = (inputs + 1) * outputs, kernels * (kernel_size**2 + 1)
    return {
        "inputs": inputs,
        "outputs": outputs,
        "full_weights": inputs * outputs,
        "full_biases": outputs,
        "weights": kernels * kernel_size**2,
        "biases": kernels,
        "connections": outputs * kernel_size**2,
        "times": round(full / own),
    }


class ConnectionsExplorer(FrontEndWidget, static=("tables", "connections")):
    """The widget that `connections_explorer` returns.

    Attributes:
        size: Rows and columns of the input, 4 to 12.
        kernel_size: Rows and columns of the kernel, 1 to 5, at most `size`.
        kernels: How many maps come out, 1 to 8.
        unit: Row and column of the output that is chosen.
        counts: `count_connections` of every setting, by `"size kernel_size kernels"`.
    """

    size = Int(6).tag(sync=True)
    kernel_size = Int(3).tag(sync=True)
    kernels = Int(1).tag(sync=True)
    unit = List(Int(), [1, 2]).tag(sync=True)
    counts = Dict().tag(sync=True)
    photos = List(Int(), list(PHOTOS)).tag(sync=True)
    letters = List(list(LETTERS)).tag(sync=True)

    def __init__(self, size: int = 6, **traits: Any) -> None:  # noqa: ANN401 - any trait's
        super().__init__(size=size, counts=_all_counts(), **traits)

    def still(self) -> LessonFigure:
        """Draw the chosen output of both layers."""
        return plot_connections(self.size, self.kernel_size, tuple(self.unit))

    @validate("size", "kernel_size", "kernels")
    def _inside(self, proposal: dict) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        allowed = {"size": SIZES, "kernel_size": KERNEL_SIZES, "kernels": KERNELS}[name]
        if value not in allowed:
            raise TraitError(
                f"expected {name} from {allowed[0]} to {allowed[-1]}, got {value}: "
                "choose a number in between"
            )
        return value

    @observe("size", "kernel_size", "unit")
    def _keep_inside(self, _: object) -> None:
        """Make kernel and unit fit when the input shrinks."""
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
        TraitError: When `size` is not a whole number from 4 to 12.

    Example:
        >>> connections_explorer(size=8).counts["8 3 1"]["full_weights"]
        2304
    """
    return ConnectionsExplorer(size)


def _all_counts() -> dict[str, dict[str, int]]:
    return {
        f"{size} {kernel_size} {kernels}": count_connections(size, kernel_size, kernels)
        for size in (*SIZES, *PHOTOS)
        for kernel_size in KERNEL_SIZES
        if kernel_size <= size
        for kernels in KERNELS
    }
