"""From picture files to small squares, fast: JPEGs shrink while they are decoded."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from cnn_basics.images import read_image, resize
from cnn_basics.images.reading import TURNED

ORIENTATION = 0x0112  # the EXIF tag
FINER = 2  # a JPEG is decoded at no less than this many times the size asked for
IN_FLIGHT = 64  # results of threads that wait for their turn
Item, Result = TypeVar("Item"), TypeVar("Result")


def read_square(path: str | PathLike[str], size: int) -> np.ndarray:
    """Read a picture file, the right way up, squeezed to a square.

    The same as `resize(read_image(path), size)`, in less time: a large JPEG is decoded at a
    half, a quarter or an eighth of its size, whichever is still at least twice `size`. The
    pixels then differ a little from those of the long way (on photos by less than 1 of 255 in
    the mean); of all other files they are the same.

    Args:
        path: A file in any format that Pillow reads.
        size: Side of the square in pixels, at least 1.

    Returns:
        `(size, size, 3)` uint8 array, values 0 to 255.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read as a picture; the sentence says why.

    Example:
        >>> from cnn_basics.datasets import picture_paths
        >>> read_square(picture_paths("training_set", "cats")[0], 28).shape
        (28, 28, 3)
    """
    with strict_about_bombs():
        try:
            pixels = _short_way(Path(path).read_bytes(), size)
        except Exception:  # whatever is wrong, the long way finds the words for it
            pixels = None
    return resize(read_image(path), size) if pixels is None else pixels


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Apply a function to items, in as many threads as there are processors, in order.

    Reading and decoding files frees Python's lock, so that threads do run at the same time.

    Args:
        function: Called with one item; must not depend on the others.
        items: What it is called with.

    Yields:
        The results in the order of the items, as they come. A few wait, never all of them.

    Example:
        >>> list(in_threads(abs, [-1, 2, -3]))
        [1, 2, 3]
    """
    waiting: Iterable[Item] = iter(items)
    with ThreadPoolExecutor(_processors()) as threads:
        started = [threads.submit(function, item) for item in islice(waiting, IN_FLIGHT)]
        try:
            while started:
                result = started.pop(0).result()
                started += [threads.submit(function, item) for item in islice(waiting, 1)]
                yield result
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


@contextmanager
def strict_about_bombs() -> Iterator[None]:
    """Refuse pictures of too many pixels; keep quiet about odd metadata.

    Yields:
        Nothing. All threads share the filters, so whoever reads pictures in threads enters this
        first: what the threads set and take back in any order is then always the same.

    Example:
        >>> with strict_about_bombs():
        ...     warnings.warn("metadata are odd")
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):  # in a container, fewer than os.cpu_count() may be ours
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _short_way(data: bytes, size: int) -> np.ndarray | None:
    """Decode what needs no care: JPEGs, and PNGs in plain grey or RGB; None for the rest."""
    with Image.open(io.BytesIO(data)) as image:
        if image.mode not in ("L", "RGB") or "transparency" in image.info:
            return None
        if image.format in ("JPEG", "MPO"):
            image.draft(None, (FINER * size, FINER * size))
        elif image.format != "PNG":
            return None
        image.load()
        turn = TURNED.get(image.getexif().get(ORIENTATION), np.asarray)
        rgb = image if image.mode == "RGB" else image.convert("RGB")
        small = rgb.resize((size, size), Image.Resampling.BILINEAR)
        return np.array(turn(np.asarray(small)), order="C")
