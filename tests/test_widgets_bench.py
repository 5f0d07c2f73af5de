"""The architecture bench: every kind of row against PyTorch, and broken networks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from traitlets import TraitError

from cnn_basics import widgets
from cnn_basics.model import Custom_CNN, trace_shapes
from cnn_basics.widgets.bench import (
    BROKEN,
    CUSTOM_CNN,
    DEFAULTS,
    EMPTY,
    LENET,
    MOST_LAYERS,
    PRESETS,
    make_layer,
    name_layers,
    new_layer,
    receptive_fields,
    trace_layers,
)

PICTURE = (3, 28, 28)


def with_change(layers, at, **changes):
    return [layer | changes if k == at else layer for k, layer in enumerate(layers)]


def test_custom_cnn_is_the_one_of_the_lessons():
    bench = widgets.architecture_bench()
    expected = trace_shapes(Custom_CNN(), (1, *PICTURE))
    assert bench.traced["parameters"] == f"{expected.parameters:,}" == "857,282"
    assert bench.traced["multiply_adds"] == f"{expected.multiply_adds:,}"
    own = {name: tuple(p.shape) for name, p in bench.network().named_parameters()}
    assert own == {name: tuple(p.shape) for name, p in Custom_CNN().named_parameters()}
    fields = [row["field"] for row in bench.traced["rows"]]
    assert fields == ["5×5", "5×5", "6×6", "14×14", "14×14", "16×16", "16×16", *["all 28×28"] * 3]
    shares = [row["share"] for row in bench.traced["rows"]]
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("preset", [CUSTOM_CNN, LENET])
@pytest.mark.parametrize("shape", [PICTURE, (1, 28, 28), (1, 32, 20)])
def test_every_row_tells_what_the_network_does(preset, shape):
    bench = widgets.architecture_bench(shape, preset)
    assert bench.traced["fault"] is None
    x = torch.zeros(2, *shape)
    for layer, row in zip(bench.network(), bench.traced["rows"], strict=True):
        x = layer(x)
        assert row["output"] == f"(N, {', '.join(map(str, x.shape[1:]))})"
        assert row["parameters"] == f"{sum(p.numel() for p in layer.parameters()):,}"
    made = eval(bench.traced["code"], {"nn": nn})
    assert [repr(layer) for layer in made] == [repr(layer) for layer in bench.network()]


def test_the_broken_network_has_three_faults_one_behind_the_other():
    bench = widgets.architecture_bench(preset=BROKEN)
    assert bench.traced["fault"] == 3
    assert "`conv2` (Conv2d) expected 16 channels but got 32" in bench.traced["sentence"]
    with pytest.raises(ValueError, match="expected 16 channels but got 32"):
        bench.network()
    assert [("output" in row) for row in bench.traced["rows"]] == [True] * 3 + [False] * 6
    bench.layers = with_change(bench.layers, 3, in_channels="auto")
    assert bench.traced["fault"] == 6
    assert "torch.flatten(x, start_dim=1)" in bench.traced["sentence"]
    bench.layers = [*bench.layers[:6], new_layer("Flatten"), *bench.layers[6:]]
    assert bench.traced["fault"] == 9
    assert "`fc2` (Linear) expected 128 numbers per picture but got 256" in bench.traced["sentence"]
    assert bench.traced["code"] == ""
    bench.layers = with_change(bench.layers, 9, in_features=256)
    assert (bench.traced["fault"], bench.traced["sentence"]) == (None, "")
    assert bench.traced["parameters"] == "857,282"
    # A linear layer on a map is found though PyTorch lets it pass.
    traced = trace_layers(list(map(new_layer, ("Conv2d", "Linear", "ReLU"))), PICTURE)
    assert traced["fault"] == 1
    assert traced["sentence"].startswith("`fc1` (Linear) expected one row of")


WHOLE = "expected a whole number for out_channels, got"
RANGE = "expected out_channels from 1 to 4,096, got"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, f"{WHOLE} nothing: type one from 1"),
        (2.5, f"{WHOLE} 2.5: type one from 1"),
        (True, f"{WHOLE} True"),
        ("many", f"{WHOLE} 'many'"),
        (0, f"{RANGE} 0: type a number in between"),
        (10**9, f"{RANGE} 1,000,000,000"),
    ],
)
def test_a_number_that_cannot_be_used_gets_a_sentence(value, said):
    bench = widgets.architecture_bench()
    bench.layers = with_change(bench.layers, 3, out_channels=value)
    assert bench.traced["fault"] == 3
    assert f"`conv2` (Conv2d) {said}" in bench.traced["sentence"]
    assert "output" in bench.traced["rows"][2]
    with pytest.raises(ValueError, match="expected"):
        bench.network()


def test_no_layers_at_all():
    bench = widgets.architecture_bench()
    bench.layers = []
    assert (bench.traced["fault"], bench.traced["sentence"]) == (0, EMPTY)
    assert bench.still().alt.endswith(f"no layers; {EMPTY}.")
    lines = bench.still().texts[0].get_text().splitlines()
    rule = lines[1]
    assert [line.split()[0] for line in lines] == ["layer", rule, "input", "▲", rule, "total"]


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
    assert len(traced["rows"]) == len(layers)
    done = sum("output" in row for row in traced["rows"])
    if traced["fault"] is None:
        assert done == len(layers)
        assert traced["sentence"] == ""
    else:
        assert done == min(traced["fault"], len(layers))
        assert traced["sentence"].startswith("`" if layers else "expected at least one layer")


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(1, 1, 3)],
        [nn.Conv2d(1, 1, 5, stride=2), nn.ReLU(), nn.Conv2d(1, 1, 3)],
        [nn.Conv2d(1, 1, 3, stride=3), nn.AvgPool2d(2), nn.Conv2d(1, 1, 2, stride=2)],
    ],
)
def test_the_receptive_field_is_what_autograd_sees(layers):
    """One pixel in the middle of the output: how many input pixels across have a gradient."""
    fields = list(receptive_fields(layers))
    x = torch.zeros(1, 1, 99, 99, requires_grad=True)
    y = x
    for layer, field in zip(layers, fields, strict=True):
        if hasattr(layer, "weight"):
            nn.init.ones_(layer.weight)
            nn.init.ones_(layer.bias)
        y = layer(y)
        (gradient,) = torch.autograd.grad(y[0, 0, 4, 4], x, retain_graph=True)
        rows, columns = gradient[0, 0].nonzero().T
        assert rows.max() - rows.min() + 1 == field
        assert columns.max() - columns.min() + 1 == field


def test_names_count_on_for_each_kind_and_auto_takes_what_comes():
    assert make_layer(new_layer("BatchNorm2d"), (1, 64, 7, 7)).num_features == 64
    kinds = ["Conv2d", "BatchNorm2d", "MaxPool2d", "AvgPool2d", "Conv2d", "Linear"]
    names = name_layers(map(new_layer, kinds))
    assert names == ["conv1", "norm1", "pool1", "pool2", "conv2", "fc1"]
    autos = [row["auto"] for row in widgets.architecture_bench().traced["rows"] if row["auto"]]
    assert [value for auto in autos for value in auto.values()] == [3, 32, 3136, 256]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([new_layer("ReLU")] * (MOST_LAYERS + 1), "expected at most 24 layers, got 25"),
        ([{"kind": "Conv3d"}], "got Conv3d: use Conv2d, ReLU"),
        ([{"kind": "ReLU", "slope": 1}], "got ReLU with slope: use no arguments"),
    ],
)
def test_other_rows_are_refused_and_presets_stay(layers, words):
    bench = widgets.architecture_bench()
    with pytest.raises(TraitError, match=words):
        bench.layers = layers
    assert len(bench.layers) == 10
    bench.layers = with_change(bench.layers, 0, out_channels=7)
    assert widgets.architecture_bench().layers[0]["out_channels"] == 32


@pytest.mark.parametrize("shape", [(3, 28), (3, 28, 0), (3, 28, 1024), (3.0, 28, 28)])
def test_other_pictures_and_presets_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(C, H, W\) of 1 to 512 each, got"):
        widgets.architecture_bench(shape)
    with pytest.raises(ValueError, match=r"expected one of 'Custom_CNN', .* got 'VGG'"):
        widgets.architecture_bench(preset="VGG")


@pytest.mark.parametrize("preset", PRESETS)
def test_the_picture_has_every_row(preset):
    bench = widgets.architecture_bench(preset=preset)
    lines = bench.still().texts[0].get_text().splitlines()
    names = [row["name"] for row in bench.traced["rows"]]
    fault = bench.traced["fault"]
    names = names if fault is None else [*names[: fault + 1], "▲", *names[fault + 1 :]]
    shown = [line.split()[0] for line in lines if line[0] not in " ─"]
    assert shown == ["layer", "input", *names, "total"]
    assert bench.traced["parameters"] in lines[-1]
    assert bench.traced["sentence"] in bench.still().alt
