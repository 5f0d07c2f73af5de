"""The recipe of lesson 11: how a small network learns from few photos."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from cnn_basics.training.augment import random_colour, random_cutout
from cnn_basics.training.data import Data
from cnn_basics.training.fit import fit
from cnn_basics.training.history import History
from cnn_basics.training.state import State
from cnn_basics.training.views import RandomViews

SIZES = (40, 48, 64)
RECIPE = {
    "optimizer": "adamw",
    "learning_rate": 4e-3,
    "weight_decay": 0.05,
    "schedule": "one_cycle",
    "label_smoothing": 0.1,
}


class PhotoChanges:
    """The changes by chance of the recipe: another view, other colours, a hidden square.

    Args:
        size: Side of the views in pixels; may be changed at any time.
        augmented: False leaves chance out: the whole pictures, brought to this size.

    Example:
        >>> import torch
        >>> PhotoChanges(48)(torch.rand(10, 3, 80, 80)).shape
        torch.Size([10, 3, 48, 48])
    """

    def __init__(self, size: int, augmented: bool = True) -> None:
        chance = {} if augmented else {"least": 1.0, "stretch": 1.0, "degrees": 0.0, "mirror": 0.0}
        self._views = RandomViews(size, **chance)
        self._augmented, self.size = augmented, size

    def __call__(self, pictures: Tensor) -> Tensor:
        """Turn pictures (N, C, H, W) into views (N, C, size, size), float."""
        self._views.size = self.size
        views = self._views(pictures)
        if not self._augmented:
            return views
        return random_cutout(self.size // 4)(random_colour(0.3, 0.3, 0.5)(views))


def fit_photos(
    model: nn.Module,
    train: Data,
    epochs: int = 60,
    *,
    sizes: Sequence[int] = SIZES,
    augmented: bool = True,
    **options: object,
) -> History:
    """Train a network for pictures of any size with random views that grow.

    The first part of the training shows small views, which are quick, the last part large ones,
    which show more. The learning rate rises and falls once; the aim is not 100 % but 95 % for the
    right one of two classes (label smoothing), so that no weight need grow without end.

    Args:
        model: A network for pictures of any size, such as `PhotoNet`; it is changed.
        train: Pictures, larger than the largest size, and labels, as for `fit`.
        epochs: How often each picture is trained with.
        sizes: Sides of the views in pixels; each serves for the same share of the epochs.
        augmented: False shows the whole pictures, unchanged, at these sizes.
        **options: Further arguments of `fit`; they replace those of the recipe.

    Returns:
        A `History`.

    Raises:
        ValueError: There is no size, or what `fit` refuses.
        TypeError: What `fit` refuses.

    Example:
        >>> import torch
        >>> from cnn_basics.model import PhotoNet
        >>> data = torch.rand(4, 3, 20, 20), torch.tensor([0, 1, 0, 1])
        >>> fit_photos(PhotoNet(), data, epochs=2, sizes=(8, 16), progress=False)
        <History: 2 epochs>

    Source:
        Small views first: M. Tan & Q. Le (2021), "EfficientNetV2: smaller models and faster
        training", section 4.2, https://arxiv.org/abs/2104.00298
    """
    if not sizes:
        raise ValueError("expected at least one size, got none: write for example sizes=(48, 64)")
    changes = PhotoChanges(sizes[0], augmented)

    def grow(state: State) -> None:
        changes.size = sizes[min(int(state.share * len(sizes)), len(sizes) - 1)]

    usual = {"augment": changes, "on_epoch": grow, **RECIPE}
    return fit(model, train, epochs=epochs, **{**usual, **options})
