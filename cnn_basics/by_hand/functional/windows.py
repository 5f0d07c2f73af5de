"""Every window that a sliding kernel sees, at once and without copying."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional._checks import IntOrPair, check_maps, pair
from cnn_basics.by_hand.functional.sizes import Borders, Padding, output_size, read_padding


def pad(x: torch.Tensor, borders: Borders, value: float = 0.0) -> torch.Tensor:
    """Put a border of one value around every feature map.

    Args:
        x: `(N, C, H, W)`.
        borders: `((top, bottom), (left, right))`, each at least 0.
        value: What the border holds.

    Returns:
        `(N, C, top + H + bottom, left + W + right)`.

    Example:
        >>> pad(torch.ones(1, 1, 1, 2), ((0, 1), (1, 0)))
        tensor([[[[0., 1., 1.],
                  [0., 0., 0.]]]])
    """
    (top, bottom), (left, right) = borders
    n, c, height, width = x.shape
    padded = x.new_full((n, c, top + height + bottom, left + width + right), value)
    padded[:, :, top : top + height, left : left + width] = x
    return padded


def windows(
    x: torch.Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
) -> torch.Tensor:
    """Look at `x` through every window of a sliding kernel.

    A view, not a copy: neighbouring windows share their numbers in memory.

    Args:
        x: `(N, C, H, W)`, float32 or float64.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next.
        padding: Rows and columns of zeros around `x`, or `"same"` or `"valid"`.
        dilation: Pixels from one element of a window to the next.

    Returns:
        `(N, C, H_out, W_out, kernel height, kernel width)`.

    Raises:
        ValueError: When no window fits, or an argument is out of range.
        TypeError: When `x` is not a float tensor.

    Example:
        >>> x = torch.arange(12.0).view(1, 1, 3, 4)
        >>> windows(x, kernel_size=2).shape
        torch.Size([1, 1, 2, 3, 2, 2])
        >>> windows(x, kernel_size=2)[0, 0, 1, 2]
        tensor([[ 6.,  7.],
                [10., 11.]])

    Source:
        Chellapilla, Puri & Simard (2006), "High performance convolutional neural networks
        for document processing", section 4 (unfolding, later called im2col).
    """
    check_maps(x)
    if x.ndim == 3:
        raise ValueError(
            f"expected x as (N, C, H, W), got {tuple(x.shape)}: add the batch axis with x[None]"
        )
    kernel, strides = pair(kernel_size, "kernel_size", 1), pair(stride, "stride", 1)
    dilations = pair(dilation, "dilation", 1)
    output_size(tuple(x.shape[2:]), kernel, strides, padding, dilations)  # refuses what cannot fit
    padded = pad(x, read_padding(padding, kernel, strides, dilations))
    return slide(padded, kernel, strides, dilations)


def slide(
    padded: torch.Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> torch.Tensor:
    """Cut every window out of maps that are already padded.

    Returns:
        A view `(N, C, H_out, W_out, kernel height, kernel width)`.
    """
    span_h, span_w = (d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    rows = padded.unfold(2, span_h, stride[0])  # (N, C, H_out, W, span_h)
    both = rows.unfold(3, span_w, stride[1])  # (N, C, H_out, W_out, span_h, span_w)
    return both[..., :: dilation[0], :: dilation[1]]
