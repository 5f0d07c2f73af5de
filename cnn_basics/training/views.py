"""Many views of a photo: random ones to train with, several fixed ones to judge by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.model import device_of, untouched
from cnn_basics.training.data import Data, check_data, prepare
from cnn_basics.training.devices import float_dtype
from cnn_basics.training.evaluation import Evaluation


class RandomViews:
    """An augmentation for photos: each picture is cut, stretched, turned and mirrored by chance.

    All of it happens in one resampling of the whole batch, which also brings the pictures to
    another size: large ones are stored, smaller views of them are trained with. What lies outside
    of a turned picture is filled by its mirror image.

    Args:
        size: Side of the square views, in pixels; may be changed at any time.
        least: The smallest share of a picture's area that a view shows, above 0 up to 1.
        stretch: How much wider or higher a view may become, as a factor: 1.2 for a fifth.
        degrees: How far a view is turned at most, to either side.
        mirror: How likely a view is mirrored, left to right, 0 to 1.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> RandomViews(size=48)(torch.rand(10, 3, 80, 80)).shape
        torch.Size([10, 3, 48, 48])

    Source:
        The random crop is that of Szegedy et al. (2015), "Going deeper with convolutions",
        section 6, https://arxiv.org/abs/1409.4842
    """

    def __init__(
        self,
        size: int,
        least: float = 0.35,
        stretch: float = 1.2,
        degrees: float = 15.0,
        mirror: float = 0.5,
    ) -> None:
        sound = size >= 1 and 0 < least <= 1 <= stretch and 0 <= degrees <= 180 and 0 <= mirror <= 1
        if not sound:
            raise ValueError(
                "expected size of at least 1, least above 0 up to 1, stretch from 1, degrees from "
                f"0 to 180 and mirror from 0 to 1, got {size}, {least}, {stretch}, {degrees} and "
                f"{mirror}: leave out what you do not want to choose"
            )
        self.size, self.least, self.stretch = size, least, stretch
        self.degrees, self.mirror = degrees, mirror

    def __call__(self, pictures: Tensor) -> Tensor:
        """Turn pictures (N, C, H, W) into views (N, C, size, size), float."""
        grid = F.affine_grid(self._maps(pictures), self._shape(pictures), align_corners=False)
        views = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
        return views.contiguous(memory_format=torch.channels_last)

    def _shape(self, pictures: Tensor) -> tuple[int, ...]:
        return (*pictures.shape[:2], self.size, self.size)

    def _maps(self, pictures: Tensor) -> Tensor:
        """For each view the matrix (N, 2, 3) that says which place of the picture it shows."""

        def between(low: float, high: float) -> Tensor:
            chance = torch.rand(len(pictures), device=pictures.device, dtype=pictures.dtype)
            return low + (high - low) * chance

        side = between(self.least, 1.0).sqrt()  # of the part that is shown; 1 is the whole
        longer = between(-math.log(self.stretch), math.log(self.stretch)).exp()
        width, height = (side * longer).clamp(max=1), (side / longer).clamp(max=1)
        across, down = between(-1, 1) * (1 - width), between(-1, 1) * (1 - height)
        mirror = torch.where(between(0, 1) < self.mirror, -1.0, 1.0)
        angle = between(-self.degrees, self.degrees) * math.pi / 180
        cos, sin = angle.cos(), angle.sin()
        x = (width * cos * mirror, -height * sin, across)
        y = (width * sin * mirror, height * cos, down)
        return torch.stack([*x, *y], dim=1).view(-1, 2, 3)


def evaluate_views(
    model: nn.Module, data: Data, sizes: Sequence[int] = (64, 80, 96), batch_size: int = 100
) -> Evaluation:
    """Do what `evaluate` does, and let the network see every picture several times.

    Each picture is shown at each of the sizes, as it is and mirrored; the shares (softmax) that
    the network gives are averaged over these views.

    Args:
        model: Gives `(N, K)` scores for pictures of all these sizes; it is left as it was.
        data: Pictures `(N, C, H, W)`, uint8 or float, and labels `(N,)` int64.
        sizes: Sides of the square views in pixels, at least one.
        batch_size: How many pictures at once.

    Returns:
        An `Evaluation`; its `scores` are the logarithms of the mean shares, so that
        `probabilities` are the mean shares.

    Raises:
        TypeError: The data are no pair of tensors, or of other dtypes.
        ValueError: The data have other shapes, or there is no size.

    Example:
        >>> pictures, labels = torch.rand(2, 1, 4, 4), torch.tensor([0, 1])
        >>> model = nn.Sequential(nn.AdaptiveAvgPool2d((1, 2)), nn.Flatten())
        >>> evaluate_views(model, (pictures, labels), sizes=(4, 8)).probabilities
        tensor([[0.5000, 0.5000],
                [0.5000, 0.5000]])
    """
    if not sizes or min(sizes) < 1 or batch_size < 1:
        raise ValueError(
            f"expected at least one size, and batch_size, from 1, got {sizes} and {batch_size}: "
            "leave them out for the usual"
        )
    pictures, labels = check_data(data)
    place = {"device": device_of(model), "dtype": float_dtype(model)}
    with untouched(model):
        batches = [prepare(part).to(**place) for part in pictures.split(batch_size)]
        shares = [_mean_share(model, batch, sizes) for batch in batches]
    return Evaluation.of(torch.cat(shares).log().float().cpu(), labels.cpu())


def _mean_share(model: nn.Module, pictures: Tensor, sizes: Sequence[int]) -> Tensor:
    """(N, K), the mean softmax over all sizes, as they are and mirrored."""
    total = 0
    for size in sizes:
        view = resize_batch(pictures, size)
        total = total + model(view).softmax(dim=1) + model(view.flip(3)).softmax(dim=1)
    return total / (2 * len(sizes))


def resize_batch(pictures: Tensor, size: int) -> Tensor:
    """Bring pictures to another size, without the false patterns of skipped pixels.

    Args:
        pictures: `(N, C, H, W)` float.
        size: Side of the square in pixels.

    Returns:
        `(N, C, size, size)`.

    Example:
        >>> resize_batch(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]), 1)
        tensor([[[[0.5000]]]])
    """
    if pictures.shape[2:] == (size, size):
        return pictures
    return F.interpolate(pictures, (size, size), mode="bilinear", antialias=True)
