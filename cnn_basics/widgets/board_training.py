"""A training that runs in a thread of its own, and tells how it goes."""

from __future__ import annotations

import atexit
import copy
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from torch import nn

from cnn_basics.training import Data, History, State, evaluate, fit
from cnn_basics.widgets.board_record import Record, describe_numbers

_PATIENCE = 30.0  # seconds to wait for the batch, or the validation, that a stop comes into


class BackgroundTraining:
    """Starts, stops and continues a training, and keeps what came out of it.

    Args:
        model: The network that is trained.
        data: The training pictures and the validation pictures, each with their labels.
        epochs: For how many epochs a start trains.
        names: The classes.
        options: Other arguments of `fit`.
        tell: Called with a sentence, and with `running`, `stopping`, `begun` or `failed`
            where they change.
        look: Called, in the training's thread, after each batch (with False), and when there is
            something that must be seen (with True).

    Attributes:
        history: All epochs since the first start, or the last `start_over`; None before.
        error: The exception that ended the last training, or None.
        record: What a board draws.
    """

    def __init__(
        self,
        model: nn.Module,
        data: tuple[Data, Data],
        epochs: int,
        names: Sequence[str],
        options: dict[str, Any],
        tell: Callable[..., None],
        look: Callable[[bool], None],
    ) -> None:
        self.model, self.epochs = model, epochs
        self._data, self._names, self._options = data, names, options
        self._tell, self._look = tell, look
        self._before = copy.deepcopy(model.state_dict())
        self._verbs = threading.RLock()  # start, start over and end wait for one another
        self._telling = threading.RLock()  # what is told belongs to what is true meanwhile
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.running = False
        self._forget()

    def _forget(self) -> None:
        self.history: History | None = None
        self.error: Exception | None = None
        self.record = Record(self.model, self._names, self.epochs)

    def start(self) -> None:
        """Train in the background, unless a training runs."""
        with self._verbs:
            if self.running:
                return
            self._stopping.clear()
            self.running, self.error = True, None
            self.record.end = self.record.done + self.epochs
            self._tell("Training: the network is tried before its first step.", running=True)
            self._thread = threading.Thread(target=self._run, name="training board", daemon=True)
            atexit.register(self.end)
            self._thread.start()

    def stop(self) -> None:
        """Ask the training to stop after the batch that it is in."""
        with self._telling:
            if self.running and not self._stopping.is_set():
                self._stopping.set()
                self._tell("Stopping after this batch.", stopping=True)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no training runs, at most so long; return whether none does."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def start_over(self) -> None:
        """Stop, and put back the first weights."""
        with self._verbs:
            self.stop()
            self.wait(_PATIENCE)
            self.model.load_state_dict(self._before)
            self._forget()
            self._tell(f"Back at the start: Start trains for {count(self.epochs)}.", begun=False)
            self._look(True)

    def end(self) -> None:
        """Stop for good, and wait until the thread is gone."""
        with self._verbs:
            self._stopping.set()
            self.wait(_PATIENCE)
            atexit.unregister(self.end)

    # --- in the thread ---

    def _run(self) -> None:
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
        self._look(True)
        with self._telling:
            self.running = False
            self._tell(said, running=False, begun=True, failed=self.error is not None)

    def _settings(self, begin: float, before: History | None) -> dict[str, Any]:
        """The arguments of `fit`; every start shuffles the pictures in another order."""

        def after_batch(state: State) -> bool:
            self.record.add("batch_loss", begin + state.step / state.batches, state.loss)
            self._look(False)
            return self._stopping.is_set()

        def after_epoch(state: State) -> bool:
            self.history = join_histories(before, state.history)
            accuracy = state.history.train_accuracy[-1]
            self.record.add("train_accuracy", begin + state.epoch, accuracy)
            self._try_out(begin + state.epoch)
            return self._stopping.is_set()

        seed = self._options.get("seed", 0) + math.ceil(begin)
        own = {"progress": False, "on_batch": after_batch, "on_epoch": after_epoch, "seed": seed}
        return self._options | own

    def _try_out(self, epoch: float) -> None:
        """See how the network does on the validation pictures, and tell."""
        result = evaluate(self.model, self._data[1])
        self.record.add("valid_loss", epoch, result.loss)
        self.record.add("valid_accuracy", epoch, result.accuracy)
        self.record.set_mistakes(self._data[1][0], result)
        with self._telling:
            if not self._stopping.is_set():
                self._tell(f"Training, {self._so_far()} done: {describe_numbers(self.record)}.")

    def _so_far(self) -> str:
        return f"{round(self.record.done, 2):g} of {count(self.record.end)}"

    def _describe_end(self) -> str:
        whole = self.record.done >= self.record.end - 1e-9
        head = f"Done, {count(self.record.end)}" if whole else f"Stopped after {self._so_far()}"
        return (
            f"{head}: {describe_numbers(self.record)}. The network keeps what it has learnt; "
            f"Continue trains it for {count(self.epochs)} more, Start over takes the first "
            "weights back."
        )


def join_histories(first: History | None, more: History) -> History:
    """Put two histories one after the other; what is no list comes from the second.

    Example:
        >>> join_histories(History(train_loss=[0.7]), History(train_loss=[0.4])).train_loss
        [0.7, 0.4]
    """
    first, names = first or History(), [field.name for field in fields(more)]
    pairs = {name: (getattr(first, name), getattr(more, name)) for name in names}
    joined = {n: [*old, *new] if isinstance(new, list) else new for n, (old, new) in pairs.items()}
    return History(**joined)


def count(epochs: float) -> str:
    """Write a number of epochs with its unit.

    Example:
        >>> count(1), count(2.28125)
        ('1 epoch', '2.28 epochs')
    """
    return "1 epoch" if epochs == 1 else f"{round(epochs, 2):g} epochs"
