"""Where the command `python -m cnn_basics.training` takes its pictures from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from cnn_basics.datasets import load_digits, load_folder, load_pets
from cnn_basics.training.data import Data

SPLITS = ("training_set", "test_set")
HELD_OUT = 5  # every fifth picture of a class is kept aside


def load(
    source: str, size: int = 28, limit: int | None = None, progress: bool = True
) -> tuple[Data, Data, Sequence[str]]:
    """Load pictures to train and to test with.

    Args:
        source: "pets", "digits", or a folder of photos, which may have the splits training_set
            and test_set; of one that has not, every fifth picture is kept for the test.
        size: Side of the pictures in pixels.
        limit: At most so many pictures of each class, in each split; None for all.
        progress: Show a bar.

    Returns:
        Training pictures with labels, test pictures with labels, and the class names.

    Raises:
        ValueError: Digits of another size than 28, splits with other classes, a class with a
            single picture, or what `load_folder` refuses.
        FileNotFoundError: There is no such folder, or there is nothing in it.

    Example:
        >>> train, test, names = load("digits")
        >>> len(train[1]), len(test[1]), len(names)
        (1437, 360, 10)
    """
    if source == "digits":
        if size != 28:
            raise ValueError(f"expected --size 28 for digits, got {size}: leave it out")
        parts = [load_digits(split) for split in SPLITS]
    elif source == "pets":
        parts = [load_pets(split, size) for split in SPLITS]
    elif Path(source, SPLITS[0]).is_dir():
        options = {"limit": limit, "progress": progress}
        parts = [tuple(load_folder(source, size, split=split, **options)) for split in SPLITS]
    else:
        pictures, labels, names = load_folder(source, size, limit=limit, progress=progress)
        return *hold_out((pictures, labels), names), names
    train, test = (_first(part[:2], limit) for part in parts)
    return train, test, _same_names(source, *(part[2] for part in parts))


def hold_out(data: Data, names: Sequence[str]) -> tuple[Data, Data]:
    """Keep every fifth picture of each class aside, at least one; always the same ones.

    Args:
        data: Pictures `(N, C, H, W)` and labels `(N,)` int64.
        names: Of the classes.

    Returns:
        The others, and those kept aside.

    Raises:
        ValueError: A class has one picture only.

    Example:
        >>> data = torch.rand(12, 1, 2, 2), torch.arange(12) % 2
        >>> [labels.tolist() for _, labels in hold_out(data, ["cat", "dog"])]
        [[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], [0, 1]]
    """
    pictures, labels = data[:2]
    aside = torch.zeros(len(labels), dtype=torch.bool)
    for label, name in enumerate(names):
        places = (labels == label).nonzero()[:, 0]
        if len(places) == 1:
            raise ValueError(
                f"expected at least two pictures of each class, so that one can be kept aside, "
                f"got a single one of {name}: add some"
            )
        last = len(places) - 1
        aside[places[min(HELD_OUT - 1, last) :: HELD_OUT]] = True
    return (pictures[~aside], labels[~aside]), (pictures[aside], labels[aside])


def _first(data: tuple[Tensor, Tensor], limit: int | None) -> Data:
    """Keep the first pictures of each class."""
    if limit is None:
        return data
    pictures, labels = data
    places = [(labels == label).nonzero()[:limit, 0] for label in labels.unique()]
    kept = torch.cat(places).sort().values
    return pictures[kept], labels[kept]


def _same_names(source: str, train: Sequence[str], test: Sequence[str]) -> Sequence[str]:
    """Refuse splits in which the same label means different classes."""
    if tuple(train) != tuple(test):
        raise ValueError(
            f"expected the same classes in both splits of {source}, got {', '.join(train)} to "
            f"train and {', '.join(test)} to test with: rename or move the folders"
        )
    return train
