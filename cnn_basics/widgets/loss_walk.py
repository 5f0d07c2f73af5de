"""A ball on a loss surface: choose where it starts, by which rule it steps, and how far."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from traitlets import Dict, Float, Int, List, TraitError, Unicode, observe, validate

from cnn_basics.by_hand import RULES, SURFACES, walk
from cnn_basics.figures import VERMILION, LessonFigure, figure_to_array, new_figure
from cnn_basics.plots import draw_path, draw_surface
from cnn_basics.widgets.parts import FrontEndWidget
from cnn_basics.widgets.walk_words import RULE_NAMES, describe_walk, short

STEPS = 60
RATES = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.09, 0.1, 0.11, 0.13, 0.16, 0.2, 0.3, 0.5,
    0.7, 1.0, 1.5, 2.0, 2.1, 2.5, 3.0, 4.0,
)  # fmt: skip
_SIZE = (4.0, 3.2)  # inches of the surface's picture
_SHARPNESS = 1.5  # its pixels for each pixel on the screen
_COLOURS = 64  # enough for a picture of levels, and a file half as large
_FAR = 1e7  # points beyond it are drawn there


class LossWalk(FrontEndWidget, static=("player", "loss_walk", "loss_walk_main")):
    """The widget that `loss_walk` returns. The page shows what Python computes.

    Attributes:
        surface: The name of one of `by_hand.SURFACES`.
        rule: `"sgd"`, `"momentum"` or `"adam"`.
        learning_rate: Above 0; one of `rates`.
        start: Where the ball is dropped, `[first weight, second weight]`.
        step: How many steps it has made, 0 to `STEPS`, or less if it runs away before.
        path: The point after each step.
        losses: The loss after each step.
        numbers: First and second weight, both parts of the gradient and the loss, as written.
        sentences: What happens at each step.
        first: The settings that *Reset* goes back to.
    """

    surface = Unicode("ravine").tag(sync=True)
    rule = Unicode("sgd").tag(sync=True)
    learning_rate = Float(0.09).tag(sync=True)
    start = List(Float()).tag(sync=True)
    step = Int(0).tag(sync=True)
    path = List().tag(sync=True)
    losses = List().tag(sync=True)
    numbers = List().tag(sync=True)
    sentences = List(Unicode()).tag(sync=True)
    picture = Unicode().tag(sync=True)
    limits = List().tag(sync=True)
    homes = Dict({name: list(each.start) for name, each in SURFACES.items()}).tag(sync=True)
    steps = Int(STEPS).tag(sync=True)
    rates = List(Float(), list(RATES)).tag(sync=True)
    surfaces = List(Unicode(), list(SURFACES)).tag(sync=True)
    rules = Dict(RULE_NAMES).tag(sync=True)
    first = Dict().tag(sync=True)

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - any trait's
        self._known_walk: tuple = ()
        super().__init__(**{"start": list(SURFACES[settings["surface"]].start)} | settings)
        names = ("surface", "rule", "learning_rate", "start")
        self.first = {name: getattr(self, name) for name in names} | {"step": 0}
        self._go()

    def still(self) -> LessonFigure:
        """Draw the path up to the present step, or all of it if the ball is still at the start."""
        last = self.step or len(self.path) - 1
        surface = SURFACES[self.surface]
        points, losses = np.array(self.path[: last + 1]), np.array(self.losses[: last + 1])
        name = RULE_NAMES[self.rule]
        title = f"{self.surface}, {name}, learning rate {self.learning_rate:g}"
        alt = (
            f"A ball on the surface “{self.surface}” after {last} steps of {name} with learning "
            f"rate {self.learning_rate:g}, from {_place(points[0])} to {_place(points[-1])}. "
            f"{self.sentences[last]}"
        )
        figure, (left, right) = new_figure(
            1, 2, width=7.6, height=3.2, alt=alt, width_ratios=[1.6, 1]
        )
        figure.few_colours = True
        draw_surface(left, _heights(self.surface), surface.limits)
        draw_path(left, points)
        left.set(xlim=surface.limits[0], ylim=surface.limits[1], aspect="equal")
        left.set(xlabel="first weight", ylabel="second weight")
        left.set_title(title, fontsize=10, loc="left")
        right.plot(np.maximum(losses, 1e-12), color=VERMILION, marker="o", ms=3, lw=1.5)
        right.set(xlabel="step", ylabel="loss", yscale="log")
        right.spines[["top", "right"]].set_visible(False)
        return figure

    @validate("surface", "rule", "learning_rate", "start")
    def _known(self, proposal: dict) -> object:
        name, value = proposal["trait"].name, proposal["value"]
        words = {"surface": tuple(SURFACES), "rule": tuple(RULES)}.get(name)
        if words and value not in words:
            raise TraitError(
                f"expected {name} as one of {', '.join(words)}, got {value!r}: choose one"
            )
        if name == "learning_rate" and not (math.isfinite(value) and value > 0):
            raise TraitError(f"expected a learning_rate above 0, got {value}: try 0.1")
        if name == "start" and not (len(value) == 2 and all(map(math.isfinite, value))):
            raise TraitError(f"expected start as two finite numbers, got {value}: give [x, y]")
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
    if surface not in SURFACES:
        raise TraitError(
            f"expected surface as one of {', '.join(SURFACES)}, got {surface!r}: choose one"
        )
    places = {} if start is None else {"start": [float(number) for number in start]}
    return LossWalk(surface=surface, rule=rule, learning_rate=float(learning_rate), **places)


def _place(point: np.ndarray) -> str:
    return f"({short(point[0])}, {short(point[1])})"


@lru_cache
def _heights(name: str) -> np.ndarray:
    """Compute a surface's loss on a grid, `(H, W)`."""
    surface = SURFACES[name]
    ends = zip(surface.limits, (161, 121), strict=True)
    axes = [torch.linspace(*limits, count, dtype=torch.float64) for limits, count in ends]
    return surface.loss(torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1)).numpy()


@lru_cache
def _picture(name: str) -> str:
    """Draw a surface once, as an address that holds the picture."""
    figure, (axes,) = new_figure(width=_SIZE[0], height=_SIZE[1])
    figure.set_layout_engine("none")
    axes.set_position((0, 0, 1, 1))
    draw_surface(axes, _heights(name), SURFACES[name].limits)
    axes.set_axis_off()
    figure.set_dpi(100 * _SHARPNESS)
    buffer = io.BytesIO()
    Image.fromarray(figure_to_array(figure)).quantize(_COLOURS).save(buffer, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
