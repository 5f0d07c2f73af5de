"""The checks behind the functions here: a wrong input is refused in one sentence with the fix."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch

Values = TypeVar("Values", np.ndarray, torch.Tensor)


def describe(value: object) -> str:
    """Say what a value is, for an error message.

    Args:
        value: Anything.

    Returns:
        For instance `a float32 array of shape (28, 28)` or `a list`.

    Example:
        >>> describe(np.zeros((2, 3), dtype=np.uint8))
        'a uint8 array of shape (2, 3)'
    """
    if isinstance(value, np.ndarray):
        return f"a {value.dtype} array of shape {value.shape}"
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a {dtype} tensor of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"


def check_picture(image: object) -> np.ndarray:
    """Refuse whatever is not one RGB picture.

    Args:
        image: `(H, W, 3)` uint8 array, values 0 to 255.

    Returns:
        The same array.

    Raises:
        TypeError: It is not a NumPy array.
        ValueError: The shape or the dtype differs, or there are no pixels.

    Example:
        >>> check_picture(np.zeros((2, 2, 3), dtype=np.uint8)).shape
        (2, 2, 3)
    """
    wanted = f"expected one picture as a uint8 array of shape (H, W, 3), got {describe(image)}"
    if isinstance(image, torch.Tensor):
        raise TypeError(f"{wanted}: turn a tensor into pictures first, with to_hwc(tensor)")
    if not isinstance(image, np.ndarray):
        raise TypeError(f"{wanted}: read the file first, with read_image(path)")
    if image.ndim == 2:
        raise ValueError(f"{wanted}: repeat the grey values with np.stack([grey] * 3, axis=-1)")
    if image.ndim == 4:
        raise ValueError(f"{wanted}: pick one picture of the batch, for example pictures[0]")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"{wanted}: put the three channels red, green, blue on the last axis")
    if image.dtype != np.uint8:
        raise ValueError(f"{wanted}: bring values to 0–255 and use .round().astype(np.uint8)")
    if image.size == 0:
        raise ValueError(f"{wanted}: it holds no pixels, so check where it was cropped")
    return image


def check_range(x: Values, low: float = 0.0, high: float = 1.0) -> Values:
    """Refuse values outside a range, and NaN.

    Args:
        x: Array or tensor of any shape and real dtype.
        low: The smallest value that is fine.
        high: The largest value that is fine.

    Returns:
        `x` itself, unchanged.

    Raises:
        TypeError: `x` is neither an array nor a tensor.
        ValueError: A value is NaN, below `low` or above `high`.

    Example:
        >>> check_range(torch.tensor([0.0, 0.5, 1.0]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    if not isinstance(x, (np.ndarray, torch.Tensor)):
        raise TypeError(f"expected an array or a tensor, got {describe(x)}: use torch.tensor(x)")
    if 0 in x.shape:
        return x
    smallest, largest = x.min(), x.max()
    if smallest != smallest:  # NaN is the only value that differs from itself
        raise ValueError(
            f"values contain NaN, expected {low:g} to {high:g}: look for a division by zero, "
            "or the root or logarithm of a negative number, in what made them"
        )
    if smallest < low or largest > high:
        raise ValueError(
            f"values run from {_short(smallest)} to {_short(largest)}, "
            f"expected {low:g} to {high:g}: {_range_fix(smallest, largest, low, high)}"
        )
    return x


def _short(value: np.generic | torch.Tensor) -> str:
    """The shortest text that names a value in its own precision: 0.3, not 0.30000001192."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()[()]
    return str(value)


def _range_fix(smallest: float, largest: float, low: float, high: float) -> str:
    if (low, high) == (0, 1) and smallest >= 0 and largest <= 255:
        return "divide a uint8 picture by 255"
    if (low, high) == (0, 1):
        return "divide a uint8 picture by 255, any other with (x - x.min()) / (x.max() - x.min())"
    return "scale them first, or check where they come from"
