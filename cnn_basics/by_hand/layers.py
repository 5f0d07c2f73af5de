"""The forward passes: arguments and values are those of `torch.nn.functional`.

Maps are `(N, C, H, W)` or `(C, H, W)`; a size or an option is one number or a pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from cnn_basics.expect import expect, number, whole

Pair = tuple[int, int]  # (vertical, horizontal)
Size = int | Sequence[int]  # one whole number, or a pair of them
Padding = Size | str
TINY = 1e-300  # the least number that is taken for above 0
Borders = tuple[Pair, Pair]  # ((top, bottom), (left, right))


class Window(NamedTuple):
    """How a kernel slides over maps, in pairs (vertical, horizontal)."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    borders: Borders  # put around the maps before
    counts: Pair  # of its places: the size of the output


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Apply a convolution layer: all windows of a picture times all kernels at once.

    Like every deep-learning library it computes a cross-correlation: no kernel is flipped.
    Source: LeCun et al. (1998), "Gradient-based learning applied to document recognition".

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
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    window, shape = read_conv2d(x, weight, bias, groups, **options)
    batch = x if x.ndim == 4 else x[None]  # (N, C, H, W)
    seen = slide(pad(batch, window.borders), window)  # (N, C, H_out, W_out, kh, kw)
    seen = seen.unflatten(1, (groups, -1))  # (N, G, C/G, H_out, W_out, kh, kw)
    kernels = weight.unflatten(0, (groups, -1))  # (G, O/G, C/G, kh, kw)
    y = x.new_empty(len(batch), *kernels.shape[:2], *window.counts)  # (N, G, O/G, H_out, W_out)
    for n, picture in enumerate(seen.split(1)):  # one by one, because einsum copies the windows
        y[n : n + 1] = torch.einsum("ngchwij,gocij->ngohw", picture, kernels)  # over c, i and j
    y = y.view(shape)  # (N, O, H_out, W_out)
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
    window = read_window(x.shape[-2:], kernel_size, stride, padding, dilation)
    return slide(pad(x, window.borders), window)


def slide(padded: Tensor, window: Window) -> Tensor:
    """Cut every window out of padded maps: a view `(..., H_out, W_out, kh, kw)`."""
    span_h, span_w = (d * (k - 1) + 1 for d, k in zip(window.dilation, window.kernel, strict=True))
    rows = padded.unfold(-2, span_h, window.stride[0])  # (..., H_out, W, span_h)
    both = rows.unfold(-2, span_w, window.stride[1])  # (..., H_out, W_out, span_h, span_w)
    return both[..., :: window.dilation[0], :: window.dilation[1]]


def pad(x: Tensor, borders: Borders, value: float = 0.0) -> Tensor:
    """Put a border of one value around every map of `x`, `(..., H, W)`.

    Example:
        >>> pad(torch.ones(1, 2), borders=((0, 1), (1, 0))).tolist()  # (top, bottom), (left, right)
        [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    """
    check_planes(x)
    is_pair, what = isinstance(borders, (tuple, list)), "borders as ((top, bottom), (left, right))"
    expect(is_pair and len(borders) == 2, what, f"{borders!r}", "give one for each side")
    (top, bottom), (left, right) = (pair(each, "each of borders", 0) for each in borders)
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

    The kernel spans `dilation * (kernel_size - 1) + 1` pixels. It fits once, and once more for
    every whole `stride` that is left over; a remainder is dropped, or in `ceil_mode` (of pooling)
    covered by one more window, if that starts inside. An int when no argument is a pair.
    Source: Dumoulin & Visin (2016), https://arxiv.org/abs/1603.07285, relationship 6.

    Example:
        >>> output_size(28, kernel_size=5, padding=2), output_size((6, 9), kernel_size=3, stride=2)
        (28, (2, 4))
    """
    window = read_window(size, kernel_size, stride, padding, dilation, ceil_mode)
    given = (size, kernel_size, stride, padding, dilation)
    is_pair = any(isinstance(each, (tuple, list)) for each in given)
    return window.counts if is_pair else window.counts[0]


def fully_connected(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Apply a fully connected layer, `y = x Wᵀ + b`: each output is a weighted sum of *all* inputs.

    `x` is `(..., in_features)`, `weight` `(out_features, in_features)`, `bias` `(out_features,)`,
    the result `(..., out_features)`.

    Example:
        >>> weight, bias = torch.tensor([[1.0, 0, 0], [1, 1, 1]]), torch.tensor([0.0, 10.0])
        >>> fully_connected(torch.tensor([[1.0, 2.0, 3.0]]), weight, bias)
        tensor([[ 1., 16.]])
    """
    check_linear(x, weight, bias)
    y = x @ weight.T  # (..., in) times (in, out) gives (..., out)
    return y if bias is None else y + bias


