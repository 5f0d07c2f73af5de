"""Augmentations that leave everything in its place: colours, and a hidden square."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from cnn_basics.training.augment.base import Augmentation, require_between, require_whole
from cnn_basics.training.augment.warping import as_floats, draw

GREY = (0.299, 0.587, 0.114)  # how bright red, green and blue are, by ITU-R BT.601
ROUNDING = 0.01  # pictures that were resampled before may leave 0…1 by so much


def random_colour(
    brightness: float = 0.2,
    contrast: float = 0.2,
    saturation: float = 0.2,
    *,
    generator: Generator | None = None,
) -> Augmentation:
    """Make pictures brighter or darker, harder or softer, more or less colourful.

    Each strength s becomes a factor between 1 - s and 1 + s for each picture: brightness
    multiplies all pixels, contrast their distance from the picture's mean, saturation their
    distance from grey (nothing to do if there are not three channels).

    Args:
        brightness: 0 to 1.
        contrast: 0 to 1.
        saturation: 0 to 1.
        generator: Where chance comes from.

    Returns:
        The augmentation; what leaves the range of a picture is cut off.

    Raises:
        ValueError: A strength is out of range, or (when called) float pictures are not in 0…1.

    Example:
        >>> random_colour(0, 0, 0)(torch.tensor([[[[7]]]], dtype=torch.uint8))
        tensor([[[[7]]]], dtype=torch.uint8)
    """
    strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, strength in strengths.items():
        require_between(name, strength, 0, 1)

    def change(pictures: Tensor, generator: Generator | None) -> Tensor:
        _require_range(pictures)
        factors = [
            draw(len(pictures), 1 - s, 1 + s, pictures, generator).reshape(-1, 1, 1, 1)
            for s in strengths.values()
        ]
        return as_floats(pictures, lambda floats: recolour(floats, *factors))

    name = f"random_colour({brightness}, {contrast}, {saturation})"
    return Augmentation(name, change, generator)


def recolour(pictures: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Change brightness, then contrast, then saturation, by these factors.

    Args:
        pictures: `(N, C, H, W)` float 0…1.
        brightness: `(N, 1, 1, 1)`, as the others.
        contrast: 1 keeps it; 0 leaves the mean only.
        saturation: 1 keeps it; 0 leaves grey only.

    Returns:
        `(N, C, H, W)` float 0…1.

    Example:
        >>> one = torch.ones(1, 1, 1, 1)
        >>> recolour(torch.tensor([[[[0.25, 0.75]]]]), one, 0.5 * one, one)
        tensor([[[[0.3750, 0.6250]]]])
    """
    brightness, contrast, saturation = (
        factor.to(pictures.dtype) for factor in (brightness, contrast, saturation)
    )
    bright = (pictures * brightness).clamp(0, 1)
    mean = bright.mean(dim=(1, 2, 3), keepdim=True)
    hard = torch.lerp(mean, bright, contrast).clamp(0, 1)
    if pictures.shape[1] != 3:
        return hard
    weights = hard.new_tensor(GREY).reshape(1, 3, 1, 1)
    grey = (hard * weights).sum(dim=1, keepdim=True)
    return torch.lerp(grey, hard, saturation).clamp(0, 1)


def _require_range(pictures: Tensor) -> None:
    """Refuse float pictures of which more than rounding would be cut off."""
    if not pictures.is_floating_point():
        return
    low, high = (end.item() for end in pictures.aminmax())
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):  # so that nan is refused too
        raise ValueError(
            f"expected float pictures from 0 to 1, got {low:.3g} to {high:.3g}: change colours "
            "before the pictures are normalised, or give them as uint8"
        )


def random_cutout(size: int = 8, *, generator: Generator | None = None) -> Augmentation:
    """Hide a square of each picture behind its mean colour.

    Args:
        size: Side of the square in pixels, from 0; it may reach over the edge.
        generator: Where chance comes from.

    Returns:
        The augmentation.

    Raises:
        ValueError: The size is no whole number from 0.

    Example:
        >>> random_cutout(9)(torch.tensor([[[[0.25, 0.75]]]]))
        tensor([[[[0.5000, 0.5000]]]])

    Source:
        DeVries & Taylor (2017), "Improved regularization of convolutional neural networks with
        cutout", https://arxiv.org/abs/1708.04552.
    """
    require_whole("size", size, 8)

    def change(pictures: Tensor, generator: Generator | None) -> Tensor:
        hidden = _near_middle(pictures, 2, size, generator)[:, None, :, None]
        hidden = hidden & _near_middle(pictures, 3, size, generator)[:, None, None, :]
        return as_floats(
            pictures,
            lambda floats: torch.where(hidden, floats.mean(dim=(2, 3), keepdim=True), floats),
        )

    return Augmentation(f"random_cutout({size})", change, generator)


def _near_middle(pictures: Tensor, axis: int, size: int, generator: Generator | None) -> Tensor:
    """Choose a pixel along an axis, and tell which lie within a span about it, `(N, length)`."""
    length = pictures.shape[axis]
    middle = torch.randint(0, length, (len(pictures), 1), generator=generator) - size // 2
    places = torch.arange(length)
    return ((places >= middle) & (places < middle + size)).to(pictures.device)
