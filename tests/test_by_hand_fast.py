"""Every fast rung against PyTorch; counts against what it runs; timings by the test's clock."""

from inspect import signature

import pytest
import test_by_hand_layers as oracle
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from refusing import refusing

from cnn_basics.by_hand import conv2d, fast
from cnn_basics.model import MultiplyAddCounter

RUNGS = [fast.conv2d_im2col, fast.conv2d_shifts, fast.conv2d_blocked, fast.conv2d_fft]
every_rung = pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.__name__)


@every_rung
@oracle.even_kernels
@given(convolution=oracle.convolutions(), block=st.integers(1, 3000))
@settings(max_examples=100)
def test_every_rung_is_pytorchs_in_blocks_of_any_size(rung, convolution, block):
    tensors, options = convolution
    if rung is fast.conv2d_blocked:  # which refuses gradients
        tensors = [None if t is None else t.detach() for t in tensors]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "BLOCK_BYTES", block)
        oracle.assert_same(*(oracle.outcome(f, *tensors, **options) for f in (rung, F.conv2d)))


@every_rung
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_layout_is_read_and_left_alone_and_the_dtype_is_kept(rung, dtype):
    x, weight = (oracle.random(*shape).detach().to(dtype) for shape in ((2, 3, 5, 4), (4, 3, 2, 3)))
    last = [tensor.to(memory_format=torch.channels_last) for tensor in (x, weight)]
    before = x.clone(), weight.clone()
    for pair in ((x, weight), last, (x.mT.contiguous().mT, weight.flip(0).flip(0))):
        y = rung(*pair)
        assert y.dtype == dtype
        torch.testing.assert_close(y, F.conv2d(x, weight), rtol=1e-4, atol=1e-4)
    assert all(map(torch.equal, (x, weight), before))


def test_the_ladder_holds_every_rung_and_the_library():
    x, weight = oracle.random(2, 4, 7, 5).detach(), oracle.random(6, 2, 3, 2).detach()
    options = {"padding": 1, "stride": (2, 1), "groups": 2}
    tasks = fast.ladder(x, weight, **options)
    assert {*RUNGS, conv2d} == set(fast.RUNGS.values())
    assert list(tasks) == [*fast.RUNGS, "F.conv2d, channels last", "F.conv2d"]
    assert list(fast.RUNGS.values())[-1] is fast.conv2d_blocked
    for rung in RUNGS:  # what help shows
        assert signature(rung) == signature(conv2d)
        assert "by_hand.conv2d" in rung.__doc__
    for task in tasks.values():
        torch.testing.assert_close(task(), F.conv2d(x, weight, **options), **oracle.CLOSE)
    assert tasks["F.conv2d, channels last"]().is_contiguous(memory_format=torch.channels_last)


@given(oracle.convolutions().map(oracle.as_windows))
@settings(max_examples=60)
def test_im2col_is_pytorchs_unfold(windows):
    (x,), options = windows
    if isinstance(options["padding"], str) or not len(x):
        return
    theirs = oracle.outcome(lambda x: F.unfold(x, **options).mT.flatten(0, -2), x)
    oracle.assert_same(oracle.outcome(fast.im2col, x, **options), theirs)


@oracle.even_kernels
@given(oracle.convolutions())
@settings(max_examples=60)
def test_counts_are_those_of_what_runs(convolution):
    (x, weight, _), options = convolution
    with MultiplyAddCounter() as counter:
        y = oracle.outcome(F.conv2d, x.detach(), weight.detach(), **options)
    if x.ndim == 3 or not len(x) or isinstance(y, Exception):
        return
    cost = fast.conv2d_cost(x.shape, weight.shape, **options)
    assert cost.multiply_adds == counter.total
    assert cost.bytes == 4 * (x.numel() + weight.numel() + y[0].numel())
    assert cost.operations == 2 * counter.total
    assert cost.intensity == pytest.approx(2 * counter.total / cost.bytes)


def test_functions_take_turns_and_the_first_call_does_not_count(monkeypatch):
    calls, now = [], [0.0]
    monkeypatch.setattr(fast.time, "perf_counter", lambda: now[0])

    def work(name, seconds):
        now[0] += seconds
        calls.append(name)

    slow, quick = (lambda: work("slow", len(calls) or 100)), (lambda: work("quick", 1))
    seconds = fast.time_side_by_side({"slow": slow, "quick": quick}, repeats=3)
    assert calls == ["slow", "quick"] * 4
    assert seconds == {"slow": [2, 4, 6], "quick": [1, 1, 1]}
    assert fast.ratios_to("quick", seconds) == {"slow": [2, 4, 6]}
    assert fast.ratios_to("slow", seconds) == {"quick": [1 / 2, 1 / 4, 1 / 6]}


@pytest.mark.parametrize(
    ("product", "convolution", "copy", "change", "peak", "bandwidth"),
    [
        ([0.5, 0.25], [1e3, 1e6], [0.125, 0.5], [1, 2], 2000 / 0.25, 8000 / 0.125),
        ([9e5, 1e6], [0.5, 0.25], [1, 2], [0.5, 0.125], 2 * 16 * 256 * 100 / 0.25, 8000 / 0.125),
    ],
)
def test_the_machine_is_measured_by_the_best_of_two_tasks_each(
    monkeypatch, product, convolution, copy, change, peak, bandwidth
):
    def side_by_side(tasks, repeats):
        for task in tasks.values():
            task()
        assert repeats == 2
        return {"product": product, "convolution": convolution, "copy": copy, "change": change}

    monkeypatch.setattr(fast, "time_side_by_side", side_by_side)
    measured = fast.measure_machine(side=10, copied=4000, repeats=2)
    assert measured == fast.Machine(peak=peak, bandwidth=bandwidth)


X, W = torch.zeros(1, 1, 3, 3).double(), oracle.random(1, 1, 2, 2)
test_refusals_say_what_came_and_the_fix = refusing(
    (lambda: fast.conv2d_blocked(X, W), r"no gradient.*torch\.no_grad\(\), or use conv2d_im2col"),
    (lambda: fast.conv2d_cost((1, 3, 8), (2, 3, 3, 3)), r"x as \(N, C, H, W\)|weight as"),
    (lambda: fast.conv2d_cost((1, 3, 2, 8), (2, 3, 3, 3)), "kernel spanning 3 for 2 pixels"),
    (lambda: fast.time_side_by_side({}), "functions to time, got none"),
    (lambda: fast.time_side_by_side({"a": int}, repeats=0), "repeats as a whole number from 1"),
    (lambda: fast.ratios_to("b", {"a": [1.0]}), "a reference of a, got 'b'"),
    (lambda: fast.Machine(0.0, 1.0), "peak as a number from 1e-30 to inf, got 0.0: measure it"),
    (lambda: fast.Machine("1", 1.0), "peak as a number .*, got '1'"),
    (lambda: fast.Machine(1.0, -1.0), "bandwidth as a number .*, got -1.0"),
    (lambda: fast.conv2d_cost((1, 3, 8.5, 8), (2, 3, 3, 3)), "each size as a whole number from 0"),
    (lambda: fast.measure_machine(side=0), "side as a whole number from 1, got 0"),
)
