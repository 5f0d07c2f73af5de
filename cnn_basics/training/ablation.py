"""What each part of the recipe is worth: trained with everything, then without one part each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.training.data import Data, check_data, prepare
from cnn_basics.training.evaluation import Evaluation, evaluate
from cnn_basics.training.fit import fit
from cnn_basics.training.photos import SIZES, fit_photos
from cnn_basics.training.seeds import set_seed
from cnn_basics.training.views import evaluate_views, resize_batch

SMALL = 28  # pixels, what `Custom_CNN` reads
VERSIONS: dict[str, dict[str, Any]] = {
    "everything": {},
    "without large pictures": {"sizes": (SMALL,)},
    "without random changes": {"augmented": False},
    "without batch norm": {"network": {"batch_norm": False}},
    "without two of the blocks": {"network": {"deep": False}},
    "without one-cycle rate": {"schedule": None, "learning_rate": 1e-3},
}
"""What each version changes: `network` is for `PhotoNet`, everything else for `fit_photos`."""


def train_version(
    name: str,
    train: Data,
    test: Data,
    epochs: int,
    *,
    sizes: Sequence[int] = SIZES,
    batch_size: int = 64,
    seed: int = 0,
) -> Evaluation:
    """Train a new `PhotoNet` by the recipe, or by the recipe without one of its parts, and test it.

    Args:
        name: One of `VERSIONS`.
        train: Pictures and labels.
        test: The same to test with.
        epochs: How often each picture is trained with.
        sizes: Of the views, as for `fit_photos`.
        batch_size: How many pictures make one step.
        seed: From which the first weights and all chance come.

    Returns:
        An `Evaluation`, with views as large as the last in training, a quarter and a half larger.

    Raises:
        ValueError: There is no such version, or the data do not fit.

    Example:
        >>> import torch
        >>> data = torch.rand(4, 3, 20, 20), torch.tensor([0, 1, 0, 1])
        >>> train_version("without batch norm", data, data, epochs=1, sizes=(16,)).scores.shape
        torch.Size([4, 2])
    """
    if name not in VERSIONS:
        raise ValueError(
            f"expected one of the versions {', '.join(VERSIONS)}, got {name!r}: write one of them"
        )
    changes = {"sizes": tuple(sizes), **VERSIONS[name]}
    set_seed(seed)
    model = PhotoNet(_classes(train), **changes.pop("network", {}))
    options = {"batch_size": batch_size, "seed": seed, "progress": False}
    fit_photos(model, train, epochs, **options, **changes)
    last = changes["sizes"][-1]
    return evaluate_views(model, test, (last, last * 5 // 4, last * 3 // 2))


def train_plainly(train: Data, test: Data, epochs: int, *, seed: int = 0) -> Evaluation:
    """Train a new `Custom_CNN` on pictures of 28×28 pixels with Adam and nothing else, and test it.

    Args:
        train: Pictures of any size, and labels.
        test: The same to test with.
        epochs: How often each picture is trained with.
        seed: From which the first weights and all chance come.

    Returns:
        An `Evaluation`.

    Example:
        >>> import torch
        >>> data = torch.rand(4, 3, 56, 56), torch.tensor([0, 1, 0, 1])
        >>> train_plainly(data, data, epochs=1).scores.shape
        torch.Size([4, 2])
    """
    small, small_test = shrink(train), shrink(test)
    set_seed(seed)
    model = Custom_CNN(_classes(train))
    fit(model, small, epochs=epochs, seed=seed, progress=False)
    return evaluate(model, small_test)


def shrink(data: Data, size: int = SMALL) -> Data:
    """Bring pictures to the size that `Custom_CNN` reads.

    Args:
        data: Pictures `(N, C, H, W)`, uint8 or float, and labels.
        size: Side of the square in pixels.

    Returns:
        Pictures `(N, C, size, size)` float from 0 to 1, and the labels.

    Example:
        >>> import torch
        >>> shrink((torch.zeros(2, 3, 64, 64), torch.tensor([0, 1])))[0].shape
        torch.Size([2, 3, 28, 28])
    """
    pictures, labels = check_data(data)
    return resize_batch(prepare(pictures), size), labels


def _classes(data: Data) -> int:
    return max(int(check_data(data)[1].max()) + 1, 2)
