"""The numeric check of gradients: right ones pass, wrong ones are found where they are wrong."""

import pytest
import torch
import torch.nn.functional as F
from refusing import refusing
from test_by_hand_layers import random

from cnn_basics.by_hand import gradient_check

ONE, TWO, SIX, MAPS = random(2), [random(2), random(2)], random(2, 3), random(2, 3, 4)
VIEWS = {
    "flatten": lambda x: x.flatten(1),
    "slice": lambda x: x[:, 1:],
    "permute": lambda x: x.permute(0, 2, 1),
    "identity": torch.nn.Identity(),
    "in place": lambda x: x.mul_(2),
}
JUDGED = [  # a function, its input, a backward pass or autograd's, and whether that passes
    (torch.sin, SIX, lambda g, x: g * x.cos(), True),
    *[
        (torch.sin, SIX, lambda g, x, factor=factor: factor * g * x.cos(), False)
        for factor in (1 + 1e-5, -1.0, 0.0, float("nan"), float("inf"))
    ],
    *[(view, MAPS, None, True) for view in VIEWS.values()],
    *[(view, MAPS, lambda g, x: torch.zeros_like(x), False) for view in VIEWS.values()],
    (VIEWS["in place"], MAPS, lambda g, x: g.mul_(2), True),
    (lambda x: x.detach() * x, ONE, None, False),  # a missing gradient is a wrong one
    (lambda x: torch.zeros(2).double() + 0 * x.sum(), ONE, None, True),
    (lambda x: 0 * x, ONE, lambda g, x: torch.full_like(x, 1e-10), True),  # rounding near zero
    (lambda x: 0 * x, ONE, lambda g, x: torch.full_like(x, 1e-8), False),
    (torch.sum, torch.zeros(0, 3), None, True),
    (lambda x: (x**2).sum(), SIX.detach().float().T, None, True),
    # A tie in max pooling is a corner, unless brightness is checked.
    (lambda x: F.max_pool2d(x, 2), torch.ones(1, 1, 2, 2), None, False),
    (lambda x: F.max_pool2d(torch.ones(1, 2, 2).double() + x, 2), torch.zeros(1), None, True),
]


@pytest.mark.parametrize(("function", "x", "backward", "passes"), JUDGED)
def test_right_gradients_pass_wrong_ones_do_not_and_what_is_given_stays(
    function, x, backward, passes
):
    before, state = x.detach().clone(), torch.get_rng_state()
    result = gradient_check(function, x, backward)
    assert result.passed == passes
    assert str(result).startswith("passes: " if passes else "fails: ")
    assert ("corner" in str(result)) == (not passes and x.ndim == 4)
    assert torch.equal(x, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_numeric_gradients_are_autograds():
    x, weight = random(2, 3, 5, 4), random(2, 3, 3, 2, seed=1)
    result = gradient_check(lambda x, w: torch.tanh(F.conv2d(x, w, stride=2)), [x, weight])
    assert str(result) == (
        "passes: the largest relative error is at most 1e-06, for 156 numbers in 2 inputs"
    )
    for given, numeric, tensor in zip(result.given, result.numeric, (x, weight), strict=True):
        assert given.shape == numeric.shape == tensor.shape
        torch.testing.assert_close(given, numeric, rtol=1e-7, atol=1e-8)
    assert gradient_check(lambda used, unused: used.sin(), TWO).passed


@pytest.mark.parametrize(("index", "place"), [(0, (1, 2)), (1, (0, 1)), (1, (2, 0))])
def test_one_wrong_number_is_found_where_it_is(index, place):
    def backward(grad_output, x, y):
        gradients = [grad_output @ y.T, x.T @ grad_output]
        gradients[index][place] *= 1.01
        return gradients

    result = gradient_check(torch.matmul, [SIX, random(3, 2, seed=1)], backward)
    where = f"in inputs[{index}] at {list(place)}: "
    assert str(result).startswith(f"fails: the largest relative error is 0.0099, {where}")
    assert "corner" not in str(result)


def test_of_equal_errors_the_first_is_named():
    double = lambda g, x, y: (2 * g * y, 2 * g * x)  # noqa: E731
    for seed in range(5):
        result = gradient_check(torch.mul, [random(2, 3, seed=seed), random(2, 3, seed=9)], double)
        assert "relative error is 0.5, in inputs[0] at [0, 0]: " in str(result)


def test_a_corner_is_told_with_the_slopes_beside_it():
    said = str(gradient_check(torch.relu, torch.tensor([1.0, 0.0, -1.0])))
    assert said.startswith("fails: the largest relative error is 1, in inputs[0] at [1]: ")
    assert "the function has a corner there (slope -0 to the left, -0.2934 to the right)" in said


test_refusals_say_what_came_and_the_fix = refusing(
    (lambda: gradient_check(torch.sin, []), "at least one input, got none"),
    (lambda: gradient_check(torch.sin, [1.0]), r"inputs\[0\] as a float32 .*got 1\.0"),
    (lambda: gradient_check(lambda x: x.float(), ONE), "float64 tensor.*got a float32"),
    (lambda: gradient_check(lambda x: 1.0, ONE), r"returns a float64 tensor.*got 1\.0"),
    (lambda: gradient_check(torch.mul, TWO, lambda g, x, y: [g * y]), "each of 2 inputs, got 1"),
    (lambda: gradient_check(torch.sin, SIX, lambda g, x: ONE), r"\(2, 3\), got \(2,\): what was"),
    (lambda: gradient_check(torch.sin, ONE, lambda g, x: None), r"of inputs\[0\] as .*got None"),
)
