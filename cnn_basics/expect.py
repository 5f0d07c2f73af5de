"""How anything in the package refuses what does not fit: in one sentence, with the fix."""

from __future__ import annotations

import numbers
import operator
import sys


def describe(value: object) -> str:
    """Say what a value is, for an error message: a uint8 array of shape (2, 3), 3, a list."""
    kind = type(value).__name__
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        torch = sys.modules.get("torch")
        is_tensor = torch is not None and isinstance(value, torch.Tensor)
        dtype = str(value.dtype).removeprefix("torch.")
        kind = f"{dtype} {'tensor' if is_tensor else 'array'} of shape {tuple(value.shape)}"
        return f"{'an' if dtype[:1] in 'aeio' else 'a'} {kind}"
    if value is None or isinstance(value, (str, bool, numbers.Number)):
        return repr(value)
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def expect(
    condition: object, what: str, got: object, fix: str, error: type[Exception] = ValueError
) -> None:
    """Raise `error` unless `condition` is true: expected `what`, got `got`: `fix`.

    Example:
        >>> expect(3 > 4, "more than 4 rows", 3, "add some")
        Traceback (most recent call last):
        ValueError: expected more than 4 rows, got 3: add some
    """
    if not condition:
        came = got if isinstance(got, str) else describe(got)
        raise error(f"expected {what}, got {came}: {fix}")


def whole(value: object, name: str, low: int, fix: str = "") -> int:
    """Return a whole number as an int, NumPy's too, and refuse all else or less than `low`."""
    what, fix = f"{name} as a whole number from {low}", fix or f"write {name}={low}"
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    is_whole = number is not None and not isinstance(value, bool)
    expect(is_whole, what, value if not isinstance(value, str) else repr(value), fix, TypeError)
    expect(number >= low, what, value, fix)
    return number


def number(
    value: object, name: str, low: float, high: float, fix: str = "leave it out for the usual one"
) -> float:
    """Return a number as a float, NumPy's too, and refuse one that is not from `low` to `high`."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    what = f"{name} as a number from {low:g} to {high:g}"
    expect(is_number and low <= value <= high, what, describe(value), fix)
    return float(value)
