"""Backward passes: from the gradient for a layer's outputs, `grad_output`, to those for inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from cnn_basics.by_hand import layers
from cnn_basics.by_hand.layers import Pair, Size, check_float, conv2d, pad, pair, read_window
from cnn_basics.expect import expect, number, whole


def linear_backward(grad_output: Tensor, x: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
    """Compute the gradients of `by_hand.fully_connected` for input, weights and bias.

    Source: Rumelhart, Hinton & Williams (1986), "Learning representations …", equations 4 to 7.

    Example:
        >>> x, weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]])
        >>> linear_backward(torch.tensor([[10.0]]), x, weight)
        (tensor([[30., 40.]]), tensor([[10., 20.]]), tensor([10.]))
    """
    layers.check_linear(x, weight)
    check_gradient(grad_output, x, (*x.shape[:-1], len(weight)))
    grad_x = grad_output @ weight  # (..., out) times (out, in) gives (..., in)
    grad_weight = torch.einsum("...o,...i->oi", grad_output, x)  # sums over the batch
    grad_bias = torch.einsum("...o->o", grad_output)
    return grad_x, grad_weight, grad_bias


def relu_backward(grad_output: Tensor, x: Tensor) -> Tensor:
    """Let the gradient through where the input was above 0, and nowhere else, 0 included.

    Example:
        >>> relu_backward(torch.tensor([5.0, 6.0, 7.0]), torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0., 0., 7.])
    """
    check_float(x, "x")
    check_gradient(grad_output, x, x.shape)
    return torch.where(x <= 0, 0, grad_output)


def conv2d_backward(
    grad_output: Tensor, x: Tensor, weight: Tensor, **options: layers.Padding
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the gradients of `by_hand.conv2d` for its input, its kernels and its bias.

    The options are those of the forward pass: `stride`, `padding`, `dilation` and `groups`.
    Source: Dumoulin & Visin (2016), https://arxiv.org/abs/1603.07285, chapter 4.

    Example:
        >>> grad_output, weight = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
        >>> gradients = conv2d_backward(grad_output, torch.arange(9.0).view(1, 1, 3, 3), weight)
        >>> [gradient.flatten().int().tolist() for gradient in gradients]
        [[1, 2, 1, 2, 4, 2, 1, 2, 1], [8, 12, 20, 24], [4]]
    """
    _, shape = layers.read_conv2d(x, weight, **options)
    check_gradient(grad_output, x, shape)
    grad_x = conv2d_grad_x(grad_output, weight, x.shape[-2:], **options)
    grad_weight = conv2d_grad_weight(grad_output, x, weight.shape[2:], **options)
    grad_bias = torch.einsum("...ohw->o", grad_output)  # added to every output of its map
    return grad_x, grad_weight, grad_bias


def conv2d_grad_x(
    grad_output: Tensor, weight: Tensor, size: Pair, groups: int = 1, **options: layers.Padding
) -> Tensor:
    """Convolve the gradients with the flipped kernels, for an input of this size (H, W).

    Example:
        >>> kernel = torch.tensor([[[[1.0, 2.0, 3.0]]]])
        >>> conv2d_grad_x(torch.tensor([[[[10.0]]]]), kernel, size=(1, 3))
        tensor([[[[10., 20., 30.]]]])
    """
    check_float(grad_output, "grad_output")
    check_float(weight, "weight")
    what = "weight (out_channels, in_channels / groups, kernel height, kernel width)"
    expect(weight.ndim == 4, what, weight, "give the weight of the forward pass")
    groups = check_groups(groups, len(weight))
    window = read_window(size, weight.shape[2:], **options)
    check_gradient(grad_output, weight, (*grad_output.shape[:-3], len(weight), *window.counts))
    # Inputs and outputs change roles: within each group, so do the two axes of channels.
    flipped = weight.flip(2, 3).unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)
    reach = [gap * (k - 1) for gap, k in zip(window.dilation, window.kernel, strict=True)]
    apart = spread(grad_output, window.stride)
    full = conv2d(apart, flipped, None, 1, reach, window.dilation, groups)
    return cut_off_padding(full, size, window)


def conv2d_grad_weight(
    grad_output: Tensor, x: Tensor, kernel_size: Pair, groups: int = 1, **options: layers.Padding
) -> Tensor:
    """Add up, for each weight, gradient times the pixel that it met, over all windows.

    Example:
        >>> x = torch.tensor([[[[4.0, 5.0, 6.0]]]])
        >>> conv2d_grad_weight(torch.tensor([[[[10.0, 0.0]]]]), x, kernel_size=(1, 2))
        tensor([[[[40., 50.]]]])
    """
    seen = layers.windows(x, kernel_size, **options)
    check_float(grad_output, "grad_output")
    shape = (*x.shape[:-3], *grad_output.shape[-3:-2], *seen.shape[-4:-2])
    check_gradient(grad_output, x, shape)
    groups = check_groups(groups, x.shape[-3], shape[-3])
    seen = seen.unflatten(-5, (groups, -1))  # (N, G, C/G, H_out, W_out, kh, kw)
    by_group = grad_output.unflatten(-3, (groups, -1))  # (N, G, O/G, H_out, W_out)
    products = torch.einsum("...gohw,...gchwij->gocij", by_group, seen)  # sums over n, h and w
    return products.flatten(0, 1)  # (O, C/G, kh, kw)


