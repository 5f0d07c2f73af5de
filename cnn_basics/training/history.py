"""What `fit` remembers of a training."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """Numbers of a training, one for each epoch that ended.

    Attributes:
        train_loss: Mean loss of the training pictures, each when it was trained with, so that
            the network changed meanwhile.
        train_accuracy: Share of the training pictures told right, likewise.
        valid_loss: Mean loss of the validation pictures after the epoch; empty without them.
        valid_accuracy: Share of the validation pictures told right after the epoch.
        learning_rate: That of the last batch.
        seconds: How long the epoch took, validation included.
        stopped: Whether the training ended before its last epoch.
        reason: Why it did: "patience", or "callback"; empty if it did not.
        best_epoch: The epoch, from 1, whose weights the network has, if `patience` was given;
            0 otherwise.

    Example:
        >>> history = History(train_loss=[0.7, 0.4])
        >>> history.epochs, history
        (2, <History: 2 epochs>)
    """

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: bool = False
    reason: str = ""
    best_epoch: int = 0

    @property
    def epochs(self) -> int:
        """How many epochs ended."""
        return len(self.train_loss)

    def __repr__(self) -> str:
        """Return how many epochs there were, without numbers that differ between machines."""
        plural = "" if self.epochs == 1 else "s"
        why = f", stopped by {self.reason}" if self.stopped else ""
        return f"<History: {self.epochs} epoch{plural}{why}>"
