"""A ball on a loss surface: choose where it starts, by which rule it steps, and how far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from traitlets import Dict, Enum, Float, Int, List, TraitError, Unicode, observe, validate

from cnn_basics.by_hand import SURFACES, Surface, Walk, curvatures, walk
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

    surface = Enum(list(SURFACES)).tag(sync=True)
    rule = Enum(list(RULE_NAMES)).tag(sync=True)
    learning_rate = Float().tag(sync=True)
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

    def __init__(self, **settings: object) -> None:
        super().__init__(first=settings | {"step": 0}, **settings)
        self.observe(self._go, list(settings))
        self._go()

    def still(self) -> LessonFigure:
        """Draw the path up to the present step, or all of it if the ball is still at the start."""
        last = self.step or len(self.path) - 1
        points, losses = np.array(self.path[: last + 1]), np.array(self.losses[: last + 1])
        name, limits = RULE_NAMES[self.rule], SURFACES[self.surface].limits
        first, now = (f"({short(x)}, {short(y)})" for x, y in points[[0, -1]])
        alt = (
            f"A ball on the surface “{self.surface}” after {last} steps of {name} with learning "
            f"rate {self.learning_rate:g}, from {first} to {now}. {self.sentences[last]}"
        )
        figure, (left, right) = new_figure(
            1, 2, width=7.6, height=3.2, alt=alt, width_ratios=[1.6, 1]
        )
        figure.few_colours = True
        draw_surface(left, _picture(self.surface)[1], limits)
        draw_path(left, points)
        left.set(xlim=limits[0], ylim=limits[1], aspect="equal")
        left.set(xlabel="first weight", ylabel="second weight")
        title = f"{self.surface}, {name}, learning rate {self.learning_rate:g}"
        left.set_title(title, fontsize=10, loc="left")
        right.plot(np.maximum(losses, 1e-12), color=VERMILION, marker="o", ms=3, lw=1.5)
        right.set(xlabel="step", ylabel="loss", yscale="log")
        right.spines[["top", "right"]].set_visible(False)
        return figure

    @validate("learning_rate", "start")
    def _known(self, proposal: dict) -> object:
        try:
            walk("bowl", **{proposal["trait"].name: proposal["value"]}, steps=0)
        except ValueError as error:
            raise TraitError(str(error)) from error
        return proposal["value"]

    @observe("surface")
    def _drop_again(self, change: dict) -> None:
        """A ball that starts where the old surface is interesting does so on the new one."""
        if change["old"] and self.start == self.homes[change["old"]]:
            self.start = self.homes[self.surface]

    def _go(self, _: object = None) -> None:
        """Compute the whole walk; the page is told once."""
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
            self.picture, _ = _picture(self.surface)
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
    if start is None:
        start = SURFACES[surface].start if surface in SURFACES else ()
    settings = {"learning_rate": float(learning_rate), "start": [float(number) for number in start]}
    return LossWalk(surface=surface, rule=rule, **settings)


@lru_cache
def _picture(name: str) -> tuple[str, np.ndarray]:
    """Draw a surface once up to the edges: the address that holds its picture, and its heights."""
    limits = SURFACES[name].limits
    axes_of_weights = [
        torch.linspace(*ends, count, dtype=torch.float64)
        for ends, count in zip(limits, (161, 121), strict=True)
    ]
    points = torch.stack(torch.meshgrid(*axes_of_weights, indexing="xy"), dim=-1)
    heights = SURFACES[name].loss(points).numpy()
    figure, (axes,) = new_figure(width=_SIZE[0], height=_SIZE[1])
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    draw_surface(axes, heights, limits)
    axes.set_axis_off()
    figure.set_dpi(100 * _SHARPNESS)
    return picture_url(figure_to_array(figure), _COLOURS), heights


def describe_walk(surface: Surface, walk: Walk, rule: str, learning_rate: float) -> list[str]:
    """Say what happens at each point of a walk."""
    moves, losses = walk.points.diff(dim=0), walk.losses.tolist()
    slopes = surface.gradient(walk.points).norm(dim=-1).tolist()
    bends, strides = curvatures(surface, walk.points).tolist(), moves.norm(dim=-1).tolist()
    turned = [False, *((moves[1:] * moves[:-1]).sum(dim=-1) < 0).tolist()]
    steep = f"the gradient has a length of {short(slopes[0])}"
    steep = "and the gradient is almost 0: no way down" if slopes[0] < FLAT else steep
    sentences = [f"At the start: the loss is {short(losses[0])}, {steep}."]
    factor, bound = _LIMITS.get(rule, (math.inf, ""))
    grown = 0
    for step, (before, now) in enumerate(pairwise(losses), 1):
        grown = grown + 1 if now > before else 0
        highest, why = factor / max(bends[step - grown][1], 1e-12), ""
        if learning_rate > highest:
            why = f"; the rate {learning_rate:g} is above {bound} = {short(highest)}"
        stays, numbers = short(before) == short(now), f"from {short(before)} to {short(now)}"
        change = f"this step lowered the loss {numbers}"
        change = f"the loss stays at {short(now)}" if stays else change
        ran_away = walk.diverged and step == len(losses) - 1
        if ran_away or (grown >= GROWN and (why or now > losses[0])):
            said = f"Diverges: the loss has grown for {grown} step{'s' * (grown != 1)}{why}."
        elif slopes[step] < FLAT and strides[step - 1] < FLAT:
            said = _at_rest(surface, walk.points[step], bends[step][0])
        elif grown and not stays:
            rolls = "" if rule == "sgd" else " (it rolls on by its momentum)"
            count = f"; it has grown for {grown} steps" if grown > 1 else ""
            said = f"Uphill{rolls}: this step raised the loss {numbers}{count}."
        elif turned[step - 1]:
            said = f"Zigzags: it jumps across the valley and back; {change}."
        elif stays:
            said = f"Hardly any progress: {change}."
        else:
            said = f"Goes down{' slowly' if now > 0.98 * before else ''}: {change}."
        sentences.append(said)
    return sentences


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


def short(number: float) -> str:
    """Write a number with three digits and a real minus sign: 0.05, −1.25, 1.2e+06."""
    text = f"{number:.3g}" if abs(number) >= 5e-7 else "0"
    return text.replace("-", "−", 1) if number < 0 else text
