"""How large the output of a convolution or pooling layer is."""

from __future__ import annotations

from cnn_basics.by_hand.functional._checks import IntOrPair, pair

Padding = IntOrPair | str
Borders = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))


def output_size(
    size: IntOrPair,
    kernel_size: IntOrPair,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    ceil_mode: bool = False,
) -> int | tuple[int, int]:
    """Compute the size of a convolution's or a pooling layer's output.

    Along each direction the kernel spans `dilation * (kernel_size - 1) + 1` pixels. It fits
    once, and once more for every whole `stride` that is left over; a remainder is dropped
    (`floor`), or in `ceil_mode` covered by one more window, if that starts inside.

    Args:
        size: Height and width of the input, at least 1; one int means one direction.
        kernel_size: Kernel height and width, at least 1.
        stride: Pixels from one window to the next, at least 1.
        padding: Rows and columns added on every side, at least 0; `"same"` keeps the size
            (stride 1 only), `"valid"` adds nothing.
        dilation: Pixels from one kernel element to the next, at least 1.
        ceil_mode: Round up instead of down (pooling layers only).

    Returns:
        An int when every number given is an int, else `(height, width)`.

    Raises:
        ValueError: When the kernel does not fit into the padded input, or an argument is out
            of range.
        TypeError: When an argument is not made of whole numbers.

    Example:
        >>> output_size(28, kernel_size=5, padding=2)
        28
        >>> output_size((6, 9), kernel_size=3, stride=2)
        (2, 4)

    Source:
        Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning",
        https://arxiv.org/abs/1603.07285, relationship 6; section "Shape" of PyTorch's
        `torch.nn.Conv2d` and `torch.nn.MaxPool2d`.
    """
    sizes = pair(size, "size", 1)
    kernel = pair(kernel_size, "kernel_size", 1)
    strides = pair(stride, "stride", 1)
    dilations = pair(dilation, "dilation", 1)
    borders = read_padding(padding, kernel, strides, dilations)
    height, width = (
        _one_direction(sizes[d], kernel[d], strides[d], borders[d], dilations[d], ceil_mode)
        for d in (0, 1)
    )
    given = (size, kernel_size, stride, padding, dilation)
    return height if all(isinstance(g, (int, str)) for g in given) else (height, width)


def read_padding(
    padding: Padding, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> Borders:
    """Read `padding` as `((top, bottom), (left, right))`.

    `"same"` needs `dilation * (kernel_size - 1)` extra pixels; when that is odd, the
    additional one goes to the bottom and to the right, as in PyTorch.

    Raises:
        ValueError: When the word is unknown, or `"same"` meets a stride above 1.
    """
    if not isinstance(padding, str):
        vertical, horizontal = pair(padding, "padding", 0)
        return (vertical, vertical), (horizontal, horizontal)
    if padding == "valid":
        return (0, 0), (0, 0)
    if padding != "same":
        raise ValueError(
            f"expected padding as a number, a pair, 'same' or 'valid', got {padding!r}: "
            "choose one of these"
        )
    if stride != (1, 1):
        raise ValueError(
            f"expected stride 1 with padding='same', got stride {stride}: "
            "give the padding as a number"
        )
    totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def _one_direction(
    size: int, kernel: int, stride: int, border: tuple[int, int], dilation: int, ceil_mode: bool
) -> int:
    """Compute the output size along one direction."""
    before, after = border
    span = dilation * (kernel - 1) + 1
    room = size + before + after - span
    if room < 0 and (not ceil_mode or room <= -stride):
        raise ValueError(
            f"expected a kernel that fits into the padded input, got a kernel spanning {span} "
            f"for {size + before + after} pixels: use a smaller kernel or more padding"
        )
    if not ceil_mode:
        return room // stride + 1
    rounded_up = -(-room // stride) + 1
    last_start = (rounded_up - 1) * stride
    return rounded_up - 1 if last_start >= size + before else rounded_up
