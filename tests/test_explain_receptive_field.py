"""The receptive field by formula, by autograd, and by planting NaN in single pixels."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnn_basics.explain import (
    ReceptiveField,
    feature_maps,
    receptive_field,
    receptive_field_by_gradient,
)
from cnn_basics.model import Custom_CNN

SIZE = (26, 31)
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
steps = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def windows(draw, pools: bool):
    """Arguments of a layer; a pooling layer's padding is at most half its window."""
    kernel = draw(pairs)
    most = [k // 2 if pools else 4 for k in kernel]
    padding = tuple(draw(st.integers(0, m)) for m in most)
    return {"kernel_size": kernel, "stride": draw(steps), "padding": padding}


@st.composite
def layers(draw):
    kind = draw(st.sampled_from(["conv", "same", "max", "average", "relu", "norm"]))
    if kind == "conv":
        groups = draw(st.sampled_from([1, 2]))
        given = draw(windows(pools=False)) | {"dilation": draw(pairs)}
        return nn.Conv2d(2, 2, groups=groups, **given)
    if kind == "same":
        return nn.Conv2d(2, 2, draw(pairs), padding="same", dilation=draw(pairs))
    if kind == "max":
        given = draw(windows(pools=True)) | {"dilation": draw(st.integers(1, 2))}
        return nn.MaxPool2d(ceil_mode=draw(st.booleans()), **given)
    if kind == "average":
        return nn.AvgPool2d(ceil_mode=draw(st.booleans()), **draw(windows(pools=True)))
    return nn.ReLU() if kind == "relu" else nn.BatchNorm2d(2)


def box(seen):
    """The smallest box around all pixels that are not 0, as `ReceptiveField.pixels` gives it."""
    rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
    return tuple((int(each[0]), int(each[-1]) + 1) for each in (rows, columns))


def seen_by_nan(model, layer, x, place):
    """Whether NaN in a pixel (of all channels) reaches the number at `place`: an oracle."""
    height, width = x.shape[2:]
    planted = x.expand(height * width, -1, -1, -1).clone()
    planted.view(height * width, x.shape[1], -1)[
        range(height * width), :, range(height * width)
    ] = torch.nan
    maps = feature_maps(model, planted, [layer])[layer]
    return maps[:, :, place[0], place[1]].isnan().any(dim=1).view(height, width)


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel:UserWarning")
@settings(max_examples=60, deadline=None)
@given(st.lists(layers(), min_size=1, max_size=4), st.data())
def test_formula_and_autograd_agree(stack, data):
    model, x = nn.Sequential(*stack), torch.zeros(1, 2, *SIZE)
    last = str(len(stack) - 1)
    try:
        height, width = model.eval()(x).shape[2:]
    except RuntimeError:
        assume(False)  # the maps became too small
    field = receptive_field(model, x, last)
    place = (data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    seen = receptive_field_by_gradient(model, x, last, *place) > 0
    (top, bottom), (left, right) = field.pixels(*place)
    outside = seen.clone()
    outside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False
    assert not outside.any()
    if top >= 0 and left >= 0 and bottom <= SIZE[0] and right <= SIZE[1]:
        assert box(seen) == ((top, bottom), (left, right))


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel:UserWarning")
@settings(max_examples=15, deadline=None)
@given(st.lists(layers(), min_size=1, max_size=3), st.data())
def test_autograd_finds_exactly_the_pixels_through_which_nan_comes(stack, data):
    model = nn.Sequential(*stack).double().eval()
    x = torch.ones(1, 2, 12, 15, dtype=torch.float64)
    last = str(len(stack) - 1)
    try:
        height, width = model(x).shape[2:]
    except RuntimeError:
        assume(False)
    place = (data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1)))
    seen = receptive_field_by_gradient(model, x, last, *place) > 0
    assert torch.equal(seen, seen_by_nan(model, last, x, place))


