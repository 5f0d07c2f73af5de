"""The pictures of a widget that looks into a network: as they are shown, and as it reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

MOST = 12  # pictures in one widget
Prepare = Callable[[Tensor], Tensor]


def read_pictures(pictures: Tensor, titles: Sequence[str]) -> np.ndarray:
    """Check pictures and bring them to what is shown.

    Args:
        pictures: (N, 3, H, W) or (N, 1, H, W), uint8, or float from 0 to 1; 1 to 12 of them.
        titles: One for each.

    Returns:
        (N, H, W, 3) float from 0 to 1.

    Raises:
        TypeError: if it is no tensor.
        ValueError: if the shape or the number does not fit.

    Example:
        >>> read_pictures(torch.full((1, 1, 2, 2), 255, dtype=torch.uint8), ["white"]).shape
        (1, 2, 2, 3)
    """
    if not isinstance(pictures, Tensor):
        raise TypeError(
            f"expected pictures as a tensor (N, 3, H, W), got {type(pictures).__name__}: "
            "write torch.as_tensor(pictures)"
        )
    right = pictures.ndim == 4 and pictures.shape[1] in (1, 3) and 1 <= len(pictures) <= MOST
    if not right:
        raise ValueError(
            f"expected 1 to {MOST} pictures (N, 3, H, W) or (N, 1, H, W), got "
            f"{tuple(pictures.shape)}: pick some of a batch, as in pictures[:6]"
        )
    if len(titles) != len(pictures):
        raise ValueError(
            f"expected a title for each of {len(pictures)} pictures, got {len(titles)}: "
            "give both the same length"
        )
    shown = pictures.detach().cpu().permute(0, 2, 3, 1)
    shown = shown.float() / 255 if pictures.dtype == torch.uint8 else shown.float()
    return shown.clamp(0, 1).expand(-1, -1, -1, 3).numpy()


def number_titles(titles: Sequence[str]) -> list[str]:
    """Number titles, so that no two are the same.

    Example:
        >>> number_titles(["cats", "dogs"])
        ['1: cats', '2: dogs']
    """
    return [f"{number}: {title}" for number, title in enumerate(titles, 1)]
