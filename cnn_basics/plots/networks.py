"""Networks as drawings: blocks that a picture travels through, and graphs of their computation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from cnn_basics import figures
from cnn_basics.expect import expect

if TYPE_CHECKING:
    from cnn_basics.model import ShapeTrace

_TALLEST, _WIDEST, _THINNEST, _STRIP, _GAP = 2.8, 1.3, 0.08, 0.2, 0.95  # of blocks
_LOOKS = {
    "waiting": {"fc": "white", "ec": "0.6", "linestyle": "--", "linewidth": 1.0},
    "passed": {"fc": "0.9", "ec": figures.BLUE, "linestyle": "-", "linewidth": 1.5},
    "lit": {"fc": "#FBE9D0", "ec": figures.VERMILION, "linestyle": "-", "linewidth": 3.5},
}
_MOST_MAPS = 8  # of a block that are shown
_ABOVE, _APART = 1.0, 0.27  # in a graph: how high, and half how far apart, inputs of steps stand


class Block(NamedTuple):
    """The steps that give one shape, one below the other, and this shape without the batch axis."""

    label: str
    shape: tuple[int, ...]

    @property
    def text(self) -> str:
        """The shape as it is written on the block: `32×28×28`."""
        return "×".join(map(str, self.shape))


def plot_network(trace: ShapeTrace) -> figures.LessonFigure:
    """Draw a network without branches as blocks.

    Args:
        trace: What `cnn_basics.model.trace_shapes` found.

    Returns:
        One axes. The height of a block is the height of its feature maps, its width their
        number; rows of numbers are hatched strips, not to scale.

    Raises:
        ValueError: When a step gives something else than `(N, C, H, W)` or `(N, D)`.

    Example:
        >>> from cnn_basics.model import trace_shapes
        >>> figure = plot_network(trace_shapes(torch.nn.Linear(3, 2), (1, 3)))
        >>> figure.alt.split(": ")[1]
        'input 3, model 2.'
    """
    blocks = network_blocks(trace)
    steps = ", ".join(f"{b.label.replace(chr(10), ' and ')} {b.text}" for b in blocks)
    alt = (
        f"The network as blocks from left to right, as high as their maps and as wide as their "
        f"number of channels, with hatched strips for rows of numbers: {steps}."
    )
    figure, (axes,) = figures.new_figure(height=2.6, alt=alt)
    _draw_blocks(axes, blocks, lit=len(blocks))
    return figure


def animate_forward(trace: ShapeTrace, values: Sequence[torch.Tensor]) -> figures.Animation:
    """Send one picture through a network without branches, block by block.

    Args:
        trace: What `cnn_basics.model.trace_shapes` found.
        values: What each block of `plot_network` holds, without the batch axis: `(C, H, W)` or
            `(D,)`, the picture itself first.

    Returns:
        One frame for each block, in which it lights up and its numbers are shown below, of
        feature maps the first 8.

    Raises:
        ValueError: When the shapes of `values` are not those of the blocks.

    Example:
        >>> from cnn_basics.model import trace_shapes
        >>> trace = trace_shapes(torch.nn.Linear(3, 2), (1, 3))
        >>> len(animate_forward(trace, [torch.zeros(3), torch.ones(2)]).frames)
        2
    """
    blocks = network_blocks(trace)
    wanted, shapes = [block.shape for block in blocks], [tuple(v.shape) for v in values]
    fix = "give what every block holds for one picture, as in y[0]"
    expect(shapes == wanted, f"values of shapes {wanted}", f"{shapes}", fix)
    frames = []
    for index, (block, value) in enumerate(zip(blocks, values, strict=True)):
        figure, axes = figures.new_figure(2, 1, height=4.2)
        figure.set_layout_engine("none")  # so that nothing moves from frame to frame
        axes[0].set_position((0.0, 0.36, 1.0, 0.64))
        axes[1].set_position((0.02, 0.02, 0.96, 0.26))
        _draw_blocks(axes[0], blocks, lit=index)
        _draw_values(axes[1], block, value.detach().cpu())
        # 16 levels of each colour: half the bytes, and black and white stay as they are
        frames.append((np.rint(figures.figure_to_array(figure) / 17) * 17).astype(np.uint8))
    alt = (
        f"One picture travels through {len(blocks)} blocks, from {blocks[0].text} to "
        f"{blocks[-1].text} numbers; the block it has reached lights up, with a thick frame, and "
        f"below are the numbers that it holds, of feature maps the first {_MOST_MAPS} at most."
    )
    return figures.Animation(np.stack(frames), alt, seconds_per_frame=1.2)


def network_blocks(trace: ShapeTrace) -> list[Block]:
    """Make a block for the input and for each step with parameters or another shape."""
    rows = [row for row in trace.rows if row.kind != "Parameter" and row.note != "not called"]
    blocks = []
    steps = [("input", rows[0].input_shape, 0)]
    for label, shape, parameters in steps + [(r.layer, r.output_shape, r.parameters) for r in rows]:
        drawable = len(shape) in (2, 4) and all(isinstance(size, int) for size in shape)
        what = "a network whose steps give (N, C, H, W) or (N, D)"
        expect(drawable, what, f"{shape}", "draw a network without branches")
        if blocks and tuple(shape[1:]) == blocks[-1].shape and not parameters:
            label = f"{blocks.pop().label}\n{label}"
        blocks.append(Block(label, tuple(shape[1:])))
    return blocks


def _block_size(block: Block, blocks: Sequence[Block]) -> tuple[float, float]:
    """Width and height; every block of maps has the same scale."""
    if len(block.shape) == 1:
        longest = max(b.shape[0] for b in blocks if len(b.shape) == 1)
        return _STRIP, 0.4 + (_TALLEST - 0.4) * math.log(block.shape[0]) / (math.log(longest) or 1)
    channels, heights = zip(*(b.shape[:2] for b in blocks if len(b.shape) == 3), strict=True)
    width = max(_THINNEST, _WIDEST * block.shape[0] / max(channels))
    return width, _TALLEST * block.shape[1] / max(heights)


def _draw_blocks(axes: Axes, blocks: Sequence[Block], lit: int) -> None:
    """Draw the blocks, one of them lit up, their labels above and their shapes below."""
    left = 0.0
    for index, block in enumerate(blocks):
        state = "passed" if index < lit else "lit" if index == lit else "waiting"
        width, height = _block_size(block, blocks)
        hatch = "/////" if len(block.shape) == 1 else ""
        look = {"hatch": hatch, "zorder": 2, **_LOOKS[state]}
        axes.add_patch(Rectangle((left, -height / 2), width, height, **look))
        font = {"ha": "center", "fontsize": 9, "weight": "bold" if state == "lit" else "normal"}
        font["color"] = "0.45" if state == "waiting" else "black"
        axes.text(left + width / 2, _TALLEST / 2 + 0.15, block.label, va="bottom", **font)
        axes.text(left + width / 2, -_TALLEST / 2 - 0.15, block.text, va="top", **font)
        left += width + _GAP
        if index < len(blocks) - 1:
            ends = {"xy": (left - 0.1, 0), "xytext": (left - _GAP + 0.1, 0)}
            axes.annotate("", arrowprops={"arrowstyle": "->", "color": "0.4"}, **ends)
    axes.set_xlim(-0.8, left - _GAP + 0.5)
    axes.set_ylim(-_TALLEST / 2 - 0.7, _TALLEST / 2 + 1.1)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_values(axes: Axes, block: Block, value: torch.Tensor) -> None:
    """Draw a colour picture, feature maps side by side, or a row of numbers as a strip."""
    look = {"cmap": figures.SEQUENTIAL, "interpolation": "nearest"}
    if value.ndim == 1:
        axes.imshow(value[None].numpy(), aspect="auto", **look)
        for place, number in enumerate(value.tolist() if len(value) <= 4 else []):
            box = {"facecolor": "white", "edgecolor": "none"}
            axes.text(place, 0, f"{number:.2f}", ha="center", va="center", bbox=box)
        figures.plain_axes(axes, f"{block.text} numbers side by side, dark for low, light for high")
    elif block.label.startswith("input") and len(value) == 3:
        axes.imshow(value.permute(1, 2, 0).clamp(0, 1).numpy())
        figures.plain_axes(axes, f"the picture, {block.text}")
    else:
        apart = torch.nn.functional.pad(value[:_MOST_MAPS], (0, 1), value=math.nan)
        strip = apart.permute(1, 0, 2).flatten(1)[:, :-1]
        axes.imshow(strip.numpy(), **look)
        count = min(_MOST_MAPS, len(value))
        figures.plain_axes(axes, f"the first {count} of {len(value)} feature maps")


class GraphNode(NamedTuple):
    """A step of a computation, or numbers that it starts from.

    Attributes:
        name: What is written in the box; every name occurs once.
        inputs: Names of the nodes that go in, the chain's first; none for numbers that are given.
        note: Written below a step, such as the shape of its output.
        learned: Whether the node is a parameter, which training changes.
    """

    name: str
    inputs: tuple[str, ...] = ()
    note: str = ""
    learned: bool = False


def plot_computation_graph(
    nodes: Sequence[GraphNode], alt: str, *, backward: bool = False
) -> figures.LessonFigure:
    """Draw the steps of a computation from left to right, with what goes into each above it.

    Args:
        nodes: Each after those that go into it. The first stands in the row of the steps.
        alt: What the picture shows.
        backward: Draw the way of the gradients instead: dashed arrows against the direction of
            the computation, to the steps and to what is learned.

    Returns:
        The figure. Steps have round boxes; parameters thick frames, other data thin ones.

    Raises:
        ValueError: When there is no node, a name occurs twice, or an input comes later or is
            missing.

    Example:
        >>> nodes = [GraphNode("x"), GraphNode("w", learned=True), GraphNode("×", ("x", "w"))]
        >>> plot_computation_graph(nodes, "x and w go into a product.")
        <LessonFigure: x and w go into a product.>
    """
    expect(nodes, "at least one node", "none", "start with the data")
    figure, (axes,) = figures.new_figure(width=7.6, height=2.1, alt=alt)
    places, boxes = _place_nodes(nodes), {}
    for node in nodes:
        fix = "give it another name"
        expect(node.name not in boxes, "every name once", f"{node.name!r} again", fix)
        for name in node.inputs:
            what = f"the inputs of {node.name!r} before it"
            expect(name in boxes, what, f"{name!r} too late or not at all", "sort the nodes")
        boxes[node.name] = _draw_node(axes, node, *places[node.name])
    arrows = [(name, node.name) for node in nodes for name in node.inputs]
    look = {"arrowstyle": "-|>", "lw": 1.4, "shrinkA": 2, "shrinkB": 2, "color": figures.BLUE}
    if backward:
        with_gradient = {node.name for node in nodes if node.inputs or node.learned}
        arrows = [(end, start) for start, end in arrows if start in with_gradient]
        look |= {"color": figures.VERMILION, "linestyle": (0, (4, 2))}
    for start, end in arrows:
        far = abs(places[start][0] - places[end][0]) > 1.5
        look["connectionstyle"] = "arc3,rad=0.45" if far else "arc3"  # around the steps in between
        ends = {"patchA": boxes[start], "patchB": boxes[end]}
        axes.annotate("", places[end], places[start], arrowprops=look | ends)
    columns = max(x for x, _ in places.values()) + 1
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(-0.75, _ABOVE + 0.35))
    axes.set_axis_off()
    return figure


def _place_nodes(nodes: Sequence[GraphNode]) -> dict[str, tuple[float, float]]:
    """Put the first node and all steps into a row, the rest above the step that uses it."""
    row = [nodes[0], *(node for node in nodes[1:] if node.inputs)]
    places = {node.name: (float(column), 0.0) for column, node in enumerate(row)}
    for step in row:
        above = [name for name in step.inputs if name not in places]
        for index, name in enumerate(above):
            offset = (index - (len(above) - 1) / 2) * 2 * _APART
            places[name] = (places[step.name][0] + offset, _ABOVE)
    return {node.name: (0.0, _ABOVE) for node in nodes} | places  # if used by nothing


def _draw_node(axes: Axes, node: GraphNode, x: float, y: float) -> FancyBboxPatch:
    """Draw one box with its name, and below it its note."""
    width, height = (0.74 if y == 0 else 2 * _APART - 0.1), 0.44
    style = "round,pad=0,rounding_size=0.12" if node.inputs else "square,pad=0"
    look = {"boxstyle": style, "ec": "black", "fc": "0.93" if node.inputs else "white"}
    look |= {"lw": 2.2 if node.learned else 0.9, "label": node.name}
    axes.text(x, y, node.name, ha="center", va="center", fontsize=8.5)
    axes.text(x, y - height / 2 - 0.1, node.note, ha="center", va="top", fontsize=8)
    corner = (x - width / 2, y - height / 2)
    return axes.add_patch(FancyBboxPatch(corner, width, height, **look))
