"""The convolution layer, written three times: one window, all positions, one matrix product."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional._checks import (
    IntOrPair,
    check_conv2d,
    pair,
)
from cnn_basics.by_hand.functional.sizes import Padding, output_size, read_padding
from cnn_basics.by_hand.functional.windows import pad, windows


def convolve_window(
    window: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor | float = 0.0
) -> torch.Tensor:
    """Compute one output of a convolution, one multiplication at a time.

    The first rung of the ladder: `Σ pixel × weight + bias` over all channels, rows and columns.

    Args:
        window: `(C, kernel height, kernel width)`, the part of the input under the kernel.
        kernel: The same shape, one weight for each number in the window.
        bias: Added once, at the end.

    Returns:
        A tensor without axes (one number).

    Raises:
        ValueError: When the shapes differ.

    Example:
        >>> window = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
        >>> kernel = torch.tensor([[[1.0, 0.0], [0.0, -1.0]]])
        >>> convolve_window(window, kernel, bias=10.0)
        tensor(7.)
    """
    if window.shape != kernel.shape or window.ndim != 3:
        raise ValueError(
            "expected window and kernel of one shape (C, height, width), got "
            f"{tuple(window.shape)} and {tuple(kernel.shape)}: cut the window to the kernel's size"
        )
    channels, height, width = kernel.shape
    total = window.new_zeros(())
    for c in range(channels):
        for row in range(height):
            for column in range(width):
                total = total + window[c, row, column] * kernel[c, row, column]
    return total + bias


def conv2d_loops(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> torch.Tensor:
    """Slide the kernels over every position with plain loops.

    The second rung: the same arguments and results as `conv2d`. One output is one window
    times one kernel, for the whole batch at once.

    Returns:
        `(N, out_channels, H_out, W_out)`.

    Raises:
        ValueError: As `conv2d`.
        TypeError: As `conv2d`.

    Example:
        >>> x = torch.arange(9.0).view(1, 1, 3, 3)
        >>> conv2d_loops(x, torch.ones(1, 1, 2, 2))
        tensor([[[[ 8., 12.],
                  [20., 24.]]]])
    """
    check_conv2d(x, weight, bias, groups)
    if x.ndim == 3:
        return conv2d_loops(x[None], weight, bias, stride, padding, dilation, groups)[0]
    kernel, (step_h, step_w) = tuple(weight.shape[2:]), pair(stride, "stride", 1)
    gap_h, gap_w = pair(dilation, "dilation", 1)
    height, width = output_size(tuple(x.shape[2:]), kernel, stride, padding, dilation)
    padded = pad(x, read_padding(padding, kernel, (step_h, step_w), (gap_h, gap_w)))
    span_h, span_w = gap_h * (kernel[0] - 1) + 1, gap_w * (kernel[1] - 1) + 1
    out_channels, in_channels = weight.shape[:2]  # in_channels of one group
    y = x.new_zeros(len(x), out_channels, height, width)
    for k in range(out_channels):
        first = k // (out_channels // groups) * in_channels  # first channel of this kernel's group
        for i in range(height):
            for j in range(width):
                rows = slice(i * step_h, i * step_h + span_h, gap_h)
                columns = slice(j * step_w, j * step_w + span_w, gap_w)
                window = padded[:, first : first + in_channels, rows, columns]
                y[:, k, i, j] = (window * weight[k]).sum(dim=(1, 2, 3))
    return y if bias is None else y + bias.view(-1, 1, 1)


def conv2d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> torch.Tensor:
    """Apply a convolution layer, as `torch.nn.functional.conv2d` does.

    The third rung: all windows at once, laid out as the rows of a matrix, times all kernels.
    Like every deep-learning library it computes a cross-correlation: the kernel is not flipped.

    Args:
        x: `(N, in_channels, H, W)` or `(in_channels, H, W)`, float32 or float64.
        weight: The kernels, `(out_channels, in_channels / groups, kernel height, kernel width)`.
        bias: `(out_channels,)`, one number for each output channel, or None.
        stride: Pixels from one window to the next, at least 1.
        padding: Rows and columns of zeros on every side, or `"same"` or `"valid"`.
        dilation: Pixels from one kernel element to the next, at least 1.
        groups: Into how many independent groups the channels are split.

    Returns:
        `(N, out_channels, H_out, W_out)`, without the first axis if `x` had none.

    Raises:
        ValueError: When shapes or numbers do not fit together, saying which and the fix.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> x = torch.arange(9.0).view(1, 1, 3, 3)
        >>> conv2d(x, torch.ones(1, 1, 2, 2))
        tensor([[[[ 8., 12.],
                  [20., 24.]]]])

    Source:
        LeCun et al. (1998), "Gradient-based learning applied to document recognition",
        section II; Chellapilla et al. (2006) for the matrix product.
    """
    check_conv2d(x, weight, bias, groups)
    if x.ndim == 3:
        return conv2d(x[None], weight, bias, stride, padding, dilation, groups)[0]
    seen = windows(x, tuple(weight.shape[2:]), stride, padding, dilation)
    n, _, height, width = seen.shape[:4]
    by_group = seen.unflatten(1, (groups, -1))  # (N, G, C/G, H_out, W_out, kh, kw)
    rows = by_group.permute(0, 1, 3, 4, 2, 5, 6).reshape(
        n, groups, height * width, weight[0].numel()
    )
    kernels = weight.reshape(groups, -1, weight[0].numel())  # (G, O/G, C/G·kh·kw)
    products = rows @ kernels.mT  # (N, G, H_out·W_out, O/G)
    y = products.mT.reshape(n, len(weight), height, width)
    return y if bias is None else y + bias.view(-1, 1, 1)
