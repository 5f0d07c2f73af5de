"""The update rules written out, and walks down surfaces of two weights by each of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cnn_basics.expect import expect, number, whole

State = dict[str, Tensor | int]
TOO_FAR = 1e6  # a walk ends at the first point with a coordinate beyond it


def sgd_step(
    weights: Tensor, gradient: Tensor, state: State, learning_rate: float
) -> tuple[Tensor, State]:
    """Step straight downhill; return the new weights, and the state for the next step.

    Weights and gradient have the same shape, any. The state, `{}` at first, is what a rule
    remembers from step to step; here nothing.

    Example:
        >>> sgd_step(torch.tensor([1.0]), torch.tensor([2.0]), {}, 0.25)
        (tensor([0.5000]), {})
    """
    return weights - learning_rate * gradient, state


def momentum_step(
    weights: Tensor, gradient: Tensor, state: State, learning_rate: float, momentum: float = 0.9
) -> tuple[Tensor, State]:
    """Roll on: add the gradient to the share `momentum` that is left of the steps before.

    Source: Polyak (1964), in the form of `torch.optim.SGD(momentum=…)`.

    Example:
        >>> w, state = momentum_step(torch.tensor([1.0]), torch.tensor([2.0]), {}, 0.25)
        >>> momentum_step(w, torch.tensor([2.0]), state, 0.25, momentum=0.5)[0]
        tensor([-0.2500])
    """
    velocity = momentum * state.get("velocity", 0.0) + gradient
    return weights - learning_rate * velocity, {"velocity": velocity}


def adam_step(
    weights: Tensor,
    gradient: Tensor,
    state: State,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Tensor, State]:
    """Step by the mean gradient, divided by its usual size, for each weight by itself.

    `betas` are the shares that are kept of the mean gradient and of its square; `eps` keeps a
    gradient of 0 from being divided by 0.
    Source: Kingma & Ba (2015), "Adam", https://arxiv.org/abs/1412.6980, algorithm 1.

    Example:
        >>> adam_step(torch.tensor([1.0, 1.0]), torch.tensor([2.0, -0.002]), {}, 0.25)[0]
        tensor([0.7500, 1.2500])
    """
    step = state.get("step", 0) + 1
    mean = betas[0] * state.get("mean", 0.0) + (1 - betas[0]) * gradient
    square = betas[1] * state.get("square", 0.0) + (1 - betas[1]) * gradient**2
    unbiased_mean = mean / (1 - betas[0] ** step)
    unbiased_square = square / (1 - betas[1] ** step)
    moved = weights - learning_rate * unbiased_mean / (unbiased_square.sqrt() + eps)
    return moved, {"step": step, "mean": mean, "square": square}


RULES = {"sgd": sgd_step, "momentum": momentum_step, "adam": adam_step}


@dataclass(frozen=True)
class Surface:
    """A loss of two weights, with a start and its valleys, the deepest first.

    `loss` takes weights `(..., 2)` and returns `(...)`; `limits` are the smallest and the largest
    first weight, and the same for the second, worth showing.

    Example:
        >>> point = torch.tensor([3.0, 4.0])
        >>> SURFACES["bowl"].loss(point), SURFACES["bowl"].gradient(point)
        (tensor(12.5000), tensor([3., 4.]))
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    start: tuple[float, float]
    valleys: tuple[tuple[float, float], ...]
    limits: tuple[tuple[float, float], tuple[float, float]]

    def gradient(self, points: Tensor) -> Tensor:
        """Ask autograd for both slopes at points `(..., 2)`."""
        with torch.enable_grad():
            points = points.detach().requires_grad_()
            return torch.autograd.grad(self.loss(points).sum(), points)[0]


_CENTRE, _WIDE = ((0.0, 0.0),), ((-5, 5), (-4, 4))
_ENDS, _NARROW = ((0.0, 1.0), (0.0, -1.0)), ((-3, 3), (-2.4, 2.4))
_HOLES, _LOW = ((-2.0, 0.0), (1.0, 0.0)), ((-3, 2.5), (-2.2, 2.2))


