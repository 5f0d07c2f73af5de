"""The layers' forward passes written out: arguments and values are those of PyTorch.

Maps are `(N, C, H, W)`, or `(C, H, W)` for one picture, float32 or float64; what comes out has no
first axis either then. What does not fit together is refused with a ValueError, another dtype with
a TypeError; both say what was expected, what came and the fix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cnn_basics.expect import expect, whole

Pair = tuple[int, int]  # (vertical, horizontal)
Size = int | Sequence[int]  # one whole number, or a pair of them
Padding = Size | str
Borders = tuple[Pair, Pair]  # ((top, bottom), (left, right))
Window = tuple[Pair, Pair, Pair]  # kernel size, stride and dilation


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Apply a convolution layer, as `torch.nn.functional.conv2d` does.

    All windows times all kernels at once: one matrix product for each group. Like every
    deep-learning library it computes a cross-correlation, that is, no kernel is flipped.

    Args:
        x: `(N, in_channels, H, W)` or `(in_channels, H, W)`.
        weight: The kernels, `(out_channels, in_channels / groups, kernel height, kernel width)`.
        bias: `(out_channels,)`, one number for each output channel, or None.
        stride: Pixels from one window to the next, at least 1.
        padding: Rows and columns of zeros on every side, or `"same"` or `"valid"`.
        dilation: Pixels from one kernel element to the next, at least 1.
        groups: Into how many independent groups the channels are split.

    Returns:
        `(N, out_channels, H_out, W_out)`.

    Example:
        >>> conv2d(torch.arange(9.0).view(1, 1, 3, 3), torch.ones(1, 1, 2, 2)).tolist()
        [[[[8.0, 12.0], [20.0, 24.0]]]]

    Source:
        LeCun et al. (1998), "Gradient-based learning applied to document recognition", section II.
    """
    groups = check_conv2d(x, weight, bias, groups)
    seen = windows(x, weight.shape[2:], stride, padding, dilation)  # (N, C, H_out, W_out, kh, kw)
    seen = seen.unflatten(-5, (groups, -1))  # (N, G, C/G, H_out, W_out, kh, kw)
    kernels = weight.unflatten(0, (groups, -1))  # (G, O/G, C/G, kh, kw)
    products = torch.einsum("...gchwij,gocij->...gohw", seen, kernels)  # sums over c, i and j
    y = products.flatten(-4, -3)  # (N, O, H_out, W_out)
    return y if bias is None else y + bias.view(-1, 1, 1)


def windows(
    x: Tensor, kernel_size: Size, stride: Size = 1, padding: Padding = 0, dilation: Size = 1
) -> Tensor:
    """Look at `x` through every window of a sliding kernel: `(N, C, H_out, W_out, kh, kw)`.

    A view, not a copy: neighbouring windows share their numbers in memory.

    Example:
        >>> windows(torch.arange(12.0).view(1, 1, 3, 4), kernel_size=2)[0, 0, 1, 2].tolist()
        [[6.0, 7.0], [10.0, 11.0]]
    """
    check_maps(x)
    window, borders = read_window(kernel_size, stride, padding, dilation)
    return slide(pad(x, borders), *window)


def slide(padded: Tensor, kernel: Pair, stride: Pair, dilation: Pair) -> Tensor:
    """Cut every window out of padded maps: a view (..., H_out, W_out, kernel height, width)."""
    output_size(padded.shape[-2:], kernel, stride, 0, dilation)  # refuses what does not fit
    span_h, span_w = (d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True))
    rows = padded.unfold(-2, span_h, stride[0])  # (..., H_out, W, span_h)
    both = rows.unfold(-2, span_w, stride[1])  # (..., H_out, W_out, span_h, span_w)
    return both[..., :: dilation[0], :: dilation[1]]


def pad(x: Tensor, borders: Borders, value: float = 0.0) -> Tensor:
    """Put a border of one value around every map of `x`, `(..., H, W)`.

    Example:
        >>> pad(torch.ones(1, 2), borders=((0, 1), (1, 0))).tolist()  # (top, bottom), (left, right)
        [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    """
    (top, bottom), (left, right) = borders
    height, width = x.shape[-2:]
    padded = x.new_full((*x.shape[:-2], top + height + bottom, left + width + right), value)
    padded[..., top : top + height, left : left + width] = x
    return padded


