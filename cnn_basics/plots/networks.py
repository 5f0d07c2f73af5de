"""A whole network as blocks, and one picture that travels through them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.figures import (
    BLUE,
    SEQUENTIAL,
    VERMILION,
    Animation,
    LessonFigure,
    figure_to_array,
    new_figure,
    plain_axes,
)
from cnn_basics.plots.blocks import Block, network_blocks

if TYPE_CHECKING:
    from cnn_basics.model import ShapeTrace

TALLEST, WIDEST, THINNEST, STRIP, GAP = 2.8, 1.3, 0.08, 0.2, 0.95
WAITING, PASSED, LIT = "waiting", "passed", "lit"
LOOKS = {
    WAITING: {"facecolor": "white", "edgecolor": "0.6", "linestyle": "--", "linewidth": 1.0},
    PASSED: {"facecolor": "0.9", "edgecolor": BLUE, "linestyle": "-", "linewidth": 1.5},
    LIT: {"facecolor": "#FBE9D0", "edgecolor": VERMILION, "linestyle": "-", "linewidth": 3.5},
}


def plot_network(trace: ShapeTrace) -> LessonFigure:
    """Draw a network as blocks.

    Args:
        trace: what `cnn_basics.model.trace_shapes` found; a network without branches.

    Returns:
        One axes. The height of a block is the height of its feature maps, its width their
        number; rows of numbers are hatched strips, not to scale.

    Raises:
        ValueError: When a step gives something else than `(N, C, H, W)` or `(N, D)`.
    """
    blocks = network_blocks(trace)
    steps = ", ".join(f"{b.label.replace(chr(10), ' and ')} {b.text}" for b in blocks)
    alt = (
        f"The network as blocks from left to right, as high as their maps and as wide as their "
        f"number of channels, with hatched strips for rows of numbers: {steps}."
    )
    figure, (axes,) = new_figure(height=2.6, alt=alt)
    _draw_blocks(axes, blocks, [PASSED] * len(blocks))
    return figure


def animate_forward(trace: ShapeTrace, values: Sequence[torch.Tensor], maps: int = 8) -> Animation:
    """Send one picture through a network, block by block.

    Args:
        trace: what `cnn_basics.model.trace_shapes` found; a network without branches.
        values: what each block of `network_blocks(trace)` holds, without the batch axis:
            `(C, H, W)` or `(D,)`, the picture itself first.
        maps: how many feature maps of a block are shown.

    Returns:
        One frame for each block, in which it lights up and its numbers are shown below.

    Raises:
        ValueError: When the shapes of `values` are not those of the blocks.
    """
    blocks = network_blocks(trace)
    shapes = [tuple(value.shape) for value in values]
    if shapes != [block.shape for block in blocks]:
        raise ValueError(
            f"expected values of shapes {[block.shape for block in blocks]}, got {shapes}: give "
            "what every block holds for one picture, as in y[0]"
        )
    frames = []
    for index, (block, value) in enumerate(zip(blocks, values, strict=True)):
        figure, axes = new_figure(2, 1, height=4.2)
        figure.set_layout_engine("none")  # so that nothing moves from frame to frame
        axes[0].set_position((0.0, 0.36, 1.0, 0.64))
        axes[1].set_position((0.02, 0.02, 0.96, 0.26))
        states = [PASSED] * index + [LIT] + [WAITING] * (len(blocks) - index - 1)
        _draw_blocks(axes[0], blocks, states)
        _draw_values(axes[1], block, value.detach().cpu(), maps)
        frames.append(_few_colours(figure_to_array(figure)))
    alt = (
        f"One picture travels through {len(blocks)} blocks, from {blocks[0].text} to "
        f"{blocks[-1].text} numbers; the block it has reached lights up, with a thick frame, and "
        f"below are the numbers that it holds, of feature maps the first {maps} at most."
    )
    return Animation(np.stack(frames), alt, seconds_per_frame=1.2)


def _few_colours(frame: np.ndarray) -> np.ndarray:
    """Round to 16 levels of each colour: half the bytes, black and white stay as they are."""
    return (np.rint(frame / 17) * 17).astype(np.uint8)


def _block_size(block: Block, blocks: Sequence[Block]) -> tuple[float, float]:
    """Width and height; every block of maps has the same scale."""
    if len(block.shape) == 1:
        longest = max(b.shape[0] for b in blocks if len(b.shape) == 1)
        return STRIP, 0.4 + (TALLEST - 0.4) * math.log(block.shape[0]) / (math.log(longest) or 1)
    maps = [b.shape for b in blocks if len(b.shape) == 3]
    width = WIDEST * block.shape[0] / max(shape[0] for shape in maps)
    return max(width, THINNEST), TALLEST * block.shape[1] / max(shape[1] for shape in maps)


def _draw_blocks(axes: Axes, blocks: Sequence[Block], states: Sequence[str]) -> None:
    """Draw the blocks, their labels above and their shapes below."""
    left = 0.0
    for index, (block, state) in enumerate(zip(blocks, states, strict=True)):
        width, height = _block_size(block, blocks)
        hatch = "/////" if len(block.shape) == 1 else ""
        axes.add_patch(
            Rectangle((left, -height / 2), width, height, hatch=hatch, zorder=2, **LOOKS[state])
        )
        font = {"ha": "center", "fontsize": 9, "weight": "bold" if state == LIT else "normal"}
        font["color"] = "0.45" if state == WAITING else "black"
        axes.text(left + width / 2, TALLEST / 2 + 0.15, block.label, va="bottom", **font)
        axes.text(left + width / 2, -TALLEST / 2 - 0.15, block.text, va="top", **font)
        left += width + GAP
        if index < len(blocks) - 1:
            ends = {"xy": (left - 0.1, 0), "xytext": (left - GAP + 0.1, 0)}
            axes.annotate("", arrowprops={"arrowstyle": "->", "color": "0.4"}, **ends)
    axes.set_xlim(-0.8, left - GAP + 0.5)
    axes.set_ylim(-TALLEST / 2 - 0.7, TALLEST / 2 + 1.1)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_values(axes: Axes, block: Block, value: torch.Tensor, maps: int) -> None:
    """Draw a colour picture, feature maps side by side, or a row of numbers as a strip."""
    if value.ndim == 1:
        few = len(value) <= 4
        axes.imshow(value[None].numpy(), cmap=SEQUENTIAL, aspect="auto", interpolation="nearest")
        for place, number in enumerate(value.tolist() if few else []):
            box = {"facecolor": "white", "edgecolor": "none"}
            axes.text(place, 0, f"{number:.2f}", ha="center", va="center", bbox=box)
        plain_axes(axes, f"{block.text} numbers side by side, dark for low, light for high")
    elif block.label.startswith("input") and len(value) == 3:
        axes.imshow(value.permute(1, 2, 0).clamp(0, 1).numpy())
        plain_axes(axes, f"the picture, {block.text}")
    else:
        shown = value[:maps]
        gap = torch.full((len(shown), value.shape[1], 1), float("nan"))
        strip = torch.cat([shown, gap], dim=2).permute(1, 0, 2).flatten(1)[:, :-1]
        axes.imshow(strip.numpy(), cmap=SEQUENTIAL, interpolation="nearest")
        plain_axes(axes, f"the first {len(shown)} of {len(value)} feature maps")
