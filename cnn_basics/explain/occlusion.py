"""Explanations by covering: how much a score falls when a square hides a part."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cnn_basics.explain.checks import (
    Target,
    check_pictures,
    choose_scores,
    read_scores,
    read_target,
)
from cnn_basics.model.untouched import untouched

Fill = float | Tensor


def squares(height: int, width: int, size: int, stride: int) -> Tensor:
    """Place a square everywhere on a picture, row by row.

    The last square of a row or column may reach over the edge; only what lies on the picture is
    marked.

    Args:
        height: rows of the picture.
        width: columns of the picture.
        size: rows and columns of the square, at most those of the picture.
        stride: pixels from one place to the next, at most `size`, so that none stays uncovered.

    Returns:
        (rows, columns, height, width) bool: for each place of the square, its pixels.

    Raises:
        ValueError: if a number is out of its range.
        TypeError: if it is not a whole number.

    Example:
        >>> squares(1, 3, size=1, stride=1)[0, 1]
        tensor([[False,  True, False]])
    """
    _check_square(height, width, size, stride)
    along = []
    for length in (height, width):
        starts = torch.arange(-(-(length - size) // stride) + 1) * stride
        pixels = torch.arange(length)
        along.append((pixels >= starts[:, None]) & (pixels < starts[:, None] + size))
    rows, columns = along
    return rows[:, None, :, None] & columns[None, :, None, :]


def covered_scores(model: nn.Module, x: Tensor, size: int, stride: int, fill: Fill = 0.0) -> Tensor:
    """Cover a square of each picture, place after place, and write down all scores.

    Args:
        model: a network that gives scores (N, K); it is left as it was.
        x: (N, C, H, W), the pictures as the network takes them.
        size: rows and columns of the square.
        stride: pixels from one place to the next.
        fill: what the square is filled with: one number, or (C,), one for each channel.

    Returns:
        (N, rows, columns, K), the scores for each place of the square, as `squares` lists them.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a shape or a number does not fit.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]))
        >>> covered_scores(model, torch.ones(1, 1, 2, 2), size=1, stride=1)[0, :, :, 0].tolist()
        [[9.0, 8.0], [7.0, 6.0]]
    """
    check_pictures(x)
    channels, height, width = x.shape[1:]
    places = squares(height, width, size, stride).to(x.device)
    flat = places.flatten(0, 1)[:, None]  # (places, 1, H, W)
    filling = _as_pixel(fill, channels, x)
    with untouched(model):
        scores = [model(torch.where(flat, filling, picture)) for picture in x]  # (places, K) each
        classes = read_scores(model(x)).shape[1]
    stacked = torch.stack(scores) if scores else x.new_empty(0)
    return stacked.view(len(x), *places.shape[:2], classes)


def occlusion(
    model: nn.Module, x: Tensor, target: Target, size: int, stride: int, fill: Fill = 0.0
) -> Tensor:
    """Say of every pixel by how much the score falls, on average, when a square covers it.

    Args:
        model: a network that gives scores (N, K); it is left as it was.
        x: (N, C, H, W), the pictures as the network takes them.
        target: the class whose score is explained; one for all pictures, or (N,) int64.
        size: rows and columns of the square.
        stride: pixels from one place to the next, at most `size`.
        fill: what the square is filled with: one number, or (C,), one for each channel.

    Returns:
        (N, H, W): above 0 where the score falls, below 0 where it rises.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a shape or a number does not fit.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]))
        >>> occlusion(model, torch.ones(1, 1, 2, 2), target=0, size=1, stride=1).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]

    Source:
        Zeiler & Fergus (2014), "Visualizing and understanding convolutional networks",
        section 4.2, https://arxiv.org/abs/1311.2901
    """
    check_pictures(x)
    with untouched(model):
        answers = model(x)
        classes, whole = read_target(answers, target), choose_scores(answers, target)  # (N,)
    scores = covered_scores(model, x, size, stride, fill)  # (N, rows, columns, K)
    chosen = classes[:, None, None, None].expand(*scores.shape[:3], 1)
    drops = whole[:, None, None] - scores.gather(3, chosen)[..., 0]
    places = squares(*x.shape[2:], size, stride).to(drops)  # (rows, columns, H, W)
    return torch.einsum("nrc,rchw->nhw", drops, places) / places.sum(dim=(0, 1))


def _as_pixel(fill: Fill, channels: int, x: Tensor) -> Tensor:
    """The filling as (C, 1, 1) or a single number."""
    filling = torch.as_tensor(fill, dtype=x.dtype, device=x.device)
    if filling.shape not in ((), (channels,)):
        raise ValueError(
            f"expected fill as one number or ({channels},), got shape {tuple(filling.shape)}: "
            "give one number for each channel"
        )
    return filling.reshape(-1, 1, 1)


def _check_square(height: int, width: int, size: int, stride: int) -> None:
    """Refuse a square that does not fit, or that jumps over pixels."""
    reasons = (f"the picture has {height}×{width} pixels", f"the square is {size} pixels wide")
    given = (("size", size, min(height, width)), ("stride", stride, size))
    for (name, value, most), why in zip(given, reasons, strict=True):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"expected {name} as a whole number, got {value!r}: give an int")
        if not 1 <= value <= most:
            raise ValueError(
                f"expected {name} from 1 to {most} ({why}), got {value}: choose one of these"
            )
