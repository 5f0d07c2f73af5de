"""The training loop of the lessons."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cnn_basics.training.data import Data
from cnn_basics.training.history import History
from cnn_basics.training.run import Training
from cnn_basics.training.settings import Callback, Settings


def fit(
    model: nn.Module,
    train: Data,
    valid: Data | None = None,
    epochs: int = 10,
    *,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    optimizer: str = "adam",
    weight_decay: float = 0.0,
    schedule: str | None = None,
    augment: Callable[[Tensor], Tensor] | None = None,
    label_smoothing: float = 0.0,
    precision: str = "float32",
    device: str | torch.device | None = None,
    seed: int = 0,
    progress: bool = True,
    patience: int | None = None,
    averaging: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    on_batch: Callback | None = None,
    on_epoch: Callback | None = None,
) -> History:
    """Train a network to tell classes of pictures apart, by the cross-entropy of its scores.

    Under `torchrun --nproc-per-node N` all N processes train one network together, each with its
    share of every batch, to the result of a single one, but for rounding (which Adam can enlarge),
    for dropout, and for batch norm, which then looks at each share by itself. Only the first shows
    a bar, calls back and writes files.

    Args:
        model: Gives `(N, classes)` scores for `(N, C, H, W)` float pictures; it is changed.
        train: Pictures `(N, C, H, W)`, uint8 (scaled to 0…1) or float, and labels `(N,)` int64;
            class names may follow, as the loaders in `datasets` give them.
        valid: The same to look at after each epoch, never trained with; or None.
        epochs: How often each picture is trained with.
        batch_size: How many pictures make one step; the last batch may be smaller.
        learning_rate: Of the optimiser; its highest, with a schedule.
        optimizer: "sgd", "momentum" (0.9), "adam" or "adamw".
        weight_decay: As in `torch.optim`.
        schedule: None, "one_cycle" or "cosine": how the learning rate changes.
        augment: Changes the float pictures of each batch, `(N, C, H, W)` to the same.
        label_smoothing: As in `torch.nn.functional.cross_entropy`.
        precision: "float32", or "bf16" where the device computes with bfloat16.
        device: None for CUDA, MPS or CPU, the first that there is.
        seed: From which order, augmentation and dropout come; the same gives the same.
        progress: Whether to show a bar.
        patience: Stop after so many epochs without a lower validation loss; whether it stops or
            not, the network then has the weights with the lowest one. None never stops.
        averaging: Let the network have the running mean of its weights when it is validated and
            in the end: the share that is kept at each step, such as 0.99. None does not.
        checkpoint: A file. The training is kept there after each epoch; if the file is there
            already, it goes on from it, to the same result as without a break.
        on_batch: Called with a `State` after each batch; stops if it returns True or calls
            `state.stop()`. The network stays as it then is.
        on_epoch: The same after each epoch, and before a training goes on from a checkpoint.

    Returns:
        A `History`.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument is out of range, or the data do not fit the network.
        FloatingPointError: The loss is no longer finite.

    Example:
        >>> pictures = torch.tensor([[[[0.0, 1.0]]], [[[1.0, 0.0]]]])
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
        >>> data = (pictures, torch.tensor([0, 1]))
        >>> history = fit(model, data, epochs=100, learning_rate=0.1, progress=False)
        >>> history, history.train_accuracy[-1]
        (<History: 100 epochs>, 1.0)
    """
    settings = Settings(
        epochs,
        batch_size,
        learning_rate,
        optimizer,
        weight_decay,
        schedule,
        augment,
        label_smoothing,
        precision,
        device,
        seed,
        progress,
        patience,
        averaging,
        checkpoint,
        on_batch,
        on_epoch,
    )
    return Training(model, train, valid, settings).run()
