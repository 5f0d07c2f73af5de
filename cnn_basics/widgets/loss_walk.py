"""A ball on a loss surface: choose where it starts, by which rule it steps, and how far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from traitlets import Dict, Float, Int, List, TraitError, Unicode, observe, validate

from cnn_basics.by_hand import RULES, SURFACES, Surface, Walk, curvatures, walk
from cnn_basics.expect import expect
from cnn_basics.figures import VERMILION, LessonFigure, figure_to_array, new_figure
from cnn_basics.plots import draw_path, draw_surface
from cnn_basics.widgets.parts import FrontEndWidget, picture_url

STEPS = 60
RATES = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.09, 0.1, 0.11, 0.13, 0.16, 0.2, 0.3, 0.5,
    0.7, 1.0, 1.5, 2.0, 2.1, 2.5, 3.0, 4.0,
)  # fmt: skip
_SIZE = (4.0, 3.2)  # inches of the surface's picture
_SHARPNESS = 1.5  # its pixels for each pixel on the screen
_COLOURS = 64  # enough for a picture of levels, and a file half as large
_FAR = 1e7  # points beyond it are drawn there
RULE_NAMES = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}
GROWN = 3  # so many steps uphill in a row are called diverging
FLAT = 0.01  # below this length, the gradient is called almost 0
_SAME = 0.1  # a ball so close to a valley's floor is in it
_LIMITS = {"sgd": (2.0, "2/curvature"), "momentum": (3.8, "2 · (1 + 0.9)/curvature")}


class LossWalk(FrontEndWidget, static=("drawing", "player", "loss_walk")):
    """The widget that `loss_walk` returns. The page shows what Python computes."""

    surface = Unicode("ravine").tag(sync=True)
    rule = Unicode("sgd").tag(sync=True)
    learning_rate = Float(0.09).tag(sync=True)
    start = List(Float()).tag(sync=True)
    step = Int(0).tag(sync=True)  # of at most `STEPS`, less if it runs away before
    path = List().tag(sync=True)
    losses = List().tag(sync=True)
    numbers = List().tag(sync=True)  # weights, gradient and loss after each step, as written
    sentences = List(Unicode()).tag(sync=True)
    picture = Unicode().tag(sync=True)
    limits = List().tag(sync=True)
    homes = Dict({name: list(each.start) for name, each in SURFACES.items()}).tag(sync=True)
    steps = Int(STEPS).tag(sync=True)
    rates = List(Float(), list(RATES)).tag(sync=True)
    surfaces = List(Unicode(), list(SURFACES)).tag(sync=True)
    rules = Dict(RULE_NAMES).tag(sync=True)
    first = Dict().tag(sync=True)  # what *Reset* goes back to

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - any trait's
        self._known_walk: tuple = ()
        home = self.homes.get(settings["surface"], [0.0, 0.0])  # what is none is refused below
        super().__init__(**{"start": home} | settings)
        names = ("surface", "rule", "learning_rate", "start")
        self.first = {name: getattr(self, name) for name in names} | {"step": 0}
        self._go()

    def still(self) -> LessonFigure:
        """Draw the path up to the present step, or all of it if the ball is still at the start."""
        last = self.step or len(self.path) - 1
        points, losses = np.array(self.path[: last + 1]), np.array(self.losses[: last + 1])
        name = RULE_NAMES[self.rule]
        alt = (
            f"A ball on the surface “{self.surface}” after {last} steps of {name} with learning "
            f"rate {self.learning_rate:g}, from {_place(points[0])} to {_place(points[-1])}. "
            f"{self.sentences[last]}"
        )
        figure, (left, right) = new_figure(
            1, 2, width=7.6, height=3.2, alt=alt, width_ratios=[1.6, 1]
        )
        figure.few_colours = True
        limits = SURFACES[self.surface].limits
        draw_surface(left, _heights(self.surface), limits)
        draw_path(left, points)
        left.set(xlim=limits[0], ylim=limits[1], aspect="equal")
        left.set(xlabel="first weight", ylabel="second weight")
        title = f"{self.surface}, {name}, learning rate {self.learning_rate:g}"
        left.set_title(title, fontsize=10, loc="left")
        right.plot(np.maximum(losses, 1e-12), color=VERMILION, marker="o", ms=3, lw=1.5)
        right.set(xlabel="step", ylabel="loss", yscale="log")
        right.spines[["top", "right"]].set_visible(False)
        return figure

    @validate("surface", "rule", "learning_rate", "start")
    def _known(self, proposal: dict) -> object:
        name, value = proposal["trait"].name, proposal["value"]
        words = {"surface": SURFACES, "rule": RULES}.get(name)
        if words:
            what = f"{name} as one of {', '.join(words)}"
            expect(value in words, what, repr(value), "choose one", TraitError)
        elif name == "learning_rate":
            is_fine = math.isfinite(value) and value > 0
            expect(is_fine, "a learning_rate above 0", value, "try 0.1", TraitError)
        else:
            is_fine = len(value) == 2 and all(map(math.isfinite, value))
            expect(is_fine, "start as two finite numbers", str(value), "give [x, y]", TraitError)
        return value

    @observe("surface")
    def _drop_again(self, change: dict) -> None:
        """A ball that starts where the old surface is interesting does so on the new one."""
        if change["old"] in SURFACES and self.start == self.homes[change["old"]]:
            self.start = self.homes[self.surface]

    @observe("surface", "rule", "learning_rate", "start")
    def _go(self, _: object = None) -> None:
        """Compute the whole walk, unless it is known; the page is told once."""
        settings = (self.surface, self.rule, self.learning_rate, *self.start)
        if not self.first or settings == self._known_walk:
            return
        self._known_walk = settings
        surface = SURFACES[self.surface]
        gone = walk(surface, tuple(self.start), self.rule, self.learning_rate, STEPS)
        gradients = surface.gradient(gone.points)
        numbers = torch.cat([gone.points, gradients, gone.losses[:, None]], dim=1).tolist()
        with self.hold_sync():
            self.path = gone.points.clamp(-_FAR, _FAR).tolist()
            self.losses = gone.losses.tolist()
            self.numbers = [[short(number) for number in row] for row in numbers]
            self.sentences = describe_walk(surface, gone, self.rule, self.learning_rate)
            self.step = min(self.step, len(self.path) - 1)
            self.picture = _picture(self.surface)
            self.limits = [list(map(float, ends)) for ends in surface.limits]
            self.rates = sorted({*self.rates, self.learning_rate})


def loss_walk(
    surface: str = "ravine",
    rule: str = "sgd",
    learning_rate: float = 0.09,
    start: Sequence[float] | None = None,
) -> LossWalk:
    """Drop a ball on a loss surface and watch an update rule take it down, or away.

    Click or tap on the surface, or walk over it with the arrow keys, to choose where the ball
    starts; choose the surface, the rule and the learning rate; then play, or go step by step. The
    numbers of each step are shown, with a sentence that says what happens.

    Args:
        surface: The name of one of `by_hand.SURFACES`.
        rule: `"sgd"`, `"momentum"` or `"adam"`.
        learning_rate: Above 0.
        start: The first point `(first weight, second weight)`; None takes the surface's own.

    Returns:
        The widget.

    Raises:
        TraitError: When a name is unknown or a number out of range.

    Example:
        >>> ball = loss_walk("bowl", learning_rate=2.5)
        >>> ball.sentences[3]
        'Diverges: the loss has grown for 3 steps; the rate 2.5 is above 2/curvature = 2.'
    """
    places = {} if start is None else {"start": [float(number) for number in start]}
    return LossWalk(surface=surface, rule=rule, learning_rate=float(learning_rate), **places)


def _place(point: np.ndarray) -> str:
    return f"({short(point[0])}, {short(point[1])})"


@lru_cache
def _heights(name: str) -> np.ndarray:
    surface = SURFACES[name]
    ends = zip(surface.limits, (161, 121), strict=True)
    axes = [torch.linspace(*limits, count, dtype=torch.float64) for limits, count in ends]
    return surface.loss(torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1)).numpy()


@lru_cache
def _picture(name: str) -> str:
    """Draw a surface once up to the edges, as an address that holds the picture."""
    figure, (axes,) = new_figure(width=_SIZE[0], height=_SIZE[1])
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    draw_surface(axes, _heights(name), SURFACES[name].limits)
    axes.set_axis_off()
    figure.set_dpi(100 * _SHARPNESS)
    return picture_url(figure_to_array(figure), _COLOURS)


def describe_walk(surface: Surface, walk: Walk, rule: str, learning_rate: float) -> list[str]:
    """Say what happens at each point of a walk."""
    slopes = surface.gradient(walk.points).norm(dim=-1).tolist()
    bends = curvatures(surface, walk.points).tolist()
    losses, strides = walk.losses.tolist(), walk.points.diff(dim=0).norm(dim=-1).tolist()
    grown, sentences = 0, [_at_the_start(losses[0], slopes[0])]
    for step in range(1, len(losses)):
        grown = grown + 1 if losses[step] > losses[step - 1] else 0
        why = _reason(rule, learning_rate, bends[step - grown][1])
        lost = walk.diverged and step == len(losses) - 1
        if lost or (grown >= GROWN and (why or losses[step] > losses[0])):
            said = f"Diverges: the loss has grown for {_steps(grown)}{why}."
        elif slopes[step] < FLAT and strides[step - 1] < FLAT:
            said = _at_rest(surface, walk.points[step], bends[step][0])
        else:
            said = _on_the_way(walk, step, grown, rule)
        sentences.append(said)
    return sentences


def short(number: float) -> str:
    """Write a number with three digits and a real minus sign: 0.05, −1.25, 1.2e+06."""
    text = f"{number:.3g}" if abs(number) >= 5e-7 else "0"
    return text.replace("-", "−", 1) if number < 0 else text


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _at_the_start(loss: float, slope: float) -> str:
    steep = f"the gradient has a length of {short(slope)}"
    said = "and the gradient is almost 0: no way down" if slope < FLAT else steep
    return f"At the start: the loss is {short(loss)}, {said}."


def _reason(rule: str, learning_rate: float, curvature: float) -> str:
    """Say which bound the learning rate breaks, if it breaks one."""
    factor, words = _LIMITS.get(rule, (math.inf, ""))
    if learning_rate * curvature <= factor:
        return ""
    return f"; the rate {learning_rate:g} is above {words} = {short(factor / curvature)}"


def _at_rest(surface: Surface, point: torch.Tensor, bend: float) -> str:
    """Say where the ball lies where the surface is flat."""
    valleys = torch.tensor(surface.valleys, dtype=point.dtype)
    near = (valleys - point).norm(dim=-1) < _SAME
    if not near.any():
        place = "on a saddle or hill, no valley" if bend < 0 else "on flat ground, in no valley"
        return f"Hardly moves: the gradient is almost 0 here, {place}."
    depths = surface.loss(valleys)
    deepest = depths[near].min() <= depths.min() + 1e-9
    where = "the floor of a valley" if deepest else "the floor of a shallow valley, not the deepest"
    return f"Arrived: the gradient is almost 0, on {where}."


def _on_the_way(walk: Walk, step: int, grown: int, rule: str) -> str:
    before, now = walk.losses[step - 1].item(), walk.losses[step].item()
    stays = short(before) == short(now)
    numbers = f"from {short(before)} to {short(now)}"
    if grown and not stays:
        rolls = "" if rule == "sgd" else " (it rolls on by its momentum)"
        count = f"; it has grown for {_steps(grown)}" if grown > 1 else ""
        return f"Uphill{rolls}: this step raised the loss {numbers}{count}."
    change = f"the loss stays at {short(now)}" if stays else f"this step lowered the loss {numbers}"
    if _turned(walk.points[max(step - 2, 0) : step + 1]):
        return f"Zigzags: it jumps across the valley and back; {change}."
    if stays:
        return f"Hardly any progress: {change}."
    return f"Goes down{' slowly' if now > 0.98 * before else ''}: {change}."


def _turned(points: torch.Tensor) -> bool:
    """Say whether the last of two steps went back, against the one before."""
    moves = points.diff(dim=0)
    return len(moves) > 1 and bool(moves[-1] @ moves[-2] < 0)
