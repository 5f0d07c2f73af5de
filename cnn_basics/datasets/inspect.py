"""A look at photos before anything is learned from them: sizes, duplicates, near-duplicates."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from cnn_basics.datasets.decoding import in_threads, strict_about_bombs

CELLS = 8  # a fingerprint compares the neighbours in 8 rows of 9 grey values
GREY = (0.299, 0.587, 0.114)  # how bright red, green and blue look: Rec. ITU-R BT.601


def picture_sizes(paths: Sequence[str | PathLike[str]]) -> Tensor:
    """Read the size of each picture from the beginning of its file, without decoding it.

    Args:
        paths: Picture files, at least one, such as the `paths` of `load_folder`.

    Returns:
        `(N, 2)` int64: width and height in pixels, as the file stores them.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A file is no picture, or there are no files.

    Example:
        >>> from cnn_basics.datasets import picture_paths
        >>> picture_sizes(picture_paths("training_set", "cats")[:2]).tolist()
        [[64, 64], [64, 64]]
    """
    _require_some(paths)
    with strict_about_bombs():
        return torch.tensor(list(in_threads(_size, paths)))


def find_duplicates(paths: Sequence[str | PathLike[str]]) -> list[tuple[Path, ...]]:
    """Find files that are the same, byte for byte, under whatever names.

    Args:
        paths: Files, at least one.

    Returns:
        One tuple for each picture that is there more than once, in the order of `paths`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There are no files.

    Example:
        >>> from cnn_basics.datasets import picture_paths
        >>> paths = picture_paths("training_set", "cats")[:3]
        >>> find_duplicates(paths)
        []
        >>> [len(group) for group in find_duplicates([*paths, paths[0]])]
        [2]
    """
    _require_some(paths)
    groups: dict[str, list[Path]] = defaultdict(list)
    for path, digest in zip(paths, in_threads(_digest, paths), strict=True):
        groups[digest].append(Path(path))
    return [tuple(group) for group in groups.values() if len(group) > 1]


def find_near_duplicates(pictures: Tensor, others: Tensor | None = None, most: int = 4) -> Tensor:
    """Find pairs of pictures that look the same: saved again, scaled, or a little brighter.

    A picture is shrunk to 8 rows of 9 grey values. Its fingerprint says for each of the 64 pairs
    of neighbours in a row which of the two is brighter. Two different photos differ in about half
    of the 64 answers.

    Args:
        pictures: `(N, 3, H, W)` uint8 or float.
        others: `(M, 3, H, W)`, to be compared with `pictures`, such as the test pictures; None
            compares `pictures` with each other.
        most: In how many of the 64 answers a pair may differ, from 0.

    Returns:
        `(P, 2)` int64: index in `pictures` and index in `others`, the first smaller than the
        second where there are no others.

    Raises:
        ValueError: `pictures` or `others` has another shape, or `most` is not from 0 to 64.

    Example:
        >>> pictures = torch.rand(5, 3, 28, 28, generator=torch.Generator().manual_seed(0))
        >>> again = torch.cat([pictures, pictures[1:2] * 0.9])
        >>> find_near_duplicates(again).tolist()
        [[1, 5]]

    Source:
        The difference hash of N. Krawetz (2013), "Kind of like that",
        https://www.hackerfactor.com/blog/?/archives/529-Kind-of-Like-That.html
    """
    if not 0 <= most <= CELLS * CELLS:
        raise ValueError(f"expected most from 0 to {CELLS * CELLS}, got {most}: use for example 4")
    ours = _fingerprints(pictures)
    theirs = ours if others is None else _fingerprints(others)
    agree_minus_differ = ours @ theirs.T  # (N, M): each of the 64 answers adds 1 or takes 1 away
    close = agree_minus_differ >= CELLS * CELLS - 2 * most
    return (close.triu(diagonal=1) if others is None else close).nonzero()


def _require_some(paths: Sequence[str | PathLike[str]]) -> None:
    if not len(paths):
        raise ValueError("expected at least one file, got none: give the paths of some pictures")


def _size(path: str | PathLike[str]) -> tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist: check its name") from None
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as a picture ({type(error).__name__}): leave it out"
        ) from error


def _digest(path: str | PathLike[str]) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} does not exist: check its name") from None


def _fingerprints(pictures: Tensor) -> Tensor:
    """(N, 64) float: 1 where the right one of two neighbours is brighter, −1 elsewhere."""
    if pictures.ndim != 4 or pictures.shape[1] != 3:
        raise ValueError(
            f"expected pictures (N, 3, H, W), got {tuple(pictures.shape)}: "
            "load them with load_folder"
        )
    weight = torch.tensor(GREY).view(1, 3, 1, 1)
    grey = torch.cat([(part.float() * weight).sum(1, keepdim=True) for part in pictures.split(256)])
    small = F.adaptive_avg_pool2d(grey, (CELLS, CELLS + 1))  # (N, 1, 8, 9)
    brighter = small[..., 1:] > small[..., :-1]
    return brighter.flatten(1).float() * 2 - 1
