"""A training to watch while it goes, with a button that stops it and keeps the network."""

from __future__ import annotations

import atexit
import copy
import inspect
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import fields
from itertools import zip_longest
from typing import Any, NamedTuple

import anywidget
import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn
from traitlets import Bool, Float, Unicode

from cnn_basics.expect import expect, whole
from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure, plain_axes
from cnn_basics.training import Data, Evaluation, History, Training, check_data, evaluate, fit
from cnn_basics.widgets.parts import Guard, WithFallback, read_static
from cnn_basics.widgets.redrawn import (
    ReusedFigure,
    colour,
    cut_name,
    figure_to_html,
    make_picture,
    share_in_words,
    tile_pictures,
)

PAUSE = 0.4  # seconds from one drawing to the next, at least
SHARE = 0.1  # of the time that drawing may take
PATIENCE = 30.0  # seconds to wait for the batch, or the validation, that a stop comes into
PRESSES = ("Start", "Stop", "Start over")
MOST_KERNELS, MOST_MISTAKES = 64, 8  # that are shown
CURVES = ("batch_loss", "valid_loss", "train_accuracy", "valid_accuracy")
_OWN = ("model", "train", "valid", "epochs", "progress", "on_batch", "on_epoch", "checkpoint")
_SHARPNESS = 1.6  # readable at 200 %
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


class Mistake(NamedTuple):
    """A picture `(H, W, 3)` from 0 to 1, its class, the network's answer, and how sure it is."""

    picture: np.ndarray
    truth: str
    answer: str
    share: float

    def caption(self) -> str:
        """Write it below the picture."""
        truth, answer = (cut_name(name, _LETTERS) for name in (self.truth, self.answer))
        return f"{truth}, said\n{answer} {100 * self.share:.0f} %"


class Record:
    """What `fit` tells over one or several runs, and the words for it."""

    def __init__(self, model: nn.Module, names: Sequence[str], epochs: float) -> None:
        self.names = tuple(names)
        self.end = float(epochs)  # of the run, in epochs since the first one began
        self.mistakes: tuple[Mistake, ...] = ()  # the worst first
        convolutions = (m for m in model.named_modules() if isinstance(m[1], nn.Conv2d))
        self._name, self._layer = next(convolutions, ("", None))
        first = self.kernels()
        self._first = np.zeros(1) if first is None else first.astype(float)  # float32 may overflow
        self._curves: dict[str, list[tuple[float, float]]] = {name: [] for name in CURVES}

    def add(self, name: str, epoch: float, value: float) -> None:
        """Add a point to one of the four curves."""
        self._curves[name].append((epoch, float(value)))

    def curve(self, name: str) -> np.ndarray:
        """Copy a curve, `(T, 2)`: epochs done, and the value; the training may go on meanwhile."""
        return np.array(list(self._curves[name]), dtype=float).reshape(-1, 2)

    @property
    def done(self) -> float:
        """How many epochs of training there were."""
        points = self._curves["batch_loss"]
        return points[-1][0] if points else 0.0

    def kernels(self) -> np.ndarray | None:
        """Copy the first convolution's weights, `(K, C, height, width)`, if there is one."""
        if self._layer is None:
            return None
        return self._layer.weight.detach().float().cpu().numpy().copy()

    def set_mistakes(self, pictures: Tensor, result: Evaluation) -> None:
        """Note the pictures told wrong with the largest loss, or if there are none, of all."""
        numbers = result.mistakes() if len(result.mistakes()) else result.worst(MOST_MISTAKES)
        self.mistakes = tuple(
            Mistake(
                _to_picture(pictures[number]),
                self._name_of(result.labels[number]),
                self._name_of(result.predictions[number]),
                result.probabilities[number].max().nan_to_num(0.0).item(),
            )
            for number in numbers[:MOST_MISTAKES].tolist()
        )

    def _name_of(self, label: Tensor) -> str:
        return self.names[label] if label < len(self.names) else f"class {int(label)}"

    def title(self, kernels: np.ndarray | None) -> str:
        """Say how many kernels there are, and how far they moved."""
        if kernels is None:
            return "this network has no convolution"
        count = len(kernels)
        shown = f"{MOST_KERNELS} of {count}" if count > MOST_KERNELS else f"{count}"
        change = np.linalg.norm(kernels - self._first) / max(np.linalg.norm(self._first), 1e-12)
        moved = f"changed by {share_in_words(change, 1)}" if change else "at the start"
        moved = moved if np.isfinite(change) else "no longer numbers"
        return f"{shown} kernels of {self._name}, {moved}"

    def numbers(self) -> str:
        """Write the newest loss and accuracy, of training and of validation."""
        newest = {name: points[-1][1] for name, points in self._curves.items() if points}
        words = []
        if "batch_loss" in newest:
            words.append(f"loss {newest['batch_loss']:.2f} on the last batch")
        if "valid_loss" in newest:
            start = "" if words else "loss "
            words.append(f"{start}{newest['valid_loss']:.2f} on the validation pictures")
            words.append(f"accuracy {newest['valid_accuracy']:.2f} on these")
        return ", ".join(words)

    def describe(self, title: str) -> str:
        """Say all that a board shows: its alt text."""
        if not self.done:
            return (
                f"Training board before the start: {title}; empty curves of loss "
                "and accuracy above the level of guessing; no mistakes yet."
            )
        head = f"Training board after {round(self.done, 2):g} of {round(self.end, 2):g} epochs"
        worst = [f"{m.truth} said {m.answer} ({100 * m.share:.0f} %)" for m in self.mistakes[:3]]
        told = f"Worst {_kind(self.mistakes)}: {', '.join(worst)}." if worst else ""
        return f"{head}: {self.numbers()}. {title}. {told or 'No mistakes known.'}"


