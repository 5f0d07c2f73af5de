"""A figure with controls: every change of a control draws it again in its place, within 32 ms.

Its figures are made once; then only their data change, and what stays is kept as pixels.
"""

from __future__ import annotations

import html
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest

import ipywidgets
import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.text import Text
from torch import Tensor, uint8

from cnn_basics.expect import expect
from cnn_basics.figures import DIVERGING, SEQUENTIAL, LessonFigure, figure_to_array, plain_axes
from cnn_basics.widgets.parts import Guard, WithFallback, picture_url

Box = tuple[float, float, float, float]  # left, bottom, width, height
_STATES, _WORDS = 4, 200  # whose pixels a figure keeps: sliders go back and forth
_HEADROOM = 1.08  # the height of the axes over the end


class Picture(ipywidgets.HTML):
    """The place of a picture that is drawn again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("cnn-basics-picture")

    def show(self, figure: LessonFigure, sharpness: float = 1.0) -> None:
        """Show a figure as an `<img>` that needs no file; sharpness 2 takes twice as long."""
        expect(figure.alt.strip(), "a figure with alt text", "none", "set figure.alt")
        dpi = figure.get_dpi()
        figure.set_dpi(dpi * sharpness)
        pixels = figure_to_array(figure)
        figure.set_dpi(dpi)
        height, width = (round(side / sharpness) for side in pixels.shape[:2])
        self.value = (
            f'<img src="{picture_url(pixels, compress_level=1)}" width="{width}" '
            f'height="{height}" decoding="sync" style="max-width: 100%; height: auto" '
            f'alt="{html.escape(figure.alt)}">'
        )

    def refuse(self, sentence: str) -> None:
        """Show a sentence instead, which screen readers say."""
        self.value = f'<p role="alert" style="max-width: 45em">{html.escape(sentence)}</p>'


class RedrawnFigure(WithFallback, ipywidgets.VBox):
    """Rows of controls above the figure that `draw` makes, and `store` words, of their values."""

    def __init__(
        self,
        controls: Mapping[str, ipywidgets.Widget],
        draw: Callable[..., LessonFigure],
        rows: Sequence[Sequence[str]] | None = None,
        store: Callable[..., str] | None = None,
    ) -> None:
        self.controls = dict(controls)
        self.draw, self._store = draw, store
        self.drawings = 0  # how often the picture was drawn
        self.picture = Picture()
        self._drawing = False
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
            if self._drawing:
                return
            self._drawing, values = True, None
            try:
                while values != self.values():
                    values = self.values()
                    self.drawings += 1
                    self._show(values)
            finally:
                self._drawing = False

    def _show(self, values: dict[str, object]) -> None:
        try:
            figure = self.draw(**values)
        except ValueError as error:
            self.picture.refuse(str(error))
        except Exception as error:  # the kernel only logs what a callback of the page raises
            self.picture.refuse(f"{type(error).__name__}: {error}")
            raise
        else:
            self.picture.show(figure)

    def still(self) -> LessonFigure:
        """Draw the present state for where no kernel runs."""
        try:
            figure = self.draw(**self.values())
            figure.alt = self._store(**self.values()) if self._store else figure.alt
        except ValueError as error:
            figure = LessonFigure(figsize=(7.0, 0.9))
            figure.alt = str(error)
            figure.text(0.02, 0.5, figure.alt, va="center", fontsize=10, wrap=True)
        return figure


class ReusedFigure(LessonFigure):
    """Axes in `boxes` and a `page` in inches over them; what does not change is kept as pixels."""

    def __init__(
        self, boxes: Sequence[Box] = (), *, width: float, height: float, places: Sequence[Box] = ()
    ) -> None:
        super().__init__(figsize=(width, height), dpi=100)
        for box in boxes:
            self.add_axes(box)
        self.state: object = None
        self._moving: list[Artist] = []
        self._written: list[Text] = []
        self._kept: dict[object, tuple[object, dict[tuple[Text, str], object]]] = {}
        if places:
            self.places, self.page = places, self.add_axes((0, 0, 1, 1), facecolor="none")
            plain_axes(self.page)
            for _ in places:
                self.page.imshow(np.ones((1, 1, 3)), interpolation="nearest")
            self.page.set(xlim=(0, width), ylim=(0, height), aspect="auto")
            self.moves(*self.page.images)

    def show_pictures(self, pictures: Sequence[np.ndarray | None]) -> None:
        """Show pictures `(H, W, 3)`, each as large as fits at the upper left of its place."""
        for image, place, picture in zip_longest(self.page.images, self.places, pictures):
            image.set_visible(picture is not None)
            if picture is not None:
                left, bottom, width, height = place
                rows, columns = picture.shape[:2]
                scale, top = min(width / columns, height / rows), bottom + height
                image.set_data(picture)
                image.set_extent((left, left + scale * columns, top - scale * rows, top))

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
        """Draw the rest and the texts, from memory where they are known, and then what moves."""
        key = (int(renderer.width), int(renderer.height), self.state)
        if key not in self._kept:
            shown = [each for each in (*self._moving, *self._written) if each.get_visible()]
            for artist in shown:
                artist.set_visible(False)
            super().draw(renderer)
            for artist in shown:
                artist.set_visible(True)
            if len(self._kept) == _STATES:
                self._kept.clear()
            self._kept[key] = renderer.copy_from_bbox(self.bbox), {}
        rest, words = self._kept[key]
        renderer.restore_region(rest)
        for text in self._written:
            word = (text, text.get_text())
            if word in words:
                renderer.restore_region(words[word])
            elif word[1]:
                if len(words) == _WORDS:
                    words.clear()
                text.draw(renderer)
                box = text.get_window_extent(renderer).padded(2)
                words[word] = renderer.copy_from_bbox(box)
        for artist in sorted(self._moving, key=Artist.get_zorder):
            artist.draw(renderer)


class PercentAxis:
    """The upright axis of a histogram; only its labels change, so that the rest can be kept."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        style = {"transform": axes.transAxes, "fontsize": 8, "ha": "right", "va": "center"}
        heights = (0, 0.5 / _HEADROOM, 1 / _HEADROOM)
        self.labels = [axes.text(-0.035, height, "", **style) for height in heights]

    def fit(self, *heights: np.ndarray) -> int:
        """Choose the end that holds all bars, one of few so that it seldom jumps; return it."""
        highest = max(float(bars.max()) for bars in heights)
        limit = next((end for end in (5, 10, 25, 50) if highest <= end), 100)
        self._axes.set(ylim=(0, limit * _HEADROOM), yticks=(0, limit / 2, limit), yticklabels=())
        for label, text in zip(self.labels, ("0", f"{limit / 2:g}", f"{limit} %"), strict=True):
            label.set_text(text)
        return limit


