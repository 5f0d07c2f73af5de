"""The loss walk: its sentences, and every one of its controls, with real ipywidgets."""

from __future__ import annotations

import base64
import io
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image

from cnn_basics.by_hand import RULES, SURFACES, curvatures, walk
from cnn_basics.widgets import loss_walk
from cnn_basics.widgets.loss_walk import RATES, STEPS, describe_walk, short


def check(ball) -> None:
    """What the page is given is the walk of these settings, and PyTorch's gradients."""
    surface = SURFACES[ball.surface]
    wanted = walk(surface, tuple(ball.start), ball.rule, ball.learning_rate, STEPS)
    points = wanted.points.clone().requires_grad_()
    (gradients,) = torch.autograd.grad(surface.loss(points).sum(), points)
    assert ball.losses == wanted.losses.tolist()
    assert np.isfinite(ball.path).all()
    assert np.array_equal(wanted.points.numpy().clip(-1e7, 1e7), ball.path)
    exact = torch.cat([points.detach(), gradients, wanted.losses[:, None]], dim=1)
    shown = [[float(text.replace("−", "-")) for text in row] for row in ball.numbers]
    assert np.allclose(shown, exact, rtol=5e-3, atol=5e-7)
    assert len(ball.sentences) == len(ball.path)
    assert 0 <= ball.step < len(ball.path)
    told = ball.sentences[-1].startswith("Diverges")
    assert told >= wanted.diverged
    assert not told or wanted.losses[-1] > wanted.losses[-2]


@pytest.mark.parametrize("surface", SURFACES)
def test_every_combination_of_the_controls(surface):
    ball = loss_walk(surface)
    low, high = zip(*SURFACES[surface].limits, strict=True)
    for rule, rate in product(RULES, RATES):
        ball.rule, ball.learning_rate = rule, rate
        check(ball)
    for start in product(*zip(low, (0.0, 0.0), high, strict=True)):
        ball.start = list(start)
        check(ball)
    for step in range(len(ball.path)):
        ball.step = step
        assert ball.step == step
    for step in (0, 1, len(ball.path) - 1):
        ball.step = step
        assert f"after {step or len(ball.path) - 1} steps" in ball.still().alt


def test_what_one_control_does_to_others():
    ball = loss_walk("ravine")
    ball.surface = "bowl"  # a surface brings its own start, unless another was chosen
    assert tuple(ball.start) == SURFACES["bowl"].start
    ball.start = [1.0, 1.0]
    ball.surface = "saddle"
    assert ball.start == [1.0, 1.0]
    check(ball)
    start = SURFACES["ravine"].start
    assert tuple(loss_walk("bowl", start=start).start) == start
    ball = loss_walk("bowl", learning_rate=0.1)
    ball.step = STEPS
    ball.learning_rate = 4.0  # the step stays inside of a walk that grows shorter
    assert ball.step == len(ball.path) - 1 < STEPS
    ball = loss_walk("saddle", "momentum", 0.123, start=(1, 2))
    assert 0.123 in ball.rates
    assert ball.rates == sorted(ball.rates)
    first = dict(ball.first)
    ball.surface, ball.rule, ball.learning_rate, ball.start = "bowl", "sgd", 1.0, [3, 3]
    ball.step = 5
    ball.set_state(first)  # as *Reset* does it
    assert {name: getattr(ball, name) for name in first} == first
    check(ball)


GROWN = "Diverges: the loss has grown for 5 steps; the rate 0.12 is above 2/curvature = 0.1."
BOUND = "the rate 0.2 is above 2 · (1 + 0.9)/curvature = 0.19."
FLAT = "Hardly moves: the gradient is almost 0 here, on a saddle or hill, no valley."


