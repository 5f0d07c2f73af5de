"""The backward passes of max and average pooling: who gets the gradient of a window."""

from __future__ import annotations

import math

import torch

from cnn_basics.by_hand.functional import avg_pool2d, pad
from cnn_basics.by_hand.functional._checks import IntOrPair, pair
from cnn_basics.by_hand.functional.windows import slide
from cnn_basics.by_hand.gradients._checks import check_gradient
from cnn_basics.by_hand.gradients.windows import windows_backward


def max_pool2d_backward(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
) -> torch.Tensor:
    """Give each window's gradient to its largest number, of equal ones to the first.

    Args:
        grad_output: `(N, C, H_out, W_out)`, the gradient for each output.
        x: `(N, C, H, W)` or `(C, H, W)`, the input of the forward pass, float32 or float64,
            without nan.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next; None means `kernel_size`.
        padding: Rows and columns added on every side, at most half the kernel.

    Returns:
        The gradient for `x`. A pixel that won several windows gets the sum.

    Raises:
        ValueError: When shapes or numbers do not fit together.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> x = torch.tensor([[[5.0, 1.0], [5.0, 2.0]]])
        >>> max_pool2d_backward(torch.tensor([[[7.0]]]), x, kernel_size=2)
        tensor([[[7., 0.],
                 [0., 0.]]])

    Source:
        Ranzato et al. (2007), "Unsupervised learning of invariant feature hierarchies with
        applications to object recognition"; for ties, PyTorch's `max_pool2d`.
    """
    arguments = (kernel_size, stride, padding)
    kernel, strides, (top, left) = _read(grad_output, x, *arguments)
    if x.ndim == 3:
        return max_pool2d_backward(grad_output[None], x[None], *arguments)[0]
    above_padding = x.clamp(min=torch.finfo(x.dtype).min)  # even a pixel of -∞ shall win there
    padded = pad(above_padding, ((top, top), (left, left)), value=-math.inf)
    seen = slide(padded, kernel, strides, (1, 1)).flatten(-2)  # (N, C, H_out, W_out, kh·kw)
    winner = seen.argmax(dim=-1, keepdim=True)  # the first of equal ones
    shares = torch.zeros_like(seen).scatter(-1, winner, grad_output[..., None])
    return windows_backward(shares.unflatten(-1, kernel), tuple(x.shape[2:]), strides, padding)


def avg_pool2d_backward(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
) -> torch.Tensor:
    """Give every number of a window the same share of the window's gradient.

    Padding counts as in `by_hand.avg_pool2d` with its defaults, so its share is lost.

    Args:
        grad_output: `(N, C, H_out, W_out)`, the gradient for each output.
        x: `(N, C, H, W)` or `(C, H, W)`, the input of the forward pass, float32 or float64; only
            its shape matters.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next; None means `kernel_size`.
        padding: Rows and columns of zeros on every side, at most half the kernel.

    Returns:
        The gradient for `x`.

    Raises:
        ValueError: When shapes or numbers do not fit together.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> avg_pool2d_backward(torch.tensor([[[8.0]]]), torch.zeros(1, 2, 2), kernel_size=2)
        tensor([[[2., 2.],
                 [2., 2.]]])

    Source:
        LeCun et al. (1989), "Backpropagation applied to handwritten zip code recognition".
    """
    arguments = (kernel_size, stride, padding)
    kernel, strides, _ = _read(grad_output, x, *arguments)
    if x.ndim == 3:
        return avg_pool2d_backward(grad_output[None], x[None], *arguments)[0]
    share = grad_output / (kernel[0] * kernel[1])
    shares = share[..., None, None].expand(*share.shape, *kernel)  # (N, C, H_out, W_out, kh, kw)
    return windows_backward(shares, tuple(x.shape[2:]), strides, padding)


def _read(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None,
    padding: IntOrPair,
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Check all arguments, which both kinds of pooling share, and read three as pairs."""
    numbers = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    check_gradient(grad_output, avg_pool2d, x, {}, **numbers)
    kernel = pair(kernel_size, "kernel_size", 1)
    strides = kernel if stride is None else pair(stride, "stride", 1)
    return kernel, strides, pair(padding, "padding", 0)