def relu(x: Tensor) -> Tensor:
    """Replace every negative number by zero: any shape, any real dtype; nan stays nan.

    Source: Nair & Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".

    Example:
        >>> relu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0., 0., 3.])
    """
    is_real = isinstance(x, Tensor) and x.dtype != torch.bool and not x.is_complex()
    expect(is_real, "a tensor of real numbers", x, "convert it with .float()", TypeError)
    return torch.where(x <= 0, 0, x)


def max_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
) -> Tensor:
    """Keep the largest number of each window: `(N, C, H_out, W_out)`.

    A `stride` of None is the `kernel_size`; `padding` is at most half of it and never wins; in
    `ceil_mode` a last window may reach over the edge, if it starts inside. Of equal largest numbers
    the first receives the gradient.
    Source: Ranzato et al. (2007), "Unsupervised learning of invariant feature hierarchies …".

    Example:
        >>> max_pool2d(torch.tensor([[[1.0, 1, 2, 4], [5, 6, 7, 8]]]), kernel_size=2)
        tensor([[[6., 8.]]])
    """
    window = read_pooling(x, kernel_size, stride, padding, ceil_mode)
    seen = pooling_windows(x, window, -math.inf, -math.inf)  # (N, C, H_out, W_out, kh, kw)
    return seen.flatten(-2).max(dim=-1).values


