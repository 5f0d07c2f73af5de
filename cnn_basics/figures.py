"""Figures and animations that carry their own alt text; the lowest module of what draws.

As the last expression of a cell either shows one PNG, with the alt text in its metadata (for HTML
and slides) and as a caption below (for every reader, and for nbval, which compares captions, not
pixels). pyplot is never imported, so no figure lives longer than its name.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from cnn_basics.expect import expect

# The Okabe-Ito colours (https://jfly.uni-koeln.de/color/), told apart with any colour vision.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
CYCLE = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK)

SEQUENTIAL = "viridis"  # for values from low to high
DIVERGING = "RdBu_r"  # for values around zero, always drawn with zero in the middle

_DPI = 100  # screen pixels per inch
_PLAYS = 3  # how often an animation is played


def _show(png: bytes, alt: str, width: int, note: str = "") -> None:
    """Display one PNG with its alt text as metadata and, below it, as a caption with a note."""
    from IPython.display import display

    expect(alt.strip(), "alt text", "an empty text", "say in one or two sentences what is shown")
    data = {"image/png": base64.b64encode(png).decode(), "text/plain": f"<picture: {alt}>"}
    display(data, metadata={"image/png": {"alt": alt, "width": width}}, raw=True)
    caption = f"{alt} {note}".strip()
    display({"text/markdown": f"*{caption}*", "text/plain": caption}, raw=True)


class LessonFigure(Figure):
    """A Matplotlib figure with alt text, which shows itself in a notebook."""

    alt: str = ""  # one or two sentences that say what the picture shows
    sharpness: float = 1.6  # pixels of the stored PNG for each pixel on the screen
    few_colours: bool = False  # store the 256 nearest colours, in a third of the room

    def to_png(self) -> bytes:
        """Draw the figure into a PNG file, finer than the screen size for sharp text."""
        self.set_dpi(_DPI * self.sharpness)
        picture = Image.fromarray(figure_to_array(self))
        self.set_dpi(_DPI)
        if self.few_colours or picture.getcolors(256) is not None:  # then a palette is exact
            picture = picture.quantize(256)
        buffer = io.BytesIO()
        picture.save(buffer, format="png", optimize=True)
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        _show(self.to_png(), self.alt, round(self.get_figwidth() * _DPI))

    def __repr__(self) -> str:
        """Return the alt text, which, unlike Matplotlib's default, says what is shown."""
        return f"<LessonFigure: {self.alt}>"


def new_figure(
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = 7.0,
    height: float = 3.0,
    alt: str = "",
    **ratios: Sequence[float],
) -> tuple[LessonFigure, np.ndarray]:
    """Make an empty figure with a row or a table of axes, returned in reading order as an array.

    Args:
        rows: Rows of axes.
        columns: Columns of axes.
        width: Width of the whole figure in inches (100 screen pixels each).
        height: Height of the whole figure in inches.
        alt: What the picture shows; may also be set later, as `figure.alt`.
        **ratios: Of columns, as `width_ratios`, and of rows, as `height_ratios`.

    Example:
        >>> figure, axes = new_figure(1, 3, alt="Three empty frames.")
        >>> len(axes)
        3
    """
    figure = LessonFigure(figsize=(width, height), dpi=_DPI, layout="constrained")
    figure.alt = alt
    axes = figure.subplots(rows, columns, squeeze=False, **ratios).ravel()
    return figure, axes


def plain_axes(axes: Axes, title: str = "") -> None:
    """Take ticks and frame off axes that show a picture, and give them a title."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=10)


def figure_to_array(figure: LessonFigure) -> np.ndarray:
    """Draw a figure into an array `(H, W, 3)` uint8, for example one frame of an animation."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    FigureCanvasBase(figure)  # a figure that is kept need not keep its pixels,
    for text in figure.findobj(Text):
        text._renderer = None  # which each of its texts holds too
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@dataclass(frozen=True, repr=False)
class Animation:
    """A short animation, shown as an animated PNG that stops on its last frame."""

    frames: np.ndarray  # (T, H, W, 3) uint8
    alt: str  # what moves and what comes out
    seconds_per_frame: float = 0.7  # the last one stays three times as long

    def __post_init__(self) -> None:
        fits = self.frames.ndim == 4 and self.frames.shape[-1] == 3
        what, fix = "frames (T, H, W, 3) uint8", "stack pictures of one size with np.stack"
        expect(fits and self.frames.dtype == np.uint8, what, self.frames, fix)

    def to_png(self) -> bytes:
        """Encode an animated PNG (every browser shows it; elsewhere: the first frame)."""
        first, *others = map(Image.fromarray, self.frames)
        milliseconds = round(self.seconds_per_frame * 1000)
        durations = [milliseconds] * len(others) + [3 * milliseconds]
        options = {"save_all": True, "append_images": others, "duration": durations}
        buffer = io.BytesIO()
        first.save(buffer, format="png", loop=_PLAYS, **options)
        return buffer.getvalue()

    def _ipython_display_(self) -> None:
        note = f"(Plays {_PLAYS} times; run the cell to see it again.)"
        _show(self.to_png(), self.alt, self.frames.shape[2], note)

    def __repr__(self) -> str:
        """Return the number of frames and the alt text."""
        return f"<Animation of {len(self.frames)} frames: {self.alt}>"
