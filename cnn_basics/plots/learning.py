"""What a training did, epoch by epoch, and how the loss answers to the learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure, new_figure
from cnn_basics.plots.curves import check_count


class Curves(Protocol):
    """The lists that are drawn, one number for each epoch; a `training.History` has them."""

    train_loss: Sequence[float]
    train_accuracy: Sequence[float]
    valid_loss: Sequence[float]
    valid_accuracy: Sequence[float]


def plot_learning_curves(
    runs: Mapping[str, Curves], alt: str, *, classes: int | None = None, height: float = 2.4
) -> LessonFigure:
    """Draw loss and accuracy of one or several trainings, for training and validation pictures.

    Args:
        runs: Name and history of each training, at most 4; a name may be empty.
        alt: What the picture shows.
        classes: How many there are, to draw the level of guessing: a loss of log(classes), and
            an accuracy of 1 / classes. None draws none.
        height: Height of a row in inches.

    Returns:
        One row for each training, with its loss at the left and its accuracy at the right; all
        rows have the same axes. Training is a solid line with circles, validation a broken one
        with squares; a training without validation has the first alone.

    Raises:
        ValueError: When there is no training, or more than 4, or one without an epoch.

    Example:
        >>> from types import SimpleNamespace
        >>> run = SimpleNamespace(
        ...     train_loss=[0.7, 0.4], train_accuracy=[0.5, 0.8], valid_loss=[], valid_accuracy=[]
        ... )
        >>> plot_learning_curves({"": run}, "Loss falls, accuracy rises.")
        <LessonFigure: Loss falls, accuracy rises.>
    """
    check_count(runs, 4)
    if not all(len(run.train_loss) for run in runs.values()):
        raise ValueError("expected at least one epoch in each training, got none: run fit first")
    figure, axes = new_figure(len(runs), 2, height=height * len(runs) + 0.3, alt=alt)
    figure.few_colours = True
    for index, (name, run) in enumerate(runs.items()):
        loss, accuracy = axes[2 * index : 2 * index + 2]
        _draw_pair(loss, run.train_loss, run.valid_loss)
        _draw_pair(accuracy, run.train_accuracy, run.valid_accuracy)
        _label(loss, f"{name}: loss" if name else "loss")
        _label(accuracy, f"{name}: accuracy" if name else "accuracy")
        if classes is not None:
            _draw_guess(loss, math.log(classes))
            _draw_guess(accuracy, 1 / classes)
    _share_limits(axes[::2], bottom=0.0)
    _share_limits(axes[1::2], top=1.0)
    for axis in axes[-2:]:
        axis.set_xlabel("epoch")
    handles = {h.get_label(): h for axis in axes for h in axis.get_lines()}
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=3, handlelength=3.5)
    return figure


def plot_range_test(
    learning_rates: Sequence[float],
    losses: Sequence[float],
    alt: str,
    *,
    smooth: Sequence[float] | None = None,
    lowest: float | None = None,
    chosen: float | None = None,
) -> LessonFigure:
    """Draw the loss of batch after batch while the learning rate grew.

    Args:
        learning_rates: One for each batch, above 0 and rising.
        losses: The loss of each batch; what is not finite is left out.
        alt: What the picture shows.
        smooth: The smoothed losses, drawn as a thick line, or None.
        lowest: The learning rate at which the loss is lowest, to be marked; or None.
        chosen: The one to train with, marked likewise; or None.

    Returns:
        The figure; the learning rate is drawn with every power of ten equally wide, and the axis
        ends at three times the first loss, so that an explosion leaves the picture.

    Raises:
        ValueError: When the sequences are empty or of different lengths.

    Example:
        >>> plot_range_test([0.01, 0.1, 1.0], [0.7, 0.5, 9.0], "A loss that falls, then explodes.")
        <LessonFigure: A loss that falls, then explodes.>
    """
    lengths = {len(learning_rates), len(losses), len(losses if smooth is None else smooth)}
    if len(lengths) > 1 or not len(losses):
        raise ValueError(
            f"expected as many losses as learning rates, at least one, got {len(losses)} losses "
            f"and {len(learning_rates)} rates: give one loss for each rate"
        )
    figure, (axes,) = new_figure(height=2.8, alt=alt)
    figure.few_colours = True
    axes.plot(learning_rates, _finite(losses), ".", color="0.45", ms=5, label="one batch")
    if smooth is not None:
        axes.plot(learning_rates, _finite(smooth), "-", color=BLUE, lw=2.5, label="smoothed")
    if chosen is not None:
        axes.axvline(chosen, color=VERMILION, ls="--", lw=2, label=f"chosen: {chosen:.1g}")
    if lowest is not None:
        axes.axvline(lowest, color=BLACK, ls=":", lw=2, label=f"lowest: {lowest:.1g}")
    axes.set_xscale("log")
    axes.set(xlabel="learning rate", ylabel="loss", ylim=(0, 3 * losses[0]))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", handlelength=3)
    return figure


def _draw_pair(axes: Axes, train: Sequence[float], valid: Sequence[float]) -> None:
    """Draw one quantity for the training pictures and, where it is known, for the others."""
    epochs = range(1, len(train) + 1)
    size = 5 if len(train) <= 20 else 3
    axes.plot(epochs, _finite(train), "o-", color=BLUE, lw=1.8, ms=size, label="training")
    if len(valid):
        axes.plot(
            epochs, _finite(valid), "s--", color=VERMILION, lw=1.8, ms=size, label="validation"
        )


def _draw_guess(axes: Axes, level: float) -> None:
    axes.axhline(level, color=BLACK, ls=":", lw=1.2, label="guessing")


def _label(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.spines[["top", "right"]].set_visible(False)


def _share_limits(
    axes: Sequence[Axes], bottom: float | None = None, top: float | None = None
) -> None:
    """Give all axes the limits that hold the lines of each, the ends given included."""
    lows, highs = zip(*(axis.get_ylim() for axis in axes), strict=True)
    low = min(lows) if bottom is None else bottom
    high = max(highs) if top is None else top + 0.02
    for axis in axes:
        axis.set_ylim(low, high)


def _finite(values: Sequence[float]) -> np.ndarray:
    """Turn what is not finite into a gap."""
    numbers = np.asarray(values, dtype=float)
    return np.where(np.isfinite(numbers), numbers, np.nan)
