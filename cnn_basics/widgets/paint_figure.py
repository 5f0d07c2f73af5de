"""A picture as a network sees it, the response of its layers, and the share of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from cnn_basics.figures import BLUE, SEQUENTIAL, LessonFigure, plain_axes
from cnn_basics.plots.grids import write_number
from cnn_basics.widgets.redrawn import ReusedFigure, tile_pictures

WIDTH, LEFT = 8.6, 2.35  # inches: of the figure, and of its left part
STRIP, LINE = 0.78, 0.27  # inches: least height of a strip of maps, and of the line above it
BAR = 0.22  # inches from one bar to the next
MOST_MAPS, MOST_CLASSES = 64, 10
LONGEST_NAME = 9  # letters of a class
SMALLEST = 4  # pixels, to which single numbers are enlarged


class AnswerFigure:
    """Draws what a network makes of a picture, again and again for the same network.

    Args:
        layers: The shape of what each layer gives, `(maps, H, W)`, by its name; at least one.
        class_names: Of all classes; of more than ten, the ten with the largest shares are drawn.

    Example:
        >>> figure = AnswerFigure({"relu": (4, 8, 8)}, ["cat", "dog"])
        >>> picture = np.zeros((28, 28, 3), dtype=np.uint8)
        >>> shown = figure.update(picture, {"relu": np.ones((4, 8, 8))}, np.array([0.3, 0.7]))
        >>> shown.alt.split(": ")[0]
        'A picture of 28×28 pixels, of which the network says dog (70 %), cat (30 %)'
    """

    def __init__(
        self, layers: Mapping[str, tuple[int, int, int]], class_names: Sequence[str]
    ) -> None:
        self._names = list(class_names)
        bars = min(len(self._names), MOST_CLASSES)
        chart = bars * BAR
        height = max(2.4 + chart, len(layers) * (STRIP + LINE) + 0.1)
        line = (height - 0.1) / len(layers)  # from one strip to the next
        tops = [height - k * line - LINE for k in range(len(layers))]
        self._space = (WIDTH - LEFT - 0.05, line - LINE)
        boxes = [(0.1, height - 2.1, 1.8, 1.8), (0.1, height - 2.3 - chart, 2.1, chart)]
        boxes += [(LEFT, top - self._space[1], *self._space) for top in tops]
        shares = [(x / WIDTH, y / height, w / WIDTH, h / height) for x, y, w, h in boxes]
        self.figure = ReusedFigure(shares, width=WIDTH, height=height)
        picture, chart, *strips = self.figure.axes
        self.figure.sharpness, self.figure.few_colours = 1.3, True  # of the stored picture
        plain_axes(picture, "what the network sees")
        self._picture = picture.imshow(np.zeros((1, 1, 3)), extent=(0, 1, 0, 1))
        self.figure.moves(self._picture)
        self._make_bars(chart, bars)
        self._strips = {
            name: self._make_strip(axes, np.zeros(shape))
            for axes, (name, shape) in zip(strips, layers.items(), strict=True)
        }

    def update(
        self, picture: np.ndarray, layers: Mapping[str, np.ndarray], shares: np.ndarray
    ) -> LessonFigure:
        """Show another picture.

        Args:
            picture: `(H, W, 3)` uint8.
            layers: `(maps, H, W)` float of each layer, of the shapes given at first.
            shares: `(K,)` float, one for each class; they add up to 1.

        Returns:
            The same figure each time.
        """
        self._picture.set_data(picture)
        for name, maps in layers.items():
            image, words = self._strips[name]
            image.set_data(self._sheet(maps))
            words.set_text(describe_maps(name, maps))
        order = np.argsort(-shares, kind="stable")
        self._draw_bars(order, shares)
        height, width = picture.shape[:2]
        said = ", ".join(f"{self._names[k]} ({write_share(shares[k])})" for k in order[:3])
        responses = "; ".join(describe_maps(name, maps) for name, maps in layers.items())
        self.figure.alt = (
            f"A picture of {width}×{height} pixels, of which the network says {said}: "
            f"the response of its layers as small pictures, {responses}."
        )
        return self.figure

    def _make_strip(self, axes: Axes, maps: np.ndarray) -> tuple[AxesImage, Text]:
        """The maps of one layer, and the words above them."""
        plain_axes(axes)
        axes.set_anchor("NW")
        image = axes.imshow(self._sheet(maps), interpolation="nearest")
        place = axes.get_position(original=True)
        words = self.figure.text(place.x0, place.y1 + 0.012, "", fontsize=9)
        self.figure.moves(image)
        self.figure.writes(words)
        return image, words

    def _make_bars(self, chart: Axes, bars: int) -> None:
        """One row for each class: its name, its share, and a bar of that length."""
        plain_axes(chart)
        chart.set_xlim(0, 2.1)
        chart.set_ylim(bars, 0)
        style = {"fontsize": 9, "va": "center", "ha": "right"}
        self._labels = [chart.text(0.62, k + 0.5, "", **style) for k in range(bars)]
        self._numbers = [chart.text(1.12, k + 0.5, "", **style) for k in range(bars)]
        self._bars = [
            chart.add_patch(Rectangle((1.2, k + 0.14), 0, 0.72, facecolor=BLUE, edgecolor="black"))
            for k in range(bars)
        ]
        self.figure.moves(*self._bars)
        self.figure.writes(*self._labels, *self._numbers)

    def _draw_bars(self, order: np.ndarray, shares: np.ndarray) -> None:
        """Fill the rows; the answer's bar is hatched, and an arrow points at its share."""
        shown = range(len(shares)) if len(shares) <= MOST_CLASSES else order[:MOST_CLASSES]
        parts = zip(shown, self._bars, self._labels, self._numbers, strict=True)
        for k, bar, label, number in parts:
            name, is_answer = self._names[k], k == order[0]
            label.set_text(name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…")
            number.set_text(f"{'▶ ' if is_answer else ''}{write_share(shares[k])}")
            bar.set_width(0.85 * shares[k])
            bar.set_hatch("////" if is_answer else None)
            bar.set_alpha(1.0 if is_answer else 0.6)

    def _sheet(self, maps: np.ndarray) -> np.ndarray:
        """All maps beside one another, as large as the space of a strip allows."""
        if maps.shape[1:] == (1, 1):
            maps = np.kron(maps, np.ones((1, SMALLEST, SMALLEST)))
        else:
            maps = maps[:MOST_MAPS]
        low, high = float(maps.min()), float(maps.max())
        coloured = colormaps[SEQUENTIAL]((maps - low) / ((high - low) or 1.0))[..., :3]
        count, height, width = maps.shape

        def scale(columns: int) -> float:
            wide, high = columns * (width + 1), -(-count // columns) * (height + 1)
            return min(self._space[0] / wide, self._space[1] / high)

        return tile_pictures(coloured, max(range(1, count + 1), key=scale))


def describe_maps(name: str, maps: np.ndarray) -> str:
    """Say what a layer gives: how many maps or numbers, from which value to which.

    Args:
        name: The layer's name.
        maps: `(maps, H, W)`.

    Returns:
        For instance `relu: 32 maps of 28×28, 0 to 1.25`.

    Example:
        >>> describe_maps("fc1", np.array([[[0.0]], [[2.5]]]))
        'fc1: 2 numbers, 0 to 2.5'
    """
    count, height, width = maps.shape
    one = "number" if height * width == 1 else "map"
    what = f"{count} {one}" if count == 1 else f"{count} {one}s"
    what += f" of {height}×{width}" if height * width > 1 else ""
    first = f", the first {MOST_MAPS} shown" if height * width > 1 and count > MOST_MAPS else ""
    low, high = (write_number(round(float(value), 2)) for value in (maps.min(), maps.max()))
    return (
        f"{name}: {what}{first}, {low} to {high}" if low != high else f"{name}: {what}, all {low}"
    )


def write_share(share: float) -> str:
    """Write a share from 0 to 1 in per cent.

    Args:
        share: A float.

    Returns:
        Whole per cent; never 0 or 100 for what is neither.

    Example:
        >>> write_share(0.5), write_share(0.0001), write_share(0.9999)
        ('50 %', '<1 %', '>99 %')
    """
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"