def _two_valleys(x: Tensor, y: Tensor) -> Tensor:
    return x**4 / 4 + x**3 / 3 - x**2 + 8 / 3 + y**2  # with a hill between them at x = 0


_ALL = {
    "bowl": (lambda x, y: (x**2 + y**2) / 2, (-4.0, 3.0), _CENTRE, _WIDE),
    # Twenty times as steep across as along.
    "ravine": (lambda x, y: (x**2 + 20 * y**2) / 2, (-4.0, 2.0), _CENTRE, _WIDE),
    # A pass at (0, 0): up along x, down along y.
    "saddle": (lambda x, y: x**2 / 2 + (y**2 - 1) ** 2 / 4, (-2.5, 0.01), _ENDS, _NARROW),
    "two valleys": (_two_valleys, (2.0, 1.5), _HOLES, _LOW),
}
SURFACES = {
    name: Surface(name, lambda points, loss=loss: loss(*points.unbind(dim=-1)), *rest)
    for name, (loss, *rest) in _ALL.items()
}


@dataclass(frozen=True)
class Walk:
    """The points `(T, 2)` of one descent, their losses `(T,)`, and whether it ran away."""

    points: Tensor
    losses: Tensor
    diverged: bool


def walk(
    surface: Surface | str,
    start: tuple[float, float] | None = None,
    rule: str = "sgd",
    learning_rate: float = 0.1,
    steps: int = 50,
) -> Walk:
    """Go down a surface, a `Surface` or the name of one of `SURFACES`, by one of the `RULES`.

    It starts at the surface's own `start`, unless told otherwise, and has `steps + 1` points, or
    fewer when it runs away (`diverged`): up to the first with a coordinate beyond a million.

    Example:
        >>> walk("bowl", start=(8.0, 4.0), learning_rate=0.5, steps=2).points.tolist()
        [[8.0, 4.0], [4.0, 2.0], [2.0, 1.0]]
    """
    if not isinstance(surface, Surface):
        what = f"a Surface or one of {', '.join(map(repr, SURFACES))}"
        expect(surface in list(SURFACES), what, repr(surface), "choose one")
        surface = SURFACES[surface]
    start = surface.start if start is None else start
    point = np.asarray(start).tolist() if np.shape(start) == (2,) else [None]
    right = all(isinstance(each, int | float) and math.isfinite(each) for each in point)
    expect(right, "start as two finite numbers", f"{start!r}", "give (x, y)")
    what = f"rule as one of {', '.join(map(repr, RULES))}"
    expect(rule in list(RULES), what, repr(rule), "choose one")
    learning_rate = number(learning_rate, "learning_rate", 1e-30, 1e30)
    steps = whole(steps, "steps", 0, "try steps=50")
    point, state = torch.tensor(point, dtype=torch.float64), {}
    points = [point]
    while len(points) <= steps and point.abs().max() <= TOO_FAR:
        point, state = RULES[rule](point, surface.gradient(point), state, learning_rate)
        points.append(point)
    path = torch.stack(points)
    return Walk(path, surface.loss(path), not bool((point.abs() <= TOO_FAR).all()))


def curvatures(surface: Surface, points: Tensor) -> Tensor:
    """The smallest and largest curvature at points `(..., 2)`; SGD runs away at rates above 2/c."""
    size = 1e-4 * points.abs().amax(dim=-1).clamp(min=1.0)[..., None, None]
    shifts = torch.eye(2, dtype=points.dtype) * size
    ahead, behind = (surface.gradient(points[..., None, :] + way * shifts) for way in (1, -1))
    matrix = (ahead - behind) / (2 * size)  # of second derivatives
    return torch.linalg.eigvalsh((matrix + matrix.mT) / 2)
