"""What each step gives, and what it sees: by autograd, and by planting NaN."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from torch import fx, nn

from cnn_basics.explain import (
    feature_maps,
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


def test_chosen_steps_are_kept_as_they_were_and_come_in_the_order_asked_for():
    model, x = Branches(), torch.randn(1, 2, 5, 7)
    maps = feature_maps(model, x)
    conv = model.stem[0](x)
    assert list(maps) == ["stem.0", "stem.1", "again", "again_1", "relu", "add", "relu_1"]
    assert torch.equal(maps["stem.0"], conv)
    assert (conv < 0).any()
    assert torch.equal(maps["again_1"], model.again(model.again(F.relu(conv))))
    maps = feature_maps(model, x, ["relu", "stem"])
    assert list(maps) == ["relu", "stem"]
    assert torch.equal(maps["stem"], F.relu(conv))


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
steps = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def layers(draw):
    """A convolution, a pooling layer (whose padding is at most half its window) or another."""
    kind = draw(st.sampled_from([nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, "same", "relu", "norm"]))
    if kind == "same":
        return nn.Conv2d(2, 2, draw(pairs), padding="same", dilation=draw(pairs))
    if isinstance(kind, str):
        return nn.ReLU() if kind == "relu" else nn.BatchNorm2d(2)
    kernel = draw(pairs)
    most = [4 if kind is nn.Conv2d else k // 2 for k in kernel]
    padding = tuple(draw(st.integers(0, m)) for m in most)
    given = {"kernel_size": kernel, "stride": draw(steps), "padding": padding}
    if kind is not nn.AvgPool2d:
        given["dilation"] = draw(st.integers(1, 2) if kind is nn.MaxPool2d else pairs)
    if kind is nn.Conv2d:
        return nn.Conv2d(2, 2, groups=draw(st.sampled_from([1, 2])), **given)
    return kind(ceil_mode=draw(st.booleans()), **given)


def box(seen):
    """The smallest box around all pixels that are not 0: rows, then columns."""
    rows, columns = seen.any(dim=1).nonzero(), seen.any(dim=0).nonzero()
    return tuple((int(each[0]), int(each[-1]) + 1) for each in (rows, columns))


def seen_by_nan(model, layer, x, place):
    """Whether NaN in a pixel (of all channels) reaches the number at `place`: an oracle."""
    height, width = x.shape[2:]
    planted = x.repeat(height * width, 1, 1, 1)
    planted.flatten(2).diagonal(dim1=0, dim2=2).fill_(torch.nan)
    maps = feature_maps(model, planted, [layer])[layer]
    return maps[:, :, place[0], place[1]].isnan().any(dim=1).view(height, width)


@st.composite
def stacks(draw, size=(12, 15), most=3):
    """A network, the name of its last layer, pictures of ones, and a place on its maps."""
    stack = draw(st.lists(layers(), min_size=1, max_size=most))
    model = nn.Sequential(*stack).double().eval()
    x = torch.ones(1, 2, *size, dtype=torch.float64)
    try:
        sizes = model(x).shape[2:]
    except RuntimeError:
        assume(False)  # the maps became too small
    return model, str(len(stack) - 1), x, tuple(draw(st.integers(0, n - 1)) for n in sizes)


POOL = nn.Sequential(nn.MaxPool2d(3, 2, 1, dilation=(1, 2), ceil_mode=True)).double()


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel:UserWarning")
@settings(max_examples=30, deadline=None)
@given(stacks())
@example((POOL, "0", torch.ones(1, 2, 8, 10, dtype=torch.float64), (0, 0)))
@example((POOL, "0", torch.ones(1, 2, 8, 10, dtype=torch.float64), (2, 2)))
@example((POOL, "0", torch.ones(1, 2, 8, 10, dtype=torch.float64), (4, 4)))
def test_autograd_finds_exactly_the_pixels_through_which_nan_comes(drawn):
    model, last, x, place = drawn
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
        narrow, _ = F.max_pool2d(x, (1, 5), (2, 1), (0, 1), return_indices=True)
        x = self.own(F.relu(wide) + narrow)
        x = F.avg_pool2d(x, 2, padding=1)
        return F.conv2d(x, self.weight, stride=1, padding="same").flatten(1)


class Scale(nn.Module):
    """A module of one's own that works number by number."""

    def forward(self, x):
        return F.gelu(x) * 2