def _kind(mistakes: Sequence[Mistake]) -> str:
    return "mistakes" if all(each.truth != each.answer for each in mistakes) else "answers"


def _to_picture(picture: Tensor) -> np.ndarray:
    """Turn `(C, H, W)` into `(H, W, 3)` from 0 to 1; the first channel alone if not 3."""
    values = picture.detach().float().cpu()
    values = values if len(values) == 3 else values[:1].expand(3, -1, -1)
    if picture.dtype == torch.uint8:
        values = values / 255
    elif values.min() < 0 or values.max() > 1:
        values = (values - values.min()) / (values.max() - values.min()).clamp(min=1e-12)
    return values.permute(1, 2, 0).numpy()


def colour_kernels(weight: np.ndarray) -> np.ndarray:
    """Turn kernels into pictures around zero: three channels as red, green, blue, else the mean."""
    weight = np.where(np.isfinite(weight), weight, 0.0)
    if weight.shape[1] != 3:
        return colour(weight.mean(axis=1), signed=True)
    return np.moveaxis(0.5 + weight / (2 * (float(np.abs(weight).max()) or 1.0)), 1, -1)


def round_loss(*heights: float | np.ndarray) -> float:
    """Return the end of an axis that holds all losses that are finite: 1, 2, 5, 10, 20 and so on.

    Example:
        >>> round_loss(0.69, np.array([[1, 2.3], [2, np.nan]]))
        5.0
    """
    values = np.concatenate([np.atleast_2d(each)[:, -1] for each in heights])
    highest = float(np.max(values[np.isfinite(values)], initial=1e-9))
    power = 10.0 ** math.floor(math.log10(highest))
    return max(1.0, next(n * power for n in _ENDS if n * power >= highest))


