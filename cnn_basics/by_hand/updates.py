"""The update rules written out, and walks down surfaces of two weights by each of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cnn_basics.expect import expect, whole

State = dict[str, Tensor | int]
TOO_FAR = 1e6  # a walk ends at the first point with a coordinate beyond it


def sgd_step(
    weights: Tensor, gradient: Tensor, state: State, learning_rate: float
) -> tuple[Tensor, State]:
    """Step straight downhill, as `torch.optim.SGD` does.

    Args:
        weights: Any shape.
        gradient: Of the loss, same shape.
        state: What the rule remembers from step to step; here nothing.
        learning_rate: How long a step is for a gradient of 1.

    Returns:
        The new weights, and the state for the next step.

    Example:
        >>> sgd_step(torch.tensor([1.0]), torch.tensor([2.0]), {}, 0.25)
        (tensor([0.5000]), {})
    """
    return weights - learning_rate * gradient, state


def momentum_step(
    weights: Tensor, gradient: Tensor, state: State, learning_rate: float, momentum: float = 0.9
) -> tuple[Tensor, State]:
    """Roll on: add the gradient to what is left of the steps before.

    As `sgd_step`; the state is the `velocity`, of which the share `momentum` is left after a step.

    Example:
        >>> w, state = momentum_step(torch.tensor([1.0]), torch.tensor([2.0]), {}, 0.25)
        >>> momentum_step(w, torch.tensor([2.0]), state, 0.25, momentum=0.5)[0]
        tensor([-0.2500])

    Source:
        Polyak (1964), in the form of `torch.optim.SGD(momentum=…)`.
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

    As `sgd_step`; the state is the number of the `step`, and the `mean` of the gradients and of
    their `square`, of which `betas` are the shares that are kept. `eps` is added to the divisor,
    so that a gradient of 0 is not divided by 0.

    Example:
        >>> adam_step(torch.tensor([1.0, 1.0]), torch.tensor([2.0, -0.002]), {}, 0.25)[0]
        tensor([0.7500, 1.2500])

    Source:
        Kingma & Ba (2015), "Adam", https://arxiv.org/abs/1412.6980, algorithm 1.
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
    """A loss of two weights, with its gradient, a start and its valleys, the deepest first.

    `loss` takes weights `(..., 2)` and returns `(...)`, `gradient` returns `(..., 2)`; `limits` are
    the smallest and the largest first weight, and the same for the second, worth showing.

    Example:
        >>> point = torch.tensor([3.0, 4.0])
        >>> SURFACES["bowl"].loss(point), SURFACES["bowl"].gradient(point)
        (tensor(12.5000), tensor([3., 4.]))
    """

    name: str
    loss: Callable[[Tensor], Tensor]
    gradient: Callable[[Tensor], Tensor]
    start: tuple[float, float]
    valleys: tuple[tuple[float, float], ...]
    limits: tuple[tuple[float, float], tuple[float, float]]


def _surface(
    name: str, loss: Callable[..., Tensor], gradient: Callable[..., tuple], **places: tuple
) -> Surface:
    """Make a surface of formulas in x and y."""
    return Surface(
        name,
        lambda points: loss(*points.unbind(dim=-1)),
        lambda points: torch.stack(gradient(*points.unbind(dim=-1)), dim=-1),
        **places,
    )


_BOWL = _surface(
    "bowl",
    lambda x, y: (x**2 + y**2) / 2,
    lambda x, y: (x, y),
    **{"start": (-4.0, 3.0), "valleys": ((0.0, 0.0),), "limits": ((-5, 5), (-4, 4))},
)
_RAVINE = _surface(  # twenty times as steep across as along
    "ravine",
    lambda x, y: (x**2 + 20 * y**2) / 2,
    lambda x, y: (x, 20 * y),
    **{"start": (-4.0, 2.0), "valleys": ((0.0, 0.0),), "limits": ((-5, 5), (-4, 4))},
)
_SADDLE = _surface(  # a pass at (0, 0): up along x, down along y until the valleys
    "saddle",
    lambda x, y: x**2 / 2 + (y**2 - 1) ** 2 / 4,
    lambda x, y: (x, y * (y**2 - 1)),
    **{
        "start": (-2.5, 0.01),
        "valleys": ((0.0, 1.0), (0.0, -1.0)),
        "limits": ((-3, 3), (-2.4, 2.4)),
    },
)
_TWO_VALLEYS = _surface(  # a deep one and a shallow one, with a hill between them at x = 0
    "two valleys",
    lambda x, y: x**4 / 4 + x**3 / 3 - x**2 + 8 / 3 + y**2,
    lambda x, y: (x * (x + 2) * (x - 1), 2 * y),
    **{
        "start": (2.0, 1.5),
        "valleys": ((-2.0, 0.0), (1.0, 0.0)),
        "limits": ((-3, 2.5), (-2.2, 2.2)),
    },
)
SURFACES = {each.name: each for each in (_BOWL, _RAVINE, _SADDLE, _TWO_VALLEYS)}


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
        The points and their losses: `steps + 1`, or fewer when the walk ran away (`diverged`), up
        to its first point that has a coordinate beyond a million.

    Example:
        >>> walk("bowl", start=(8.0, 4.0), learning_rate=0.5, steps=2).points.tolist()
        [[8.0, 4.0], [4.0, 2.0], [2.0, 1.0]]
    """
    known = isinstance(surface, Surface) or surface in SURFACES
    what = f"a Surface or one of {', '.join(map(repr, SURFACES))}"
    expect(known, what, repr(surface), "choose one")
    surface = surface if isinstance(surface, Surface) else SURFACES[surface]
    start = surface.start if start is None else start
    fits = len(start) == 2 and all(map(math.isfinite, start))
    expect(fits, "start as two finite numbers", f"{start!r}", "give (x, y)")
    expect(rule in RULES, f"rule as one of {', '.join(map(repr, RULES))}", repr(rule), "choose one")
    fits = math.isfinite(learning_rate) and learning_rate > 0
    expect(fits, "a finite learning_rate above 0", learning_rate, "try 0.1")
    steps = whole(steps, "steps", 0, "try steps=50")
    for name, shares in (("momentum", (momentum,)), ("betas", betas)):
        fits = all(0 <= share < 1 for share in shares)
        expect(fits, f"{name} of at least 0 and below 1", f"{shares}", "try 0.9")
    options = {"momentum": {"momentum": momentum}, "adam": {"betas": betas}}.get(rule, {})
    point, state = torch.tensor(start, dtype=torch.float64), {}
    points = [point]
    while len(points) <= steps and point.abs().max() <= TOO_FAR:
        point, state = RULES[rule](point, surface.gradient(point), state, learning_rate, **options)
        points.append(point)
    path = torch.stack(points)
    return Walk(path, surface.loss(path), not bool((point.abs() <= TOO_FAR).all()))


def curvatures(surface: Surface, points: Tensor) -> Tensor:
    """Compute the smallest and the largest curvature at points `(..., 2)` of a surface.

    They are the eigenvalues of the matrix of second derivatives, taken here as differences of the
    gradient. Along a direction of curvature c, SGD runs away when the learning rate is above 2/c.
    """
    size = 1e-4 * points.abs().amax(dim=-1).clamp(min=1.0)[..., None, None]
    shifts = torch.eye(2, dtype=points.dtype) * size
    ahead, behind = (surface.gradient(points[..., None, :] + way * shifts) for way in (1, -1))
    matrix = (ahead - behind) / (2 * size)
    return torch.linalg.eigvalsh((matrix + matrix.mT) / 2)
