"""Walks down a surface, step by step, until they arrive or run away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from cnn_basics.by_hand.descent.rules import RULES
from cnn_basics.by_hand.descent.surfaces import SURFACES, Surface

TOO_FAR = 1e6  # a walk ends at the first point with a coordinate beyond it


@dataclass(frozen=True)
class Walk:
    """The points of one descent.

    Attributes:
        points: `(T, 2)` float64, from the start to the last point.
        losses: `(T,)` float64, the loss at each point.
        diverged: Whether the walk ended early because it ran away.
    """

    points: torch.Tensor
    losses: torch.Tensor
    diverged: bool


def walk(
    surface: Surface | str,
    start: tuple[float, float] | None = None,
    rule: str = "sgd",
    learning_rate: float = 0.1,
    steps: int = 50,
    *,
    momentum: float = 0.9,
    betas: tuple[float, float] = (0.9, 0.999),
) -> Walk:
    """Go down a surface by one of the update rules.

    Args:
        surface: A `Surface`, or the name of one of `SURFACES`.
        start: The first point; None takes the surface's own.
        rule: `"sgd"`, `"momentum"` or `"adam"`.
        learning_rate: Above 0.
        steps: How many steps to take, at least 0.
        momentum: For the rule of that name, at least 0 and below 1.
        betas: For Adam, both at least 0 and below 1.

    Returns:
        The points, their losses, and whether the walk ran away. Such a walk ends early, with its
        first point that has a coordinate beyond a million; otherwise there are `steps + 1` points.

    Raises:
        ValueError: When a name is unknown or a number out of range.

    Example:
        >>> walk("bowl", start=(8.0, 4.0), learning_rate=0.5, steps=2).points.tolist()
        [[8.0, 4.0], [4.0, 2.0], [2.0, 1.0]]
        >>> walk("bowl", learning_rate=2.5, steps=100).diverged
        True
    """
    surface = _find_surface(surface)
    start = surface.start if start is None else start
    _check_walk(start, rule, learning_rate, steps, {"momentum": [momentum], "betas": betas})
    options = {"momentum": {"momentum": momentum}, "adam": {"betas": betas}}.get(rule, {})
    point, state = torch.tensor(start, dtype=torch.float64), {}
    points = [point]
    while len(points) <= steps and point.abs().max() <= TOO_FAR:
        point, state = RULES[rule](point, surface.gradient(point), state, learning_rate, **options)
        points.append(point)
    path = torch.stack(points)
    return Walk(path, surface.loss(path), not bool((path[-1].abs() <= TOO_FAR).all()))


def _find_surface(surface: Surface | str) -> Surface:
    """Return a surface itself or the one of that name."""
    if isinstance(surface, Surface):
        return surface
    if surface not in SURFACES:
        raise ValueError(
            f"expected a Surface or one of {', '.join(map(repr, SURFACES))}, got {surface!r}: "
            "choose one"
        )
    return SURFACES[surface]


def _check_walk(
    start: Sequence[float],
    rule: str,
    learning_rate: float,
    steps: int,
    shares: dict[str, Sequence[float]],
) -> None:
    """Refuse a walk that cannot be taken, before its first step."""
    if len(start) != 2 or not all(map(math.isfinite, start)):
        raise ValueError(f"expected start as two finite numbers, got {start!r}: give (x, y)")
    if rule not in RULES:
        raise ValueError(
            f"expected rule as one of {', '.join(map(repr, RULES))}, got {rule!r}: choose one"
        )
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"expected a finite learning_rate above 0, got {learning_rate!r}: try 0.1")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise ValueError(
            f"expected steps as a whole number of at least 0, got {steps!r}: try steps=50"
        )
    for name, numbers in shares.items():
        if not all(0 <= number < 1 for number in numbers):
            raise ValueError(f"expected {name} of at least 0 and below 1, got {numbers!r}: try 0.9")
