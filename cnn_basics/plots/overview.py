"""The first lesson's figures: a network as a row of blocks, and errors that fell over the years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.figures import BLACK, BLUE, SEQUENTIAL, VERMILION, LessonFigure, new_figure

Shape = tuple[int, ...]

_LARGEST = 0.6  # side of the largest square; blocks are 1 apart
_MAPS = 4  # so many maps of a stack are drawn at most
_SHIFT = 0.05  # from one map of a stack to the one behind it
_CELLS = 10  # so many numbers of a row are drawn one by one
_CELL = 0.09


def plot_blocks(
    titles: Sequence[str],
    shapes: Sequence[Shape],
    alt: str,
    contents: Mapping[int, torch.Tensor] | None = None,
) -> LessonFigure:
    """Draw a network from left to right: stacks of maps, then lists of numbers.

    Args:
        titles: One for each block; a line break is allowed.
        shapes: Of each block for one picture: `(C, H, W)`, drawn as a stack of at most 4 squares,
            or `(n,)`, drawn as a column of cells with dots where there are more than 10.
        alt: What the picture shows.
        contents: What to draw in some of the stacks, by their index: `(C, H, W)` float; three
            channels from 0 to 1 are drawn as one colour picture, others as maps.

    Returns:
        The figure; the shape is written under each block.

    Raises:
        ValueError: Titles and shapes differ in number, or a shape has neither 1 nor 3 numbers.

    Example:
        >>> plot_blocks(["in", "out"], [(1, 8, 8), (2,)], "A picture becomes two numbers.")
        <LessonFigure: A picture becomes two numbers.>
    """
    _check_blocks(titles, shapes)
    figure, (axes,) = new_figure(width=7.6, height=2.0, alt=alt)
    tallest = max((shape[1] for shape in shapes if len(shape) == 3), default=1)
    rights = []
    for index, shape in enumerate(shapes):
        if len(shape) == 3:
            side = _LARGEST * (shape[1] / tallest) ** 0.5
            content = (contents or {}).get(index)
            half = _draw_stack(axes, index, side, shape[0], content)
        else:
            half = _draw_row(axes, index, shape[0])
        rights.append(half)
    _draw_arrows(axes, rights)
    for index, (title, shape) in enumerate(zip(titles, shapes, strict=True)):
        axes.text(index, 0.5, title, ha="center", va="bottom", fontsize=9)
        axes.text(index, -0.55, "×".join(map(str, shape)), ha="center", va="top", fontsize=9)
    axes.set(xlim=(-0.6, len(shapes) - 0.4), ylim=(-0.85, 0.95), aspect="equal")
    axes.set_axis_off()
    return figure


def plot_error_by_year(
    errors: Mapping[int, float], networks_from: int, alt: str, human: float | None = None
) -> LessonFigure:
    """Draw the error rate of each year's winner, those by networks marked.

    Args:
        errors: Year and error in per cent.
        networks_from: First year in which a convolutional network won.
        alt: What the picture shows.
        human: Error in per cent of a person, drawn as a dashed line.

    Returns:
        Bars with their numbers; those of networks filled, the others hatched.

    Example:
        >>> figure = plot_error_by_year({2011: 25.8, 2012: 16.4}, 2012, "Two bars, falling.")
        >>> len(figure.axes[0].patches)
        2
    """
    figure, (axes,) = new_figure(width=6.4, height=2.8, alt=alt)
    groups = (
        ("features made by hand", lambda year: year < networks_from, {"hatch": "///", "fc": "1"}),
        ("convolutional network", lambda year: year >= networks_from, {"fc": BLUE}),
    )
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    for label, belongs, style in groups:
        years = [year for year in errors if belongs(year)]
        heights = [errors[year] for year in years]
        bars = axes.bar(years, heights, 0.65, label=label, edgecolor=BLACK, **style)
        axes.bar_label(bars, [f"{height:g}" for height in heights], padding=2, bbox=paper)
    if human is not None:
        axes.axhline(human, color=VERMILION, linestyle="--", label=f"one trained person: {human:g}")
    axes.set(ylabel="error in per cent", ylim=(0, 1.18 * max(errors.values())))
    axes.set_xticks(list(errors))
    axes.legend(fontsize=9)
    return figure


def _check_blocks(titles: Sequence[str], shapes: Sequence[Shape]) -> None:
    """Refuse what cannot be drawn as a row of blocks."""
    if len(titles) != len(shapes) or not shapes:
        raise ValueError(
            f"expected one title for each of at least one shape, got {len(titles)} titles and "
            f"{len(shapes)} shapes: give both lists the same length"
        )
    for shape in shapes:
        if len(shape) not in (1, 3):
            raise ValueError(
                f"expected shapes (C, H, W) or (n,) of one picture, got {tuple(shape)}: "
                "leave the batch axis N away"
            )


def _draw_stack(
    axes: Axes, x: float, side: float, maps: int, content: torch.Tensor | None
) -> float:
    """Draw a stack of squares around `(x, 0)`; returns half of its width."""
    coloured = content is not None and len(content) == 3
    count = 1 if coloured else min(maps, _MAPS)
    spread = _SHIFT * (count - 1) / 2
    for layer in reversed(range(count)):
        left = x - side / 2 - spread + layer * _SHIFT
        bottom = -side / 2 - spread + layer * _SHIFT
        if content is not None:
            extent = (left, left + side, bottom, bottom + side)
            _draw_content(axes, content if coloured else content[layer], extent, -layer)
        face = "none" if content is not None else str(0.95 - 0.08 * layer)
        frame = Rectangle((left, bottom), side, side, fc=face, ec=BLACK, lw=0.8, zorder=-layer)
        axes.add_patch(frame)
    return side / 2 + spread


def _draw_content(
    axes: Axes, content: torch.Tensor, extent: tuple[float, float, float, float], zorder: float
) -> None:
    """Draw a colour picture `(3, H, W)` or one map `(H, W)` into a square."""
    pixels = content.detach().cpu().numpy()
    if pixels.ndim == 3:
        axes.imshow(np.moveaxis(pixels, 0, -1), extent=extent, zorder=zorder)
    else:
        axes.imshow(pixels, extent=extent, zorder=zorder, cmap=SEQUENTIAL)


def _draw_row(axes: Axes, x: float, numbers: int) -> float:
    """Draw numbers as a column of cells around `(x, 0)`; returns half of its width."""
    cells = min(numbers, _CELLS)
    for cell in range(cells):
        bottom = (cell - cells / 2) * _CELL
        axes.add_patch(
            Rectangle((x - _CELL / 2, bottom), _CELL, _CELL, fc="0.95", ec=BLACK, lw=0.8)
        )
    if numbers > _CELLS:
        axes.text(x, 0, "⋮", ha="center", va="center", fontsize=11, backgroundcolor="white")
    return _CELL / 2


def _draw_arrows(axes: Axes, halves: Sequence[float]) -> None:
    """Draw an arrow from each block to the next one."""
    for index, (here, there) in enumerate(pairwise(halves)):
        ends = {"xy": (index + 1 - there - 0.05, 0), "xytext": (index + here + 0.05, 0)}
        axes.annotate("", **ends, arrowprops={"arrowstyle": "->", "lw": 1.2})
