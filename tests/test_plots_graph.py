"""Computation graphs: where boxes stand, and which of them arrows join."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyBboxPatch

from cnn_basics import plots
from cnn_basics.figures import BLUE, VERMILION
from cnn_basics.plots import GraphNode

ALT = "A small graph, as a test draws it."
NODES = [
    GraphNode("x"),
    GraphNode("W", learned=True),
    GraphNode("b", learned=True),
    GraphNode("linear", ("x", "W", "b"), note="4×2"),
    GraphNode("target"),
    GraphNode("loss", ("linear", "target"), note="1"),
]


def boxes(axes):
    return {p.get_label(): p for p in axes.patches if isinstance(p, FancyBboxPatch)}


def middle(box):
    return (box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2)


def arrows(axes):
    """Arrows as {(from, to): arrow}, by the names of their boxes."""
    drawn = [text.arrow_patch for text in axes.texts if getattr(text, "arrow_patch", None)]
    return {(a.patchA.get_label(), a.patchB.get_label()): a for a in drawn}


def test_steps_stand_in_a_row_and_what_goes_in_above_them():
    (axes,) = plots.plot_computation_graph(NODES, ALT).axes
    places = {name: middle(box) for name, box in boxes(axes).items()}
    assert [places[name] for name in ("x", "linear", "loss")] == [(0, 0), (1, 0), (2, 0)]
    assert places["target"] == pytest.approx((2, 1))
    assert places["W"][0] < 1 < places["b"][0]
    assert places["W"][1] == places["b"][1] == 1


def test_each_node_has_its_name_and_its_note():
    (axes,) = plots.plot_computation_graph(NODES, ALT).axes
    written = {t.get_text(): t.get_position() for t in axes.texts if t.get_text()}
    assert set(written) == {"x", "W", "b", "linear", "4×2", "target", "loss", "1"}
    assert written["4×2"][0] == written["linear"][0]
    assert written["4×2"][1] < written["linear"][1]


def test_parameters_have_thick_frames_and_steps_round_boxes():
    (axes,) = plots.plot_computation_graph(NODES, ALT).axes
    found = boxes(axes)
    assert {name for name, box in found.items() if box.get_linewidth() > 2} == {"W", "b"}
    kinds = {name: type(box.get_boxstyle()).__name__ for name, box in found.items()}
    assert {name for name, kind in kinds.items() if kind == "Round"} == {"linear", "loss"}


def test_boxes_do_not_overlap():
    found = boxes(plots.plot_computation_graph(NODES, ALT).axes[0])
    for one in found.values():
        for other in found.values():
            if one is other:
                continue
            (x0, y0), (x1, y1) = middle(one), middle(other)
            beside = abs(x0 - x1) > (one.get_width() + other.get_width()) / 2
            assert beside or abs(y0 - y1) > (one.get_height() + other.get_height()) / 2


def test_forward_arrows_lead_from_inputs_to_steps():
    (axes,) = plots.plot_computation_graph(NODES, ALT).axes
    found = arrows(axes)
    wanted = {("x", "linear"), ("W", "linear"), ("b", "linear"), ("linear", "loss")}
    assert set(found) == wanted | {("target", "loss")}
    looks = {(a.get_linestyle(), a.get_edgecolor()) for a in found.values()}
    assert looks == {("solid", to_rgba(BLUE))}


def test_backward_arrows_lead_to_steps_and_parameters_only():
    (axes,) = plots.plot_computation_graph(NODES, ALT, backward=True).axes
    found = arrows(axes)
    assert set(found) == {("linear", "W"), ("linear", "b"), ("loss", "linear")}
    assert all(a.get_linestyle() != "solid" for a in found.values())
    assert {a.get_edgecolor() for a in found.values()} == {to_rgba(VERMILION)}


def test_an_arrow_past_other_steps_is_bent():
    nodes = [GraphNode("x"), GraphNode("f", ("x",)), GraphNode("g", ("f",))]
    nodes.append(GraphNode("+", ("g", "f")))
    (axes,) = plots.plot_computation_graph(nodes, ALT).axes
    bends = {ends: a.get_connectionstyle().rad for ends, a in arrows(axes).items()}
    assert bends == {("x", "f"): 0, ("f", "g"): 0, ("g", "+"): 0, ("f", "+"): 0.45}


REFUSED = [
    ([], "at least one node, got none"),
    ([GraphNode("x"), GraphNode("x")], "every name once, got 'x' again"),
    ([GraphNode("y", ("x",)), GraphNode("x")], "inputs of 'y' before it, got 'x'"),
]


@pytest.mark.parametrize(("nodes", "message"), REFUSED)
def test_what_is_no_graph_is_refused(nodes, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_computation_graph(nodes, ALT)
