"""The same numbers in every legal shape: where an element sits in the shape and in memory."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import torch
from traitlets import Dict, Int, List, TraitError, Unicode, observe

from cnn_basics.figures import LessonFigure
from cnn_basics.plots.strides import plot_strides
from cnn_basics.widgets.front_end import FrontEndWidget

MOST_NUMBERS, MOST_AXES = 24, 4
LARGEST = 1000  # size that may be typed


def legal_shapes(numbers: int, axes: int) -> list[list[int]]:
    """List every shape with so many axes that holds exactly these numbers.

    Args:
        numbers: How many numbers there are, at least 1.
        axes: How many axes, at least 1.

    Returns:
        The shapes, in the order of their sizes.

    Example:
        >>> legal_shapes(6, axes=2)
        [[1, 6], [2, 3], [3, 2], [6, 1]]
    """
    if axes == 1:
        return [[numbers]]
    divisors = [size for size in range(1, numbers + 1) if numbers % size == 0]
    return [[size, *rest] for size in divisors for rest in legal_shapes(numbers // size, axes - 1)]


def describe_view(shape: list[int], permutation: list[int], target: str) -> dict[str, Any]:
    """Ask PyTorch about a tensor, its axes in another order, and a view of that.

    Args:
        shape: The shape given to `torch.arange(...).view`.
        permutation: The order of its axes in `y`.
        target: What is typed into `y.view( )`, such as `"2, 6"`.

    Returns:
        `shape`, `strides`, `contiguous` of `y`; `places`: the place in memory of each element in
        y's reading order; `code`; and `answer`: what the view gives, or PyTorch's error.

    Example:
        >>> describe_view([2, 3], [1, 0], "-1")["answer"]["works"]
        False
    """
    y = permuted(shape, permutation)
    return {
        "shape": list(y.shape),
        "strides": list(y.stride()),
        "contiguous": y.is_contiguous(),
        "places": y.flatten().tolist(),
        "code": _code(shape, permutation),
        "answer": answer_view(y, target),
    }


def permuted(shape: list[int], permutation: list[int]) -> torch.Tensor:
    """Make `torch.arange(...)` in a shape, then change the order of its axes; nothing is copied."""
    return torch.arange(torch.Size(shape).numel()).view(*shape).permute(*permutation)


def answer_view(y: torch.Tensor, target: str) -> dict[str, Any]:
    """Try `y.view(target)`.

    Args:
        y: Any tensor.
        target: Whole numbers with commas between them, as a learner types them.

    Returns:
        `works`, and `text`: what it gives, PyTorch's own error, or how to write a shape; in
        the case of an error `reshape`, what `y.reshape` gives instead, if it can.
    """
    try:
        sizes = read_sizes(target)
        z = y.view(*sizes)
    except ValueError as error:
        return {"works": False, "text": str(error), "reshape": ""}
    except RuntimeError as error:
        return {"works": False, "text": f"RuntimeError: {error}", "reshape": _reshape(y, sizes)}
    return {"works": True, "text": f"{_spell(z)}, on the same memory: {z.tolist()}", "reshape": ""}


def read_sizes(text: str) -> list[int]:
    """Read sizes such as `2, 6`, `(2, 6)` or `-1`.

    Raises:
        ValueError: When there is anything else, or a number far too large.
    """
    inner = text.strip().removeprefix("(").removesuffix(")").strip().removesuffix(",")
    parts = [part.strip() for part in inner.split(",")]
    if not all(re.fullmatch(r"[-−]?\d+", part) for part in parts):
        raise ValueError(
            f"expected whole numbers with commas between them, got {text.strip()!r}: "
            "write for example 2, -1"
        )
    sizes = [int(part.replace("−", "-")) for part in parts]
    if max(map(abs, sizes)) > LARGEST:
        raise ValueError(f"expected sizes up to {LARGEST}, got {text.strip()}: write smaller ones")
    return sizes


def _reshape(y: torch.Tensor, sizes: list[int]) -> str:
    try:
        z = y.reshape(*sizes)
    except RuntimeError:
        return ""
    return f"y.reshape({', '.join(map(str, sizes))}) copies the numbers first: {z.tolist()}"


def _spell(z: torch.Tensor) -> str:
    return f"shape {tuple(z.shape)}, strides {z.stride()}"


def _code(shape: list[int], permutation: list[int]) -> list[str]:
    """Write the code that makes `y`."""
    sizes = ", ".join(map(str, shape))
    numbers = torch.Size(shape).numel()
    if permutation == sorted(permutation):
        return [f"y = torch.arange({numbers}).view({sizes})"]
    order = ", ".join(map(str, permutation))
    return [f"x = torch.arange({numbers}).view({sizes})", f"y = x.permute({order})"]


class ViewExplorer(FrontEndWidget, static=("tables", "views")):
    """The widget that `view_explorer` returns.

    Attributes:
        numbers: How many numbers there are.
        shape: The shape that they are given.
        permutation: The order of the axes in `y`.
        target: What `y.view( )` is asked for, as text.
        element: The place in memory of the chosen element.
        view: What PyTorch says: `describe_view` of the state.
    """

    numbers = Int(12).tag(sync=True)
    shapes = Dict().tag(sync=True)
    orders = Dict().tag(sync=True)
    shape = List(Int(), [3, 4]).tag(sync=True)
    permutation = List(Int(), [0, 1]).tag(sync=True)
    target = Unicode("-1").tag(sync=True)
    element = Int(6).tag(sync=True)
    view = Dict().tag(sync=True)

    def __init__(self, numbers: int = 12, **traits: Any) -> None:  # noqa: ANN401 - any trait's
        counts = [str(axes) for axes in range(1, MOST_AXES + 1)]
        shapes = {count: legal_shapes(numbers, int(count)) for count in counts}
        orders = {n: [list(p) for p in itertools.permutations(range(int(n)))] for n in counts}
        middle = shapes["2"][(len(shapes["2"]) - 1) // 2]
        state = {"shape": middle, "element": numbers // 2} | traits
        super().__init__(numbers=numbers, shapes=shapes, orders=orders, **state)
        self._describe()

    @observe("shape", "permutation", "target")
    def _describe(self, _: object = None) -> None:
        if self.shape not in self.shapes.get(str(len(self.shape)), ()):
            raise TraitError(
                f"expected a shape of {self.numbers} numbers with 1 to {MOST_AXES} axes, got "
                f"{self.shape}: choose sizes whose product is {self.numbers}"
            )
        if sorted(self.permutation) != list(range(len(self.shape))):
            self.permutation = list(range(len(self.shape)))  # comes back here
        self.view = describe_view(self.shape, self.permutation, self.target)

    def still(self) -> LessonFigure:
        """Draw the chosen element in its shape and in memory."""
        y = permuted(self.shape, self.permutation)
        index = np.argwhere(y.numpy() == self.element)[0]
        return plot_strides(y, tuple(index.tolist()))


def view_explorer(numbers: int = 12) -> ViewExplorer:
    """Show the same numbers in every legal shape, and where each sits in memory.

    Choose a shape of one to four axes and an order of the axes; point at an element, or walk
    with the arrow keys: it lights up in the shape and in memory, and its place is computed from
    its index and the strides. Type a shape to see what `view` gives, or why it cannot.

    Args:
        numbers: How many numbers, 1 to 24.

    Returns:
        The widget.

    Raises:
        ValueError: When `numbers` is not a whole number from 1 to 24.

    Example:
        >>> view_explorer(6).view["strides"]
        [3, 1]
    """
    if type(numbers) is not int or not 1 <= numbers <= MOST_NUMBERS:
        raise ValueError(
            f"expected 1 to {MOST_NUMBERS} numbers, got {numbers!r}: choose for example 12"
        )
    return ViewExplorer(numbers)
