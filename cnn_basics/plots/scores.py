"""Scores of explanations as bars, each against what chance would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cnn_basics.figures import CYCLE, VERMILION, LessonFigure, new_figure
from cnn_basics.plots.curves import HATCHES, check_count


def plot_scores(
    scores: Mapping[str, Sequence[float]],
    chance: Sequence[float],
    targets: Sequence[str],
    alt: str,
    *,
    y_label: str = "share of the heat",
    height: float = 3.2,
) -> LessonFigure:
    """Draw groups of bars with a line across each group where chance lies.

    Args:
        scores: Name of each explanation, and its score on each target, 0 to 1; at most 7.
        chance: What chance gives on each target.
        targets: Names of the groups, such as the parts of an animal.
        alt: What the picture shows.
        y_label: Written at the left.
        height: Of the figure in inches.

    Returns:
        The figure: one group for each target, with a bar for each explanation, told apart by
        hatching, the number above it, and a thick dashed line at the height of chance.

    Raises:
        ValueError: When there is nothing to draw, or the lengths do not fit.

    Example:
        >>> plot_scores({"saliency": [0.6]}, [0.5], ["animal"], "One bar above chance.")
        <LessonFigure: One bar above chance.>
    """
    check_count(scores, len(CYCLE))
    _check_lengths({**scores, "chance": chance}, len(targets))
    figure, (axes,) = new_figure(height=height, alt=alt)
    width = 0.8 / len(scores)
    for index, (name, values) in enumerate(scores.items()):
        places = [group - 0.4 + width * (index + 0.5) for group in range(len(targets))]
        style = {"color": "0.9", "edgecolor": CYCLE[index], "hatch": HATCHES[index]}
        bars = axes.bar(places, list(values), 0.92 * width, label=name, **style)
        words = axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=2, fontsize=8)
        for word in words:  # readable where the line of chance runs through it
            word.set(zorder=4, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})
    for group, level in enumerate(chance):
        label = "chance" if group == 0 else None
        style = {"colors": VERMILION, "linewidth": 2.5, "linestyle": (0, (3, 1))}
        axes.hlines(level, group - 0.44, group + 0.44, label=label, zorder=3, **style)
    axes.set_xticks(range(len(targets)), list(targets))
    axes.set_ylabel(y_label)
    axes.margins(y=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(scores) + 1)
    return figure


def _check_lengths(lists: Mapping[str, Sequence[float]], count: int) -> None:
    for name, values in lists.items():
        if len(values) != count:
            raise ValueError(
                f"expected a score for each of {count} targets, got {len(values)} for {name}: "
                "give all the same length"
            )
