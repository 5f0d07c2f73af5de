"""Counting before timing: multiply-adds, bytes moved, and arithmetic intensity."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cnn_basics.by_hand.functional import output_size
from cnn_basics.by_hand.functional._checks import IntOrPair, pair
from cnn_basics.by_hand.functional.sizes import Padding

Shape4 = tuple[int, int, int, int]


@dataclass(frozen=True)
class Cost:
    """What a computation needs of the processor and of memory.

    Attributes:
        multiply_adds: Products that are added to a sum.
        bytes: Moved between memory and processor.

    Example:
        >>> Cost(multiply_adds=100, bytes=50).intensity
        4.0
    """

    multiply_adds: int
    bytes: int

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.multiply_adds

    @property
    def intensity(self) -> float:
        """The arithmetic intensity: operations for each byte that is moved."""
        return self.operations / self.bytes


def conv2d_cost(
    x_shape: Shape4,
    weight_shape: Shape4,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    element_size: int = 4,
) -> Cost:
    """Count what a convolution needs at least: each number read or written once.

    Args:
        x_shape: `(N, in_channels, H, W)`.
        weight_shape: `(out_channels, in_channels / groups, kernel height, kernel width)`.
        stride: As in `by_hand.conv2d`; so are the next three.
        padding: Padding is not read from memory; the products with its zeros count.
        dilation: Pixels from one kernel element to the next.
        groups: Into how many independent groups the channels are split.
        element_size: Bytes of one number: 4 for float32, 8 for float64.

    Returns:
        The cost, without a bias.

    Raises:
        ValueError: When shapes or numbers do not fit together.

    Example:
        >>> conv2d_cost((1, 3, 28, 28), (32, 3, 5, 5), padding=2)
        Cost(multiply_adds=1881600, bytes=119360)
    """
    y_shape = _output_shape(x_shape, weight_shape, stride, padding, dilation, groups)
    numbers = math.prod(x_shape) + math.prod(weight_shape) + math.prod(y_shape)
    return Cost(math.prod(y_shape) * math.prod(weight_shape[1:]), numbers * element_size)


def im2col_cost(
    x_shape: Shape4,
    weight_shape: Shape4,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    *,
    element_size: int = 4,
) -> Cost:
    """Count what im2col and one matrix product need when the columns go through memory.

    Returns:
        As `conv2d_cost`; besides, every column is written once and read once.

    Raises:
        ValueError: As `conv2d_cost`.

    Example:
        >>> im2col_cost((1, 3, 28, 28), (32, 3, 5, 5), padding=2)
        Cost(multiply_adds=1881600, bytes=589760)
    """
    least = conv2d_cost(
        x_shape, weight_shape, stride, padding, dilation, groups, element_size=element_size
    )
    y_shape = _output_shape(x_shape, weight_shape, stride, padding, dilation, groups)
    windows = y_shape[0] * y_shape[2] * y_shape[3]
    columns = windows * x_shape[1] * math.prod(weight_shape[2:])
    return Cost(least.multiply_adds, least.bytes + 2 * columns * element_size)


def fft_multiply_adds(
    x_shape: Shape4, weight_shape: Shape4, padding: IntOrPair = 0, groups: int = 1
) -> int:
    """Estimate the multiply-adds of `conv2d_fft`: transforms, and products between.

    A transform of L real numbers is taken as `2.5 L log₂ L` operations, the usual estimate; a
    complex multiply-add is four real ones.

    Args:
        x_shape: `(N, in_channels, H, W)`.
        weight_shape: `(out_channels, in_channels / groups, kernel height, kernel width)`.
        padding: Rows and columns of zeros on every side, which are transformed too.
        groups: Into how many independent groups the channels are split.

    Returns:
        Multiply-adds, rounded.

    Raises:
        ValueError: As `conv2d_cost`.

    Example:
        >>> fft_multiply_adds((1, 1, 16, 16), (1, 1, 3, 3))
        8256
    """
    _output_shape(x_shape, weight_shape, 1, padding, 1, groups)
    n, channels, height, width = x_shape
    out_channels, per_group = weight_shape[:2]
    down, right = pair(padding, "padding", 0)
    height, width = height + 2 * down, width + 2 * right
    maps = n * channels + out_channels * per_group + n * out_channels
    transform = 2.5 * height * width * math.log2(height * width) / 2
    products = 4 * n * out_channels * per_group * height * (width // 2 + 1)
    return round(maps * transform + products)


def _output_shape(
    x_shape: Shape4,
    weight_shape: Shape4,
    stride: IntOrPair,
    padding: Padding,
    dilation: IntOrPair,
    groups: int,
) -> Shape4:
    """Return `(N, out_channels, H_out, W_out)`, or say what does not fit."""
    if len(x_shape) != 4 or len(weight_shape) != 4 or min(*x_shape, *weight_shape) < 1:
        raise ValueError(
            "expected x as (N, C, H, W) and weight as (out_channels, in_channels / groups, "
            f"kernel height, kernel width), got {tuple(x_shape)} and {tuple(weight_shape)}: "
            "give four numbers of at least 1 for each"
        )
    pair(groups, "groups", 1)
    if x_shape[1] != weight_shape[1] * groups or weight_shape[0] % groups:
        raise ValueError(
            f"expected {weight_shape[1] * groups} channels and a number of kernels that "
            f"groups={groups} divides, got {x_shape[1]} channels and {weight_shape[0]} kernels: "
            "make weight_shape[1] equal to channels / groups"
        )
    height, width = output_size(
        tuple(x_shape[2:]), tuple(weight_shape[2:]), stride, padding, dilation
    )
    return x_shape[0], weight_shape[0], height, width
