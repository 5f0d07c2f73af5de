"""Counts against what PyTorch runs, timings by a clock of the test's own, and the roofline."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cnn_basics.by_hand import fast
from cnn_basics.by_hand.fast import machine, timing
from cnn_basics.model.counting import MultiplyAddCounter

OPTIONS = st.fixed_dictionaries(
    {"stride": st.integers(1, 3), "padding": st.integers(0, 2), "dilation": st.integers(1, 2)}
)


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3),
    st.integers(5, 9), st.integers(5, 9), OPTIONS,
)  # fmt: skip
@settings(max_examples=60)
def test_counts_are_those_of_what_runs(n, per_group, out_per_group, groups, height, width, options):
    x = torch.zeros(n, groups * per_group, height, width, dtype=torch.float64)
    weight = torch.zeros(groups * out_per_group, per_group, 2, 3, dtype=torch.float64)
    with MultiplyAddCounter() as counter:
        y = F.conv2d(x, weight, **options, groups=groups)
    shapes = tuple(x.shape), tuple(weight.shape)
    cost = fast.conv2d_cost(*shapes, **options, groups=groups, element_size=8)
    assert cost.multiply_adds == counter.total
    assert cost.bytes == x.nbytes + weight.nbytes + y.nbytes
    assert cost.operations == 2 * counter.total
    assert cost.intensity == pytest.approx(2 * counter.total / cost.bytes)
    columns = fast.im2col(x, (2, 3), **options)
    unrolled = fast.im2col_cost(*shapes, **options, groups=groups, element_size=8)
    assert unrolled.multiply_adds == counter.total
    assert unrolled.bytes == cost.bytes + 2 * columns.nbytes


def test_counts_by_hand():
    cost = fast.conv2d_cost((64, 32, 14, 14), (64, 32, 5, 5), padding=2)
    assert cost.multiply_adds == 64 * 64 * 14 * 14 * 32 * 5 * 5
    assert cost.bytes == 4 * (64 * 32 * 196 + 64 * 32 * 25 + 64 * 64 * 196)


def test_fft_costs_the_same_for_every_kernel_and_pays_for_large_ones():
    x = (4, 16, 64, 64)
    counts = [fast.fft_multiply_adds(x, (16, 16, k, k)) for k in (1, 31)]
    assert counts[0] == counts[1]
    direct = [fast.conv2d_cost(x, (16, 16, k, k)).multiply_adds for k in (1, 31)]
    assert direct[0] < counts[0] < direct[1]
    # by hand: one map of 16×16, 3 transforms of 256 numbers with log₂ 256 = 8, 16·9 products
    assert fast.fft_multiply_adds((1, 1, 16, 16), (1, 1, 3, 3)) == 3 * 2.5 * 256 * 8 / 2 + 576
    assert fast.fft_multiply_adds((1, 1, 12, 12), (1, 1, 3, 3), padding=2) == 8256


@pytest.mark.parametrize(
    ("x", "weight", "options", "words"),
    [
        ((1, 3, 8), (2, 3, 3, 3), {}, "give four numbers"),
        ((1, 3, 8, 0), (2, 3, 3, 3), {}, "give four numbers"),
        ((1, 3, 8, 8), (2, 2, 3, 3), {}, "2 channels and"),
        ((1, 4, 8, 8), (3, 2, 3, 3), {"groups": 2}, "3 kernels"),
        ((1, 3, 2, 8), (2, 3, 3, 3), {}, "kernel spanning 3 for 2 pixels"),
    ],
)
def test_shapes_that_do_not_fit(x, weight, options, words):
    for count in (fast.conv2d_cost, fast.im2col_cost, fast.fft_multiply_adds):
        with pytest.raises(ValueError, match=f"^expected .*{words}"):
            count(x, weight, **options)


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only when a function says so."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_functions_take_turns_and_the_first_call_does_not_count(clock):
    calls = []

    def slow():
        clock(100 if not calls else len(calls))
        calls.append("slow")

    def quick():
        clock(1)
        calls.append("quick")

    seconds = fast.time_side_by_side({"slow": slow, "quick": quick}, repeats=3)
    assert calls == ["slow", "quick"] * 4
    assert seconds == {"slow": [2, 4, 6], "quick": [1, 1, 1]}
    assert fast.ratios_to("quick", seconds) == {"slow": [2, 4, 6]}
    assert fast.ratios_to("slow", seconds) == {"quick": [1 / 2, 1 / 4, 1 / 6]}


def test_nothing_to_time_is_refused():
    with pytest.raises(ValueError, match="got 0 functions and 9 repeats"):
        fast.time_side_by_side({})
    with pytest.raises(ValueError, match="1 functions and 0 repeats"):
        fast.time_side_by_side({"a": int}, repeats=0)
    with pytest.raises(ValueError, match="expected a reference of a, got 'b'"):
        fast.ratios_to("b", {"a": [1.0]})


def test_threads_are_as_before_afterwards():
    def fail():
        with fast.use_threads(before + 1):
            assert torch.get_num_threads() == before + 1
            raise KeyError

    before = torch.get_num_threads()
    with pytest.raises(KeyError):
        fail()
    assert torch.get_num_threads() == before


def test_the_roof_is_a_slope_up_to_the_ridge_and_flat_behind():
    laptop = fast.Machine(peak=100.0, bandwidth=10.0)
    assert laptop.ridge == 10
    assert [laptop.attainable(i) for i in (0, 1, 10, 11)] == [0, 10, 100, 100]
    for speeds in ((0.0, 1.0), (1.0, -1.0)):
        with pytest.raises(ValueError, match="above 0"):
            fast.Machine(*speeds)


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
    seen = {}

    def side_by_side(tasks, repeats):
        for task in tasks.values():
            task()
        seen["repeats"] = repeats
        return {"product": product, "convolution": convolution, "copy": copy, "change": change}

    monkeypatch.setattr(machine, "time_side_by_side", side_by_side)
    measured = fast.measure_machine(side=10, copied=4000, repeats=2)
    assert measured == fast.Machine(peak=peak, bandwidth=bandwidth)
    assert seen == {"repeats": 2}
    with pytest.raises(ValueError, match="got 0 and 4"):
        fast.measure_machine(side=0, copied=4)
