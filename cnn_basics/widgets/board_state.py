"""What a training board shows at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Mistake:
    """A picture that was taken for something else, or that was hard to tell.

    Attributes:
        picture: `(H, W, 3)` float, values 0 to 1.
        truth: The name of its class.
        answer: The name of the class with the highest score.
        share: The probability that the network gives to its answer.
    """

    picture: np.ndarray
    truth: str
    answer: str
    share: float


@dataclass(frozen=True)
class BoardState:
    """What a board shows; all curves are `(T, 2)`: epochs done, and the value.

    Attributes:
        epochs: Where the axes end.
        classes: How many classes there are: guessing gives a loss of log(classes).
        kernels: `(K, C, height, width)`, or None where the network has no convolution.
        kernels_title: Written above them.
        batch_loss: The loss of single batches.
        valid_loss: The loss on the validation pictures.
        train_accuracy: The share of training pictures told right.
        valid_accuracy: The share of validation pictures told right.
        mistakes: The worst first; as many as there is room for are shown.
    """

    epochs: float
    classes: int
    kernels: np.ndarray | None
    kernels_title: str
    batch_loss: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    valid_loss: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    train_accuracy: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    valid_accuracy: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    mistakes: tuple[Mistake, ...] = ()
