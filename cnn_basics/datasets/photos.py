"""Any folder of photos, one folder for each class, as tensors."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from os import PathLike
from pathlib import Path

import numpy as np
import PIL
import torch

from cnn_basics.datasets.downloading import CACHE_VARIABLE, cache_folder
from cnn_basics.expect import expect, whole
from cnn_basics.images import read_image, resize, strict_about_bombs

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff")
SUFFIXES += (".heic", ".heif", ".avif")  # which Pillow reads with a plug-in
OF_SYSTEMS = ("__macosx", "thumbs.db", "desktop.ini")  # besides names that begin with a dot
# What is kept depends on this; the number is counted up when the form changes.
FORMAT = f"4 Pillow {PIL.__version__} {find_spec('pillow_heif') is not None}"
FINER = 2  # a JPEG is decoded at no less than this many times the size asked for
NAMED = 5  # skipped files that are named; the others are counted
NO_PICTURE = (
    f"is no picture by its name (expected {', '.join(SUFFIXES)}): save it as JPEG or PNG, move the "
    "pictures of a folder one level up, or remove it"
)


@dataclass(frozen=True, eq=False, repr=False)
class Photos:
    """Photos as tensors; unpacks as `pictures, labels, class_names`."""

    pictures: torch.Tensor  # (N, 3, size, size) uint8
    labels: torch.Tensor  # (N,) int64, the index into class_names
    class_names: tuple[str, ...]
    paths: tuple[Path, ...]  # the N files
    skipped: dict[Path, str] = field(default_factory=dict)  # what is missing, and why
    hidden: int = 0  # files of the system that were left out, such as .DS_Store

    def __iter__(self) -> Iterator[torch.Tensor | tuple[str, ...]]:
        """Yield pictures, labels and class names."""
        return iter((self.pictures, self.labels, self.class_names))

    def __repr__(self) -> str:
        """Say how many pictures of which class there are, and how many files were left out."""
        counts = self.labels.bincount(minlength=len(self.class_names)).tolist()
        each = ", ".join(f"{n:,} {name}" for n, name in zip(counts, self.class_names, strict=True))
        height, width = self.pictures.shape[2:]
        skipped = f"; skipped: {len(self.skipped):,}" if self.skipped else ""
        hidden = f"; left out, of the system: {self.hidden:,}" if self.hidden else ""
        return f"{len(self.labels):,} pictures of {height}×{width} pixels: {each}{skipped}{hidden}"


def load_folder(
    path: str | PathLike[str],
    size: int,
    *,
    split: str | None = None,
    limit: int | None = None,
    strict: bool = False,
    progress: bool = True,
    cache: bool = True,
) -> Photos:
    """Load a folder of photos, one folder for each class, as tensors.

    The decoded pixels are kept on disk. The next call looks at the content of every file, and
    decodes again as soon as one was changed, added or removed.

    Args:
        path: A folder with one folder for each class, or one that holds `<split>/<class>`,
            `<split>/<split>/<class>` or `PetImages/<class>`.
        size: Side of the square that each whole picture is squeezed to, in pixels.
        split: Which split, where there are several, for example `"training_set"`.
        limit: At most so many files of each class, from the lowest number on; None for all.
        strict: Refuse a file that cannot be read, instead of skipping it.
        progress: Show a bar if it takes more than a second, and say which files were skipped.
        cache: Keep the pixels in CNN_BASICS_CACHE or the user's cache folder.

    Returns:
        Photos: they unpack as pictures `(N, 3, size, size)` uint8, labels `(N,)` int64 and class
        names (the folders in alphabetical order), and know their `paths` and what was `skipped`.

    Example:
        >>> from cnn_basics.datasets import BUNDLED
        >>> load_folder(BUNDLED, 32, split="test_set", limit=5, cache=False)
        10 pictures of 32×32 pixels: 5 cats, 5 dogs
    """
    size = whole(size, "size", 1, "write for example size=64")
    limit = None if limit is None else whole(limit, "limit", 1)
    folder, classes = _find_classes(Path(path).expanduser(), split)
    classes = {inside: pictures[:limit] for inside, pictures in classes.items()}
    files = [file for pictures in classes.values() for file in pictures]
    pixels, reasons = _read_or_recall(files, folder, size, limit, progress, cache)
    skipped = {
        path: f"{_printable(path)} {NO_PICTURE}"
        for inside in classes
        for path in sorted(set(_shown(inside)) - set(pictures_in(inside)))
    }
    skipped |= {file: why for file, why in zip(files, reasons, strict=True) if why}
    if strict and skipped:
        raise ValueError(next(iter(skipped.values())))
    for inside, (first, *others) in classes.items():
        got = f"none in {1 + len(others):,} files (the first: {skipped.get(first)})"
        some = first not in skipped or any(file not in skipped for file in others)
        expect(some, f"at least one readable picture of {inside.name}", got, "copy them again")
    if skipped and progress:
        names = ", ".join(_printable(one.relative_to(folder)) for one in [*skipped][:NAMED])
        print(f"Skipped (.skipped says why): {names}{', …' if len(skipped) > NAMED else ''}")
    paths = tuple(file for file in files if file not in skipped)
    places = {inside: label for label, inside in enumerate(classes)}
    labels = torch.tensor([places[path.parent] for path in paths])
    names = tuple(_printable(inside.name) for inside in classes)
    hidden = sum(len(os.listdir(each)) - len(_shown(each)) for each in (folder, *classes))
    return Photos(torch.from_numpy(pixels), labels, names, paths, skipped, hidden)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder by the last number in their names; those without one come last."""
    found = [path for path in _shown(folder) if path.suffix.lower() in SUFFIXES and path.is_file()]
    return sorted(found, key=lambda path: int((re.findall(r"\d+", path.stem) or [2**63])[-1]))


