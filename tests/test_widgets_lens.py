"""The convolution lens in Python: what it takes, refuses, computes and draws."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from cnn_basics.widgets import convolution_lens
from cnn_basics.widgets.lens import PRESETS, SAMPLE, read_kernel

settings = {name: st.integers(1, 3) for name in ("stride", "dilation")}
settings |= {"padding": st.integers(0, 3), "transposed": st.booleans(), "bias": st.floats(-5, 5)}


@given(
    st.fixed_dictionaries(settings),
    st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 1), (3, 3)]),
    st.integers(1, 5),
)
def test_output_is_pytorchs(options, channels_and_groups, k):
    channels, groups = channels_and_groups
    x, kernel = torch.randn(channels, 7, 9).double(), torch.randn(channels, k, k).double()
    lens = convolution_lens(x, kernel, groups=groups, **options)
    call, weight = F.conv2d, kernel.view(groups, channels // groups, k, k)
    if options.pop("transposed"):
        call, weight = F.conv_transpose2d, kernel[:, None]
    bias = torch.full((groups,), options.pop("bias"), dtype=torch.float64)
    try:
        wanted = call(x[None], weight, bias, groups=groups, **options)[0]
    except RuntimeError:
        with pytest.raises(ValueError, match="expected settings with an output, got none"):
            _ = lens.output
    else:
        assert torch.equal(lens.output, wanted)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_shape_and_sum_that_their_name_promises(name):
    for size, matrix in PRESETS[name].items():
        tensor = torch.tensor(matrix, dtype=torch.float64)
        assert tensor.shape == (int(size), int(size))
        assert torch.equal(tensor, tensor.T) or name.startswith("Sobel")
        edges = ("Sobel left–right", "Sobel top–bottom", "Laplacian")
        assert abs(tensor.sum().item() - (0 if name in edges else 1)) < 1e-12


def test_a_kernel_for_all_channels_or_one_slice_for_each_and_exact_fractions():
    assert read_kernel(torch.eye(2), 3) == [torch.eye(2).tolist()] * 3
    slices = np.arange(8, dtype=np.uint8).reshape(2, 2, 2)
    assert read_kernel(slices, 2) == slices.tolist()
    assert read_kernel("box blur", 1)[0][0][0] == 1 / 9
    assert convolution_lens([[0.1, 0.7]], [[1.0]], stride=np.int64(2)).x == [[[0.1, 0.7]]]


def test_settings_from_python_change_the_output_and_may_be_numpys():
    lens = convolution_lens()
    assert (lens.x, lens.kernel) == ([SAMPLE], [PRESETS["Sobel left–right"]["3"]])
    lens.stride, lens.kernel, lens.bias = np.int64(2), torch.ones(2, 2), np.float32(1.5)
    lens.x, lens.selected = torch.ones(4, 5), ["output", *np.array([0, 1, 1])]
    assert torch.equal(lens.output, torch.full((1, 2, 2), 5.5, dtype=torch.float64))
    assert json.dumps(lens.get_state(["stride", "bias", "selected"]))
    assert lens.start["stride"] == 1


def test_every_setting_can_be_drawn_and_is_described():
    """The whole grid of the controls, whatever the selected cell is; no exception, own words."""
    lens = convolution_lens(torch.arange(40).view(2, 4, 5) % 7, "box blur")
    seen = set()
    names = ("stride", "padding", "dilation", "groups", "transposed")
    for values in product((1, 3), (0, 3), (1, 3), (1, 2), (False, True)):
        for name, value in zip(names, values, strict=True):
            setattr(lens, name, value)
        lens.selected = ["output", 1, 2, 3]
        figure = lens.still()
        seen.add(figure.alt)
        framed = [any(p.get_linewidth() == 3 for p in axes.patches) for axes in figure.axes[:2]]
        works, both = "kernel, stride" in figure.alt, lens.groups == 1
        assert framed == [works and both and not lens.transposed, works and not lens.transposed]
    assert len(seen) >= 26  # all that do not fit say the same
    assert all(alt.startswith("Convolution lens: ") and alt.endswith(".") for alt in seen)


@pytest.mark.parametrize("transposed", [False, True])  # then padding is cut off the output
def test_the_picture_shows_the_numbers_and_frames_the_window(transposed):
    lens = convolution_lens(torch.eye(3), torch.ones(2, 2), padding=1, stride=2, bias=2)
    lens.transposed, lens.selected = transposed, ["output", 0, 1, 0]
    axes = lens.still().axes
    frames = [[p for p in each.patches if p.get_linewidth() == 3] for each in axes]
    framed = [[(p.get_xy(), p.get_width(), p.get_height()) for p in each] for each in frames]
    written = [[text.get_text() for text in each.texts] for each in axes]
    assert [len(numbers) for numbers in written] == ([9, 4, 16] if transposed else [25, 4, 4])
    assert written[2] == [f"{n:g}" for n in lens.output.flatten().tolist()]
    window = [] if transposed else [((-0.5, 1.5), 2, 2)]
    assert framed == [window, [], [((-0.5, 0.5), 1, 1)]]
    colours = [each.images[0].get_cmap().name for each in axes]
    assert colours == ["light", "RdBu_r", "RdBu_r"]
    sides = "an output of 4×4" if transposed else "an output of 2×2"
    assert (
        f"3×3 with a 2×2 kernel, stride 2, padding 1, dilation 1, groups 1 gives {sides}; its "
        in lens.still().alt
    )
    assert lens.still().alt.endswith(f"row 1, column 0 is {lens.output[0, 1, 0]:g}.")


def test_padding_is_hatched_in_the_still_picture_and_told_without_hue():
    axes = convolution_lens(torch.ones(3, 4, 5), padding=1).still().axes
    hatched = [sum(bool(patch.get_hatch()) for patch in each.patches) for each in axes[:4]]
    assert hatched == [6 * 7 - 4 * 5] * 3 + [0]