@pytest.mark.parametrize(
    ("surface", "rule", "rate", "start", "step", "words"),
    [
        ("ravine", "sgd", 0.12, None, 2, "; it has grown for 2 steps."),
        ("ravine", "sgd", 0.12, None, 3, "Diverges: the loss has grown for 3 steps; the rate 0.12"),
        ("ravine", "sgd", 0.12, None, 5, GROWN),
        ("ravine", "momentum", 0.2, None, -1, BOUND),
        ("bowl", "adam", 0.5, None, 30, "it has grown for "),
        ("ravine", "sgd", 0.09, None, 0, "At the start: the loss is 48, the gradient has a length"),
        ("ravine", "sgd", 0.09, None, 3, "Zigzags: it jumps across the valley and back; this step"),
        ("bowl", "sgd", 0.1, None, 1, "Goes down: this step lowered the loss from 12.5 to 10.1."),
        ("bowl", "sgd", 0.005, None, 1, "Goes down slowly"),
        ("bowl", "sgd", 2.0, None, 2, "across the valley and back; the loss stays at 12.5."),
        ("bowl", "sgd", 0.5, None, -1, "Arrived: the gradient is almost 0, on the floor of a val"),
        ("two valleys", "sgd", 0.1, None, -1, "a shallow valley, not the deepest."),
        ("saddle", "sgd", 0.1, (1.0, 0.0), -1, FLAT),
        ("bowl", "sgd", 0.1, (0.0, 0.0), 0, "and the gradient is almost 0: no way down."),
        ("ravine", "sgd", 1e-5, None, 1, "Hardly any progress: the loss stays at 48."),
    ],
)  # fmt: skip
def test_what_is_said(surface, rule, rate, start, step, words):
    gone = walk(surface, start, rule, rate, STEPS)
    said = describe_walk(SURFACES[surface], gone, rule, rate)
    if rule == "adam":  # swings, and is not called diverging
        assert any(s.startswith("Uphill (it rolls on by its momentum): ") for s in said)
        assert any(words in s for s in said)
        assert not any(s.startswith("Diverges") for s in said)
    else:
        assert words in said[step]


def test_the_bound_is_that_of_where_it_began_to_grow():
    ball = loss_walk("two valleys", "sgd", 1.0)
    largest = curvatures(SURFACES["two valleys"], torch.tensor([2.0, 1.5], dtype=torch.float64))[1]
    assert ball.sentences[-1].endswith(f"2/curvature = {short(2 / largest)}.")
    words = {0.0: "0", -1 / 3: "−0.333", 1e-3: "0.001", 1.5e-5: "1.5e-05", 1e6: "1e+06"}
    assert [short(value) for value in words] == list(words.values())
    assert short(-0.0) == "0"


def test_the_still_picture_shows_the_path_from_its_square_to_its_ball():
    ball = loss_walk("ravine", "momentum", 0.05)
    ball.step = 7
    left, right = (figure := ball.still()).axes
    path = np.array(ball.path[:8])
    square, last = left.lines[-2:]
    assert square.get_marker() == "s"
    assert np.array_equal(square.get_xydata()[0], path[0])
    assert np.array_equal(last.get_xydata()[0], path[-1])
    assert np.array_equal(left.lines[0].get_xydata(), path)
    assert (left.get_xlim(), left.get_ylim()) == SURFACES["ravine"].limits
    assert right.get_yscale() == "log"
    assert right.lines[0].get_ydata() == pytest.approx(ball.losses[:8])
    place = ", ".join(ball.numbers[7][:2])
    assert figure.alt == (
        "A ball on the surface “ravine” after 7 steps of momentum with learning rate 0.05, from "
        f"(−4, 2) to ({place}). {ball.sentences[7]}"
    )
    ball = loss_walk("bowl", learning_rate=1.0)  # one step leads to the lowest point
    assert ball.still().axes[1].lines[0].get_ydata()[1] == 1e-12  # 0 has no logarithm


def test_a_surface_fills_its_picture_and_is_dark_where_it_is_low():
    ball = loss_walk("bowl")
    encoded = ball.picture.partition(",")[2]
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    drawn = np.asarray(picture).astype(int).sum(axis=-1)
    assert drawn.shape == (480, 600)
    darkest = np.argwhere(drawn == drawn.min()).mean(axis=0)
    assert np.allclose(darkest, [240, 300], atol=12)
    edges = drawn[[0, -1]].ravel(), drawn[:, [0, -1]].ravel()
    assert max(map(max, edges)) < 3 * 255  # nothing is white: no margin
