"""What the explanations refuse, in one sentence with the fix."""

from __future__ import annotations

import torch
from torch import Tensor

Target = int | Tensor


def check_pictures(x: Tensor) -> None:
    """Refuse what is not a batch of pictures of float numbers.

    Args:
        x: expected as (N, C, H, W), float32 or float64.

    Raises:
        TypeError: if `x` is not a tensor, or not of floats.
        ValueError: if it has not four axes.
    """
    if not isinstance(x, Tensor):
        raise TypeError(
            f"expected pictures as a tensor (N, C, H, W), got {type(x).__name__}: "
            "write torch.as_tensor(x)"
        )
    if x.ndim != 4:
        fix = "add the batch axis with x[None]" if x.ndim == 3 else "give all four axes"
        raise ValueError(f"expected pictures as (N, C, H, W), got {tuple(x.shape)}: {fix}")
    if not x.is_floating_point():
        kind = str(x.dtype).removeprefix("torch.")
        raise TypeError(f"expected pictures of floats, got {kind}: write x.float() / 255")


def read_scores(scores: object) -> Tensor:
    """Refuse what is no table of scores.

    Args:
        scores: what the network gives, expected as (N, K).

    Returns:
        The same.

    Raises:
        ValueError: if it is anything else.
    """
    if not isinstance(scores, Tensor) or scores.ndim != 2:
        got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(
            f"expected a network that gives scores (N, K), got {got}: "
            "explain a network that ends with one score for each class"
        )
    return scores


def read_target(scores: Tensor, target: Target) -> Tensor:
    """Read which class is explained for each picture.

    Args:
        scores: (N, K), what the network gives.
        target: one class for all pictures, or (N,) int64, one for each.

    Returns:
        (N,) int64.

    Raises:
        TypeError: if `target` is neither a whole number nor a tensor of them.
        ValueError: if there is no such class, or the shapes do not fit.

    Example:
        >>> read_target(torch.zeros(3, 2), 1)
        tensor([1, 1, 1])
    """
    count, classes = read_scores(scores).shape
    chosen = _as_column(target, count, scores.device)
    wrong = chosen[(chosen < 0) | (chosen >= classes)]
    if len(wrong):
        raise ValueError(
            f"expected a target from 0 to {classes - 1}, got {int(wrong[0])}: "
            "give the number of a class of this network"
        )
    return chosen


def choose_scores(scores: Tensor, target: Target) -> Tensor:
    """Pick the score of one class for each picture.

    Args:
        scores: (N, K), what the network gives.
        target: as `read_target` takes it.

    Returns:
        (N,), the chosen scores.

    Raises:
        TypeError: if `target` is of the wrong kind.
        ValueError: if there is no such class, or the shapes do not fit.

    Example:
        >>> choose_scores(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0, 1]))
        tensor([1., 4.])
    """
    return scores.gather(1, read_target(scores, target)[:, None])[:, 0]


def _as_column(target: Target, count: int, device: torch.device) -> Tensor:
    """One class for each picture, as (N,) int64."""
    if isinstance(target, bool) or not isinstance(target, int | Tensor):
        raise TypeError(
            f"expected target as a whole number or a tensor (N,) of them, got {target!r}: "
            "write for example target=0"
        )
    if isinstance(target, int):
        return torch.full((count,), target, device=device)
    if target.dtype not in (torch.int64, torch.int32):
        kind = str(target.dtype).removeprefix("torch.")
        raise TypeError(f"expected target of int64, got {kind}: write target.long()")
    if target.shape not in ((), (count,)):
        raise ValueError(
            f"expected one target for each of {count} pictures, got shape "
            f"{tuple(target.shape)}: give one class, or a tensor ({count},)"
        )
    return target.long().to(device).expand(count)
