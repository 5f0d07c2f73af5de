"""The numeric check of gradients: right ones pass, wrong ones are found where they are wrong."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from refusing import refusing
from test_by_hand_layers import random

from cnn_basics.by_hand import gradient_check


def test_numeric_gradients_are_autograds():
    x, weight = random(2, 3, 5, 4), random(2, 3, 3, 2, seed=1)
    result = gradient_check(lambda x, w: torch.tanh(F.conv2d(x, w, stride=2)), [x, weight])
    assert result.passed
    assert str(result) == (
        "passes: the largest relative error is at most 1e-06, for 156 numbers in 2 inputs"
    )
    for given, numeric, tensor in zip(result.given, result.numeric, (x, weight), strict=True):
        assert given.shape == numeric.shape == tensor.shape
        torch.testing.assert_close(given, numeric, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("index", "place"), [(0, (1, 2)), (1, (0, 1)), (1, (2, 0))])
def test_one_wrong_number_is_found_where_it_is(index, place):
    x, y = random(2, 3), random(3, 2, seed=1)

    def backward(grad_output, x, y):
        gradients = [grad_output @ y.T, x.T @ grad_output]
        gradients[index][place] *= 1.01
        return gradients

    result = gradient_check(torch.matmul, [x, y], backward)
    assert not result.passed
    assert str(result).startswith(
        f"fails: the largest relative error is 0.0099, in inputs[{index}] at {list(place)}: "
    )
    assert "corner" not in str(result)


@pytest.mark.parametrize("factor", [1 + 1e-5, -1.0, 0.0, float("nan"), float("inf")])
def test_wrong_gradients_do_not_pass(factor):
    x = random(3, 2)
    assert gradient_check(lambda x: x.sin(), x, lambda g, x: g * x.cos()).passed
    wrong = gradient_check(lambda x: x.sin(), x, lambda g, x: factor * g * x.cos())
    assert not wrong.passed
    assert "fails" in str(wrong)


def test_a_missing_gradient_is_as_wrong_as_a_wrong_one():
    assert not gradient_check(lambda x: x.detach() * x, random(3)).passed
    assert gradient_check(lambda x: torch.zeros(2).double() + 0 * x.sum(), random(3)).passed


def test_of_equal_errors_the_first_is_named():
    double = lambda g, x, y: (2 * g * y, 2 * g * x)  # noqa: E731
    for seed in range(5):
        result = gradient_check(torch.mul, [random(2, 3, seed=seed), random(2, 3, seed=9)], double)
        assert "relative error is 0.5, in inputs[0] at [0, 0]: " in str(result)


def test_a_corner_is_called_one_and_a_tie_in_max_pooling_too_unless_brightness_is_checked():
    result = gradient_check(torch.relu, torch.tensor([1.0, 0.0, -1.0]))
    assert str(result).startswith("fails: the largest relative error is 1, in inputs[0] at [1]: ")
    assert "the function has a corner there (slope -0 to the left, -0.2934 to the right)" in str(
        result
    )
    ties = torch.ones(1, 1, 2, 2)
    assert "corner" in str(gradient_check(lambda x: F.max_pool2d(x, 2), ties))
    brighter = lambda level: F.max_pool2d(ties.double() + level, 2)  # noqa: E731
    assert gradient_check(brighter, torch.zeros(1)).passed


def test_what_is_given_stays_as_it_is():
    x = random(2, 3).float().detach()
    turned, copy, state = x.T, x.clone(), torch.get_rng_state()
    result = gradient_check(lambda y: (y**2).sum(), turned)
    assert result.passed
    assert torch.equal(x, copy)
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(result.given[0], 2 * turned.double())


VIEWS = {
    "flatten": lambda x: x.flatten(1),
    "slice": lambda x: x[:, 1:],
    "permute": lambda x: x.permute(0, 2, 1),
    "identity": torch.nn.Identity(),
    "in place": lambda x: x.mul_(2),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_and_what_works_in_place_are_judged_as_anything_else(name):
    x = random(2, 3, 4).detach()
    before = x.clone()
    assert gradient_check(VIEWS[name], x).passed
    assert not gradient_check(VIEWS[name], x, lambda g, x: torch.zeros_like(x)).passed
    twice = lambda g, x: g.mul_(2)  # noqa: E731
    assert gradient_check(VIEWS["in place"], x, twice).passed
    assert torch.equal(x, before)


def test_empty_inputs_pass_with_nothing_compared():
    assert "passes: " in str(gradient_check(lambda x: x.sum(), torch.zeros(0, 3)))


@pytest.mark.parametrize(("given", "passes"), [(1e-10, True), (1e-8, False)])
def test_rounding_near_zero_does_not_count(given, passes):
    result = gradient_check(lambda x: 0 * x, random(2), lambda g, x: torch.full_like(x, given))
    assert result.passed == passes


ONE, TWO, SIX = random(2), [random(2), random(2)], random(2, 3)
test_refusals_say_what_came_and_the_fix = refusing(
    (lambda: gradient_check(torch.sin, []), "at least one input, got none"),
    (lambda: gradient_check(torch.sin, [1.0]), r"inputs\[0\] as a float32 .*got 1\.0"),
    (lambda: gradient_check(lambda x: x.float(), ONE), "float64 tensor.*got a float32"),
    (lambda: gradient_check(lambda x: 1.0, ONE), r"returns a float64 tensor.*got 1\.0"),
    (lambda: gradient_check(torch.mul, TWO, lambda g, x, y: [g * y]), "each of 2 inputs, got 1"),
    (lambda: gradient_check(torch.sin, SIX, lambda g, x: ONE), r"\(2, 3\), got \(2,\): what was"),
    (lambda: gradient_check(torch.sin, ONE, lambda g, x: [None]), r"of inputs\[0\] as .*got None"),
    (lambda: gradient_check(torch.sin, ONE, lambda g, x: None), r"of inputs\[0\] as .*got None"),
    (lambda: gradient_check(torch.sin, 1.0), r"inputs\[0\] as a float32 .*got 1\.0"),
)
