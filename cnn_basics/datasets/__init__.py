"""Pictures as tensors: the bundled pets, real digits, any folder of photos, a public photo set.

Whatever the source, pictures come as one uint8 tensor `(N, C, H, W)`, labels as int64 `(N,)`, and
the class names as a tuple whose index is the label.

Example:
    >>> pictures, labels, names = load_pets("test_set")
    >>> pictures.shape, labels.bincount().tolist(), names
    (torch.Size([600, 3, 28, 28]), [300, 300], ('cats', 'dogs'))
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from cnn_basics.datasets.downloading import download as download
from cnn_basics.datasets.photos import SUFFIXES, pictures_in, read_squares
from cnn_basics.datasets.photos import Photos as Photos
from cnn_basics.datasets.photos import load_folder as load_folder
from cnn_basics.expect import expect, whole

Loaded = tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]
SPLITS = ("training_set", "test_set")
SPECIES = ("cats", "dogs")
FOLDER_VARIABLE = "CNN_BASICS_DATA"
BUNDLED = Path(__file__).resolve().parents[2] / "data" / "cat-and-dog"
BITMAP = 32  # side of the bitmaps whose black pixels were counted for a digit, in blocks of 4×4


def data_folder() -> Path:
    """Name the folder that holds the pictures of cats and dogs.

    Returns:
        Your own photographs come first: the folder that the environment variable CNN_BASICS_DATA
        names. Without it, the drawn pets that come with the lessons.

    Example:
        >>> data_folder().name
        'cat-and-dog'
    """
    return Path(os.environ.get(FOLDER_VARIABLE) or BUNDLED).expanduser()


def picture_paths(split: str, species: str) -> list[Path]:
    """List the pictures of one class, in the order of the number in their name.

    Args:
        split: `"training_set"` or `"test_set"`.
        species: `"cats"` or `"dogs"`.

    Returns:
        The paths, `cat.2.png` before `cat.10.png`; files that are no pictures are left out.

    Raises:
        FileNotFoundError, ValueError: There are none, or a word is another.

    Example:
        >>> [path.name for path in picture_paths("training_set", "cats")[:2]]
        ['cat.1.png', 'cat.2.png']
    """
    expect(species in SPECIES, 'species "cats" or "dogs"', repr(species), "use one of these words")
    return _paths(data_folder(), split, species)


def load_pictures(split: str, size: int = 28, limit: int | None = None) -> Loaded:
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
        TypeError, ValueError: An argument is something else, or a file cannot be read.

    Example:
        >>> pictures, labels, names = load_pictures("test_set", limit=2)
        >>> pictures.shape, labels.tolist(), names
        (torch.Size([4, 3, 28, 28]), [0, 0, 1, 1], ('cats', 'dogs'))
    """
    return _load(data_folder(), split, size, limit)


def load_pets(split: str, size: int = 28) -> Loaded:
    """Load the drawn cats and dogs that come with the lessons, whatever CNN_BASICS_DATA names.

    Args:
        split: `"training_set"` (1,000 of each) or `"test_set"` (300 of each).
        size: Side of the square that each picture is resized to, in pixels; 64 as drawn.

    Returns:
        Pictures, `(N, 3, size, size)` uint8, labels and class names, as `load_pictures` does.

    Raises:
        FileNotFoundError, TypeError, ValueError: As `load_pictures`.

    Example:
        >>> load_pets("test_set", size=14)[0].shape
        torch.Size([600, 3, 14, 14])
    """
    return _load(BUNDLED, split, size, limit=None)


