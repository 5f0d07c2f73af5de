"""The backward passes of the fully connected layer and of the rectifier."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional import fully_connected, relu
from cnn_basics.by_hand.gradients._checks import check_gradient


def linear_backward(
    grad_output: torch.Tensor, x: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute the gradients of `by_hand.fully_connected` for input, weights and bias.

    Args:
        grad_output: `(..., out_features)`, the gradient for each output.
        x: `(..., in_features)`, the input of the forward pass, float32 or float64.
        weight: `(out_features, in_features)`.

    Returns:
        `(grad_x, grad_weight, grad_bias)`, with the shapes of `x`, `weight` and
        `(out_features,)`.

    Raises:
        ValueError: When the shapes do not fit together.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> x, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]])
        >>> linear_backward(torch.tensor([[10.0]]), x, weight)
        (tensor([[30., 40.]]), tensor([[10., 20.]]), tensor([10.]))

    Source:
        Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating
        errors", equations 4 to 7.
    """
    check_gradient(grad_output, fully_connected, x, {"weight": weight})
    grad_x = grad_output @ weight  # (..., out) times (out, in) gives (..., in)
    rows = torch.atleast_2d(x).flatten(0, -2)  # (N, in)
    grad_rows = torch.atleast_2d(grad_output).flatten(0, -2)  # (N, out)
    grad_weight = grad_rows.T @ rows  # (out, N) times (N, in): sums over the batch
    grad_bias = grad_rows.sum(dim=0)
    return grad_x, grad_weight, grad_bias


def relu_backward(grad_output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Let the gradient through where the input was above 0, and nowhere else.

    Args:
        grad_output: The shape of `x`.
        x: The input of the forward pass, any shape, float32 or float64.

    Returns:
        The gradient for `x`; 0 where `x` is 0, as in PyTorch.

    Raises:
        ValueError: When the shapes differ.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> relu_backward(torch.tensor([5.0, 6.0, 7.0]), torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0., 0., 7.])

    Source:
        Nair & Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".
    """
    check_gradient(grad_output, relu, x, {})
    return torch.where(x <= 0, torch.zeros_like(grad_output), grad_output)
