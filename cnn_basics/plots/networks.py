"""Networks as drawings: blocks from left to right, and graphs of their computation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from cnn_basics.expect import expect
from cnn_basics.figures import BLACK, BLUE, SEQUENTIAL, VERMILION, LessonFigure, new_figure
from cnn_basics.plots.grids import write_size

if TYPE_CHECKING:
    from cnn_basics.model import ShapeTrace

_GAP = 0.5  # between blocks, the highest of which are about 1 high
_MAPS, _SHIFT = 4, 0.05  # so many maps of a stack are drawn, each shifted so far
_CELLS, _CELL = 10, 0.09  # so many numbers of a column are drawn, each so large
_ABOVE, _APART = 1.0, 0.27  # in a graph: how high, and half how far apart, inputs of steps stand


def plot_blocks(
    titles: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
    alt: str,
    contents: Mapping[int, torch.Tensor] | None = None,
) -> LessonFigure:
    """Draw a network from left to right: stacks of maps, then columns of numbers.

    The shapes are those of one picture: `(C, H, W)`, drawn as a stack of at most 4 squares, or
    `(n,)`, drawn as a column of cells with dots where there are more than 10. Some of the stacks,
    by index, may have `contents` `(C, H, W)`, float: three channels from 0 to 1 are drawn as one
    colour picture, others as maps. A title may have a line break.

    Example:
        >>> plot_blocks(["in", "out"], [(1, 8, 8), (2,)], "A picture becomes two numbers.")
        <LessonFigure: A picture becomes two numbers.>
    """
    got = f"{len(titles)} titles and {len(shapes)} shapes"
    what, fix = "one title for each of at least one shape", "give both lists the same length"
    expect(len(titles) == len(shapes) > 0, what, got, fix)
    for shape in shapes:
        what, fix = "shapes (C, H, W) or (n,) of one picture", "leave the batch axis N away"
        expect(len(shape) in (1, 3), what, str(tuple(shape)), fix)
    figure, (axes,) = new_figure(width=7.6, height=2.0, alt=alt)
    tallest = max((shape[1] for shape in shapes if len(shape) == 3), default=1)
    left, edges = 0.0, []
    for index, shape in enumerate(shapes):
        if len(shape) == 3:
            side = 0.6 * (shape[1] / tallest) ** 0.5
            right = _draw_stack(axes, left, side, shape[0], (contents or {}).get(index))
        else:
            right = _draw_column(axes, left, shape[0])
        edges.append((left, right))
        left = right + _GAP
    _join_blocks(axes, edges, titles, shapes)
    return figure


def _draw_stack(
    axes: Axes, left: float, side: float, maps: int, content: torch.Tensor | None
) -> float:
    """Draw squares, each to the upper right of the one before it; returns their right edge."""
    pictures = [None] * min(maps, _MAPS)
    if content is not None:
        pixels = content.detach().cpu().numpy()
        pictures = [np.moveaxis(pixels, 0, -1)] if maps == 3 else list(pixels[:_MAPS])
    bottom = -side / 2 - _SHIFT * (len(pictures) - 1) / 2
    for layer, picture in enumerate(pictures):
        x, y = left + layer * _SHIFT, bottom + layer * _SHIFT
        if picture is not None:
            axes.imshow(picture, SEQUENTIAL, extent=(x, x + side, y, y + side), zorder=-layer)
        face = "none" if picture is not None else str(0.95 - 0.08 * layer)
        axes.add_patch(Rectangle((x, y), side, side, fc=face, ec=BLACK, lw=0.8, zorder=-layer))
    return x + side


def _draw_column(axes: Axes, left: float, numbers: int) -> float:
    """Draw numbers as a column of cells; returns its right edge."""
    cells, look = min(numbers, _CELLS), {"fc": "0.95", "ec": BLACK, "lw": 0.8}
    for cell in range(cells):
        corner = (left, (cell - cells / 2) * _CELL)
        axes.add_patch(Rectangle(corner, _CELL, _CELL, **look))
    if numbers > _CELLS:
        style = {"ha": "center", "va": "center", "fontsize": 11, "backgroundcolor": "white"}
        axes.text(left + _CELL / 2, 0, "⋮", **style)
    return left + _CELL


def plot_network(trace: ShapeTrace) -> LessonFigure:
    """Draw a network without branches as blocks, one for each step with weights or another shape.

    The `trace` is what `cnn_basics.model.trace_shapes` found. Blocks are as high as their feature
    maps and as wide as their number; rows of numbers are hatched strips, not to scale.

    Example:
        >>> from cnn_basics.model import trace_shapes
        >>> figure = plot_network(trace_shapes(torch.nn.Linear(3, 2), (1, 3)))
        >>> figure.alt.split(": ")[1]
        'input 3, model 2.'
    """
    titles, shapes = _list_steps(trace)
    steps = ", ".join(
        f"{title.replace(chr(10), ' and ')} {write_size(shape)}"
        for title, shape in zip(titles, shapes, strict=True)
    )
    alt = (
        "The network as blocks from left to right, as high as their maps and as wide as their "
        f"number of channels, with hatched strips for rows of numbers: {steps}."
    )
    figure, (axes,) = new_figure(height=2.4, alt=alt)
    sizes = [shape[:2] for shape in shapes if len(shape) == 3] or [(1, 1)]
    most, tallest = (max(each) for each in zip(*sizes, strict=True))
    left, edges = 0.0, []
    for shape in shapes:
        width, height = 0.07, min(1.0, 0.15 + 0.07 * math.log2(shape[0]))
        if len(shape) == 3:
            width, height = max(0.03, 0.46 * shape[0] / most), shape[1] / tallest
        look = {"fc": "0.9", "ec": BLUE, "lw": 1.5, "hatch": "" if len(shape) == 3 else "/////"}
        axes.add_patch(Rectangle((left, -height / 2), width, height, **look))
        edges.append((left, left + width))
        left += width + _GAP
    _join_blocks(axes, edges, titles, shapes)
    return figure


def _list_steps(trace: ShapeTrace) -> tuple[list[str], list[tuple[int, ...]]]:
    """List the input and the steps with their shapes; what changes neither joins the one before."""
    rows = [row for row in trace.rows if row.kind != "Parameter" and row.note != "not called"]
    titles, shapes = [], []
    steps = [("input", rows[0].input_shape, 0)]
    for title, shape, parameters in steps + [(r.layer, r.output_shape, r.parameters) for r in rows]:
        drawable = len(shape) in (2, 4) and all(isinstance(size, int) for size in shape)
        what = "a network whose steps give (N, C, H, W) or (N, D)"
        expect(drawable, what, f"{shape}", "draw a network without branches")
        if shapes and tuple(shape[1:]) == shapes[-1] and not parameters:
            titles[-1] += f"\n{title}"
        else:
            titles.append(title)
            shapes.append(tuple(shape[1:]))
    return titles, shapes


def _join_blocks(
    axes: Axes,
    edges: Sequence[tuple[float, float]],
    titles: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
) -> None:
    """Write titles above blocks and shapes below them, and draw an arrow from each to the next."""
    for (left, right), title, shape in zip(edges, titles, shapes, strict=True):
        axes.text((left + right) / 2, 0.54, title, ha="center", va="bottom", fontsize=9)
        axes.text((left + right) / 2, -0.56, write_size(shape), ha="center", va="top", fontsize=9)
    for (_, start), (end, _) in pairwise(edges):
        arrow = {"arrowstyle": "->", "lw": 1.2}
        axes.annotate("", (end - 0.05, 0), (start + 0.05, 0), arrowprops=arrow)
    axes.set(xlim=(-0.3, edges[-1][1] + 0.3), ylim=(-0.8, 0.9), aspect="equal")
    axes.set_axis_off()


class GraphNode(NamedTuple):
    """A step of a computation, or numbers that it starts from, which have no inputs."""

    name: str  # what is written in the box; every name occurs once
    inputs: tuple[str, ...] = ()  # names of the nodes that go in, the chain's first
    note: str = ""  # written below a step, such as the shape of its output
    learned: bool = False  # whether the node is a parameter, which training changes


def plot_computation_graph(
    nodes: Sequence[GraphNode], alt: str, *, backward: bool = False
) -> LessonFigure:
    """Draw the steps of a computation from left to right, with what goes into each above it.

    Nodes stand after those that go into them; the first stands in the row of the steps. Steps have
    round boxes, parameters thick frames, other data thin ones. `backward` draws the way of the
    gradients instead: dashed arrows the other way, to the steps and to what is learned.

    Example:
        >>> nodes = [GraphNode("x"), GraphNode("w", learned=True), GraphNode("×", ("x", "w"))]
        >>> plot_computation_graph(nodes, "x and w go into a product.")
        <LessonFigure: x and w go into a product.>
    """
    expect(nodes, "at least one node", "none", "start with the data")
    figure, (axes,) = new_figure(width=7.6, height=2.1, alt=alt)
    places, boxes = _place_nodes(nodes), {}
    for node in nodes:
        fix = "give it another name"
        expect(node.name not in boxes, "every name once", f"{node.name!r} again", fix)
        for name in node.inputs:
            what = f"the inputs of {node.name!r} before it"
            expect(name in boxes, what, f"{name!r} too late or not at all", "sort the nodes")
        boxes[node.name] = _draw_node(axes, node, *places[node.name])
    arrows = [(name, node.name) for node in nodes for name in node.inputs]
    look = {"arrowstyle": "-|>", "lw": 1.4, "shrinkA": 2, "shrinkB": 2, "color": BLUE}
    if backward:
        with_gradient = {node.name for node in nodes if node.inputs or node.learned}
        arrows = [(end, start) for start, end in arrows if start in with_gradient]
        look |= {"color": VERMILION, "linestyle": (0, (4, 2))}
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
