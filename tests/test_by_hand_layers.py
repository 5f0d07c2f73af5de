"""Every hand-written layer against PyTorch: values, gradients and refusals.

The oracle is `torch.nn.functional` in float64, over random non-square shapes and every option.
Whether a combination is legal is PyTorch's decision as well: where PyTorch raises, we must.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_basics import by_hand as ours

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
pairs = lambda low, high: st.one_of(  # noqa: E731
    st.integers(low, high), st.tuples(st.integers(low, high), st.integers(low, high))
)


def random(*shape, seed=0, ties=False):
    """Return float64 numbers that need a gradient; with `ties`, few different whole ones."""
    generator = torch.Generator().manual_seed(seed)
    if ties:
        numbers = torch.randint(-2, 3, shape, generator=generator).double()
    else:
        numbers = torch.randn(shape, generator=generator, dtype=torch.float64)
    return numbers.requires_grad_()


def outcome(function, *tensors, **options):
    """Return the values and the gradients of a random weighting of them, or the error."""
    try:
        y = function(*tensors, **options)
    except (ValueError, TypeError, RuntimeError) as error:
        return error
    weighting = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    wanted = [t for t in tensors if t is not None and t.requires_grad]
    return y, torch.autograd.grad((y * weighting).sum(), wanted)


def assert_same(mine, theirs):
    """Both raise, or both give the same shape, values and gradients."""
    if isinstance(theirs, Exception):
        assert isinstance(mine, (ValueError, TypeError)), f"PyTorch refuses: {theirs}"
        assert_one_sentence(mine)
        return
    assert not isinstance(mine, Exception), f"refused, PyTorch does not: {mine}"
    torch.testing.assert_close(mine[0], theirs[0], **CLOSE)
    for my_gradient, their_gradient in zip(mine[1], theirs[1], strict=True):
        torch.testing.assert_close(my_gradient, their_gradient, **CLOSE)


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
    batch = draw(st.sampled_from([(), (0,), (1,), (2,)]))
    x = random(*batch, groups * per_group, height, width, seed=draw(st.integers(0, 99)))
    weight = random(groups * out_per_group, per_group, *kernel, seed=draw(st.integers(0, 99)))
    bias = random(groups * out_per_group, seed=3) if draw(st.booleans()) else None
    options = {
        "stride": draw(pairs(1, 4)),
        "padding": draw(st.one_of(pairs(0, 3), st.sampled_from(["same", "valid"]))),
        "dilation": draw(pairs(1, 2)),
        "groups": groups,
    }
    return x, weight, bias, options


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(convolutions())
@settings(max_examples=250, deadline=None)
def test_conv2d_is_pytorchs(convolution):
    x, weight, bias, options = convolution
    theirs = outcome(F.conv2d, x, weight, bias, **options)
    assert_same(outcome(ours.conv2d, x, weight, bias, **options), theirs)


@given(
    st.integers(1, 8), st.integers(1, 8), pairs(1, 4), pairs(1, 3), pairs(0, 2), pairs(1, 3),
    st.booleans(), st.sampled_from([(), (0,), (2,)]), st.booleans(), st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=250, deadline=None)
def test_max_pool2d_is_pytorchs(
    height, width, kernel, stride, padding, dilation, ceil_mode, batch, default_stride, seed
):
    x = random(*batch, 2, height, width, seed=seed, ties=seed % 2 == 0)
    options = {
        "kernel_size": kernel,
        "stride": None if default_stride else stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": ceil_mode,
    }
    mine = outcome(ours.max_pool2d, x, **options)
    if "padding alone" in str(mine):  # PyTorch's gradient is undefined there: look at values only
        values = F.max_pool2d(x.detach(), **options)
        assert values.isneginf().any() or not values.numel()
        return
    assert_same(mine, outcome(F.max_pool2d, x, **options))


@given(
    st.integers(1, 8), st.integers(1, 8), pairs(1, 4), pairs(1, 3), pairs(0, 2),
    st.booleans(), st.booleans(), st.sampled_from([(), (0,), (2,)]), st.booleans(),
)  # fmt: skip
@settings(max_examples=250, deadline=None)
def test_avg_pool2d_is_pytorchs(
    height, width, kernel, stride, padding, ceil_mode, count_include_pad, batch, default_stride
):
    x = random(*batch, 2, height, width)
    options = {
        "kernel_size": kernel,
        "stride": None if default_stride else stride,
        "padding": padding,
        "ceil_mode": ceil_mode,
        "count_include_pad": count_include_pad,
    }
    assert_same(outcome(ours.avg_pool2d, x, **options), outcome(F.avg_pool2d, x, **options))


def test_nan_stays_nan():
    x = torch.tensor([[[1.0, float("nan")], [2.0, 3.0]]])
    assert ours.max_pool2d(x, 2).isnan().all()
    assert ours.relu(x).isnan().tolist() == x.isnan().tolist()


@given(
    st.sampled_from([(4, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 1, 3), (1, 3, 1, 1), (1, 3)]),
    st.booleans(), st.booleans(), st.booleans(), st.booleans(),
    st.floats(0, 1), st.sampled_from([1e-5, 0.1]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_batch_norm_is_pytorchs(shape, training, running, weight, bias, momentum, eps):
    x = random(*shape)
    scale, shift = (random(3, seed=4) if weight else None), (random(3, seed=5) if bias else None)
    results, statistics = [], []
    for batch_norm in (ours.batch_norm, F.batch_norm):
        mean = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64) if running else None
        var = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64) if running else None
        call = lambda x, w, b, f=batch_norm, m=mean, v=var: f(  # noqa: E731
            x, m, v, w, b, training, momentum, eps
        )
        results.append(outcome(call, x, scale, shift))
        statistics.append((mean, var))
    assert_same(*results)
    for mine, theirs in zip(*statistics, strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE)


@given(
    st.sampled_from([(), (1,), (4,), (2, 3), (0,)]), st.integers(1, 5), st.integers(1, 5),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_fully_connected_is_pytorchs_linear(batch, in_features, out_features, with_bias):
    x, weight = random(*batch, in_features), random(out_features, in_features, seed=1)
    bias = random(out_features, seed=2) if with_bias else None
    mine = outcome(ours.fully_connected, x, weight, bias)
    assert_same(mine, outcome(F.linear, x, weight, bias))


def test_relu_is_pytorchs():
    x = torch.tensor([-2.0, -0.0, 0.0, 1e-9, 3.0, float("inf"), -float("inf")]).requires_grad_()
    assert_same(outcome(ours.relu, x), outcome(F.relu, x))
    assert ours.relu(torch.tensor([-1, 2])).tolist() == [0, 2]


@given(
    st.integers(1, 12), st.integers(1, 12), pairs(1, 4), pairs(1, 4), pairs(0, 2), pairs(1, 3),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=250, deadline=None)
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
    (lambda: ours.conv2d(X[0, 0], W), r"x as \(N, C, H, W\) or \(C, H, W\), got .*\(5, 6\)"),
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