def spread(x: Tensor, stride: Size) -> Tensor:
    """Move the pixels of each map apart, with zeros between them: the way back through a stride.

    Example:
        >>> spread(torch.tensor([[[[1.0, 2.0]]]]), stride=3)
        tensor([[[[1., 0., 0., 2.]]]])
    """
    layers.check_planes(x)
    (step_h, step_w), (height, width) = pair(stride, "stride", 1), x.shape[-2:]
    apart = x.new_zeros(*x.shape[:-2], (height - 1) * step_h + 1, (width - 1) * step_w + 1)
    apart[..., ::step_h, ::step_w] = x
    return apart


def windows_backward(grad_output: Tensor, size: Pair, **options: layers.Padding) -> Tensor:
    """Add up, for each pixel, what all the windows that read it hand back (known as col2im).

    The backward pass of `by_hand.windows` with these options, for maps of this size.

    Example:
        >>> ones = torch.ones(1, 2, 2, 2, 2)  # the four 2×2 windows of a 3×3 map
        >>> windows_backward(ones, (3, 3))[0].tolist()
        [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    check_float(grad_output, "grad_output")
    what, fix = "grad_output as (N, C, H, W, kh, kw)", "give one number for each of the windows'"
    expect(grad_output.ndim in (5, 6), what, grad_output, fix)
    *others, rows, columns, kernel_h, kernel_w = grad_output.shape
    window = read_window(size, (kernel_h, kernel_w), **options)
    check_gradient(grad_output, grad_output, (*others, *window.counts, *window.kernel))
    (step_h, step_w), (gap_h, gap_w) = window.stride, window.dilation
    padded = pad(grad_output.new_zeros(*others, *size), window.borders)
    for i in range(kernel_h):
        for j in range(kernel_w):  # element (i, j) of every window, all windows at once
            seen_rows = slice(i * gap_h, i * gap_h + rows * step_h, step_h)
            seen_columns = slice(j * gap_w, j * gap_w + columns * step_w, step_w)
            padded[..., seen_rows, seen_columns] += grad_output[..., i, j]
    return cut_off_padding(padded, size, window)


def max_pool2d_backward(
    grad_output: Tensor, x: Tensor, kernel_size: Size, stride: Size | None = None, padding: Size = 0
) -> Tensor:
    """Give each window's gradient to its largest number, of equal ones to the first.

    A pixel that won several windows gets the sum. `x` must not hold nan.

    Example:
        >>> x = torch.tensor([[[5.0, 1.0], [5.0, 2.0]]])
        >>> max_pool2d_backward(torch.tensor([[[7.0]]]), x, kernel_size=2).tolist()
        [[[7.0, 0.0], [0.0, 0.0]]]
    """
    window = layers.read_pooling(x, kernel_size, stride, padding)
    check_gradient(grad_output, x, (*x.shape[:-2], *window.counts))
    above_padding = x.clamp(min=torch.finfo(x.dtype).min)  # even a pixel of -∞ shall win there
    seen = layers.pooling_windows(above_padding, window, -math.inf)
    seen = seen.flatten(-2)  # (N, C, H_out, W_out, kh·kw)
    winner = seen.argmax(dim=-1, keepdim=True)  # the first of equal ones
    shares = torch.zeros_like(seen).scatter(-1, winner, grad_output[..., None])
    return windows_backward(
        shares.unflatten(-1, window.kernel), x.shape[-2:], stride=window.stride, padding=padding
    )


def avg_pool2d_backward(
    grad_output: Tensor, x: Tensor, kernel_size: Size, stride: Size | None = None, padding: Size = 0
) -> Tensor:
    """Give every number of a window the same share of the window's gradient.

    The padding counts as in `by_hand.avg_pool2d` with its defaults, so its share is lost.

    Example:
        >>> avg_pool2d_backward(torch.tensor([[[8.0]]]), torch.zeros(1, 2, 2), 2).tolist()
        [[[2.0, 2.0], [2.0, 2.0]]]
    """
    window = layers.read_pooling(x, kernel_size, stride, padding)
    check_gradient(grad_output, x, (*x.shape[:-2], *window.counts))
    share = grad_output / math.prod(window.kernel)
    shares = share[..., None, None].expand(*share.shape, *window.kernel)  # (…, kh, kw)
    return windows_backward(shares, x.shape[-2:], stride=window.stride, padding=padding)


def batch_norm_backward(
    grad_output: Tensor,
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the gradients of `by_hand.batch_norm` for its input, scale and shift.

    In training, the part of the gradient that would only shift a channel and the part that would
    only stretch it are taken out: the layer ignores both. In evaluation it just scales.
    Source: Ioffe & Szegedy (2015), https://arxiv.org/abs/1502.03167, section 3, simplified.

    Example:
        >>> x = torch.tensor([[1.0], [1.0], [3.0], [3.0]])  # mean 2, variance 1
        >>> grad_output = torch.tensor([[4.0], [0.0], [0.0], [0.0]])
        >>> batch_norm_backward(grad_output, x, None, None, training=True, eps=1e-9)[0].flatten()
        tensor([ 2., -2.,  0.,  0.])
    """
    running = {"running_mean": running_mean, "running_var": running_var}
    layers.check_batch_norm(x, training, eps, **running, weight=weight)
    check_gradient(grad_output, x, x.shape)
    axes = [axis for axis in range(x.ndim) if axis != 1]  # all but the channels
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean = x.mean(axes) if training else running_mean
    variance = x.var(axes, correction=0) if training else running_var
    deviation = torch.sqrt(variance + eps).view(shape)
    normal = (x - mean.view(shape)) / deviation  # the output before scale and shift
    grad_weight, grad_bias = (grad_output * normal).sum(axes), grad_output.sum(axes)
    grad_normal = grad_output if weight is None else grad_output * weight.view(shape)
    if training:
        shift = grad_normal.mean(axes, keepdim=True)
        stretch = (grad_normal * normal).mean(axes, keepdim=True)
        grad_normal = grad_normal - shift - normal * stretch
    return grad_normal / deviation, grad_weight, grad_bias


