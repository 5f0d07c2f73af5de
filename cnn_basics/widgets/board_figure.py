"""A training as it goes: the curves, the first kernels and the worst mistakes, drawn in place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cnn_basics.figures import BLACK, BLUE, DIVERGING, VERMILION, LessonFigure, plain_axes
from cnn_basics.widgets.board_state import BoardState, Mistake
from cnn_basics.widgets.redrawn import ReusedFigure, tile_pictures

Place = tuple[float, float, float, float]

MOST_KERNELS = 64
MOST_MISTAKES = 8
_LETTERS = 8  # of a class's name below a picture
_WIDTH, _HEIGHT, _LOWER = 7.6, 4.8, 2.1  # inches: of the figure, and of what is below the curves
_BOXES = [
    (0.06, 0.605, 0.41, 0.285),
    (0.56, 0.605, 0.41, 0.285),
    (0.0, 0.0, 1.0, _LOWER / _HEIGHT),
]
_KERNELS = (0.08, 0.1, 3.5, 2.0)  # left, bottom, width and height in inches
_MISTAKES = [
    (3.88 + 0.927 * column, 1.416 - 1.032 * row, 0.684, 0.684)
    for row in range(2)
    for column in range(4)
]
_ENDS = (1.0, 2.0, 5.0, 10.0)  # of the axis of the loss, times a power of ten


class BoardFigure:
    """Draws one state after another into the same figure.

    Example:
        >>> state = BoardState(3, 2, np.ones((8, 3, 5, 5)), "8 kernels", np.array([[0.5, 0.7]]))
        >>> BoardFigure().update(state, "A board with a first batch.").alt
        'A board with a first batch.'
    """

    def __init__(self) -> None:
        self.figure = ReusedFigure(_BOXES, width=_WIDTH, height=_HEIGHT)
        axes = self.figure.axes
        self._loss, self._accuracy, lower = axes
        self._lines = [
            *_draw_curves(self._loss, "loss", "training, each batch"),
            *_draw_curves(self._accuracy, "accuracy", "training"),
        ]
        self._guess = [_draw_guess(axis) for axis in (self._loss, self._accuracy)]
        self._kernels, *self._pictures = _empty_pictures(lower, [_KERNELS, *_MISTAKES])
        self._titles = [lower.text(left, _LOWER + 0.06, "", fontsize=10) for left in (0.08, 3.88)]
        self._captions = [
            lower.text(left, bottom - 0.03, "", fontsize=8, va="top")
            for left, bottom, *_ in _MISTAKES
        ]
        self.figure.moves(*self._lines, self._kernels, *self._pictures)
        self.figure.writes(*self._titles, *self._captions)

    def update(self, state: BoardState, alt: str) -> LessonFigure:
        """Show another state.

        Args:
            state: What to show.
            alt: What the picture shows.

        Returns:
            The same figure each time.
        """
        curves = (state.batch_loss, state.valid_loss, state.train_accuracy, state.valid_accuracy)
        for line, curve in zip(self._lines, curves, strict=True):
            line.set_data(*np.asarray(curve, dtype=float).T)
        self._set_axes(state)
        self._show_kernels(state)
        self._show_mistakes(state.mistakes[:MOST_MISTAKES])
        self.figure.alt = alt
        return self.figure

    def _set_axes(self, state: BoardState) -> None:
        """Let the axes hold all points; only when they change is the rest drawn anew."""
        top = round_loss(math.log(max(state.classes, 2)), state.batch_loss, state.valid_loss)
        self._loss.set(ylim=(0, top))
        for axes, guess, height in zip(
            (self._loss, self._accuracy),
            self._guess,
            (math.log(state.classes), 1 / state.classes),
            strict=True,
        ):
            axes.set_xlim(0, state.epochs)
            guess.set_ydata([height, height])
        self.figure.state = (top, state.epochs, state.classes)

    def _show_kernels(self, state: BoardState) -> None:
        self._titles[0].set_text(state.kernels_title)
        tiles = None
        if state.kernels is not None:
            pictures = colour_kernels(state.kernels[:MOST_KERNELS])
            tiles = tile_pictures(pictures, columns=8 if len(pictures) > 8 else 4)
        _set_picture(self._kernels, _KERNELS, tiles)

    def _show_mistakes(self, mistakes: tuple[Mistake, ...]) -> None:
        wrong = all(mistake.truth != mistake.answer for mistake in mistakes)
        title = "worst mistakes" if wrong else "worst answers"
        self._titles[1].set_text(title if mistakes else "worst mistakes: none known yet")
        room = [None] * (MOST_MISTAKES - len(mistakes))
        places = zip(self._pictures, self._captions, _MISTAKES, (*mistakes, *room), strict=True)
        for image, caption, place, mistake in places:
            _set_picture(image, place, mistake.picture if mistake else None)
            caption.set_text(_caption(mistake) if mistake else "")


def round_loss(*heights: float | np.ndarray) -> float:
    """Return the end of an axis that holds all losses that are finite: 1, 2, 5, 10, 20 and so on.

    Args:
        heights: Losses, as numbers or curves `(T, 2)`.

    Example:
        >>> round_loss(0.69, np.array([[1, 2.3], [2, np.nan]]))
        5.0
    """
    values = np.concatenate([np.atleast_2d(each)[:, -1] for each in heights])
    highest = float(np.max(values[np.isfinite(values)], initial=1e-9))
    power = 10.0 ** math.floor(math.log10(highest))
    return max(1.0, next(n * power for n in _ENDS if n * power >= highest))


def _draw_curves(axes: Axes, title: str, train: str) -> list[Line2D]:
    """Draw two empty lines; they differ in width and marker, not only in colour."""
    (first,) = axes.plot([], [], color=BLUE, lw=1.2, label=train)
    (second,) = axes.plot(
        [], [], "s--", color=VERMILION, lw=1.6, ms=5, label="validation", clip_on=False
    )
    axes.set_title(title, fontsize=10, loc="left", y=1.14)
    axes.set_xlabel("epochs", fontsize=9, labelpad=1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return [first, second]


def _draw_guess(axes: Axes) -> Line2D:
    """Draw the level of guessing, and name all lines above the axes."""
    (line,) = axes.plot([0, 1], [0, 0], ":", color=BLACK, lw=1, label="guessing")
    line.set_transform(axes.get_yaxis_transform())
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=3, fontsize=8, frameon=False,
        handlelength=2.2, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip
    return line


def _empty_pictures(axes: Axes, places: Sequence[Place]) -> list[AxesImage]:
    """Make an image for each place; the axes count in inches."""
    plain_axes(axes)
    images = [
        axes.imshow(np.ones((1, 1, 3)), interpolation="nearest", visible=False) for _ in places
    ]
    axes.set(xlim=(0, _WIDTH), ylim=(0, _LOWER), aspect="auto")
    return images


def _set_picture(image: AxesImage, place: Place, picture: np.ndarray | None) -> None:
    """Show a picture of any size, `(H, W, 3)`, at the upper left of its place, or none."""
    image.set_visible(picture is not None)
    if picture is None:
        return
    left, bottom, width, height = place
    scale = min(width / picture.shape[1], height / picture.shape[0])
    top = bottom + height
    image.set_data(picture)
    image.set_extent((left, left + scale * picture.shape[1], top - scale * picture.shape[0], top))


def _caption(mistake: Mistake) -> str:
    truth, answer = _shorten(mistake.truth), _shorten(mistake.answer)
    return f"{truth}, said\n{answer} {100 * mistake.share:.0f} %"


def _shorten(name: str) -> str:
    """Cut a name that is too long for a caption."""
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"


def colour_kernels(weight: np.ndarray) -> np.ndarray:
    """Turn kernels into pictures: grey (or white, for one channel) is 0.

    Kernels that read red, green and blue are shown in these colours. Any other number of channels
    is averaged, and drawn from blue (negative) over white to red (positive).

    Args:
        weight: `(K, C, height, width)` float.

    Returns:
        `(K, height, width, 3)` float from 0 to 1; the largest weight of all is at one end. What is
        not a finite number counts as 0.

    Example:
        >>> colour_kernels(np.array([[[[0.0]], [[-2.0]], [[2.0]]]])).tolist()
        [[[[0.5, 0.0, 1.0]]]]
    """
    weight = np.where(np.isfinite(weight), weight, 0.0)
    if weight.shape[1] == 3:
        return np.moveaxis(_around_half(weight), 1, -1)
    return colormaps[DIVERGING](_around_half(weight.mean(axis=1)))[..., :3]


def _around_half(values: np.ndarray) -> np.ndarray:
    """Bring values into 0 to 1, with zero in the middle."""
    return 0.5 + values / (2 * (float(np.abs(values).max()) or 1.0))
