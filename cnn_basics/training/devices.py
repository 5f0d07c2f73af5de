"""Where a network is trained, and in which precision: what this machine has."""

from __future__ import annotations

import platform
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

PRECISIONS = ("float32", "bf16")


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """Find the fastest device that there is, or check the one that was asked for.

    Args:
        device: Such as "cpu", "cuda", "cuda:1" or "mps"; None for the first of CUDA, MPS, CPU
            that there is.

    Returns:
        The device.

    Raises:
        ValueError: There is no such device here.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.cuda.is_available():
        there.insert(0, "cuda")
    try:
        chosen = torch.device(there[0] if device is None else device)
    except (RuntimeError, TypeError):
        chosen = None
    count = torch.cuda.device_count() if chosen and chosen.type == "cuda" else 1
    if chosen is None or chosen.type not in there or (chosen.index or 0) >= max(count, 1):
        raise ValueError(
            f"expected a device of this machine ({', '.join(there)}), got {str(device)!r}: "
            "write device=None for the fastest that there is"
        )
    return chosen


def supports_bf16(device: str | torch.device | None = None) -> bool:
    """Tell whether a device computes with bfloat16 in hardware; elsewhere it would be slower.

    Args:
        device: As for `choose_device`.

    Returns:
        Whether `precision="bf16"` is allowed there.

    Example:
        >>> isinstance(supports_bf16("cpu"), bool)
        True
    """
    kind = choose_device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    if platform.machine().lower() in ("x86_64", "amd64"):
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that there is not, or that this device does not have.

    Args:
        precision: "float32" or "bf16".
        device: Where the network is trained.

    Raises:
        ValueError: It is another word, or the device has no bfloat16.

    Example:
        >>> check_precision("float32", torch.device("cpu"))
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f'expected precision "float32" or "bf16", got {precision!r}: choose one of the two'
        )
    if precision == "bf16" and not supports_bf16(device):
        raise ValueError(
            f'expected a device that computes with bfloat16 for precision "bf16", got {device} '
            'without it: write precision="float32", which is faster here'
        )


def autocast(precision: str, device: torch.device) -> AbstractContextManager:
    """Return the context in which a network computes in this precision.

    Args:
        precision: "float32" or "bf16"; was checked before.
        device: Where the network is.

    Returns:
        A context; with "bf16", convolutions and matrix products inside it are in bfloat16, while
        the weights stay as they are.

    Example:
        >>> with autocast("bf16", torch.device("cpu")):
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.bfloat16
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def float_dtype(model: nn.Module) -> torch.dtype:
    """Return the dtype of a network's first float parameter, or float32 if it has none.

    Args:
        model: Any network.

    Returns:
        A floating-point dtype.

    Example:
        >>> float_dtype(nn.Linear(2, 1).double())
        torch.float64
    """
    floats = (p.dtype for p in model.parameters() if p.is_floating_point())
    return next(floats, torch.float32)