def cross_entropy_backward(
    grad_output: Tensor,
    x: Tensor,
    target: Tensor,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Compute the gradient of `torch.nn.functional.cross_entropy` for the scores.

    For each picture it is the shares that softmax makes of the scores, minus the shares that
    would be right: 1 for the picture's class and 0 for the others. `x` is `(N, K)`, scores before
    any softmax, `target` `(N,)` int64, the classes, and `grad_output` the gradient for the loss:
    one number, or `(N,)` with `reduction="none"`.
    Source: Bridle (1990); for label smoothing https://arxiv.org/abs/1512.00567, section 7.

    Example:
        >>> scores = torch.tensor([[1.0, 2.0, 1.0]]).log()  # shares 1/4, 1/2 and 1/4
        >>> cross_entropy_backward(torch.tensor(1.0), scores, torch.tensor([1]))
        tensor([[ 0.2500, -0.5000,  0.2500]])
    """
    check_cross_entropy(x, target, reduction, label_smoothing)
    n, classes = x.shape
    check_gradient(grad_output, x, (n,) if reduction == "none" else ())
    shares = torch.softmax(x, dim=1)
    truth = torch.zeros_like(x).scatter(1, target[:, None], 1.0)
    truth = (1 - label_smoothing) * truth + label_smoothing / classes
    gradient = (shares - truth) * grad_output.view(-1, 1)
    return gradient / n if reduction == "mean" else gradient


def cut_off_padding(padded: Tensor, size: Pair, window: layers.Window) -> Tensor:
    """Keep the pixels of the maps; those behind the last window get a gradient of 0."""
    (top, _), (left, _) = window.borders
    maps = padded[..., top : top + size[0], left : left + size[1]]
    return pad(maps, ((0, size[0] - maps.shape[-2]), (0, size[1] - maps.shape[-1])))


def check_gradient(grad_output: Tensor, x: Tensor, shape: Sequence[int]) -> None:
    """Refuse a gradient of another shape, dtype or device than the output has."""
    check_float(grad_output, "grad_output")
    layers.check_alike(x, grad_output=grad_output)
    fix = "give the gradient for each output, and the arguments of the forward pass"
    layers.check_shape(shape, fix, grad_output=grad_output)


def check_groups(groups: int, *channels: int) -> int:
    """Refuse groups that do not divide all these numbers of channels."""
    groups = whole(groups, "groups", 1)
    fits, got = all(n % groups == 0 for n in channels), f"{groups} for {channels} of them"
    expect(fits, "groups that divide the channels", got, "give those of the forward pass")
    return groups


def check_cross_entropy(x: Tensor, target: Tensor, reduction: str, label_smoothing: float) -> None:
    """Refuse scores, classes and options that do not fit together."""
    check_float(x, "x")
    fix = "flatten it, or add the batch axis with x[None]"
    expect(x.ndim == 2 and x.shape[1], "x as (N, K), one score for each class", x, fix)
    is_whole = isinstance(target, Tensor) and target.dtype == torch.int64
    what = (
        f"target as one int64 class from 0 to {x.shape[1] - 1} for each of the {len(x)} rows of x"
    )
    fits = is_whole and target.shape == x.shape[:1]
    expect(fits, what, target, "convert it with torch.as_tensor(target).long()", TypeError)
    low, high = (target.min(), target.max()) if len(target) else (0, 0)
    expect(0 <= low <= high < x.shape[1], what, f"{low} to {high}", "number them from 0")
    words = ("mean", "sum", "none")
    expect(reduction in words, f"reduction in {words}", repr(reduction), "choose one")
    number(label_smoothing, "label_smoothing", 0, 1)
