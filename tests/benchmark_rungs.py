"""How many times as long as `F.conv2d` each rung of lesson 12 takes, at `Custom_CNN`'s layers."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.fast import RUNGS, ladder, ratios_to, time_side_by_side
from cnn_basics.model import Custom_CNN

BATCH_SIZE = 64
LAYERS = {"conv1": (3, 28, 28), "conv2": (32, 14, 14)}
LAST = list(RUNGS)[-1]


def measure_rungs(rounds: int = 15) -> dict[str, list[float]]:
    """Time every rung in turn.

    Returns:
        For each layer and rung, the ratios to `F.conv2d`, round by round.
    """
    torch.manual_seed(0)
    model, found = Custom_CNN(), {}
    for layer, shape in LAYERS.items():
        x, weight = torch.rand(BATCH_SIZE, *shape), getattr(model, layer).weight.detach()
        seconds = time_side_by_side(ladder(x, weight, padding=2), rounds)
        for name, ratios in ratios_to("F.conv2d", seconds).items():
            found[f"{layer}: {name}"] = ratios
    return found


if __name__ == "__main__":
    for name, ratios in measure_rungs().items():
        print(f"{name:<58}", *(f"{ratio:.2f}" for ratio in sorted(ratios)))
