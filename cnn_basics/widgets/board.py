"""A training to watch while it goes, with a button that stops it and keeps the network."""

from __future__ import annotations

import copy
import inspect
import math
import threading
import time
from collections.abc import Sequence
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch import Tensor, nn
from traitlets import Bool, Float, Unicode

from cnn_basics.expect import expect, whole
from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure
from cnn_basics.training import Data, Evaluation, History, Training, check_data, evaluate, fit
from cnn_basics.widgets.parts import Guard, WithFallback, read_static
from cnn_basics.widgets.redrawn import (
    Picture,
    ReusedFigure,
    colour,
    cut_name,
    share_in_words,
    tile_pictures,
    to_pixels,
)

PAUSE = 0.4  # seconds from one drawing to the next, at least
SHARE = 0.1  # of the time that drawing may take
PATIENCE = 30.0  # seconds that closing waits for the batch, or the validation, that it comes into
MOST_KERNELS, MOST_MISTAKES = 64, 8  # that are shown
NUMBERS = {
    "batch_loss": "{:.2f} on the last batch",
    "valid_loss": "{:.2f} on the validation pictures",
    "valid_accuracy": "accuracy {:.2f} on these",
}
CURVES = ("batch_loss", "valid_loss", "train_accuracy", "valid_accuracy")
_OWN = ("model", "train", "valid", "epochs", "progress", "on_batch", "on_epoch", "checkpoint")
_SHARPNESS = 1.6  # readable at 200 %
_LETTERS = 8  # of a class's name below a picture
_BOXES = [(0.06, 0.605, 0.41, 0.285), (0.56, 0.605, 0.41, 0.285)]  # of the curves
_MISTAKES = [(3.88 + 0.927 * column, bottom) for bottom in (1.416, 0.384) for column in range(4)]
_PLACES = [(0.08, 0.1, 3.5, 2.0), *((*corner, 0.684, 0.684) for corner in _MISTAKES)]  # kernels 1st


class Record:
    """What `fit` tells over one or several runs, and the words for it."""

    def __init__(self, model: nn.Module, names: Sequence[str], epochs: float) -> None:
        self.names = list(names)
        self.end = float(epochs)  # of the run, in epochs since the first one began
        # By name, for each point the epochs that were done and the value.
        self.curves: dict[str, list[tuple[float, float]]] = {name: [] for name in CURVES}
        # The worst first: picture `(H, W, 3)`, its class, the network's answer, how sure it is.
        self.mistakes: list[tuple[np.ndarray, str, str, float]] = []
        self.kind = "mistakes"  # or "answers", where all are right
        convolutions = (m for m in model.named_modules() if isinstance(m[1], nn.Conv2d))
        self._name, self._layer = next(convolutions, ("", None))
        self._first = self.kernels().astype(float)  # float32 may overflow

    @property
    def done(self) -> float:
        """How many epochs of training there were."""
        return self.curves["batch_loss"][-1][0] if self.curves["batch_loss"] else 0.0

    def kernels(self) -> np.ndarray:
        """Copy the first convolution's weights, `(K, C, height, width)`; K is 0 without one."""
        weight = torch.zeros(0, 1, 1, 1) if self._layer is None else self._layer.weight
        return weight.detach().float().cpu().numpy().copy()

    def note(self, epoch: float, pictures: Tensor, result: Evaluation) -> None:
        """Note how validation went, and the pictures told worst: wrong, or if none is, of all."""
        self.curves["valid_accuracy"].append((epoch, result.accuracy))
        self.curves["valid_loss"].append((epoch, result.loss))
        names, wrong = dict(enumerate(self.names)), result.mistakes()
        mistakes = []
        for number in (wrong if len(wrong) else result.worst())[:MOST_MISTAKES].tolist():
            both = int(result.labels[number]), int(result.predictions[number])
            truth, answer = (names.get(label, f"class {label}") for label in both)
            share = result.probabilities[number].max().nan_to_num(0.0).item()
            mistakes.append((to_pixels(pictures[number]), truth, answer, share))
        self.kind, self.mistakes = "mistakes" if len(wrong) else "answers", mistakes

    def title(self, kernels: np.ndarray) -> str:
        """Say how many kernels there are, and how far they moved."""
        if not len(kernels):
            return "this network has no convolution"
        shown = f"{MOST_KERNELS} of " if len(kernels) > MOST_KERNELS else ""
        change = np.linalg.norm(kernels - self._first) / max(np.linalg.norm(self._first), 1e-12)
        moved = f"changed by {share_in_words(change, 1)}" if change else "at the start"
        moved = moved if np.isfinite(change) else "no longer numbers"
        return f"{shown}{len(kernels)} kernels of {self._name}, {moved}"

    def numbers(self) -> str:
        """Write the newest loss and accuracy, of training and of validation."""
        newest = {name: points[-1][1] for name, points in self.curves.items() if points}
        words = [text.format(newest[name]) for name, text in NUMBERS.items() if name in newest]
        return f"loss {', '.join(words)}"

    def so_far(self) -> str:
        """Say how much of the run is done."""
        return f"{round(self.done, 2):g} of {count(self.end)}"

    def describe(self, title: str) -> str:
        """Say all that a board shows: its alt text."""
        if not self.done:
            return (
                f"Training board before the start: {title}; empty curves of loss "
                "and accuracy above the level of guessing; no mistakes yet."
            )
        worst = [f"{t} said {a} ({100 * share:.0f} %)" for _, t, a, share in self.mistakes[:3]]
        told = f"Worst {self.kind}: {', '.join(worst)}." if worst else "No mistakes known."
        return f"Training board after {self.so_far()}: {self.numbers()}. {title}. {told}"


