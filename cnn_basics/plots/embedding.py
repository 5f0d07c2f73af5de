"""Many pictures as points: which of them a network takes for alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cnn_basics.figures import BLACK, CYCLE, LessonFigure, new_figure
from cnn_basics.plots.curves import MARKERS


def plot_embedding(
    panels: Sequence[torch.Tensor],
    labels: torch.Tensor,
    names: Sequence[str],
    titles: Sequence[str],
    alt: str,
    *,
    wrong: torch.Tensor | None = None,
    axes_names: tuple[str, str] = ("component 1", "component 2"),
) -> LessonFigure:
    """Draw points of several classes, each class with a marker of its own.

    Args:
        panels: Each `(N, 2)`, the same pictures in different coordinates.
        labels: `(N,)` int64, the class of each.
        names: Of the classes, at most 7.
        titles: One for each panel.
        alt: What the picture shows.
        wrong: `(N,)` bool, points that get a black ring.
        axes_names: Written below and at the left.

    Returns:
        The figure, one axes for each panel.

    Raises:
        ValueError: When there are too many classes, or the lengths do not fit.

    Example:
        >>> corners = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
        >>> label = torch.tensor([0, 1])
        >>> plot_embedding([corners], label, ["cats", "dogs"], ["two"], "Two points.")
        <LessonFigure: Two points.>
    """
    _check(panels, labels, names)
    figure, axes = new_figure(1, len(panels), height=3.3, alt=alt)
    figure.few_colours = True  # hundreds of outlines take much room
    for axis, points, title in zip(axes, panels, titles, strict=True):
        for index, name in enumerate(names):
            x, y = points[labels == index].detach().cpu().T.numpy()
            style = {"facecolor": "none", "edgecolors": CYCLE[index]}
            axis.scatter(x, y, 16, marker=MARKERS[index], linewidths=0.9, label=name, **style)
        if wrong is not None and bool(wrong.any()):
            x, y = points[wrong].detach().cpu().T.numpy()
            axis.scatter(x, y, 80, facecolor="none", edgecolors=BLACK, label="answered wrongly")
        axis.set(xlabel=axes_names[0], ylabel=axes_names[1])
        axis.set_title(title, fontsize=10)
        axis.set_xticks([])
        axis.set_yticks([])
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=len(names) + 1)
    return figure


def _check(panels: Sequence[torch.Tensor], labels: torch.Tensor, names: Sequence[str]) -> None:
    if not 1 <= len(names) <= len(MARKERS):
        raise ValueError(
            f"expected 1 to {len(MARKERS)} classes, got {len(names)}: draw fewer of them"
        )
    for points in panels:
        if tuple(points.shape) != (len(labels), 2):
            raise ValueError(
                f"expected points ({len(labels)}, 2) for {len(labels)} labels, got "
                f"{tuple(points.shape)}: give two numbers for each label"
            )
