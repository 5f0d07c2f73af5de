"""Whether an answer is what was expected, and how to say in a few words what it is."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

MOST_NUMBERS = 40
TOLERANCE = {"rtol": 1e-6, "atol": 1e-8}


def same(expected: Any, got: Any) -> bool:  # noqa: ANN401 - compares anything
    """Tell whether two answers are the same.

    Args:
        expected: A tensor, a number, a text, a truth value, or a list, tuple or dict of these.
        got: What it is compared with.

    Returns:
        True for tensors of the same shape and dtype whose numbers are close, for numbers that are
        close, and for lists and tuples whose members are the same. `True` is not `1`.

    Example:
        >>> same((2, 3), torch.Size([2, 3])), same(True, 1), same(0.3, 0.1 + 0.2)
        (True, False, True)
    """
    if isinstance(expected, Tensor):
        return isinstance(got, Tensor) and _same_tensors(expected, got)
    if isinstance(expected, bool | str) or expected is None:
        return type(got) is type(expected) and got == expected
    if isinstance(expected, int | float):
        return _same_numbers(expected, got)
    if isinstance(expected, list | tuple):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return False
        return all(map(same, expected, got))
    if isinstance(expected, dict):
        if not isinstance(got, dict) or got.keys() != expected.keys():
            return False
        return all(same(value, got[key]) for key, value in expected.items())
    return bool(expected == got)


def _same_tensors(expected: Tensor, got: Tensor) -> bool:
    if (expected.shape, expected.dtype) != (got.shape, got.dtype):
        return False
    return torch.allclose(expected.detach(), got.detach(), equal_nan=True, **TOLERANCE)


def _same_numbers(expected: float, got: Any) -> bool:  # noqa: ANN401 - compares anything
    if isinstance(got, Tensor) and got.dim() == 0 and got.dtype != torch.bool:
        got = got.item()
    if not isinstance(got, int | float) or isinstance(got, bool):
        return False
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-8)


def describe(value: Any) -> str:  # noqa: ANN401 - describes anything
    """Write a value in a few lines.

    Args:
        value: Anything.

    Returns:
        A tensor as its shape, its dtype unless that is float64, and its numbers if they are few;
        else `repr`, shortened.

    Example:
        >>> print(describe(torch.tensor([[1.0, 2.5]]).double()))
        tensor of shape (1, 2): [[1, 2.5]]
        >>> print(describe([torch.zeros(2)]))
        [tensor of shape (2,), float32: [0, 0]]
    """
    if isinstance(value, Tensor):
        return _describe_tensor(value.detach())
    if isinstance(value, torch.Size):
        return str(tuple(value))
    if isinstance(value, list | tuple):
        inside = ", ".join(map(describe, value))
        comma = "," if len(value) == 1 and isinstance(value, tuple) else ""
        return f"({inside}{comma})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]} …"


def _describe_tensor(value: Tensor) -> str:
    kind = "" if value.dtype == torch.float64 else f", {str(value.dtype).removeprefix('torch.')}"
    head = f"tensor of shape {tuple(value.shape)}{kind}"
    if value.numel() > MOST_NUMBERS:
        return f"{head} ({value.numel()} numbers)"
    return f"{head}: {_write(value.tolist())}"


def _write(numbers: Any) -> str:  # noqa: ANN401 - lists in lists of numbers
    if isinstance(numbers, list):
        return f"[{', '.join(map(_write, numbers))}]"
    return str(numbers) if isinstance(numbers, bool) else f"{numbers:.4g}"


def size_of(arguments: Any) -> float:  # noqa: ANN401 - measures anything
    """Measure how much there is to follow by hand: the smallest failing case is shown.

    Args:
        arguments: Of a case.

    Returns:
        A number; more numbers, and larger ones, make it greater.

    Example:
        >>> size_of((torch.zeros(2, 3), 1)) < size_of((torch.zeros(3, 3), 1))
        True
    """
    if isinstance(arguments, Tensor):
        return 10 * arguments.numel() + float(arguments.detach().double().abs().sum()) / 100
    if isinstance(arguments, list | tuple):
        return sum(map(size_of, arguments)) + len(arguments)
    if isinstance(arguments, int | float) and math.isfinite(arguments):
        return abs(float(arguments))
    return 1.0
