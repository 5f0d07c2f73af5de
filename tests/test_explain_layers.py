"""What each step gives, and what it sees: by formula, by autograd, and by planting NaN."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from torch import fx, nn

from cnn_basics.explain import (
    ReceptiveField,
    feature_maps,
    principal_components,
    receptive_field,
    receptive_field_by_gradient,
)
from cnn_basics.model import Custom_CNN, PhotoNet


class Branches(nn.Module):
    """Nested modules, an activation in place, a layer that is used twice, and a sum."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(inplace=True))
        self.again = nn.Conv2d(3, 3, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.stem(x)
        y = self.again(self.again(x))
        return F.relu(self.relu(x) + y)


def test_steps_of_the_custom_cnn_are_those_of_torch_fx_and_by_hand():
    torch.manual_seed(0)
    model, x = Custom_CNN().double(), torch.rand(2, 3, 28, 28, dtype=torch.float64)
    maps = feature_maps(model, x)
    calls = [n.name for n in fx.symbolic_trace(model).graph.nodes if n.op.startswith("call")]
    assert list(maps) == [name for name in calls if name != "check_pictures"]
    first = model.conv1(x)
    second = model.conv2(F.max_pool2d(F.relu(first), 2))
    flat = F.max_pool2d(F.relu(second), 2).flatten(1)
    wanted = [first, F.relu(first), F.max_pool2d(F.relu(first), 2), second, F.relu(second)]
    wanted += [F.max_pool2d(F.relu(second), 2), flat, model.fc1(flat), F.relu(model.fc1(flat))]
    for got, right in zip(maps.values(), [*wanted, model(x)], strict=True):
        assert torch.equal(got, right)
        assert not got.requires_grad


def test_what_is_changed_in_place_later_is_kept_as_it_was():
    model, x = Branches(), torch.randn(1, 2, 5, 7)
    maps = feature_maps(model, x)
    conv = model.stem[0](x)
    assert list(maps) == ["stem.0", "stem.1", "again", "again_1", "relu", "add", "relu_1"]
    assert torch.equal(maps["stem.0"], conv)
    assert (conv < 0).any()
    assert torch.equal(maps["stem.1"], F.relu(conv))
    assert torch.equal(maps["again_1"], model.again(model.again(F.relu(conv))))


def test_chosen_steps_come_in_the_order_asked_for_and_may_be_containers():
    model, x = Branches(), torch.randn(1, 2, 5, 7)
    maps = feature_maps(model, x, ["relu", "stem"])
    assert list(maps) == ["relu", "stem"]
    assert torch.equal(maps["stem"], F.relu(model.stem[0](x)))


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        ([[1.0]], TypeError, "got a list: write torch.as_tensor"),
        (torch.zeros(3, 28, 28), ValueError, r"\(3, 28, 28\): add the batch axis with x\[None"),
        (torch.zeros(3), ValueError, r"\(3,\): give all four axes"),
        (
            torch.zeros(1, 3, 28, 28, dtype=torch.uint8),
            TypeError,
            r"a uint8 .*: write x\.float",
        ),
    ],
)
def test_wrong_pictures_are_refused(x, error, words):
    with pytest.raises(error, match=words):
        feature_maps(Custom_CNN(), x)


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


@pytest.mark.parametrize("mode", ["zeros", "replicate"])
def test_padding_of_any_kind(mode):
    model = nn.Sequential(
        nn.Conv2d(1, 1, (3, 5), padding=(1, 2), padding_mode=mode), nn.MaxPool2d(2)
    )
    field = receptive_field(model, torch.zeros(1, 1, 9, 9), "1")
    assert field == ReceptiveField((4, 6), (2, 2), (-1, -2))


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


@pytest.mark.parametrize("place", [(28, 0), (0, -1)])
def test_a_place_that_the_maps_have_not_is_refused(place):
    with pytest.raises(ValueError, match="expected a place on maps of 28×28 numbers"):
        receptive_field_by_gradient(Custom_CNN(), torch.zeros(1, 3, 28, 28), "conv1", *place)


@pytest.mark.parametrize("explain", [feature_maps, receptive_field, receptive_field_by_gradient])
class TestEach:
    """What holds for all three."""

    def test_an_unknown_step_and_wrong_pictures_are_refused(self, explain):
        model = Custom_CNN().train()
        with pytest.raises(
            ValueError, match=r"\(conv1, relu, .*\), got 'conv3': name one of these"
        ):
            explain(
                model, torch.zeros(1, 3, 28, 28), ["conv3"] if explain is feature_maps else "conv3"
            )
        with pytest.raises(ValueError, match=r"add the batch axis with x\[None\]"):
            explain(model, torch.zeros(3, 28, 28), "conv1")
        with pytest.raises(ValueError, match="resize the pictures to 28×28"):
            explain(model, torch.zeros(1, 3, 30, 30), "conv1")
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
        assert all(module.training for module in model.modules())

    def test_network_and_pictures_are_left_as_they_were(self, explain):
        class First(nn.Module):
            def forward(self, x):
                return x.mul_(2)

        model = nn.Sequential(First(), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
        x = torch.randn(3, 1, 5, 5)
        before, random, pixels = copy.deepcopy(model.state_dict()), torch.get_rng_state(), x.clone()
        explain(model, x, "1")
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        assert torch.equal(torch.get_rng_state(), random)
        assert torch.equal(x, pixels)
        assert all(parameter.grad is None for parameter in model.parameters())
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_formula_and_autograd_agree_in_a_network_with_shortcuts():
    model, x = PhotoNet(), torch.zeros(1, 3, 80, 80)
    maps = feature_maps(model, x)
    for layer in ("block2.relu", "max_pool2d", "block4.add"):
        at = maps[layer].shape[-1] // 2
        seen = receptive_field_by_gradient(model, x, layer)
        assert box(seen) == receptive_field(model, x, layer).pixels(at, at)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 20), st.integers(3, 9), st.integers(1, 3), st.integers(0, 99))
def test_principal_components_equal_those_of_scikit_learn(rows, columns, count, seed):
    torch.manual_seed(seed)
    x = torch.randn(rows, columns, dtype=torch.float64) @ torch.diag(
        torch.arange(1.0, columns + 1, dtype=torch.float64)
    )
    points, shares = principal_components(x, count)
    theirs = PCA(count, svd_solver="full").fit(x.numpy())
    np.testing.assert_allclose(shares, theirs.explained_variance_ratio_, atol=1e-10)
    expected = theirs.transform(x.numpy())
    signs = np.sign((expected * points.numpy()).sum(axis=0))
    np.testing.assert_allclose(points, expected * signs, atol=1e-8)


def test_the_sign_is_that_of_the_largest_entry():
    x = torch.tensor([[0.0, 0], [1, -3], [2, -6]], dtype=torch.float64)
    points, shares = principal_components(x, 1)
    assert points[0, 0] > points[1, 0] > points[2, 0]
    assert shares.tolist() == [pytest.approx(1.0)]
    torch.testing.assert_close(principal_components(x + 5, 1)[0], points)


@pytest.mark.parametrize(
    ("rows", "count", "words"),
    [
        (torch.rand(3, 4, 2), 2, r"got \(3, 4, 2\): write rows.flatten\(1\)"),
        (torch.rand(3, 4), 4, r"from 1 to 3 for rows \(3, 4\), got 4"),
        (torch.rand(3, 4), 0, "got 0"),
        (torch.ones(3, 4), 2, "expected rows that differ"),
    ],
)
def test_rows_that_have_no_such_components_are_refused(rows, count, words):
    with pytest.raises(ValueError, match=words):
        principal_components(rows, count)
