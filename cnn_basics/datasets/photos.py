"""What a folder of photos becomes: tensors, names, and the files that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch


class Skipped(NamedTuple):
    """A file that is not among the pictures, and why.

    Args:
        path: The file.
        reason: One sentence.

    Example:
        >>> Skipped(Path("cats/notes.txt"), "is no picture by its name").path.name
        'notes.txt'
    """

    path: Path
    reason: str


@dataclass(frozen=True, eq=False, repr=False)
class Photos:
    """Photos as tensors; unpacks as `pictures, labels, class_names`.

    Args:
        pictures: `(N, 3, size, size)` uint8, values 0 to 255.
        labels: `(N,)` int64, the index into `class_names`.
        class_names: The names of the folders.
        paths: The N files, in the order of `pictures`.
        skipped: The files that are missing from `pictures`, each with its reason.

    Example:
        >>> two = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
        >>> paths = (Path("cats/cat.1.jpg"), Path("dogs/dog.1.jpg"))
        >>> photos = Photos(two, torch.tensor([0, 1]), ("cats", "dogs"), paths)
        >>> photos
        2 pictures of 8×8 pixels: 1 cats, 1 dogs
        >>> pictures, labels, names = photos
        >>> names
        ('cats', 'dogs')
    """

    pictures: torch.Tensor
    labels: torch.Tensor
    class_names: tuple[str, ...]
    paths: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()

    def __iter__(self) -> Iterator[torch.Tensor | tuple[str, ...]]:
        """Yield pictures, labels and class names."""
        return iter((self.pictures, self.labels, self.class_names))

    def __repr__(self) -> str:
        """Say how many pictures of which class there are, and how many files were skipped."""
        counts = self.labels.bincount(minlength=len(self.class_names)).tolist()
        each = ", ".join(f"{n:,} {name}" for n, name in zip(counts, self.class_names, strict=True))
        height, width = self.pictures.shape[2:]
        files = "file" if len(self.skipped) == 1 else "files"
        skipped = f"; {len(self.skipped):,} {files} skipped" if self.skipped else ""
        return f"{len(self.labels):,} pictures of {height}×{width} pixels: {each}{skipped}"
