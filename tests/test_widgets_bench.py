"""The architecture bench: every kind of row against PyTorch, and broken networks."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnn_basics import widgets
from cnn_basics.model import Custom_CNN, trace_shapes
from cnn_basics.widgets.bench import BROKEN, DEFAULTS, EMPTY, PRESETS, new_layer, trace_layers

PICTURE = (3, 28, 28)


def with_change(layers, at, **changes):
    return [layer | changes if k == at else layer for k, layer in enumerate(layers)]


def test_custom_cnn_is_the_one_of_the_lessons():
    bench = widgets.architecture_bench()
    assert bench.traced["parameters"] == "857,282"
    own = {name: tuple(p.shape) for name, p in bench.network().named_parameters()}
    assert own == {name: tuple(p.shape) for name, p in Custom_CNN().named_parameters()}
    fields = [row["field"] for row in bench.traced["rows"]]
    assert fields == ["5×5", "5×5", "6×6", "14×14", "14×14", "16×16", "16×16", *["all 28×28"] * 3]
    autos = [row["auto"] for row in bench.traced["rows"] if row["auto"]]
    assert [value for auto in autos for value in auto.values()] == [3, 32, 3136, 256]
    bench.layers = with_change(bench.layers, 0, out_channels=np.int64(7))
    assert (type(bench.layers[0]["out_channels"]), bench.network()[0].out_channels) == (int, 7)
    assert widgets.architecture_bench().layers[0]["out_channels"] == 32


def check(traced, network, shape):
    """Everything that a bench says of a network that works, against a trace of real layers."""
    assert (traced["fault"], traced["sentence"]) == (None, "")
    expected = trace_shapes(network, (1, *shape))
    for row, wanted in zip(traced["rows"], expected.rows, strict=True):
        assert row["name"] == wanted.layer
        assert row["output"] == f"(N, {', '.join(map(str, wanted.output_shape[1:]))})"
        assert row["parameters"] == f"{wanted.parameters:,}"
        assert row["multiply_adds"] == f"{wanted.multiply_adds:,}"
        assert row["share"] == pytest.approx(wanted.parameters / (expected.parameters or 1))
    assert traced["parameters"] == f"{expected.parameters:,}"
    assert traced["multiply_adds"] == f"{expected.multiply_adds:,}"
    made = eval(traced["code"], {"nn": nn})
    assert [repr(layer) for layer in made] == [repr(layer) for layer in network]


@pytest.mark.parametrize("preset", ["Custom_CNN", "LeNet-5-like"])
@pytest.mark.parametrize("shape", [PICTURE, (1, 28, 28), (1, 32, 20)])
def test_every_row_tells_what_the_network_does(preset, shape):
    bench = widgets.architecture_bench(shape, preset)
    check(bench.traced, bench.network(), shape)


numbers = st.one_of(st.integers(-1, 40), st.sampled_from(["auto", None, 99, 4096, 3.5]))


@st.composite
def rows(draw):
    kind = draw(st.sampled_from(list(DEFAULTS)))
    keep = st.booleans()
    changes = {name: draw(numbers) for name in DEFAULTS[kind] if draw(keep) and draw(keep)}
    return new_layer(kind, **changes)


@settings(max_examples=120)
@given(st.lists(rows(), max_size=8), st.sampled_from([PICTURE, (5, 1, 1), (1, 40, 20)]))
def test_no_network_raises(layers, shape):
    traced = trace_layers(layers, shape)
    done = ["output" in row for row in traced["rows"]]
    fault = len(layers) if traced["fault"] is None else traced["fault"]
    assert done == [at < fault for at in range(len(layers))]
    assert (traced["fault"] is None) == (traced["sentence"] == "")
    words = rf"`{traced['rows'][fault]['name']}` " if fault < len(layers) else "^$|^expected at le"
    assert re.match(words, traced["sentence"])
    assert not re.search(r"[( ]0(, |×)", traced["sentence"])  # of N pictures, not of none


def test_the_broken_network_has_three_faults_one_behind_the_other():
    bench = widgets.architecture_bench(preset=BROKEN)
    first = "`conv2` (Conv2d) expected 16 channels but got 32: write nn.Conv2d(32, 64, "
    for fault, words, mend in [
        (3, first, lambda rows: with_change(rows, 3, in_channels="auto")),
        (6, "a map (N, 64, 7, 7)", lambda rows: [*rows[:6], new_layer("Flatten"), *rows[6:]]),
        (9, "expected 128 numbers per", lambda rows: with_change(rows, 9, in_features=256)),
    ]:
        assert bench.traced["fault"] == fault
        assert words in bench.traced["sentence"]
        assert bench.traced["sentence"] in bench.still().alt
        assert bench.traced["code"] == ""
        with pytest.raises(ValueError, match="expected"):
            bench.network()
        bench.layers = mend(bench.layers)
    check(bench.traced, bench.network(), PICTURE)
    assert bench.traced["parameters"] == "857,282"


WHOLE, RANGE = (
    "expected a whole number for out_channels, got ",
    "expected out_channels from 1 to 4,096",
)
NUMBERS = [
    (None, f"{WHOLE}nothing: type one from 1"),
    (2.5, f"{WHOLE}2.5"),
    (True, f"{WHOLE}True"),
    ("auto", f"{WHOLE}'auto'"),
    (0, f"{RANGE}, got 0: type a number in between"),
    (10**9, f"{RANGE}, got 1,000,000,000"),
]


@pytest.mark.parametrize(("value", "said"), NUMBERS)
def test_a_number_that_cannot_be_used_gets_a_sentence(value, said):
    layers = with_change(PRESETS["Custom_CNN"], 3, out_channels=value)
    traced = trace_layers(layers, PICTURE)
    assert traced["fault"] == 3
    assert traced["sentence"].startswith(f"`conv2` (Conv2d) {said}")


def test_what_is_too_large_for_the_memory_is_counted_or_refused():
    huge = [new_layer(kind, out_features=10**6) for kind in ("Linear", "Linear")]
    traced = trace_layers([new_layer("Flatten"), *huge], PICTURE)
    assert traced["parameters"] == f"{(2352 + 1) * 10**6 + (10**6 + 1) * 10**6:,}"
    wide = new_layer("Conv2d", out_channels=4096)
    said = "`conv2` (Conv2d) expected at most 20,000,000 weights, got 150,994,944: make the layer"
    assert trace_layers([wide, wide], PICTURE)["sentence"].startswith(said)


STACKS = [
    [("Conv2d", 3, 1)],
    [("Conv2d", 5, 2), ("ReLU",), ("Conv2d", 3, 1)],
    [("Conv2d", 3, 3), ("AvgPool2d", 2), ("Conv2d", 2, 2)],
]


@pytest.mark.parametrize("stack", STACKS)
def test_the_receptive_field_is_what_autograd_sees(stack):
    """One pixel in the middle of the output: how many input pixels across have a gradient."""
    bench, names = widgets.architecture_bench((1, 99, 99)), ("kernel_size", "stride")
    rows = [new_layer(kind, **dict(zip(names, n, strict=False))) for kind, *n in stack]
    bench.layers = [row | {"out_channels": 1} if "stride" in row else row for row in rows]
    x = torch.zeros(1, 1, 99, 99, requires_grad=True)
    y = x
    for layer, row in zip(bench.network(), bench.traced["rows"], strict=True):
        for weights in layer.parameters():
            nn.init.ones_(weights)
        y = layer(y)
        (gradient,) = torch.autograd.grad(y[0, 0, 4, 4], x, retain_graph=True)
        sides = np.ptp(gradient[0, 0].nonzero().numpy(), axis=0) + 1
        assert "×".join(map(str, sides)) == row["field"]


@pytest.mark.parametrize("preset", [*PRESETS, None])
def test_the_picture_has_every_row_and_says_what_is_wrong(preset):
    bench = widgets.architecture_bench(np.array(PICTURE), preset or BROKEN)
    if preset is None:
        bench.layers = []
        assert bench.still().alt.endswith(f"no layers; {EMPTY}.")
    names = [row["name"] for row in bench.traced["rows"]]
    if bench.traced["fault"] is not None:
        names.insert(bench.traced["fault"] + 1, "▲")
    lines = bench.still().texts[0].get_text().splitlines()
    shown = [line.split()[0] for line in lines if line[0] not in " ─"]
    assert shown == ["layer", "input", *names, "total"]
    assert bench.traced["parameters"] in lines[-1]
