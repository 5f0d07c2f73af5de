"""Every hand-written layer against PyTorch: values, gradients and refusals.

The oracle is `torch.nn.functional` in float64, over random non-square shapes and every option.
Whether a combination is legal is PyTorch's decision as well: where PyTorch raises, we must.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_basics import by_hand as ours

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
REFUSALS = (ValueError, TypeError, RuntimeError)
even_kernels = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
pairs = lambda low, high: st.one_of(  # noqa: E731
    st.integers(low, high), st.tuples(st.integers(low, high), st.integers(low, high))
)
batches = st.sampled_from([(), (0,), (1,), (2,)])
seeds = st.integers(0, 99)


def random(*shape, seed=0, ties=False):
    """Return float64 numbers that need a gradient; with `ties`, few different whole ones."""
    generator = torch.Generator().manual_seed(seed)
    if ties:
        numbers = torch.randint(-2, 3, shape, generator=generator).double()
    else:
        numbers = torch.randn(shape, generator=generator, dtype=torch.float64)
    return numbers.requires_grad_()


def as_float32(tensor):
    """The tensor in float32; None and class numbers stay what they are."""
    return tensor.float() if tensor is not None and tensor.is_floating_point() else tensor


def outcome(function, *tensors, **options):
    """Return the values, the gradients of a random weighting of them, and copies of the tensors
    without a gradient, which the function may change; or the error."""
    given = [t if t is None or t.requires_grad else t.clone() for t in tensors]
    try:
        y = function(*given, **options)
    except REFUSALS as error:
        return error
    wanted = [t for t in given if t is not None and t.requires_grad]
    gradients = torch.autograd.grad(y, wanted, random(*y.shape, seed=1).detach()) if wanted else ()
    return y, *gradients, *(t for t in given if t is not None and not t.requires_grad)


def assert_same(mine, theirs):
    """Both raise, or both give the same values, gradients and changes."""
    if isinstance(theirs, Exception):
        assert isinstance(mine, (ValueError, TypeError)), f"PyTorch refuses: {theirs}"
        assert_one_sentence(mine)
        return
    assert not isinstance(mine, Exception), f"refused, PyTorch does not: {mine}"
    for my_tensor, their_tensor in zip(mine, theirs, strict=True):
        torch.testing.assert_close(my_tensor, their_tensor, **CLOSE)


def assert_one_sentence(error):
    message = str(error)
    assert message.startswith("expected ")
    assert ": " in message
    assert "\n" not in message


@st.composite
def convolutions(draw):
    """Draw a convolution that may or may not be legal, batched or not."""
    groups = draw(st.integers(1, 3))
    per_group, out_per_group = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 4)))
    x = random(*draw(batches), groups * per_group, height, width, seed=draw(seeds))
    weight = random(groups * out_per_group, per_group, *kernel, seed=draw(seeds))
    bias = random(groups * out_per_group, seed=3) if draw(st.booleans()) else None
    options = {
        "stride": draw(pairs(1, 4)),
        "padding": draw(st.one_of(pairs(0, 3), st.sampled_from(["same", "valid"]))),
        "dilation": draw(pairs(1, 2)),
        "groups": groups,
    }
    return (x, weight, bias), options


@st.composite
def poolings(draw, **options):
    """Draw maps, every second time with ties, and a window."""
    height, width, seed = draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(seeds)
    x = random(*draw(batches), 2, height, width, seed=seed, ties=seed % 2 == 0)
    options = {
        "kernel_size": pairs(1, 4),
        "stride": st.one_of(st.none(), pairs(1, 5)),
        "padding": pairs(0, 2),
    } | options
    return (x,), {name: draw(values) for name, values in options.items()}


@st.composite
def linears(draw):
    """Draw a fully connected layer, for one vector or many."""
    batch = draw(st.sampled_from([(), (1,), (4,), (2, 3), (0,)]))
    in_features, out_features = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    bias = random(out_features, seed=2) if draw(st.booleans()) else None
    return (random(*batch, in_features), random(out_features, in_features, seed=1), bias), {}


@st.composite
def normalisations(draw):
    """Draw a batch, its running statistics, scale and shift, each of them or not."""
    shapes = [(4, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 1, 3), (1, 3, 2, 1), (1, 3, 1, 1), (1, 3)]
    x = random(*draw(st.sampled_from(shapes)), seed=draw(seeds))
    running = [[0.5, -1.0, 2.0], [0.5, 1.0, 2.0]] if draw(st.booleans()) else [None, None]
    running = [None if s is None else torch.tensor(s, dtype=torch.float64) for s in running]
    learned = [random(3, seed=seed) if draw(st.booleans()) else None for seed in (4, 5)]
    training, momentum = draw(st.booleans()), draw(st.floats(0, 1))
    options = {
        "training": training,
        "momentum": momentum,
        "eps": draw(st.sampled_from([1e-5, 0.1])),
    }
    return (x, *running, *learned), options


CORNERS = torch.tensor([-2.0, -0.0, 0.0, 1e-9, 3.0, float("inf"), -float("inf"), float("nan")])
FORWARD = {
    "conv2d": (F.conv2d, ours.conv2d, convolutions()),
    "max_pool2d": (
        F.max_pool2d,
        ours.max_pool2d,
        poolings(dilation=pairs(1, 3), ceil_mode=st.booleans()),
    ),
    "avg_pool2d": (
        F.avg_pool2d,
        ours.avg_pool2d,
        poolings(ceil_mode=st.booleans(), count_include_pad=st.booleans()),
    ),
    "linear": (F.linear, ours.fully_connected, linears()),
    "batch_norm": (F.batch_norm, ours.batch_norm, normalisations()),
    "relu": (F.relu, ours.relu, st.just(((CORNERS[:-1].double().requires_grad_(),), {}))),
}


@even_kernels
@pytest.mark.parametrize("layer", FORWARD)
@given(data=st.data())
@settings(max_examples=250)
def test_every_layer_is_pytorchs(layer, data):
    theirs, mine, cases = FORWARD[layer]
    tensors, options = data.draw(cases)
    result = outcome(mine, *tensors, **options)
    if "padding alone" in str(result):  # PyTorch's gradient is undefined there: look at values only
        values = theirs(tensors[0].detach(), **options)
        assert values.isneginf().any() or not values.numel()
    else:
        assert_same(result, outcome(theirs, *tensors, **options))
    if not isinstance(result, Exception):
        assert mine(*map(as_float32, tensors), **options).dtype == torch.float32


def test_nan_stays_nan_and_relu_takes_whole_numbers():
    x = torch.tensor([[[1.0, float("nan")], [2.0, 3.0]]])
    assert ours.max_pool2d(x, 2).isnan().all()
    assert ours.relu(x).isnan().tolist() == x.isnan().tolist()
    assert ours.relu(torch.tensor([-1, 2])).tolist() == [0, 2]


@given(
    st.integers(1, 12), st.integers(1, 12), pairs(1, 4), pairs(1, 4), pairs(0, 2), pairs(1, 3),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=250)
def test_output_size_is_pytorchs(height, width, kernel, stride, padding, dilation, ceil_mode):
    x = torch.zeros(1, 1, height, width)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    try:
        theirs = tuple(F.max_pool2d(x, kernel, **options).shape[2:])
    except RuntimeError as error:
        if "half of" in str(error):  # pooling's own rule, not one of sizes
            return
        theirs = error
    try:
        mine = ours.output_size((height, width), kernel, **options)
    except ValueError as error:
        mine = error
        assert_one_sentence(error)
    assert isinstance(mine, ValueError) if isinstance(theirs, Exception) else mine == theirs


def test_output_size_of_ints_is_an_int():
    assert ours.output_size(28, 5, padding=2) == 28
    assert ours.output_size(28, 5, padding="valid") == 24
    assert ours.output_size(28, 5, padding="same") == 28
    assert ours.output_size(28, (5, 3)) == (24, 26)
    assert ours.output_size(7, 2, stride=2, ceil_mode=True) == 4


def test_windows_share_their_memory():
    seen = ours.windows(torch.zeros(1, 1, 4, 5), 3)
    assert seen.shape == (1, 1, 2, 3, 3, 3)
    assert seen.untyped_storage().nbytes() == 4 * 4 * 5


def test_numpys_whole_numbers_are_numbers():
    two, x, weight = np.int64(2), torch.rand(1, 4, 6, 7), torch.rand(2, 2, 2, 2)
    options = {"stride": two, "padding": two, "dilation": (two, 1), "groups": two}
    assert torch.equal(
        ours.conv2d(x, weight, **options),
        ours.conv2d(x, weight, stride=2, padding=2, dilation=(2, 1), groups=2),
    )
    assert torch.equal(ours.max_pool2d(x, two), ours.max_pool2d(x, 2))
    assert ours.output_size(np.int64(28), two, stride=two) == 14


LIGHT = """
import resource, sys, torch
from cnn_basics import by_hand
from cnn_basics.by_hand import fast
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
x, weight, maps = torch.rand(100, 16, 28, 28), torch.rand(16, 16, 3, 3), torch.rand(2, 16, 28, 28)
by_hand.conv2d(maps, weight, padding=1)
before = peak()
by_hand.conv2d(x, weight, padding=1)
assert peak() - before < 35, peak() - before  # all windows are 45 MB, input and output 5 each
by_hand.conv2d_backward(maps, maps, weight, padding=1)
by_hand.relu_backward(maps, maps)
by_hand.batch_norm_backward(maps, maps, None, None, training=True)
by_hand.linear_backward(maps, maps, torch.rand(28, 28))
by_hand.windows_backward(torch.rand(1, 2, 2, 2, 2), (3, 3))
fast.conv2d_cost((1, 3, 8, 8), (2, 3, 3, 3))
print({"torch._dynamo", "sympy"} & {*sys.modules})
"""


def test_neither_compiler_nor_copies_of_all_windows_fill_the_memory():
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stdout + done.stderr


X, W = torch.zeros(2, 4, 5, 6), torch.zeros(6, 2, 3, 3)
REFUSED = [
    (lambda: ours.conv2d(X, W), "8 channels|2 channels.*groups=1"),
    (lambda: ours.conv2d(X, torch.zeros(3, 2, 3, 3), groups=2), "groups=2 divides, got 3"),
    (lambda: ours.conv2d(X, W, groups=0), "groups as a whole number from 1, got 0"),
    (lambda: ours.conv2d(X, W, stride=0, groups=2), "stride as a whole number from 1, got 0"),
    (lambda: ours.conv2d(X, W, stride=(1, 2, 3), groups=2), "one or two numbers for stride"),
    (lambda: ours.conv2d(X, W, stride=1.5, groups=2), r"stride as a whole number.*got 1\.5"),
    (lambda: ours.conv2d(X, W, padding=-1, groups=2), "padding as a whole number from 0, got -1"),
    (lambda: ours.conv2d(X, W, padding="full", groups=2), "'same' or 'valid', got 'full'"),
    (lambda: ours.conv2d(X, W, padding="same", stride=2, groups=2), "stride 1 with padding='same'"),
    (lambda: ours.conv2d(X, W, dilation=0, groups=2), "dilation as a whole number from 1, got 0"),
    (lambda: ours.conv2d(X, W, dilation=3, groups=2), "kernel spanning 7 for 5 pixels"),
    (lambda: ours.conv2d(X, W, torch.zeros(5), groups=2), r"bias of shape \(6,\), got \(5,\)"),
    (lambda: ours.conv2d(X, W[0], groups=2), r"weight as \(out_channels.*shape \(2, 3, 3\)"),
    (lambda: ours.conv2d(X[0, 0], W), r"x as \(N, C, H, W\) or \(C, H, W\) with.*\(5, 6\)"),
    (lambda: ours.conv2d(X.double(), W, groups=2), "got torch.float64 on cpu and torch.float32"),
    (lambda: ours.conv2d(X.byte(), W, groups=2), "or float64 tensor, got a uint8 tensor"),
    (lambda: ours.conv2d(X.numpy(), W, groups=2), "or float64 tensor, got a float32 array"),
    (lambda: ours.conv2d(X, W.to("meta"), groups=2), "one dtype on one device.* on meta"),
    (lambda: ours.conv2d(X[:, :, :0], W, groups=2), "at least one channel, row and column"),
    (lambda: ours.windows(X[0, 0], 3), r"x as \(N, C, H, W\) or"),
    (lambda: ours.max_pool2d(X, 2, padding=2), "at most half the kernel"),
    (lambda: ours.avg_pool2d(X, (3, 2), padding=(1, 2)), "at most half the kernel.*got 2"),
    (lambda: ours.max_pool2d(X[..., :1], 2, 1, 1, 2), "padding alone in one with padding 1"),
    (lambda: ours.fully_connected(X, W), "weight as"),
    (lambda: ours.fully_connected(torch.zeros(2, 3), torch.zeros(3, 4)), r"x as \(..., 4\)"),
    (lambda: ours.fully_connected(X, torch.zeros(2, 6), torch.zeros(3)), "bias of shape"),
    (lambda: ours.relu([1.0, -1.0]), "tensor of real numbers, got a list"),
    (lambda: ours.relu(torch.tensor([True])), "real numbers, got a bool tensor"),
    (lambda: ours.batch_norm(X, None, None), "both running_mean and running_var"),
    (lambda: ours.batch_norm(X, torch.zeros(4), None, training=True), "or neither"),
    (lambda: ours.batch_norm(X, torch.zeros(3), torch.ones(4)), r"running_mean of shape \(4,\)"),
    (lambda: ours.batch_norm(X[:1, :, :1, :1], None, None, training=True), "more than 1 value"),
    (lambda: ours.batch_norm(X, None, None, training=True, eps=0.0), "eps above 0, got 0"),
    (lambda: ours.max_pool2d(X, 2, padding="same"), "padding as a whole number from 0, got 'same'"),
    (lambda: ours.batch_norm(X[0, 0, 0], None, None, training=True), r"x as \(N, C\)"),
    (lambda: ours.output_size(0, 1), "size as a whole number from 1, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refusals_say_what_came_and_the_fix(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()
    assert_one_sentence(caught.value)
