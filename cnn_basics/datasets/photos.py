"""Any folder of photos, one folder for each class, as tensors."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL
import torch

from cnn_basics.datasets.downloading import CACHE_VARIABLE, cache_folder
from cnn_basics.expect import expect, whole
from cnn_basics.images import read_image, resize, strict_about_bombs

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")
OF_SYSTEMS = ("__macosx", "thumbs.db", "desktop.ini")  # besides names that begin with a dot
FORMAT = f"3 Pillow {PIL.__version__}"  # what is kept depends on it; counted up when that changes
FINER = 2  # a JPEG is decoded at no less than this many times the size asked for
NAMED = 5  # skipped files that are named; the others are counted


class Skipped(NamedTuple):
    """A file that is not among the pictures, and why, in one sentence."""

    path: Path
    reason: str


@dataclass(frozen=True, eq=False, repr=False)
class Photos:
    """Photos as tensors; unpacks as `pictures, labels, class_names`."""

    pictures: torch.Tensor  # (N, 3, size, size) uint8
    labels: torch.Tensor  # (N,) int64, the index into class_names
    class_names: tuple[str, ...]
    paths: tuple[Path, ...]  # the N files
    skipped: tuple[Skipped, ...] = ()  # the files that are missing
    hidden: int = 0  # files of the system that were left out, such as .DS_Store

    def __iter__(self) -> Iterator[torch.Tensor | tuple[str, ...]]:
        """Yield pictures, labels and class names."""
        return iter((self.pictures, self.labels, self.class_names))

    def __repr__(self) -> str:
        """Say how many pictures of which class there are, and how many files were left out."""
        counts = self.labels.bincount(minlength=len(self.class_names)).tolist()
        each = ", ".join(f"{n:,} {name}" for n, name in zip(counts, self.class_names, strict=True))
        height, width = self.pictures.shape[2:]
        skipped = f"; {_files(len(self.skipped))} skipped" if self.skipped else ""
        hidden = f"; {_files(self.hidden)} of the system left out" if self.hidden else ""
        return f"{len(self.labels):,} pictures of {height}×{width} pixels: {each}{skipped}{hidden}"


def load_folder(
    path: str | PathLike[str],
    size: int,
    *,
    split: str | None = None,
    limit: int | None = None,
    strict: bool = False,
    progress: bool = True,
    cache: bool | str | PathLike[str] = True,
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
        cache: Keep the pixels in CNN_BASICS_CACHE or the user's cache folder; or in a folder that
            you name; or, with False, nowhere.

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
    classes = {each: pictures[:limit] for each, pictures in classes.items()}
    files = [file for pictures in classes.values() for file in pictures]
    pictures, reasons = _read_or_recall(files, folder, size, limit, progress, cache)
    skipped = [each for inside in classes for each in _refuse_by_name(inside)]
    skipped += [Skipped(file, why) for file, why in zip(files, reasons, strict=True) if why]
    unread = dict(skipped)
    if strict and skipped:
        more = f" (and {len(skipped) - 1:,} more)" if len(skipped) > 1 else ""
        raise ValueError(f"{skipped[0].reason}{more}")
    for each, its in classes.items():
        what = f"at least one readable picture of {each.name}"
        got = f"none in {len(its):,} files (the first: {unread.get(its[0])})"
        expect(any(file not in unread for file in its), what, got, "copy the files again")
    if skipped and progress:
        names = ", ".join(one.path.relative_to(folder).as_posix() for one in skipped[:NAMED])
        more = ", …" if len(skipped) > NAMED else ""
        print(f"Skipped {_files(len(skipped))}: {names}{more} (.skipped says why).")
    labels = [k for k, its in enumerate(classes.values()) for file in its if file not in unread]
    return Photos(
        torch.from_numpy(pictures),
        torch.tensor(labels),
        tuple(each.name for each in classes),
        tuple(file for file in files if file not in unread),
        tuple(skipped),
        sum(_is_hidden(file) for each in (folder, *classes) for file in each.iterdir()),
    )


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder by the last number in their names; those without one come last."""

    def number(path: Path) -> tuple[int, str]:
        numbers = re.findall(r"\d+", path.stem)
        return (int(numbers[-1]), path.name) if numbers else (2**63, path.name)

    return sorted(filter(_is_picture, folder.iterdir()), key=number)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in OF_SYSTEMS


def _is_picture(path: Path) -> bool:
    return not _is_hidden(path) and path.suffix.lower() in SUFFIXES and path.is_file()


