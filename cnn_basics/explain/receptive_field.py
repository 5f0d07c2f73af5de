"""How much of the picture one number of a layer sees, by formula."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from cnn_basics.explain.checks import check_pictures
from cnn_basics.explain.steps import name_steps, refuse_unknown
from cnn_basics.explain.window_steps import Window, read_window
from cnn_basics.model.recorder import Recorder, Step
from cnn_basics.model.untouched import untouched

Pair = tuple[int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that a layer's numbers depend on; pairs are (vertical, horizontal).

    Attributes:
        size: rows and columns of the field of one number.
        stride: pixels from the field of one number to that of the next.
        start: row and column of the first pixel of the number at (0, 0); below 0 in the padding.

    Example:
        >>> field = ReceptiveField(size=(6, 6), stride=(2, 2), start=(-2, -2))
        >>> field.pixels(0, 3)
        ((-2, 4), (4, 10))
    """

    size: Pair = (1, 1)
    stride: Pair = (1, 1)
    start: Pair = (0, 0)

    def pixels(self, row: int, column: int) -> tuple[Pair, Pair]:
        """Say which pixels the number at (row, column) of a map sees.

        Args:
            row: of the number in its map.
            column: of the number in its map.

        Returns:
            The first row and the row after the last, then the same for columns. What is below 0
            or beyond the picture lies in the padding.
        """
        top, left = (
            self.start[axis] + place * self.stride[axis] for axis, place in enumerate((row, column))
        )
        return (top, top + self.size[0]), (left, left + self.size[1])

    def through(self, window: Window) -> ReceptiveField:
        """Say what a number sees that looks at numbers with this field through a window.

        Args:
            window: of the layer that follows.

        Returns:
            The field of the numbers which that layer gives.
        """
        each = range(2)
        reach = [window.dilation[a] * (window.kernel[a] - 1) for a in each]
        return ReceptiveField(
            size=tuple(self.size[a] + reach[a] * self.stride[a] for a in each),
            stride=tuple(self.stride[a] * window.stride[a] for a in each),
            start=tuple(self.start[a] - window.border[a] * self.stride[a] for a in each),
        )


def receptive_field(model: nn.Module, x: Tensor, layer: str) -> ReceptiveField:
    """Compute the receptive field of a layer from its windows and those of all layers before it.

    A window of k numbers widens the field by (k − 1) steps, and a step is as many pixels as all
    strides before it multiply to.

    Args:
        model: a network of convolutions, pooling and steps that work number by number, with
            branches or without.
        x: (N, C, H, W), any pictures that the network takes; their values do not matter.
        layer: the name of a step, as `feature_maps` lists them.

    Returns:
        The field: size, stride and start.

    Raises:
        TypeError: if `x` is not a float tensor.
        ValueError: if the network has no such step, or a step before it looks in another way, as
            everything after flattening does.

    Example:
        >>> import torch
        >>> from cnn_basics.model import Custom_CNN
        >>> receptive_field(Custom_CNN(), torch.zeros(1, 3, 28, 28), "conv2")
        ReceptiveField(size=(14, 14), stride=(2, 2), start=(-6, -6))

    Source:
        Araujo, Norris & Sim (2019), "Computing receptive fields of convolutional neural
        networks", Distill, https://distill.pub/2019/computing-receptive-fields
    """
    check_pictures(x)
    follower = _Follower(model, x)
    with untouched(model), follower.watching():
        model(x)
    steps = name_steps(follower.steps)
    refuse_unknown(layer, list(steps))
    field = follower.fields.get(id(steps[layer]))
    if not isinstance(field, ReceptiveField):
        raise ValueError(
            f"expected a layer behind windows and number by number steps only, got `{layer}` "
            f"behind `{field}`: name an earlier layer, or use receptive_field_by_gradient"
        )
    return field


class _Follower(Recorder):
    """Follows the receptive field from tensor to tensor while a network runs.

    Attributes:
        fields: by the id of each step its field, or the name of the step that has no formula.
    """

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        super().__init__(model)
        self.fields: dict[int, ReceptiveField | str] = {}
        self._known: dict[int, tuple[Tensor, ReceptiveField | str]] = {id(x): (x, ReceptiveField())}

    def _finish(self, step: Step, output: object, count_before: int) -> None:
        given = [leaf for leaf in tree_leaves((step.args, step.kwargs)) if id(leaf) in self._known]
        found = [self._known[id(leaf)][1] for leaf in given]
        inner = self._known.get(id(output))
        if inner is not None and not any(output is leaf for leaf in given):
            self.fields[id(step)] = inner[1]  # a module whose own functions were followed
        elif found and isinstance(output, Tensor):
            self.fields[id(step)] = _follow(step, found)
            self._known[id(output)] = (output, self.fields[id(step)])
        super()._finish(step, output, count_before)


def _follow(step: Step, found: list[ReceptiveField | str]) -> ReceptiveField | str:
    """The field of what a step gives, from the fields of what it is given."""
    culprit = next((one for one in found if isinstance(one, str)), None)
    window = read_window(step)
    if culprit or window is None or len({one.stride for one in found}) > 1:
        return culprit or step.layer
    return _union(found).through(window)


def _union(fields: list[ReceptiveField]) -> ReceptiveField:
    """The smallest field that holds all of them; their strides are the same."""
    each = range(2)
    start = tuple(min(one.start[a] for one in fields) for a in each)
    end = [max(one.start[a] + one.size[a] for one in fields) for a in each]
    return ReceptiveField(tuple(end[a] - start[a] for a in each), fields[0].stride, start)
