"""Every hand-written layer against PyTorch: values, gradients and refusals.

The oracle is `torch.nn.functional` in float64, over random non-square shapes and every option.
Whether a combination is legal is PyTorch's decision as well: where PyTorch raises, we must.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial

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
    numbers = torch.randn(shape, generator=generator, dtype=torch.float64)
    return (numbers.round() if ties else numbers).requires_grad_()


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
        assert_one_sentence(mine)
        return
    assert not isinstance(mine, Exception), f"refused, PyTorch does not: {mine}"
    for my_tensor, their_tensor in zip(mine, theirs, strict=True):
        torch.testing.assert_close(my_tensor, their_tensor, **CLOSE)


def assert_one_sentence(error):
    assert isinstance(error, (ValueError, TypeError)), "not refused, PyTorch does"
    assert re.fullmatch("expected .*: .*", str(error))


def refusing(*cases):
    """Make a test that each call is refused in one sentence with its message."""

    @pytest.mark.parametrize(("call", "message"), cases, ids=[message for _, message in cases])
    def test(call, message):
        with pytest.raises((ValueError, TypeError), match=message) as caught:
            call()
        assert_one_sentence(caught.value)

    return test


@st.composite
def convolutions(draw):
    """Draw a convolution that may or may not be legal, batched or not."""
    groups, per_group, out_per_group = (draw(st.integers(1, most)) for most in (3, 3, 2))
    sides = (draw(st.integers(1, most)) for most in (9, 7, 3, 4))
    height, width, kernel_height, kernel_width = sides
    x = random(*draw(batches), groups * per_group, height, width, seed=draw(seeds))
    shape = groups * out_per_group, per_group, kernel_height, kernel_width
    bias = random(shape[0], seed=3) if draw(st.booleans()) else None
    options = {
        "stride": draw(pairs(1, 4)),
        "padding": draw(pairs(0, 3) | st.sampled_from(["same", "valid"])),
        "dilation": draw(pairs(1, 2)),
        "groups": groups,
    }
    return (x, random(*shape, seed=draw(seeds)), bias), options


@st.composite
def poolings(draw, **options):
    """Draw maps, every second time with ties, and a window."""
    height, width, seed = draw(st.integers(1, 8)), draw(st.integers(1, 8)), draw(seeds)
    x = random(*draw(batches), 2, height, width, seed=seed, ties=seed % 2 == 0)
    options |= {"kernel_size": pairs(1, 4), "stride": st.none() | pairs(1, 5)}
    options["padding"] = pairs(0, 2)
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
    running = torch.tensor([[0.5, -1.0, 2.0], [0.5, 1.0, 2.0]], dtype=torch.float64)
    running = running if draw(st.booleans()) else (None, None)
    learned = [random(3, seed=seed) if draw(st.booleans()) else None for seed in (4, 5)]
    options = {"training": st.booleans(), "momentum": st.floats(0, 1)}
    options["eps"] = st.sampled_from([1e-5, 0.1])
    return (x, *running, *learned), {name: draw(values) for name, values in options.items()}


CORNERS = torch.tensor([-2.0, -0.0, 0.0, 1e-9, 3.0, float("inf"), -float("inf"), float("nan")])
FORWARD = {
    "conv2d": (F.conv2d, ours.conv2d, convolutions()),
    "max": (F.max_pool2d, ours.max_pool2d, poolings(dilation=pairs(1, 3), ceil_mode=st.booleans())),
    "average": (
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


@given(pairs(1, 12), pairs(1, 4), pairs(1, 4), pairs(0, 2), pairs(1, 3), st.booleans())
@settings(max_examples=250)
def test_output_size_is_pytorchs(size, kernel, stride, padding, dilation, ceil_mode):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
    x = torch.zeros(1, 1, *(size if isinstance(size, tuple) else (size, size)))
    try:
        theirs = tuple(F.max_pool2d(x, kernel, **options).shape[2:])
    except RuntimeError as error:
        if "half of" not in str(error):  # that is pooling's own rule, not one of sizes
            with pytest.raises(ValueError, match=r"^expected .*: use"):
                ours.output_size(size, kernel, **options)
        return
    mine = ours.output_size(size, kernel, **options)
    given = (size, kernel, stride, padding, dilation)
    assert mine == (theirs if tuple in map(type, given) else theirs[0])


@pytest.mark.parametrize(("padding", "size"), [("valid", 24), ("same", 28)])
def test_output_size_knows_words(padding, size):
    assert ours.output_size(28, 5, padding=padding) == size


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
conv, norm = partial(ours.conv2d, groups=2), partial(ours.batch_norm, X)
test_refusals_say_what_came_and_the_fix = refusing(
    (
        lambda: ours.conv2d(X, W),
        r"weight as \(a multiple of 1, 4 / 1, .* groups=1, got \(6, 2, 3, 3\)",
    ),
    (lambda: conv(X, torch.zeros(3, 2, 3, 3)), r"\(a multiple of 2, 4 / 2, .*, got \(3, 2, 3, 3\)"),
    (lambda: conv(X, W, groups=0), "groups as a whole number from 1, got 0"),
    (lambda: conv(X, W, stride=0), "stride as a whole number from 1, got 0"),
    (lambda: conv(X, W, stride=(1, 2, 3)), "one or two numbers for stride, got 3"),
    (lambda: conv(X, W, padding=-1), "padding as a whole number from 0, got -1"),
    (lambda: conv(X, W, padding="full"), "'same' or 'valid', got 'full'"),
    (lambda: conv(X, W, padding="same", stride=2), r"stride 1 with padding='same', got stride \(2"),
    (lambda: conv(X, W, dilation=0.5), r"dilation as a whole number from 1, got 0\.5"),
    (lambda: conv(X, W, dilation=3), "kernel spanning 7 for 5 pixels"),
    (lambda: conv(X, W, torch.zeros(5)), r"bias of shape \(6,\), got \(5,\)"),
    (lambda: conv(X, W[0]), r"weight as \(a multiple of 2.*, got \(2, 3, 3\)"),
    (lambda: conv(X[0, 0], W), r"x as \(N, C, H, W\) or \(C, H, W\) with.*\(5, 6\)"),
    (lambda: conv(X[:, :, :0], W), "at least one channel, row and column"),
    (
        lambda: conv(X.double(), W),
        "weight in torch.float64 on cpu, got weight in torch.float32 on cpu",
    ),
    (lambda: conv(X, W.to("meta")), "weight in torch.float32 on cpu, got .* on meta"),
    (lambda: conv(X.byte(), W), "or float64 tensor, got a uint8 tensor"),
    (lambda: conv(X, W.numpy()), "weight as a float32 or float64 tensor, got a float32 array"),
    (lambda: ours.windows(X[0, 0], 3), r"x as \(N, C, H, W\) or"),
    (lambda: ours.output_size(0, 1), "size as a whole number from 1, got 0"),
    (lambda: ours.max_pool2d(X, 2, padding=2), "at most half the kernel"),
    (lambda: ours.max_pool2d(X, 2, padding="same"), "padding as a whole number from 0, got 'same'"),
    (lambda: ours.max_pool2d(X[..., :1], 2, 1, 1, 2), "padding alone in one with padding 1"),
    (lambda: ours.avg_pool2d(X, (3, 2), padding=(1, 2)), "at most half the kernel.*got 2"),
    (lambda: ours.fully_connected(X, W), "weight as"),
    (lambda: ours.fully_connected(X, torch.zeros(3, 4)), r"x as \(..., 4\)"),
    (lambda: ours.fully_connected(X, torch.zeros(2, 6), torch.zeros(3)), r"bias of shape \(2,\)"),
    (lambda: ours.relu([1.0, -1.0]), "tensor of real numbers, got a list"),
    (lambda: ours.relu(torch.tensor([True])), "real numbers, got a bool tensor"),
    (lambda: norm(None, None), "both running_mean and running_var, got 0 of them"),
    (lambda: norm(torch.zeros(4), None, training=True), "training=True with neither"),
    (lambda: norm(torch.zeros(3), torch.ones(4)), r"running_mean of shape \(4,\)"),
    (lambda: norm(None, None, training=True, eps=0.0), "eps above 0, got 0"),
    (lambda: ours.batch_norm(X[:1, :, 0, 0], None, None, training=True), "more than 1 value"),
    (lambda: ours.batch_norm(X[0, 0, 0], None, None, training=True), r"x as \(N, C\)"),
)