def colour_kernels(weight: np.ndarray) -> np.ndarray:
    """Turn kernels into pictures around zero: three channels as red, green, blue, else the mean."""
    weight = np.where(np.isfinite(weight), weight, 0.0)
    if weight.shape[1] != 3:
        return colour(weight.mean(axis=1), signed=True)
    return np.moveaxis(0.5 + weight / (2 * (float(np.abs(weight).max()) or 1.0)), 1, -1)


def round_loss(*heights: float) -> float:
    """Return the end of an axis that holds all losses that are finite: 1, 2, 4, 8 and so on."""
    return 2.0 ** math.ceil(math.log2(max([1.0, *filter(math.isfinite, heights)])))


class BoardFigure:
    """The curves, the first kernels and the worst mistakes, drawn again and again in place."""

    def __init__(self) -> None:
        self.figure = ReusedFigure(_BOXES, width=7.6, height=4.8, places=_PLACES)
        loss, accuracy, page = self.figure.axes
        _draw_lines(loss, "loss", "training, each batch")
        _draw_lines(accuracy, "accuracy", "training")
        for left in (0.08, 3.88):
            page.text(left, 2.16, "", fontsize=10)
        for left, bottom in _MISTAKES:
            page.text(left, bottom - 0.03, "", fontsize=8, va="top")
        self.figure.moves(*loss.lines[:2], *accuracy.lines[:2])
        self.figure.writes(*page.texts)

    def update(self, record: Record) -> LessonFigure:
        """Show what a record tells now, in the same figure each time."""
        loss, accuracy, page = self.figure.axes
        curves = [np.array(list(record.curves[name])).reshape(-1, 2) for name in CURVES]  # copies
        for line, curve in zip([*loss.lines[:2], *accuracy.lines[:2]], curves, strict=True):
            line.set_data(*curve.T)
        classes = max(len(record.names), 1)
        for axes, guess in ((loss, math.log(classes)), (accuracy, 1 / classes)):
            axes.lines[2].set_ydata([guess, guess])
            axes.set_xlim(0, record.end)
        top = round_loss(math.log(max(classes, 2)), *curves[0][:, 1], *curves[1][:, 1])
        loss.set_ylim(0, top)
        self.figure.state = (top, record.end, classes)  # only then the rest is drawn anew
        kernels, sheet = record.kernels(), None
        if len(kernels):
            columns = 8 if len(kernels) > 8 else 4
            sheet = tile_pictures(colour_kernels(kernels[:MOST_KERNELS]), columns)
        self.figure.show_pictures([sheet, *(picture for picture, *_ in record.mistakes)])
        title, known = record.title(kernels), record.mistakes
        said = [title, f"worst {record.kind}" if known else "worst mistakes: none known yet"]
        for _, *names, share in known:
            truth, answer = (cut_name(name, _LETTERS) for name in names)
            said.append(f"{truth}, said\n{answer} {100 * share:.0f} %")
        said += [""] * (len(page.texts) - len(said))
        return self.figure.say(said, record.describe(title))