def _shown(folder: Path) -> list[Path]:
    """What lies in a folder, in alphabetical order, without what systems leave there."""
    names = sorted(os.listdir(folder))
    return [folder / n for n in names if not (n.startswith(".") or n.lower() in OF_SYSTEMS)]


def _folders(folder: Path) -> list[Path]:
    return [path for path in _shown(folder) if path.is_dir()]


def _printable(name: str | Path) -> str:
    """A name whose bytes are no UTF-8, as old archives leave them, can be printed, too."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").replace(os.sep, "/")


def _find_classes(root: Path, split: str | None) -> tuple[Path, dict[Path, list[Path]]]:
    """The folder whose folders are the classes, and the pictures of each, at least one."""
    what = "a folder of photos"
    expect(root.exists(), what, f"nothing at {root}", "check its name", FileNotFoundError)
    expect(root.is_dir(), what, f"the file {root}", "unpack it, or name its folder")
    if split is not None:
        names = [path.name for path in _folders(root)]
        there = ", ".join(f'"{name}"' for name in names) or "none"
        expect(split in names, f"split as a folder in {root}", repr(split), f"there are {there}")
        root = root / split
    while True:
        classes = {folder: pictures_in(folder) for folder in _folders(root)}
        nested = [each for each, pictures in classes.items() if _folders(each) and not pictures]
        if not len(classes) == len(nested) == 1:
            break
        (root,) = nested  # as in `<split>/<split>`
    splits = " or ".join(f'split="{path.name}"' for path in nested)
    what, got = "pictures in one folder for each class", f"folders inside folders in {root}"
    expect(not splits, what, got, f"name the split, {splits}, or move the pictures one level up")
    found = [f"{len(pictures)} in {folder.name}" for folder, pictures in classes.items()]
    found += [f"{len(loose)} beside the folders"] if (loose := pictures_in(root)) else []
    got, fix = f"{', '.join(found) or 'none'} of {root}", "give each class a folder, or remove it"
    expect(len(classes) > 1 and all(classes.values()), f"{what}, two classes or more", got, fix)
    return root, classes


def read_squares(
    files: Sequence[Path], size: int, progress: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Read those files that can be, `(N, 3, size, size)` uint8; and for each why not, or ""."""
    pictures = np.empty((len(files), 3, size, size), dtype=np.uint8)

    def read(number: int) -> str:
        try:
            square = resize(read_image(files[number], at_least=FINER * size), size)
        except (OSError, ValueError) as error:
            return _printable(str(error))
        pictures[number] = square.transpose(2, 0, 1)
        return ""

    reasons = _in_threads(read, range(len(files)), "reading photos", progress)
    readable = [number for number, why in enumerate(reasons) if not why]
    for place, number in enumerate(readable):  # closes the gaps without a second copy of all
        pictures[place] = pictures[number]
    return pictures[: len(readable)], reasons


def _in_threads(function: Callable, items: Sequence, words: str, progress: bool) -> list:
    """Apply a function in threads, which reading and decoding files lets run at the same time."""
    from tqdm.auto import tqdm

    with strict_about_bombs(), ThreadPoolExecutor() as threads:
        results = threads.map(function, items)
        return list(tqdm(results, words, len(items), delay=1, unit="file", disable=not progress))


def _read_or_recall(
    files: list[Path], folder: Path, size: int, limit: int | None, progress: bool, cache: bool
) -> tuple[np.ndarray, list[str]]:
    """As `read_squares`, or what was kept of it if no file has changed since."""
    if not cache:
        return read_squares(files, size, progress)
    contents = _in_threads(_digest, files, "looking for changes", progress)
    names = [file.relative_to(folder) for file in files]
    key, place = (
        hashlib.blake2b(repr(what).encode(), digest_size=32).hexdigest()
        for what in [(FORMAT, names, contents), (folder.resolve(), size, limit)]
    )
    path = cache_folder() / "photos" / f"{place}.npz"  # the only one, so that none pile up
    with suppress(Exception), open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
        if str(kept["key"]) == key:  # a damaged file can fail anywhere, and is as good as none
            return kept["pictures"], kept["reasons"].tolist()
    pictures, reasons = read_squares(files, size, progress)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as aside:  # never half a file
            fresh = Path(aside, path.name)
            np.savez(fresh, key=key, pictures=pictures, reasons=reasons)
            os.replace(fresh, path)
    except OSError as error:
        warnings.warn(
            f"the decoded photos could not be kept in {path.parent} ({error.strerror or error}): "
            f"they will be decoded again, unless {CACHE_VARIABLE} names another folder",
            stacklevel=3,
        )
    return pictures, reasons


def _digest(file: Path) -> str:
    try:
        return hashlib.blake2b(file.read_bytes()).hexdigest()
    except OSError as error:  # it will be skipped, for this reason
        return type(error).__name__
