"""Convolutions as matrix products: one large one (im2col), or one for each kernel position."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.fast.rung import Pair, rung
from cnn_basics.by_hand.functional import windows
from cnn_basics.by_hand.functional._checks import IntOrPair
from cnn_basics.by_hand.functional.sizes import Padding
from cnn_basics.by_hand.functional.windows import slide


def im2col(
    x: torch.Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
) -> torch.Tensor:
    """Write every window of a sliding kernel into a row of one matrix.

    A pixel is copied once for each window that it is in, so the matrix is up to
    `kernel height · kernel width` times as large as the maps.

    Args:
        x: `(N, C, H, W)`, float32 or float64.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next.
        padding: Rows and columns of zeros around `x`, or `"same"` or `"valid"`.
        dilation: Pixels from one element of a window to the next.

    Returns:
        `(N·H_out·W_out, C·kernel height·kernel width)`: a row for each output, with the columns
        in the order of `weight.flatten(1)`.

    Raises:
        ValueError: When no window fits, or an argument is out of range.
        TypeError: When `x` is not a float tensor.

    Example:
        >>> im2col(torch.arange(9.0).view(1, 1, 3, 3), kernel_size=2)
        tensor([[0., 1., 3., 4.],
                [1., 2., 4., 5.],
                [3., 4., 6., 7.],
                [4., 5., 7., 8.]])

    Source:
        Chellapilla, Puri & Simard (2006), "High performance convolutional neural networks
        for document processing", section 4.
    """
    return to_rows(windows(x, kernel_size, stride, padding, dilation))


def to_rows(seen: torch.Tensor) -> torch.Tensor:
    """Copy windows into the rows of a matrix.

    Args:
        seen: `(N, C, H_out, W_out, kernel height, kernel width)`.

    Returns:
        `(N·H_out·W_out, C·kernel height·kernel width)`.
    """
    n, c, height, width, kernel_height, kernel_width = seen.shape
    rows = seen.permute(0, 2, 3, 1, 4, 5)  # (N, H_out, W_out, C, kh, kw)
    return rows.reshape(n * height * width, c * kernel_height * kernel_width)


@rung()
def conv2d_im2col(
    padded: torch.Tensor, weight: torch.Tensor, stride: Pair, dilation: Pair
) -> torch.Tensor:
    """Convolve with one matrix product: all windows of the batch, times all kernels.

    Arguments, result and errors are those of `by_hand.conv2d`.

    Example:
        >>> x = torch.arange(9.0).view(1, 1, 3, 3)
        >>> conv2d_im2col(x, torch.ones(1, 1, 2, 2)).tolist()
        [[[[8.0, 12.0], [20.0, 24.0]]]]

    Source:
        Chellapilla, Puri & Simard (2006), section 4.
    """
    seen = slide(padded, tuple(weight.shape[2:]), stride, dilation)
    n, _, height, width = seen.shape[:4]
    products = to_rows(seen) @ weight.flatten(1).T  # (N·H_out·W_out, O)
    return products.view(n, height, width, len(weight)).permute(0, 3, 1, 2)


@rung(torch.channels_last)
def conv2d_shifts(
    padded: torch.Tensor, weight: torch.Tensor, stride: Pair, dilation: Pair
) -> torch.Tensor:
    """Convolve with one small matrix product for each position in the kernel.

    A 5×5 convolution is the sum of 25 convolutions of 1×1, each of the maps moved by some pixels.
    Nothing is copied 25 times, but every product is small, and the sum is read and written again
    for each. Arguments, result and errors are those of `by_hand.conv2d`.

    Example:
        >>> x = torch.arange(9.0).view(1, 1, 3, 3)
        >>> conv2d_shifts(x, torch.ones(1, 1, 2, 2)).tolist()
        [[[[8.0, 12.0], [20.0, 24.0]]]]

    Source:
        Vasudevan, Anderson & Gregg (2017), "Parallel multi channel convolution using general
        matrix multiplication", https://arxiv.org/abs/1704.04428, section III.
    """
    kernel_height, kernel_width = weight.shape[2:]
    seen = slide(padded, (kernel_height, kernel_width), stride, dilation)
    moved = seen.permute(4, 5, 0, 2, 3, 1)  # (kh, kw, N, H_out, W_out, C)
    n, height, width, channels = moved.shape[2:]
    kernels = weight.permute(2, 3, 1, 0).contiguous()  # (kh, kw, C, O)
    y = padded.new_zeros(n * height * width, len(weight))
    for i in range(kernel_height):
        for j in range(kernel_width):
            y.addmm_(moved[i, j].reshape(-1, channels), kernels[i, j])
    return y.view(n, height, width, len(weight)).permute(0, 3, 1, 2)
