"""Where the pictures of cats and dogs are, and how they become tensors."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import torch

from cnn_basics.images import read_image, resize

SPLITS = ("training_set", "test_set")
SPECIES = ("cats", "dogs")
SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")
FOLDER_VARIABLE = "CNN_BASICS_DATA"
BUNDLED = Path(__file__).resolve().parent.parent / "data" / "cat-and-dog"


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
    folder = Path(chosen).expanduser() if chosen else BUNDLED
    missing = [part for part in _layout() if not (folder / part).is_dir()]
    if not missing:
        return folder
    source = f"{FOLDER_VARIABLE} names {folder}" if chosen else f"the lessons look in {folder}"
    raise FileNotFoundError(
        f"{source}, expected a folder that holds {', '.join(p.as_posix() for p in _layout())}, "
        f"got one without {missing[0].as_posix()}: {_folder_fix(folder, bool(chosen))}"
    )


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
    _require_word("split", split, SPLITS)
    _require_word("species", species, SPECIES)
    folder = data_folder() / split / split / species
    paths = [path for path in folder.iterdir() if _is_picture(path)]
    if not paths:
        raise FileNotFoundError(
            f"{folder} holds no pictures, expected files that end in {', '.join(SUFFIXES)}: "
            f"put your {species} there, for example {species[:-1]}.1.jpg"
        )
    return sorted(paths, key=_by_number)


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
    _require_count("size", size)
    if limit is not None:
        _require_count("limit", limit)
    paths = [picture_paths(split, species)[:limit] for species in SPECIES]
    pictures = np.stack([resize(read_image(path), size) for group in paths for path in group])
    labels = np.repeat(np.arange(len(SPECIES)), [len(group) for group in paths])
    nchw = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
    return nchw, torch.from_numpy(labels).to(torch.int64), SPECIES


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


def _require_word(name: str, got: str, expected: tuple[str, ...]) -> None:
    if got not in expected:
        words = " or ".join(f'"{word}"' for word in expected)
        raise ValueError(f"expected {name} {words}, got {got!r}: use one of these words")


def _require_count(name: str, got: int) -> None:
    if isinstance(got, bool) or not isinstance(got, (int, np.integer)):
        raise TypeError(f"expected {name} as a whole number, got {got!r}: use for example 28")
    if got < 1:
        raise ValueError(f"expected {name} of at least 1, got {got}: use for example 28")


def _is_picture(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()


def _by_number(path: Path) -> tuple[int, str]:
    """Sort key: the last whole number in the name, then the name; names without one come last."""
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]), path.name) if numbers else (2**63, path.name)
