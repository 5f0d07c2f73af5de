"""Chance that can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

LARGE = 1_000_003  # a prime: seeds of epochs do not meet those of other trainings


def set_seed(seed: int = 0) -> None:
    """Start the random numbers of PyTorch (on all devices), NumPy and Python anew.

    Call it before a network is made, so that it begins with the same weights each time. `fit`
    has its own `seed` for order, augmentation and dropout.

    Args:
        seed: From 0.

    Raises:
        ValueError: It is no whole number from 0 to 2³² - 1.

    Example:
        >>> set_seed(0)
        >>> first = torch.rand(3)
        >>> set_seed(0)
        >>> torch.equal(torch.rand(3), first)
        True
    """
    check_seed(seed)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what others draw from
    random.seed(seed)


def check_seed(seed: int) -> None:
    """Refuse what is no whole number from 0 to 2³² - 1."""
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ValueError(f"expected seed as a whole number from 0 to 2³² - 1, got {seed!r}")


def epoch_seed(seed: int, epoch: int) -> int:
    """Compute the seed from which all chance of one epoch comes.

    Since each epoch starts anew, a training that goes on from a checkpoint draws what an
    unbroken one would.

    Args:
        seed: That of the training.
        epoch: From 1.

    Returns:
        A whole number below 2⁶³.

    Example:
        >>> epoch_seed(0, 1), epoch_seed(1, 1)
        (1, 1000004)
    """
    return seed * LARGE + epoch


def step_seed(seed: int, step: int) -> int:
    """Compute the seed from which the augmentation of one batch comes.

    Args:
        seed: That of the training.
        step: How many batches were trained with before.

    Returns:
        A whole number below 2⁶³, none that `epoch_seed` gives for fewer than a million epochs.

    Example:
        >>> step_seed(0, 0), step_seed(0, 1)
        (1125899906842624, 1125899906842625)
    """
    return 2**50 + seed * 2**30 + step


def epoch_order(count: int, seed: int, epoch: int) -> torch.Tensor:
    """Shuffle the numbers of all pictures for one epoch.

    Args:
        count: How many pictures there are.
        seed: That of the training.
        epoch: From 1.

    Returns:
        `(count,)` int64, each number from 0 to `count` - 1 once.

    Example:
        >>> epoch_order(5, seed=0, epoch=1).sort().values
        tensor([0, 1, 2, 3, 4])
    """
    generator = torch.Generator().manual_seed(epoch_seed(seed, epoch))
    return torch.randperm(count, generator=generator)


@contextmanager
def own_chance(device: torch.device) -> Iterator[None]:
    """Leave the random numbers of the caller as they were.

    Args:
        device: Where numbers are drawn, besides the CPU.

    Yields:
        Nothing.

    Example:
        >>> with own_chance(torch.device("cpu")):
        ...     drawn = torch.rand(3)
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
