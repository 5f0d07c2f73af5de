"""Pictures changed by chance, so that a network sees more of them, and lesson 11's recipe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.expect import expect, number, whole
from cnn_basics.training.evaluation import Data, prepare
from cnn_basics.training.loop import History, Training, fit

GREY = (0.299, 0.587, 0.114)  # how bright red, green and blue are, by ITU-R BT.601
ROUNDING = 0.01  # pictures that were resampled before may leave 0…1 by so much


@dataclass(frozen=True, repr=False)
class Augmentation:
    """A change by chance that can be called with pictures; it prints as it was made."""

    name: str
    change: Callable[[Tensor], Tensor]  # of floats 0…1 with 32 bits or more

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return new pictures of the same shape `(N, C, H, W)` and dtype, uint8 or float."""
        is_batch = isinstance(pictures, Tensor) and pictures.ndim == 4
        fix = "for a single one write picture.unsqueeze(0)"
        expect(is_batch, "pictures as a tensor (N, C, H, W)", pictures, fix, TypeError)
        exact = torch.float64 if pictures.dtype == torch.float64 else torch.float32
        floats = prepare(pictures, exact)
        changed = self.change(floats) if floats.numel() else floats.clone()
        if pictures.dtype == torch.uint8:
            changed = changed.mul(255).round().clamp(0, 255)
        return changed.to(pictures.dtype)

    def __repr__(self) -> str:
        return self.name


def compose(*augmentations: Callable[[Tensor], Tensor]) -> Augmentation:
    """Make one change of several, done one after the other.

    Example:
        >>> compose(random_flip(), random_crop(2))
        compose(random_flip(0.5), random_crop(2))
    """
    right, fix = augmentations and all(map(callable, augmentations)), "compose(random_flip())"
    expect(right, "augmentations to do", repr(augmentations), f"write for example {fix}", TypeError)

    def change(pictures: Tensor) -> Tensor:
        for augmentation in augmentations:
            pictures = augmentation(pictures)
        return pictures

    return Augmentation(f"compose({', '.join(map(repr, augmentations))})", change)


def random_flip(probability: float = 0.5) -> Augmentation:
    """Mirror pictures left to right.

    Args:
        probability: How likely for each picture, 0 to 1.

    Example:
        >>> random_flip(1.0)(torch.tensor([[[[0.25, 0.5]]]]))
        tensor([[[[0.5000, 0.2500]]]])
    """
    probability = number(probability, "probability", 0, 1)

    def change(pictures: Tensor) -> Tensor:
        chosen = _draw(pictures, 0, 1) < probability
        return torch.where(chosen.view(-1, 1, 1, 1), pictures.flip(3), pictures)

    return Augmentation(f"random_flip({probability})", change)


def random_crop(padding: int = 2) -> Augmentation:
    """Shift pictures up or down and left or right; the pixels at the edge are repeated outwards.

    Args:
        padding: At most so many pixels each way; every whole number is as likely.
    """
    padding = whole(padding, "padding", 0)

    def change(pictures: Tensor) -> Tensor:
        padded = F.pad(pictures, [padding] * 4, mode="replicate")
        windows = padded.unfold(2, pictures.shape[2], 1).unfold(3, pictures.shape[3], 1)
        down, right = torch.randint(0, 2 * padding + 1, (2, len(pictures))).to(pictures.device)
        return windows[torch.arange(len(pictures), device=pictures.device), :, down, right]

    return Augmentation(f"random_crop({padding})", change)


def random_rotation(degrees: float = 10.0) -> Augmentation:
    """Turn pictures about their middle; what lies outside is filled by their mirror image.

    Args:
        degrees: At most so far either way, 0 to 180.
    """
    degrees = number(degrees, "degrees", 0, 180)
    return Augmentation(f"random_rotation({degrees})", partial(random_views, degrees=degrees))


def random_resized_crop(smallest: float = 0.6) -> Augmentation:
    """Enlarge a part of each picture, at least this share of its sides, to the picture's size."""
    least = number(smallest, "smallest", 0.01, 1) ** 2
    return Augmentation(f"random_resized_crop({smallest})", partial(random_views, least=least))


def random_views(
    pictures: Tensor,
    size: int | None = None,
    least: float = 1.0,
    stretch: float = 1.0,
    degrees: float = 0.0,
    mirror: float = 0.0,
) -> Tensor:
    """Show, by chance, at least `least` of each picture (https://arxiv.org/abs/1409.4842)."""
    chance = partial(_draw, pictures)
    side = chance(least, 1).sqrt()  # of the part that is shown; 1 is the whole
    longer = chance(-math.log(stretch), math.log(stretch)).exp()
    width, height = (side * longer).clamp(max=1), (side / longer).clamp(max=1)
    across, down = chance(-1, 1) * (1 - width), chance(-1, 1) * (1 - height)
    width = torch.where(chance(0, 1) < mirror, -width, width)
    angle = chance(-degrees, degrees) * math.pi / 180
    high, wide = pictures.shape[2:]  # a picture that is not square keeps its angles
    x = (width * angle.cos(), -height * angle.sin() * (high / wide), across)
    y = (width * angle.sin() * (wide / high), height * angle.cos(), down)
    places = torch.stack([*x, *y], dim=1).view(-1, 2, 3)  # which place each view shows
    shape = (*pictures.shape[:2], size or high, size or wide)
    grid = F.affine_grid(places, shape, align_corners=False)
    views = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    return views.contiguous(memory_format=torch.channels_last)