BRANCHES, SHORTCUTS = Functions(), PhotoNet()  # rows and columns that the formulas give
BOXES = [
    (BRANCHES, (2, 21, 24), (3, 5), "own", ((5, 8), (4, 9))),
    (BRANCHES, (2, 21, 24), (3, 5), "avg_pool2d", ((9, 14), (8, 14))),
    (BRANCHES, (2, 21, 24), (3, 5), "conv2d_1", ((5, 18), (8, 16))),
    (SHORTCUTS, (3, 80, 80), (), "block2.relu", ((36, 45), (36, 45))),
    (SHORTCUTS, (3, 80, 80), (), "max_pool2d", ((36, 47), (36, 47))),
    (SHORTCUTS, (3, 80, 80), (), "block4.add", ((28, 55), (28, 55))),
]


@pytest.mark.parametrize(("model", "shape", "place", "layer", "wanted"), BOXES)
def test_functions_branches_and_shortcuts(model, shape, place, layer, wanted):
    seen = receptive_field_by_gradient(model, torch.zeros(1, *shape), layer, *place)
    assert box(seen) == wanted


def test_middle_is_where_most_paths_come_from():
    model, x = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 1, 3)), torch.zeros(1, 1, 9, 9)
    paths = receptive_field_by_gradient(model, x, "1")[2:7, 2:7] * 81
    row = torch.tensor([1.0, 2, 3, 2, 1], dtype=torch.float64)
    torch.testing.assert_close(paths, torch.outer(row, row))


NET, X = Custom_CNN().train(), torch.zeros(1, 3, 28, 28)
BY_GRADIENT = receptive_field_by_gradient
EACH = (feature_maps, BY_GRADIENT)
REFUSED = [
    *[(call, (NET, X, ["conv3"]), r"\(conv1, relu, .*\), got 'conv3': name") for call in EACH[:1]],
    *[
        (call, (NET, X, "conv3"), r"\(conv1, relu, .*\), got 'conv3': name one")
        for call in EACH[1:]
    ],
    *[(call, (NET, X[0], "conv1"), r"add the batch axis with x\[None\]") for call in EACH],
    *[(call, (NET, X[..., :9], "conv1"), "resize the pictures to 28×28") for call in EACH],
    (feature_maps, (NET, [[1.0]]), "got a list: write torch.as_tensor"),
    (feature_maps, (NET, torch.zeros(3)), r"\(3,\): give all four axes"),
    (feature_maps, (NET, X.to(torch.uint8)), r"a uint8 .*: write x\.float"),
    (BY_GRADIENT, (NET, X, "flatten"), r"shape \(1, 3136\) from `flatten`"),
    (BY_GRADIENT, (NET, X, "conv1", 28, 0), "expected a place on maps of 28×28 numbers"),
    (BY_GRADIENT, (NET, X, "conv1", 0, -1), "expected a place on maps of 28×28 numbers"),
]


@pytest.mark.parametrize(("call", "given", "words"), REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_stays_behind(call, given, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call(*given)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in NET.modules())
    assert all(module.training for module in NET.modules())


class First(nn.Module):
    """Changes the pictures in place."""

    def forward(self, x):
        return x.mul_(2)


@pytest.mark.parametrize("explain", EACH)
def test_network_and_pictures_are_left_as_they_were(explain):
    model = nn.Sequential(First(), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
    given = [model.state_dict(), torch.randn(3, 1, 5, 5), torch.get_rng_state()]
    before = copy.deepcopy(given)
    explain(model, given[1], "1")
    given[2] = torch.get_rng_state()
    torch.testing.assert_close(given, before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(m.training and not m._forward_hooks for m in model.modules())
