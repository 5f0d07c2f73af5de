"""Early stopping: the best weights so far, and how long ago that was."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor, nn


class Best:
    """Keeps the weights with the lowest validation loss.

    Args:
        patience: After how many epochs without a lower loss to stop.

    Example:
        >>> from torch import nn
        >>> best, model = Best(patience=2), nn.Linear(1, 1)
        >>> [best.look(model, loss, epoch) for epoch, loss in enumerate([0.5, 0.6, 0.7], 1)]
        [False, False, True]
        >>> best.epoch
        1
    """

    def __init__(self, patience: int) -> None:
        self._patience, self._loss, self.epoch = patience, math.inf, 0
        self._weights: dict[str, Tensor] = {}

    def look(self, model: nn.Module, loss: float, epoch: int) -> bool:
        """Keep the weights if the loss is the lowest; return whether to stop."""
        if loss < self._loss:
            self._loss, self.epoch = loss, epoch
            self._weights = {name: t.detach().clone() for name, t in model.state_dict().items()}
        return epoch - self.epoch >= self._patience

    def restore(self, model: nn.Module) -> None:
        """Give the network the best weights, if there are some."""
        if self._weights:
            model.load_state_dict(self._weights)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"loss": self._loss, "epoch": self.epoch, "weights": self._weights}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what a checkpoint kept."""
        self._loss, self.epoch, self._weights = state["loss"], state["epoch"], state["weights"]
