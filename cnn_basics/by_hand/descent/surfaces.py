"""Losses of two weights with their gradients, each with one thing that makes descent hard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

Function = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Surface:
    """A loss of two weights whose gradient is known.

    Attributes:
        name: What it looks like.
        loss: Takes weights `(..., 2)` and returns the loss of each, `(...)`.
        gradient: Takes weights `(..., 2)` and returns the gradient at each, `(..., 2)`.
        start: A good point to start from.
        valleys: The points where the loss is lowest in their surroundings, the deepest first.
        limits: Smallest and largest first weight, and the same for the second, worth showing.

    Example:
        >>> point = torch.tensor([3.0, 4.0])
        >>> SURFACES["bowl"].loss(point), SURFACES["bowl"].gradient(point)
        (tensor(12.5000), tensor([3., 4.]))
    """

    name: str
    loss: Function
    gradient: Function
    start: tuple[float, float]
    valleys: tuple[tuple[float, float], ...]
    limits: tuple[tuple[float, float], tuple[float, float]]


def _bowl(points: torch.Tensor) -> torch.Tensor:
    """Half the squared distance from (0, 0)."""
    return (points**2).sum(dim=-1) / 2


def _bowl_gradient(points: torch.Tensor) -> torch.Tensor:
    return points.clone()


def _ravine(points: torch.Tensor) -> torch.Tensor:
    """Twenty times as steep across as along."""
    x, y = points.unbind(dim=-1)
    return x**2 / 2 + 20 * y**2 / 2


def _ravine_gradient(points: torch.Tensor) -> torch.Tensor:
    x, y = points.unbind(dim=-1)
    return torch.stack([x, 20 * y], dim=-1)


def _saddle(points: torch.Tensor) -> torch.Tensor:
    """A pass at (0, 0): up along x, down along y, until the valleys at y = 1 and y = -1."""
    x, y = points.unbind(dim=-1)
    return x**2 / 2 + (y**2 - 1) ** 2 / 4


def _saddle_gradient(points: torch.Tensor) -> torch.Tensor:
    x, y = points.unbind(dim=-1)
    return torch.stack([x, y * (y**2 - 1)], dim=-1)


def _two_valleys(points: torch.Tensor) -> torch.Tensor:
    """A deep valley at x = -2 and a shallow one at x = 1, with a hill between them at x = 0."""
    x, y = points.unbind(dim=-1)
    return x**4 / 4 + x**3 / 3 - x**2 + 8 / 3 + y**2


def _two_valleys_gradient(points: torch.Tensor) -> torch.Tensor:
    x, y = points.unbind(dim=-1)
    return torch.stack([x * (x + 2) * (x - 1), 2 * y], dim=-1)


SURFACES = {
    surface.name: surface
    for surface in (
        Surface("bowl", _bowl, _bowl_gradient, (-4.0, 3.0), ((0.0, 0.0),), ((-5, 5), (-4, 4))),
        Surface(
            "ravine", _ravine, _ravine_gradient, (-4.0, 2.0), ((0.0, 0.0),), ((-5, 5), (-4, 4))
        ),
        Surface(
            "saddle",
            _saddle,
            _saddle_gradient,
            (-2.5, 0.01),
            ((0.0, 1.0), (0.0, -1.0)),
            ((-3, 3), (-2.4, 2.4)),
        ),
        Surface(
            "two valleys",
            _two_valleys,
            _two_valleys_gradient,
            (2.0, 1.5),
            ((-2.0, 0.0), (1.0, 0.0)),
            ((-3, 2.5), (-2.2, 2.2)),
        ),
    )
}
