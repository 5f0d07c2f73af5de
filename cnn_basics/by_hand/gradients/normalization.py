"""The backward pass of batch normalisation."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional import batch_norm
from cnn_basics.by_hand.gradients._checks import check_gradient


def batch_norm_backward(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute the gradients of `by_hand.batch_norm` for its input, scale and shift.

    In training, mean and variance depend on every number of the batch. Of the gradient, the part
    that would only shift a channel and the part that would only stretch it change nothing after
    the normalisation, so both are taken out. In evaluation the layer just scales.

    Args:
        grad_output: The shape of `x`.
        x: `(N, C)` or `(N, C, ...)`, the input of the forward pass, float32 or float64.
        running_mean: `(C,)`; used in evaluation, else it may be None, and stays as it is.
        running_var: `(C,)`; likewise.
        weight: `(C,)`, the scale γ, or None for 1.
        training: Whether the forward pass used the batch's own statistics.
        eps: As in the forward pass.

    Returns:
        `(grad_x, grad_weight, grad_bias)`, with the shapes of `x`, `(C,)` and `(C,)`.

    Raises:
        ValueError: When shapes do not fit together, or training meets one value per channel.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> x = torch.tensor([[1.0], [1.0], [3.0], [3.0]])  # mean 2, variance 1
        >>> grad_output = torch.tensor([[4.0], [0.0], [0.0], [0.0]])
        >>> grad_x, grad_weight, grad_bias = batch_norm_backward(
        ...     grad_output, x, None, None, training=True, eps=1e-9
        ... )
        >>> grad_x.flatten(), grad_weight, grad_bias
        (tensor([ 2., -2.,  0.,  0.]), tensor([-4.]), tensor([4.]))

    Source:
        Ioffe & Szegedy (2015), "Batch normalization", https://arxiv.org/abs/1502.03167,
        section 3 (the equations after algorithm 1), simplified.
    """
    tensors = {"running_mean": running_mean, "running_var": running_var, "weight": weight}
    check_gradient(grad_output, batch_norm, x, tensors, training=training, eps=eps)
    axes = [axis for axis in range(x.ndim) if axis != 1]  # all but the channels
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean = x.mean(axes) if training else running_mean
    variance = x.var(axes, correction=0) if training else running_var
    deviation = torch.sqrt(variance + eps).view(shape)
    normal = (x - mean.view(shape)) / deviation  # the output before scale and shift
    grad_weight, grad_bias = (grad_output * normal).sum(axes), grad_output.sum(axes)
    grad_normal = grad_output if weight is None else grad_output * weight.view(shape)
    if training:
        shift = grad_normal.mean(axes, keepdim=True)
        stretch = (grad_normal * normal).mean(axes, keepdim=True)
        grad_normal = grad_normal - shift - normal * stretch
    return grad_normal / deviation, grad_weight, grad_bias
