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
from test_by_hand_layers import (
    CLOSE,
    CORNERS,
    REFUSALS,
    as_float32,
    assert_one_sentence,
    convolutions,
    even_kernels,
    linears,
    normalisations,
    poolings,
    random,
    refusing,
    seeds,
)

from cnn_basics import by_hand
from cnn_basics.by_hand import spread, windows_backward


@st.composite
def losses(draw):
    """Draw scores, classes and every option of the loss."""
    n, classes, seed = draw(st.integers(0, 4)), draw(st.integers(1, 5)), draw(seeds)
    target = torch.randint(classes, (n,), generator=torch.Generator().manual_seed(seed))
    options = {
        "reduction": draw(st.sampled_from(["mean", "sum", "none"] if n else ["sum", "none"])),
        "label_smoothing": draw(st.sampled_from([0.0, 0.1, 1.0])),
    }  # the mean of nothing is nan
    return (random(n, classes, seed=seed), target), options


def conv2d(g, x, weight, bias, **options):
    return by_hand.conv2d_backward(g, x, weight, **options)


def linear(g, x, weight, bias):
    return by_hand.linear_backward(g, x, weight)


def batch_norm(g, x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    grad_x, *others = by_hand.batch_norm_backward(g, x, mean, var, weight, training, eps)
    return grad_x, None, None, *others


def through_windows(x, weight, bias, groups=1, **options):
    return by_hand.windows(x, tuple(weight.shape[2:]), **options)


def back_through_windows(g, x, weight, bias, groups=1, **options):
    return windows_backward(g, x.shape[-2:], **options)


RELUS = [((x,), {}) for x in (CORNERS.double().requires_grad_(), random(2, 3, 5, 4))]
# A window of nothing but -∞ never gives to the padding.
ALL_OF_ONE = torch.full((1, 1, 3, 2), -float("inf"), dtype=torch.float64, requires_grad=True)
LOWEST = st.just(((ALL_OF_ONE,), {"kernel_size": (2, 3), "stride": 1, "padding": (1, 1)}))
BACKWARD = {
    "conv2d": (F.conv2d, conv2d, convolutions()),
    "linear": (F.linear, linear, linears()),
    "relu": (F.relu, by_hand.relu_backward, st.sampled_from(RELUS)),
    "max_pool2d": (F.max_pool2d, by_hand.max_pool2d_backward, poolings() | LOWEST),
    "avg_pool2d": (F.avg_pool2d, by_hand.avg_pool2d_backward, poolings()),
    "batch_norm": (F.batch_norm, batch_norm, normalisations()),
    "cross_entropy": (F.cross_entropy, by_hand.cross_entropy_backward, losses()),
    "windows": (through_windows, back_through_windows, convolutions()),
}


@even_kernels
@pytest.mark.parametrize("layer", BACKWARD)
@given(data=st.data())
@settings(max_examples=200)
def test_every_backward_pass_is_autograds(layer, data):
    forward, backward, cases = BACKWARD[layer]
    tensors, options = data.draw(cases)
    detached = [t if t is None else t.detach().clone() for t in tensors]
    kept = [t if t is None else t.clone() for t in detached]
    try:
        y = forward(*(t if t is None or t.requires_grad else t.clone() for t in tensors), **options)
    except REFUSALS:
        with pytest.raises((ValueError, TypeError)) as caught:
            backward(torch.zeros(()).double(), *detached, **options)
        assert_one_sentence(caught.value)
        assert layer == "windows" or "grad_output" not in str(caught.value), "for another reason"
        return
    grad_output = random(*y.shape, seed=1).detach()
    mine, single = (
        [found] if isinstance(found, torch.Tensor) else found
        for found in (
            backward(grad_output, *detached, **options),
            backward(grad_output.float(), *map(as_float32, detached), **options),
        )
    )
    wanted = [k for k, t in enumerate(tensors) if t is not None and t.requires_grad]
    learned = [tensors[k] for k in wanted]
    theirs = torch.autograd.grad(y, learned, grad_output, allow_unused=layer == "windows")
    for k, gradient in zip(wanted, theirs, strict=True):
        if gradient is not None:
            torch.testing.assert_close(mine[k], gradient, equal_nan=True, **CLOSE)
    for one, other in zip(mine, single, strict=True):
        assert one is other is None or (one.shape, torch.float32) == (other.shape, other.dtype)
    for tensor, copy in zip(detached, kept, strict=True):
        assert tensor is copy is None or (tensor.nan_to_num() == copy.nan_to_num()).all()


def test_batch_norm_backward_gives_the_gradient_of_a_weight_of_one():
    x = random(4, 3, 2).detach()
    gradients = (
        by_hand.batch_norm_backward(x.flip(0), x, None, None, weight, True)
        for weight in (None, torch.ones(3).double())
    )
    assert all(map(torch.equal, *gradients))


def test_cross_entropy_backward_survives_large_scores():
    x, target = torch.tensor([[1000.0, -1000.0], [0.0, 1000.0]]), torch.tensor([1, 1])
    found = by_hand.cross_entropy_backward(torch.tensor(1.0), x, target)
    assert found.tolist() == [[0.5, -0.5], [0, 0]]


X, W, G = torch.zeros(2, 4, 5, 6), torch.zeros(6, 4, 3, 3), torch.zeros(2, 6, 3, 4)
SCORES, TARGET, ONE = torch.zeros(2, 3), torch.tensor([0, 2]), torch.tensor(1.0)
conv, linear, relu = by_hand.conv2d_backward, by_hand.linear_backward, by_hand.relu_backward
entropy, norm = by_hand.cross_entropy_backward, by_hand.batch_norm_backward
test_refusals_say_what_came_and_the_fix = refusing(
    (lambda: conv(G, X, W, stride=2), r"grad_output of shape \(2, 6, 2, 2\), got \(2, 6, 3, 4\)"),
    (
        lambda: conv(G.double(), X, W),
        "grad_output in torch.float32 on cpu, got grad_output in torch.float64",
    ),
    (lambda: conv(None, X, W), "grad_output as a float32 or float64 tensor, got None"),
    (lambda: linear(torch.zeros(2, 4), SCORES, torch.zeros(5, 3)), r"shape \(2, 5\)"),
    (lambda: relu(SCORES[0], SCORES), r"shape \(2, 3\), got \(3,\)"),
    (lambda: by_hand.max_pool2d_backward(X, X, 2), r"shape \(2, 4, 2, 3\), got \(2, 4, 5, 6"),
    (lambda: by_hand.avg_pool2d_backward(X, X, 2), r"shape \(2, 4, 2, 3\), got"),
    (lambda: norm(X, SCORES, None, None, training=True), r"shape \(2, 3\), got \(2, 4, 5, 6\)"),
    (lambda: entropy(ONE, SCORES[0], TARGET), r"x as \(N, K\).*of shape \(3,\)"),
    (
        lambda: entropy(ONE, SCORES, [0, 2]),
        "one int64 class from 0 to 2 for each of the 2 rows of x, got a list",
    ),
    (
        lambda: entropy(ONE, SCORES, TARGET[:1]),
        r"for each of the 2 rows of x, got a int64 tensor of shape \(1,\)",
    ),
    (lambda: entropy(ONE, SCORES, TARGET + 1), "class from 0 to 2 .*, got 1 to 3"),
    (lambda: entropy(ONE, SCORES, TARGET - 1), "class from 0 to 2 .*, got -1 to 1"),
    (lambda: entropy(ONE, SCORES, TARGET, "average"), "reduction in .*got 'average'"),
    (lambda: entropy(ONE, SCORES, TARGET, label_smoothing=2), "label_smoothing from 0 to 1"),
    (lambda: entropy(ONE, SCORES, TARGET, "none"), r"shape \(2,\), got \(\)"),
    (lambda: windows_backward(G, (5, 6)), r"grad_output as \(N, C, H, W, kh, kw\)"),
    (lambda: windows_backward(torch.zeros(1, 1, 2, 2, 2, 2), (4, 3)), r"\(1, 1, 3, 2, 2, 2\)"),
    (lambda: spread(X, 0), "stride as a whole number from 1, got 0"),
)