class BoardFigure:
    """The curves, the first kernels and the worst mistakes, drawn again and again in place."""

    def __init__(self) -> None:
        self.figure = ReusedFigure(_BOXES, width=_WIDTH, height=_HEIGHT)
        self._loss, self._accuracy, lower = self.figure.axes
        loss = _draw_lines(self._loss, "loss", "training, each batch")
        accuracy = _draw_lines(self._accuracy, "accuracy", "training")
        self._lines, self._guesses = [*loss[:2], *accuracy[:2]], (loss[2], accuracy[2])
        plain_axes(lower)
        self._kernels, *self._pictures = (
            lower.imshow(np.ones((1, 1, 3)), interpolation="nearest", visible=False)
            for _ in range(1 + MOST_MISTAKES)
        )
        lower.set(xlim=(0, _WIDTH), ylim=(0, _LOWER), aspect="auto")  # counts in inches
        titles = [lower.text(left, _LOWER + 0.06, "", fontsize=10) for left in (0.08, 3.88)]
        captions = [
            lower.text(left, bottom - 0.03, "", fontsize=8, va="top")
            for left, bottom, *_ in _MISTAKES
        ]
        self.figure.moves(*self._lines, self._kernels, *self._pictures)
        self.figure.writes(*titles, *captions)

    def update(self, record: Record) -> LessonFigure:
        """Show what a record tells now, in the same figure each time."""
        curves, classes = {name: record.curve(name) for name in CURVES}, max(len(record.names), 1)
        for line, curve in zip(self._lines, curves.values(), strict=True):
            line.set_data(*curve.T)
        for line, height in zip(self._guesses, (math.log(classes), 1 / classes), strict=True):
            line.set_ydata([height, height])
        top = round_loss(math.log(max(classes, 2)), curves["batch_loss"], curves["valid_loss"])
        self._loss.set(ylim=(0, top), xlim=(0, record.end))
        self._accuracy.set_xlim(0, record.end)
        self.figure.state = (top, record.end, classes)  # only then the rest is drawn anew
        kernels, tiles = record.kernels(), None
        if kernels is not None:
            pictures = colour_kernels(kernels[:MOST_KERNELS])
            tiles = tile_pictures(pictures, columns=8 if len(pictures) > 8 else 4)
        _set_picture(self._kernels, _KERNELS, tiles)
        title, shown = record.title(kernels), record.mistakes
        said = [title, f"worst {_kind(shown)}" if shown else "worst mistakes: none known yet"]
        for image, place, mistake in zip_longest(self._pictures, _MISTAKES, shown):
            _set_picture(image, place, mistake.picture if mistake else None)
            said.append(mistake.caption() if mistake else "")
        return self.figure.say(said, record.describe(title))


def _draw_lines(axes: Axes, title: str, train: str) -> list[Line2D]:
    """Draw two empty lines, unlike in width and marker too, the level of guessing, and a legend."""
    second = {"color": VERMILION, "lw": 1.6, "ms": 5, "label": "validation", "clip_on": False}
    axes.plot([], [], color=BLUE, lw=1.2, label=train)
    axes.plot([], [], "s--", **second)
    (guess,) = axes.plot([0, 1], [0, 0], ":", color=BLACK, lw=1, label="guessing")
    guess.set_transform(axes.get_yaxis_transform())
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=3, fontsize=8, frameon=False,
        handlelength=2.2, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip
    axes.set_title(title, fontsize=10, loc="left", y=1.14)
    axes.set_xlabel("epochs", fontsize=9, labelpad=1)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return list(axes.lines)


def _set_picture(
    image: AxesImage, place: tuple[float, float, float, float], picture: np.ndarray | None
) -> None:
    """Show a picture of any size, `(H, W, 3)`, at the upper left of its place, or none."""
    image.set_visible(picture is not None)
    if picture is None:
        return
    left, bottom, width, height = place
    scale = min(width / picture.shape[1], height / picture.shape[0])
    top = bottom + height
    image.set_data(picture)
    image.set_extent((left, left + scale * picture.shape[1], top - scale * picture.shape[0], top))


class BoardControls(anywidget.AnyWidget):
    """Three buttons, a bar and a sentence: Python sets their state, and the page presses."""

    _esm = read_static("parts.js", "board.js")
    _css = read_static("parts.css", "board.css")
    running = Bool(False).tag(sync=True)  # *Stop* is enabled, *Start* is not
    stopping = Bool(False).tag(sync=True)  # *Stop* has nothing more to do
    begun = Bool(False).tag(sync=True)  # *Start* is called *Continue*, *Start over* is enabled
    failed = Bool(False).tag(sync=True)  # the sentence says what went wrong
    share = Float(0.0).tag(sync=True)  # of the training that is done
    sentence = Unicode().tag(sync=True)  # screen readers say it when it changes


