"""The way back through windows: every number returns to the place from where it was read."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional import output_size
from cnn_basics.by_hand.functional._checks import IntOrPair, check_float, check_maps, pair
from cnn_basics.by_hand.functional.sizes import Padding, read_padding


def windows_backward(
    grad_output: torch.Tensor,
    size: tuple[int, int],
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
) -> torch.Tensor:
    """Add up, for each pixel, what all the windows that read it hand back.

    The backward pass of `by_hand.windows`. What is handed back to the padding belongs to no
    pixel and is cut off.

    Args:
        grad_output: `(N, C, H_out, W_out, kernel height, kernel width)`, float32 or float64.
        size: Height and width of the maps that the windows were cut out of.
        stride: Pixels from one window to the next.
        padding: As in the forward pass.
        dilation: Pixels from one element of a window to the next.

    Returns:
        `(N, C, H, W)`.

    Raises:
        ValueError: When the windows cannot come from maps of this size.
        TypeError: When `grad_output` is not a float tensor.

    Example:
        >>> ones = torch.ones(1, 1, 2, 2, 2, 2)  # the four 2×2 windows of a 3×3 map
        >>> windows_backward(ones, (3, 3))
        tensor([[[[1., 2., 1.],
                  [2., 4., 2.],
                  [1., 2., 1.]]]])

    Source:
        The transpose of unfolding, known as col2im; see `torch.nn.functional.fold`.
    """
    (height, width), strides = pair(size, "size", 1), pair(stride, "stride", 1)
    gaps = pair(dilation, "dilation", 1)
    _check_windows(grad_output, (height, width), strides, padding, gaps)
    rows, columns, *kernel = grad_output.shape[2:]
    (top, bottom), (left, right) = read_padding(padding, tuple(kernel), strides, gaps)
    padded = grad_output.new_zeros(
        *grad_output.shape[:2], top + height + bottom, left + width + right
    )
    for i in range(kernel[0]):
        for j in range(kernel[1]):  # element (i, j) of every window, all windows at once
            seen_rows = slice(i * gaps[0], i * gaps[0] + rows * strides[0], strides[0])
            seen_columns = slice(j * gaps[1], j * gaps[1] + columns * strides[1], strides[1])
            padded[:, :, seen_rows, seen_columns] += grad_output[..., i, j]
    return padded[:, :, top : top + height, left : left + width]


def spread(x: torch.Tensor, stride: IntOrPair) -> torch.Tensor:
    """Move the pixels of each map apart, with zeros between them.

    Undoes the jumps of a stride: each output's gradient returns to where its window began.

    Args:
        x: `(N, C, H, W)`.
        stride: Pixels from one number to the next, at least 1.

    Returns:
        `(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)`.

    Raises:
        ValueError: When `x` has not four axes, or `stride` is below 1.
        TypeError: When `x` is not a float tensor.

    Example:
        >>> spread(torch.tensor([[[[1.0, 2.0]]]]), stride=3)
        tensor([[[[1., 0., 0., 2.]]]])
    """
    step_h, step_w = pair(stride, "stride", 1)
    check_maps(x)
    if x.ndim == 3:
        raise ValueError(
            f"expected x as (N, C, H, W), got {tuple(x.shape)}: add the batch axis with x[None]"
        )
    n, c, height, width = x.shape
    apart = x.new_zeros(n, c, (height - 1) * step_h + 1, (width - 1) * step_w + 1)
    apart[:, :, ::step_h, ::step_w] = x
    return apart


def _check_windows(
    grad_output: torch.Tensor,
    size: tuple[int, int],
    stride: tuple[int, int],
    padding: Padding,
    dilation: tuple[int, int],
) -> None:
    """Refuse windows that cannot come from maps of this size."""
    check_float(grad_output, "grad_output")
    if grad_output.ndim != 6 or 0 in grad_output.shape[2:]:
        raise ValueError(
            "expected grad_output as (N, C, H_out, W_out, kernel height, kernel width), got "
            f"{tuple(grad_output.shape)}: give one gradient for each number of each window"
        )
    given, kernel = tuple(grad_output.shape[2:4]), tuple(grad_output.shape[4:])
    wanted = output_size(size, kernel, stride, padding, dilation)
    if given != wanted:
        raise ValueError(
            f"expected {wanted[0]}×{wanted[1]} windows of {kernel[0]}×{kernel[1]} for maps of "
            f"{size[0]}×{size[1]}, got {given[0]}×{given[1]}: give the arguments of the forward "
            "pass"
        )
