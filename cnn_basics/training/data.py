"""What `fit` and `evaluate` ask of pictures and labels, and the one place that scales pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnn_basics.datasets.photos import Photos
from cnn_basics.model import untouched

Data = tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Sequence[str]] | Photos


def prepare(pictures: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Turn pictures into what a network reads: whole numbers 0…255 become floats 0…1.

    `fit` and `evaluate` call this for each batch. Call it before you give pictures to a trained
    network yourself.

    Args:
        pictures: `(N, C, H, W)` uint8, or float, which is taken as it is.
        dtype: Of the result.

    Returns:
        `(N, C, H, W)` of that dtype.

    Raises:
        TypeError: The pictures are neither uint8 nor float.

    Example:
        >>> prepare(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
        tensor([[[[0., 1.]]]])
    """
    if pictures.dtype == torch.uint8:
        return pictures.to(dtype).div_(255)
    if not pictures.is_floating_point():
        raise TypeError(
            f"expected pictures as uint8 from 0 to 255, or as floats, got {pictures.dtype}: write "
            "pictures.to(torch.uint8), or pictures.float() / 255"
        )
    return pictures.to(dtype)


@dataclass
class Batches:
    """Pictures and labels on one device, from which batches are picked by their numbers.

    The pictures may be kept with the channels last, so that a picked batch already lies in memory
    as the network wants it.
    """

    pictures: Tensor  # (N, H, W, C), or (N, C, H, W) if not channels_last
    labels: Tensor  # (N,) int64
    dtype: torch.dtype
    channels_last: bool

    @classmethod
    def put(cls, data: Data, device: torch.device, dtype: torch.dtype) -> Batches:
        """Put data that were checked on a device, at once."""
        return cls(data[0].to(device).contiguous(), data[1].to(device), dtype, False)

    def laid_out(self, channels_last: bool) -> Batches:
        """Return the same pictures with the channels last, if asked to."""
        if not channels_last or self.channels_last:
            return self
        pictures = self.pictures.permute(0, 2, 3, 1).contiguous()
        return Batches(pictures, self.labels, self.dtype, True)

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return pictures `(n, C, H, W)` float and labels `(n,)` of these numbers `(n,)` int64."""
        return self._scale(self.pictures.index_select(0, numbers)), self.labels[numbers]

    def slice(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return pictures and labels from one number up to another, as `pick` does."""
        return self._scale(self.pictures[start:stop]), self.labels[start:stop]

    def _scale(self, chosen: Tensor) -> Tensor:
        scaled = prepare(chosen, self.dtype)
        return scaled.permute(0, 3, 1, 2) if self.channels_last else scaled


def check_data(data: Data, name: str = "data") -> tuple[Tensor, Tensor]:
    """Refuse what is not pictures with their labels.

    Args:
        data: Pictures `(N, C, H, W)` uint8 or float, and labels `(N,)` int64; a third item, the
            class names, may follow, as the loaders in `datasets` give it. Or `Photos`.
        name: What the data are called in the sentence.

    Returns:
        The pictures and the labels.

    Raises:
        TypeError: It is no pair of tensors, or their dtypes are others.
        ValueError: The shapes do not fit, there are no pictures, a number is not finite, or a
            label is below 0.

    Example:
        >>> check_data((torch.zeros(2, 1, 4, 4), torch.tensor([0, 1])))[1]
        tensor([0, 1])
    """
    if isinstance(data, Photos):
        data = tuple(data)
    if not isinstance(data, tuple | list) or len(data) not in (2, 3):
        count = f" of {len(data)}" if isinstance(data, tuple | list) else ""
        raise TypeError(
            f"expected {name} as a pair (pictures, labels), got {type(data).__name__}{count}: "
            f'write {name}=(pictures, labels), or {name}=load_pets("training_set")'
        )
    pictures, labels = data[:2]
    for tensor, what in ((pictures, "pictures"), (labels, "labels")):
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"expected the {what} of {name} as a torch tensor, got {type(tensor).__name__}: "
                f"write torch.as_tensor({what})"
            )
    _check_pictures(pictures, name)
    _check_labels(labels, len(pictures), name)
    return pictures, labels


def _check_pictures(pictures: Tensor, name: str) -> None:
    if pictures.ndim != 4:
        fix = {3: ".unsqueeze(1) for grey pictures, or .unsqueeze(0) for a single one"}
        raise ValueError(
            f"expected the pictures of {name} as (N, C, H, W), got {tuple(pictures.shape)}: "
            f"give one axis each, such as with {fix.get(pictures.ndim, '.reshape(N, C, H, W)')}"
        )
    if pictures.numel() == 0:
        raise ValueError(
            f"expected at least one picture in {name}, got {tuple(pictures.shape)}: "
            "look at how the pictures were loaded or chosen"
        )
    prepare(pictures[:1])
    if pictures.is_floating_point() and not pictures.isfinite().all():
        bad = (~pictures.flatten(1).isfinite().all(dim=1)).nonzero()[0].item()
        raise ValueError(
            f"expected finite numbers in the pictures of {name}, got nan or inf in picture {bad}: "
            "look for a division by 0 in how they were made"
        )


def _check_labels(labels: Tensor, count: int, name: str) -> None:
    if labels.dtype != torch.int64:
        raise TypeError(
            f"expected the labels of {name} as int64, got {labels.dtype}: write labels.long()"
        )
    if labels.shape != (count,):
        raise ValueError(
            f"expected one label for each of the {count} pictures of {name}, got labels of shape "
            f"{tuple(labels.shape)}: give a tensor of shape ({count},)"
        )
    if labels.min() < 0:
        raise ValueError(
            f"expected the labels of {name} from 0, got {labels.min().item()}: number the classes "
            "0, 1, 2, …"
        )


def check_classes(model: nn.Module, batches: Batches, name: str = "data") -> int:
    """Run a network on one picture and refuse labels for which it has no score.

    Args:
        model: On the device of the data; left as it was.
        batches: The data.
        name: What the data are called in the sentence.

    Returns:
        How many scores the network gives for a picture.

    Raises:
        ValueError: The scores are not `(N, classes)`, or a label is too high.
    """
    with untouched(model):
        scores = model(batches.slice(0, 1)[0])
    if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != 1:
        got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(
            f"expected a network that gives scores of shape (1, classes) for one picture, got "
            f"{got}: let it end with nn.Linear, and flatten with start_dim=1 before"
        )
    classes, highest = scores.shape[1], int(batches.labels.max())
    if highest >= classes:
        raise ValueError(
            f"expected the labels of {name} from 0 to {classes - 1}, since the network has "
            f"{classes} scores, got {highest}: give it {highest + 1} classes, such as "
            f"Custom_CNN(num_classes={highest + 1})"
        )
    return classes
