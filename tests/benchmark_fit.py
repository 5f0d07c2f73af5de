"""How fast `fit` trains, beside a tutorial's loop and three libraries; how hard the pets are.

All train the same network on the same pictures, in turns; each ratio is of one round. The
libraries are those of the `benchmark` extra; what is not installed is left out, and said.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from cnn_basics.by_hand.fast import ratios_to, time_side_by_side
from cnn_basics.datasets import SPLITS, load_pets
from cnn_basics.model import Custom_CNN
from cnn_basics.training import evaluate, fit, prepare, supports_bf16

EPOCHS, BATCH_SIZE, RATE = 2, 64, 1e-3
PLAIN, BF16 = "plain loop over a DataLoader", "fit, precision bf16"
HIDDEN = 364  # of the perceptron, which has then 857,222 parameters; Custom_CNN has 857,282
REGULARISATIONS = (1e-3, 1e-2, 1e-1, 1.0)


def by_fit(model: nn.Module, pictures: Tensor, labels: Tensor, precision: str = "float32") -> None:
    options = {"epochs": EPOCHS, "progress": False, "device": "cpu", "precision": precision}
    fit(model, (pictures, labels), **options)


def by_plain_loop(model: nn.Module, pictures: Tensor, labels: Tensor) -> None:
    """What tutorials show."""
    loader = DataLoader(TensorDataset(pictures, labels), BATCH_SIZE, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for batch, answers in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(batch), answers).backward()
            optimizer.step()


def by_skorch(model: nn.Module, pictures: Tensor, labels: Tensor) -> None:
    from skorch import NeuralNetClassifier

    options = {"criterion": nn.CrossEntropyLoss, "optimizer": torch.optim.Adam, "lr": RATE}
    options |= {"batch_size": BATCH_SIZE, "max_epochs": EPOCHS, "iterator_train__shuffle": True}
    network = NeuralNetClassifier(model, **options, train_split=None, verbose=0)
    network.fit(pictures.numpy(), labels.numpy())


def by_lightning(model: nn.Module, pictures: Tensor, labels: Tensor) -> None:
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


def by_keras(model: nn.Module, pictures: Tensor, labels: Tensor) -> None:
    """The same layers, as Keras makes them; the network that is given stays as it is."""
    import keras

    layers, first = keras.layers, {"data_format": "channels_first"}
    network = keras.Sequential()
    for channels in (32, 64):
        network.add(layers.Conv2D(channels, 5, padding="same", activation="relu", **first))
        network.add(layers.MaxPooling2D(2, **first))
    for layer in (layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dense(2)):
        network.add(layer)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer=keras.optimizers.Adam(RATE), loss=loss)
    options = {"batch_size": BATCH_SIZE, "epochs": EPOCHS, "verbose": 0}
    network.fit(pictures.numpy(), labels.numpy(), **options)


def measure_fit() -> dict[str, list[float]]:
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
    pictures, trained = prepare(pictures), {name: [] for name in ways}

    def train(name: str) -> None:
        torch.manual_seed(len(trained[name]))  # all begin a round with the same weights
        trained[name].append(Custom_CNN())
        ways[name](trained[name][-1], pictures, labels)

    seconds = time_side_by_side({name: partial(train, name) for name in ways}, repeats=5)
    losses = {
        name: [evaluate(model, (pictures, labels)).loss for model in trained[name][1:]]
        for name in ("fit", PLAIN)
    }
    ratios = ratios_to("fit", seconds)
    found = {f"fit is faster than: {name}": ratios[name] for name in ratios if name != BF16}
    if BF16 in ways:
        found["fit in bf16 is faster than: plain loop"] = ratios_to(BF16, seconds)[PLAIN]
    return found | {"fit, loss / plain loop, loss": ratios_to(PLAIN, losses)["fit"]}


def measure_difficulty() -> dict[str, list[float]]:
    """Accuracies of a straight line through pixels, a perceptron and the network of the lessons.

    The straight line is the best of some regularisations, the perceptron is as it was in its best
    epoch, and each network as it was after its last one.
    """
    (x, y), (x_test, y_test) = train, test = [
        (pictures.float() / 127.5 - 1.0, labels) for pictures, labels, _ in map(load_pets, SPLITS)
    ]
    lines = [LogisticRegression(C=c, max_iter=3000).fit(x.flatten(1), y) for c in REGULARISATIONS]
    found = {"logistic regression": [max(each.score(x_test.flatten(1), y_test) for each in lines)]}

    def accuracies(model: Callable[[], nn.Module], seed: int = 0) -> list[float]:
        torch.manual_seed(seed)
        return fit(model(), train, test, epochs=12, seed=seed, progress=False).valid_accuracy

    layers = nn.Flatten(), nn.LazyLinear(HIDDEN), nn.ReLU(), nn.LazyLinear(2)
    found["perceptron"] = [max(accuracies(lambda: nn.Sequential(*layers)))]
    return found | {"Custom_CNN": [accuracies(Custom_CNN, seed)[-1] for seed in range(3)]}
