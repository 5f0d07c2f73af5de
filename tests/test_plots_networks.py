"""Drawings of networks: blocks, what travels through them, and graphs of their computation."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyBboxPatch, Rectangle
from torch import nn

from cnn_basics import figures, plots
from cnn_basics.figures import BLUE, VERMILION
from cnn_basics.model import Custom_CNN, trace_shapes
from cnn_basics.plots import GraphNode, networks
from cnn_basics.plots.networks import network_blocks

TRACE = trace_shapes(Custom_CNN(), (1, 3, 28, 28))
BLOCKS = [
    ("input", "3×28×28"),
    ("conv1\nrelu", "32×28×28"),
    ("max_pool2d", "32×14×14"),
    ("conv2\nrelu", "64×14×14"),
    ("max_pool2d", "64×7×7"),
    ("flatten", "3136"),
    ("fc1\nrelu", "256"),
    ("fc2", "2"),
]


@pytest.fixture
def drawings(monkeypatch):
    """Collect every figure that becomes a frame."""
    kept = []
    draw = figures.figure_to_array
    monkeypatch.setattr(figures, "figure_to_array", lambda f: (kept.append(f), draw(f))[1])
    return kept


def rectangles(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


class Idle(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(3, 2), nn.Linear(9, 9)
        self.spare = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return self.used(x)


@pytest.mark.parametrize(
    ("net", "features", "labels"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)), 4, ["input", "0\n1", "2"]),
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), 4, ["input", "0", "1"]),
        (Idle(), 3, ["input", "used"]),
    ],
)
def test_a_block_for_each_step_with_weights_or_another_shape(net, features, labels):
    blocks = network_blocks(trace_shapes(net, (5, features)))
    assert [block.label for block in blocks] == labels


def test_only_maps_and_rows_are_drawn():
    with pytest.raises(ValueError, match=r"steps give \(N, C, H, W\) or \(N, D\), got \(1, 3, 5\)"):
        network_blocks(trace_shapes(nn.Conv1d(3, 4, 1), (1, 3, 5)))


def test_drawing_is_as_high_as_the_maps_and_as_wide_as_the_channels():
    figure = plots.plot_network(TRACE)
    (axes,) = figure.axes
    blocks = rectangles(axes)
    assert len(blocks) == 8
    heights = [block.get_height() for block in blocks]
    widths = [block.get_width() for block in blocks]
    assert max(heights) == pytest.approx(networks._TALLEST)
    assert max(widths) == pytest.approx(networks._WIDEST)
    assert [h / heights[0] for h in heights[:5]] == pytest.approx([1, 1, 1 / 2, 1 / 2, 1 / 4])
    assert [w / widths[3] for w in widths[1:5]] == pytest.approx([1 / 2, 1 / 2, 1, 1])
    assert heights[5] > heights[6] > heights[7] > 0
    assert [bool(block.get_hatch()) for block in blocks] == [False] * 5 + [True] * 3
    ends = [(block.get_x(), block.get_x() + block.get_width()) for block in blocks]
    assert all(a[1] < b[0] for a, b in pairwise(ends))
    assert axes.get_xlim()[0] < ends[0][0]
    assert ends[-1][1] < axes.get_xlim()[1]
    assert axes.get_aspect() == 1


def test_drawing_names_steps_and_shapes():
    figure = plots.plot_network(TRACE)
    texts = [text.get_text() for text in figure.axes[0].texts if text.get_text()]
    assert list(zip(texts[::2], texts[1::2], strict=True)) == BLOCKS
    assert "conv1 and relu 32×28×28, max_pool2d 32×14×14" in figure.alt
    assert figure.alt.endswith("flatten 3136, fc1 and relu 256, fc2 2.")


def test_a_network_without_maps_can_be_drawn():
    figure = plots.plot_network(trace_shapes(nn.Linear(1, 1), (1, 1)))
    assert [block.get_hatch() for block in rectangles(figure.axes[0])] == ["/////"] * 2


def test_the_picture_lights_up_one_block_after_the_other_and_its_numbers_are_shown(drawings):
    net = nn.Sequential(nn.Conv2d(3, 9, 3), nn.Flatten(), nn.Linear(108, 2))
    values = [torch.rand(3, 5, 6), torch.rand(9, 3, 4), torch.rand(108), torch.tensor([1.0, -2.0])]
    animation = plots.animate_forward(trace_shapes(net, (1, 3, 5, 6)), values)
    assert animation.frames.shape[0] == len(drawings) == 4
    assert set(np.unique(animation.frames)) <= set(range(0, 256, 17))
    assert "4 blocks, from 3×5×6 to 2 numbers" in animation.alt
    for index, figure in enumerate(drawings):
        blocks = rectangles(figure.axes[0])
        widths = [1.5] * index + [3.5] + [1.0] * (3 - index)
        assert [block.get_linewidth() for block in blocks] == widths
        styles = ["-"] * (index + 1) + ["--"] * (3 - index)
        assert [block.get_linestyle() for block in blocks] == styles
    below = [figure.axes[1] for figure in drawings]
    shown = [axes.images[0].get_array() for axes in below]
    assert np.array_equal(shown[0], values[0].permute(1, 2, 0))
    assert shown[1].shape == (3, 8 * 5 - 1)
    assert np.array_equal(shown[1][:, :4], values[1][0])
    assert np.isnan(np.ma.filled(shown[1][:, 4], np.nan)).all()
    assert np.array_equal(shown[1][:, 35:], values[1][7])
    assert [list(shown[2][0]), list(shown[3][0])] == [values[2].tolist(), [1, -2]]
    assert [[text.get_text() for text in axes.texts] for axes in below[2:]] == [
        [],
        ["1.00", "-2.00"],
    ]
    titles = [axes.get_title() for axes in below]
    assert titles[:2] == ["the picture, 3×5×6", "the first 8 of 9 feature maps"]
    assert titles[3].startswith("2 numbers side by side")


def test_the_values_must_be_those_of_the_blocks():
    trace = trace_shapes(nn.Linear(3, 2), (1, 3))
    with pytest.raises(ValueError, match=r"shapes \[\(3,\), \(2,\)\], got \[\(1, 3\), \(1, 2\)\]"):
        plots.animate_forward(trace, [torch.zeros(1, 3), torch.zeros(1, 2)])


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


def test_steps_stand_in_a_row_and_what_goes_in_above_them_without_overlap():
    (axes,) = plots.plot_computation_graph(NODES, ALT).axes
    found = boxes(axes)
    places = {name: middle(box) for name, box in found.items()}
    assert [places[name] for name in ("x", "linear", "loss")] == [(0, 0), (1, 0), (2, 0)]
    assert places["target"] == pytest.approx((2, 1))
    assert places["W"][0] < 1 < places["b"][0]
    assert places["W"][1] == places["b"][1] == 1
    for one, other in combinations(found.values(), 2):
        (x0, y0), (x1, y1) = middle(one), middle(other)
        beside = abs(x0 - x1) > (one.get_width() + other.get_width()) / 2
        assert beside or abs(y0 - y1) > (one.get_height() + other.get_height()) / 2


def test_each_node_has_its_name_its_note_and_its_kind_of_box():
    (axes,) = plots.plot_computation_graph(NODES, ALT).axes
    written = {t.get_text(): t.get_position() for t in axes.texts if t.get_text()}
    assert set(written) == {"x", "W", "b", "linear", "4×2", "target", "loss", "1"}
    assert written["4×2"][0] == written["linear"][0]
    assert written["4×2"][1] < written["linear"][1]
    found = boxes(axes)
    assert {name for name, box in found.items() if box.get_linewidth() > 2} == {"W", "b"}
    kinds = {name: type(box.get_boxstyle()).__name__ for name, box in found.items()}
    assert {name for name, kind in kinds.items() if kind == "Round"} == {"linear", "loss"}


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


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([], "at least one node, got none"),
        ([GraphNode("x"), GraphNode("x")], "every name once, got 'x' again"),
        ([GraphNode("y", ("x",)), GraphNode("x")], "inputs of 'y' before it, got 'x'"),
    ],
)
def test_what_is_no_graph_is_refused(nodes, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_computation_graph(nodes, ALT)
