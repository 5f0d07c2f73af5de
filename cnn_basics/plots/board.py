"""A training as it goes: the curves, the first kernels and the worst mistakes, drawn in place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure, plain_axes
from cnn_basics.plots.mosaic import MOST_KERNELS, colour_kernels, tile_pictures
from cnn_basics.plots.reused import fixed_figure

MOST_MISTAKES = 8
_LETTERS = 8  # of a class's name below a picture
_BOXES = [(0.06, 0.605, 0.41, 0.285), (0.56, 0.605, 0.41, 0.285), (0.01, 0.02, 0.46, 0.418)]
_ENDS = (1.0, 2.0, 5.0, 10.0)  # of the axis of the loss, times a power of ten


@dataclass(frozen=True)
class Mistake:
    """A picture that was taken for something else, or that was hard to tell.

    Attributes:
        picture: `(H, W, 3)` float, values 0 to 1.
        truth: The name of its class.
        answer: The name of the class with the highest score.
        share: The probability that the network gives to its answer.
    """

    picture: np.ndarray
    truth: str
    answer: str
    share: float


@dataclass(frozen=True)
class BoardState:
    """What a board shows; all curves are `(T, 2)`: epochs done, and the value.

    Attributes:
        epochs: Where the axes end.
        classes: How many classes there are: guessing gives a loss of log(classes).
        kernels: `(K, C, height, width)`, or None where the network has no convolution.
        kernels_title: Written above them.
        batch_loss: The loss of single batches.
        valid_loss: The loss on the validation pictures.
        train_accuracy: The share of training pictures told right.
        valid_accuracy: The share of validation pictures told right.
        mistakes: The worst first; as many as there is room for are shown.
    """

    epochs: int
    classes: int
    kernels: np.ndarray | None
    kernels_title: str
    batch_loss: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    valid_loss: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    train_accuracy: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    valid_accuracy: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    mistakes: tuple[Mistake, ...] = ()


class BoardFigure:
    """Draws one state after another into the same figure.

    Example:
        >>> state = BoardState(3, 2, np.ones((8, 3, 5, 5)), "8 kernels", np.array([[0.5, 0.7]]))
        >>> BoardFigure().update(state, "A board with a first batch.").alt
        'A board with a first batch.'
    """

    def __init__(self) -> None:
        self.figure, axes = fixed_figure(_BOXES + _mistake_boxes(), width=7.6, height=4.8)
        self._loss, self._accuracy, *places = axes
        self._lines = [
            *_draw_curves(self._loss, "loss", "training, each batch"),
            *_draw_curves(self._accuracy, "accuracy", "training"),
        ]
        self._guess = [_draw_guess(axis) for axis in (self._loss, self._accuracy)]
        self._kernels, *self._pictures = [_empty_picture(axis) for axis in places]
        self._titles = [
            self.figure.text(left, 0.45, "", fontsize=10, va="bottom") for left in (0.01, 0.51)
        ]
        self._captions = [
            axis.text(0, -0.04, "", transform=axis.transAxes, fontsize=8, va="top")
            for axis in places[1:]
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
        self.figure.turn_to((top, state.epochs, state.classes))

    def _show_kernels(self, state: BoardState) -> None:
        self._titles[0].set_text(state.kernels_title)
        tiles = None
        if state.kernels is not None:
            pictures = colour_kernels(state.kernels[:MOST_KERNELS])
            tiles = tile_pictures(pictures, columns=8 if len(pictures) > 8 else 4)
        _set_picture(self._kernels, tiles)

    def _show_mistakes(self, mistakes: tuple[Mistake, ...]) -> None:
        wrong = all(mistake.truth != mistake.answer for mistake in mistakes)
        title = "worst mistakes" if wrong else "worst answers"
        self._titles[1].set_text(title if mistakes else "worst mistakes: none known yet")
        room = [None] * (MOST_MISTAKES - len(mistakes))
        places = zip(self._pictures, self._captions, (*mistakes, *room), strict=True)
        for image, caption, mistake in places:
            _set_picture(image, mistake.picture if mistake else None)
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


def _empty_picture(axes: Axes) -> AxesImage:
    plain_axes(axes)
    image = axes.imshow(np.ones((1, 1, 3)), interpolation="nearest", visible=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="auto")  # so that nothing but the image changes
    return image


def _set_picture(image: AxesImage, picture: np.ndarray | None) -> None:
    """Show a picture of any size, `(H, W, 3)`, at the upper left of its place, or none."""
    image.set_visible(picture is not None)
    if picture is None:
        return
    place = image.axes.get_position().size * image.axes.figure.get_size_inches()
    shares = np.array(picture.shape[1::-1]) / place  # width, height
    width, height = shares / shares.max()
    image.set_data(picture)
    image.set_extent((0, width, 1 - height, 1))


def _caption(mistake: Mistake) -> str:
    truth, answer = _shorten(mistake.truth), _shorten(mistake.answer)
    return f"{truth}, said\n{answer} {100 * mistake.share:.0f} %"


def _shorten(name: str) -> str:
    """Cut a name that is too long for a caption."""
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1] + "…"


def _mistake_boxes() -> list[tuple[float, float, float, float]]:
    """Two rows of four places, the captions' room below each."""
    places = [(row, column) for row in range(2) for column in range(4)]
    return [(0.51 + 0.122 * column, 0.295 - 0.215 * row, 0.09, 0.1425) for row, column in places]
