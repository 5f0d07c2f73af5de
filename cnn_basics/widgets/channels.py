"""Something to move for lesson 1: the channels of a picture, stronger, weaker, swapped, grey."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from PIL import Image

from cnn_basics.figures import BLACK, BLUE, GREEN, VERMILION, LessonFigure, plain_axes
from cnn_basics.images import check_picture
from cnn_basics.plots.grids import write_number
from cnn_basics.widgets.parts import Slider, checkbox, dropdown
from cnn_basics.widgets.redrawn import (
    PercentAxis,
    RedrawnFigure,
    ReusedFigure,
    percentages,
    share_in_words,
)

NAMES = ("red", "green", "blue")
# Line style and colour of each channel: they are told apart without colours, too.
STYLES = (("-", VERMILION), ("--", GREEN), (":", BLUE))
ORDERS = tuple("".join(order) for order in permutations("RGB"))
GREYS = ("off", "mean", "BT.601", "the gains as weights")
LARGEST = 220  # pixels: what the screen has room for
_WEIGHTS = {"mean": (1 / 3,) * 3, "BT.601": (0.299, 0.587, 0.114)}  # ITU-R BT.601-7, 2.5.1
_BOXES = [(0.01, 0.27, 0.29, 0.6), (0.32, 0.27, 0.29, 0.6), (0.69, 0.34, 0.29, 0.48)]
_EDGES = np.arange(0, 257, 8)
_LEGEND = {"loc": "lower center", "bbox_to_anchor": (0.5, 0.98), "ncols": 3, "fontsize": 8,
           "frameon": False, "handlelength": 1.8, "columnspacing": 1.0}  # fmt: skip


def channel_mixer(image: np.ndarray) -> RedrawnFigure:
    """Turn the channels of a picture up and down, swap and drop them, or make the picture grey.

    Args:
        image: `(H, W, 3)` uint8, values 0 to 255, of any size; large ones are shrunk.

    Returns:
        Controls above the picture before, the picture after, and the result's histogram.

    Raises:
        TypeError: `image` is not a NumPy array.
        ValueError: `image` is not `(H, W, 3)` uint8.

    Example:
        >>> mixer = channel_mixer(np.full((28, 28, 3), 100, dtype=np.uint8))
        >>> mixer.controls["red"].value = 2.0
        >>> mixer.still().alt.split(": ")[-1]
        'red 200, green 100, blue 100. No value was cut.'
    """
    small = Image.fromarray(check_picture(image))
    small.thumbnail((LARGEST, LARGEST))
    image = np.asarray(small)
    figure, percent = _empty_mixer(image)
    drops = [f"drop_{name}" for name in NAMES]
    controls = {
        **{name: Slider(f"{name} ×", 1.0, min=0.0, max=2.0, step=0.1) for name in NAMES},
        **{f"drop_{name}": checkbox(f"drop {name}", width=100) for name in NAMES},
        "order": dropdown("order", ORDERS, 130),
        "grey": dropdown("grey", GREYS, 230),
    }

    def draw(order: str, grey: str, **values: float) -> LessonFigure:
        gains, gone = [values[name] for name in NAMES], [bool(values[name]) for name in drops]
        picture, cut, formulas = mix_channels(image, gains, order, gone, grey)
        layers = np.atleast_3d(picture)
        figure.axes[1].images[0].set_data(np.broadcast_to(layers, image.shape))
        _draw_histogram(figure, percent, layers)
        said = "No value was cut."
        if cut:
            share = share_in_words(cut, image.size, start=True)
            said = f"{share} of the values were cut at 255."
        lines = ["new " + ",   new ".join(formulas[:3])]
        lines.append(";   ".join([f"then {formula}" for formula in formulas[3:]] + [said]))
        names = NAMES if grey == "off" else ["grey"]
        means = [f"{name} {layer.mean():.0f}" for name, layer in zip(names, layers.T, strict=True)]
        alt = (
            "A picture before and after its channels were mixed (order "
            f"{', '.join([order, *formulas])}), and the histogram of the result, mean values: "
            f"{', '.join(means)}. {said}"
        )
        return figure.say(lines, alt)

    return RedrawnFigure(controls, draw, [NAMES, ("order", *drops, "grey")])


def mix_channels(
    image: np.ndarray, gains: Sequence[float], order: str, dropped: Sequence[bool], grey: str
) -> tuple[np.ndarray, int, list[str]]:
    """Swap channels, drop some, multiply the others, cut at 255; perhaps make the result grey.

    With "the gains as weights" they are divided by their sum and weigh the channels for grey,
    instead of multiplying them. Gives the picture, how many numbers were cut, and the formulas.
    """
    old = ["RGB".index(letter) for letter in order]
    factors = np.logical_not(dropped) * (1.0 if grey == GREYS[3] else np.array(gains))
    exact = np.rint(image[..., old] * factors)
    picture = np.clip(exact, 0, 255).astype(np.uint8)
    formulas = [
        f"{new} = {f'{write_number(factor)} × {NAMES[source]}' if factor else '0'}"
        for new, factor, source in zip(NAMES, factors, old, strict=True)
    ]
    if grey != "off":
        weights = _WEIGHTS.get(grey, [gain / (sum(gains) or 1.0) for gain in gains])
        picture = np.rint(picture @ np.array(weights)).astype(np.uint8)
        parts = [f"{weight:.3g} × {name}" for weight, name in zip(weights, NAMES, strict=True)]
        formulas.append("grey = " + " + ".join(parts))
    return picture, int((exact > 255).sum()), formulas


def _empty_mixer(image: np.ndarray) -> tuple[ReusedFigure, PercentAxis]:
    """Make axes for the picture before and after, the histogram, and the lines of words."""
    figure = ReusedFigure(_BOXES, width=7.6, height=2.8)
    *pictures, histogram = figure.axes
    for axes, title in zip(pictures, ("before", "after"), strict=True):
        axes.imshow(image)
        axes.set_anchor("N")
        plain_axes(axes, title)
    for name, (line, colour) in zip((*NAMES, "grey"), (*STYLES, ("-", BLACK)), strict=True):
        histogram.stairs(0 * _EDGES[1:], _EDGES, label=name, linestyle=line, color=colour, lw=1.8)
    histogram.set_xlabel("value after", fontsize=9, labelpad=1)
    histogram.set(xlim=(0, 256), xticks=[0, 128, 255])
    histogram.tick_params(labelsize=8)
    percent = PercentAxis(histogram)
    style = {"transform": histogram.transAxes, "fontsize": 8, "ha": "center", "va": "top"}
    figure.moves(pictures[1].images[0], *histogram.patches, histogram.text(0.5, 0.97, "", **style))
    figure.writes(*(figure.text(0.01, y, "", fontsize=9) for y in (0.115, 0.04)), *percent.labels)
    return figure, percent


def _draw_histogram(figure: ReusedFigure, percent: PercentAxis, layers: np.ndarray) -> None:
    """Draw the histogram; what piles up at either end may leave the frame, and is named."""
    axes = figure.axes[2]
    shown = axes.patches[:3] if layers.shape[-1] == 3 else axes.patches[3:]
    heights = [percentages(layer, _EDGES) for layer in np.moveaxis(layers, -1, 0)]
    limit = percent.fit(*(bars[1:-1] for bars in heights))
    for step in axes.patches:
        step.set_visible(step in shown)
    if figure.state != len(shown):
        figure.state = len(shown)
        axes.legend(handles=shown, **_LEGEND)
    beyond = []
    for step, bars in zip(shown, heights, strict=True):
        step.set_data(bars)
        ends = ((bars[0], "0–7"), (bars[-1], "248–255"))
        beyond += [f"{step.get_label()} {n:.0f} % at {end}" for n, end in ends if n > limit]
    axes.texts[-1].set_text("\n".join(beyond[:3]))
