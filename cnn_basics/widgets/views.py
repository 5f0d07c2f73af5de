"""The same numbers in every legal shape: where an element sits in the shape and in memory."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import Any

import torch
from traitlets import Dict, List, TraitError, Unicode, observe

from cnn_basics.expect import expect, whole
from cnn_basics.figures import LessonFigure
from cnn_basics.plots import plot_grids
from cnn_basics.widgets.parts import FrontEndWidget, Whole

MOST_NUMBERS, MOST_AXES = 24, 4
LARGEST = 1000  # size that may be typed


class ViewExplorer(FrontEndWidget, static=("pointing", "views")):
    """The widget that `view_explorer` returns."""

    numbers = Whole(12).tag(sync=True)
    shape = List(Whole(), [3, 4]).tag(sync=True)  # that torch.arange(numbers) is given
    permutation = List(Whole(), [0, 1]).tag(sync=True)  # of its axes in y
    target = Unicode("-1").tag(sync=True)  # what y.view( ) is asked for
    element = Whole(6).tag(sync=True)  # the chosen one, its place in memory
    view = Dict().tag(sync=True)  # what PyTorch says to all of this

    def __init__(self, numbers: int = 12, **traits: Any) -> None:  # noqa: ANN401 - any trait's
        divisors = [size for size in range(1, numbers + 1) if numbers % size == 0]
        rows = divisors[(len(divisors) - 1) // 2]
        state = {"shape": [rows, numbers // rows], "element": numbers // 2}
        super().__init__(numbers=numbers, **state | traits)
        self._describe()

    @observe("shape", "permutation", "target")
    def _describe(self, _: object = None) -> None:
        legal = 1 <= len(self.shape) <= MOST_AXES and math.prod(self.shape) == self.numbers
        what = f"a shape of {self.numbers} numbers with 1 to {MOST_AXES} axes"
        fix = f"choose sizes whose product is {self.numbers}"
        expect(legal and min(self.shape) > 0, what, str(self.shape), fix, TraitError)
        if sorted(self.permutation) != list(range(len(self.shape))):
            self.permutation = list(range(len(self.shape)))  # comes back here
        self.view = describe_view(self.shape, self.permutation, self.target)

    def still(self) -> LessonFigure:
        """Draw the chosen element in memory, and in its shape, matrix below matrix."""
        y = _permuted(self.shape, self.permutation)
        (index,) = (y == self.element).nonzero().tolist()
        steps = " + ".join(f"{i}·{s}" for i, s in zip(index, y.stride(), strict=True))
        written, rows = f"y{index}", y.reshape(-1, y.shape[-1])
        alt = (
            f"The numbers of y, shape {tuple(y.shape)}, strides {y.stride()}, in memory and in "
            f"the shape: {written} sits at {steps} = {self.element}."
        )
        lit = [[(0, self.element)], (rows == self.element).nonzero().tolist()]
        grids = [torch.arange(self.numbers)[None], rows]
        titles = ["memory", f"{written}: place {steps} = {self.element}"]
        return plot_grids(grids, titles, alt, lit=lit, shared=True, columns=1, height=1.6)


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
        TypeError: When `numbers` is not a whole number.
        ValueError: When it is not from 1 to 24.

    Example:
        >>> view_explorer(6).view["strides"]
        [3, 1]
    """
    count = whole(numbers, "numbers", 1)
    what = f"1 to {MOST_NUMBERS} numbers"
    expect(count <= MOST_NUMBERS, what, count, "choose for example 12")
    return ViewExplorer(count)


def describe_view(shape: list[int], permutation: list[int], target: str) -> dict[str, Any]:
    """Ask PyTorch about a tensor with its axes in another order, and about a view of that."""
    y = _permuted(shape, permutation)
    sizes, order = ", ".join(map(str, shape)), ", ".join(map(str, permutation))
    made = f"torch.arange({y.numel()}).view({sizes})"
    moved = permutation != sorted(permutation)
    return {
        "shape": list(y.shape),
        "strides": list(y.stride()),
        "contiguous": y.is_contiguous(),
        "places": y.flatten().tolist(),  # in memory, in y's reading order
        "code": [f"x = {made}", f"y = x.permute({order})"] if moved else [f"y = {made}"],
        "answer": answer_view(y, target),
    }


def answer_view(y: torch.Tensor, target: str) -> dict[str, Any]:
    """Try `y.view(target)`: what it gives, PyTorch's own error and what reshape does instead."""
    answer = {"works": False, "reshape": ""}
    try:
        sizes = read_sizes(target)
        z = y.view(*sizes)
    except ValueError as error:
        return answer | {"text": str(error)}
    except RuntimeError as error:
        with suppress(RuntimeError):  # then neither is there a reshape
            copied = f"copies the numbers first: {y.reshape(*sizes).tolist()}"
            answer["reshape"] = f"y.reshape({', '.join(map(str, sizes))}) {copied}"
        return answer | {"text": f"RuntimeError: {error}"}
    said = f"shape {tuple(z.shape)}, strides {z.stride()}, on the same memory: {z.tolist()}"
    return answer | {"works": True, "text": said}


def read_sizes(text: str) -> list[int]:
    """Read sizes as a learner types them: `2, 6`, `(2, 6)` or `-1`."""
    inner = text.strip().removeprefix("(").removesuffix(")").strip().removesuffix(",")
    parts = [part.strip() for part in inner.split(",")]
    numbers = all(re.fullmatch(r"[-−]?\d+", part) for part in parts)
    what = "whole numbers with commas between them"
    expect(numbers, what, repr(text.strip()), "write for example 2, -1")
    sizes = [int(part.replace("−", "-")) for part in parts]
    small = max(map(abs, sizes)) <= LARGEST
    expect(small, f"sizes up to {LARGEST}", text.strip(), "write smaller ones")
    return sizes


def _permuted(shape: list[int], permutation: list[int]) -> torch.Tensor:
    return torch.arange(math.prod(shape)).view(*shape).permute(*permutation)
