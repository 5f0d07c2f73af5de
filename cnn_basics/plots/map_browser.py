"""One picture, one of its feature maps large, and all maps of that step small."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import Rectangle

from cnn_basics.figures import DIVERGING, SEQUENTIAL, VERMILION, LessonFigure, plain_axes
from cnn_basics.plots.mosaic import tile_pictures
from cnn_basics.plots.reused import fixed_figure

_BOXES = [(0.01, 0.22, 0.25, 0.68), (0.29, 0.22, 0.25, 0.68), (0.58, 0.03, 0.41, 0.87)]


class MapBrowserFigure:
    """Draws a picture, the chosen feature map, and all maps with the chosen one framed.

    Example:
        >>> maps = np.zeros((4, 3, 3))
        >>> figure = MapBrowserFigure()
        >>> figure.update(np.zeros((6, 6, 3)), maps, 2, ["first", "second"], "Dark maps.").alt
        'Dark maps.'
    """

    def __init__(self) -> None:
        self.figure, axes = fixed_figure(_BOXES, width=7.6, height=3.1)
        self.figure.sharpness, self.figure.few_colours = 1.0, True  # of the stored picture
        titles = ("picture", "chosen map", "all maps of this step")
        whole = {"extent": (0, 1, 1, 0), "interpolation": "nearest"}
        self._images = [axis.imshow(np.zeros((1, 1, 3)), **whole) for axis in axes]
        for axis, title in zip(axes, titles, strict=True):
            axis.set_anchor("N")
            plain_axes(axis, title)
        self._frame = Rectangle((0, 0), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2.5)
        self._sheet = axes[2]
        self._sheet.add_patch(self._frame)
        self._words = [self.figure.text(0.01, y, "", fontsize=9) for y in (0.12, 0.04)]
        self.figure.moves(*self._images, self._frame)
        self.figure.writes(*self._words)

    def update(
        self, picture: np.ndarray, maps: np.ndarray, channel: int, words: list[str], alt: str
    ) -> LessonFigure:
        """Show another picture, step or channel.

        Args:
            picture: `(H, W, 3)` float, values 0 to 1.
            maps: `(C, height, width)` float; one colour scale for all of them, with zero in its
                middle where there are numbers below zero.
            channel: Which map is chosen.
            words: Two lines, written below.
            alt: What the figure shows.

        Returns:
            The same figure each time.
        """
        columns = columns_for(len(maps))
        height, width = maps.shape[1:]
        coloured = colour_maps(maps)
        sheet = tile_pictures(coloured, columns)
        for image, pixels in zip(self._images, (picture, coloured[channel], sheet), strict=True):
            image.set_data(pixels)
        rows, across = sheet.shape[:2]
        self._images[2].set_extent((0, across, rows, 0))
        self._sheet.set(xlim=(0, across), ylim=(max(rows, across), 0))
        row, column = divmod(channel, columns)
        self._frame.set_bounds(column * (width + 1), row * (height + 1), width, height)
        for text, line in zip(self._words, words, strict=True):
            text.set_text(line)
        self.figure.alt = alt
        return self.figure


def columns_for(count: int) -> int:
    """Say how many maps stand in a row of the sheet: 8, or more if there are many."""
    return 8 if count <= 64 else math.ceil(math.sqrt(count))


def colour_maps(maps: np.ndarray) -> np.ndarray:
    """Turn maps into pictures with one colour scale.

    Args:
        maps: `(C, height, width)` float.

    Returns:
        `(C, height, width, 3)` from 0 to 1.

    Example:
        >>> colour_maps(np.array([[[-1.0, 0.0, 1.0]]])).round(1).tolist()[0][0][1]
        [1.0, 1.0, 1.0]
    """
    low, high = float(maps.min()), float(maps.max())
    if low < 0:
        high = max(-low, high)
        low = -high
    share = (maps - low) / ((high - low) or 1.0)
    return _colours(low < 0)[np.rint(255 * share).astype(int)]


@lru_cache
def _colours(signed: bool) -> np.ndarray:
    """The 256 colours of a scale, as `(256, 3)`."""
    return colormaps[DIVERGING if signed else SEQUENTIAL](np.linspace(0, 1, 256))[:, :3]
