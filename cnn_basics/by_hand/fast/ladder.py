"""All rungs at one layer, ready to be timed side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F

from cnn_basics.by_hand.fast.blocked import conv2d_blocked
from cnn_basics.by_hand.fast.fourier import conv2d_fft
from cnn_basics.by_hand.fast.matrix import conv2d_im2col, conv2d_shifts
from cnn_basics.by_hand.functional import conv2d

LIBRARY = "F.conv2d"
RUNGS = {
    "windows, then a product for each picture": conv2d,
    "im2col, then one product": conv2d_im2col,
    "a product for each kernel position": conv2d_shifts,
    "Fourier transform": conv2d_fft,
    "im2col in blocks": conv2d_blocked,
}
"""By what they do: functions with the arguments of `by_hand.conv2d`, the last rung last."""


def ladder(
    x: torch.Tensor, weight: torch.Tensor, **options: object
) -> dict[str, Callable[[], torch.Tensor]]:
    """Get every rung ready for one layer, with the library beside them.

    Args:
        x: `(N, in_channels, H, W)`, float32 or float64.
        weight: `(out_channels, in_channels / groups, kernel height, kernel width)`.
        options: As in `by_hand.conv2d`, such as `padding=2`.

    Returns:
        By name, what `time_side_by_side` calls; `"F.conv2d"` is the library's function, which
        also comes with its input and kernels in channels-last memory.

    Example:
        >>> tasks = ladder(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3))
        >>> {name: task().item() for name, task in tasks.items()}["F.conv2d"]
        9.0
    """
    last = [tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, weight)]
    return {
        **{name: partial(rung, x, weight, **options) for name, rung in RUNGS.items()},
        f"{LIBRARY}, channels last": partial(F.conv2d, *last, **options),
        LIBRARY: partial(F.conv2d, x, weight, **options),
    }
