"""Pictures as tensors: the bundled pets, real digits, any folder of photos, a public photo set.

Whatever the source, pictures come as one uint8 tensor `(N, C, H, W)`, labels as int64 `(N,)`, and
the class names as a tuple whose index is the label.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
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
from cnn_basics.images import read_image

Loaded = tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]
SPLITS = ("training_set", "test_set")
SPECIES = ("cats", "dogs")
SAMPLES = ("china.jpg", "flower.jpg")
FOLDER_VARIABLE = "CNN_BASICS_DATA"
BUNDLED = Path(__file__).resolve().parents[2] / "data" / "cat-and-dog"
BITMAP = 32  # side of the bitmaps whose black pixels were counted for a digit, in blocks of 4×4


def data_folder() -> Path:
    """Name the folder of cats and dogs: the one that CNN_BASICS_DATA names, or the drawn pets.

    Example:
        >>> data_folder().name
        'cat-and-dog'
    """
    return Path(os.environ.get(FOLDER_VARIABLE) or BUNDLED).expanduser()


def picture_paths(split: str, species: str, folder: Path | None = None) -> list[Path]:
    """List the pictures of one class, in the order of the number in their name.

    Args:
        split: `"training_set"` or `"test_set"`.
        species: `"cats"` or `"dogs"`.
        folder: Where they are; None for `data_folder()`.

    Example:
        >>> [path.name for path in picture_paths("training_set", "cats")[:2]]
        ['cat.1.png', 'cat.2.png']
    """
    expect(species in SPECIES, 'species "cats" or "dogs"', repr(species), "use one of these")
    folder = folder or data_folder()
    inside = folder / _split(split) / split / species
    paths = pictures_in(inside) if inside.is_dir() else []
    fix = f"set {FOLDER_VARIABLE} to the folder that holds {' and '.join(SPLITS)}, or unset it"
    if folder == BUNDLED:
        fix = "restore data/ from the repository"
    got = f"none in {inside}" if inside.is_dir() else f"no folder {inside}"
    expect(paths, f"pictures ({', '.join(SUFFIXES)})", got, fix, FileNotFoundError)
    return paths


def load_pictures(
    split: str, size: int = 28, limit: int | None = None, folder: Path | None = None
) -> Loaded:
    """Load the cats and the dogs of one split as tensors, all cats first.

    Args:
        split: `"training_set"` or `"test_set"`.
        size: Side of the square that each whole picture is squeezed to, in pixels.
        limit: At most so many pictures of each class, from the lowest number on; None for all.
        folder: Where they are; None for `data_folder()`.

    Returns:
        Pictures, `(N, 3, size, size)` uint8, values 0 to 255; labels, `(N,)` int64; class names.

    Example:
        >>> pictures, labels, names = load_pictures("test_set", limit=2)
        >>> pictures.shape, labels.tolist(), names
        (torch.Size([4, 3, 28, 28]), [0, 0, 1, 1], ('cats', 'dogs'))
    """
    size = whole(size, "size", 1, "write for example size=28")
    limit = None if limit is None else whole(limit, "limit", 1)
    groups = [picture_paths(split, species, folder)[:limit] for species in SPECIES]
    pictures, reasons = read_squares([path for group in groups for path in group], size)
    for reason in filter(None, reasons):
        raise ValueError(reason)
    labels = torch.tensor([label for label, group in enumerate(groups) for _ in group])
    return torch.from_numpy(pictures), labels, SPECIES


def load_pets(split: str, size: int = 28) -> Loaded:
    """Load the drawn pets, 64×64, as `load_pictures` does, whatever CNN_BASICS_DATA names.

    Example:
        >>> load_pets("test_set", size=14)[0].shape
        torch.Size([600, 3, 14, 14])
    """
    return load_pictures(split, size, folder=BUNDLED)


def load_digits(split: str | None = None, *, enlarge: bool = True) -> Loaded:
    """Load the 1,797 handwritten digits that come with scikit-learn.

    Each is 8×8 values from 0 to 16: how many pixels of a 4×4 block of the scanned bitmap are
    ink. Enlarged they are 0…255 in blocks of 3×3 equal pixels, in a frame of 2 black pixels:
    2 + 8·3 + 2 = 28, the side that `Custom_CNN(10, 1)` takes. Nothing is lost or made up.
    Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine
    Learning Repository, 1998 (CC BY 4.0), https://doi.org/10.24432/C50P49.

    Args:
        split: `"training_set"` (1,437 pictures), `"test_set"` (every fifth), or None for all.
        enlarge: False leaves them at 8×8 values from 0 to 16.

    Returns:
        Pictures, `(N, 1, 28, 28)` or `(N, 1, 8, 8)` uint8, ink is bright; labels, `(N,)` int64,
        0 to 9; and the class names `("0", …, "9")`.

    Example:
        >>> pictures, labels, names = load_digits("test_set")
        >>> pictures.shape, labels[:5].tolist()
        (torch.Size([360, 1, 28, 28]), [0, 2, 4, 7, 1])
    """
    table = np.loadtxt(_of_sklearn("data/digits.csv.gz"), dtype=np.uint8, delimiter=",")
    values, labels = torch.from_numpy(table).view(-1, 65).split([64, 1], dim=1)
    values, labels = values.reshape(-1, 1, 8, 8), labels.flatten().long()
    if split is not None:
        is_test = torch.zeros(len(labels), dtype=torch.bool)
        is_test[labels.argsort(stable=True)[::5]] = True
        chosen = is_test == (_split(split) == "test_set")
        values, labels = values[chosen], labels[chosen]
    return _enlarge(values) if enlarge else values, labels, tuple("0123456789")


def load_sample_image(name: str) -> np.ndarray:
    """Load a photograph of scikit-learn, `"china.jpg"` or `"flower.jpg"`, without importing it.

    Example:
        >>> load_sample_image("flower.jpg").shape
        (427, 640, 3)
    """
    expect(name in SAMPLES, f"name as one of {', '.join(SAMPLES)}", repr(name), "use one of them")
    return read_image(_of_sklearn(f"images/{name}"))


def _of_sklearn(name: str) -> Path:
    """A data file inside the installed scikit-learn, whose import would cost 70 MB."""
    return Path(find_spec("sklearn").origin).with_name("datasets") / name


def digit_from_drawing(drawing: np.ndarray) -> torch.Tensor:
    """Bring a drawn digit, `(H, W)` bool or uint8, into the form of `load_digits`.

    As those were made: the drawing is cropped to its ink, scaled until it fills 32 pixels in
    height or width, put in the middle of a 32×32 bitmap, and its ink is summed in blocks of 4×4.
    """
    ink = Image.fromarray(drawing * np.uint8(255) if drawing.dtype == np.bool_ else drawing)
    cropped = ink.crop(ink.getbbox() or (0, 0, 1, 1))
    scale = BITMAP / max(cropped.size)
    width, height = (max(1, round(side * scale)) for side in cropped.size)
    filled = cropped.resize((width, height), Image.Resampling.BILINEAR)
    paper = Image.new("L", (BITMAP, BITMAP))
    paper.paste(filled, ((BITMAP - width) // 2, (BITMAP - height) // 2))
    blocks = (np.asarray(paper) / 255).reshape(8, 4, 8, 4).sum(axis=(1, 3)).round()
    return _enlarge(torch.from_numpy(blocks).view(1, 1, 8, 8))


def _enlarge(values: torch.Tensor) -> torch.Tensor:
    """`(N, 1, 8, 8)` from 0 to 16 becomes `(N, 1, 28, 28)` uint8."""
    grey = (values.double() * 255 / 16).round().to(torch.uint8)
    return F.pad(grey.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3), (2, 2, 2, 2))


def _split(word: object) -> str:
    expect(word in SPLITS, 'split "training_set" or "test_set"', repr(word), "use one of these")
    return word
