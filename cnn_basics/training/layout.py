"""How a network's weights lie in memory: channels last is quicker for convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cnn_basics.model import untouched


@contextmanager
def quickest_layout(model: nn.Module, pictures: Tensor) -> Iterator[bool]:
    """Lay a network's weights out with the channels last while it is trained, if that works.

    The numbers stay the same. It does not pay without convolutions or in other dtypes than
    float32, and does not work for networks that call `view` on a feature map.

    Args:
        model: On its device.
        pictures: `(N, C, H, W)` float that the network reads.

    Yields:
        Whether the channels are last; the pictures should then be too.

    Example:
        >>> model = nn.Conv2d(2, 2, 3)
        >>> with quickest_layout(model, torch.zeros(1, 2, 4, 4)) as channels_last:
        ...     channels_last, model.weight.stride()
        (True, (18, 1, 6, 2))
        >>> model.weight.stride()
        (18, 9, 3, 1)
    """
    plain = all(p.is_contiguous() for p in model.parameters() if p.ndim == 4)
    last = _has_convolution(model, pictures) and _runs_channels_last(model, pictures)
    try:
        yield last
    finally:
        if last and plain:
            model.to(memory_format=torch.contiguous_format)


def _has_convolution(model: nn.Module, pictures: Tensor) -> bool:
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    return convolves and pictures.dtype == torch.float32 and pictures.device.type in ("cpu", "cuda")


def _runs_channels_last(model: nn.Module, pictures: Tensor) -> bool:
    """Try it; go back if the network cannot read pictures that lie this way."""
    model.to(memory_format=torch.channels_last)
    try:
        with untouched(model):
            model(pictures.contiguous(memory_format=torch.channels_last))
    except RuntimeError:  # "view size is not compatible …": the error is PyTorch's, kinds differ
        model.to(memory_format=torch.contiguous_format)
        return False
    return True
