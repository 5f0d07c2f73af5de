"""What each step gives, and what it sees: by autograd, and by planting NaN."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from refusing import refusing
from torch import fx, nn
from zoo import Calls, unchanged

from cnn_basics.explain import feature_maps, receptive_field_by_gradient
from cnn_basics.model import Custom_CNN, PhotoNet


def test_steps_of_the_custom_cnn_are_those_of_torch_fx_and_by_hand():
    torch.manual_seed(0)
    model, x = Custom_CNN().double(), torch.rand(2, 3, 28, 28, dtype=torch.float64)
    maps = feature_maps(model, x)
    calls = [n.name for n in fx.symbolic_trace(model).graph.nodes if n.op.startswith("call")]
    assert list(maps) == [name for name in calls if name != "check_pictures"]
    pool, flatten = partial(F.max_pool2d, kernel_size=2), partial(torch.flatten, start_dim=1)
    steps = [model.conv1, F.relu, pool, model.conv2, F.relu, pool]
    for got, step in zip(
        maps.values(), [*steps, flatten, model.fc1, F.relu, model.fc2], strict=True
    ):
        x = step(x)
        assert torch.equal(got, x)
        assert not got.requires_grad


def test_chosen_steps_are_kept_as_they_were_and_come_in_the_order_asked_for():
    model = Calls(
        lambda net, x: F.relu(net.again(net.again(y := net.stem(x))) + net.relu(y)),
        stem=nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(inplace=True)),
        again=nn.Conv2d(3, 3, 1),
        relu=nn.ReLU(),
    )
    x = torch.randn(1, 2, 5, 7)
    maps = feature_maps(model, x)
    conv = model.stem[0](x)
    assert list(maps) == ["stem.0", "stem.1", "again", "again_1", "relu", "add", "relu_1"]
    assert torch.equal(maps["stem.0"], conv)
    assert (conv < 0).any()
    assert torch.equal(maps["again_1"], model.again(model.again(F.relu(conv))))
    maps = feature_maps(model, x, ["relu", "stem"])
    assert list(maps) == ["relu", "stem"]
    assert torch.equal(maps["stem"], F.relu(conv))


SIZE = (26, 31)
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
steps = st.tuples(st.integers(1, 3), st.integers(1, 3))


windows = pairs.flatmap(  # padded by at most half the kernel
    lambda k: st.tuples(st.just(k), steps, st.tuples(*(st.integers(0, n // 2) for n in k)))
)
conv2d = partial(st.builds, nn.Conv2d, st.just(2), st.just(2), pairs, dilation=pairs)
borders, flags = st.tuples(st.integers(0, 4), st.integers(0, 4)), st.booleans()
layers = st.one_of(
    conv2d(padding=st.just("same")),
    conv2d(stride=steps, padding=borders, groups=st.sampled_from([1, 2])),
    st.builds(lambda w, d, c: nn.MaxPool2d(*w, d, ceil_mode=c), windows, st.integers(1, 2), flags),
    st.builds(lambda w, ceil_mode: nn.AvgPool2d(*w, ceil_mode), windows, flags),
    st.builds(nn.ReLU) | st.builds(nn.BatchNorm2d, st.just(2)),
)


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
def stacks(draw):
    """A network, the name of its last layer, pictures of ones, and a place on its maps."""
    stack = draw(st.lists(layers, min_size=1, max_size=4))
    model = nn.Sequential(*stack).double().eval()
    x = torch.ones(1, 2, *SIZE, dtype=torch.float64)
    try:
        sizes = model(x).shape[2:]
    except RuntimeError:
        assume(False)  # the maps became too small
    return model, str(len(stack) - 1), x, tuple(draw(st.integers(0, n - 1)) for n in sizes)


POOL = nn.Sequential(nn.MaxPool2d(3, 2, 1, dilation=(1, 2), ceil_mode=True)).double()
ONES = torch.ones(1, 2, 8, 10, dtype=torch.float64)


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel:UserWarning")
@settings(max_examples=60, deadline=None)
@given(stacks())
@example((POOL, "0", ONES, (0, 0)))
@example((POOL, "0", ONES, (2, 2)))
@example((POOL, "0", ONES, (4, 4)))
def test_autograd_finds_exactly_the_pixels_through_which_nan_comes(drawn):
    model, last, x, place = drawn
    seen = receptive_field_by_gradient(model, x, last, *place) > 0
    assert torch.equal(seen, seen_by_nan(model, last, x, place))


def functions(net, x):
    """The windows as functions with their arguments in many ways, and two branches."""
    wide = F.conv2d(x, net.weight, None, (2, 1), padding=(1, 0), dilation=(1, 2))
    narrow, _ = F.max_pool2d(x, (1, 5), (2, 1), (0, 1), return_indices=True)
    x = F.avg_pool2d(net.own(F.relu(wide) + narrow), 2, padding=1)
    return F.conv2d(x, net.weight, stride=1, padding="same").flatten(1)


OWN = Calls(lambda net, x: F.gelu(x) * 2)  # number by number
BRANCHES = Calls(functions, weight=nn.Parameter(torch.ones(2, 2, 3, 2)), own=OWN)
SHORTCUTS = PhotoNet()
BOXES = [  # the rows and columns that the formulas give
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
EACH = feature_maps, receptive_field_by_gradient
by_gradient = partial(receptive_field_by_gradient, NET, X)
test_what_does_not_fit_is_refused = refusing(
    (lambda: feature_maps(NET, X, ["conv3"]), r"\(conv1, relu, .*\), got 'conv3': name"),
    (lambda: by_gradient("conv3"), r"\(conv1, relu, .*\), got 'conv3': name one"),
    *[(partial(call, NET, X[0], "conv1"), r"add the batch axis with x\[None\]") for call in EACH],
    *[(partial(call, NET, X[..., :9], "conv1"), "resize the pictures to 28×28") for call in EACH],
    (lambda: feature_maps(NET, [[1.0]]), "got a list: write torch.as_tensor"),
    (lambda: feature_maps(NET, torch.zeros(3)), r"\(3,\): give all four axes"),
    (lambda: feature_maps(NET, X.to(torch.uint8)), r"a uint8 .*: write x\.float"),
    (lambda: by_gradient("flatten"), r"shape \(1, 3136\) from `flatten`"),
    (lambda: by_gradient("conv1", 28, 0), "expected a place on maps of 28×28 numbers, got .*28"),
    (lambda: by_gradient("conv1", 0, -1), "expected a place on maps of 28×28 numbers, got .*-1"),
)


@pytest.mark.parametrize("explain", EACH)
def test_network_and_pictures_are_left_as_they_were(explain):
    layers = nn.ReLU(inplace=True), nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)
    model, x = nn.Sequential(*layers), torch.randn(3, 1, 5, 5)
    with unchanged(model, x):
        explain(model, x, "1")
        with pytest.raises(ValueError, match="expected a step of the network"):
            explain(model, x, "4")
