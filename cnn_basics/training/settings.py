"""All that may be chosen about a training, checked once."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cnn_basics.training.checks import require_whole
from cnn_basics.training.optimizing import OPTIMIZERS, scheduled_rate
from cnn_basics.training.seeds import check_seed
from cnn_basics.training.state import State

Callback = Callable[[State], Any]


@dataclass(frozen=True)
class Settings:
    """The arguments of `fit`, which describes them.

    Raises:
        ValueError: One is out of range.
        TypeError: A function is none.

    Example:
        >>> Settings(epochs=3, optimizer="sgd").batch_size
        64
    """

    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    optimizer: str = "adam"
    weight_decay: float = 0.0
    schedule: str | None = None
    augment: Callable[[Tensor], Tensor] | None = None
    label_smoothing: float = 0.0
    precision: str = "float32"
    device: str | torch.device | None = None
    seed: int = 0
    progress: bool = True
    patience: int | None = None
    averaging: float | None = None
    checkpoint: str | os.PathLike[str] | None = None
    on_batch: Callback | None = None
    on_epoch: Callback | None = None

    def __post_init__(self) -> None:
        require_whole("batch_size", self.batch_size, 1, "write 64")
        check_seed(self.seed)
        require_whole("epochs", self.epochs, 1, "write epochs=10")
        if self.patience is not None:
            require_whole("patience", self.patience, 1, "write patience=10")
        for name, low, high in (
            ("learning_rate", 0.0, math.inf),
            ("weight_decay", 0.0, math.inf),
            ("label_smoothing", 0.0, 1.0),
            ("averaging", 0.0, 1.0),
        ):
            _require_between(name, getattr(self, name), low, high)
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"expected optimizer as one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}: "
                'write optimizer="adam"'
            )
        scheduled_rate(self.schedule, 1.0, 0, 10)
        for name in ("augment", "on_batch", "on_epoch"):
            _require_function(name, getattr(self, name))


def _require_between(name: str, value: object, low: float, high: float) -> None:
    """Refuse what is no number in range; 0 is allowed but for the learning rate."""
    if value is None and name == "averaging":
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value < high or (value == 0 and name == "learning_rate"):
        start = "above 0" if name == "learning_rate" else "from 0"
        end = f" to below {high:g}" if math.isfinite(high) else ""
        raise ValueError(
            f"expected {name} as a number {start}{end}, got {value!r}: leave it out for the usual"
        )


def _require_function(name: str, value: object) -> None:
    if value is not None and not callable(value):
        raise TypeError(
            f"expected {name} as a function, got {type(value).__name__}: write {name}=None, or "
            "the function without calling it"
        )
