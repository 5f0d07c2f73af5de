"""The backward pass of the convolution layer: two more convolutions and a sum."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional import conv2d, pad, windows
from cnn_basics.by_hand.functional._checks import IntOrPair, pair
from cnn_basics.by_hand.functional.sizes import Padding, read_padding
from cnn_basics.by_hand.gradients._checks import check_gradient
from cnn_basics.by_hand.gradients.windows import spread


def conv2d_backward(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Compute the gradients of `by_hand.conv2d` for its input, its kernels and its bias.

    Args:
        grad_output: `(N, out_channels, H_out, W_out)`, the gradient for each output.
        x: `(N, in_channels, H, W)` or `(in_channels, H, W)`, the input of the forward pass,
            float32 or float64.
        weight: `(out_channels, in_channels / groups, kernel height, kernel width)`.
        stride: As in the forward pass, like all that follow.
        padding: A number, a pair, `"same"` or `"valid"`.
        dilation: Pixels from one kernel element to the next.
        groups: Into how many independent groups the channels are split.

    Returns:
        `(grad_x, grad_weight, grad_bias)`, with the shapes of `x`, `weight` and
        `(out_channels,)`.

    Raises:
        ValueError: When shapes or numbers do not fit together, saying which and the fix.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> x = torch.arange(9.0).view(1, 1, 3, 3)
        >>> grad_output, weight = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
        >>> grad_x, grad_weight, grad_bias = conv2d_backward(grad_output, x, weight)
        >>> grad_x
        tensor([[[[1., 2., 1.],
                  [2., 4., 2.],
                  [1., 2., 1.]]]])
        >>> grad_weight, grad_bias
        (tensor([[[[ 8., 12.],
                  [20., 24.]]]]), tensor([4.]))

    Source:
        Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning",
        https://arxiv.org/abs/1603.07285, chapter 4 (transposed convolution).
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    check_gradient(grad_output, conv2d, x, {"weight": weight}, **options)
    if x.ndim == 3:
        grad_x, *others = conv2d_backward(grad_output[None], x[None], weight, **options)
        return grad_x[0], *others
    size = tuple(x.shape[2:])
    grad_x = conv2d_grad_x(grad_output, weight, size, **options)
    grad_weight = conv2d_grad_weight(grad_output, x, tuple(weight.shape[2:]), **options)
    grad_bias = grad_output.sum(dim=(0, 2, 3))  # the bias is added to every output of its map
    return grad_x, grad_weight, grad_bias


def conv2d_grad_x(
    grad_output: torch.Tensor,
    weight: torch.Tensor,
    size: tuple[int, int],
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> torch.Tensor:
    """Convolve the gradients with the flipped kernels, and cut the padding off.

    Args:
        grad_output: `(N, out_channels, H_out, W_out)`.
        weight: `(out_channels, in_channels / groups, kernel height, kernel width)`.
        size: Height and width of the forward pass's input.
        stride: As in the forward pass, like all that follow.
        padding: A number, a pair, `"same"` or `"valid"`.
        dilation: Pixels from one kernel element to the next.
        groups: Into how many independent groups the channels are split.

    Returns:
        `(N, in_channels, H, W)`, the first part of `conv2d_backward`, which checks the arguments.

    Example:
        >>> kernel = torch.tensor([[[[1.0, 2.0, 3.0]]]])
        >>> conv2d_grad_x(torch.tensor([[[[10.0]]]]), kernel, size=(1, 3))
        tensor([[[[10., 20., 30.]]]])
    """
    strides, gaps = pair(stride, "stride", 1), pair(dilation, "dilation", 1)
    kernel = tuple(weight.shape[2:])
    # Inputs and outputs change roles: within each group, so do the two axes of channels.
    flipped = weight.flip(2, 3).unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    reach = [gap * (k - 1) for gap, k in zip(gaps, kernel, strict=True)]
    full = conv2d(spread(grad_output, strides), flipped, None, 1, reach, gaps, groups)
    (top, bottom), (left, right) = read_padding(padding, kernel, strides, gaps)
    height, width = size
    unseen = (top + height + bottom - full.shape[2], left + width + right - full.shape[3])
    padded = pad(full, ((0, unseen[0]), (0, unseen[1])))  # no window saw these: gradient 0
    return padded[:, :, top : top + height, left : left + width]


def conv2d_grad_weight(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    kernel_size: tuple[int, int],
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> torch.Tensor:
    """Add up, for each weight, gradient times the pixel that it met, over all windows.

    Args:
        grad_output: `(N, out_channels, H_out, W_out)`.
        x: `(N, in_channels, H, W)`.
        kernel_size: Kernel height and width.
        stride: As in the forward pass, like all that follow.
        padding: A number, a pair, `"same"` or `"valid"`.
        dilation: Pixels from one kernel element to the next.
        groups: Into how many independent groups the channels are split.

    Returns:
        `(out_channels, in_channels / groups, kernel height, kernel width)`, the second part of
        `conv2d_backward`, which checks the arguments.

    Example:
        >>> x = torch.tensor([[[[4.0, 5.0, 6.0]]]])
        >>> conv2d_grad_weight(torch.tensor([[[[10.0, 0.0]]]]), x, kernel_size=(1, 2))
        tensor([[[[40., 50.]]]])
    """
    seen = windows(x, kernel_size, stride, padding, dilation)
    seen = seen.unflatten(1, (groups, -1))  # (N, G, C/G, H_out, W_out, kh, kw)
    by_group = grad_output.unflatten(1, (groups, -1))  # (N, G, O/G, H_out, W_out)
    products = torch.einsum("ngohw,ngchwij->gocij", by_group, seen)  # sums over n, h and w
    return products.flatten(0, 1)  # (O, C/G, kh, kw)
