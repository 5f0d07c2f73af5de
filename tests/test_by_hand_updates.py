"""Surfaces, update rules and walks: gradients against autograd, steps against torch.optim."""

import copy
import math

import numpy as np
import pytest
import torch
from refusing import refusing
from torch.autograd.functional import hessian

from cnn_basics.by_hand import RULES, SURFACES, curvatures, walk

surfaces = pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
OPTIMISERS = {
    "sgd": torch.optim.SGD,
    "momentum": lambda weights, lr, momentum=0.9: torch.optim.SGD(weights, lr, momentum),
    "adam": torch.optim.Adam,
}
STEPS = [
    *[(rule, {}) for rule in RULES],
    *[("momentum", {"momentum": momentum}) for momentum in (0.0, 0.5, 0.99)],
    ("adam", {"betas": (0.0, 0.0)}),
    ("adam", {"betas": (0.5, 0.9), "eps": 1e-2}),
]


torch.manual_seed(0)


def doubles(*shape):
    return torch.randn(shape, dtype=torch.float64)


@surfaces
def test_valleys_are_flat_and_lower_than_their_surroundings_inside_the_limits(surface):
    valleys = torch.tensor(surface.valleys, dtype=torch.float64)
    assert not surface.gradient(valleys).any()
    losses = surface.loss(valleys)
    assert (losses.sort().values == losses).all()
    assert losses[0].abs() < 1e-12
    around = valleys[:, None] + doubles(50, 2).clamp(-1, 1) / 10
    assert (surface.loss(around) > losses[:, None]).all()
    low, high = torch.tensor(surface.limits, dtype=torch.float64).T
    for point in (torch.tensor(surface.start), *valleys):
        assert ((low < point) & (point < high)).all()


@pytest.mark.parametrize(("rule", "options"), STEPS)
@pytest.mark.parametrize("shape", [(2,), (3, 4, 5), ()])
def test_steps_are_those_of_torch_optim_and_leave_their_arguments_alone(rule, options, shape):
    start, gradients = doubles(*shape), doubles(30, *shape)
    theirs = start.clone()
    optimiser = OPTIMISERS[rule]([theirs], 0.03, **options)
    ours, state = start.clone(), {}
    for gradient in gradients:
        theirs.grad = gradient.clone()
        optimiser.step()
        kept = copy.deepcopy((ours, gradient, state))
        moved, later = RULES[rule](ours, gradient, state, 0.03, **options)
        torch.testing.assert_close((ours, gradient, state), kept, rtol=0, atol=0)
        ours, state = moved, later
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@surfaces
@pytest.mark.parametrize("rule", RULES)
def test_a_walk_is_what_the_optimiser_does_with_autograd(surface, rule):
    weights = torch.tensor(surface.start, dtype=torch.float64, requires_grad=True)
    optimiser = OPTIMISERS[rule]([weights], 0.02)
    points, losses = [], []
    for _ in range(21):
        optimiser.zero_grad()
        loss = surface.loss(weights)
        loss.backward()
        points.append(weights.detach().clone())
        losses.append(loss.detach())
        optimiser.step()
    ours = walk(surface, rule=rule, learning_rate=0.02, steps=20)
    torch.testing.assert_close(ours.points, torch.stack(points), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(ours.losses, torch.stack(losses))
    assert not ours.diverged


def test_a_walk_arrives_below_the_limit_and_runs_away_above():
    """On a parabola of curvature 20 plain descent shrinks the weight below 2 / 20 only."""
    below = walk("ravine", learning_rate=0.099, steps=300)
    assert len(below.points) == 301
    assert below.losses[-1] < 1e-3
    above = walk("ravine", learning_rate=0.101, steps=3000)
    assert above.diverged
    assert len(above.points) < 3001
    assert (above.points[:-1].abs() <= 1e6).all()
    assert above.points[-1].abs().max() > 1e6


def test_a_walk_may_end_where_it_starts():
    gone = walk("two valleys", start=(1e300, 0.0), steps=5)
    assert (gone.diverged, len(gone.points)) == (True, 1)
    still = walk("bowl", start=(1, 2), steps=0)
    assert (still.points.tolist(), still.losses.tolist()) == ([[1.0, 2.0]], [2.5])
    assert still.points.dtype == torch.float64
    options = {"learning_rate": np.float32(0.5), "steps": np.int64(1)}
    for start in (np.array([4, 2]), torch.tensor([4.0, 2.0]), (np.float32(4), np.int64(2))):
        assert walk("bowl", start, **options).points.tolist() == [[4.0, 2.0], [2.0, 1.0]]


@surfaces
def test_curvatures_are_the_eigenvalues_of_the_second_derivatives(surface):
    points = doubles(3, 5, 2).clamp(-2, 2)
    got = curvatures(surface, points)
    assert got.shape == points.shape
    for point, found in zip(points.view(-1, 2), got.view(-1, 2), strict=True):
        wanted = torch.linalg.eigvalsh(hessian(surface.loss, point))
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)


test_what_cannot_be_walked_is_refused = refusing(
    (lambda: walk("hill"), r"one of 'bowl', .*got 'hill'"),
    (lambda: walk("bowl", start=(1.0,)), r"two finite numbers, got \(1.0,\)"),
    (lambda: walk("bowl", start=(1.0, math.nan)), "two finite numbers, got .*nan"),
    (lambda: walk("bowl", start="ab"), "two finite numbers, got 'ab'"),
    (lambda: walk("bowl", start=(1, "b")), "two finite numbers"),
    (lambda: walk(["bowl"]), r"got \['bowl'\]"),
    (lambda: walk("bowl", rule="SGD"), "'sgd', 'momentum', 'adam', got 'SGD'"),
    (lambda: walk("bowl", learning_rate=0.0), "learning_rate as a number .* 1e-30 to .*, got 0.0"),
    (lambda: walk("bowl", learning_rate=math.inf), "learning_rate as .*, got inf"),
    (lambda: walk("bowl", steps=-1), "from 0, got -1: try steps=50"),
)
