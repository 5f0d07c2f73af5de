"""Every hand-written backward pass against PyTorch's autograd, in float64.

The oracle is the gradient that autograd finds for PyTorch's own forward pass, over random
non-square shapes and every option; whether arguments are legal is PyTorch's decision too.
"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from test_by_hand_layers import CLOSE, assert_one_sentence, convolutions, pairs, random

from cnn_basics import by_hand
from cnn_basics.by_hand import spread, windows_backward


def weighting(shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def same_as_autograd(forward, backward, *tensors):
    """Compare one backward pass with autograd's, or see both refuse; says which it was."""
    try:
        y = forward(*tensors)
    except (ValueError, TypeError, RuntimeError):
        with pytest.raises((ValueError, TypeError)) as caught:
            backward(torch.zeros(()).double(), *(t.detach() for t in tensors))
        assert_one_sentence(caught.value)
        assert "grad_output" not in str(caught.value), "refused, but for another reason"
        return False
    grad_output = weighting(y.shape)
    before = [t.detach().clone() for t in tensors]
    mine = backward(grad_output, *(t.detach() for t in tensors))
    mine = [mine] if isinstance(mine, torch.Tensor) else list(mine)
    for my_gradient, theirs in zip(mine, torch.autograd.grad(y, tensors, grad_output), strict=True):
        torch.testing.assert_close(my_gradient, theirs, **CLOSE)
    for tensor, copy in zip(tensors, before, strict=True):
        assert torch.equal(tensor, copy), "an input was changed"
    return True


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(convolutions())
@settings(max_examples=200)
def test_conv2d_backward_is_autograds(convolution):
    x, weight, _, options = convolution
    bias = random(len(weight), seed=3)
    same_as_autograd(
        lambda x, w, b: F.conv2d(x, w, b, **options),
        lambda g, x, w, b: by_hand.conv2d_backward(g, x, w, **options),
        *(x, weight, bias),
    )


@given(
    st.sampled_from([(), (1,), (4,), (2, 3), (0,)]), st.integers(1, 5), st.integers(1, 5),
)  # fmt: skip
def test_linear_backward_is_autograds(batch, in_features, out_features):
    x, weight = random(*batch, in_features), random(out_features, in_features, seed=1)
    same_as_autograd(
        F.linear,
        lambda g, x, w, b: by_hand.linear_backward(g, x, w),
        *(x, weight, random(out_features, seed=2)),
    )


def test_relu_backward_is_autograds():
    x = torch.tensor([-2.0, -0.0, 0.0, 1e-9, 3.0, float("inf"), -float("inf"), float("nan")])
    x, grad_output = x.double().requires_grad_(), torch.arange(1.0, 9).double()
    (theirs,) = torch.autograd.grad(F.relu(x), x, grad_output)
    assert torch.equal(by_hand.relu_backward(grad_output, x.detach()), theirs)
    assert same_as_autograd(F.relu, by_hand.relu_backward, random(2, 3, 5, 4))


poolings = st.fixed_dictionaries(
    {
        "kernel_size": pairs(1, 4),
        "stride": st.one_of(st.none(), pairs(1, 5)),
        "padding": pairs(0, 2),
    }
)
batches = st.sampled_from([(), (0,), (2,)])


@given(poolings, st.integers(1, 8), st.integers(1, 8), batches, st.integers(0, 99))
@settings(max_examples=250)
def test_max_pool2d_backward_is_autograds_ties_included(options, height, width, batch, seed):
    x = random(*batch, 2, height, width, seed=seed, ties=seed % 2 == 0)
    same_as_autograd(
        lambda x: F.max_pool2d(x, **options),
        lambda g, x: by_hand.max_pool2d_backward(g, x, **options),
        x,
    )


