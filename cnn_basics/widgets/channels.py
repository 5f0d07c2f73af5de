"""Something to move for lesson 1: the channels of a picture, stronger, weaker, swapped, grey."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import ipywidgets
import numpy as np

from cnn_basics.figures import LessonFigure
from cnn_basics.images import check_picture, resize
from cnn_basics.plots.grids import write_number
from cnn_basics.plots.mixer import MixerFigure
from cnn_basics.plots.pictures import NAMES
from cnn_basics.plots.reused import share_in_words
from cnn_basics.widgets.parts import Slider, checkbox, dropdown
from cnn_basics.widgets.redrawn import RedrawnFigure, wrapping_row

ORDERS = tuple("".join(order) for order in permutations("RGB"))
GREYS = ("off", "mean", "BT.601", "the gains as weights")
LARGEST = 220  # pixels: what the screen has room for
_BT601 = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class Mixed:
    """What became of a picture.

    Attributes:
        picture: `(H, W, 3)` or, if grey, `(H, W)` uint8, values 0 to 255.
        cut: How many of the channels' numbers were above 255, and cut there.
        numbers: How many numbers the channels have.
        formulas: How each channel came about.
    """

    picture: np.ndarray
    cut: int
    numbers: int
    formulas: tuple[str, ...]


def mix_channels(
    image: np.ndarray,
    gains: Sequence[float] = (1.0, 1.0, 1.0),
    order: str = "RGB",
    dropped: Sequence[bool] = (False, False, False),
    grey: str = "off",
) -> Mixed:
    """Swap channels, drop some, multiply the others, and perhaps make the result grey.

    Args:
        image: `(H, W, 3)` uint8, values 0 to 255.
        gains: Factors of the new red, green and blue; what goes above 255 is cut there.
        order: Which channels become red, green and blue: "BGR" swaps red and blue.
        dropped: Which of the new red, green and blue become 0.
        grey: "off"; "mean" or "BT.601" adds the new channels up with these weights; "the gains
            as weights" divides the gains by their sum and uses them so, instead of multiplying.

    Returns:
        The result, with what was cut and how each channel came about.

    Raises:
        TypeError: `image` is not a NumPy array.
        ValueError: `image` is not `(H, W, 3)` uint8, or a word is unknown.

    Example:
        >>> orange = np.array([[[200, 100, 50]]], dtype=np.uint8)
        >>> mix_channels(orange, gains=(1.5, 1, 1), order="BGR").picture.tolist()
        [[[75, 100, 200]]]

    Source:
        Recommendation ITU-R BT.601-7 (2011), section 2.5.1: the weights of the brightness.
    """
    if order not in ORDERS or grey not in GREYS:
        raise ValueError(
            f"expected order as one of {', '.join(ORDERS)} and grey as one of "
            f"{', '.join(GREYS)}, got {order!r} and {grey!r}: use one of these"
        )
    own = grey == GREYS[3]
    swapped = check_picture(image)[..., ["RGB".index(letter) for letter in order]]
    kept = [float(not drop) for drop in dropped]
    factors = kept if own else [gain * keep for gain, keep in zip(gains, kept, strict=True)]
    exact = np.rint(swapped * np.array(factors))
    picture = np.clip(exact, 0, 255).astype(np.uint8)
    formulas = _formulas(order, factors)
    if grey != "off":
        weights = {"mean": (1 / 3,) * 3, "BT.601": _BT601}.get(grey, _as_weights(gains))
        picture = np.rint(picture @ np.array(weights)).astype(np.uint8)
        formulas = (*formulas, _sum_of_channels(weights))
    return Mixed(picture, int((exact > 255).sum()), exact.size, formulas)


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
    image = _shrink(check_picture(image))
    drawing = MixerFigure(image)
    gains = {name: Slider(f"{name} ×", 1.0, min=0.0, max=2.0, step=0.1) for name in NAMES}
    drops = {f"drop_{name}": checkbox(f"drop {name}", width=100) for name in NAMES}
    order = dropdown("order", ORDERS, 130)
    grey = dropdown("grey", GREYS, 230)

    def draw(order: str, grey: str, **values: float) -> LessonFigure:
        numbers = [values[name] for name in NAMES]
        gone = [bool(values[f"drop_{name}"]) for name in NAMES]
        mixed = mix_channels(image, numbers, order, gone, grey)
        return drawing.update(mixed.picture, _words(mixed), _alt(mixed, order, grey))

    rows = [wrapping_row(*gains.values()), wrapping_row(order, *drops.values(), grey)]
    controls = {**gains, **drops, "order": order, "grey": grey}
    return RedrawnFigure(controls, draw, ipywidgets.VBox(rows))


def _shrink(image: np.ndarray) -> np.ndarray:
    """Squeeze a picture so that neither side is above `LARGEST`; its proportions stay."""
    factor = LARGEST / max(image.shape[:2])
    if factor >= 1:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return resize(image, (height, width))


def _as_weights(gains: Sequence[float]) -> tuple[float, ...]:
    """Divide gains by their sum; where all are 0, so are the weights."""
    total = sum(gains)
    return tuple(gain / total if total else 0.0 for gain in gains)


def _formulas(order: str, factors: Sequence[float]) -> tuple[str, ...]:
    """Say of each new channel which old one it is, and how often."""
    names = dict(zip("RGB", NAMES, strict=True))
    right = [
        f"{write_number(factor)} × {names[letter]}" if factor else "0"
        for letter, factor in zip(order, factors, strict=True)
    ]
    return tuple(f"{name} = {made}" for name, made in zip(NAMES, right, strict=True))


def _sum_of_channels(weights: Sequence[float]) -> str:
    parts = [f"{weight:.3g} × {name}" for weight, name in zip(weights, NAMES, strict=True)]
    return "grey = " + " + ".join(parts)


def _words(mixed: Mixed) -> list[str]:
    coloured = "new " + ",   new ".join(mixed.formulas[:3])
    grey = [f"then {mixed.formulas[3]}"] if len(mixed.formulas) > 3 else []
    return [coloured, ";   ".join([*grey, _cut(mixed)])]


def _cut(mixed: Mixed) -> str:
    if not mixed.cut:
        return "No value was cut."
    return f"{share_in_words(mixed.cut, mixed.numbers, start=True)} of the values were cut at 255."


def _alt(mixed: Mixed, order: str, grey: str) -> str:
    how = f"order {order}, {', '.join(mixed.formulas)}"
    layers = np.atleast_3d(mixed.picture)
    names = NAMES if grey == "off" else ("grey",)
    means = [
        f"{name} {layers[..., index].mean():.0f}" for index, name in enumerate(names)
    ]  # the mean of what is shown
    return (
        f"A picture before and after its channels were mixed ({how}), and the histogram of the "
        f"result, mean values: {', '.join(means)}. {_cut(mixed)}"
    )
