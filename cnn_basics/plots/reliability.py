"""How sure a classifier is, against how often it is right."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Protocol

import torch
from matplotlib.axes import Axes

from cnn_basics.figures import BLACK, BLUE, LessonFigure, new_figure
from cnn_basics.plots.curves import check_count


class Groups(Protocol):
    """What is drawn; a `training.Reliability` has it."""

    edges: torch.Tensor
    counts: torch.Tensor
    confidence: torch.Tensor
    accuracy: torch.Tensor


def plot_reliability(results: Mapping[str, Groups], alt: str, *, size: float = 2.9) -> LessonFigure:
    """Draw one bar for each group of answers: how many of them were right.

    Args:
        results: Title and groups of each classifier, at most 3.
        alt: What the picture shows.
        size: Height of the figure in inches.

    Returns:
        One axes for each classifier. A bar is as wide as its group, and the number in it says
        how many answers there are; a dot marks how sure they were in the mean. Bars of an honest
        classifier end at the dotted line.

    Raises:
        ValueError: When there is no classifier, or more than 3.

    Example:
        >>> from types import SimpleNamespace
        >>> one, edges, counts = torch.tensor([0.8]), torch.tensor([0.5, 1]), torch.tensor([5])
        >>> groups = SimpleNamespace(edges=edges, counts=counts, confidence=one, accuracy=one)
        >>> plot_reliability({"honest": groups}, "Sure by 0.8, right by 0.8.")
        <LessonFigure: Sure by 0.8, right by 0.8.>
    """
    check_count(results, 3)
    figure, axes = new_figure(
        1, len(results), width=min(3.6 * len(results), 7.4), height=size, alt=alt
    )
    figure.few_colours = True  # hatches take much room
    for axis, (title, groups) in zip(axes, results.items(), strict=True):
        _draw(axis, groups)
        axis.set_title(title, fontsize=10)
    axes[0].set_ylabel("share that was right")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _draw(axes: Axes, groups: Groups) -> None:
    edges, counts = groups.edges.tolist(), groups.counts.tolist()
    heights = groups.accuracy.nan_to_num(0.0).tolist()
    widths = [b - a for a, b in pairwise(edges)]
    style = {"align": "edge", "color": "0.85", "edgecolor": BLUE, "hatch": "//"}
    bars = axes.bar(edges[:-1], heights, widths, **style)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    written = [f"{count:,}" if count else "" for count in counts]
    axes.bar_label(bars, written, label_type="center", fontsize=8, bbox=paper)
    axes.plot([0, 1], [0, 1], ":", color=BLACK, lw=1.5, label="as right as sure")
    there = groups.counts > 0
    sure, right = groups.confidence[there], groups.accuracy[there]
    axes.plot(sure, right, "o", color=BLACK, ms=5, label="mean of a group")
    axes.set(xlim=(edges[0], 1.0), ylim=(0, 1.08), xlabel="confidence")
    axes.spines[["top", "right"]].set_visible(False)
