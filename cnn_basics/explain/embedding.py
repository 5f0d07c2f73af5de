"""Long rows of numbers as points that can be drawn."""

from __future__ import annotations

import torch
from torch import Tensor


def principal_components(rows: Tensor, count: int = 2) -> tuple[Tensor, Tensor]:
    """Look at rows of numbers from the direction in which they differ most.

    Args:
        rows: (N, D), float32 or float64, such as what `fc1` gives for N pictures.
        count: how many numbers are kept of each row, at most N and D.

    Returns:
        (N, count), the rows in new coordinates, widest spread first; and (count,), the share of
        all variance that each coordinate has. Of the two directions along an axis the one is
        taken in which the largest entry is positive, so that all machines agree.

    Raises:
        ValueError: if `rows` is not (N, D), there is too little of it, or all rows are the same.

    Example:
        >>> points, shares = principal_components(torch.tensor([[0.0, 0], [3, 4], [6, 8]]), 1)
        >>> points.round().flatten().tolist(), shares.round().tolist()
        ([-5.0, 0.0, 5.0], [1.0])

    Source:
        Pearson (1901), "On lines and planes of closest fit to systems of points in space";
        computed as in Jolliffe (2002), "Principal component analysis", section 3.5.
    """
    if rows.ndim != 2:
        raise ValueError(f"expected rows as (N, D), got {tuple(rows.shape)}: write rows.flatten(1)")
    if not 1 <= count <= min(rows.shape):
        raise ValueError(
            f"expected a count from 1 to {min(rows.shape)} for rows {tuple(rows.shape)}, "
            f"got {count}: give more rows, or keep less of them"
        )
    centred = rows - rows.mean(dim=0)
    _, spread, axes = torch.linalg.svd(centred, full_matrices=False)  # axes: (min(N, D), D)
    variance = spread.square()
    if not variance.sum() > 0:
        raise ValueError("expected rows that differ, got equal ones: give other pictures")
    axes = axes[:count]
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    return centred @ (axes * largest.sign()).T, variance[:count] / variance.sum()