def random_colour(
    brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2
) -> Augmentation:
    """Change by factors of 1 - strength to 1 + strength all pixels, contrast and saturation."""
    given = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    strengths = [number(strength, name, 0, 1) for name, strength in given.items()]

    def change(pictures: Tensor) -> Tensor:
        low, high = (end.item() for end in pictures.aminmax())
        right = low >= -ROUNDING and high <= 1 + ROUNDING  # so that nan is refused too
        fix = "change colours before the pictures are normalised, or give them as uint8"
        expect(right, "float pictures from 0 to 1", f"{low:.3g} to {high:.3g}", fix)
        bright, hard, full = (_draw(pictures, 1 - s, 1 + s).view(-1, 1, 1, 1) for s in strengths)
        pictures = (pictures * bright).clamp(0, 1)
        mean = pictures.mean(dim=(1, 2, 3), keepdim=True)
        pictures = torch.lerp(mean, pictures, hard).clamp(0, 1)
        if pictures.shape[1] != 3:
            return pictures
        grey = (pictures * pictures.new_tensor(GREY).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        return torch.lerp(grey, pictures, full).clamp(0, 1)

    return Augmentation(f"random_colour({', '.join(map(str, strengths))})", change)


def random_cutout(size: int = 8) -> Augmentation:
    """Hide a square of each picture behind its mean colour (https://arxiv.org/abs/1708.04552)."""
    size = whole(size, "size", 0)

    def change(pictures: Tensor) -> Tensor:
        near = []  # of rows and of columns, (N, H) and (N, W), whether they are in the square
        for length in pictures.shape[2:]:
            middle = torch.randint(0, length, (len(pictures), 1))
            place = torch.arange(length) - middle + size // 2
            near.append(((place >= 0) & (place < size)).to(pictures.device))
        hidden = near[0][:, None, :, None] & near[1][:, None, None, :]
        return torch.where(hidden, pictures.mean(dim=(2, 3), keepdim=True), pictures)

    return Augmentation(f"random_cutout({size})", change)


def _draw(pictures: Tensor, low: float, high: float) -> Tensor:
    """Draw a number for each picture, on the CPU, so that every device gets the same."""
    return torch.rand(len(pictures)).mul(high - low).add(low).to(pictures)


class PhotoChanges:
    """The changes by chance of the recipe: another view, other colours, a hidden square.

    Args:
        size: Side of the views in pixels; may be changed at any time.
        augmented: False leaves chance out: the whole pictures, brought to this size.

    Example:
        >>> PhotoChanges(48)(torch.rand(10, 3, 80, 80)).shape
        torch.Size([10, 3, 48, 48])
    """

    def __init__(self, size: int, augmented: bool = True) -> None:
        self.size, self.augmented = whole(size, "size", 1), augmented

    def __call__(self, pictures: Tensor) -> Tensor:
        """Turn pictures (N, C, H, W) into views (N, C, size, size), float."""
        if not self.augmented:
            return random_views(pictures, self.size)
        views = random_views(pictures, self.size, least=0.35, stretch=1.2, degrees=15, mirror=0.5)
        return random_cutout(self.size // 4)(random_colour(0.3, 0.3, 0.5)(views))


SIZES = (40, 48, 64)  # pixels
RECIPE = {
    "optimizer": "adamw",
    "learning_rate": 4e-3,
    "weight_decay": 0.05,
    "schedule": "one_cycle",
    "label_smoothing": 0.1,
}


def fit_photos(
    model: nn.Module,
    train: Data,
    epochs: int = 60,
    *,
    sizes: Sequence[int] = SIZES,
    augmented: bool = True,
    **options: object,
) -> History:
    """Train a network for pictures of any size by `RECIPE`, with random views that grow.

    Args:
        model: A network for pictures of any size, such as `PhotoNet`; it is changed.
        train: Pictures, larger than the largest size, and labels, as for `fit`.
        epochs: How often each picture is trained with.
        sizes: Sides of the views in pixels; each serves for the same share of the epochs.
        augmented: False shows the whole pictures, unchanged, at these sizes.
        **options: Further arguments of `fit`; they replace those of the recipe.

    Returns:
        A `History`.

    Source:
        Small views first: M. Tan & Q. Le (2021), "EfficientNetV2: smaller models and faster
        training", section 4.2, https://arxiv.org/abs/2104.00298
    """
    expect(len(sizes) > 0, "at least one size", "none", "write for example sizes=(48, 64)")
    changes = PhotoChanges(sizes[0], augmented)

    def grow(training: Training) -> None:
        part = training.epoch * len(sizes) // training.epochs
        changes.size = sizes[min(part, len(sizes) - 1)]

    usual = {"augment": changes, "on_epoch": grow, **RECIPE}
    return fit(model, train, epochs=epochs, **{**usual, **options})
