"""A map before and after it moved by some pixels, with what pooling makes of both."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.patches import PathPatch, Rectangle

from cnn_basics.figures import BLACK, VERMILION, LessonFigure, plain_axes
from cnn_basics.plots.grids import LIGHT
from cnn_basics.plots.numbers import number_path
from cnn_basics.plots.reused import fixed_figure

WRITTEN = 10  # numbers are written into maps that are no higher or wider than this
_LEFTS = (0.005, 0.262, 0.515, 0.772)
_WIDTH, _SHARE = 7.6, 0.223  # of the figure in inches; of it, a panel
_ABOVE, _BELOW = 0.32, 0.5  # inches for titles and words
_ROOM = 4  # cells are no larger than a quarter of a panel


def is_small(values: np.ndarray) -> bool:
    """Say whether a map is small enough for its numbers to be written in."""
    return values.ndim == 2 and max(values.shape) <= WRITTEN


class MapPanel:
    """One map in axes of its own: cells with numbers if it is small, else a picture.

    Args:
        axes: Where to draw.
        limits: The smallest and the largest number of the colour scale; None for colours.
    """

    def __init__(self, axes: Axes, limits: tuple[float, float] | None) -> None:
        plain_axes(axes)
        axes.set_anchor("NW")
        self.axes = axes
        self._scale = Normalize(*limits) if limits else None
        self._image = axes.imshow([[0.0]], cmap=LIGHT, norm=self._scale, interpolation="nearest")
        self._padding = axes.add_patch(
            Rectangle((0, 0), 1, 1, facecolor="white", edgecolor="0.6", hatch="////", lw=0)
        )
        self._padding.set_zorder(-1)
        self._lines, self._windows, self._halo, self._marks = (
            axes.add_collection(LineCollection([], clip_on=False, **style), autolim=False)
            for style in (
                {"color": "0.75", "linewidths": 0.7},
                {"color": BLACK, "linewidths": 2.2},
                {"color": "white", "linewidths": 4.5},
                {"color": VERMILION, "linewidths": 2.8},
            )
        )
        left, top = axes.get_position(original=True).corners()[1]
        self.title = axes.figure.text(
            left, top + 0.06 / axes.figure.get_figheight(), "", fontsize=9
        )
        self._numbers = axes.add_patch(PathPatch(number_path(np.empty((0, 0))), fc=BLACK, lw=0))

    def parts(self) -> list[Artist]:
        """List all that `show` changes, besides the title."""
        marks = (self._lines, self._windows, self._halo, self._marks)
        return [self._padding, self._image, *marks, self._numbers]

    def show(
        self,
        values: np.ndarray,
        title: str,
        *,
        padding: int = 0,
        overhang: tuple[int, int] = (0, 0),
        windows: list[tuple[int, int, int]] = (),
        marked: np.ndarray | None = None,
    ) -> None:
        """Show a map.

        Args:
            values: `(H, W)`, or `(H, W, 3)` colours from 0 to 1.
            title: Written above.
            padding: Cells of padding on every side, drawn hatched.
            overhang: Rows and columns that windows reach over the bottom and the right.
            windows: Row, column and side of each window to frame in black.
            marked: `(H, W)` bool: cells framed thickly, in a picture the regions they make.
        """
        height, width = values.shape[:2]
        self._image.set_data(values)
        self._image.set_extent((-0.5, width - 0.5, height - 0.5, -0.5))
        edge = 0.5 + padding
        self._padding.set_bounds(-edge, -edge, width + 2 * padding, height + 2 * padding)
        wide = max(_ROOM, width + 2 * padding + overhang[1])
        high = max(_ROOM, height + 2 * padding + overhang[0])
        self.axes.set_xlim(-edge, wide - edge)
        self.axes.set_ylim(high - edge, -edge)
        self.axes.apply_aspect()
        self.title.set_text(title)
        small = is_small(values)
        every = np.ones((height, width), bool)
        self._lines.set_segments(_frames(every) if small else [])
        self._windows.set_segments([_square(*window) for window in windows])
        segments = [] if marked is None else (_frames(marked) if small else _borders(marked))
        self._halo.set_segments([] if small else segments)
        self._marks.set_segments(segments)
        self._numbers.set_path(number_path(values if small else np.empty((0, 0))))


class ShiftFigure:
    """Four maps: an input, its pooled output, the input after it moved, and that one's output.

    Args:
        shape: Height and width of the input, for the shape of the figure.
        limits: The smallest and the largest number of the colour scale; None for colours.
    """

    def __init__(self, shape: tuple[int, int], limits: tuple[float, float] | None) -> None:
        high = _WIDTH * _SHARE * min(1.0, max(0.3, shape[0] / shape[1]))
        total = _ABOVE + high + _BELOW
        boxes = [(left, _BELOW / total, _SHARE, high / total) for left in _LEFTS]
        self.figure, axes = fixed_figure(boxes, width=_WIDTH, height=total)
        self._panels = [MapPanel(each, limits) for each in axes]
        for left in (_LEFTS[1], _LEFTS[3]):
            middle = (_BELOW + high / 2) / total
            self.figure.text(left - 0.017, middle, "→", fontsize=13, ha="center", va="center")
        self._words = self.figure.text(0.005, 0.035, "", fontsize=9)
        self.figure.moves(*(part for each in self._panels for part in each.parts()))
        self.figure.writes(self._words, *(each.title for each in self._panels))

    def update(
        self,
        maps: list[np.ndarray],
        titles: list[str],
        words: str,
        alt: str,
        *,
        changed: np.ndarray,
        **inputs: object,
    ) -> LessonFigure:
        """Show other maps.

        Args:
            maps: The four maps in order, each `(H, W)` or `(H, W, 3)`.
            titles: One for each.
            words: Written below.
            alt: What the picture shows.
            changed: `(H, W)` bool, the outputs that changed.
            **inputs: `padding`, `overhang` and `windows` of the two inputs.

        Returns:
            The same figure each time.
        """
        for index, (panel, values, title) in enumerate(
            zip(self._panels, maps, titles, strict=True)
        ):
            more = {"marked": changed} if index == 3 else {}
            panel.show(values, title, **(more if index % 2 else inputs))
        self._words.set_text(words)
        self.figure.alt = alt
        return self.figure


def _square(row: int, column: int, side: int) -> list[tuple[float, float]]:
    """Return the corners of a square of cells, drawn as one line."""
    left, top = column - 0.5, row - 0.5
    right, bottom = left + side, top + side
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def _frames(cells: np.ndarray) -> list[list[tuple[float, float]]]:
    """Return a square around each marked cell."""
    return [_square(row, column, 1) for row, column in np.argwhere(cells).tolist()]


def _borders(cells: np.ndarray) -> list[list[tuple[float, float]]]:
    """Return the lines between marked and other cells, the outside included."""
    framed = np.pad(cells, 1).astype(int)
    level = np.argwhere(np.diff(framed, axis=0)[:, 1:-1]) - 0.5
    upright = np.argwhere(np.diff(framed, axis=1)[1:-1]) - 0.5
    lines = [[(x, y), (x + 1, y)] for y, x in level.tolist()]
    return lines + [[(x, y), (x, y + 1)] for y, x in upright.tolist()]
