"""The layers of one network compared: their feature maps, and what each of them costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from matplotlib.axes import Axes

from cnn_basics.figures import (
    BLUE,
    DIVERGING,
    SEQUENTIAL,
    VERMILION,
    LessonFigure,
    new_figure,
    plain_axes,
)

if TYPE_CHECKING:
    from cnn_basics.model import ShapeTrace


def plot_stages(stages: Mapping[str, torch.Tensor], alt: str, *, maps: int = 6) -> LessonFigure:
    """Show the first feature maps of several stages of a network, one stage a row.

    Args:
        stages: Name and feature maps of each stage, `(C, H, W)`, with at least `maps` channels.
        alt: What the maps show.
        maps: How many maps of each stage.

    Returns:
        The figure; the first `len(stages) * maps` axes hold the maps, row by row. The maps of a
        row share one colour scale; where they have both signs, zero is in its middle.

    Raises:
        ValueError: When a stage is not `(C, H, W)` or has too few channels.
    """
    for name, stage in stages.items():
        if stage.ndim != 3 or len(stage) < maps:
            raise ValueError(
                f"expected at least {maps} maps as (C, H, W) for {name}, got "
                f"{tuple(stage.shape)}: pick one picture, as in y[0], or show fewer maps"
            )
    figure, axes = new_figure(len(stages), maps, height=1.2 * len(stages) + 0.2, alt=alt)
    for row, (name, stage) in enumerate(stages.items()):
        shown = stage.detach().cpu()[:maps]
        low, high, colours = _scale(shown)
        places = axes[row * maps : (row + 1) * maps]
        for index, (axis, feature_map) in enumerate(zip(places, shown, strict=True)):
            image = axis.imshow(feature_map.numpy(), cmap=colours, vmin=low, vmax=high)
            plain_axes(axis, f"map {index}" if row == 0 else "")
        size = "×".join(str(n) for n in stage.shape)
        places[0].set_ylabel(f"{name}\n{size}", fontsize=9)
        figure.colorbar(image, ax=list(places), shrink=0.9)
    return figure


def plot_costs(trace: ShapeTrace, name: str = "the network") -> LessonFigure:
    """Compare the layers of a network: who holds the parameters, who does the work.

    Args:
        trace: What `cnn_basics.model.trace_shapes` found.
        name: How the alt text calls the network.

    Returns:
        Two axes with one bar for each layer that has either: its share of all parameters at
        the left, of all multiply-adds at the right, each with its number and share.

    Raises:
        ValueError: When the network has no parameters or does no multiply-adds.
    """
    if not trace.parameters or not trace.multiply_adds:
        raise ValueError(
            f"expected a network with parameters and multiply-adds, got {trace.parameters} and "
            f"{trace.multiply_adds}: add a layer such as nn.Linear"
        )
    rows = [row for row in trace.rows if row.parameters or row.multiply_adds]
    labels = [row.layer for row in rows]
    parameters = [row.parameters for row in rows]
    work = [row.multiply_adds for row in rows]
    most = [labels[numbers.index(max(numbers))] for numbers in (parameters, work)]
    shares = [_share(max(numbers), sum(numbers)) for numbers in (parameters, work)]
    alt = (
        f"Two bar charts of the layers of {name}, {', '.join(labels)}: {most[0]} holds "
        f"{shares[0]} of the parameters, {most[1]} does {shares[1]} of the multiply-adds."
    )
    figure, axes = new_figure(1, 2, height=0.42 * len(rows) + 1.0, alt=alt)
    _draw_shares(axes[0], labels, parameters, "parameters", BLUE, "//")
    _draw_shares(axes[1], labels, work, "multiply-adds", VERMILION, "..")
    return figure


def _scale(maps: torch.Tensor) -> tuple[float, float, str]:
    """Smallest and largest number of the colour scale, and its colours."""
    low, high = maps.min().item(), maps.max().item()
    if low < 0:
        high = max(-low, high)
        return -high, high, DIVERGING
    return 0.0, high or 1.0, SEQUENTIAL


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _draw_shares(
    axes: Axes, labels: list[str], numbers: list[int], title: str, colour: str, hatch: str
) -> None:
    """Draw one bar for each layer, as long as its share."""
    whole = sum(numbers)
    lengths = [100 * number / whole for number in numbers]
    bars = axes.barh(
        range(len(labels)), lengths, color="white", edgecolor=colour, hatch=hatch, height=0.65
    )
    axes.bar_label(bars, [f"{n:,} ({_share(n, whole)})" for n in numbers], padding=4, fontsize=9)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlim(0, 200)
    axes.set_xticks([0, 50, 100])
    axes.set_xlabel(f"per cent of all {title}")
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
