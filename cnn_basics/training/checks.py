"""Refusals that several functions of training share."""

from __future__ import annotations


def require_whole(name: str, value: object, low: int, fix: str) -> None:
    """Refuse what is no whole number, or too low a one.

    Args:
        name: What the number is called in the sentence.
        value: What was given.
        low: The lowest that is allowed.
        fix: How to mend it, such as "write 64".

    Raises:
        ValueError: It is no `int`, or below `low`.

    Example:
        >>> require_whole("epochs", 10, 1, "write epochs=10")
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ValueError(f"expected {name} as a whole number from {low}, got {value!r}: {fix}")
