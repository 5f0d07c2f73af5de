"""The bundled collection: which pictures it holds, their seeds and files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .picture import draw_pet

SHIPPED_SIZE = 64
COUNTS = {"training_set": 1000, "test_set": 300}  # of each species
STEP = 3  # shipped values are multiples of this: smaller files, no visible difference
FIRST = {"training_set": 1, "test_set": 4001}  # numbers as in the Kaggle set
SPECIES = ("cat", "dog")


@dataclass(frozen=True)
class ShippedPicture:
    """One bundled picture: where it lies and the seed that draws it."""

    split: str
    species: str
    number: int
    seed: int

    @property
    def path(self) -> Path:
        """Path below the folder of the collection, as in the Kaggle set."""
        name = f"{self.species}.{self.number}.png"
        return Path(self.split, self.split, f"{self.species}s", name)

    def draw(self) -> np.ndarray:
        """Draw the picture again, ``(64, 64, 3)`` uint8, every value a multiple of 3.

        The coarser steps make the PNG files a quarter smaller; no value is more than 1 from
        the one that ``draw_pet`` gives for the same seed.
        """
        image = draw_pet(self.species, self.seed, SHIPPED_SIZE)
        assert isinstance(image, np.ndarray)
        return (np.rint(image / STEP) * STEP).astype(np.uint8)


def picture_seed(split: str, species: str, number: int) -> int:
    """Return the seed that draws a bundled picture; no two pictures share one.

    Args:
        split: ``"training_set"`` or ``"test_set"``.
        species: ``"cat"`` or ``"dog"``.
        number: The number in the file's name: from 1 in the training set, from 4001 in the
            test set.

    Returns:
        The seed: twice the number for a cat, one more for a dog.

    Raises:
        ValueError: If the collection has no such picture.

    Example:
        >>> picture_seed("test_set", "dog", 4001)
        8003
    """
    if split not in COUNTS:
        raise ValueError(f"expected the split 'training_set' or 'test_set', got {split!r}: use one")
    if species not in SPECIES:
        raise ValueError(f"expected the species 'cat' or 'dog', got {species!r}: use one of these")
    first, last = FIRST[split], FIRST[split] + COUNTS[split] - 1
    if number not in range(first, last + 1):
        raise ValueError(
            f"expected a number from {first} to {last} in {split}, got {number!r}: "
            "use the number in the file's name"
        )
    return 2 * int(number) + SPECIES.index(species)


def shipped_pictures(split: str | None = None) -> Iterator[ShippedPicture]:
    """List the bundled pictures, cats and dogs in turn.

    Args:
        split: ``"training_set"``, ``"test_set"`` or ``None`` for both.

    Yields:
        One entry for each picture.

    Raises:
        ValueError: If there is no such split.

    Example:
        >>> next(shipped_pictures("test_set")).path.name
        'cat.4001.png'
    """
    if split is not None and split not in COUNTS:
        raise ValueError(f"expected the split 'training_set' or 'test_set', got {split!r}: use one")
    for name in COUNTS if split is None else (split,):
        for number in range(FIRST[name], FIRST[name] + COUNTS[name]):
            for species in SPECIES:
                seed = picture_seed(name, species, number)
                yield ShippedPicture(name, species, number, seed)
