"""An activation's curve with a moving point, and what it makes of a distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes

from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure
from cnn_basics.plots.grids import write_number
from cnn_basics.plots.reused import PercentAxis, fixed_figure, percentages

REACH = 6.0  # the curve is drawn from -REACH to REACH
RANGE = 10.0  # so are the distributions; what lies beyond counts at the ends
_EDGES = np.linspace(-RANGE, RANGE, 41)
_BOUNDED = np.linspace(-1.5, 1.5, 61)  # for outputs that are never beyond -1 and 1
_BOXES = [(0.05, 0.29, 0.26, 0.54), (0.385, 0.29, 0.27, 0.54), (0.715, 0.29, 0.27, 0.54)]


@dataclass(frozen=True)
class Response:
    """What an activation does.

    Attributes:
        name: Its name.
        curve: `(2, K)`, inputs and outputs along its curve.
        point: Input, output and slope at one input.
    """

    name: str
    curve: torch.Tensor
    point: tuple[float, float, float]


class PlaygroundFigure:
    """Draws a curve with a point and its slope, a distribution of inputs, and that of outputs."""

    def __init__(self) -> None:
        self.figure, (curve, before, after) = fixed_figure(_BOXES, width=7.6, height=2.8)
        for axes, label in ((curve, "input"), (before, "input"), (after, "output")):
            axes.set_xlabel(label, fontsize=9, labelpad=1)
            axes.tick_params(labelsize=8)
        self._make_curve(curve)
        self._steps = [
            *self._make_steps(before, {"as it comes": (":", BLACK), "normalised": ("-", BLUE)}),
            *self._make_steps(after, {"output": ("-", VERMILION)}),
        ]
        self._titles = [
            axes.text(0, height, "", transform=axes.transAxes, fontsize=9)
            for axes in (curve, before, after)
            for height in (1.14, 1.04)
        ]
        self._words = [self.figure.text(0.05, y, "", fontsize=9) for y in (0.095, 0.025)]
        self._percents = [PercentAxis(before), PercentAxis(after)]
        self._axes, self._bounded = (curve, after), False
        moving = (self._curve, self._slope, self._point, *self._steps)
        labels = [label for percent in self._percents for label in percent.labels]
        self.figure.turn_to(self._bounded)
        self.figure.moves(*moving)
        self.figure.writes(*self._words, *self._titles, *labels)

    def _make_curve(self, axes: Axes) -> None:
        axes.set(xlim=(-REACH, REACH), xticks=[-5, 0, 5], **_scale(False))
        axes.axhline(0, color="0.8", lw=0.8)
        axes.axvline(0, color="0.8", lw=0.8)
        (self._curve,) = axes.plot([], [], color=BLUE, lw=2)
        (self._slope,) = axes.plot([], [], color=BLACK, lw=1.6, linestyle="--")
        (self._point,) = axes.plot([], [], "o", color=VERMILION, mec=BLACK, ms=9)

    def _make_steps(self, axes: Axes, looks: dict[str, tuple[str, str]]) -> list:
        axes.set(xlim=(-RANGE, RANGE), xticks=[-10, -5, 0, 5, 10])
        axes.axvline(0, color="0.8", lw=0.8)
        nothing = np.zeros(len(_EDGES) - 1)
        return [
            axes.stairs(nothing, _EDGES, label=name, linestyle=line, color=colour, lw=1.6)
            for name, (line, colour) in looks.items()
        ]

    def update(
        self,
        response: Response,
        samples: list[torch.Tensor],
        words: list[str],
        alt: str,
    ) -> LessonFigure:
        """Show another state.

        Args:
            response: The activation's curve and its point.
            samples: The numbers as they come; normalised (or the same numbers, if they are
                not); and the outputs. Each of any shape.
            words: Two lines, written below.
            alt: What the picture shows.

        Returns:
            The same figure each time.
        """
        x, y, slope = response.point
        self._set_scale(response.curve[1].abs().max().item() <= 1)
        self._curve.set_data(*response.curve.numpy())
        self._slope.set_data([x - 1.5, x + 1.5], [y - 1.5 * slope, y + 1.5 * slope])
        self._point.set_data([x], [y])
        self._draw_steps(samples)
        same = samples[1] is samples[0]
        point = f"{response.name}({write_number(x)}) = {write_number(y)}"
        names = ("into the activation" if same else "normalised (dotted: before)", "out of it")
        numbers = [describe_spread(sample) for sample in samples[1:]]
        lines = [point, f"slope {write_number(slope)} (dashed)"]
        lines += [names[0], numbers[0], names[1], numbers[1], *words]
        for text, line in zip((*self._titles, *self._words), lines, strict=True):
            text.set_text(line)
        self.figure.alt = alt
        return self.figure

    def _draw_steps(self, samples: list[torch.Tensor]) -> None:
        """Draw the three histograms."""
        edges = (_EDGES, _EDGES, _BOUNDED if self._bounded else _EDGES)
        bars = [percentages(s.numpy(), e) for s, e in zip(samples, edges, strict=True)]
        for step, heights, edge in zip(self._steps, bars, edges, strict=True):
            step.set_data(heights, edge)
        self._steps[0].set_visible(samples[0] is not samples[1])
        self._percents[0].fit(*bars[:2])
        self._percents[1].fit(bars[2])

    def _set_scale(self, bounded: bool) -> None:
        """Choose the outputs' scale: finer for those that are never beyond -1 and 1."""
        if bounded == self._bounded:
            return
        self._bounded = bounded
        curve, after = self._axes
        curve.set(**_scale(bounded))
        if bounded:
            after.set(xlim=(-1.5, 1.5), xticks=[-1, 0, 1])
        else:
            after.set(xlim=(-RANGE, RANGE), xticks=[-10, -5, 0, 5, 10])
        self.figure.turn_to(bounded)


def _scale(bounded: bool) -> dict[str, object]:
    if bounded:
        return {"ylim": (-1.5, 1.5), "yticks": [-1, 0, 1]}
    return {"ylim": (-2.5, REACH), "yticks": [0, 5]}


def describe_spread(sample: torch.Tensor) -> str:
    """Write mean and standard deviation of numbers.

    Example:
        >>> describe_spread(torch.tensor([1.0, 3.0]))
        'mean 2, spread 1'
    """
    mean, spread = sample.mean().item(), sample.std(correction=0).item()
    return f"mean {write_number(mean)}, spread {write_number(spread)}"
