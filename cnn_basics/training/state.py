"""What a callback of `fit` is told, and how it stops the training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from cnn_basics.training.history import History


@dataclass
class State:
    """Where a training is.

    Attributes:
        model: The network, as it is now.
        history: The epochs that ended.
        epochs: How many epochs there are to be.
        batches: How many batches an epoch has.
        epoch: The number of this epoch, from 1.
        batch: The number of the batch that was just trained with, from 1.
        learning_rate: That of this batch.
        stopping: Whether the training is to stop.

    Example:
        >>> state = State(nn.Identity(), History(), epochs=2, batches=10, epoch=2, batch=5)
        >>> state.step, state.share
        (15, 0.75)
    """

    model: nn.Module
    history: History
    epochs: int
    batches: int
    epoch: int = 1
    batch: int = 0
    learning_rate: float = 0.0
    stopping: bool = False
    batch_loss: Tensor | float = 0.0
    batch_accuracy: Tensor | float = 0.0

    @property
    def loss(self) -> float:
        """Mean loss of this batch."""
        return float(self.batch_loss)

    @property
    def accuracy(self) -> float:
        """Share of this batch told right."""
        return float(self.batch_accuracy)

    @property
    def step(self) -> int:
        """How many batches were trained with, in all epochs."""
        return (self.epoch - 1) * self.batches + self.batch

    @property
    def share(self) -> float:
        """How much of the training is done, 0 to 1."""
        return self.step / (self.epochs * self.batches)

    def stop(self) -> None:
        """Stop the training after this callback; the network stays as it is now."""
        self.stopping = True

    def tell(self, callback: Callable[[State], Any] | None) -> bool:
        """Call a callback, if there is one; stop if it returns True. Return whether to stop."""
        if callback is not None and callback(self) is True:
            self.stop()
        return self.stopping
