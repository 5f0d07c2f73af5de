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
STORED = 96  # pixels
VERSIONS = {  # what each changes: of the network, and of the training
    "everything": ({}, {}),
    "without large pictures": ({}, {"sizes": (28,)}),
    "without random changes": ({}, {"augmented": False}),
    "without batch norm": ({"batch_norm": False}, {}),
    "without two of the blocks": ({"deep": False}, {}),
    "without one-cycle rate": ({}, {"schedule": None, "learning_rate": 1e-3}),
}


def load(folder: str, choose: bool) -> tuple[tuple, tuple]:
    start = time.perf_counter()
    pictures, labels, names = load_folder(folder, STORED, split="training_set", progress=False)
    held = torch.arange(len(labels)) % 5 == 4
    if choose:
        train, test = (pictures[~held], labels[~held]), (pictures[held], labels[held])
    else:
        train = pictures, labels
        test = tuple(load_folder(folder, STORED, split="test_set", progress=False))[:2]
    seconds = time.perf_counter() - start
    print(f"{len(train[1])} photos to train with, {len(test[1])} to test with, {', '.join(names)}")
    print(f"loaded in {seconds:.1f} s", flush=True)
    return train, test


def measure(train: tuple, test: tuple, epochs: int, seeds: int) -> bool:
    """Train by the whole recipe with each seed; print accuracy and seconds."""
    accuracies, minutes = [], []
    for seed in range(seeds):
        start, work = time.perf_counter(), time.process_time()
        result = train_version("everything", train, test, epochs, seed)
        seconds, work = time.perf_counter() - start, time.process_time() - work
        accuracies.append(result.accuracy)
        minutes.append(seconds / 60)
        error = reliability(result.probabilities, result.labels).error
        took = f"{seconds:.0f} s ({work:.0f} s of processors)"
        told = f"seed {seed}: accuracy {result.accuracy:.4f}, {took}, calibration error"
        print(f"{told} {error:.3f}", flush=True)
    weights = sum(p.numel() for p in PhotoNet().parameters())
    spread = statistics.stdev(accuracies) if seeds > 1 else 0.0
    mean = statistics.mean(accuracies)
    print(f"mean {mean:.4f}, standard deviation {spread:.4f}, at least {ACCURACY_AT_LEAST}")
    print(f"{max(minutes):.2f} minutes at most, {weights:,} parameters")
    good = mean >= ACCURACY_AT_LEAST and max(minutes) < MINUTES_AT_MOST
    return good and weights < PARAMETERS_BELOW


def train_version(name: str, train: tuple, test: tuple, epochs: int, seed: int) -> Evaluation:
    """Train `PhotoNet` by the recipe, or without one of its parts, and test it."""
    network, changes = VERSIONS[name]
    torch.manual_seed(seed)
    model = PhotoNet(max(int(train[1].max()) + 1, 2), **network)
    fit_photos(model, train, epochs, seed=seed, progress=False, **changes)
    side = changes.get("sizes", SIZES)[-1]
    return evaluate(model, test, sizes=(side, side * 5 // 4, side * 3 // 2))


def train_plainly(train: tuple, test: tuple, epochs: int, seed: int) -> Evaluation:
    """Train `Custom_CNN` on pictures of 28×28 pixels with Adam and nothing else, and test it."""
    (small, labels), (small_test, test_labels) = ((resize(x, 28), y) for x, y in (train, test))
    torch.manual_seed(seed)
    model = Custom_CNN(max(int(labels.max()) + 1, 2))
    fit(model, (small, labels), epochs=epochs, seed=seed, progress=False)
    return evaluate(model, (small_test, test_labels))


def ablate(train: tuple, test: tuple, epochs: int, seeds: int) -> None:
    """Print the accuracy of every version, the mean over the seeds."""
    versions = {"Custom_CNN, plain": lambda seed: train_plainly(train, test, 15, seed)}
    for name in VERSIONS:
        versions[name] = lambda seed, n=name: train_version(n, train, test, epochs, seed)
    for name, train_one in versions.items():
        start = time.perf_counter()
        found = [train_one(seed).accuracy for seed in range(seeds)]
        seconds = (time.perf_counter() - start) / seeds
        each = ", ".join(f"{accuracy:.3f}" for accuracy in found)
        print(f"{name:<26}{statistics.mean(found):.3f}  ({each}; {seconds:.0f} s each)", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="a folder with training_set and test_set")
    parser.add_argument("--seeds", type=int, default=3, help="how many trainings")
    parser.add_argument("--epochs", type=int, default=60, help="passes over the training set")
    parser.add_argument("--threads", type=int, default=2, help="threads for torch")
    parser.add_argument("--ablation", action="store_true", help="leave out one part each")
    parser.add_argument("--choose", action="store_true", help="hold out a fifth of them")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train, test = load(options.folder, options.choose)
    if options.ablation:
        ablate(train, test, options.epochs, options.seeds)
        return 0
    good = measure(train, test, options.epochs, options.seeds)
    print("inside the limits" if good else "OUTSIDE the limits")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
