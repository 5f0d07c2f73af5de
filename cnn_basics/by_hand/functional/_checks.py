"""What every function here checks before it computes: numbers, pairs, shapes and dtypes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

IntOrPair = int | Sequence[int]


def pair(value: IntOrPair, name: str, minimum: int) -> tuple[int, int]:
    """Read an int or a pair as `(vertical, horizontal)`.

    Args:
        value: One whole number for both directions, or a sequence of one or two.
        name: The argument's name, for the error.
        minimum: The smallest number allowed.

    Returns:
        Two ints, each at least `minimum`.

    Raises:
        TypeError: When `value` is neither an int nor a sequence of ints.
        ValueError: When there are too many numbers, or one is too small.
    """
    numbers = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if any(isinstance(n, bool) or not isinstance(n, int) for n in numbers):
        raise TypeError(
            f"expected {name} as a whole number or a pair of them, got {value!r}: "
            f"write for example {name}={max(minimum, 1)}"
        )
    if len(numbers) not in (1, 2):
        raise ValueError(
            f"expected one or two numbers for {name}, got {len(numbers)} in {value!r}: "
            f"give {name} as (vertical, horizontal)"
        )
    if min(numbers) < minimum:
        raise ValueError(
            f"expected {name} of at least {minimum}, got {value!r}: choose larger numbers"
        )
    return numbers if len(numbers) == 2 else (numbers[0], numbers[0])


def check_float(x: torch.Tensor, name: str = "x") -> None:
    """Refuse what is not a float32 or float64 tensor.

    Raises:
        TypeError: When `x` is not a tensor, or holds other numbers.
    """
    if not isinstance(x, torch.Tensor):
        raise TypeError(
            f"expected {name} as a torch tensor, got {type(x).__name__}: "
            "convert it with torch.as_tensor"
        )
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"expected {name} of float32 or float64, got {_short(x.dtype)}: "
            f"convert it with {name}.float()"
        )


def check_alike(x: torch.Tensor, other: torch.Tensor | None, name: str) -> None:
    """Refuse a second tensor whose dtype or device differs from the first one's.

    Raises:
        TypeError: When the dtypes differ.
        ValueError: When the devices differ.
    """
    if other is None:
        return
    check_float(other, name)
    if other.dtype != x.dtype:
        raise TypeError(
            f"expected x and {name} of one dtype, got {_short(x.dtype)} and "
            f"{_short(other.dtype)}: convert one with .to({other.dtype})"
        )
    if other.device != x.device:
        raise ValueError(
            f"expected x and {name} on one device, got {x.device} and {other.device}: "
            f"move one with .to('{other.device}')"
        )


def check_maps(x: torch.Tensor) -> None:
    """Refuse what is neither a batch of feature maps nor a single picture's.

    Raises:
        TypeError: When `x` is not a float tensor.
        ValueError: When `x` is neither `(N, C, H, W)` nor `(C, H, W)`.
    """
    check_float(x)
    if x.ndim not in (3, 4):
        raise ValueError(
            f"expected x as (N, C, H, W) or (C, H, W), got {tuple(x.shape)}: "
            "give it the missing axes with x.view or x[None]"
        )
    if 0 in x.shape[-3:]:
        raise ValueError(
            f"expected at least one channel, row and column, got {tuple(x.shape)}: "
            "only the batch axis may be empty"
        )


def check_vector(vector: torch.Tensor | None, length: int, name: str) -> None:
    """Refuse a per-channel vector, such as a bias, of the wrong shape.

    Raises:
        ValueError: When `vector` is not `(length,)`.
    """
    if vector is not None and tuple(vector.shape) != (length,):
        raise ValueError(
            f"expected {name} of shape ({length},), got {tuple(vector.shape)}: "
            f"give one number for each of the {length} channels"
        )


def check_conv2d(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, groups: int
) -> None:
    """Refuse tensors of a convolution that do not fit together, before any arithmetic.

    Raises:
        TypeError: When dtypes differ or are not float32 or float64.
        ValueError: When shapes, or shapes and `groups`, do not fit together.
    """
    check_maps(x)
    check_alike(x, weight, "weight")
    check_alike(x, bias, "bias")
    if weight.ndim != 4 or 0 in weight.shape:
        raise ValueError(
            "expected weight as (out_channels, in_channels / groups, kernel height, kernel width) "
            f"without empty axes, got {tuple(weight.shape)}: reshape it with weight.view"
        )
    pair(groups, "groups", 1)
    out_channels, per_group = weight.shape[:2]
    if x.shape[-3] != per_group * groups:
        raise ValueError(
            f"expected x with {per_group * groups} channels for weight {tuple(weight.shape)} and "
            f"groups={groups}, got {x.shape[-3]} in {tuple(x.shape)}: make weight.shape[1] "
            "equal to channels / groups"
        )
    if out_channels % groups:
        raise ValueError(
            f"expected a number of kernels that groups={groups} divides, got {out_channels}: "
            "change groups or the number of kernels"
        )
    check_vector(bias, out_channels, "bias")


def _short(dtype: torch.dtype) -> str:
    """Return a dtype's name without `torch.`."""
    return str(dtype).removeprefix("torch.")
