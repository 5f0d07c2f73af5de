"""The recipe of lesson 11: how a small network learns from few photos."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from cnn_basics.training.data import Data
from cnn_basics.training.fit import fit
from cnn_basics.training.history import History
from cnn_basics.training.state import State
from cnn_basics.training.views import RandomViews

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
    epochs: int = 80,
    *,
    sizes: Sequence[int] = (40, 48, 64),
    **options: object,
) -> History:
    """Train a network for pictures of any size with random views that grow.

    The first part of the training shows small views, which are quick, the last part large ones,
    which show more. The learning rate rises and falls once; the aim is not 100 % but 95 % for the
    right class (label smoothing), so that no weight need grow without end.

    Args:
        model: A network for pictures of any size, such as `PhotoNet`; it is changed.
        train: Pictures, larger than the largest size, and labels, as for `fit`.
        epochs: How often each picture is trained with.
        sizes: Sides of the views in pixels; each serves for the same share of the epochs.
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
        Small views first: J. Howard in DAWNBench (2018), and M. Tan & Q. Le (2021),
        "EfficientNetV2", section 4.2, https://arxiv.org/abs/2104.00298
    """
    if not sizes:
        raise ValueError("expected at least one size, got none: write for example sizes=(48, 64)")
    views = RandomViews(sizes[0])

    def grow(state: State) -> None:
        views.size = sizes[min(int(state.share * len(sizes)), len(sizes) - 1)]

    return fit(
        model, train, epochs=epochs, **{"augment": views, "on_epoch": grow, **RECIPE, **options}
    )
