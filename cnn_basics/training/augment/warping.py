"""The arithmetic behind the augmentations: draws, shifts, and resampling at other places."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

Row = tuple[Tensor, Tensor, Tensor]


def draw(count: int, low: float, high: float, like: Tensor, generator: Generator | None) -> Tensor:
    """Draw numbers, evenly spread.

    They are drawn on the CPU, so that every device gets the same.

    Args:
        count: How many.
        low: From here.
        high: Up to here.
        like: On whose device they shall be.
        generator: Where chance comes from, or None for PyTorch's own.

    Returns:
        `(count,)` float32.

    Example:
        >>> draw(2, 3.0, 3.0, torch.zeros(1), None)
        tensor([3., 3.])
    """
    return torch.rand(count, generator=generator).mul(high - low).add(low).to(like.device)


def as_floats(pictures: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Change pictures as floats 0…1 and bring them back to their dtype.

    Args:
        pictures: uint8 0…255, or float.
        change: From floats to floats of the same shape; what has 16 bits comes as float32,
            since places between pixels need more.

    Returns:
        The same dtype; whole numbers are rounded, and end at 0 and 255.

    Example:
        >>> as_floats(torch.tensor([10, 200], dtype=torch.uint8), lambda floats: floats * 2)
        tensor([ 20, 255], dtype=torch.uint8)
    """
    if pictures.is_floating_point():
        floats = pictures.float() if pictures.element_size() < 4 else pictures
        return change(floats).to(pictures.dtype)
    return change(pictures / 255).mul(255).round().clamp(0, 255).to(pictures.dtype)


def shift(pictures: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Take each pixel from some rows below and some columns to the right, else from the edge.

    Args:
        pictures: `(N, C, H, W)`.
        down: `(N,)` int64, for each picture.
        right: `(N,)` int64.

    Returns:
        `(N, C, H, W)`.

    Example:
        >>> shift(torch.tensor([[[[1, 2, 3]]]]), torch.tensor([0]), torch.tensor([1]))
        tensor([[[[2, 3, 3]]]])
    """
    count, _, height, width = pictures.shape
    device = pictures.device
    rows = (torch.arange(height, device=device) + down[:, None]).clamp(0, height - 1)  # (N, H)
    columns = (torch.arange(width, device=device) + right[:, None]).clamp(0, width - 1)  # (N, W)
    numbers = torch.arange(count, device=device)[:, None, None]
    picked = pictures.permute(0, 2, 3, 1)[numbers, rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


def resample(pictures: Tensor, across: Row, down: Row) -> Tensor:
    """Fill each pixel from another place, between pixels bilinearly, beyond the edge as there.

    A pixel at x, y, both from -1 to 1 with 0 in the middle, is taken from the place
    `across[0] x + across[1] y + across[2]`, `down[0] x + down[1] y + down[2]`, where x and y are
    first measured in the same unit, so that a turned picture that is not square keeps its angles.

    Args:
        pictures: `(N, C, H, W)`, uint8 or float.
        across: Three tensors `(N,)` float.
        down: Three tensors `(N,)` float.

    Returns:
        `(N, C, H, W)` of the same dtype.

    Example:
        >>> one, zero = torch.ones(1), torch.zeros(1)
        >>> resample(torch.tensor([[[[0.0, 4.0]]]]), (-one, zero, zero), (zero, one, zero))
        tensor([[[[4., 0.]]]])
    """
    height, width = pictures.shape[2:]
    across = (across[0], across[1] * height / width, across[2])
    down = (down[0] * width / height, down[1], down[2])
    places = torch.stack([torch.stack(across, dim=1), torch.stack(down, dim=1)], dim=1)

    def change(floats: Tensor) -> Tensor:
        grid = F.affine_grid(places.to(floats.dtype), list(floats.shape), align_corners=False)
        return F.grid_sample(floats, grid, padding_mode="border", align_corners=False)

    return as_floats(pictures, change)