def output_size(
    size: Size,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> int | Pair:
    """Compute the size of a convolution's or a pooling layer's output.

    Along each direction the kernel spans `dilation * (kernel_size - 1) + 1` pixels. It fits
    once, and once more for every whole `stride` that is left over; a remainder is dropped
    (`floor`), or in `ceil_mode` covered by one more window, if that starts inside.

    Args:
        size: Height and width of the input; one number means one direction.
        kernel_size: Kernel height and width.
        stride: Pixels from one window to the next.
        padding: Rows and columns added on every side, or `"same"` or `"valid"`.
        dilation: Pixels from one kernel element to the next.
        ceil_mode: Round up instead of down (pooling layers only).

    Returns:
        An int when no argument is a pair, else `(height, width)`.

    Example:
        >>> output_size(28, kernel_size=5, padding=2), output_size((6, 9), kernel_size=3, stride=2)
        (28, (2, 4))

    Source:
        Dumoulin & Visin (2016), https://arxiv.org/abs/1603.07285, relationship 6.
    """
    window, borders = read_window(kernel_size, stride, padding, dilation)
    counts = []
    for n, k, step, gap, border in zip(pair(size, "size", 1), *window, borders, strict=True):
        padded, span = n + sum(border), gap * (k - 1) + 1
        room = padded - span  # by how many pixels the kernel can still move
        expect(
            room >= 0 or (ceil_mode and room > -step),
            "a kernel that fits into the padded input",
            f"a kernel spanning {span} for {padded} pixels",
            "use a smaller kernel or more padding",
        )
        count = (-(-room // step) if ceil_mode else room // step) + 1
        starts_outside = ceil_mode and (count - 1) * step >= n + border[0]
        counts.append(count - starts_outside)
    given = (size, kernel_size, stride, padding, dilation)
    return tuple(counts) if any(isinstance(each, (tuple, list)) for each in given) else counts[0]


def fully_connected(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a fully connected layer, as `torch.nn.functional.linear` does: `y = x Wᵀ + b`.

    Every output is a weighted sum of *all* inputs, plus its own bias: `x` is `(..., in_features)`,
    `weight` `(out_features, in_features)`, `bias` `(out_features,)`, the result
    `(..., out_features)`.

    Example:
        >>> weight, bias = torch.tensor([[1.0, 0, 0], [1, 1, 1]]), torch.tensor([0.0, 10.0])
        >>> fully_connected(torch.tensor([[1.0, 2.0, 3.0]]), weight, bias)
        tensor([[ 1., 16.]])
    """
    check_linear(x, weight, bias)
    y = x @ weight.T  # (..., in) times (in, out) gives (..., out)
    return y if bias is None else y + bias


def relu(x: Tensor) -> Tensor:
    """Replace every negative number by zero, as `torch.nn.functional.relu` does.

    `x` may have any shape and any real dtype; nan stays nan. Where `x` is 0 the gradient is 0.

    Example:
        >>> relu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0., 0., 3.])

    Source:
        Nair & Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".
    """
    is_real = isinstance(x, Tensor) and x.dtype != torch.bool and not x.is_complex()
    expect(is_real, "a tensor of real numbers", x, "convert it with .float()", TypeError)
    return torch.where(x <= 0, torch.zeros_like(x), x)


def max_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Keep the largest number of each window, as `torch.nn.functional.max_pool2d` does.

    Padding holds -∞, so that it never wins. Of equal largest numbers the first, in reading
    order, receives the gradient. A window that sees padding alone (possible when dilated) is
    refused; PyTorch answers -∞ there, and its backward pass writes outside the picture.

    Args:
        x: `(N, C, H, W)` or `(C, H, W)`.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next; None means `kernel_size`.
        padding: Rows and columns added on every side, at most half the kernel.
        dilation: Pixels from one element of a window to the next.
        ceil_mode: Also use a last window that reaches over the edge, if it starts inside.

    Returns:
        `(N, C, H_out, W_out)`.

    Example:
        >>> max_pool2d(torch.tensor([[[1.0, 1, 2, 4], [5, 6, 7, 8]]]), kernel_size=2)
        tensor([[[6., 8.]]])

    Source:
        Ranzato et al. (2007), "Unsupervised learning of invariant feature hierarchies …".
    """
    pooling = read_pooling(x, kernel_size, stride, padding, dilation, ceil_mode)
    pixels = pooling_windows(x.new_ones(x.shape[-2:]), pooling)
    got = f"padding alone in one with padding {padding} and dilation {dilation}"
    expect(pixels.any(-1).any(-1).all(), "windows that each see a pixel", got, "use less of both")
    seen = pooling_windows(x, pooling, -math.inf, -math.inf)
    return seen.flatten(-2).max(dim=-1).values  # (N, C, H_out, W_out, kh·kw) to one number each


def avg_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Take the mean of each window, as `torch.nn.functional.avg_pool2d` does.

    The zeros of the padding count as numbers of the window, unless `count_include_pad` is False;
    what lies beyond the padding never does. The rest is as in `max_pool2d`.

    Example:
        >>> avg_pool2d(torch.tensor([[[1.0, 1, 2, 4], [5, 6, 7, 8]]]), kernel_size=2)
        tensor([[[3.2500, 5.2500]]])
    """
    pooling = read_pooling(x, kernel_size, stride, padding, 1, ceil_mode)
    sums = pooling_windows(x, pooling).sum(dim=(-2, -1))
    counted = pooling_windows(x.new_ones(x.shape[-2:]), pooling, float(count_include_pad))
    return sums / counted.sum(dim=(-2, -1))


def batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel, as `torch.nn.functional.batch_norm` does.

    In training each channel is shifted and scaled to mean 0 and variance 1 *over the batch*,
    and the running statistics move a little towards the batch's (in place). In evaluation the
    running statistics are used and nothing is updated.

    Args:
        x: `(N, C)` or `(N, C, ...)`; in training more than one number for each channel.
        running_mean: `(C,)`, the running mean; in training both may be None.
        running_var: `(C,)`, the running unbiased variance.
        weight: `(C,)`, the learned scale γ, or None for 1.
        bias: `(C,)`, the learned shift β, or None for 0.
        training: Use the batch's own statistics.
        momentum: Share of the batch in the running statistics, 0 to 1.
        eps: Added to the variance, so that a constant channel is not divided by 0.

    Returns:
        The normalised `x`, same shape.

    Example:
        >>> x = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
        >>> batch_norm(x, None, None, training=True).round(decimals=3).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]

    Source:
        Ioffe & Szegedy (2015), https://arxiv.org/abs/1502.03167, algorithms 1 and 2.
    """
    running = {"running_mean": running_mean, "running_var": running_var}
    check_batch_norm(x, training, eps, **running, weight=weight, bias=bias)
    mean, variance = running_mean, running_var
    if training:
        axes = [axis for axis in range(x.ndim) if axis != 1]  # all but the channels
        mean, variance = x.mean(axes), x.var(axes, correction=0)
    if training and running_mean is not None:
        count = x.numel() // x.shape[1]
        with torch.no_grad():
            running_mean += momentum * (mean - running_mean)
            running_var += momentum * (variance * count / (count - 1) - running_var)
    shape = (1, -1) + (1,) * (x.ndim - 2)  # line the channels up with axis 1
    y = (x - mean.view(shape)) / torch.sqrt(variance.view(shape) + eps)
    y = y if weight is None else y * weight.view(shape)
    return y if bias is None else y + bias.view(shape)


def pair(value: Size, name: str, low: int) -> Pair:
    """Read one whole number, or a sequence of one or two, as `(vertical, horizontal)`."""
    numbers = value if isinstance(value, (tuple, list)) else [value]
    fix = f"give {name} as (vertical, horizontal)"
    expect(len(numbers) in (1, 2), f"one or two numbers for {name}", f"{len(numbers)}", fix)
    numbers = [whole(number, name, low) for number in numbers]
    return numbers[0], numbers[-1]


def read_window(
    kernel_size: Size, stride: Size = 1, padding: Padding = 0, dilation: Size = 1
) -> tuple[Window, Borders]:
    """Read numbers, pairs and words; of an odd padding for "same" the end gets one pixel more."""
    kernel, strides = pair(kernel_size, "kernel_size", 1), pair(stride, "stride", 1)
    gaps, borders = pair(dilation, "dilation", 1), ((0, 0), (0, 0))
    if padding == "same":
        fix = "give the padding as a number"
        expect(strides == (1, 1), "stride 1 with padding='same'", f"stride {strides}", fix)
        totals = [gap * (k - 1) for gap, k in zip(gaps, kernel, strict=True)]
        borders = tuple((total // 2, total - total // 2) for total in totals)
    elif isinstance(padding, str):
        what = "padding as a number, a pair, 'same' or 'valid'"
        expect(padding == "valid", what, repr(padding), "choose one of these")
    else:
        borders = tuple((border, border) for border in pair(padding, "padding", 0))
    return (kernel, strides, gaps), borders


def read_pooling(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> tuple[Window, Borders, Pair]:
    """Check what pooling is given; return its window, its padding and the size of its output."""
    check_maps(x)
    stride, padding = kernel_size if stride is None else stride, pair(padding, "padding", 0)
    window, borders = read_window(kernel_size, stride, padding, dilation)
    for k, border in zip(window[0], padding, strict=True):
        what = f"padding of at most half the kernel ({k // 2} for kernel_size {k})"
        expect(border <= k // 2, what, border, "use less padding or a larger kernel")
    return window, borders, output_size(x.shape[-2:], *window[:2], padding, window[2], ceil_mode)


def pooling_windows(
    x: Tensor, pooling: tuple[Window, Borders, Pair], padding: float = 0.0, beyond: float = 0.0
) -> Tensor:
    """Cut out pooling's windows, with one value in the padding and one in what lies beyond it."""
    window, borders, (rows, columns) = pooling
    reach = tuple((0, step - 1) for step in window[1])  # as far as ceil_mode can need
    padded = pad(pad(x, borders, padding), reach, beyond)
    return slide(padded, *window)[..., :rows, :columns, :, :]


def check_float(x: Tensor, name: str) -> None:
    """Refuse what is not a float32 or float64 tensor."""
    is_float = isinstance(x, Tensor) and x.dtype in (torch.float32, torch.float64)
    fix = f"convert it with torch.as_tensor({name}).float()"
    expect(is_float, f"{name} as a float32 or float64 tensor", x, fix, TypeError)


def check_alike(x: Tensor, **others: Tensor | None) -> None:
    """Refuse anything but float tensors of one dtype on one device; None is left out."""
    check_float(x, "x")
    for name, other in others.items():
        if other is not None:
            check_float(other, name)
            fits = (x.dtype, x.device) == (other.dtype, other.device)
            got = f"{x.dtype} on {x.device} and {other.dtype} on {other.device}"
            fix = f"convert it with {name}.to(x)"
            expect(fits, f"x and {name} of one dtype on one device", got, fix, TypeError)


def check_maps(x: Tensor) -> None:
    """Refuse what is neither a batch of feature maps nor a single picture's."""
    check_float(x, "x")
    fix = "give it the missing axes with x.view or x[None]"
    expect(x.ndim in (3, 4), "x as (N, C, H, W) or (C, H, W)", x, fix)
    fix = "only the batch axis may be empty"
    expect(0 not in x.shape[-3:], "at least one channel, row and column", x, fix)


def check_vectors(length: int, **vectors: Tensor | None) -> None:
    """Refuse per-channel vectors, such as a bias, of the wrong shape."""
    for name, vector in vectors.items():
        if vector is not None:
            what, got = f"{name} of shape ({length},)", f"{tuple(vector.shape)}"
            fix = f"give one number for each of the {length} channels"
            expect(vector.shape == (length,), what, got, fix)


def check_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> int:
    """Refuse tensors of a convolution that do not fit together, and return the groups."""
    check_maps(x)
    check_alike(x, weight=weight, bias=bias)
    groups, shape = whole(groups, "groups", 1), tuple(weight.shape)
    what = "weight as (out_channels, in_channels / groups, kernel height, kernel width)"
    fix = "reshape it with weight.view, without empty axes"
    expect(len(shape) == 4 and 0 not in shape, what, weight, fix)
    what = f"x with {shape[1] * groups} channels for weight {shape} and groups={groups}"
    got, fix = f"{x.shape[-3]} in {tuple(x.shape)}", "make weight.shape[1] channels / groups"
    expect(x.shape[-3] == shape[1] * groups, what, got, fix)
    what, fix = f"a number of kernels that groups={groups} divides", "change one of the two"
    expect(shape[0] % groups == 0, what, shape[0], fix)
    check_vectors(shape[0], bias=bias)
    return groups


def check_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Refuse tensors of a fully connected layer that do not fit together."""
    check_alike(x, weight=weight, bias=bias)
    fix = "give one row for each output"
    expect(weight.ndim == 2, "weight as (out_features, in_features)", weight, fix)
    what = f"x as (..., {weight.shape[1]}) for weight {tuple(weight.shape)}"
    fix = "flatten x with x.flatten(1), or transpose weight with weight.T"
    expect(x.ndim and x.shape[-1] == weight.shape[1], what, f"{tuple(x.shape)}", fix)
    check_vectors(len(weight), bias=bias)


def check_batch_norm(x: Tensor, training: bool, eps: float, **vectors: Tensor | None) -> None:
    """Refuse tensors of batch normalisation that do not fit together."""
    check_alike(x, **vectors)
    expect(x.ndim >= 2, "x as (N, C) or (N, C, ...)", x, "add the missing axis")
    check_vectors(x.shape[1], **vectors)
    missing = [name for name in ("running_mean", "running_var") if vectors[name] is None]
    all_or_none = not missing or (training and len(missing) == 2)
    what = f"both running_mean and running_var{' or neither' if training else ''}"
    fix = "give both, or use training=True with neither"
    expect(all_or_none, what, f"None for {' and '.join(missing)}", fix)
    expect(eps > 0 or not training, "eps above 0", eps, "use a small number such as 1e-5")
    count = x.numel() // max(x.shape[1], 1)
    what, fix = "more than 1 value per channel in training", "use a larger batch or training=False"
    expect(count > 1 or not training, what, f"{count} in {tuple(x.shape)}", fix)
