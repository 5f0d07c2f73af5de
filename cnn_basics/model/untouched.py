"""Runs a network on the side and leaves it exactly as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import torch
from torch import nn


def device_of(model: nn.Module) -> torch.device:
    """Find where a network lives: the device of its first parameter or buffer, else the CPU.

    Args:
        model: any network.

    Returns:
        The device.
    """
    first = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put the network into evaluation mode, without gradients, and restore all of it at the end.

    Restored, also after an exception: the training flag of each module, all buffers (such as the
    statistics of batch normalisation) and PyTorch's random state.

    Args:
        model: any network.

    Yields:
        Nothing.

    Example:
        >>> model = nn.BatchNorm1d(2).train()
        >>> with untouched(model):
        ...     scores = model(torch.ones(3, 2))
        >>> model.training, int(model.num_batches_tracked)
        (True, 0)
    """
    modules = list(model.modules())
    training = [module.training for module in modules]
    buffers = [dict(module._buffers) for module in modules]
    values = [{name: b.clone() for name, b in own.items() if b is not None} for own in buffers]
    device = device_of(model)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        try:
            for module in modules:
                module.training = False
            yield
        finally:
            for module, flag, own, kept in zip(modules, training, buffers, values, strict=True):
                module.training = flag
                for name, value in kept.items():
                    if not value.is_meta and not torch.equal(own[name], value):
                        own[name].copy_(value)
                module._buffers.clear()
                module._buffers.update(own)
