"""What the loaders ask of names and numbers: which files are pictures, in which order."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")


def is_hidden(path: Path) -> bool:
    """Whether a system keeps it for itself: `.DS_Store`, `__MACOSX`, and so on.

    Args:
        path: A file or a folder.

    Returns:
        True for names that begin with a dot or two underscores, and for Windows' own files.

    Example:
        >>> [is_hidden(Path(name)) for name in ("._cat.1.jpg", "Thumbs.db", "cat.1.jpg")]
        [True, True, False]
    """
    return path.name.startswith((".", "__")) or path.name.lower() in ("thumbs.db", "desktop.ini")


def is_picture(path: Path) -> bool:
    """Whether it is a file, not hidden, whose suffix is that of a picture.

    Args:
        path: A file or a folder.

    Returns:
        True for a picture by its name; what is inside is not looked at.

    Example:
        >>> is_picture(Path("no-such-file.png"))
        False
    """
    return not is_hidden(path) and path.suffix.lower() in SUFFIXES and path.is_file()


def by_number(path: Path) -> tuple[int, str]:
    """Sort key: the last whole number in the name, then the name; names without one come last.

    Args:
        path: A file.

    Returns:
        The number and the name.

    Example:
        >>> sorted([Path("cat.10.png"), Path("cat.2.png")], key=by_number)[0].name
        'cat.2.png'
    """
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]), path.name) if numbers else (2**63, path.name)


def require_word(name: str, got: object, expected: tuple[str, ...]) -> None:
    """Refuse a word that is not among those expected.

    Args:
        name: The argument's name.
        got: What came.
        expected: The words that are fine.

    Raises:
        ValueError: It is none of them.

    Example:
        >>> require_word("split", "test_set", ("training_set", "test_set"))
    """
    if got not in expected:
        words = " or ".join(f'"{word}"' for word in expected)
        raise ValueError(f"expected {name} {words}, got {got!r}: use one of these words")


def require_count(name: str, got: object, example: int = 28) -> None:
    """Refuse what is not a whole number from 1.

    Args:
        name: The argument's name.
        got: What came.
        example: A number that would do.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is below 1.

    Example:
        >>> require_count("size", 28)
    """
    if isinstance(got, bool) or not isinstance(got, (int, np.integer)):
        raise TypeError(
            f"expected {name} as a whole number, got {got!r}: use for example {example}"
        )
    if got < 1:
        raise ValueError(f"expected {name} of at least 1, got {got}: use for example {example}")
