"""A check of gradients by numbers alone: nudge each input, and see what the output does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cnn_basics.by_hand.layers import check_float
from cnn_basics.expect import expect

STEP = 1e-5  # how far an input is nudged
TOLERANCE = 1e-6  # the largest relative error that passes
LEAST = 1e-3  # gradients below are compared as if they were as large as this
AS_LARGE = 0.999  # errors of at least this share of the largest count as the largest
CORNER = 1e-3  # left and right slopes that differ by more, relatively, meet in a corner


@dataclass(frozen=True, repr=False)
class GradientCheck:
    """What `gradient_check` found; it prints as a sentence."""

    passed: bool
    sentence: str
    given: list[Tensor]  # for each input, the gradients that were checked
    numeric: list[Tensor]  # for each input, the central differences

    def __repr__(self) -> str:
        return self.sentence


def gradient_check(
    function: Callable[..., Tensor],
    inputs: Tensor | Sequence[Tensor],
    backward: Callable[..., Tensor | Sequence[Tensor]] | None = None,
) -> GradientCheck:
    """Compare gradients with central differences, in float64.

    Each number of each input is nudged up and down; the change of the output, divided by twice the
    nudge, is the numeric gradient. An output of many numbers is first made one number by random
    weights, the `grad_output`, always the same ones.
    Source: Press et al. (2007), "Numerical Recipes", section 5.7.

    Args:
        function: Takes the inputs and returns a float64 tensor of any shape. At a corner (of a
            ReLU, at a tie in max pooling) there is no slope, which the result then says.
        inputs: A float tensor, or a sequence of them, small ones; copies in float64 are used.
        backward: Takes `grad_output` and the inputs, and returns the gradient for each input;
            None takes the gradients from PyTorch's autograd.

    Example:
        >>> gradient_check(lambda x: x**3, torch.tensor([1.0, 2.0]))
        passes: the largest relative error is at most 1e-06, for 2 numbers in 1 input
    """
    points = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    expect(points, "at least one input", "none", "give a tensor")
    for index, x in enumerate(points):
        check_float(x, f"inputs[{index}]")
    points = [x.detach().double().clone(memory_format=torch.contiguous_format) for x in points]
    with torch.no_grad():
        here = _call(function, points)
    grad_output = torch.ones_like(here)
    if here.ndim:
        grad_output.normal_(generator=torch.Generator().manual_seed(0))
    if backward is None:
        leaves = [x.clone().requires_grad_() for x in points]
        output = _call(function, leaves)
        given = torch.autograd.grad(output, leaves, grad_output, materialize_grads=True)
    else:
        given = backward(grad_output.clone(), *(x.clone() for x in points))
        given = list(given) if isinstance(given, (tuple, list)) else [given]
        what, fix = f"one gradient for each of {len(points)} inputs", "return them in that order"
        expect(len(given) == len(points), what, f"{len(given)}", fix)
    for index, (gradient, x) in enumerate(zip(given, points, strict=True)):
        check_float(gradient, f"the gradient of inputs[{index}]")
        what = f"the gradient of inputs[{index}] in the input's shape {tuple(x.shape)}"
        fix = "what was added in the forward pass, such as padding, is cut off in the backward pass"
        expect(gradient.shape == x.shape, what, f"{tuple(gradient.shape)}", fix)
    with torch.no_grad():  # `here` is subtracted before weighting: what stays is exactly 0
        weigh = lambda: ((_call(function, points) - here) * grad_output).sum().item()  # noqa: E731
        slopes = [_slopes(weigh, x) for x in points]
    return _judge([gradient.detach().double() for gradient in given], slopes)


def _call(function: Callable[..., Tensor], points: Sequence[Tensor]) -> Tensor:
    output = function(*(x.clone() for x in points))  # it may change them, or return a view of them
    is_double = isinstance(output, Tensor) and output.dtype == torch.float64
    what = "a function that returns a float64 tensor for float64 inputs"
    expect(is_double, what, output, "make all tensors that it uses float64", TypeError)
    return output


def _slopes(change: Callable[[], float], x: Tensor) -> Tensor:
    """Nudge each number of an input down and up: `(2, ...)`, the slopes to the left and right."""
    slopes = x.new_empty(2, *x.shape)
    for place in np.ndindex(*x.shape):
        kept = x[place].item()
        for side, nudge in enumerate((-STEP, STEP)):
            x[place] = kept + nudge
            slopes[side][place] = change() / nudge
        x[place] = kept
    return slopes


def _judge(given: list[Tensor], slopes: list[Tensor]) -> GradientCheck:
    """Say whether gradients are the mean slopes, and where they differ most."""
    numeric = [each.mean(dim=0) for each in slopes]
    places = [(index, place) for index, x in enumerate(given) for place in np.ndindex(*x.shape)]
    errors = [
        _relative_error(given[index][place], numeric[index][place]) for index, place in places
    ]
    largest = max(errors, default=0.0)
    at_most = f"the largest relative error is at most {TOLERANCE:g}"
    inputs = f"{len(given)} input{'s' if len(given) > 1 else ''}"
    sentence = f"passes: {at_most}, for {len(places):,} numbers in {inputs}"
    if largest > TOLERANCE:
        worst = next(k for k, error in enumerate(errors) if error >= AS_LARGE * largest)
        index, place = places[worst]
        sentence = (
            f"fails: the largest relative error is {largest:.2g}, in inputs[{index}] at "
            f"{list(place)}: the gradient is {given[index][place]:.4g}, numerically "
            f"{numeric[index][place]:.4g}"
        )
        left, right = slopes[index][:, *place].tolist()
        if _relative_error(left, right) > CORNER:
            sides = f"(slope {left:.4g} to the left, {right:.4g} to the right)"
            sentence += f"; the function has a corner there {sides}, so check it elsewhere"
    return GradientCheck(largest <= TOLERANCE, sentence, given, numeric)


def _relative_error(one: float, other: float) -> float:
    error = abs(one - other) / max(abs(one), abs(other), LEAST)
    return float(error) if error >= 0 else math.inf  # nan is as wrong as can be
