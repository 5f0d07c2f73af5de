"""The check of the numbers that a network is built from."""

from __future__ import annotations


def check_count(name: str, value: object) -> None:
    """Refuse a number of channels or classes that is not a whole number from 1.

    Args:
        name: the argument's name.
        value: what was given.

    Raises:
        TypeError: if it is not an int.
        ValueError: if it is below 1.

    Example:
        >>> check_count("num_classes", 2)
    """
    if not isinstance(value, int) or isinstance(value, bool):
        kind = type(value).__name__
        raise TypeError(f"expected {name} as a whole number, got {value!r} ({kind}): give an int")
    if value < 1:
        raise ValueError(f"expected {name} of at least 1, got {value}: give a whole number from 1")
