"""A figure with controls: every change of a control draws it again in its place, within 32 ms.

Its figures are made once; then only their data change, and what stays is kept as pixels.
"""

from __future__ import annotations

import html
import math
import textwrap
import threading
from collections.abc import Callable, Mapping, Sequence

import ipywidgets
import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text

from cnn_basics.expect import expect
from cnn_basics.figures import DIVERGING, SEQUENTIAL, LessonFigure, figure_to_array
from cnn_basics.widgets.parts import Guard, WithFallback, picture_url

_REMEMBERED = 40  # words of each text whose pixels are kept: sliders go back and forth
_HEADROOM = 1.08  # the height of the axes over the end


class RedrawnFigure(WithFallback, ipywidgets.VBox):
    """Rows of controls above the figure that `draw` makes of all their values.

    The page merges changes that arrive while the kernel draws into the last one; changes that
    drawing itself makes lead to one more drawing. So nothing piles up, and nothing is stale. A
    ValueError of `draw` is shown as its sentence.
    """

    def __init__(
        self,
        controls: Mapping[str, ipywidgets.Widget],
        draw: Callable[..., LessonFigure],
        rows: Sequence[Sequence[str]] | None = None,
    ) -> None:
        self.controls = dict(controls)
        self.draw = draw
        self.drawings = 0  # how often the picture was drawn
        self.picture = make_picture()
        self._drawing = self._again = False
        # A cell may move a control while the page does: JupyterLab's kernels hear the page in a
        # thread of its own.
        self._lock = threading.RLock()
        for control in self.controls.values():
            control.observe(lambda _: self.redraw(), names="value")
            if hasattr(control, "style") and "description_width" in control.style.trait_names():
                control.style.description_width = "initial"
        wrapping = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        boxes = [
            ipywidgets.HBox([self.controls[name] for name in names], layout=wrapping)
            for names in rows or [self.controls]
        ]
        super().__init__([*boxes, self.picture, Guard()])
        self.redraw()

    def values(self) -> dict[str, object]:
        """Return the value of every control, by name."""
        return {name: control.value for name, control in self.controls.items()}

    def redraw(self) -> None:
        """Draw the present state, as often as drawing itself changes a control."""
        with self._lock:
            self._again = True
            if self._drawing:
                return
            self._drawing = True
            try:
                while self._again:
                    self._again = False
                    self.drawings += 1
                    self.picture.value = self._picture()
            finally:
                self._drawing = False

    def still(self) -> LessonFigure:
        """Draw the present state for where no kernel runs."""
        try:
            return self.draw(**self.values())
        except ValueError as error:
            figure = LessonFigure(figsize=(7.0, 0.9))
            figure.alt = str(error)
            lines = textwrap.fill(figure.alt, 90)
            figure.text(0.02, 0.5, lines, va="center", fontsize=10)
            return figure

    def _picture(self) -> str:
        try:
            figure = self.draw(**self.values())
        except ValueError as error:
            return f'<p role="alert" style="max-width: 45em">{html.escape(str(error))}</p>'
        return figure_to_html(figure)


def make_picture() -> ipywidgets.HTML:
    """Make the place of a picture that is drawn again and again."""
    picture = ipywidgets.HTML()
    picture.add_class("cnn-basics-picture")
    return picture


def figure_to_html(figure: LessonFigure, sharpness: float = 1.0) -> str:
    """Draw a figure as an `<img>` that needs no file; sharpness 2 takes about twice as long."""
    expect(figure.alt.strip(), "a figure with alt text", "none", "set figure.alt")
    dpi = figure.get_dpi()
    figure.set_dpi(dpi * sharpness)
    pixels = figure_to_array(figure)
    figure.set_dpi(dpi)
    height, width = (round(side / sharpness) for side in pixels.shape[:2])
    return (
        f'<img src="{picture_url(pixels, compress_level=1)}" width="{width}" height="{height}" '
        f'decoding="sync" style="max-width: 100%; height: auto" alt="{html.escape(figure.alt)}">'
    )