class TrainingBoard(WithFallback, ipywidgets.VBox):
    """The widget that `training_board` returns.

    A thread of its own trains, so that the kernel stays free, and draws between two batches, seldom
    enough that no drawings pile up. Closing the board, or running its cell again, ends it.

    Attributes:
        model: The network; it keeps what it has learnt however the training ends.
        history: All epochs since the first start, or the last *Start over*; None before one ended.
        error: The exception that ended the last training, or None.
        drawings: How often the picture was drawn.
    """

    def __init__(
        self,
        model: nn.Module,
        data: tuple[Data, Data],
        epochs: int,
        names: Sequence[str],
        options: dict[str, Any],
    ) -> None:
        self.model, self.epochs = model, epochs
        self._data, self._names, self._options = data, names, options
        self._before = copy.deepcopy(model.state_dict())
        self._verbs = threading.RLock()  # start, start over and close wait for one another
        self._telling = threading.RLock()  # what is told belongs to what is true meanwhile
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._running = False
        self.drawings, self._next = 0, 0.0
        self._figure = BoardFigure()
        self.controls = BoardControls()
        self.controls.on_msg(self._hear)
        self.picture = make_picture()
        super().__init__([self.controls, self.picture, Guard()])
        self._forget()
        self._say(f"Start trains for {count(epochs)}; Stop keeps what is learnt until then.")
        self.redraw()

    def _forget(self) -> None:
        self.history: History | None = None
        self.error: Exception | None = None
        self.record = Record(self.model, self._names, self.epochs)

    def start(self) -> None:
        """Train in the background, from the weights that the network has now, unless one runs."""
        with self._verbs:
            if self._running:
                return
            self._stopping.clear()
            self._running, self.error = True, None
            self.record.end = self.record.done + self.epochs
            self._say("Training: the network is tried before its first step.", running=True)
            self._thread = threading.Thread(target=self._train, name="training board", daemon=True)
            atexit.register(self._end)
            self._thread.start()

    def stop(self) -> None:
        """Ask the training to stop after the batch that it is in; the network keeps its weights."""
        with self._telling:
            if self._running and not self._stopping.is_set():
                self._stopping.set()
                self._say("Stopping after this batch.", stopping=True)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no training runs, at most so many seconds; return whether none does."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def start_over(self) -> None:
        """Stop, and put back the weights that the network had when the board was made."""
        with self._verbs:
            self.stop()
            self.wait(PATIENCE)
            self.model.load_state_dict(self._before)
            self._forget()
            self._say(f"Back at the start: Start trains for {count(self.epochs)}.", begun=False)
            self.redraw()

    def close(self) -> None:
        """Stop the training, wait for its end, and close the widget on both sides."""
        self._end()
        super().close()

    def redraw(self) -> None:
        """Show the present state; while a training runs, its thread does that."""
        begin = time.monotonic()
        self.picture.value = figure_to_html(self._figure.update(self.record), _SHARPNESS)
        self.controls.share = min(1.0, self.record.done / self.record.end)
        self.drawings += 1
        end = time.monotonic()
        self._next = max(begin + PAUSE, end + (end - begin) / SHARE)

    def still(self) -> LessonFigure:
        """Draw the present state for where no kernel runs."""
        return BoardFigure().update(self.record)

    def _hear(self, _: object, content: dict, __: object) -> None:
        verbs = dict(zip(PRESSES, (self.start, self.stop, self.start_over), strict=True))
        verbs.get(content.get("press", ""), lambda: None)()

    def _say(self, sentence: str, **traits: bool) -> None:
        """Show a sentence, with the state of the buttons that goes with it, at once."""
        with self.controls.hold_sync():
            changes = {"failed": False, "stopping": False, "sentence": sentence} | traits
            for name, value in changes.items():
                setattr(self.controls, name, value)

    def _end(self) -> None:
        with self._verbs:
            self._stopping.set()
            self.wait(PATIENCE)
            atexit.unregister(self._end)

    # --- in the training's thread ---

    def _train(self) -> None:
        begin, before = self.record.done, self.history
        try:
            if not begin:
                self._try_out(0.0)
            history = fit(self.model, *self._data, self.epochs, **self._settings(begin, before))
            self.history = join_histories(before, history)
            said = self._describe_end()
        except Exception as error:  # whatever it is, the learner must see it
            self.error = error
            said = f"The training failed. {type(error).__name__}: {error}"
        self.redraw()
        with self._telling:
            self._running = False
            self._say(said, running=False, begun=True, failed=self.error is not None)

    def _settings(self, begin: float, before: History | None) -> dict[str, Any]:
        """The arguments of `fit`; every start shuffles the pictures in another order."""

        def after_batch(state: Training) -> bool:
            self.record.add("batch_loss", begin + state.step / state.batches, state.loss)
            if time.monotonic() >= self._next:
                self.redraw()
            return self._stopping.is_set()

        def after_epoch(state: Training) -> bool:
            self.history = join_histories(before, state.history)
            accuracy = state.history.train_accuracy[-1]
            self.record.add("train_accuracy", begin + state.epoch, accuracy)
            self._try_out(begin + state.epoch)
            return self._stopping.is_set()

        seed = self._options.get("seed", 0) + math.ceil(begin)
        told = {"on_batch": after_batch, "on_epoch": after_epoch}
        return self._options | told | {"progress": False, "seed": seed}

    def _try_out(self, epoch: float) -> None:
        result = evaluate(self.model, self._data[1])
        self.record.add("valid_accuracy", epoch, result.accuracy)
        self.record.add("valid_loss", epoch, result.loss)
        self.record.set_mistakes(self._data[1][0], result)
        with self._telling:
            if not self._stopping.is_set():
                self._say(f"Training, {self._so_far()} done: {self.record.numbers()}.")

    def _so_far(self) -> str:
        return f"{round(self.record.done, 2):g} of {count(self.record.end)}"

    def _describe_end(self) -> str:
        is_whole = self.record.done >= self.record.end - 1e-9
        head = f"Done, {count(self.record.end)}" if is_whole else f"Stopped after {self._so_far()}"
        return (
            f"{head}: {self.record.numbers()}. The network keeps what it has learnt; Continue "
            f"trains it for {count(self.epochs)} more, Start over takes the first weights back."
        )


