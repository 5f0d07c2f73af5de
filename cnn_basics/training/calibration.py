"""Whether a network's answers are as sure as they are right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from cnn_basics.training.checks import require_whole


@dataclass(frozen=True, eq=False)
class Reliability:
    """Answers put into groups of similar confidence; the share of the winning class is confidence.

    Attributes:
        edges: `(B + 1,)` float32, where the groups begin and end.
        counts: `(B,)` int64, how many answers are in each group.
        confidence: `(B,)` float32, the mean confidence of the group; nan if it is empty.
        accuracy: `(B,)` float32, the share of the group that is right; nan if it is empty.
        error: The mean distance of the two, each group weighted by its count.

    Example:
        >>> shares = torch.tensor([[0.95, 0.05], [0.85, 0.15], [0.25, 0.75]])
        >>> found = reliability(shares, torch.tensor([0, 0, 0]), bins=5)
        >>> found.counts.tolist(), round(found.error, 2)
        ([0, 0, 1, 1, 1], 0.32)
    """

    edges: Tensor
    counts: Tensor
    confidence: Tensor
    accuracy: Tensor
    error: float


def reliability(probabilities: Tensor, labels: Tensor, bins: int = 5) -> Reliability:
    """Compare how sure a network is with how often it is right.

    The confidence of an answer lies between 1 / K, where all K classes have the same share, and 1.
    This range is cut into groups of the same width.

    Args:
        probabilities: `(N, K)` float, at least one row; each row sums to 1. See
            `Evaluation.probabilities`.
        labels: `(N,)` int64, each from 0 to K - 1.
        bins: How many groups.

    Returns:
        A `Reliability`.

    Raises:
        TypeError: The labels are not int64.
        ValueError: The rows do not sum to 1, the shapes do not fit, a label has no column, or
            `bins` is no whole number from 1.

    Example:
        >>> sure = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
        >>> reliability(sure, torch.tensor([0, 1])).error
        0.5

    Source:
        The expected calibration error of C. Guo et al. (2017), "On calibration of modern neural
        networks", equation 5, https://arxiv.org/abs/1706.04599
    """
    _check(probabilities, labels, bins)
    confidence, answer = probabilities.float().max(dim=1)
    right = (answer == labels).float()
    edges = torch.linspace(1 / probabilities.shape[1], 1, bins + 1)
    group = torch.bucketize(confidence, edges[1:-1])  # (N,), from 0 to bins - 1
    counts = group.bincount(minlength=bins)
    means = [sums / counts for sums in (_sum(confidence, group, bins), _sum(right, group, bins))]
    distance = (_sum(confidence, group, bins) - _sum(right, group, bins)).abs().sum()
    return Reliability(edges, counts, *means, distance.item() / len(labels))


def _sum(numbers: Tensor, group: Tensor, bins: int) -> Tensor:
    return torch.zeros(bins).index_add(0, group, numbers)


def _check(probabilities: Tensor, labels: Tensor, bins: int) -> None:
    if probabilities.ndim != 2 or not len(probabilities) or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            "expected probabilities (N, K) and labels (N,), N at least 1, got "
            f"{tuple(probabilities.shape)} and {tuple(labels.shape)}: give one row for each label"
        )
    if labels.dtype != torch.int64:
        raise TypeError(f"expected labels as int64, got {labels.dtype}: write labels.long()")
    low, high = labels.min().item(), labels.max().item()
    if low < 0 or high >= probabilities.shape[1]:
        raise ValueError(
            f"expected labels from 0 to {probabilities.shape[1] - 1}, one for each column, got "
            f"{low} to {high}: number the classes as the network does"
        )
    sums = probabilities.sum(dim=1)
    if probabilities.min() < 0 or not torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        raise ValueError(
            "expected probabilities that sum to 1 in each row, got rows that do not: "
            "write scores.softmax(dim=1)"
        )
    require_whole("bins", bins, 1, "write bins=5")
