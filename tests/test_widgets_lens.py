"""The convolution lens in Python: what it takes, refuses, computes and draws."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError

from cnn_basics.widgets import convolution_lens
from cnn_basics.widgets.lens import PRESETS, SAMPLE, read_kernel

settings = st.fixed_dictionaries(
    {
        "stride": st.integers(1, 3),
        "padding": st.integers(0, 3),
        "dilation": st.integers(1, 3),
        "transposed": st.booleans(),
        "bias": st.floats(-5, 5),
    }
)


@given(settings, st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 1), (3, 3)]), st.integers(1, 5))
def test_output_is_pytorchs(given_settings, channels_and_groups, k):
    channels, groups = channels_and_groups
    x = torch.randn(channels, 7, 9, dtype=torch.float64)
    kernel = torch.randn(channels, k, k, dtype=torch.float64)
    lens = convolution_lens(x, kernel, groups=groups, **given_settings)
    options = dict(given_settings)
    bias = torch.full((groups,), options.pop("bias"), dtype=torch.float64)
    if options.pop("transposed"):
        call, weight = F.conv_transpose2d, kernel[:, None]
    else:
        call, weight = F.conv2d, kernel.view(groups, channels // groups, k, k)
    try:
        wanted = call(x[None], weight, bias, groups=groups, **options)[0]
    except RuntimeError:
        with pytest.raises(ValueError, match="expected settings with an output, got none"):
            _ = lens.output
    else:
        assert torch.equal(lens.output, wanted)


@pytest.mark.parametrize("name", list(PRESETS))
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


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"x": torch.zeros(13, 4)}, ValueError, r"at most 3 channels of 12×12, got \(13, 4\)"),
        ({"x": torch.zeros(4, 4, 4)}, ValueError, r"got \(4, 4, 4\): cut out a patch"),
        ({"x": torch.zeros(0, 4)}, ValueError, r"got \(0, 4\)"),
        ({"x": torch.zeros(4)}, ValueError, r"got \(4,\)"),
        ({"x": "picture"}, TypeError, "as a tensor of real numbers, got 'picture'"),
        ({"x": [[1, 2], [3]]}, TypeError, "as a tensor of real numbers, got a list"),
        ({"x": torch.zeros(2, 2) * 1j}, TypeError, "real numbers"),
        ({"x": torch.full((2, 2), float("nan"))}, ValueError, "not finite"),
        ({"x": torch.full((2, 2), 1001.0)}, ValueError, "from −1000 to 1000"),
        ({"kernel": "soble"}, ValueError, "one of the names 'identity', .* got 'soble'"),
        ({"kernel": torch.ones(2, 3)}, ValueError, r"with k from 1 to 5, got \(2, 3\)"),
        ({"kernel": torch.ones(6, 6)}, ValueError, r"got \(6, 6\)"),
        ({"kernel": torch.ones(2, 3, 3)}, ValueError, r"\(1, k, k\), one slice for each channel"),
        ({"stride": 4}, ValueError, "expected stride from 1, 2, 3, got 4"),
        ({"stride": 0}, ValueError, "got 0"),
        ({"padding": -1}, ValueError, "expected padding as a whole number from 0, got -1"),
        ({"dilation": 1.5}, TypeError, "expected dilation as a whole number from 1, got 1.5"),
        ({"groups": 2}, ValueError, "expected groups from 1, got 2"),
        ({"bias": "big"}, TypeError, "expected bias"),
        ({"bias": float("inf")}, ValueError, "bias with numbers from −1000 to 1000"),
    ],
)
def test_refusals(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        convolution_lens(**arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stride", 0),
        ("padding", 9),
        ("groups", 2),
        ("bias", float("nan")),
        ("kernel", torch.ones(2, 2, 2)),
        ("kernel", "unknown"),
        ("x", torch.zeros(2, 4, 4)),
        ("x", torch.zeros(20, 4)),
        ("selected", ["output", 1]),
        ("selected", ["kernel", 0, 0, 0]),
        ("selected", ["output", 0, 0.5, 0]),
    ],
)
def test_a_wrong_value_set_later_is_refused_and_changes_nothing(name, value):
    lens = convolution_lens()
    before = getattr(lens, name)
    with pytest.raises(TraitError, match="expected"):
        setattr(lens, name, value)
    assert getattr(lens, name) == before


def test_settings_from_python_change_the_output_and_may_be_numpys():
    lens = convolution_lens()
    assert lens.x == [SAMPLE]
    assert lens.kernel == [PRESETS["Sobel left–right"]["3"]]
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
    for values in itertools.product((1, 3), (0, 3), (1, 3), (1, 2), (False, True)):
        for name, value in zip(names, values, strict=True):
            setattr(lens, name, value)
        lens.selected = ["output", 1, 2, 3]
        seen.add(lens.still().alt)
    assert len(seen) >= 26  # all that do not fit say the same
    assert all(alt.startswith("Convolution lens: ") and alt.endswith(".") for alt in seen)


def test_the_picture_shows_the_numbers_and_frames_the_window():
    lens = convolution_lens(torch.eye(3), torch.ones(2, 2), padding=1, stride=2, bias=2)
    lens.selected = ["output", 0, 1, 0]

    def written_and_framed():
        axes = lens.still().axes
        frames = [[p for p in each.patches if p.get_linewidth() == 3] for each in axes]
        framed = [[(p.get_xy(), p.get_width(), p.get_height()) for p in each] for each in frames]
        return [[text.get_text() for text in each.texts] for each in axes], framed

    written, framed = written_and_framed()
    assert [len(numbers) for numbers in written] == [25, 4, 4]
    assert written[2] == [f"{n:g}" for n in lens.output.flatten().tolist()]
    assert framed == [[((-0.5, 1.5), 2, 2)], [], [((-0.5, 0.5), 1, 1)]]
    assert "3×3 with a 2×2 kernel" in lens.still().alt
    assert "an output of 2×2; its number at row 1, column 0 is 2." in lens.still().alt
    lens.transposed = True  # then padding is cut off the output
    written, framed = written_and_framed()
    assert [len(numbers) for numbers in written] == [9, 4, 16]
    assert framed == [[], [], [((-0.5, 0.5), 1, 1)]]