@given(poolings, st.integers(1, 8), st.integers(1, 8), batches)
@settings(max_examples=200)
def test_avg_pool2d_backward_is_autograds(options, height, width, batch):
    same_as_autograd(
        lambda x: F.avg_pool2d(x, **options),
        lambda g, x: by_hand.avg_pool2d_backward(g, x, **options),
        random(*batch, 2, height, width),
    )


def test_max_pool2d_backward_never_gives_to_the_padding():
    x = torch.full((1, 1, 3, 2), -float("inf"), dtype=torch.float64, requires_grad=True)
    options = {"kernel_size": (2, 3), "stride": 1, "padding": (1, 1)}
    forward = lambda x: F.max_pool2d(x, **options)  # noqa: E731
    backward = lambda g, x: by_hand.max_pool2d_backward(g, x, **options)  # noqa: E731
    assert same_as_autograd(forward, backward, x)


@given(
    st.sampled_from([(4, 3), (2, 3, 5), (2, 3, 4, 5), (2, 3, 2, 1, 3), (1, 3, 2, 1), (2, 3)]),
    st.booleans(), st.booleans(), st.booleans(), st.sampled_from([1e-5, 0.1]),
    st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=150)
def test_batch_norm_backward_is_autograds(shape, training, running, scaled, eps, seed):
    mean = torch.tensor([0.5, -1.0, 2.0]).double() if running or not training else None
    var = torch.tensor([0.5, 1.0, 2.0]).double() if running or not training else None
    kept = [None if s is None else s.clone() for s in (mean, var)]
    scale = random(3, seed=4)
    legal = same_as_autograd(
        lambda x, w, b: F.batch_norm(
            x, *(s if s is None else s.clone() for s in (mean, var)),
            w if scaled else w * 0 + 1, b, training, eps=eps,
        ),
        lambda g, x, w, b: _with_silent_weight(
            by_hand.batch_norm_backward(g, x, mean, var, w if scaled else None, training, eps),
            scaled,
        ),
        *(random(*shape, seed=seed), scale, random(3, seed=5)),
    )  # fmt: skip
    assert legal
    for statistic, copy in zip((mean, var), kept, strict=True):
        assert statistic is copy is None or torch.equal(statistic, copy)


def _with_silent_weight(found, scaled):
    """Without a weight, autograd sees no way from the output to it."""
    return found if scaled else (found[0], torch.zeros_like(found[1]), found[2])


def test_batch_norm_backward_gives_the_gradient_of_a_weight_of_one():
    x, ones = random(4, 3, 2), torch.ones(3).double()
    without = by_hand.batch_norm_backward(weighting(x.shape), x.detach(), None, None, None, True)
    of_ones = by_hand.batch_norm_backward(weighting(x.shape), x.detach(), None, None, ones, True)
    for one, other in zip(without, of_ones, strict=True):
        assert torch.equal(one, other)


@given(
    st.integers(0, 4), st.integers(1, 5), st.sampled_from(["mean", "sum", "none"]),
    st.sampled_from([0.0, 0.1, 1.0]), st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=120)
def test_cross_entropy_backward_is_autograds(n, classes, reduction, label_smoothing, seed):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(classes, (n,), generator=generator)
    options = {"reduction": reduction, "label_smoothing": label_smoothing}
    if n or reduction != "mean":  # the mean of nothing is nan
        assert same_as_autograd(
            lambda x: F.cross_entropy(x, target, **options),
            lambda g, x: by_hand.cross_entropy_backward(g, x, target, **options),
            random(n, classes, seed=seed),
        )


def test_cross_entropy_backward_survives_large_scores():
    x, target = torch.tensor([[1000.0, -1000.0], [0.0, 1000.0]]), torch.tensor([1, 1])
    found = by_hand.cross_entropy_backward(torch.tensor(1.0), x, target)
    assert found.tolist() == [[0.5, -0.5], [0, 0]]


