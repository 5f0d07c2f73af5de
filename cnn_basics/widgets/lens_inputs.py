"""What the convolution lens takes: its presets, and sentences for what it refuses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

Kernel = torch.Tensor | Sequence | str
Matrix = list[list[float]]

MOST = {"stride": 3, "padding": 3, "dilation": 3}  # largest values of the sliders
LEAST = {"stride": 1, "padding": 0, "dilation": 1}
LARGEST_KERNEL = 5
LARGEST_SIDE = 12
MOST_CHANNELS = 3
LARGEST_NUMBER = 1000.0
SOBEL = "Sobel left–right"

SAMPLE = [
    [1, 0, 2, 7, 8, 7, 9],
    [0, 1, 1, 8, 9, 8, 7],
    [2, 0, 6, 9, 8, 9, 8],
    [1, 5, 8, 7, 9, 7, 8],
    [0, 2, 1, 3, 2, 1, 0],
    [1, 0, 2, 0, 1, 0, 2],
]
"""A small picture of whole numbers, dark on the left and below, bright on the right."""


def _box(k: int) -> Matrix:
    return [[1 / k**2] * k for _ in range(k)]


def _gaussian(k: int) -> Matrix:
    row = [math.comb(k - 1, j) for j in range(k)]
    return [[a * b / 4 ** (k - 1) for b in row] for a in row]


def _identity(k: int) -> Matrix:
    middle = (k - 1) // 2
    return [[float(i == j == middle) for j in range(k)] for i in range(k)]


def _sizes(make: object) -> dict[str, Matrix]:
    return {str(k): make(k) for k in range(1, LARGEST_KERNEL + 1)}


# By name and size; what exists in one size only has that one.
PRESETS: dict[str, dict[str, Matrix]] = {
    "identity": _sizes(_identity),
    "box blur": _sizes(_box),
    "Gaussian blur": _sizes(_gaussian),
    "sharpen": {"3": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]},
    SOBEL: {"3": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]},
    "Sobel top–bottom": {"3": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]},
    "emboss": {"3": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]},
    "Laplacian": {"3": [[0, 1, 0], [1, -4, 1], [0, 1, 0]]},
}


def read_x(x: torch.Tensor | Sequence) -> list[Matrix]:
    """Read the input as `(C, H, W)` nested lists.

    Args:
        x: `(H, W)` or `(C, H, W)`, whole or real numbers.

    Raises:
        ValueError: When it is too large, or holds a number that is too large or not finite.
        TypeError: When it is not made of numbers.
    """
    tensor = _read_numbers(x, "x")
    tensor = tensor[None] if tensor.ndim == 2 else tensor
    fits = tensor.ndim == 3 and len(tensor) <= MOST_CHANNELS
    if (
        not fits
        or not all(1 <= side <= LARGEST_SIDE for side in tensor.shape[1:])
        or not len(tensor)
    ):
        raise ValueError(
            f"expected x as (H, W) or (C, H, W) with at most {MOST_CHANNELS} channels of "
            f"{LARGEST_SIDE}×{LARGEST_SIDE}, got {_shape(x)}: cut out a patch, as in "
            "x[:, 10:18, 20:29]"
        )
    return tensor.tolist()


def read_kernel(kernel: Kernel, channels: int) -> list[Matrix]:
    """Read a kernel, or a preset by name, as `(C, k, k)` nested lists, a slice for each channel.

    Raises:
        ValueError: When the name is unknown, or the shape does not fit.
        TypeError: When it is not made of numbers.
    """
    if isinstance(kernel, str):
        if kernel not in PRESETS:
            raise ValueError(
                f"expected a kernel or one of the names {', '.join(map(repr, PRESETS))}, "
                f"got {kernel!r}: choose one of these"
            )
        kernel = PRESETS[kernel]["3"]
    tensor = _read_numbers(kernel, "kernel")
    if tensor.ndim == 2:
        tensor = tensor.expand(channels, *tensor.shape)
    square = tensor.ndim == 3 and 1 <= tensor.shape[1] == tensor.shape[2] <= LARGEST_KERNEL
    if not square or len(tensor) != channels:
        raise ValueError(
            f"expected a kernel (k, k) or ({channels}, k, k), one slice for each channel, with k "
            f"from 1 to {LARGEST_KERNEL}, got {_shape(kernel)}: change its shape"
        )
    return tensor.tolist()


def read_setting(value: int, name: str, channels: int) -> int:
    """Check stride, padding, dilation or groups.

    Raises:
        ValueError: When it is out of range.
        TypeError: When it is not a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected {name} as a whole number, got {value!r}: write {name}=1")
    if name == "groups":
        allowed = [g for g in range(1, channels + 1) if channels % g == 0]
    else:
        allowed = list(range(LEAST[name], MOST[name] + 1))
    if value not in allowed:
        raise ValueError(
            f"expected {name} from {', '.join(map(str, allowed))}, got {value}: choose one of these"
        )
    return value


def read_number(value: float, name: str) -> float:
    """Check one number, such as the bias.

    Raises:
        ValueError: When it is too large, or not finite.
        TypeError: When it is not a number.
    """
    return _read_numbers(value, name).item()


def read_selected(place: Sequence) -> list:
    """Check which cell is selected: where, which map, row and column.

    Raises:
        ValueError: When it is none.
    """
    place = list(place)
    numbers = all(isinstance(n, int) for n in place[1:])
    if len(place) != 4 or place[0] not in ("input", "output") or not numbers:
        raise ValueError(
            f"expected selected as ['output', map, row, column] or ['input', …], got {place}: "
            "for example ['output', 0, 0, 0]"
        )
    return place


def _read_numbers(values: object, name: str) -> torch.Tensor:
    """Turn values into a float64 tensor, refusing what is not a sensible number."""
    try:
        exact = values if isinstance(values, torch.Tensor) else np.asarray(values)
        tensor = torch.as_tensor(exact).detach().cpu()
    except (ValueError, TypeError, RuntimeError) as error:
        raise TypeError(
            f"expected {name} as a tensor of numbers, got {type(values).__name__}: "
            "make it with torch.tensor([[…], […]])"
        ) from error
    if tensor.is_complex():
        raise TypeError(f"expected {name} of real numbers, got complex ones: take their .real")
    tensor = tensor.double()
    if not (tensor.abs() <= LARGEST_NUMBER).all():
        raise ValueError(
            f"expected {name} with numbers from −{LARGEST_NUMBER:g} to {LARGEST_NUMBER:g}, got "
            "larger ones, or some that are not finite: scale it"
        )
    return tensor


def _shape(values: object) -> tuple[int, ...]:
    return tuple(values.shape if isinstance(values, torch.Tensor) else np.shape(values))
