"""A progress bar that tells loss and accuracy; in a notebook a widget, in a shell a line."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from cnn_basics.training.state import State

EVERY = 0.2  # seconds between two looks at the loss, which may wait for the device


class Progress:
    """Shows how far a training is, and the last epoch's numbers.

    Args:
        state: The training.
        shown: Whether anything is shown.

    Example:
        >>> with Progress(State(None, None, 1, 1), shown=False) as progress:
        ...     progress.batch_done()
    """

    def __init__(self, state: State, shown: bool) -> None:
        self._state, self._bar, self._looked = state, None, time.monotonic()
        self._numbers = ""
        if shown:
            from tqdm.auto import tqdm

            total = state.epochs * state.batches
            self._bar = tqdm(
                total=total, initial=state.step, unit="batch", file=sys.stderr, leave=True
            )

    def batch_done(self) -> None:
        """Move the bar by a batch."""
        if self._bar is None:
            return
        self._bar.update()
        if time.monotonic() - self._looked > EVERY:
            self._looked = time.monotonic()
            self._tell(f"loss {self._state.loss:.3f}")

    def epoch_done(self) -> None:
        """Tell the numbers of the epoch that ended."""
        history = self._state.history
        if self._bar is None:
            return
        told = [f"loss {history.train_loss[-1]:.3f}", f"accuracy {history.train_accuracy[-1]:.3f}"]
        if history.valid_loss:
            told += [f"valid {history.valid_loss[-1]:.3f}, {history.valid_accuracy[-1]:.3f}"]
        self._numbers = ", ".join(told)
        self._tell()

    def _tell(self, batch: str = "") -> None:
        state = self._state
        self._bar.set_description(f"epoch {state.epoch}/{state.epochs}", refresh=False)
        self._bar.set_postfix_str(batch or self._numbers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the bar, also after an exception."""
        if self._bar is not None:
            self._bar.close()
