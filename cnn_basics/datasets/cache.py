"""Decoded photos kept on disk, so that the next time takes a second instead of a minute."""

from __future__ import annotations

import os
import tempfile
import warnings
from os import PathLike
from pathlib import Path

import numpy as np

CACHE_VARIABLE = "CNN_BASICS_CACHE"


def cache_folder() -> Path:
    """Find the folder for what can be made or downloaded again.

    Returns:
        The folder named by the environment variable CNN_BASICS_CACHE; without it, the user's
        own cache folder, as the operating system has it. It need not exist yet.

    Example:
        >>> cache_folder().is_absolute()
        True
    """
    chosen = os.environ.get(CACHE_VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("cnn-basics"))


def load_arrays(path: str | PathLike[str], key: str) -> dict[str, np.ndarray] | None:
    """Read what `save_arrays` has kept, if it is there, whole, and of the same key.

    Args:
        path: The file.
        key: What it must have been kept under.

    Returns:
        The arrays by name; None if there is no such file, it is damaged, or its key differs.
        Nothing that could run code is read (no pickle).

    Example:
        >>> load_arrays("no-such-file.npz", "key") is None
        True
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) != key:
                return None
            return {name: kept[name] for name in kept.files if name != "key"}
    except Exception:  # a damaged file can fail anywhere, and is as good as none
        return None


def save_arrays(path: str | PathLike[str], key: str, arrays: dict[str, np.ndarray]) -> None:
    """Keep arrays in a file; under its name there is never a half-written one.

    Where that is not possible (no room, no permission), a warning says so.

    Args:
        path: The file; its folder is made if need be, an older file is replaced.
        key: What the arrays were made from.
        arrays: By name, which must not be `key`; any dtype but object.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "kept.npz")
        ...     save_arrays(file, "abc", {"x": np.arange(3)})
        ...     load_arrays(file, "abc")
        {'x': array([0, 1, 2])}
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=path.stem, dir=path.parent) as aside:
            fresh = Path(aside, path.name)
            np.savez(fresh, key=np.array(key), **arrays)
            os.replace(fresh, path)
    except OSError as error:
        warnings.warn(
            f"the decoded photos could not be kept in {path.parent} ({error.strerror or error}): "
            f"they will be decoded again next time, unless {CACHE_VARIABLE} names another folder",
            stacklevel=3,
        )