def join_histories(first: History | None, more: History) -> History:
    """Put two histories one after the other; what is no list comes from the second."""
    joined = {each.name: getattr(more, each.name) for each in fields(more)}
    for name, value in joined.items():
        if first is not None and isinstance(value, list):
            joined[name] = [*getattr(first, name), *value]
    return History(**joined)


def count(epochs: float) -> str:
    """Write a number of epochs with its unit."""
    return "1 epoch" if epochs == 1 else f"{round(epochs, 2):g} epochs"


def training_board(
    model: nn.Module,
    train: Data,
    valid: Data,
    epochs: int = 10,
    *,
    class_names: Sequence[str] | None = None,
    **options: Any,  # noqa: ANN401 - those of fit
) -> TrainingBoard:
    """Train with a button, and watch curves, kernels and mistakes while it goes.

    *Start* trains in the background with `training.fit`; *Stop* ends it after the present batch,
    and the network keeps its weights. *Continue* trains on from these, for as many epochs again,
    with a fresh optimiser; *Start over* takes the first weights back. While a training runs,
    PyTorch's random numbers in other cells depend on it.

    Args:
        model: Gives `(N, classes)` scores for `(N, C, H, W)` pictures; it is changed.
        train: Pictures `(N, C, H, W)`, uint8 or float, and labels `(N,)` int64; class names may
            follow.
        valid: The same, to look at after each epoch; its worst mistakes are shown.
        epochs: For how many epochs a start trains.
        class_names: One for each class; None takes those of the data, or numbers.
        **options: Other arguments of `fit`, such as `learning_rate=1e-3`.

    Returns:
        The widget, with `start()`, `stop()`, `wait()`, `model` and `history`.

    Raises:
        TypeError: An argument is of another type, or `fit` has none of that name.
        ValueError: The data have other shapes, or `epochs` is below 1.

    Example:
        >>> import torch
        >>> from cnn_basics.model import Custom_CNN
        >>> data = (torch.rand(8, 3, 28, 28), torch.arange(8) % 2)
        >>> board = training_board(Custom_CNN(), data, data, epochs=2)
        >>> board.start(), board.wait(), board.history
        (None, True, <History: 2 epochs>)
    """
    fix = "give a model"
    kind = type(model).__name__
    expect(isinstance(model, nn.Module), "a network (nn.Module)", kind, fix, TypeError)
    epochs = whole(epochs, "epochs", 1, "try 10")
    known = [name for name in inspect.signature(fit).parameters if name not in _OWN]
    unknown = [name for name in options if name not in known]
    what = f"options of fit ({', '.join(known)})"
    expect(not unknown, what, ", ".join(unknown), "leave it out", TypeError)
    labels = torch.cat([check_data(train, "train")[1], check_data(valid, "valid")[1]])
    train, valid = tuple(train), tuple(valid)  # `Photos` are one of these, too
    given = [data[2] for data in (valid, train) if len(data) == 3]
    names = class_names or (given[0] if given else range(int(labels.max()) + 1))
    return TrainingBoard(model, (train, valid), epochs, [str(name) for name in names], options)
