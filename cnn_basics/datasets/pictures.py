"""Where the pictures of cats and dogs are, in the two splits, and how they become tensors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from cnn_basics.datasets.decoding import in_threads, read_square, strict_about_bombs
from cnn_basics.datasets.listing import SUFFIXES, by_number, is_picture, require_count, require_word

SPLITS = ("training_set", "test_set")
SPECIES = ("cats", "dogs")
FOLDER_VARIABLE = "CNN_BASICS_DATA"
BUNDLED = Path(__file__).resolve().parents[2] / "data" / "cat-and-dog"


def data_folder() -> Path:
    """Find the folder that holds the pictures of cats and dogs.

    Your own photographs come first: the folder named by the environment variable
    CNN_BASICS_DATA. Without it, the drawn pets that come with the lessons.

    Returns:
        A folder that holds `training_set/training_set/cats`, `…/dogs`, and
        `test_set/test_set/cats`, `…/dogs`.

    Raises:
        FileNotFoundError: The folder, or one of the four inside it, is missing.

    Example:
        >>> data_folder().name
        'cat-and-dog'
    """
    chosen = os.environ.get(FOLDER_VARIABLE, "")
    return _whole(Path(chosen).expanduser() if chosen else BUNDLED, bool(chosen))


def picture_paths(split: str, species: str) -> list[Path]:
    """List the pictures of one class, in the order of the number in their name.

    Args:
        split: `"training_set"` or `"test_set"`.
        species: `"cats"` or `"dogs"`.

    Returns:
        The paths, `cat.2.png` before `cat.10.png`; hidden files and files that are no pictures
        by their suffix are left out.

    Raises:
        FileNotFoundError: The folder is missing or holds no picture.
        ValueError: `split` or `species` is another word.

    Example:
        >>> [path.name for path in picture_paths("training_set", "cats")[:2]]
        ['cat.1.png', 'cat.2.png']
    """
    require_word("split", split, SPLITS)
    require_word("species", species, SPECIES)
    return _paths(data_folder(), split, species)


def load_pictures(
    split: str, size: int = 28, limit: int | None = None
) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """Load the cats and the dogs of one split as tensors, all cats first.

    Args:
        split: `"training_set"` or `"test_set"`.
        size: Side of the square that each whole picture is squeezed to, in pixels.
        limit: At most so many pictures of each class, from the lowest number on; None for all.

    Returns:
        Pictures, `(N, 3, size, size)` uint8, values 0 to 255; labels, `(N,)` int64, 0 for cats
        and 1 for dogs; and the class names, whose index is the label.

    Raises:
        FileNotFoundError: A folder is missing or holds no picture.
        TypeError: `size` or `limit` is not a whole number.
        ValueError: `split` is another word, `size` or `limit` is below 1, or a file cannot be
            read as a picture.

    Example:
        >>> pictures, labels, names = load_pictures("test_set", limit=2)
        >>> pictures.shape, labels.tolist(), names
        (torch.Size([4, 3, 28, 28]), [0, 0, 1, 1], ('cats', 'dogs'))
    """
    require_word("split", split, SPLITS)
    require_count("size", size)
    if limit is not None:
        require_count("limit", limit)
    return _load(data_folder(), split, size, limit)


def load_pets(split: str, size: int = 28) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """Load the drawn cats and dogs that come with the lessons, all cats first.

    Unlike `load_pictures`, never your own photographs, whatever CNN_BASICS_DATA names.

    Args:
        split: `"training_set"` (1,000 of each) or `"test_set"` (300 of each).
        size: Side of the square that each picture is resized to, in pixels; 64 as drawn.

    Returns:
        Pictures, `(N, 3, size, size)` uint8, values 0 to 255; labels, `(N,)` int64, 0 for cats
        and 1 for dogs; and the class names, whose index is the label.

    Raises:
        FileNotFoundError: The bundled pictures are not where the project keeps them.
        TypeError: `size` is not a whole number.
        ValueError: `split` is another word, or `size` is below 1.

    Example:
        >>> load_pets("test_set", size=14)[0].shape
        torch.Size([600, 3, 14, 14])
    """
    require_word("split", split, SPLITS)
    require_count("size", size)
    return _load(_whole(BUNDLED, chosen=False), split, size, limit=None)


def _load(
    folder: Path, split: str, size: int, limit: int | None
) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """Load one split of a folder that has the layout."""
    paths = [_paths(folder, split, species)[:limit] for species in SPECIES]
    files = [path for group in paths for path in group]
    with strict_about_bombs():
        pictures = np.stack(list(in_threads(lambda path: read_square(path, size), files)))
    labels = np.repeat(np.arange(len(SPECIES)), [len(group) for group in paths])
    nchw = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    return nchw, torch.from_numpy(labels).to(torch.int64), SPECIES


def _paths(folder: Path, split: str, species: str) -> list[Path]:
    """The pictures of one class in order, at least one."""
    inside = folder / split / split / species
    paths = [path for path in inside.iterdir() if is_picture(path)]
    if not paths:
        raise FileNotFoundError(
            f"{inside} holds no pictures, expected files that end in {', '.join(SUFFIXES)}: "
            f"put your {species} there, for example {species[:-1]}.1.jpg"
        )
    return sorted(paths, key=by_number)


def _whole(folder: Path, chosen: bool) -> Path:
    """The same folder, or the sentence that says what it lacks."""
    missing = [part for part in _layout() if not (folder / part).is_dir()]
    if not missing:
        return folder
    source = f"{FOLDER_VARIABLE} names {folder}" if chosen else f"the lessons look in {folder}"
    raise FileNotFoundError(
        f"{source}, expected a folder that holds {', '.join(p.as_posix() for p in _layout())}, "
        f"got one without {missing[0].as_posix()}: {_folder_fix(folder, chosen)}"
    )


def _layout() -> list[Path]:
    """The four folders that the data folder must hold."""
    return [Path(split, split, species) for split in SPLITS for species in SPECIES]


def _folder_fix(folder: Path, chosen: bool) -> str:
    """What to do about a folder that lacks the layout; looks one or two levels up and down."""
    if not chosen:
        return f"restore data/ from the repository, or set {FOLDER_VARIABLE} to your own pictures"
    if not folder.exists():
        return f"there is no such folder, so check its name, or unset {FOLDER_VARIABLE}"
    nearby = [*folder.absolute().parents[:3], *sorted(folder.glob("*"))]
    for candidate in nearby:
        if all((candidate / part).is_dir() for part in _layout()):
            return f"set {FOLDER_VARIABLE} to {candidate}"
    return "move your pictures into these folders"