class ReusedFigure(LessonFigure):
    """A figure with axes in `boxes` of which only some parts change: the rest is kept as pixels.

    That makes redrawing several times as fast; whoever changes the rest names another `state`.
    """

    def __init__(
        self, boxes: Sequence[tuple[float, float, float, float]], *, width: float, height: float
    ) -> None:
        super().__init__(figsize=(width, height), dpi=100)
        for box in boxes:
            self.add_axes(box)
        self.state: object = None
        self._moving: list[Artist] = []
        self._written: list[Text] = []
        self._kept: dict[object, object] = {}
        self._words: dict[object, dict[str, object]] = {}

    def moves(self, *artists: Artist) -> None:
        """Name parts that change from one drawing to the next."""
        self._moving += artists

    def writes(self, *texts: Text) -> None:
        """Name texts that change now and then, with nothing behind them."""
        self._written += texts

    def say(self, lines: Sequence[str], alt: str) -> LessonFigure:
        """Write a line into each of the first texts and set the alt text; return the figure."""
        for text, line in zip(self._written, lines, strict=False):
            text.set_text(line)
        self.alt = alt
        return self

    def draw(self, renderer: RendererBase) -> None:
        """Draw the rest, from memory where its size is known, and then what moves."""
        key = (int(renderer.width), int(renderer.height), self.state)
        if key in self._kept:
            renderer.restore_region(self._kept[key])
        else:
            shown = [each for each in (*self._moving, *self._written) if each.get_visible()]
            for artist in shown:
                artist.set_visible(False)
            super().draw(renderer)
            for artist in shown:
                artist.set_visible(True)
            self._kept[key] = renderer.copy_from_bbox(self.bbox)
        for text in self._written:
            self._write(text, renderer, self._words.setdefault((key, text), {}))
        for artist in sorted(self._moving, key=Artist.get_zorder):
            artist.draw(renderer)

    @staticmethod
    def _write(text: Text, renderer: RendererBase, known: dict[str, object]) -> None:
        """Draw a text, or put back its pixels, if it has said the same before."""
        word = text.get_text()
        if word in known:
            renderer.restore_region(known[word])
        elif word:
            text.draw(renderer)
            known[word] = renderer.copy_from_bbox(text.get_window_extent(renderer).padded(2))
            if len(known) > _REMEMBERED:
                del known[next(iter(known))]


class PercentAxis:
    """The upright axis of a histogram; only its labels change, so that the rest can be kept."""

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
        """Choose the end that holds all bars, one of few so that it seldom jumps; return it."""
        highest = max(float(bars.max()) for bars in heights)
        limit = next((end for end in (5, 10, 25, 50) if highest <= end), 100)
        self._axes.set_ylim(0, limit * _HEADROOM)
        for label, text in zip(self.labels, ("0", f"{limit / 2:g}", f"{limit} %"), strict=True):
            label.set_text(text)
        return limit


def percentages(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return per cent of the values in each bin; what lies beyond counts in the first or last."""
    return 100 * np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / values.size


def share_in_words(count: float, total: float, start: bool = False) -> str:
    """Write a share in whole per cent that is never 0 for some, nor 100 for not quite all.

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


def cut_name(name: str, letters: int) -> str:
    """Cut a name that is too long for its place."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def colour(values: np.ndarray, signed: bool) -> np.ndarray:
    """Turn values into colours `(…, 3)` over their range, with zero in the middle if signed.

    Example:
        >>> colour(np.array([-1.0, 0.0, 0.5]), signed=True).round(1).tolist()[1]
        [1.0, 1.0, 1.0]
    """
    low, high = float(values.min()), float(values.max())
    if signed:
        high = max(-low, high) or 1.0
        low = -high
    share = (values - low) / ((high - low) or 1.0)
    return colormaps[DIVERGING if signed else SEQUENTIAL](share)[..., :3]


def tile_pictures(pictures: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Lay pictures `(N, H, W, 3)` out in rows, with white between them.

    Example:
        >>> tile_pictures(np.zeros((3, 5, 5, 3)), columns=2).shape
        (11, 11, 3)
    """
    count, height, width, _ = pictures.shape
    rows = max(1, math.ceil(count / columns))
    sheet = np.ones((rows, columns, height + gap, width + gap, 3))
    for index, picture in enumerate(pictures):
        sheet[index // columns, index % columns, :height, :width] = picture
    flat = sheet.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), 3)
    return flat[: rows * (height + gap) - gap, : columns * (width + gap) - gap]
