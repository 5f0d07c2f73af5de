"""What a training board remembers of a training, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from cnn_basics.training import Evaluation
from cnn_basics.widgets.board_figure import MOST_KERNELS, MOST_MISTAKES
from cnn_basics.widgets.board_state import BoardState, Mistake
from cnn_basics.widgets.redrawn import share_in_words

Point = tuple[float, float]


class Record:
    """Collects what `fit` tells, over one or several runs, for `BoardFigure` to draw.

    Args:
        model: The network that is trained; its first convolution is looked at.
        names: The classes.
        epochs: How many epochs the first run has.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], epochs: int) -> None:
        self._model, self._names = model, tuple(names)
        convolutions = [m for m in model.named_modules() if isinstance(m[1], nn.Conv2d)]
        self._name, self._layer = convolutions[0] if convolutions else ("", None)
        self._first = self._kernels()
        self.end = float(epochs)  # of the run, in epochs since the first one began
        self._curves: dict[str, list[Point]] = {}
        self._mistakes: tuple[Mistake, ...] = ()

    def add(self, curve: str, epoch: float, value: float) -> None:
        """Add a point to `batch_loss`, `valid_loss`, `train_accuracy` or `valid_accuracy`."""
        self._curves.setdefault(curve, []).append((epoch, float(value)))

    def last(self, curve: str) -> float | None:
        """Return the newest value of a curve, or None."""
        points = self._curves.get(curve)
        return points[-1][1] if points else None

    @property
    def done(self) -> float:
        """How many epochs of training there were."""
        points = self._curves.get("batch_loss")
        return points[-1][0] if points else 0.0

    def set_mistakes(self, pictures: Tensor, result: Evaluation) -> None:
        """Note the pictures told wrong with the largest loss, or if there are none, of all.

        Args:
            pictures: `(N, C, H, W)`, uint8 or float.
            result: What the network said about them.
        """
        numbers = result.mistakes() if len(result.mistakes()) else result.worst(MOST_MISTAKES)
        self._mistakes = tuple(
            Mistake(
                _to_picture(pictures[number]),
                self._name_of(result.labels[number]),
                self._name_of(result.predictions[number]),
                result.probabilities[number].max().nan_to_num(0.0).item(),
            )
            for number in numbers[:MOST_MISTAKES].tolist()
        )

    def _name_of(self, label: Tensor) -> str:
        number = int(label)
        return self._names[number] if number < len(self._names) else f"class {number}"

    def state(self) -> BoardState:
        """Take a picture of the present, for drawing."""
        kernels = self._kernels()
        # copies, because the training may add a point meanwhile
        curves = {name: np.array(list(points)) for name, points in list(self._curves.items())}
        return BoardState(
            self.end,
            len(self._names),
            None if kernels is None else kernels.numpy(),
            self._title(kernels),
            mistakes=self._mistakes,
            **curves,
        )

    def _kernels(self) -> Tensor | None:
        """Copy the first convolution's weights, `(K, C, height, width)`, if there is one."""
        if self._layer is None:
            return None
        return self._layer.weight.detach().float().cpu().clone()

    def _title(self, kernels: Tensor | None) -> str:
        if kernels is None:
            return "this network has no convolution"
        count = len(kernels)
        shown = f"{MOST_KERNELS} of {count}" if count > MOST_KERNELS else f"{count}"
        change = (kernels - self._first).norm() / self._first.norm().clamp(min=1e-12)
        moved = f"changed by {share_in_words(change.item(), 1)}" if change else "at the start"
        moved = moved if change.isfinite() else "no longer numbers"
        return f"{shown} kernels of {self._name}, {moved}"


def _to_picture(picture: Tensor) -> np.ndarray:
    """Turn `(C, H, W)` into `(H, W, 3)` from 0 to 1; the first channel alone if not 3."""
    values = picture.detach().float().cpu()
    values = values if len(values) == 3 else values[:1].expand(3, -1, -1)
    if picture.dtype == torch.uint8:
        values = values / 255
    elif values.min() < 0 or values.max() > 1:
        values = (values - values.min()) / (values.max() - values.min()).clamp(min=1e-12)
    return values.permute(1, 2, 0).numpy()


def describe_board(record: Record, state: BoardState) -> str:
    """Say all that a board shows.

    Args:
        record: What it remembers.
        state: What it draws.

    Returns:
        Its alt text.
    """
    if not record.done:
        parts = [f"Training board before the start: {state.kernels_title}; empty curves"]
        parts.append("of loss and accuracy above the level of guessing; no mistakes yet.")
        return " ".join(parts)
    done, end = round(record.done, 2), round(state.epochs, 2)
    head = f"Training board after {done:g} of {end:g} epochs: "
    return f"{head}{describe_numbers(record)}. {state.kernels_title}. {_name_mistakes(state)}"


def describe_numbers(record: Record) -> str:
    """Write the newest loss and accuracy, of training and of validation."""
    loss, accuracy = record.last("valid_loss"), record.last("valid_accuracy")
    words = []
    if record.done:
        words.append(f"loss {_write(record.last('batch_loss'))} on the last batch")
    if loss is not None:
        start = "" if record.done else "loss "
        words.append(f"{start}{_write(loss)} on the validation pictures")
    if accuracy is not None:
        words.append(f"accuracy {_write(accuracy)} on these")
    return ", ".join(words)


def _write(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.2f}"


def _name_mistakes(state: BoardState) -> str:
    if not state.mistakes:
        return "No mistakes known."
    worst = [f"{m.truth} said {m.answer} ({100 * m.share:.0f} %)" for m in state.mistakes[:3]]
    wrong = state.mistakes[0].truth != state.mistakes[0].answer
    return f"Worst {'mistakes' if wrong else 'answers'}: {', '.join(worst)}."
