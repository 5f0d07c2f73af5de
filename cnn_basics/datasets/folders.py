"""Any folder of photos, one folder for each class, as tensors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path

import numpy as np
import PIL
import torch

from cnn_basics.datasets.cache import cache_folder, load_arrays, save_arrays
from cnn_basics.datasets.decoding import in_threads, read_square, strict_about_bombs
from cnn_basics.datasets.layouts import Listing, list_photos
from cnn_basics.datasets.listing import require_count
from cnn_basics.datasets.photos import Photos, Skipped

FORMAT = f"1 Pillow {PIL.__version__}"  # what is kept depends on it; counted up when that changes
NAMED = 5  # skipped files that are named; the others are counted


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

    Each file is decoded once, in as many threads as there are processors; the pixels are then
    kept on disk. The next call looks at the content of every file, and decodes again as soon as
    one was changed, added or removed.

    Args:
        path: A folder with one folder for each class, or one that holds `<split>/<class>`,
            `<split>/<split>/<class>` or `PetImages/<class>`.
        size: Side of the square that each whole picture is squeezed to, in pixels.
        split: Which split, where there are several, for example `"training_set"`.
        limit: At most so many files of each class, from the lowest number on; None for all.
        strict: Refuse the folder if a file in it cannot be read, instead of skipping the file.
        progress: Show a bar if it takes more than a second, and say which files were skipped.
        cache: Keep the pixels in the user's cache folder (or the one that the environment
            variable CNN_BASICS_CACHE names); a folder to keep them there; False for neither.

    Returns:
        Photos, which unpack as pictures `(N, 3, size, size)` uint8, labels `(N,)` int64 and
        class names (the folders' names in alphabetical order, whose index is the label). They
        also know the `paths`, and what was `skipped` and why.

    Raises:
        FileNotFoundError: There is no such folder, it holds no pictures, or a class is empty.
        TypeError: `size` or `limit` is not a whole number.
        ValueError: There are several splits, another split, or one class only; none of a class's
            files can be read; or, with `strict`, any cannot.

    Example:
        >>> from cnn_basics.datasets import BUNDLED
        >>> load_folder(BUNDLED, 32, split="test_set", limit=5, cache=False)
        10 pictures of 32×32 pixels: 5 cats, 5 dogs
    """
    require_count("size", size)
    if limit is not None:
        require_count("limit", limit)
    listing = list_photos(path, split, limit)
    arrays = _decoded(listing, int(size), progress, _kept_in(listing, size, limit, cache))
    reasons = arrays["reasons"].tolist()
    unreadable = [Skipped(f, why) for f, why in zip(listing.files, reasons, strict=True) if why]
    skipped = (*listing.refused, *unreadable)
    _refuse(listing, reasons, skipped if strict else ())
    if skipped and progress:
        print(_summary(listing, skipped))
    readable = np.array([not why for why in reasons])
    return Photos(
        torch.from_numpy(arrays["pictures"]),
        torch.tensor(listing.labels)[torch.from_numpy(readable)],
        listing.class_names,
        tuple(file for file, why in zip(listing.files, reasons, strict=True) if not why),
        skipped,
    )


def _decoded(
    listing: Listing, size: int, progress: bool, kept: Path | None
) -> dict[str, np.ndarray]:
    """`pictures` of the readable files, and for every file the `reason` why it is none, or ""."""
    key = _key(listing, size, progress) if kept else ""
    arrays = load_arrays(kept, key) if kept else None
    if arrays is not None and _fits(arrays, len(listing.files), size):
        return arrays
    pictures = np.empty((len(listing.files), 3, size, size), dtype=np.uint8)

    def read(number: int) -> str:
        try:
            pictures[number] = read_square(listing.files[number], size).transpose(2, 0, 1)
        except (OSError, ValueError) as error:
            return str(error)
        return ""

    reasons = _with_bar(read, range(len(pictures)), "reading photos", progress)
    readable = [number for number, why in enumerate(reasons) if not why]
    arrays = {
        "pictures": pictures if len(readable) == len(pictures) else pictures[readable],
        "reasons": np.array(reasons),
    }
    if kept:
        save_arrays(kept, key, arrays)
    return arrays


def _fits(arrays: dict[str, np.ndarray], count: int, size: int) -> bool:
    """Whether arrays are what `_decoded` makes, so that nothing else is ever taken for it."""
    if set(arrays) != {"pictures", "reasons"} or arrays["reasons"].shape != (count,):
        return False
    readable = sum(not why for why in arrays["reasons"].tolist())
    pictures = arrays["pictures"]
    return pictures.dtype == np.uint8 and pictures.shape == (readable, 3, size, size)


def _key(listing: Listing, size: int, progress: bool) -> str:
    """A digest of the content of every file, its name, the size, and how files are decoded."""
    digests = _with_bar(_digest, listing.files, "looking for changes", progress)
    whole = hashlib.blake2b(f"{FORMAT} {size}".encode(), digest_size=16)
    for file, digest in zip(listing.files, digests, strict=True):
        whole.update(file.relative_to(listing.folder).as_posix().encode("utf-8", "surrogateescape"))
        whole.update(digest)
    return whole.hexdigest()


def _digest(file: Path) -> bytes:
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=16).digest()
    except OSError as error:  # it will be skipped, for this reason
        return type(error).__name__.encode().ljust(16)


def _with_bar(function: Callable, items: list | tuple | range, words: str, progress: bool) -> list:
    """Apply a function in threads, with a bar if that takes long."""
    from tqdm.auto import tqdm

    with strict_about_bombs():
        results = in_threads(function, items)
        return list(tqdm(results, words, len(items), delay=1, unit="file", disable=not progress))


def _kept_in(
    listing: Listing, size: int, limit: int | None, cache: bool | str | PathLike[str]
) -> Path | None:
    """The file for these pixels: one for each folder, size and limit, so that none pile up."""
    if cache is False:
        return None
    folder = cache_folder() if cache is True else Path(cache).expanduser()
    place = f"{listing.folder.resolve()} {limit}".encode("utf-8", "surrogateescape")
    name = f"{listing.folder.name}-{size}-{hashlib.blake2b(place, digest_size=8).hexdigest()}.npz"
    return folder / "photos" / name


def _refuse(listing: Listing, reasons: list[str], strictly: tuple[Skipped, ...]) -> None:
    """Refuse a class of which nothing can be read, and with `strict` any file."""
    if strictly:
        more = f" (and {len(strictly) - 1:,} more)" if len(strictly) > 1 else ""
        raise ValueError(f"{strictly[0].reason}{more}")
    labelled = list(zip(reasons, listing.labels, strict=True))
    readable = {label for why, label in labelled if not why}
    for label, name in enumerate(listing.class_names):
        if label not in readable:
            whys = [why for why, its in labelled if its == label]
            raise ValueError(
                f"none of the {len(whys):,} pictures of {name} can be read, expected at least "
                f"one: the first of them, {whys[0]}"
            )


def _summary(listing: Listing, skipped: tuple[Skipped, ...]) -> str:
    """How many files were skipped, and the first of their names."""
    names = [one.path.relative_to(listing.folder).as_posix() for one in skipped[:NAMED]]
    more = f" and {len(skipped) - NAMED:,} more" if len(skipped) > NAMED else ""
    files = "1 file" if len(skipped) == 1 else f"{len(skipped):,} files"
    return f"Skipped {files}: {', '.join(names)}{more} (.skipped says why)."