def load_digits(split: str | None = None) -> Loaded:
    """Load the 1,797 handwritten digits that come with scikit-learn.

    Each is 8×8 values from 0 to 16: how many pixels of a 4×4 block of the scanned bitmap are
    ink. Here they become 0…255 in blocks of 3×3 equal pixels, in a frame of 2 black pixels:
    2 + 8·3 + 2 = 28, the side that `Custom_CNN(10, 1)` takes. Nothing is lost or made up.

    Args:
        split: `"training_set"` (1,437 pictures), `"test_set"` (every fifth), or None for all.

    Returns:
        Pictures, `(N, 1, 28, 28)` uint8, ink is bright; labels, `(N,)` int64, 0 to 9; and the
        class names `("0", …, "9")`.

    Raises:
        ValueError: `split` is another word.

    Example:
        >>> pictures, labels, names = load_digits("test_set")
        >>> pictures.shape, labels[:5].tolist()
        (torch.Size([360, 1, 28, 28]), [0, 2, 4, 7, 1])

    Source:
        E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine
        Learning Repository, 1998 (CC BY 4.0), https://doi.org/10.24432/C50P49.
    """
    from sklearn import datasets

    values, labels = datasets.load_digits(return_X_y=True)
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[np.argsort(labels, kind="stable")[::5]] = True
    chosen = is_test == (_split(split) == "test_set") if split is not None else is_test | True
    pictures = _enlarge(torch.from_numpy(values[chosen]).view(-1, 1, 8, 8))
    return pictures, torch.from_numpy(labels[chosen]).to(torch.int64), tuple("0123456789")


def digit_from_drawing(drawing: np.ndarray) -> torch.Tensor:
    """Bring a drawn digit, `(H, W)` bool or uint8, into the form of `load_digits`.

    As those were made: the drawing is cropped to its ink, scaled until it fills 32 pixels in
    height or width, put in the middle of a 32×32 bitmap, and its ink is summed in blocks of 4×4.
    """
    what = "a drawing as an array of shape (H, W), bool or uint8"
    fits = isinstance(drawing, np.ndarray) and drawing.dtype in (np.bool_, np.uint8)
    expect(fits, what, drawing, "use for example (drawing > 0.5)", TypeError)
    expect(drawing.ndim == 2 and drawing.size, what, drawing, "give one grey picture")
    ink = drawing if drawing.dtype == np.uint8 else drawing.astype(np.uint8) * 255
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    bitmap = np.zeros((BITMAP, BITMAP))
    if rows.size:
        cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = BITMAP / max(cropped.shape)
        height, width = (max(1, round(side * scale)) for side in cropped.shape)
        filled = Image.fromarray(cropped).resize((width, height), Image.Resampling.BILINEAR)
        top, left = (BITMAP - height) // 2, (BITMAP - width) // 2
        bitmap[top : top + height, left : left + width] = np.asarray(filled) / 255
    blocks = bitmap.reshape(8, 4, 8, 4).sum(axis=(1, 3)).round()
    return _enlarge(torch.from_numpy(blocks).view(1, 1, 8, 8))


def _enlarge(values: torch.Tensor) -> torch.Tensor:
    """`(N, 1, 8, 8)` from 0 to 16 becomes `(N, 1, 28, 28)` uint8."""
    grey = (values * 255 / 16).round().to(torch.uint8)
    return F.pad(grey.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3), (2, 2, 2, 2))


def _load(folder: Path, split: str, size: int, limit: int | None) -> Loaded:
    size = whole(size, "size", 1, "write for example size=28")
    limit = None if limit is None else whole(limit, "limit", 1)
    groups = [_paths(folder, split, species)[:limit] for species in SPECIES]
    pictures, reasons = read_squares([path for group in groups for path in group], size)
    for reason in filter(None, reasons):
        raise ValueError(reason)
    labels = torch.tensor([label for label, group in enumerate(groups) for _ in group])
    return torch.from_numpy(pictures), labels, SPECIES


def _paths(folder: Path, split: str, species: str) -> list[Path]:
    """The pictures of one class in order, at least one."""
    inside = folder / _split(split) / split / species
    paths = pictures_in(inside) if inside.is_dir() else []
    fix = f"set {FOLDER_VARIABLE} to the folder that holds {' and '.join(SPLITS)}, or unset it"
    if folder == BUNDLED:
        fix = "restore data/ from the repository"
    got = f"none in {inside}" if inside.is_dir() else f"no folder {inside}"
    expect(paths, f"pictures ({', '.join(SUFFIXES)})", got, fix, FileNotFoundError)
    return paths


def _split(word: object) -> str:
    what = 'split "training_set" or "test_set"'
    expect(word in SPLITS, what, repr(word), "use one of these words")
    return word
