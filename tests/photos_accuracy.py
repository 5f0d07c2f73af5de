"""How well does the recipe of lesson 11 do on real photos?

``python tests/photos_accuracy.py FOLDER`` trains the lesson's network on all photos of the
training set, once for each seed, and tests each network once on the test set; ``--ablation``
trains it without one part of the recipe each; ``--choose`` leaves the test set alone and tests
with every fifth photo of the training set, which is then not trained with: this is how the recipe
was chosen. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import torch

from cnn_basics.datasets import load_folder
from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.training import Evaluation, evaluate, fit, fit_photos, reliability, resize
from cnn_basics.training.augment import SIZES

ACCURACY_AT_LEAST, MINUTES_AT_MOST, PARAMETERS_BELOW = 0.86, 6.0, 500_000
STORED, EPOCHS = 96, 60  # pixels; passes over the training set
PLAIN, RECIPE = "Custom_CNN, plain", "everything"
VERSIONS = {  # what each changes: of the network, and of the training
    RECIPE: ({}, {}),
    "without large pictures": ({}, {"sizes": (28,)}),
    "without random changes": ({}, {"augmented": False}),
    "without batch norm": ({"batch_norm": False}, {}),
    "without two of the blocks": ({"deep": False}, {}),
    "without one-cycle rate": ({}, {"schedule": None, "learning_rate": 1e-3}),
}


def load(folder: str, choose: bool) -> tuple[tuple, tuple]:
    pictures, labels, names = load_folder(folder, STORED, split="training_set", progress=False)
    held = torch.arange(len(labels)) % 5 == 4
    if choose:
        train, test = (pictures[~held], labels[~held]), (pictures[held], labels[held])
    else:
        train = pictures, labels
        test = tuple(load_folder(folder, STORED, split="test_set", progress=False))[:2]
    print(f"{len(train[1])} photos to train with, {len(test[1])} to test with, {', '.join(names)}")
    return train, test


def train_version(name: str, train: tuple, test: tuple, seed: int) -> Evaluation:
    """Train by the recipe, without one of its parts, or plainly with 28×28 pixels; then test."""
    classes = max(int(train[1].max()) + 1, 2)
    torch.manual_seed(seed)
    if name == PLAIN:
        (small, labels), (small_test, test_labels) = ((resize(x, 28), y) for x, y in (train, test))
        model = Custom_CNN(classes)
        fit(model, (small, labels), epochs=15, seed=seed, progress=False)
        return evaluate(model, (small_test, test_labels))
    network, changes = VERSIONS[name]
    model = PhotoNet(classes, **network)
    fit_photos(model, train, EPOCHS, seed=seed, progress=False, **changes)
    side = changes.get("sizes", SIZES)[-1]
    return evaluate(model, test, sizes=(side, side * 5 // 4, side * 3 // 2))


def measure(name: str, train: tuple, test: tuple, seeds: int) -> bool:
    """Train once with each seed; print accuracy and seconds, and tell if the limits are kept."""
    accuracies, minutes = [], []
    for seed in range(seeds):
        start, work = time.perf_counter(), time.process_time()
        result = train_version(name, train, test, seed)
        seconds, work = time.perf_counter() - start, time.process_time() - work
        accuracies.append(result.accuracy)
        minutes.append(seconds / 60)
        error = reliability(result.probabilities, result.labels).error
        took = f"{seconds:.0f} s ({work:.0f} s of processors)"
        told = f"accuracy {result.accuracy:.4f}, {took}, calibration error {error:.3f}"
        print(f"{name}, seed {seed}: {told}", flush=True)
    mean = statistics.mean(accuracies)
    spread = statistics.stdev(accuracies) if seeds > 1 else 0.0
    told = f"mean {mean:.4f}, standard deviation {spread:.4f}, {max(minutes):.2f} minutes at most"
    print(f"{name}: {told}", flush=True)
    return mean >= ACCURACY_AT_LEAST and max(minutes) < MINUTES_AT_MOST


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="a folder with training_set and test_set")
    parser.add_argument("--seeds", type=int, default=3, help="how many trainings")
    parser.add_argument("--ablation", action="store_true", help="leave out one part each")
    parser.add_argument("--choose", action="store_true", help="hold out a fifth of them")
    options = parser.parse_args()
    data = load(options.folder, options.choose)
    names = [PLAIN, *VERSIONS] if options.ablation else [RECIPE]
    good = [measure(name, *data, options.seeds) for name in names]
    weights = sum(p.numel() for p in PhotoNet().parameters())
    print(f"accuracy of at least {ACCURACY_AT_LEAST} is asked; {weights:,} parameters")
    if options.ablation:
        return 0
    good = all(good) and weights < PARAMETERS_BELOW
    print("inside the limits" if good else "OUTSIDE the limits")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
