"""How a training survives a break: what is kept after each epoch, and how it goes on from there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_basics.training.checkpoints import (
    check_folder,
    check_same_training,
    describe_training,
    load_checkpoint,
    save_checkpoint,
)

if TYPE_CHECKING:
    from cnn_basics.training.run import Training


class Breaks:
    """Keeps a training on disk, if a file was named.

    All chance of an epoch comes from its number, so that weights, optimiser and history are all
    that has to be kept.

    Args:
        training: Ready to start.

    Raises:
        FileNotFoundError: The file's folder is missing.
    """

    def __init__(self, training: Training) -> None:
        self._training = training
        self._path = training.settings.checkpoint
        if self._path is not None:
            check_folder(self._path)
            self._words = describe_training(
                training.model, training.train, training.valid, training.settings
            )

    def load(self) -> int:
        """Go on from the file, if there is one; return how many epochs it holds.

        Raises:
            ValueError: It is damaged, or of another training.
        """
        if self._path is None or not Path(self._path).exists():
            return 0
        training, content = self._training, load_checkpoint(self._path)
        check_same_training(self._path, content["training"], self._words)
        training.model.load_state_dict(content["model"])
        training.optimizer.load_state_dict(content["optimizer"])
        for part, kept in ((training.best, "best"), (training.average, "average")):
            if part is not None:
                part.load(content[kept])
        vars(training.state.history).update(content["history"])
        training.state.epoch, training.state.batch = content["epoch"], training.state.batches
        training.processes.wait()  # until all have read it
        return content["epoch"]

    def save(self) -> None:
        """Write what `load` reads; only the first of several processes does."""
        training = self._training
        if self._path is None or not training.processes.first:
            return
        parts = {"best": training.best, "average": training.average}
        content = {
            "training": self._words,
            "epoch": training.state.epoch,
            "model": training.model.state_dict(),
            "optimizer": training.optimizer.state_dict(),
            "history": asdict(training.state.history),
            **{name: part.state() for name, part in parts.items() if part is not None},
        }
        save_checkpoint(self._path, content)
