"""Optimisers by name, and how the learning rate changes over a training."""

from __future__ import annotations

import math

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
SCHEDULES = ("one_cycle", "cosine")
WARM_UP = 0.3  # share of a one-cycle training in which the learning rate rises
FIRST, LAST = 1 / 25, 1 / 250_000  # where one_cycle begins and ends, in shares of its peak


def make_optimizer(
    name: str, model: nn.Module, learning_rate: float, weight_decay: float = 0.0
) -> Optimizer:
    """Make an optimiser for all weights of a network that have gradients.

    Args:
        name: "sgd", "momentum" (SGD with momentum 0.9), "adam" or "adamw".
        model: The network, on its device.
        learning_rate: Above 0.
        weight_decay: From 0.

    Returns:
        The one of `torch.optim`, fused (one pass over all weights) where the device can.

    Raises:
        ValueError: The name is another, or the network has nothing to train.

    Example:
        >>> make_optimizer("momentum", nn.Linear(2, 1), 0.1).defaults["momentum"]
        0.9
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    if not weights:
        raise ValueError(
            "expected a network with weights to train, got none that requires a gradient: call "
            "model.requires_grad_(True), or give it a layer with weights"
        )
    fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda", "mps") for p in weights)
    options = {"lr": learning_rate, "weight_decay": weight_decay, "fused": fused}
    if name == "sgd":
        return SGD(weights, **options)
    if name == "momentum":
        return SGD(weights, momentum=0.9, **options)
    if name in ("adam", "adamw"):
        return (Adam if name == "adam" else AdamW)(weights, **options)
    raise ValueError(f"expected optimizer as one of {', '.join(OPTIMIZERS)}, got {name!r}")


def scheduled_rate(schedule: str | None, peak: float, step: int, steps: int) -> float:
    """Compute the learning rate of one batch.

    Args:
        schedule: None keeps it; "cosine" lets it fall from `peak` along half a cosine, to 0
            after the last batch; "one_cycle" lets it rise from a 25th of `peak`, during 30 % of
            the batches, and then fall to almost 0, along half a cosine each.
        peak: The highest learning rate.
        step: The number of the batch, from 0 to `steps` - 1.
        steps: How many batches the training has.

    Returns:
        The learning rate.

    Raises:
        ValueError: The schedule is another word.

    Example:
        >>> [round(scheduled_rate("one_cycle", 1.0, step, 20), 2) for step in (0, 3, 5, 12, 19)]
        [0.04, 0.67, 1.0, 0.5, 0.0]

    Source:
        Smith & Topin (2018), "Super-convergence", https://arxiv.org/abs/1708.07120, in the form
        of `torch.optim.lr_scheduler.OneCycleLR`; Loshchilov & Hutter (2017), "SGDR",
        https://arxiv.org/abs/1608.03983, equation 5 without restarts, as `CosineAnnealingLR`.
    """
    if schedule is None:
        return peak
    if schedule == "cosine":
        return _half_cosine(peak, 0.0, step / steps)
    if schedule != "one_cycle":
        raise ValueError(
            f"expected schedule as None, {' or '.join(SCHEDULES)}, got {schedule!r}: "
            'write schedule="one_cycle"'
        )
    top = WARM_UP * steps - 1  # as in OneCycleLR, not a whole number
    if step <= top:
        return _half_cosine(FIRST * peak, peak, step / top)
    return _half_cosine(peak, LAST * peak, (step - top) / max(steps - 1 - top, 1))


def set_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Give all weights of an optimiser a learning rate."""
    for weights in optimizer.param_groups:
        weights["lr"] = learning_rate


def _half_cosine(start: float, end: float, share: float) -> float:
    """Go from `start` to `end` along half a cosine; `share` of the way, 0 to 1, is done."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
