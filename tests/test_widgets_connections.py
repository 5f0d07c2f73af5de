"""The connections explorer: counts against PyTorch, every setting, and what is refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.plots.connections import plot_connections
from cnn_basics.widgets.connections import (
    KERNEL_SIZES,
    KERNELS,
    PHOTOS,
    SIZES,
    count_connections,
)

SETTINGS = [
    (size, kernel_size, kernels)
    for size in (*SIZES, *PHOTOS)
    for kernel_size in KERNEL_SIZES
    if kernel_size <= size
    for kernels in KERNELS
]


def test_counts_are_those_of_pytorchs_layers():
    for size, kernel_size, kernels in SETTINGS:
        counts = count_connections(size, kernel_size, kernels)
        with torch.device("meta"):
            conv = nn.Conv2d(1, kernels, kernel_size)
            outputs = conv(torch.zeros(1, 1, size, size)).numel()
            full = nn.Linear(size * size, outputs)
        assert (counts["inputs"], counts["outputs"]) == (size * size, outputs)
        assert (counts["weights"], counts["biases"]) == (conv.weight.numel(), conv.bias.numel())
        assert counts["full_weights"] == full.weight.numel()
        assert counts["full_biases"] == full.bias.numel()
        both = [sum(p.numel() for p in layer.parameters()) for layer in (full, conv)]
        assert counts["times"] == round(both[0] / both[1])


@pytest.mark.parametrize(("size", "kernel_size", "kernels"), [(4, 1, 1), (6, 3, 2), (7, 5, 1)])
def test_connections_are_the_inputs_that_move_each_output(size, kernel_size, kernels):
    weight = torch.ones(kernels, 1, kernel_size, kernel_size)
    x = torch.zeros(1, 1, size, size)
    moved = torch.autograd.functional.jacobian(lambda x: F.conv2d(x, weight), x).count_nonzero()
    assert count_connections(size, kernel_size, kernels)["connections"] == moved


def test_every_setting_has_its_counts():
    explorer = widgets.connections_explorer()
    assert len(explorer.counts) == len(SETTINGS)
    for size, kernel_size, kernels in SETTINGS:
        assert explorer.counts[f"{size} {kernel_size} {kernels}"]["biases"] == kernels


def test_every_control_over_its_range():
    explorer = widgets.connections_explorer(12)
    explorer.unit = [9, 9]
    for size in reversed(SIZES):
        for kernel_size in (k for k in KERNEL_SIZES if k <= size):
            explorer.size, explorer.kernel_size, explorer.unit = size, kernel_size, [99, 0]
            assert explorer.unit == [size - kernel_size, 0]
        assert f"Output ({size - kernel_size}, 0)" in explorer.still().alt


def test_kernel_and_unit_shrink_with_the_input():
    explorer = widgets.connections_explorer(6)
    explorer.kernel_size = 5
    explorer.size = 4
    assert (explorer.kernel_size, explorer.unit) == (4, [0, 0])


def test_the_picture_names_the_weights():
    explorer = widgets.connections_explorer(6)
    assert "weights 217 to 252, its own" in explorer.still().alt
    assert "weights a to i, the same for every output" in explorer.still().alt
    full, _, convolution, _ = explorer.still().axes
    assert [text.get_text() for text in full.texts] == [str(n) for n in range(217, 253)]
    assert "".join(text.get_text() for text in convolution.texts) == "abcdefghi"
    places = [text.get_position() for text in convolution.texts if text.get_text()]
    assert (places[0], places[-1]) == ((2, 1), (4, 3))


def test_names_that_cannot_be_read_are_left_out():
    full = plot_connections(12, 3, (0, 0)).axes[0]
    assert not any(text.get_text() for text in full.texts)


@pytest.mark.parametrize("size", [3, 13, 6.5])
def test_other_sizes_are_refused(size):
    with pytest.raises(TraitError, match="size"):
        widgets.connections_explorer(size)


def test_an_output_outside_is_refused():
    with pytest.raises(ValueError, match=r"expected a unit inside the 4×4 output, got \(4, 0\)"):
        plot_connections(6, 3, (4, 0))


def test_what_is_stored_says_what_is_shown():
    data, metadata = widgets.connections_explorer()._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"]
    assert repr(widgets.connections_explorer()) == "<ConnectionsExplorer>"
