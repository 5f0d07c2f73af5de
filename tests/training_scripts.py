"""Trainings that tests start as processes of their own: `python tests/training_scripts.py …`."""

from __future__ import annotations

import os
import signal
import sys

import torch
from torch import nn

from cnn_basics.training import State, fit
from cnn_basics.training.augment import random_flip

EPOCHS, BATCHES = 4, 3
OPTIONS = {
    "epochs": EPOCHS,
    "batch_size": 8,
    "learning_rate": 0.01,
    "augment": random_flip(),
    "schedule": "one_cycle",
    "averaging": 0.9,
    "progress": False,
    "device": "cpu",
}


def data(count: int = 20, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Twenty pictures in batches of eight: the last one has four."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (count, 1, 6, 5), generator=generator, dtype=torch.uint8)
    return pictures, torch.arange(count) % 3


def network(dropout: float = 0.2, seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(48, 3)]
    return nn.Sequential(*layers)


def killed(path: str, *moments: str) -> None:
    """Let a process each train until a moment, such as 2.1, and die there as in a power cut."""
    for moment in moments:
        child = os.fork()  # before the first computation: there are no threads yet
        if not child:
            train_until(*map(int, moment.split(".")), f"{path}.{moment}")
        _, status = os.waitpid(child, 0)
        print(moment, os.waitstatus_to_exitcode(status))


def train_until(epoch: int, batch: int, path: str) -> None:
    """Train, and kill this very process in this batch of this epoch."""

    def die(state: State) -> None:
        if (state.epoch, state.batch) == (epoch, batch):
            os.kill(os.getpid(), signal.SIGKILL)

    fit(network(), data(), data(seed=1), checkpoint=path, patience=3, on_batch=die, **OPTIONS)


def together(path: str, *batch_sizes: str) -> None:
    """Train with several processes, as many as torchrun started; each writes what came out."""
    rank = os.environ["RANK"]
    for batch_size in map(int, batch_sizes):
        model, losses = network(dropout=0.0, seed=1 + int(rank)), []
        options = OPTIONS | {"batch_size": batch_size, "patience": 3}
        options |= {"on_batch": lambda state, losses=losses: losses.append(state.loss)}
        history = fit(model, data(), data(seed=1), **options)
        result = {"model": model.state_dict(), "loss": history.train_loss, "batches": losses}
        torch.save(result | {"valid": history.valid_loss}, f"{path}.{batch_size}.{rank}")
    stop = (lambda state: state.epoch == 2) if rank == "0" else (lambda state: False)
    history = fit(network(), data(), on_epoch=stop, **OPTIONS)
    torch.save([history.epochs, history.reason], f"{path}.stopped.{rank}")


if __name__ == "__main__":
    {"killed": killed, "together": together}[sys.argv[1]](*sys.argv[2:])