@pytest.mark.parametrize(
    ("layer", "size", "stride", "start"),
    [
        ("conv1", 5, 1, -2),
        ("relu", 5, 1, -2),
        ("max_pool2d", 6, 2, -2),
        ("conv2", 14, 2, -6),
        ("relu_1", 14, 2, -6),
        ("max_pool2d_1", 16, 4, -6),
    ],
)
def test_custom_cnn(layer, size, stride, start):
    model, x = Custom_CNN(), torch.zeros(1, 3, 28, 28)
    field = receptive_field(model, x, layer)
    assert field == ReceptiveField((size, size), (stride, stride), (start, start))
    seen = receptive_field_by_gradient(model, x, layer)
    at = feature_maps(model, x, [layer])[layer].shape[2] // 2
    assert box(seen) == field.pixels(at, at)


class Functions(nn.Module):
    """The windows as functions with their arguments in many ways, and two branches."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2, 3, 2))
        self.own = Scale()

    def forward(self, x):
        wide = F.conv2d(x, self.weight, None, (2, 1), padding=(1, 0), dilation=(1, 2))
        narrow = F.max_pool2d(x, (1, 3), (2, 1))
        x = self.own(F.relu(wide) + narrow)
        x = F.avg_pool2d(x, 2, padding=1)
        return F.conv2d(x, self.weight, stride=1, padding="same").flatten(1)


class Scale(nn.Module):
    """A module of one's own that works number by number."""

    def forward(self, x):
        return F.gelu(x) * 2


def test_functions_and_branches():
    model, x = Functions(), torch.zeros(1, 2, 21, 24)
    field = receptive_field(model, x, "add")
    assert field == ReceptiveField((3, 3), (2, 1), (-1, 0))
    for layer in ("own", "avg_pool2d", "conv2d_1"):
        field = receptive_field(model, x, layer)
        assert box(receptive_field_by_gradient(model, x, layer, 3, 5)) == field.pixels(3, 5)
    assert receptive_field(model, x, "avg_pool2d") == ReceptiveField((5, 4), (4, 2), (-3, -1))


def test_middle_is_where_most_paths_come_from():
    model, x = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 1, 3)), torch.zeros(1, 1, 9, 9)
    paths = receptive_field_by_gradient(model, x, "1")[2:7, 2:7] * 81
    row = torch.tensor([1.0, 2, 3, 2, 1], dtype=torch.float64)
    torch.testing.assert_close(paths, torch.outer(row, row))


@pytest.mark.parametrize(("layer", "culprit"), [("flatten", "flatten"), ("fc2", "flatten")])
def test_what_sees_everything_has_no_formula(layer, culprit):
    x = torch.zeros(1, 3, 28, 28)
    with pytest.raises(ValueError, match=f"got `{layer}` behind `{culprit}`: name an earlier"):
        receptive_field(Custom_CNN(), x, layer)
    with pytest.raises(ValueError, match=rf"shape \(1, \d+\) from `{layer}`"):
        receptive_field_by_gradient(Custom_CNN(), x, layer)


def test_unequal_steps_cannot_be_joined():
    class Unequal(nn.Module):
        def forward(self, x):
            return F.avg_pool2d(x, 2, 2)[:, :, :1, :1] + x

    with pytest.raises(ValueError, match="got `add` behind `getitem`"):
        receptive_field(Unequal(), torch.zeros(1, 1, 4, 4), "add")


@pytest.mark.parametrize("function", [receptive_field, receptive_field_by_gradient])
def test_unknown_steps_and_wrong_pictures_are_refused(function):
    with pytest.raises(ValueError, match="got 'conv3': name one of these"):
        function(Custom_CNN(), torch.zeros(1, 3, 28, 28), "conv3")
    with pytest.raises(ValueError, match=r"add the batch axis with x\[None\]"):
        function(Custom_CNN(), torch.zeros(3, 28, 28), "conv1")


@pytest.mark.parametrize("place", [(28, 0), (0, -1)])
def test_a_place_that_the_maps_have_not_is_refused(place):
    with pytest.raises(ValueError, match="expected a place on maps of 28×28 numbers"):
        receptive_field_by_gradient(Custom_CNN(), torch.zeros(1, 3, 28, 28), "conv1", *place)


def test_the_network_is_left_as_it_was():
    model = Custom_CNN().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    receptive_field(model, torch.zeros(1, 3, 28, 28), "conv2")
    receptive_field_by_gradient(model, torch.zeros(1, 3, 28, 28), "conv2")
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())
