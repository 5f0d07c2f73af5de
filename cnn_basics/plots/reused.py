"""Parts of figures that are drawn again and again: made once, then only their data change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text

from cnn_basics.figures import LessonFigure

_LIMITS = (5, 10, 25, 50, 100)  # per cent; few, so that the axis seldom jumps
_HEADROOM = 1.08  # the height of the axes over the end
_REMEMBERED = 40  # words of each text whose pixels are kept: sliders go back and forth


class ReusedFigure(LessonFigure):
    """A figure of which only some parts change: the rest is drawn once and kept as pixels.

    Drawing text and ticks takes most of the time, so this makes redrawing several times as fast.

    Example:
        >>> figure, (axes,) = fixed_figure([(0.1, 0.1, 0.8, 0.8)], width=3, height=2)
        >>> (line,) = figure.moves(*axes.plot([0, 1]))
        >>> len(figure.to_png()) > 100
        True
    """

    _moving: tuple[Artist, ...] = ()
    _written: tuple[Text, ...] = ()
    _state: object = None
    _kept: dict[tuple[int, int, object], object]
    _words: dict[tuple[object, Text], dict[str, object]]

    def moves(self, *artists: Artist) -> tuple[Artist, ...]:
        """Name parts that change from one drawing to the next, and return them."""
        self._moving = (*self._moving, *artists)
        self.forget()
        return artists

    def writes(self, *texts: Text) -> tuple[Text, ...]:
        """Name texts that change now and then, with nothing behind them, and return them."""
        self._written = (*self._written, *texts)
        self.forget()
        return texts

    def forget(self) -> None:
        """Draw the rest anew the next time, because it changed: an axis, a title, a legend."""
        self._kept = {}
        self._words = {}

    def turn_to(self, state: object) -> None:
        """Name a state of the rest, such as which legend it has; each is kept on its own."""
        self._state = state

    def draw(self, renderer: RendererBase) -> None:
        """Draw the rest, from memory where its size is known, and then what moves."""
        key = (int(renderer.width), int(renderer.height), self._state)
        if key in self._kept:
            renderer.restore_region(self._kept[key])
        else:
            self._draw_rest(renderer)
            self._kept[key] = renderer.copy_from_bbox(self.bbox)
        for text in self._written:
            self._write(text, renderer, self._words.setdefault((key, text), {}))
        for artist in sorted(self._moving, key=Artist.get_zorder):
            artist.draw(renderer)

    def _draw_rest(self, renderer: RendererBase) -> None:
        changing = (*self._moving, *self._written)
        shown = [artist for artist in changing if artist.get_visible()]
        for artist in shown:
            artist.set_visible(False)
        super().draw(renderer)
        for artist in shown:
            artist.set_visible(True)

    @staticmethod
    def _write(text: Text, renderer: RendererBase, known: dict[str, object]) -> None:
        """Draw a text, or put back its pixels, if it has said the same before."""
        word = text.get_text()
        if word in known:
            renderer.restore_region(known[word])
        elif word:
            text.draw(renderer)
            box = text.get_window_extent(renderer).padded(2)
            known[word] = renderer.copy_from_bbox(box)
            if len(known) > _REMEMBERED:
                del known[next(iter(known))]


def fixed_figure(
    boxes: Sequence[tuple[float, float, float, float]], *, width: float, height: float
) -> tuple[ReusedFigure, list[Axes]]:
    """Make a figure whose axes stay where they are: no layout is computed when it is drawn.

    Args:
        boxes: Left, bottom, width and height of each axes, as shares of the figure.
        width: Width of the figure in inches (100 screen pixels each).
        height: Height in inches.

    Returns:
        The figure and its axes.

    Example:
        >>> figure, (axes,) = fixed_figure([(0.1, 0.1, 0.8, 0.8)], width=3, height=2)
        >>> figure.get_layout_engine() is None
        True
    """
    figure = ReusedFigure(figsize=(width, height), dpi=100)
    figure.forget()
    return figure, [figure.add_axes(box) for box in boxes]


def percentages(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Count values in bins.

    Args:
        values: Any shape; what lies outside of the bins counts in the first or the last.
        edges: `(bins + 1,)`, rising.

    Returns:
        `(bins,)`, per cent of the values; together 100.

    Example:
        >>> percentages(np.array([-5, 0.2, 1.5, 9]), np.array([0, 1, 2])).tolist()
        [50.0, 50.0]
    """
    inside = np.clip(values, edges[0], edges[-1])
    return 100 * np.histogram(inside, edges)[0] / values.size


def round_limit(*heights: np.ndarray) -> int:
    """Return the end of an axis in per cent that holds all bars: 5, 10, 25, 50 or 100.

    Example:
        >>> round_limit(np.array([3.0, 12.0]))
        25
    """
    highest = max(float(bars.max()) for bars in heights)
    return next((limit for limit in _LIMITS if highest <= limit), _LIMITS[-1])


class PercentAxis:
    """The upright axis of a histogram in per cent: its end may move with every drawing.

    Ticks stay where they are and only their labels change, so that the rest can be kept.

    Args:
        axes: A histogram's axes; they get ticks at 0, at half of the end, and at the end.

    Example:
        >>> figure, (axes,) = fixed_figure([(0.1, 0.1, 0.8, 0.8)], width=3, height=2)
        >>> axis = PercentAxis(axes)
        >>> axis.fit(np.array([3.0, 12.0]))
        25
        >>> [label.get_text() for label in axis.labels]
        ['0', '12.5', '25 %']
    """

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        axes.set_yticks([])
        style = {"transform": axes.transAxes, "fontsize": 8, "ha": "right", "va": "center"}
        heights = (0, 0.5 / _HEADROOM, 1 / _HEADROOM)
        self.labels = [axes.text(-0.035, height, "", **style) for height in heights]
        for height in heights:
            axes.plot(
                [-0.02, 0], [height] * 2, "k", lw=0.8, transform=axes.transAxes, clip_on=False
            )

    def fit(self, *heights: np.ndarray) -> int:
        """Choose the end that holds all bars, write it, and return it."""
        limit = round_limit(*heights)
        self._axes.set_ylim(0, limit * _HEADROOM)
        for label, text in zip(self.labels, ("0", f"{limit / 2:g}", f"{limit} %"), strict=True):
            label.set_text(text)
        return limit


def share_in_words(count: int, total: int, start: bool = False) -> str:
    """Write a share in whole per cent that is never 0 for some, nor 100 for not quite all.

    Args:
        count: How many.
        total: Of how many.
        start: Begin with a capital letter, as a sentence does.

    Returns:
        For instance `12 %` or `less than 1 %`.

    Example:
        >>> share_in_words(1, 3), share_in_words(1, 1000), share_in_words(999, 1000, start=True)
        ('33 %', 'less than 1 %', 'More than 99 %')
    """
    percent = 100 * count / total
    if 0 < percent < 1:
        return f"{'L' if start else 'l'}ess than 1 %"
    if 99 < percent < 100:
        return f"{'M' if start else 'm'}ore than 99 %"
    return f"{percent:.0f} %"
