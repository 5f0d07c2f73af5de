"""Something to move for lesson 6: activations, what they do to numbers, and batch normalisation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from cnn_basics.by_hand import batch_norm, relu
from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure
from cnn_basics.plots.grids import write_number
from cnn_basics.widgets.parts import Slider, checkbox, dropdown, hide_unless
from cnn_basics.widgets.redrawn import (
    PercentAxis,
    RedrawnFigure,
    ReusedFigure,
    percentages,
    share_in_words,
)

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "ReLU": relu,
    "leaky ReLU": lambda x: F.leaky_relu(x, negative_slope=0.1),
    "ELU": F.elu,
    "GELU": F.gelu,
    "SiLU": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "none": lambda x: x,
}
MODES = {
    "training": "Training: normalised with this batch's own mean and spread, times γ, plus β.",
    "evaluation": "Evaluation: normalised with the running mean 0 and variance 1, times γ, plus β.",
}
NO_NORM = "No batch norm: the numbers enter the activation as they come."
ROWS = (("activation", "x"), ("shift", "spread"), ("norm", "mode", "gamma", "beta"))
COUNT = 2000  # numbers in the batch
FLAT = 0.05  # below this, a slope lets hardly any gradient through
REACH = 6.0  # the curve is drawn from -REACH to REACH
_BOXES = [(0.05, 0.29, 0.26, 0.54), (0.385, 0.29, 0.27, 0.54), (0.715, 0.29, 0.27, 0.54)]
_EDGES = np.linspace(-10, 10, 41)  # of the histograms; what lies beyond counts at the ends
_BOUNDED = np.linspace(-1.5, 1.5, 61)  # for outputs that are never beyond -1 and 1


def activation_playground() -> RedrawnFigure:
    """Move a point along an activation, and numbers through batch norm and the activation.

    Returns:
        Controls above the curve with the point and its slope, the numbers that go in, and those
        that come out.

    Example:
        >>> playground = activation_playground()
        >>> playground.controls["activation"].value = "tanh"
        >>> playground.still().alt.split(";")[0]
        'tanh at 1 is 0.76, slope 0.42'
    """
    controls = {
        "activation": dropdown("activation", tuple(ACTIVATIONS)),
        "x": Slider("input of the point", 1.0, min=-REACH, max=REACH, step=0.1),
        "shift": Slider("numbers: mean", 0.0, min=-4.0, max=4.0, step=0.1),
        "spread": Slider("numbers: spread", 1.0, min=0.1, max=3.0, step=0.1),
        "norm": checkbox("batch norm"),
        "mode": dropdown("mode", tuple(MODES), 160),
        "gamma": Slider("γ (scale)", 1.0, min=0.0, max=2.0, step=0.1),
        "beta": Slider("β (shift)", 0.0, min=-3.0, max=3.0, step=0.1),
    }
    figure, percents = _empty_playground()
    curve, tangent, point = figure.axes[0].lines[2:5]
    steps = [*figure.axes[1].patches, *figure.axes[2].patches]
    inputs = torch.linspace(-REACH, REACH, 241)

    def draw(activation: str, x: float, norm: bool, mode: str, **values: float) -> LessonFigure:
        hide_unless(norm, [controls[name] for name in ("mode", "gamma", "beta")])
        batch = entering = make_batch(values["shift"], values["spread"])
        if norm:
            scale = [torch.tensor([float(values[name])]) for name in ("gamma", "beta")]
            running = torch.zeros(1), torch.ones(1)  # as if all earlier batches had these
            entering = batch_norm(batch[:, None], *running, *scale, mode == "training")[:, 0]
        outputs, slopes = respond(activation, entering)
        heights, _ = respond(activation, inputs)
        y, slope = (number.item() for number in respond(activation, torch.tensor(float(x))))
        curve.set_data(inputs.numpy(), heights.numpy())
        tangent.set_data([x - 1.5, x + 1.5], [y - 1.5 * slope, y + 1.5 * slope])
        point.set_data([x], [y])
        scales = [_EDGES, _EDGES, _show_scale(figure, bool(heights.abs().max() <= 1))]
        samples = [batch, entering, outputs]
        bars = [percentages(s.numpy(), e) for s, e in zip(samples, scales, strict=True)]
        for step, high, edges in zip(steps, bars, scales, strict=True):
            step.set_data(high, edges)
        steps[0].set_visible(norm)
        percents[0].fit(*bars[:2])
        percents[1].fit(bars[2])
        x, y, slope = map(write_number, (x, y, slope))
        came, went_in, came_out = map(_describe_spread, samples)
        words = [MODES[mode] if norm else NO_NORM, _describe_zeros(outputs, slopes)]
        lines = [f"{activation}({x}) = {y}", f"slope {slope} (dashed)"]
        lines += ["normalised (dotted: before)" if norm else "into the activation", went_in]
        alt = (
            f"{activation} at {x} is {y}, slope {slope}; numbers with {came} "
            f"{f'are normalised to {went_in} and ' * norm}come out with {came_out}. "
        )
        return figure.say([*lines, "out of it", came_out, *words], alt + " ".join(words))

    return RedrawnFigure(controls, draw, ROWS)


def respond(activation: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute an activation's outputs and slopes, the gradient of each output by its input."""
    x = x.detach().clone().requires_grad_()
    y = ACTIVATIONS[activation](x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), slope