def percentages(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return per cent of the values in each bin; what lies beyond counts in the first or last."""
    return 100 * np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / values.size


def share_in_words(count: float, total: float, start: bool = False) -> str:
    """Write a share in whole per cent that is never 0 for some, nor 100 for not quite all."""
    percent = 100 * count / total
    if 0 < percent < 1 or 99 < percent < 100:
        words = "less than 1 %" if percent < 1 else "more than 99 %"
        return words.capitalize() if start else words
    return f"{percent:.0f} %"


def cut_name(name: str, letters: int) -> str:
    """Cut a name that is too long for its place."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def colour(values: np.ndarray, signed: bool) -> np.ndarray:
    """Turn values into colours `(…, 3)` over their range, with zero in the middle if signed."""
    low, high = float(values.min()), float(values.max())
    if signed:
        high = max(-low, high) or 1.0
        low = -high
    share = (values - low) / ((high - low) or 1.0)
    return colormaps[DIVERGING if signed else SEQUENTIAL](share)[..., :3]


def tile_pictures(pictures: np.ndarray, columns: int) -> np.ndarray:
    """Lay pictures `(N, H, W, 3)` out in rows, with a line of white between them."""
    count, height, width, _ = pictures.shape
    rows = max(1, math.ceil(count / columns))
    sheet = np.ones((rows * columns, height + 1, width + 1, 3))
    sheet[:count, :height, :width] = pictures
    rows_of_pixels = sheet.reshape(rows, columns, height + 1, width + 1, 3).swapaxes(1, 2)
    return rows_of_pixels.reshape(rows * (height + 1), -1, 3)[:-1, :-1]


def to_pixels(pictures: Tensor) -> np.ndarray:
    """Turn pictures `(…, C, H, W)` into `(…, H, W, 3)` from 0 to 1, the first channel if not 3."""
    values = pictures.detach().float().cpu().movedim(-3, -1).numpy()
    values = values if values.shape[-1] == 3 else np.repeat(values[..., :1], 3, axis=-1)
    if pictures.dtype == uint8:
        return values / 255
    low, high = min(values.min(), 0.0), max(values.max(), 1.0)
    return (values - low) / (high - low)