def avg_pool2d(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Take the mean of each window; the rest is as in `max_pool2d`.

    The zeros of the padding count as numbers of the window, unless `count_include_pad` is False;
    what lies beyond the padding never does.

    Example:
        >>> avg_pool2d(torch.tensor([[[1.0, 1, 2, 4], [5, 6, 7, 8]]]), kernel_size=2)
        tensor([[[3.2500, 5.2500]]])
    """
    window = read_pooling(x, kernel_size, stride, padding, ceil_mode)
    sums = pooling_windows(x, window).sum(dim=(-2, -1))  # (N, C, H_out, W_out)
    counted = pooling_windows(x.new_ones(x.shape[-2:]), window, float(count_include_pad))
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
    """Normalise each channel of `x`, `(N, C)` or `(N, C, ...)`, then scale and shift it.

    In training each channel gets mean 0 and variance 1 *over the batch*, and the running
    statistics, if there are any, move by the share `momentum` towards the batch's, in place. In
    evaluation they are used and nothing is updated. All other tensors are `(C,)`; `weight` is the
    learned scale γ, `bias` the learned shift β, `eps` keeps a variance of 0 from being a divisor.
    Source: Ioffe & Szegedy (2015), https://arxiv.org/abs/1502.03167, algorithms 1 and 2.

    Example:
        >>> x = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
        >>> batch_norm(x, None, None, training=True).round(decimals=3).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    running = {"running_mean": running_mean, "running_var": running_var}
    check_batch_norm(x, training, eps, **running, weight=weight, bias=bias)
    momentum = number(momentum, "momentum", -math.inf, math.inf)
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
    size: Size,
    kernel_size: Size,
    stride: Size = 1,
    padding: Padding = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Window:
    """Read numbers, pairs and words, and count the places of a window on maps of this size."""
    sizes, kernel = pair(size, "size", 1), pair(kernel_size, "kernel_size", 1)
    strides, gaps = pair(stride, "stride", 1), pair(dilation, "dilation", 1)
    reaches = [gap * (k - 1) for gap, k in zip(gaps, kernel, strict=True)]  # to the last pixel
    if padding == "same":
        fix = "give the padding as a number"
        expect(strides == (1, 1), "stride 1 with padding='same'", f"stride {strides}", fix)
        borders = tuple((reach // 2, reach - reach // 2) for reach in reaches)
    else:
        is_word, what = isinstance(padding, str), "padding as a number, a pair, 'same' or 'valid'"
        expect(not is_word or padding == "valid", what, repr(padding), "choose one of these")
        borders = tuple((n, n) for n in pair(0 if is_word else padding, "padding", 0))
    counts = []
    for n, reach, step, border in zip(sizes, reaches, strides, borders, strict=True):
        room = n + sum(border) - reach - 1  # by how many pixels the kernel can still move
        fits = room >= 0 or (ceil_mode and room > -step)
        got = f"a kernel spanning {reach + 1} for {n + sum(border)} pixels"
        fix = "use a smaller kernel or more padding"
        expect(fits, "a kernel that fits into the padded input", got, fix)
        count = (-(-room // step) if ceil_mode else room // step) + 1
        starts_outside = ceil_mode and (count - 1) * step >= n + border[0]
        counts.append(count - starts_outside)
    return Window(kernel, strides, gaps, borders, tuple(counts))


def read_conv2d(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, groups: int = 1, **options: Padding
) -> tuple[Window, tuple[int, ...]]:
    """Check what a convolution is given; return its window and the shape of its output."""
    check_maps(x)
    check_alike(x, weight=weight, bias=bias)
    groups, shape, channels = whole(groups, "groups", 1), tuple(weight.shape), x.shape[-3]
    fits = len(shape) == 4 and 0 not in shape and shape[1] * groups == channels
    what = f"weight as (out_channels, {channels} / {groups}, kernel height, kernel width)"
    fix = f"out_channels is a multiple of groups={groups}, and in_channels is that of x"
    expect(fits and shape[0] % groups == 0, what, f"{shape}", fix)
    check_shape(shape[:1], bias=bias)
    window = read_window(x.shape[-2:], shape[2:], **options)
    return window, (*x.shape[:-3], shape[0], *window.counts)


def read_pooling(
    x: Tensor, kernel_size: Size, stride: Size | None, padding: Size, ceil_mode: bool = False
) -> Window:
    """Check what pooling is given, and return its window."""
    check_maps(x)
    stride, padding = kernel_size if stride is None else stride, pair(padding, "padding", 0)
    window = read_window(x.shape[-2:], kernel_size, stride, padding, ceil_mode=ceil_mode)
    for k, border in zip(window.kernel, padding, strict=True):
        what = f"padding of at most half the kernel ({k // 2} for kernel_size {k})"
        expect(border <= k // 2, what, border, "use less padding or a larger kernel")
    return window


def pooling_windows(x: Tensor, window: Window, padding: float = 0.0, beyond: float = 0.0) -> Tensor:
    """Cut out pooling's windows, with one value in the padding and one in what lies beyond it."""
    reach = tuple((0, step - 1) for step in window.stride)  # as far as ceil_mode can need
    seen = slide(pad(pad(x, window.borders, padding), reach, beyond), window)
    return seen[..., : window.counts[0], : window.counts[1], :, :]


def check_planes(x: Tensor) -> None:
    """Refuse what has no rows and columns."""
    fix = "give it both axes, as in x[None]"
    expect(isinstance(x, Tensor) and x.ndim > 1, "a tensor (..., H, W)", x, fix, TypeError)


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
            what, got = (f"{name} in {t.dtype} on {t.device}" for t in (x, other))
            fix = f"x and {name} have one dtype and device after {name}.to(x)"
            expect(what == got, what, got, fix, TypeError)


def check_shape(shape: Sequence[int], fix: str = "", **tensors: Tensor | None) -> None:
    """Refuse a tensor of another shape; None is left out."""
    fix = fix or f"give one number for each of the {shape[0]} channels"
    for name, tensor in tensors.items():
        if tensor is not None:
            fits = tensor.shape == tuple(shape)
            expect(fits, f"{name} of shape {tuple(shape)}", f"{tuple(tensor.shape)}", fix)


def check_maps(x: Tensor) -> None:
    """Refuse what is neither a batch of feature maps nor a single picture's."""
    check_float(x, "x")
    fix = "give it the missing axes with x.view or x[None]; only the batch may be empty"
    what = "x as (N, C, H, W) or (C, H, W) with at least one channel, row and column"
    expect(x.ndim in (3, 4) and 0 not in x.shape[-3:], what, x, fix)


def check_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
    """Refuse tensors of a fully connected layer that do not fit together."""
    check_alike(x, weight=weight, bias=bias)
    fix = "give one row for each output"
    expect(weight.ndim == 2, "weight as (out_features, in_features)", weight, fix)
    what = f"x as (..., {weight.shape[1]}) for weight {tuple(weight.shape)}"
    fix = "flatten x with x.flatten(1), or transpose weight with weight.T"
    expect(x.ndim and x.shape[-1] == weight.shape[1], what, f"{tuple(x.shape)}", fix)
    check_shape(weight.shape[:1], bias=bias)


def check_batch_norm(x: Tensor, training: bool, eps: float, **vectors: Tensor | None) -> None:
    """Refuse tensors of batch normalisation that do not fit together."""
    check_alike(x, **vectors)
    expect(x.ndim >= 2, "x as (N, C) or (N, C, ...)", x, "add the missing axis")
    check_shape(x.shape[1:2], **vectors)
    known = [vectors[name] is not None for name in ("running_mean", "running_var")]
    what, fix = "both running_mean and running_var", "give both, or use training=True with neither"
    expect(all(known) or (training and not any(known)), what, f"{sum(known)} of them", fix)
    number(eps, "eps", TINY if training else 0, math.inf)
    if training:
        count, fix = x.numel() // max(x.shape[1], 1), "use a larger batch or training=False"
        got = f"{count} in {tuple(x.shape)}"
        expect(count > 1, "more than 1 value per channel in training", got, fix)
