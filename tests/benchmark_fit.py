"""How fast `fit` trains `Custom_CNN`, beside the loop of a tutorial and three libraries.

All train the same network on the same pictures, in turns; each ratio is of one round. The
libraries are those of the `benchmark` extra; what is not installed is left out, and said.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import time
import warnings
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from cnn_basics.datasets import load_pets
from cnn_basics.model import Custom_CNN
from cnn_basics.training import evaluate, fit, prepare, supports_bf16

EPOCHS, BATCH_SIZE, RATE = 2, 64, 1e-3
PLAIN, BF16 = "plain loop over a DataLoader", "fit, precision bf16"


def by_fit(
    model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor, precision: str = "float32"
) -> None:
    options = {"epochs": EPOCHS, "progress": False, "device": "cpu", "precision": precision}
    fit(model, (pictures, labels), **options)


def by_plain_loop(model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> None:
    """What tutorials show."""
    loader = DataLoader(TensorDataset(pictures, labels), BATCH_SIZE, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for batch, answers in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(batch), answers).backward()
            optimizer.step()


def by_skorch(model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> None:
    from skorch import NeuralNetClassifier

    NeuralNetClassifier(
        model,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=RATE,
        batch_size=BATCH_SIZE,
        max_epochs=EPOCHS,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    ).fit(pictures.numpy(), labels.numpy())


def by_lightning(model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> None:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch, _number):
            return F.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=RATE)

    loader = DataLoader(TensorDataset(pictures, labels), BATCH_SIZE, shuffle=True)
    silent = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar"), False)
    silent |= {"enable_model_summary": False}
    lightning.Trainer(max_epochs=EPOCHS, accelerator="cpu", **silent).fit(Module(), loader)


def by_keras(model: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> None:
    """The same layers, as Keras makes them; the network that is given stays as it is."""
    import keras

    layers, first = keras.layers, {"data_format": "channels_first"}
    network = keras.Sequential(
        [
            layers.Conv2D(32, 5, padding="same", activation="relu", **first),
            layers.MaxPooling2D(2, **first),
            layers.Conv2D(64, 5, padding="same", activation="relu", **first),
            layers.MaxPooling2D(2, **first),
            layers.Flatten(),
            layers.Dense(256, activation="relu"),
            layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.Adam(RATE), loss=loss)
    options = {"batch_size": BATCH_SIZE, "epochs": EPOCHS, "verbose": 0}
    network.fit(pictures.numpy(), labels.numpy(), **options)


def measure_fit(rounds: int = 5) -> dict[str, list[float]]:
    """Time all in turn: how many times as long as `fit` each took, and how the losses compare."""
    ways = {"fit": by_fit, PLAIN: by_plain_loop, BF16: partial(by_fit, precision="bf16")}
    if not supports_bf16("cpu"):
        print("left out: bf16, for this processor has no bfloat16")
        del ways[BF16]
    os.environ.setdefault("KERAS_BACKEND", "torch")
    for name, way in (("keras", by_keras), ("skorch", by_skorch), ("lightning", by_lightning)):
        if importlib.util.find_spec(name):
            ways[name] = way
        else:
            print(f"left out: {name}, which is not installed; pip install -e '.[benchmark]'")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    pictures, labels, _ = load_pets("training_set")
    pictures = prepare(pictures)
    seconds, losses = {name: [] for name in ways}, {name: [] for name in ways}
    for number in range(rounds + 1):  # the first round only warms up
        for name, way in ways.items():
            torch.manual_seed(number)
            model = Custom_CNN()
            start = time.perf_counter()
            way(model, pictures, labels)
            if number:
                seconds[name].append(time.perf_counter() - start)
                losses[name].append(evaluate(model, (pictures, labels)).loss)

    def ratios(found: dict[str, list[float]], over: str, under: str) -> list[float]:
        return [a / b for a, b in zip(found[over], found[under], strict=True)]

    others = [name for name in ways if name not in ("fit", BF16)]
    found = {f"fit is faster than: {name}": ratios(seconds, name, "fit") for name in others}
    if BF16 in ways:
        found["fit in bf16 is faster than: plain loop"] = ratios(seconds, PLAIN, BF16)
    return found | {"fit, loss / plain loop, loss": ratios(losses, "fit", PLAIN)}
