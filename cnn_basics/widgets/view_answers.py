"""What PyTorch says about shapes, strides and views of the same numbers."""

from __future__ import annotations

import re
from typing import Any

import torch

LARGEST = 1000  # size that may be typed


def legal_shapes(numbers: int, axes: int) -> list[list[int]]:
    """List every shape with so many axes that holds exactly these numbers.

    Args:
        numbers: How many numbers there are, at least 1.
        axes: How many axes, at least 1.

    Returns:
        The shapes, in the order of their sizes.

    Example:
        >>> legal_shapes(6, axes=2)
        [[1, 6], [2, 3], [3, 2], [6, 1]]
    """
    if axes == 1:
        return [[numbers]]
    divisors = [size for size in range(1, numbers + 1) if numbers % size == 0]
    return [[size, *rest] for size in divisors for rest in legal_shapes(numbers // size, axes - 1)]


def describe_view(shape: list[int], permutation: list[int], target: str) -> dict[str, Any]:
    """Ask PyTorch about a tensor, its axes in another order, and a view of that.

    Args:
        shape: The shape given to `torch.arange(...).view`.
        permutation: The order of its axes in `y`.
        target: What is typed into `y.view( )`, such as `"2, 6"`.

    Returns:
        `shape`, `strides`, `contiguous` of `y`; `places`: the place in memory of each element in
        y's reading order; `code`; and `answer`: what the view gives, or PyTorch's error.

    Example:
        >>> describe_view([2, 3], [1, 0], "-1")["answer"]["works"]
        False
    """
    y = permuted(shape, permutation)
    return {
        "shape": list(y.shape),
        "strides": list(y.stride()),
        "contiguous": y.is_contiguous(),
        "places": y.flatten().tolist(),
        "code": _code(shape, permutation),
        "answer": answer_view(y, target),
    }


def permuted(shape: list[int], permutation: list[int]) -> torch.Tensor:
    """Make `torch.arange(...)` in a shape, then change the order of its axes; nothing is copied."""
    return torch.arange(torch.Size(shape).numel()).view(*shape).permute(*permutation)


def answer_view(y: torch.Tensor, target: str) -> dict[str, Any]:
    """Try `y.view(target)`.

    Args:
        y: Any tensor.
        target: Whole numbers with commas between them, as a learner types them.

    Returns:
        `works`, and `text`: what it gives, PyTorch's own error, or how to write a shape; in
        the case of an error `reshape`, what `y.reshape` gives instead, if it can.
    """
    try:
        sizes = read_sizes(target)
        z = y.view(*sizes)
    except ValueError as error:
        return {"works": False, "text": str(error), "reshape": ""}
    except RuntimeError as error:
        return {"works": False, "text": f"RuntimeError: {error}", "reshape": _reshape(y, sizes)}
    return {"works": True, "text": f"{_spell(z)}, on the same memory: {z.tolist()}", "reshape": ""}


def read_sizes(text: str) -> list[int]:
    """Read sizes such as `2, 6`, `(2, 6)` or `-1`.

    Raises:
        ValueError: When there is anything else, or a number far too large.
    """
    inner = text.strip().removeprefix("(").removesuffix(")").strip().removesuffix(",")
    parts = [part.strip() for part in inner.split(",")]
    if not all(re.fullmatch(r"[-−]?\d+", part) for part in parts):
        raise ValueError(
            f"expected whole numbers with commas between them, got {text.strip()!r}: "
            "write for example 2, -1"
        )
    sizes = [int(part.replace("−", "-")) for part in parts]
    if max(map(abs, sizes)) > LARGEST:
        raise ValueError(f"expected sizes up to {LARGEST}, got {text.strip()}: write smaller ones")
    return sizes


def _reshape(y: torch.Tensor, sizes: list[int]) -> str:
    try:
        z = y.reshape(*sizes)
    except RuntimeError:
        return ""
    return f"y.reshape({', '.join(map(str, sizes))}) copies the numbers first: {z.tolist()}"


def _spell(z: torch.Tensor) -> str:
    return f"shape {tuple(z.shape)}, strides {z.stride()}"


def _code(shape: list[int], permutation: list[int]) -> list[str]:
    """Write the code that makes `y`."""
    sizes = ", ".join(map(str, shape))
    numbers = torch.Size(shape).numel()
    if permutation == sorted(permutation):
        return [f"y = torch.arange({numbers}).view({sizes})"]
    order = ", ".join(map(str, permutation))
    return [f"x = torch.arange({numbers}).view({sizes})", f"y = x.permute({order})"]
