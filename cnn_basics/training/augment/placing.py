"""Augmentations that put each pixel somewhere else: mirrored, shifted, turned, enlarged."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from cnn_basics.training.augment.base import Augmentation, require_between, require_whole
from cnn_basics.training.augment.warping import draw, resample, shift


def random_flip(probability: float = 0.5, *, generator: Generator | None = None) -> Augmentation:
    """Mirror pictures left to right.

    Args:
        probability: How likely for each picture, 0 to 1.
        generator: Where chance comes from.

    Returns:
        The augmentation.

    Raises:
        ValueError: The probability is out of range.

    Example:
        >>> random_flip(1.0)(torch.tensor([[[[0.25, 0.5]]]]))
        tensor([[[[0.5000, 0.2500]]]])
    """
    require_between("probability", probability, 0, 1)

    def change(pictures: Tensor, generator: Generator | None) -> Tensor:
        chosen = draw(len(pictures), 0.0, 1.0, pictures, generator) < probability
        return torch.where(chosen[:, None, None, None], pictures.flip(3), pictures)

    return Augmentation(f"random_flip({probability})", change, generator)


def random_crop(padding: int = 2, *, generator: Generator | None = None) -> Augmentation:
    """Shift pictures up or down and left or right; the pixels at the edge are repeated outwards.

    This is a crop of the picture's own size out of the padded picture.

    Args:
        padding: At most so many pixels each way; every whole number is as likely.
        generator: Where chance comes from.

    Returns:
        The augmentation.

    Raises:
        ValueError: The padding is no whole number from 0.

    Example:
        >>> random_crop(0)(torch.tensor([[[[0.25, 0.5]]]]))
        tensor([[[[0.2500, 0.5000]]]])
    """
    require_whole("padding", padding, 2)

    def change(pictures: Tensor, generator: Generator | None) -> Tensor:
        offsets = torch.randint(-padding, padding + 1, (2, len(pictures)), generator=generator)
        return shift(pictures, *offsets.to(pictures.device))

    return Augmentation(f"random_crop({padding})", change, generator)


def random_rotation(degrees: float = 10.0, *, generator: Generator | None = None) -> Augmentation:
    """Turn pictures about their middle, with bilinear interpolation; edges are repeated outwards.

    Args:
        degrees: At most so far either way, 0 to 180.
        generator: Where chance comes from.

    Returns:
        The augmentation.

    Raises:
        ValueError: The degrees are out of range.

    Example:
        >>> random_rotation(5)(torch.full((1, 1, 4, 4), 7, dtype=torch.uint8)).unique()
        tensor([7], dtype=torch.uint8)
    """
    require_between("degrees", degrees, 0, 180)

    def change(pictures: Tensor, generator: Generator | None) -> Tensor:
        angles = draw(len(pictures), -degrees, degrees, pictures, generator).mul(math.pi / 180)
        cosine, sine, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
        return resample(pictures, (cosine, -sine, zero), (sine, cosine, zero))

    return Augmentation(f"random_rotation({degrees})", change, generator)


def random_resized_crop(
    smallest: float = 0.6, *, generator: Generator | None = None
) -> Augmentation:
    """Enlarge a part of each picture to the picture's size, with bilinear interpolation.

    Args:
        smallest: The least share of height and width that is kept, above 0 to 1; both by the
            same share, so that nothing is stretched.
        generator: Where chance comes from.

    Returns:
        The augmentation.

    Raises:
        ValueError: The share is out of range.

    Example:
        >>> random_resized_crop(0.5)(torch.full((1, 1, 4, 4), 7, dtype=torch.uint8)).unique()
        tensor([7], dtype=torch.uint8)
    """
    require_between("smallest", smallest, 0, 1)
    if smallest == 0:
        raise ValueError("expected smallest above 0, got 0: write smallest=0.6")

    def change(pictures: Tensor, generator: Generator | None) -> Tensor:
        side = draw(len(pictures), smallest, 1.0, pictures, generator)
        down = draw(len(pictures), -1.0, 1.0, pictures, generator).mul(1 - side)
        right = draw(len(pictures), -1.0, 1.0, pictures, generator).mul(1 - side)
        zero = torch.zeros_like(side)
        return resample(pictures, (side, zero, right), (zero, side, down))

    return Augmentation(f"random_resized_crop({smallest})", change, generator)
