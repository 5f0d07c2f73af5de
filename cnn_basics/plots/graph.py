"""A computation graph: which numbers go into which step, and how gradients travel back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from cnn_basics.figures import BLACK, BLUE, VERMILION, LessonFigure, new_figure

Point = tuple[float, float]

_STEP_HEIGHT, _STEP_WIDTH = 0.44, 0.74  # of a box; columns are 1 apart
_ABOVE = 1.0  # how far above the steps parameters and data stand
_APART = 0.27  # from the column's middle, where two stand there


@dataclass(frozen=True)
class GraphNode:
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
) -> LessonFigure:
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
        >>> len(plot_computation_graph(nodes, "x and w go into a product.").axes[0].texts)
        3
    """
    _check_nodes(nodes)
    places = _place(nodes)
    columns = max(x for x, _ in places.values()) + 1
    figure, (axes,) = new_figure(width=7.6, height=2.1, alt=alt)
    for node in nodes:
        _draw_node(axes, node, places[node.name])
    by_name = {node.name: node for node in nodes}
    for node in nodes:
        for name in node.inputs:
            if not backward:
                _draw_arrow(axes, places[name], places[node.name], BLUE, "-")
            elif by_name[name].inputs or by_name[name].learned:
                _draw_arrow(axes, places[node.name], places[name], VERMILION, (0, (4, 2)))
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(-0.75, _ABOVE + 0.35))
    axes.set_axis_off()
    return figure


def _check_nodes(nodes: Sequence[GraphNode]) -> None:
    """Refuse nodes that make no graph."""
    if not nodes:
        raise ValueError("expected at least one node, got none: start with the data")
    known: set[str] = set()
    for node in nodes:
        if node.name in known:
            raise ValueError(
                f"expected every name once, got {node.name!r} again: give it another name"
            )
        missing = [name for name in node.inputs if name not in known]
        if missing:
            raise ValueError(
                f"expected the inputs of {node.name!r} before it, got {missing[0]!r} too late or "
                "not at all: sort the nodes"
            )
        known.add(node.name)


def _place(nodes: Sequence[GraphNode]) -> dict[str, Point]:
    """Put the first node and all steps into a row, the rest above the step that uses it."""
    row = [nodes[0], *(node for node in nodes[1:] if node.inputs)]
    places = {node.name: (float(column), 0.0) for column, node in enumerate(row)}
    for step in row:
        above = [name for name in step.inputs if name not in places]
        for index, name in enumerate(above):
            offset = (index - (len(above) - 1) / 2) * 2 * _APART
            places[name] = (places[step.name][0] + offset, _ABOVE)
    for node in nodes:
        places.setdefault(node.name, (0.0, _ABOVE))  # used by nothing
    return places


def _draw_node(axes: Axes, node: GraphNode, place: Point) -> None:
    """Draw one box with its name, and below it its note."""
    x, y = place
    width = _STEP_WIDTH if y == 0 else 2 * _APART - 0.1
    style = "round,pad=0,rounding_size=0.12" if node.inputs else "square,pad=0"
    corner = (x - width / 2, y - _STEP_HEIGHT / 2)
    thick = 2.2 if node.learned else 0.9
    face = "0.93" if node.inputs else "white"
    box = FancyBboxPatch(
        corner, width, _STEP_HEIGHT, boxstyle=style, fc=face, ec=BLACK, lw=thick, label=node.name
    )
    axes.add_patch(box)
    axes.text(x, y, node.name, ha="center", va="center", fontsize=8.5)
    if node.note:
        axes.text(x, y - _STEP_HEIGHT / 2 - 0.1, node.note, ha="center", va="top", fontsize=8)


def _draw_arrow(
    axes: Axes, start: Point, end: Point, colour: str, line: str | tuple[int, tuple[int, int]]
) -> None:
    """Draw an arrow from the edge of one box to the edge of another."""
    (x0, y0), (x1, y1) = start, end
    down = (_STEP_HEIGHT / 2 + 0.03) * ((y1 > y0) - (y1 < y0))
    along = (_STEP_WIDTH / 2 + 0.02) * ((x1 > x0) - (x1 < x0)) if not down else 0.0
    curve = "arc3,rad=0.45" if abs(x1 - x0) > 1.5 else "arc3"  # around the steps in between
    arrow = FancyArrowPatch(
        (x0 + along, y0 + down),
        (x1 - along, y1 - down),
        arrowstyle="-|>",
        mutation_scale=10,
        connectionstyle=curve,
        color=colour,
        linestyle=line,
        linewidth=1.4,
        shrinkA=0,
        shrinkB=0,
    )
    axes.add_patch(arrow)