def _refuse_by_name(folder: Path) -> Iterator[Skipped]:
    """What lies among the pictures of a class and is none by its name."""
    for path in sorted(folder.iterdir()):
        why = f"is no file whose name ends in {', '.join(SUFFIXES)}: save it as JPEG or PNG"
        if path.is_dir():
            why = "is a folder inside a class, expected pictures: move them one level up"
        if not _is_hidden(path) and not _is_picture(path):
            yield Skipped(path, f"{path} {why}, or remove it")


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


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
    folders = _folders(root)
    while len(folders) == 1 and _holds_folders_only(folders[0]):  # as in `<split>/<split>`
        (root,) = folders
        folders = _folders(root)
    splits = " or ".join(f'split="{f.name}"' for f in folders if _holds_folders_only(f))
    what, got = "pictures in one folder for each class", f"folders inside folders in {root}"
    expect(not splits, what, got, f"name the split, {splits}, or move the pictures one level up")
    classes = {folder: pictures_in(folder) for folder in folders}
    found = [f"{len(pictures)} in {folder.name}" for folder, pictures in classes.items()]
    found += [f"{len(loose)} beside the folders"] if (loose := pictures_in(root)) else []
    got, fix = f"{', '.join(found) or 'none'} of {root}", "give each class a folder, or remove it"
    expect(len(classes) > 1 and all(classes.values()), f"{what}, two classes or more", got, fix)
    return root, classes


def _folders(root: Path) -> list[Path]:
    with os.scandir(root) as entries:  # which knows folders from files without asking again
        paths = [Path(entry.path) for entry in entries if entry.is_dir()]
    return sorted(path for path in paths if not _is_hidden(path))


def _holds_folders_only(folder: Path) -> bool:
    return not any(map(_is_picture, folder.iterdir())) and bool(_folders(folder))


def read_squares(
    files: Sequence[Path], size: int, progress: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Read those files that can be, `(N, 3, size, size)` uint8; and for each why not, or ""."""
    pictures = np.empty((len(files), 3, size, size), dtype=np.uint8)

    def read(number: int) -> str:
        try:
            square = resize(read_image(files[number], at_least=FINER * size), size)
        except (OSError, ValueError) as error:
            return str(error)
        pictures[number] = square.transpose(2, 0, 1)
        return ""

    reasons = _in_threads(read, range(len(files)), "reading photos", progress)
    readable = [number for number, why in enumerate(reasons) if not why]
    for place, number in enumerate(readable):  # closes the gaps without a second copy of all
        if place < number:
            pictures[place] = pictures[number]
    return pictures[: len(readable)], reasons


def _in_threads(function: Callable, items: Sequence, words: str, progress: bool) -> list:
    """Apply a function in threads, which reading and decoding files lets run at the same time."""
    from tqdm.auto import tqdm

    with strict_about_bombs(), ThreadPoolExecutor() as threads:
        results = threads.map(function, items)
        return list(tqdm(results, words, len(items), delay=1, unit="file", disable=not progress))


def _read_or_recall(
    files: list[Path],
    folder: Path,
    size: int,
    limit: int | None,
    progress: bool,
    cache: bool | str | PathLike[str],
) -> tuple[np.ndarray, list[str]]:
    """As `read_squares`, or what was kept of it if no file has changed since."""
    if cache is False:
        return read_squares(files, size, progress)
    names = [file.relative_to(folder).as_posix() for file in files]
    contents = _in_threads(_digest, files, "looking for changes", progress)
    key = hashlib.blake2b(repr((FORMAT, names, contents)).encode()).hexdigest()
    place = hashlib.blake2b(repr((folder.resolve(), limit)).encode(), digest_size=8).hexdigest()
    parent = cache_folder() / "photos" if cache is True else Path(cache).expanduser() / "photos"
    path = parent / f"{folder.name[:40]}-{size}-{place}.npz"  # the only one, so that none pile up
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) == key:
                return kept["pictures"], kept["reasons"].tolist()
    except Exception:  # a damaged file can fail anywhere, and is as good as none
        pass
    pictures, reasons = read_squares(files, size, progress)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent) as aside:  # never half a file
            fresh = Path(aside, path.name)
            np.savez(fresh, key=key, pictures=pictures, reasons=reasons)
            os.replace(fresh, path)
    except OSError as error:
        warnings.warn(
            f"the decoded photos could not be kept in {parent} ({error.strerror or error}): they "
            f"will be decoded again next time, unless {CACHE_VARIABLE} names another folder",
            stacklevel=3,
        )
    return pictures, reasons


def _digest(file: Path) -> str:
    try:
        return hashlib.blake2b(file.read_bytes()).hexdigest()
    except OSError as error:  # it will be skipped, for this reason
        return type(error).__name__
