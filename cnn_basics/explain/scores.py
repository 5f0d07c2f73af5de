"""How good an explanation is: how much of its heat lies where it should, against chance."""

from __future__ import annotations

import torch
from torch import Tensor


def heat_share(heat: Tensor, mask: Tensor) -> Tensor:
    """Say which share of the positive heat lies on a mask.

    Args:
        heat: (N, H, W), float; what is below 0 does not count.
        mask: (N, H, W) bool.

    Returns:
        (N,), 0 to 1; NaN where a picture has no positive heat at all.

    Raises:
        ValueError: if the shapes differ.
        TypeError: if the mask is not bool.

    Example:
        >>> heat = torch.tensor([[[3.0, 1.0, -5.0, 0.0]]])
        >>> heat_share(heat, torch.tensor([[[True, False, True, False]]]))
        tensor([0.7500])

    Source:
        Zhang and others (2018), "Top-down neural attention by excitation backprop", and Wang and
        others (2020), "Score-CAM", section 4.3 ("energy-based pointing game"),
        https://arxiv.org/abs/1910.01279
    """
    check_alike(heat, mask)
    positive = heat.clamp(min=0)
    return (positive * mask).sum(dim=(1, 2)) / positive.sum(dim=(1, 2))


def pointing_game(heat: Tensor, mask: Tensor) -> Tensor:
    """Say of each picture whether its hottest pixel lies on a mask.

    Args:
        heat: (N, H, W), float.
        mask: (N, H, W) bool.

    Returns:
        (N,) bool; of several hottest pixels, the first in reading order counts. Where nothing is
        above 0 there is no hit.

    Raises:
        ValueError: if the shapes differ.
        TypeError: if the mask is not bool.

    Example:
        >>> heat = torch.tensor([[[3.0, 1.0], [0.0, 2.0]]])
        >>> pointing_game(heat, torch.tensor([[[False, True], [False, True]]]))
        tensor([False])

    Source:
        Zhang, Bargal, Lin, Brandt, Shen & Sclaroff (2018), "Top-down neural attention by
        excitation backprop", section 4.1, https://arxiv.org/abs/1608.00507
    """
    check_alike(heat, mask)
    hottest = heat.flatten(1).argmax(dim=1, keepdim=True)  # (N, 1)
    hit = mask.flatten(1).gather(1, hottest)
    return (hit & (heat.flatten(1).gather(1, hottest) > 0))[:, 0]


def area_share(mask: Tensor) -> Tensor:
    """Say which share of each picture a mask covers: what both scores come to by chance.

    Args:
        mask: (N, H, W) bool.

    Returns:
        (N,) float32, 0 to 1: the share of heat that is spread out evenly, and how often a
        random pixel hits.

    Raises:
        TypeError: if the mask is not bool.
        ValueError: if it has not three axes.

    Example:
        >>> area_share(torch.tensor([[[True, False, False, False]]]))
        tensor([0.2500])
    """
    _check_mask(mask)
    return mask.float().mean(dim=(1, 2))


def check_alike(heat: Tensor, mask: Tensor) -> None:
    """Refuse heat and masks that do not belong together.

    Raises:
        TypeError: if the mask is not bool.
        ValueError: if the shapes differ.
    """
    _check_mask(mask)
    if heat.shape != mask.shape:
        raise ValueError(
            f"expected heat of the mask's shape {tuple(mask.shape)}, got {tuple(heat.shape)}: "
            f"write enlarge(heat, ({mask.shape[1]}, {mask.shape[2]}))"
        )


def _check_mask(mask: Tensor) -> None:
    if mask.dtype != torch.bool:
        kind = str(mask.dtype).removeprefix("torch.")
        raise TypeError(f"expected a mask of bool, got {kind}: write mask > 0")
    if mask.ndim != 3:
        raise ValueError(
            f"expected a mask as (N, H, W), got {tuple(mask.shape)}: add the axis with mask[None]"
        )
