"""Drawings of networks: blocks with their shapes and contents, and graphs of their computation."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba
from refusing import refusing
from torch import nn

from cnn_basics import plots
from cnn_basics.figures import BLUE, VERMILION
from cnn_basics.model import Custom_CNN, trace_shapes
from cnn_basics.plots import GraphNode

ALT = "A network, as a test draws it."
SHAPES = [(3, 28, 28), (32, 28, 28), (64, 7, 7), (3136,), (10,), (2,)]
TITLES = ["picture", "conv", "pool", "flatten", "ten", "two"]
WRITTEN = ["3×28×28", "32×28×28", "64×7×7", "3136", "10", "2"]


def check_row(axes, sizes, titles, shapes):
    """Check what is written at blocks of so many patches, and that arrows lead from each to next.

    Returns the patches of each block.
    """
    ends = np.cumsum([0, *sizes])
    blocks = [axes.patches[a:b] for a, b in pairwise(ends)]
    edges = [(b[0].get_x(), b[-1].get_x() + b[-1].get_width()) for b in blocks]
    for height, texts in (("bottom", titles), ("top", shapes)):
        written = [t for t in axes.texts if t.get_va() == height and t.get_text()]
        assert [t.get_text() for t in written] == texts
        assert [t.get_position()[0] for t in written] == pytest.approx(np.mean(edges, axis=1))
    arrows = [(t.xyann[0], t.xy[0]) for t in axes.texts if hasattr(t, "arrow_patch")]
    middle = [x for (_, start), ends in zip(edges, arrows, strict=False) for x in (start, *ends)]
    places = [edges[0][0], *middle, *edges[-1]]
    assert (len(axes.patches), len(arrows)) == (ends[-1], len(blocks) - 1)
    assert places == sorted(places)
    assert axes.get_xlim()[0] < places[0] < places[-1] < axes.get_xlim()[1]
    return blocks


def test_blocks_are_stacks_of_at_most_four_maps_and_columns_of_at_most_ten_numbers():
    (axes,) = plots.plot_blocks(TITLES, SHAPES, ALT).axes
    blocks = check_row(axes, [3, 4, 4, 10, 10, 2], TITLES, WRITTEN)
    picture, conv, pool, flatten = (patches[0] for patches in blocks[:4])
    assert picture.get_width() == conv.get_width()
    assert pool.get_width() == pytest.approx(conv.get_width() / 2)  # the root of 7 / 28
    (dots,) = [t.get_position()[0] for t in axes.texts if t.get_text() == "⋮"]
    assert dots == pytest.approx(flatten.get_x() + flatten.get_width() / 2)


def test_contents_are_the_picture_and_the_first_four_maps():
    picture, maps = torch.rand(3, 28, 28), torch.rand(32, 28, 28, requires_grad=True)
    (axes,) = plots.plot_blocks(TITLES, SHAPES, ALT, contents={0: picture, 1: maps}).axes
    check_row(axes, [1, 4, 4, 10, 10, 2], TITLES, WRITTEN)
    first, *others = (image.get_array() for image in axes.images)
    assert np.array_equal(first, picture.permute(1, 2, 0))
    assert np.array_equal(others, maps[:4].detach())
    depth = [image.get_zorder() for image in axes.images[1:]]
    assert depth == sorted(depth, reverse=True)  # the first in front


class Idle(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(3, 2), nn.Linear(9, 9)
        self.spare = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return self.used(x)


@pytest.mark.parametrize(
    ("net", "features", "steps"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4)), 4, "input 4, 0 and 1 4, 2 4."),
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), 4, "input 4, 0 4, 1 4."),
        (Idle(), 3, "input 3, used 2."),
        (nn.Linear(1, 1), 1, "input 1, model 1."),
    ],
)
def test_a_network_has_a_block_for_each_step_with_weights_or_another_shape(net, features, steps):
    figure = plots.plot_network(trace_shapes(net, (5, features)))
    assert figure.alt.split("numbers: ")[1] == steps
    assert {block.get_hatch() for block in figure.axes[0].patches} == {"/////"}


def test_a_network_is_as_high_as_its_maps_and_as_wide_as_their_number():
    figure = plots.plot_network(trace_shapes(Custom_CNN(), (1, 3, 28, 28)))
    layers = ["input", "conv1\nrelu", "max_pool2d", "conv2\nrelu", "max_pool2d", "flatten"]
    layers += ["fc1\nrelu", "fc2"]
    maps = ["3×28×28", "32×28×28", "32×14×14", "64×14×14", "64×7×7"]
    (axes,) = figure.axes
    blocks = [block for (block,) in check_row(axes, [1] * 8, layers, [*maps, "3136", "256", "2"])]
    heights, widths = zip(*((b.get_height(), b.get_width()) for b in blocks), strict=True)
    assert heights[:5] == pytest.approx([1, 1, 1 / 2, 1 / 2, 1 / 4])
    assert [w / widths[3] for w in widths[1:5]] == pytest.approx([1 / 2, 1 / 2, 1, 1])
    assert 1 > heights[5] > heights[6] > heights[7] > 0
    assert [bool(block.get_hatch()) for block in blocks] == [False] * 5 + [True] * 3
    assert axes.get_aspect() == 1
    assert "conv1 and relu 32×28×28, max_pool2d 32×14×14" in figure.alt


NODES = [
    GraphNode("x"),
    GraphNode("W", learned=True),
    GraphNode("b", learned=True),
    GraphNode("linear", ("x", "W", "b"), note="4×2"),
    GraphNode("target"),
    GraphNode("loss", ("linear", "target"), note="1"),
]


def draw_graph(nodes, **options):
    """The axes, the boxes by their names, and the arrows by the names of the boxes they join."""
    (axes,) = plots.plot_computation_graph(nodes, ALT, **options).axes
    arrows = [text.arrow_patch for text in axes.texts if hasattr(text, "arrow_patch")]
    joined = {(a.patchA.get_label(), a.patchB.get_label()): a for a in arrows}
    return axes, {p.get_label(): p for p in axes.patches}, joined


def middle(box):
    return (box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2)


def test_steps_stand_in_a_row_and_what_goes_in_above_them_without_overlap():
    axes, boxes, _ = draw_graph(NODES)
    places = {name: middle(box) for name, box in boxes.items()}
    assert [places[name] for name in ("x", "linear", "loss")] == [(0, 0), (1, 0), (2, 0)]
    assert places["target"] == pytest.approx((2, 1))
    assert places["W"][0] < 1 < places["b"][0]
    assert places["W"][1] == places["b"][1] == 1
    for one, other in combinations(boxes.values(), 2):
        (x0, y0), (x1, y1) = middle(one), middle(other)
        beside = abs(x0 - x1) > (one.get_width() + other.get_width()) / 2
        assert beside or abs(y0 - y1) > (one.get_height() + other.get_height()) / 2
    written = {t.get_text(): t.get_position() for t in axes.texts if t.get_text()}
    assert set(written) == {"x", "W", "b", "linear", "4×2", "target", "loss", "1"}
    assert written["4×2"][0] == written["linear"][0]
    assert written["4×2"][1] < written["linear"][1]
    assert {name for name, box in boxes.items() if box.get_linewidth() > 2} == {"W", "b"}
    kinds = {name: type(box.get_boxstyle()).__name__ for name, box in boxes.items()}
    assert {name for name, kind in kinds.items() if kind == "Round"} == {"linear", "loss"}


FORWARD = "x-linear W-linear b-linear linear-loss target-loss"


@pytest.mark.parametrize(
    ("backward", "wanted", "colour"),
    [(False, FORWARD, BLUE), (True, "linear-W linear-b loss-linear", VERMILION)],
)
def test_arrows_lead_to_steps_or_back_to_steps_and_parameters_only(backward, wanted, colour):
    _, _, arrows = draw_graph(NODES, backward=backward)
    assert {"-".join(ends) for ends in arrows} == set(wanted.split())
    assert {arrow.get_linestyle() == "solid" for arrow in arrows.values()} == {not backward}
    assert {arrow.get_edgecolor() for arrow in arrows.values()} == {to_rgba(colour)}


def test_an_arrow_past_other_steps_is_bent():
    nodes = [GraphNode("x"), GraphNode("f", ("x",)), GraphNode("g", ("f",))]
    _, _, arrows = draw_graph([*nodes, GraphNode("+", ("g", "f"))])
    bends = {ends: arrow.get_connectionstyle().rad for ends, arrow in arrows.items()}
    assert bends == {("x", "f"): 0, ("f", "g"): 0, ("g", "+"): 0, ("f", "+"): 0.45}


ONE = trace_shapes(nn.Conv1d(3, 4, 1), (1, 3, 5))
test_what_is_no_network_is_refused = refusing(
    (lambda: plots.plot_blocks(["one"], [(1,), (2,)], ALT), "1 titles and 2 shapes"),
    (lambda: plots.plot_blocks([], [], ALT), "0 titles and 0 shapes"),
    (lambda: plots.plot_blocks(["one"], [(1, 3, 28, 28)], ALT), r"28\): leave the batch axis"),
    (lambda: plots.plot_blocks(["one"], [(28, 28)], ALT), r"got \(28, 28\)"),
    (lambda: plots.plot_network(ONE), r"steps give \(N, C, H, W\) or \(N, D\), got \(1, 3, 5\)"),
    (lambda: draw_graph([]), "at least one node, got none"),
    (lambda: draw_graph([GraphNode("x"), GraphNode("x")]), "every name once, got 'x' again"),
    (lambda: draw_graph([GraphNode("y", ("x",))]), "the inputs of 'y' before it, got 'x' too late"),
)
