"""A check of gradients by numbers alone: nudge each input, and see what the output does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from cnn_basics.by_hand.functional._checks import check_float
from cnn_basics.by_hand.gradients.result import GradientCheck, compare

Function = Callable[..., torch.Tensor]
Gradients = torch.Tensor | Sequence[torch.Tensor]


def gradient_check(
    function: Function,
    inputs: Gradients,
    backward: Callable[..., Gradients] | None = None,
    *,
    step: float = 1e-5,
    tolerance: float = 1e-6,
) -> GradientCheck:
    """Compare gradients with central differences, in float64.

    Each number of each input is nudged up and down by `step`; the change of the output, divided
    by twice the step, is the numeric gradient. An output of many numbers is first made one number
    by random weights, the `grad_output`, always the same ones.

    Args:
        function: Takes the inputs and returns a float64 tensor of any shape. It must be smooth
            near them: at the corner of a ReLU or at a tie in max pooling there is no slope, which
            the result then says.
        inputs: A float tensor, or a sequence of them; copies in float64 are used. Two calls of
            `function` for each number: keep them small.
        backward: Takes `grad_output` and the inputs, and returns the gradient for each input (a
            tensor, or a sequence of them). None takes the gradients from PyTorch's autograd.
        step: Size of the nudge.
        tolerance: The largest relative error that passes.

    Returns:
        A `GradientCheck`, which prints as a sentence. The relative error is the difference
        divided by the larger of the two gradients (but at least by 0.001, so that rounding near
        zero does not count).

    Raises:
        ValueError: When there is no input, the step is not above 0, or a gradient has another
            shape than its input.
        TypeError: When an input or an output is not a float tensor.

    Example:
        >>> gradient_check(lambda x: x**3, torch.tensor([1.0, 2.0]))
        passes: the largest relative error is at most 1e-06, for 2 numbers in 1 input

    Source:
        Press et al. (2007), "Numerical Recipes", section 5.7, for central differences and the
        step.
    """
    given = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs)
    _check_inputs(given, step)
    points = [x.detach().double().clone(memory_format=torch.contiguous_format) for x in given]
    with torch.no_grad():
        output = _output(function, points)
    generator = torch.Generator().manual_seed(0)
    grad_output = torch.randn(output.shape, generator=generator, dtype=torch.float64)
    grad_output = grad_output if output.ndim else torch.ones_like(output)
    if backward is None:
        gradients = _autograd(function, points, grad_output)
    else:
        gradients = _by_hand(backward, points, grad_output)
    with torch.no_grad():
        sides = [_slopes(function, points, k, grad_output, step) for k in range(len(points))]
    return compare(gradients, sides, tolerance)


def _check_inputs(inputs: Sequence[torch.Tensor], step: float) -> None:
    """Refuse what has no gradient, and a nudge that is none."""
    if not step > 0:
        raise ValueError(f"expected a step above 0, got {step}: use for example 1e-5")
    if not inputs:
        raise ValueError("expected at least one input, got none: give a tensor")
    for index, x in enumerate(inputs):
        check_float(x, f"inputs[{index}]")


def _output(function: Function, points: Sequence[torch.Tensor]) -> torch.Tensor:
    """Call the function, and refuse an output that is not in float64."""
    output = function(*points)
    if not isinstance(output, torch.Tensor) or output.dtype != torch.float64:
        kind = output.dtype if isinstance(output, torch.Tensor) else type(output).__name__
        raise TypeError(
            f"expected a function that returns a float64 tensor for float64 inputs, got {kind}: "
            "make all tensors that it uses float64 with .double()"
        )
    return output


def _autograd(
    function: Function, points: Sequence[torch.Tensor], grad_output: torch.Tensor
) -> list[torch.Tensor]:
    """Let PyTorch compute the gradients."""
    leaves = [x.clone().requires_grad_() for x in points]
    output = _output(function, leaves)
    return list(torch.autograd.grad(output, leaves, grad_output, materialize_grads=True))


def _by_hand(
    backward: Callable[..., Gradients], points: Sequence[torch.Tensor], grad_output: torch.Tensor
) -> list[torch.Tensor]:
    """Call the backward pass that is to be checked, and refuse gradients that do not fit."""
    answer = backward(grad_output, *points)
    gradients = [answer] if isinstance(answer, torch.Tensor) else list(answer)
    if len(gradients) != len(points):
        raise ValueError(
            f"expected one gradient for each of {len(points)} inputs, got {len(gradients)}: "
            "return as many gradients as there are inputs, in their order"
        )
    for index, (gradient, x) in enumerate(zip(gradients, points, strict=True)):
        check_float(gradient, f"the gradient of inputs[{index}]")
        if gradient.shape != x.shape:
            raise ValueError(
                f"expected the gradient of inputs[{index}] in the input's shape "
                f"{tuple(x.shape)}, got {tuple(gradient.shape)}: what was added in the forward "
                "pass, such as padding, is cut off in the backward pass"
            )
    return gradients


def _slopes(
    function: Function,
    points: Sequence[torch.Tensor],
    index: int,
    grad_output: torch.Tensor,
    step: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Nudge each number of one input down and up, and return the slopes to the left and right.

    The outputs are subtracted before they are weighted: what does not change is exactly 0.
    """
    here = function(*points)
    slopes = torch.empty(2, *points[index].shape, dtype=torch.float64)
    numbers = points[index].view(-1)  # a view: writing into it changes the input
    for place in range(len(numbers)):
        kept = numbers[place].item()
        for side, nudge in enumerate((-step, step)):
            numbers[place] = kept + nudge
            change = function(*points) - here
            slopes[side].view(-1)[place] = (change * grad_output).sum() / nudge
        numbers[place] = kept
    return slopes[0], slopes[1]
