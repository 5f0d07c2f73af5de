"""A training to watch while it goes, with a button that stops it and keeps the network."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from typing import Any

import ipywidgets
import torch
from torch import nn

from cnn_basics.expect import whole
from cnn_basics.figures import LessonFigure
from cnn_basics.training import Data, History, check_data, fit
from cnn_basics.widgets.board_controls import BoardControls
from cnn_basics.widgets.board_figure import BoardFigure
from cnn_basics.widgets.board_record import describe_board
from cnn_basics.widgets.board_training import BackgroundTraining, count
from cnn_basics.widgets.parts import Guard, WithFallback
from cnn_basics.widgets.redrawn import figure_to_html

PAUSE = 0.4  # seconds from one drawing to the next, at least
SHARE = 0.1  # of the time that drawing may take
_SHARPNESS = 1.6  # readable at 200 %
_OWN = ("model", "train", "valid", "epochs", "progress", "on_batch", "on_epoch", "checkpoint")


class TrainingBoard(WithFallback, ipywidgets.VBox):
    """The widget that `training_board` returns.

    The training runs in a thread of its own, so that the kernel stays free: other cells run, and
    *Stop* is heard in every front end. That thread also draws, between two batches, never more
    often than every 0.4 seconds nor for more than a tenth of the time, so that no drawings pile
    up; the last state is always drawn. Closing the board, or running its cell again, ends the
    training and the thread.

    Attributes:
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
        self.drawings, self._next = 0, 0.0
        self._figure = BoardFigure()
        self.controls = BoardControls(self._press)
        self.picture = ipywidgets.HTML()
        self.picture.add_class("cnn-basics-picture")
        self._training = BackgroundTraining(
            model, data, epochs, names, options, self._say, self._look
        )
        super().__init__([self.controls, self.picture, Guard()])
        self._say(f"Start trains for {count(epochs)}; Stop keeps what is learnt until then.")
        self._look(True)

    @property
    def model(self) -> nn.Module:
        """The network; it keeps what it has learnt however the training ends."""
        return self._training.model

    @property
    def history(self) -> History | None:
        """All epochs since the first start, or the last *Start over*; None before one ended."""
        return self._training.history

    @property
    def error(self) -> Exception | None:
        """The exception that ended the last training, or None."""
        return self._training.error

    def start(self) -> None:
        """Train in the background, from the weights that the network has now.

        A second start goes on from there for as many epochs again, with a fresh optimiser. Nothing
        happens while a training runs.
        """
        self._training.start()

    def stop(self) -> None:
        """Ask the training to stop after the batch that it is in; the network keeps its weights."""
        self._training.stop()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no training runs.

        Args:
            seconds: At most so long; None waits as long as it takes.

        Returns:
            Whether none runs any more.
        """
        return self._training.wait(seconds)

    def start_over(self) -> None:
        """Stop, and put back the weights that the network had when the board was made."""
        self._training.start_over()

    def redraw(self) -> None:
        """Show the present state; while a training runs, its thread does that."""
        record = self._training.record
        state = record.state()
        figure = self._figure.update(state, describe_board(record, state))
        self.picture.value = figure_to_html(figure, _SHARPNESS)
        self.controls.share = min(1.0, record.done / record.end)
        self.drawings += 1

    def close(self) -> None:
        """Stop the training, wait for its end, and close the widget on both sides."""
        self._training.end()
        super().close()

    def still(self) -> LessonFigure:
        """Draw the present state for where no kernel runs."""
        state = self._training.record.state()
        return BoardFigure().update(state, describe_board(self._training.record, state))

    def _press(self, name: str) -> None:
        {"Start": self.start, "Stop": self.stop, "Start over": self.start_over}[name]()

    def _look(self, must: bool) -> None:
        """Show the present state, unless that was done a moment ago and need not be."""
        begin = time.monotonic()
        if must or begin >= self._next:
            self.redraw()
            end = time.monotonic()
            self._next = max(begin + PAUSE, end + (end - begin) / SHARE)

    def _say(self, sentence: str, **traits: bool) -> None:
        """Show a sentence, with the state of the buttons that goes with it, at once."""
        with self.controls.hold_sync():
            changes = {"failed": False, "stopping": False, "sentence": sentence} | traits
            for name, value in changes.items():
                setattr(self.controls, name, value)


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
    if not isinstance(model, nn.Module):
        raise TypeError(f"expected a network (nn.Module), got {type(model).__name__}: give a model")
    epochs = whole(epochs, "epochs", 1, "try 10")
    _check_options(options)
    labels = torch.cat([check_data(train, "train")[1], check_data(valid, "valid")[1]])
    train, valid = tuple(train), tuple(valid)  # `Photos` are one of these, too
    given = [data[2] for data in (valid, train) if len(data) == 3]
    names = class_names or (given[0] if given else range(int(labels.max()) + 1))
    return TrainingBoard(model, (train, valid), epochs, [str(name) for name in names], options)


def _check_options(options: dict[str, Any]) -> None:
    """Refuse what `fit` does not know, or what the board says itself."""
    known = [name for name in inspect.signature(fit).parameters if name not in _OWN]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise TypeError(
            f"expected options of fit ({', '.join(known)}), got {', '.join(unknown)}: leave it out"
        )