def _draw_lines(axes: Axes, title: str, train: str) -> None:
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

    def say(self, sentence: str, **traits: bool) -> None:
        """Show a sentence, with the state of the buttons that goes with it, at once."""
        with self.hold_sync():
            for name, value in ({"failed": False, "stopping": False} | traits).items():
                setattr(self, name, value)
            self.sentence = sentence


class TrainingBoard(WithFallback, ipywidgets.VBox):
    """The widget that `training_board` returns; a thread of its own trains, until it is closed."""

    def __init__(
        self, model: nn.Module, data: list[tuple], epochs: int, names: list[str], options: dict
    ) -> None:
        self.model, self.epochs = model, epochs
        self._data, self._names, self._options = data, names, options
        self._before = copy.deepcopy(model.state_dict())
        self._verbs = threading.RLock()  # start, start over and close wait for one another
        self._telling = threading.RLock()  # what is told belongs to what is true meanwhile
        self._thread = threading.Thread()  # none yet
        self.drawings, self._next = 0, 0.0
        self._figure = BoardFigure()
        self.controls = BoardControls()
        self.controls.on_msg(self._hear)
        self.picture = Picture()
        super().__init__([self.controls, self.picture, Guard()])
        keep = "Stop keeps what is learnt until then."
        self._forget(f"Start trains for {count(epochs)}; {keep}")

    def _forget(self, sentence: str) -> None:
        self.error: BaseException | None = None
        self._runs: dict[float, History] = {}  # by the epochs that were done before
        self.record = Record(self.model, self._names, self.epochs)
        self.controls.say(sentence, begun=False)
        self.redraw()

    @property
    def history(self) -> History | None:
        """All epochs since the first start, or the last *Start over*; None before a start."""
        joined = History()
        for run in list(self._runs.values()):
            for name, told in vars(run).items():
                both = getattr(joined, name) + told if isinstance(told, list) else told
                setattr(joined, name, both)
        return joined if self._runs else None

    def start(self) -> None:
        """Train in the background, from the weights that the network has now, unless one runs."""
        with self._verbs:
            if self.controls.running:
                return
            self.wait()
            self.error = None
            self.record.end = self.record.done + self.epochs
            said = "Training: the network is tried before its first step."
            self.controls.say(said, running=True)
            self._thread = threading.Thread(target=self._train, name="training board")
            self._thread.start()

    def stop(self) -> None:
        """Ask the training to stop after the batch that it is in; the network keeps its weights."""
        with self._telling:
            if self.controls.running and not self.controls.stopping:
                self.controls.say("Stopping after this batch.", stopping=True)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no training runs, at most so many seconds; return whether none does."""
        thread = self._thread
        if thread.is_alive() and thread is not threading.current_thread():
            thread.join(seconds)
        return not thread.is_alive()

    def start_over(self) -> None:
        """Stop, and put back the weights that the network had when the board was made."""
        with self._verbs:
            self.stop()
            self.wait()
            self.model.load_state_dict(self._before)
            self._forget(f"Back at the start: Start trains for {count(self.epochs)}.")

    def close(self) -> None:
        """Stop the training, wait for its end, and close the widget on both sides."""
        with self._verbs:
            with self._telling:
                self.controls.stopping = True
            self.wait(PATIENCE)
        super().close()

    def redraw(self) -> None:
        """Show the present state; while a training runs, its thread does that."""
        begin = time.monotonic()
        self.picture.show(self._figure.update(self.record), _SHARPNESS)
        self.controls.share = min(1.0, self.record.done / self.record.end)
        self.drawings += 1
        end = time.monotonic()
        self._next = max(begin + PAUSE, end + (end - begin) / SHARE)

    def still(self) -> LessonFigure:
        """Draw the present state for where no kernel runs."""
        return BoardFigure().update(self.record)

    def _hear(self, _: object, content: dict, __: object) -> None:
        verbs = {"Start": self.start, "Stop": self.stop, "Start over": self.start_over}
        if content.get("press") in verbs:
            try:
                verbs[content["press"]]()
            except Exception as error:  # the kernel would only log it
                self.controls.say(
                    f"{content['press']} failed. {type(error).__name__}: {error}", failed=True
                )

    # --- in the training's thread ---

    def _train(self) -> None:
        begin, record = self.record.done, self.record

        def after_batch(state: Training) -> bool:
            self._runs[begin] = state.history
            record.curves["batch_loss"].append((begin + state.step / state.batches, state.loss))
            if time.monotonic() >= self._next:
                self.redraw()
            return self.controls.stopping or not threading.main_thread().is_alive()  # Python ends

        def after_epoch(state: Training) -> bool:
            told = (begin + state.epoch, state.history.train_accuracy[-1])
            record.curves["train_accuracy"].append(told)
            self._try_out(begin + state.epoch)
            return self.controls.stopping

        told = {"progress": False, "on_batch": after_batch, "on_epoch": after_epoch}
        try:
            seed = self._options.get("seed", 0) + math.ceil(begin)  # pictures in another order
            if not begin:
                self._try_out(0.0)
            fit(self.model, *self._data, self.epochs, **self._options | told | {"seed": seed})
            is_whole = record.done >= record.end - 1e-9
            head = f"Done, {count(record.end)}" if is_whole else f"Stopped after {record.so_far()}"
            said = (
                f"{head}: {record.numbers()}. The network keeps what it has learnt; Continue "
                f"trains it for {count(self.epochs)} more, Start over takes the first weights back."
            )
        except BaseException as error:  # whatever it is, the learner must see it
            self.error, said = error, f"The training failed. {type(error).__name__}: {error}"
        try:
            self.redraw()
        finally:
            with self._telling:
                failed = self.error is not None
                self.controls.say(said, running=False, begun=True, failed=failed)

    def _try_out(self, epoch: float) -> None:
        self.record.note(epoch, self._data[1][0], evaluate(self.model, self._data[1]))
        with self._telling:
            if not self.controls.stopping:
                so_far, numbers = self.record.so_far(), self.record.numbers()
                self.controls.say(f"Training, {so_far} done: {numbers}.")


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
        train: Pictures `(N, C, H, W)`, uint8 or float, labels `(N,)` int64, perhaps class names.
        valid: The same, to look at after each epoch; its worst mistakes are shown.
        epochs: For how many epochs a start trains.
        class_names: One for each class; None takes those of the data, or numbers.
        **options: Other arguments of `fit`, such as `learning_rate=1e-3`.

    Returns:
        The widget, with `start()`, `stop()`, `wait()`, `model` and `history`.

    Raises:
        TypeError, ValueError: An argument does not fit, or `fit` has none of that name.

    Example:
        >>> import torch
        >>> from cnn_basics.model import Custom_CNN
        >>> data = (torch.rand(8, 3, 28, 28), torch.arange(8) % 2)
        >>> board = training_board(Custom_CNN(), data, data, epochs=2)
        >>> board.start(), board.wait(), board.history
        (None, True, <History: 2 epochs>)
    """
    got, fix = type(model).__name__, "give a model"
    expect(isinstance(model, nn.Module), "a network (nn.Module)", got, fix, TypeError)
    epochs = whole(epochs, "epochs", 1, "try 10")
    known = [name for name in inspect.signature(fit).parameters if name not in _OWN]
    unknown = [name for name in options if name not in known]
    what = f"options of fit ({', '.join(known)})"
    expect(not unknown, what, ", ".join(unknown), "leave it out", TypeError)
    labels = torch.cat([check_data(train, "train")[1], check_data(valid, "valid")[1]])
    data = [tuple(train), tuple(valid)]  # `Photos` are one of these, too
    given = [each[2] for each in reversed(data) if len(each) == 3]
    names = class_names or (given[0] if given else range(int(labels.max()) + 1))
    return TrainingBoard(model, data, epochs, [str(name) for name in names], options)
