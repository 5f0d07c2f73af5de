"""The data behind drawings of networks: blocks, and the values that travel through them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle
from torch import nn

from cnn_basics import plots
from cnn_basics.figures import BLUE, VERMILION
from cnn_basics.model import Custom_CNN, trace_shapes
from cnn_basics.plots import networks
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
    draw = networks.figure_to_array
    monkeypatch.setattr(networks, "figure_to_array", lambda f: (kept.append(f), draw(f))[1])
    return kept


def rectangles(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_a_block_for_each_step_that_changes_the_shape():
    assert [(b.label, b.text) for b in network_blocks(TRACE)] == BLOCKS


def test_layers_that_keep_the_shape_join_the_block_before_them():
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    net.spare = nn.Parameter(torch.ones(2))
    blocks = network_blocks(trace_shapes(net, (5, 4)))
    assert [b.label for b in blocks] == ["input", "0\n1", "2"]
    assert [b.shape for b in blocks] == [(4,)] * 3


def test_layers_with_weights_have_a_block_of_their_own():
    trace = trace_shapes(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), (5, 4))
    assert [b.label for b in network_blocks(trace)] == ["input", "0", "1"]


def test_layers_that_are_never_called_are_no_blocks():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(3, 2), nn.Linear(9, 9)

        def forward(self, x):
            return self.used(x)

    assert [b.label for b in network_blocks(trace_shapes(Idle(), (1, 3)))] == [
        "input",
        "used",
    ]


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


def test_the_picture_lights_up_one_block_after_the_other(drawings):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(48, 2))
    values = [torch.rand(3, 5, 6), torch.rand(4, 3, 4), torch.rand(48), torch.tensor([1.0, -2.0])]
    animation = plots.animate_forward(trace_shapes(net, (1, 3, 5, 6)), values, maps=2)
    assert animation.frames.shape[0] == len(drawings) == 4
    assert set(np.unique(animation.frames)) <= set(range(0, 256, 17))
    for index, figure in enumerate(drawings):
        widths = [block.get_linewidth() for block in rectangles(figure.axes[0])]
        assert widths == [1.5] * index + [3.5] + [1.0] * (3 - index)
        styles = [block.get_linestyle() for block in rectangles(figure.axes[0])]
        assert styles == ["-"] * (index + 1) + ["--"] * (3 - index)
    assert "4 blocks, from 3×5×6 to 2 numbers" in animation.alt
    assert "the first 2 at most" in animation.alt


def test_below_the_blocks_are_the_numbers_themselves(drawings):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(48, 2))
    values = [torch.rand(3, 5, 6), torch.rand(4, 3, 4), torch.rand(48), torch.tensor([1.0, -2.0])]
    plots.animate_forward(trace_shapes(net, (1, 3, 5, 6)), values, maps=2)
    shown = [figure.axes[1].images[0].get_array() for figure in drawings]
    assert np.array_equal(shown[0], values[0].permute(1, 2, 0))
    assert np.array_equal(shown[1][:, :4], values[1][0])
    assert np.isnan(np.ma.filled(shown[1][:, 4], np.nan)).all()
    assert np.array_equal(shown[1][:, 5:], values[1][1])
    assert [list(shown[2][0]), list(shown[3][0])] == [values[2].tolist(), [1, -2]]
    assert [text.get_text() for text in drawings[3].axes[1].texts] == ["1.00", "-2.00"]
    assert drawings[2].axes[1].texts[:] == []
    titles = [figure.axes[1].get_title() for figure in drawings]
    assert titles[:2] == ["the picture, 3×5×6", "the first 2 of 4 feature maps"]
    assert titles[3].startswith("2 numbers side by side")


def test_the_values_must_be_those_of_the_blocks():
    trace = trace_shapes(nn.Linear(3, 2), (1, 3))
    with pytest.raises(ValueError, match=r"shapes \[\(3,\), \(2,\)\], got \[\(1, 3\), \(1, 2\)\]"):
        plots.animate_forward(trace, [torch.zeros(1, 3), torch.zeros(1, 2)])


def test_colours_are_never_alone():
    looks = list(networks._LOOKS.values())
    assert len({(look["linestyle"], look["linewidth"]) for look in looks}) == 3
    assert {look["ec"] for look in looks} >= {BLUE, VERMILION}
