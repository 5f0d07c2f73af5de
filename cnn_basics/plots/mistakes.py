"""What a classifier took for what: counts in a table, and the pictures that it got wrong."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cnn_basics.figures import LessonFigure, new_figure
from cnn_basics.plots.cells import draw_grid
from cnn_basics.plots.pictures import plot_pictures


def plot_confusion(
    counts: torch.Tensor, names: Sequence[str], alt: str, *, size: float | None = None
) -> LessonFigure:
    """Draw how many pictures of each class were taken for each class.

    Args:
        counts: `(K, K)` whole numbers; row: the true class, column: the answer.
        names: Of the K classes.
        alt: What the picture shows.
        size: Height of the figure in inches; None chooses one by the number of classes.

    Returns:
        The figure; right answers lie on the diagonal, which is framed.

    Raises:
        ValueError: When `counts` is not square, or has another number of classes than `names`.

    Example:
        >>> counts = torch.tensor([[9, 1], [2, 8]])
        >>> plot_confusion(counts, ["cats", "dogs"], "Most counts lie on the diagonal.")
        <LessonFigure: Most counts lie on the diagonal.>
    """
    if tuple(counts.shape) != (len(names), len(names)):
        raise ValueError(
            f"expected counts ({len(names)}, {len(names)}) for {len(names)} names, got "
            f"{tuple(counts.shape)}: give one row and one column for each class"
        )
    size = 1.6 + 0.35 * len(names) if size is None else size
    figure, (axes,) = new_figure(width=size + 1.0, height=size, alt=alt)
    places = range(len(names))
    lit = [(k, k) for k in places] if len(names) > 1 else []
    draw_grid(axes, counts, lit=lit, limits=(0, max(1, int(counts.max()))))
    axes.set_xticks(places, names, rotation=45 if max(map(len, names)) > 8 else 0)
    axes.set_yticks(places, names)
    axes.tick_params(length=0)
    axes.set(xlabel="answer", ylabel="true class")
    return figure


def plot_mistakes(
    pictures: torch.Tensor,
    truths: Sequence[str],
    answers: Sequence[str],
    shares: Sequence[float],
    alt: str,
    *,
    columns: int = 5,
) -> LessonFigure:
    """Show pictures with what they are, what they were taken for, and how surely.

    Args:
        pictures: `(N, C, H, W)` with 1 or 3 channels; uint8, or float from 0 to 1.
        truths: The name of the true class of each picture.
        answers: The name that the classifier gave to each.
        shares: The probability that it gave to this answer, 0 to 1.
        alt: What the pictures show.
        columns: Pictures in a row.

    Returns:
        The figure; above each picture stands for instance `cat, said dog 97 %`.

    Raises:
        ValueError: When there is no picture, one has other channels, or the lengths differ.

    Example:
        >>> plot_mistakes(torch.ones(1, 3, 8, 8), ["cat"], ["dog"], [0.97], "A white square.")
        <LessonFigure: A white square.>
    """
    if pictures.ndim != 4 or pictures.shape[1] not in (1, 3):
        raise ValueError(
            f"expected pictures (N, 1, H, W) or (N, 3, H, W), got {tuple(pictures.shape)}: "
            "give a batch of grey or colour pictures"
        )
    lengths = {len(pictures), len(truths), len(answers), len(shares)}
    if len(lengths) > 1:
        raise ValueError(
            f"expected a truth, an answer and a share for each of {len(pictures)} pictures, got "
            f"{len(truths)}, {len(answers)} and {len(shares)}: give one of each"
        )
    shown = pictures.detach().cpu().permute(0, 2, 3, 1)  # (N, H, W, C)
    titles = [
        f"{truth}, said\n{answer} {100 * share:.0f} %"
        for truth, answer, share in zip(truths, answers, shares, strict=True)
    ]
    images = [picture.squeeze(-1).numpy() for picture in shown]
    return plot_pictures(images, titles, alt, columns=columns, size=1.95)