def make_batch(shift: float, spread: float) -> torch.Tensor:
    """Draw the same `COUNT` random numbers every time, with a given mean and spread."""
    numbers = torch.randn(COUNT, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    unit = (numbers - numbers.mean()) / numbers.std(correction=0)
    return (shift + spread * unit).float()


def _empty_playground() -> tuple[ReusedFigure, list[PercentAxis]]:
    """Make axes for the curve, the numbers before and after, and the lines of words."""
    figure = ReusedFigure(_BOXES, width=7.6, height=2.8)
    curve, before, after = figure.axes
    for axes, label in zip(figure.axes, ("input", "input", "output"), strict=True):
        axes.set_xlabel(label, fontsize=9, labelpad=1)
        axes.tick_params(labelsize=8)
        axes.axvline(0, color="0.8", lw=0.8)
        style = {"transform": axes.transAxes, "fontsize": 9}
        figure.writes(*(axes.text(0, height, "", **style) for height in (1.14, 1.04)))
    curve.set(xlim=(-REACH, REACH), xticks=[-5, 0, 5])
    curve.axhline(0, color="0.8", lw=0.8)
    curve.plot([], [], color=BLUE, lw=2)
    curve.plot([], [], color=BLACK, lw=1.6, linestyle="--")
    curve.plot([], [], "o", color=VERMILION, mec=BLACK, ms=9)
    before.set(xlim=(-10, 10), xticks=[-10, -5, 0, 5, 10])
    for axes, line, colour in ((before, ":", BLACK), (before, "-", BLUE), (after, "-", VERMILION)):
        axes.stairs(0 * _EDGES[1:], _EDGES, linestyle=line, color=colour, lw=1.6)
    percents = [PercentAxis(before), PercentAxis(after)]
    figure.writes(*(figure.text(0.05, y, "", fontsize=9) for y in (0.095, 0.025)))
    figure.writes(*percents[0].labels, *percents[1].labels)
    figure.moves(*curve.lines[2:], *before.patches, *after.patches)
    return figure, percents


def _show_scale(figure: ReusedFigure, bounded: bool) -> np.ndarray:
    """Choose the outputs' scale, finer for those never beyond -1 and 1; return the bins."""
    curve, _, after = figure.axes
    if figure.state != bounded:
        figure.state = bounded
        ends = (-1.5, 1.5) if bounded else (-10, 10)
        after.set(xlim=ends, xticks=[-1, 0, 1] if bounded else [-10, -5, 0, 5, 10])
        curve.set(ylim=ends if bounded else (-2.5, REACH), yticks=[-1, 0, 1] if bounded else [0, 5])
    return _BOUNDED if bounded else _EDGES


def _describe_spread(sample: torch.Tensor) -> str:
    spread = write_number(sample.std(correction=0))
    return f"mean {write_number(sample.mean())}, spread {spread}"


def _describe_zeros(outputs: torch.Tensor, slopes: torch.Tensor) -> str:
    """Say for how many numbers the activation is silent, or hardly lets gradients through."""
    zeros, flat = int(((outputs == 0) & (slopes == 0)).sum()), int((slopes.abs() < FLAT).sum())
    if zeros == COUNT:
        return "Dead: all outputs are 0, and no gradient passes."
    if zeros:
        share = share_in_words(zeros, COUNT, start=True)
        return f"{share} of the outputs are 0: dead for these, no gradient passes."
    if flat:
        share = share_in_words(flat, COUNT)
        return f"No output is dead; for {share} of the numbers the slope is below {FLAT}."
    return f"No output is dead, and no slope is below {FLAT}."
