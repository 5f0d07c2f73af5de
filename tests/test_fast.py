"""Every fast rung against PyTorch: values, gradients and refusals, in float64."""

from __future__ import annotations

from inspect import signature

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_basics.by_hand import conv2d, fast, windows
from cnn_basics.by_hand.fast import blocked
from cnn_basics.model import Custom_CNN

RUNGS = [fast.conv2d_im2col, fast.conv2d_shifts, fast.conv2d_blocked, fast.conv2d_fft]
WITH_GRADIENTS = [rung for rung in RUNGS if rung is not fast.conv2d_blocked]
CLOSE = {"rtol": 1e-10, "atol": 1e-10}
pairs = lambda low, high: st.one_of(  # noqa: E731
    st.integers(low, high), st.tuples(st.integers(low, high), st.integers(low, high))
)
every_rung = pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.__name__)


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@st.composite
def convolutions(draw):
    """Draw a convolution that may or may not fit, batched or not."""
    groups = draw(st.integers(1, 3))
    per_group, out_per_group = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
    x = random(*batch, groups * per_group, height, width, seed=draw(st.integers(0, 99)))
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 4)))
    weight = random(groups * out_per_group, per_group, *kernel, seed=draw(st.integers(0, 99)))
    bias = random(groups * out_per_group, seed=3) if draw(st.booleans()) else None
    options = {
        "stride": draw(pairs(1, 3)),
        "padding": draw(st.one_of(pairs(0, 2), st.sampled_from(["same", "valid"]))),
        "dilation": draw(pairs(1, 2)),
        "groups": groups,
    }
    return x, weight, bias, options


def check(rung, x, weight, bias, options):
    """The same values, or both refuse."""
    try:
        wanted = F.conv2d(x, weight, bias, **options)
    except (ValueError, RuntimeError):
        with pytest.raises((ValueError, TypeError), match=r"^expected .*: "):
            rung(x, weight, bias, **options)
        return
    torch.testing.assert_close(rung(x, weight, bias, **options), wanted, **CLOSE)


@every_rung
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(convolution=convolutions())
@settings(max_examples=120)
def test_every_rung_is_pytorchs(rung, convolution):
    check(rung, *convolution)


@given(convolution=convolutions(), block=st.integers(1, 3000), threads=st.integers(1, 3))
@settings(max_examples=60)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_blocks_of_any_size_in_any_number_of_threads(convolution, block, threads):
    before, blocked.BLOCK_BYTES = blocked.BLOCK_BYTES, block
    try:
        with fast.use_threads(threads):
            check(fast.conv2d_blocked, *convolution)
    finally:
        blocked.BLOCK_BYTES = before


