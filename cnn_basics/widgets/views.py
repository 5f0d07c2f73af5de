"""The same numbers in every legal shape: where an element sits in the shape and in memory."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from traitlets import Dict, Int, List, TraitError, Unicode, observe

from cnn_basics.figures import LessonFigure
from cnn_basics.plots.strides import plot_strides
from cnn_basics.widgets.parts import FrontEndWidget
from cnn_basics.widgets.view_answers import describe_view, legal_shapes, permuted

MOST_NUMBERS, MOST_AXES = 24, 4


class ViewExplorer(FrontEndWidget, static=("tables", "tensor_grid", "views")):
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
