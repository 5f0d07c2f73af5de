"""Max and average pooling: one number for each window of each feature map."""

from __future__ import annotations

import math

import torch

from cnn_basics.by_hand.functional._checks import IntOrPair, check_maps, pair
from cnn_basics.by_hand.functional.sizes import Borders, output_size
from cnn_basics.by_hand.functional.windows import pad, slide


def max_pool2d(
    x: torch.Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> torch.Tensor:
    """Keep the largest number of each window, as `torch.nn.functional.max_pool2d` does.

    Padding holds -∞, so that it never wins. Of equal largest numbers the first, in reading
    order, receives the gradient. A window that sees padding alone (possible when dilated) is
    refused; PyTorch answers -∞ there, and its backward pass writes outside the picture.

    Args:
        x: `(N, C, H, W)` or `(C, H, W)`, float32 or float64.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next; None means `kernel_size`.
        padding: Rows and columns added on every side, at most half the kernel.
        dilation: Pixels from one element of a window to the next.
        ceil_mode: Also use a last window that reaches over the edge, if it starts inside.

    Returns:
        `(N, C, H_out, W_out)`, without the first axis if `x` had none.

    Raises:
        ValueError: When no window fits, or an argument is out of range.
        TypeError: When `x` is not a float tensor.

    Example:
        >>> x = torch.tensor([[[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]])
        >>> max_pool2d(x, kernel_size=2)
        tensor([[[6., 8.],
                 [3., 4.]]])

    Source:
        Ranzato et al. (2007), "Unsupervised learning of invariant feature hierarchies with
        applications to object recognition".
    """
    check_maps(x)
    if x.ndim == 3:
        return max_pool2d(x[None], kernel_size, stride, padding, dilation, ceil_mode)[0]
    kernel, strides, pads = _read_arguments(kernel_size, stride, padding)
    gaps = pair(dilation, "dilation", 1)
    borders = _borders(pads, _overhang(x, kernel, strides, pads, gaps, ceil_mode))
    inside = pad(x.new_ones(1, 1, *x.shape[2:]), borders)
    if not slide(inside, kernel, strides, gaps).any(-1).any(-1).all():
        raise ValueError(
            f"expected windows that each see a pixel, got padding alone in one with padding "
            f"{padding} and dilation {dilation} on {tuple(x.shape)}: use less of both"
        )
    seen = slide(pad(x, borders, value=-math.inf), kernel, strides, gaps)
    return seen.flatten(-2).max(dim=-1).values  # (N, C, H_out, W_out, kh·kw) to one number each


def avg_pool2d(
    x: torch.Tensor,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> torch.Tensor:
    """Take the mean of each window, as `torch.nn.functional.avg_pool2d` does.

    Args:
        x: `(N, C, H, W)` or `(C, H, W)`, float32 or float64.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next; None means `kernel_size`.
        padding: Rows and columns of zeros on every side, at most half the kernel.
        ceil_mode: Also use a last window that reaches over the edge, if it starts inside. What
            lies beyond the padding is never counted.
        count_include_pad: Count the zeros of the padding as numbers of the window.

    Returns:
        `(N, C, H_out, W_out)`, without the first axis if `x` had none.

    Raises:
        ValueError: When no window fits, or an argument is out of range.
        TypeError: When `x` is not a float tensor.

    Example:
        >>> x = torch.tensor([[[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]])
        >>> avg_pool2d(x, kernel_size=2)
        tensor([[[3.2500, 5.2500],
                 [2.0000, 2.0000]]])

    Source:
        LeCun et al. (1989), "Backpropagation applied to handwritten zip code recognition".
    """
    check_maps(x)
    if x.ndim == 3:
        return avg_pool2d(x[None], kernel_size, stride, padding, ceil_mode, count_include_pad)[0]
    kernel, strides, pads = _read_arguments(kernel_size, stride, padding)
    overhang = _overhang(x, kernel, strides, pads, (1, 1), ceil_mode)
    sums = slide(pad(x, _borders(pads, overhang)), kernel, strides, (1, 1)).sum(dim=(-2, -1))
    inside = pad(x.new_ones(1, 1, *x.shape[2:]), _borders(pads), value=float(count_include_pad))
    counted = pad(inside, ((0, overhang[0]), (0, overhang[1])))
    return sums / slide(counted, kernel, strides, (1, 1)).sum(dim=(-2, -1))


def _read_arguments(
    kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Read kernel, stride and padding as pairs; padding may be at most half the kernel."""
    kernel = pair(kernel_size, "kernel_size", 1)
    strides = kernel if stride is None else pair(stride, "stride", 1)
    pads = pair(padding, "padding", 0)
    for border, size in zip(pads, kernel, strict=True):
        if border > size // 2:
            raise ValueError(
                f"expected padding of at most half the kernel ({size // 2} for kernel_size "
                f"{size}), got {border}: use less padding or a larger kernel"
            )
    return kernel, strides, pads


def _overhang(
    x: torch.Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    ceil_mode: bool,
) -> tuple[int, int]:
    """Count the rows and columns by which the last window reaches over the padded edge."""
    sizes = tuple(x.shape[2:])
    count = output_size(sizes, kernel, stride, padding, dilation, ceil_mode)
    needed = [(count[d] - 1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1 for d in (0, 1)]
    bottom, right = (max(0, needed[d] - sizes[d] - 2 * padding[d]) for d in (0, 1))
    return bottom, right


def _borders(padding: tuple[int, int], overhang: tuple[int, int] = (0, 0)) -> Borders:
    """Turn padding and overhang into `((top, bottom), (left, right))`."""
    return (
        (padding[0], padding[0] + overhang[0]),
        (padding[1], padding[1] + overhang[1]),
    )