@pytest.mark.parametrize("pictures", [1, 3])
@pytest.mark.parametrize("layer", ["conv1", "conv2"])
@every_rung
def test_the_layers_of_custom_cnn(rung, layer, pictures):
    conv = getattr(Custom_CNN(), layer).double()
    side = {"conv1": 28, "conv2": 14}[layer]
    x = random(pictures, conv.in_channels, side, side)
    with torch.no_grad(), fast.use_threads(2):
        y = rung(x, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        torch.testing.assert_close(y, conv(x), **CLOSE)


@pytest.mark.parametrize("rung", WITH_GRADIENTS, ids=lambda rung: rung.__name__)
@pytest.mark.parametrize(
    "options",
    [{}, {"stride": (2, 1), "padding": (1, 2)}, {"dilation": (1, 2), "padding": 2, "groups": 2}],
)
def test_gradients_are_autograds(rung, options):
    x, weight, bias = random(2, 4, 7, 5), random(6, 4 // options.get("groups", 1), 3, 2), random(6)
    results = []
    for function in (rung, F.conv2d):
        leaves = [tensor.clone().requires_grad_() for tensor in (x, weight, bias)]
        y = function(*leaves, **options)
        results.append(torch.autograd.grad((y * random(*y.shape, seed=9)).sum(), leaves))
    for mine, theirs in zip(*results, strict=True):
        torch.testing.assert_close(mine, theirs, **CLOSE)


def test_reused_memory_is_refused_where_gradients_are_wanted():
    x, weight = random(1, 1, 3, 3), random(1, 1, 2, 2).requires_grad_()
    with pytest.raises(ValueError, match=r"no gradient.*torch\.no_grad\(\), or use conv2d_im2col"):
        fast.conv2d_blocked(x, weight)
    with torch.no_grad():
        assert fast.conv2d_blocked(x, weight).shape == (1, 1, 2, 2)


@every_rung
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_layout_and_the_dtype_is_kept(rung, dtype):
    x, weight = random(2, 3, 5, 4).to(dtype), random(4, 3, 2, 3).to(dtype)
    last = x.to(memory_format=torch.channels_last), weight.to(memory_format=torch.channels_last)
    turned = x.mT.contiguous().mT, weight.flip(0).flip(0)
    wanted = F.conv2d(x, weight)
    for pair in ((x, weight), last, turned):
        y = rung(*pair)
        assert y.dtype == dtype
        torch.testing.assert_close(y, wanted, rtol=1e-4, atol=1e-4)


def test_the_ladder_holds_every_rung_and_the_library():
    x, weight = random(2, 4, 7, 5), random(6, 2, 3, 2)
    options = {"padding": 1, "stride": (2, 1), "groups": 2}
    tasks = fast.ladder(x, weight, **options)
    assert {*RUNGS, conv2d} == set(fast.RUNGS.values())
    assert list(tasks) == [*fast.RUNGS, "F.conv2d, channels last", "F.conv2d"]
    assert list(fast.RUNGS.values())[-1] is fast.conv2d_blocked
    for task in tasks.values():
        torch.testing.assert_close(task(), F.conv2d(x, weight, **options), **CLOSE)
    assert tasks["F.conv2d, channels last"]().is_contiguous(memory_format=torch.channels_last)
    assert tasks["F.conv2d"]().is_contiguous()


@every_rung
def test_what_was_given_is_left_alone(rung):
    x, weight = random(2, 3, 5, 4), random(4, 3, 2, 3)
    before = x.clone(), weight.clone()
    rung(x, weight)
    assert torch.equal(x, before[0])
    assert torch.equal(weight, before[1])


@every_rung
@pytest.mark.parametrize(
    ("x", "weight", "options", "words"),
    [
        (torch.zeros(1, 3, 4, 4), torch.zeros(2, 2, 3, 3), {}, "expected x with 2 channels"),
        (torch.zeros(1, 2, 4, 4), torch.zeros(2, 2, 5, 5), {}, "use a smaller kernel or more"),
        (torch.zeros(1, 2, 4, 4), torch.zeros(2, 2, 3, 3), {"stride": 0}, "stride of at least 1"),
        (torch.zeros(1, 2, 4, 4), torch.zeros(3, 1, 3, 3), {"groups": 2}, "groups=2 divides"),
        (torch.zeros(4, 4), torch.zeros(2, 2, 3, 3), {}, r"as \(N, C, H, W\) or \(C, H, W\)"),
    ],
)
def test_what_does_not_fit_is_said(rung, x, weight, options, words):
    with pytest.raises(ValueError, match=words):
        rung(x, weight, **options)


@every_rung
def test_help_shows_the_arguments_of_conv2d(rung):
    assert signature(rung) == signature(conv2d)
    assert "by_hand.conv2d" in rung.__doc__


@given(convolution=convolutions())
@settings(max_examples=60)
def test_im2col_is_pytorchs_unfold(convolution):
    x, weight, _, options = convolution
    if isinstance(options["padding"], str) or x.ndim == 3 or not len(x):
        return
    kernel, options = tuple(weight.shape[2:]), {k: v for k, v in options.items() if k != "groups"}
    try:
        columns = F.unfold(x, kernel, **options)  # (N, C·kh·kw, H_out·W_out)
    except RuntimeError:
        with pytest.raises(ValueError, match="use a smaller kernel"):
            fast.im2col(x, kernel, **options)
        return
    assert torch.equal(fast.im2col(x, kernel, **options), columns.mT.flatten(0, 1))
    assert fast.im2col(x, kernel, **options).numel() == windows(x, kernel, **options).numel()