@given(convolutions())
@settings(max_examples=120)
def test_windows_backward_is_the_way_back_through_windows(convolution):
    x, weight, _, options = convolution
    kernel = tuple(weight.shape[2:])
    numbers = {k: options[k] for k in ("stride", "padding", "dilation")}
    try:
        y = by_hand.windows(x, kernel, **numbers)
    except ValueError:
        return
    grad_output = weighting(y.shape)
    (theirs,) = torch.autograd.grad(y, x, grad_output)
    mine = windows_backward(grad_output, x.shape[-2:], **numbers)
    torch.testing.assert_close(mine, theirs, **CLOSE)


OPTIONS = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2}
POOLING = {"kernel_size": (2, 3), "stride": (1, 2), "padding": (1, 0)}
STATISTICS = (torch.tensor([0.5, -1.0, 2.0]).double(), torch.tensor([0.5, 1.0, 2.0]).double())
CLASSES = torch.tensor([0, 3, 1, 3])
PAIRS = {
    "conv2d": (
        lambda x, w, b: by_hand.conv2d(x, w, b, **OPTIONS),
        lambda g, x, w, b: by_hand.conv2d_backward(g, x, w, **OPTIONS),
        [(2, 4, 5, 7), (6, 2, 3, 2), (6,)],
    ),
    "linear": (
        by_hand.fully_connected,
        lambda g, x, w, b: by_hand.linear_backward(g, x, w),
        [(3, 2, 5), (4, 5), (4,)],
    ),
    "relu": (by_hand.relu, by_hand.relu_backward, [(2, 3, 4)]),
    "max_pool2d": (
        lambda x: by_hand.max_pool2d(x, **POOLING),
        lambda g, x: by_hand.max_pool2d_backward(g, x, **POOLING),
        [(2, 2, 5, 7)],
    ),
    "avg_pool2d": (
        lambda x: by_hand.avg_pool2d(x, **POOLING),
        lambda g, x: by_hand.avg_pool2d_backward(g, x, **POOLING),
        [(2, 2, 5, 7)],
    ),
    "batch_norm, training": (
        lambda x, w, b: by_hand.batch_norm(x, None, None, w, b, training=True),
        lambda g, x, w, b: by_hand.batch_norm_backward(g, x, None, None, w, training=True),
        [(2, 3, 4, 3), (3,), (3,)],
    ),
    "batch_norm, evaluation": (
        lambda x, w, b: by_hand.batch_norm(x, *STATISTICS, w, b),
        lambda g, x, w, b: by_hand.batch_norm_backward(g, x, *STATISTICS, w),
        [(4, 3), (3,), (3,)],
    ),
    "cross_entropy": (
        lambda x: F.cross_entropy(x, CLASSES, label_smoothing=0.1),
        lambda g, x: by_hand.cross_entropy_backward(g, x, CLASSES, label_smoothing=0.1),
        [(4, 5)],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_our_gradient_check_accepts_our_two_passes(name):
    forward, backward, shapes = PAIRS[name]
    tensors = [random(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    assert by_hand.gradient_check(forward, tensors, backward).passed


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", PAIRS)
def test_the_dtype_is_kept(name, dtype, monkeypatch):
    forward, backward, shapes = PAIRS[name]
    monkeypatch.setitem(globals(), "STATISTICS", tuple(s.to(dtype) for s in STATISTICS))
    tensors = [random(*shape).detach().to(dtype) for shape in shapes]
    y = forward(*tensors)
    assert y.dtype == dtype
    found = backward(torch.ones_like(y), *tensors)
    found = [found] if isinstance(found, torch.Tensor) else found
    assert [(g.dtype, g.shape) for g in found] == [(dtype, t.shape) for t in tensors]


X, W, G = torch.zeros(2, 4, 5, 6), torch.zeros(6, 4, 3, 3), torch.zeros(2, 6, 3, 4)
SCORES, TARGET, ONE = torch.zeros(2, 3), torch.tensor([0, 2]), torch.tensor(1.0)
conv, linear, relu = by_hand.conv2d_backward, by_hand.linear_backward, by_hand.relu_backward
entropy, norm = by_hand.cross_entropy_backward, by_hand.batch_norm_backward
REFUSED = [
    (lambda: conv(G, X, W, stride=2), r"output's shape \(2, 6, 2, 2\), got \(2, 6, 3, 4\)"),
    (lambda: conv(G[0], X, W), r"output's shape \(2, 6, 3, 4\), got \(6, 3, 4\)"),
    (lambda: conv(G.double(), X, W), "x and grad_output of one dtype on one device"),
    (lambda: conv(G, X, W.double()), "x and weight of one dtype"),
    (lambda: conv(G, X.numpy(), W), "x as a float32 or float64 tensor, got a float32 array"),
    (lambda: conv(None, X, W), "grad_output as a float32 or float64 tensor, got None"),
    (lambda: conv([1.0], X, W), "grad_output as a float32 or float64 tensor, got a list"),
    (lambda: conv(G, X, W, groups=2), "8 channels.*groups=2"),
    (lambda: conv(G, X, W, padding="full"), "'same' or 'valid', got 'full'"),
    (lambda: conv(G, X, W.to("meta")), "on cpu and torch.float32 on meta"),
    (lambda: linear(torch.zeros(2, 4), SCORES, torch.zeros(5, 3)), r"shape \(2, 5\)"),
    (lambda: linear(SCORES, SCORES, torch.zeros(5, 4)), r"x as \(..., 4\)"),
    (lambda: relu(SCORES[0], SCORES), r"shape \(2, 3\), got \(3,\)"),
    (lambda: relu(TARGET, TARGET), "float32 or float64 tensor, got a int64"),
    (lambda: by_hand.max_pool2d_backward(X, X, 2), r"shape \(2, 4, 2, 3\)"),
    (lambda: by_hand.max_pool2d_backward(X, X, 2, padding=2), "at most half the kernel"),
    (lambda: by_hand.avg_pool2d_backward(X, X, 2), r"shape \(2, 4, 2, 3\)"),
    (lambda: by_hand.avg_pool2d_backward(X, X[0, 0], 2), r"x as \(N, C, H, W\)"),
    (lambda: norm(SCORES, SCORES, None, None), "both running_mean and running_var"),
    (lambda: norm(SCORES[:1], SCORES[:1], None, None, training=True), "more than 1 value"),
    (lambda: norm(X, SCORES, None, None, training=True), r"shape \(2, 3\), got \(2, 4, 5, 6\)"),
    (lambda: entropy(ONE, SCORES[0], TARGET), r"x as \(N, K\).*of shape \(3,\)"),
    (lambda: entropy(ONE, SCORES, [0, 2]), "int64 tensor of class numbers, got a list"),
    (lambda: entropy(ONE, SCORES, SCORES), "int64 tensor of class numbers, got a float32"),
    (lambda: entropy(ONE, SCORES, TARGET[:1]), r"target of shape \(2,\), got \(1,\)"),
    (lambda: entropy(ONE, SCORES, TARGET + 1), "classes from 0 to 2, got 1 to 3"),
    (lambda: entropy(ONE, SCORES, TARGET - 1), "classes from 0 to 2, got -1 to 1"),
    (lambda: entropy(ONE, SCORES, TARGET, "average"), "reduction in .*got 'average'"),
    (lambda: entropy(ONE, SCORES, TARGET, label_smoothing=2), "label_smoothing from 0 to 1"),
    (lambda: entropy(ONE, SCORES, TARGET, "none"), r"shape \(2,\), got \(\)"),
    (lambda: windows_backward(G, (5, 6)), r"x as \(N, C, H, W\)"),
    (lambda: windows_backward(torch.zeros(1, 1, 2, 2, 2, 2), (4, 3)), r"\(1, 1, 3, 2, 2, 2\)"),
    (lambda: spread(X, 0), "stride as a whole number from 1, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refusals_say_what_came_and_the_fix(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        call()
    assert_one_sentence(caught.value)
