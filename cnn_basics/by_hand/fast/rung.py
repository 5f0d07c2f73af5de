"""What all rungs share: checks, padding, groups and bias around a core that only convolves."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

import torch

from cnn_basics.by_hand.functional import conv2d, output_size
from cnn_basics.by_hand.functional._checks import IntOrPair, check_conv2d, pair
from cnn_basics.by_hand.functional.sizes import Borders, Padding, read_padding

Pair = tuple[int, int]
Core = Callable[[torch.Tensor, torch.Tensor, Pair, Pair], torch.Tensor]


def rung(
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Callable[[Core], Callable[..., torch.Tensor]]:
    """Make a core into a function with the arguments of `by_hand.conv2d`.

    Args:
        memory_format: How the padded maps lie in memory when the core gets them.

    Returns:
        A decorator for a core `(padded, weight, stride, dilation) -> y`, which convolves maps
        `(N, C, H, W)`, already padded, with all kernels of one group `(O, C, kh, kw)`, and
        returns `(N, O, H_out, W_out)`.

    Example:
        >>> @rung()
        ... def conv2d_1x1(padded, weight, stride, dilation):
        ...     return torch.einsum("nchw,oc->nohw", padded, weight[:, :, 0, 0])
        >>> conv2d_1x1(torch.ones(1, 3, 2, 2), torch.ones(1, 3, 1, 1), padding=1).shape
        torch.Size([1, 1, 4, 4])
    """

    def decorate(core: Core) -> Callable[..., torch.Tensor]:
        @functools.wraps(core)
        def convolve(
            x: torch.Tensor,
            weight: torch.Tensor,
            bias: torch.Tensor | None = None,
            stride: IntOrPair = 1,
            padding: Padding = 0,
            dilation: IntOrPair = 1,
            groups: int = 1,
        ) -> torch.Tensor:
            check_conv2d(x, weight, bias, groups)
            if x.ndim == 3:
                return convolve(x[None], weight, bias, stride, padding, dilation, groups)[0]
            kernel, steps = tuple(weight.shape[2:]), pair(stride, "stride", 1)
            gaps = pair(dilation, "dilation", 1)
            output_size(tuple(x.shape[2:]), kernel, steps, padding, gaps)  # refuses what cannot fit
            borders = read_padding(padding, kernel, steps, gaps)
            pairs = zip(x.chunk(groups, dim=1), weight.chunk(groups, dim=0), strict=True)
            parts = [
                core(pad_into(maps, borders, memory_format), kernels, steps, gaps)
                for maps, kernels in pairs
            ]
            y = parts[0] if groups == 1 else torch.cat(parts, dim=1)
            return y if bias is None else y + bias.view(-1, 1, 1)

        convolve.__signature__ = inspect.signature(conv2d)
        return convolve

    return decorate


def pad_into(x: torch.Tensor, borders: Borders, memory_format: torch.memory_format) -> torch.Tensor:
    """Copy maps into memory of another layout, with a border of zeros around each.

    Args:
        x: `(N, C, H, W)`, in any layout.
        borders: `((top, bottom), (left, right))`, each at least 0.
        memory_format: `torch.contiguous_format` or `torch.channels_last`.

    Returns:
        `(N, C, top + H + bottom, left + W + right)`, the same numbers in every layout.

    Example:
        >>> x = torch.ones(1, 2, 3, 4)
        >>> pad_into(x, ((0, 0), (1, 0)), torch.channels_last).stride()
        (30, 1, 10, 2)
    """
    (top, bottom), (left, right) = borders
    n, c, height, width = x.shape
    shape = (n, c, top + height + bottom, left + width + right)
    padded = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=memory_format)
    padded.zero_()[:, :, top : top + height, left : left + width] = x
    return padded
