"""A bench for networks: add, drop, move and resize layers, and see what each of them costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from numbers import Integral
from textwrap import fill, shorten
from typing import Any

import numpy as np
import torch
from torch import nn
from traitlets import Dict, Int, List, TraitError, observe, validate

from cnn_basics.expect import expect
from cnn_basics.figures import LessonFigure
from cnn_basics.model import ShapeError, trace_shapes
from cnn_basics.widgets.parts import FrontEndWidget, Whole

AUTO = "auto"
MOST_LAYERS, LARGEST_INPUT = 24, 512
MOST_WEIGHTS = 20_000_000  # of a convolution; PyTorch lays out 4 bytes each before it looks at x
EMPTY = "expected at least one layer, got none: add one, or choose a network to start from"
# What a new row of each kind starts with; "auto" takes what the row above gives.
DEFAULTS: dict[str, dict[str, int | str]] = {
    "Conv2d": {
        "in_channels": AUTO, "out_channels": 32, "kernel_size": 3, "stride": 1, "padding": 0,
    },
    "ReLU": {},
    "MaxPool2d": {"kernel_size": 2},
    "AvgPool2d": {"kernel_size": 2},
    "BatchNorm2d": {"num_features": AUTO},
    "BatchNorm1d": {"num_features": AUTO},
    "Flatten": {},
    "Linear": {"in_features": AUTO, "out_features": 10},
}  # fmt: skip
NAMES = {"Conv2d": "conv", "ReLU": "relu", "MaxPool2d": "pool", "AvgPool2d": "pool"}
NAMES |= {"BatchNorm2d": "norm", "BatchNorm1d": "norm", "Flatten": "flatten", "Linear": "fc"}
LIMITS = {"kernel_size": (1, 99), "stride": (1, 99), "padding": (0, 99)}
LIMITS |= dict.fromkeys(("in_channels", "out_channels"), (1, 4096))
LIMITS |= dict.fromkeys(("num_features", "in_features", "out_features"), (1, 1_000_000))
ROW = "{:10}{:44}{:18}{:>11}{:>16}{:>12}"  # of the picture
HEADINGS = ("layer", "settings", "output shape", "parameters", "multiply-adds", "field")
FOUND = ("output", "parameters", "multiply_adds", "field")


def new_layer(kind: str, **changes: int | str) -> dict[str, Any]:
    """Describe a layer of `torch.nn`, a row of the bench, with arguments other than by default."""
    what = "a layer that the bench knows"
    expect(kind in DEFAULTS, what, kind, f"use {', '.join(DEFAULTS)}")
    known = DEFAULTS[kind]
    said = f"{kind} with {', '.join(changes)}"
    expect(changes.keys() <= known.keys(), what, said, f"use {', '.join(known) or 'no arguments'}")
    whole = {name: int(value) for name, value in changes.items() if isinstance(value, np.integer)}
    return {"kind": kind, **known, **changes, **whole}


def _conv(channels: int, padding: int = 2, **changes: int) -> dict[str, Any]:
    changes |= {"out_channels": channels, "kernel_size": 5, "padding": padding}
    return new_layer("Conv2d", **changes)


def _linear(features: int, **changes: int) -> dict[str, Any]:
    return new_layer("Linear", out_features=features, **changes)


CUSTOM_CNN, LENET, BROKEN = "Custom_CNN", "LeNet-5-like", "Broken: three faults"
_RELU, _FLATTEN = new_layer("ReLU"), new_layer("Flatten")
_MAX, _AVERAGE = ([_RELU, new_layer(pool)] for pool in ("MaxPool2d", "AvgPool2d"))
PRESETS = {
    CUSTOM_CNN: [_conv(32), *_MAX, _conv(64), *_MAX, _FLATTEN, _linear(256), _RELU, _linear(2)],
    # After LeCun et al. (1998), "Gradient-based learning applied to document recognition".
    LENET: [_conv(6), *_AVERAGE, _conv(16, 0), *_AVERAGE, _FLATTEN,
            _linear(120), _RELU, _linear(84), _RELU, _linear(10)],
    BROKEN: [_conv(32), *_MAX, _conv(64, in_channels=16), *_MAX,
             _linear(256, in_features=3136), _RELU, _linear(2, in_features=128)],
}  # fmt: skip


class ArchitectureBench(FrontEndWidget, static=("tables", "bench")):
    """The widget that `architecture_bench` returns."""

    input_shape = List(Whole()).tag(sync=True)
    layers = List(Dict()).tag(sync=True)  # of each row, its kind and arguments
    traced = Dict().tag(sync=True)  # what trace_layers says about them
    presets = Dict(PRESETS).tag(sync=True)
    defaults = Dict(DEFAULTS).tag(sync=True)
    limits = Dict({name: list(ends) for name, ends in LIMITS.items()}).tag(sync=True)
    names = Dict(NAMES).tag(sync=True)
    most = Int(MOST_LAYERS).tag(sync=True)

    def network(self) -> nn.Sequential:
        """Make the network of the rows, newly initialised; a ValueError says why it cannot be."""
        layers = self.layers  # the page may change them meanwhile
        traced = trace_layers(layers, self.input_shape)
        if traced["sentence"]:
            raise ValueError(traced["sentence"])
        network = nn.Sequential()
        for layer, row in zip(layers, traced["rows"], strict=True):
            sizes = {**layer, **row["auto"]}
            network.add_module(row["name"], getattr(nn, sizes.pop("kind"))(**sizes))
        return network

    def still(self) -> LessonFigure:
        """Write the table, with what is wrong below the row at fault."""
        traced, sentence = self.traced, self.traced["sentence"]
        lines = [ROW.format(*HEADINGS), "─" * len(ROW.format(*HEADINGS))]
        lines.append(ROW.format("input", "", _spell(self.input_shape), "", "", "1×1"))
        for layer, row in zip(self.layers, traced["rows"], strict=True):
            found = (row.get(key, "–") for key in FOUND)  # as far as the network gets
            lines.append(ROW.format(row["name"], _write(layer, row), *found))
        if sentence:
            said = fill(shorten(sentence, 230, placeholder=" …"), 110, subsequent_indent="  ")
            lines.insert(traced["fault"] + 4, f"▲ {said}")
        total = ("total", "", "", traced["parameters"], traced["multiply_adds"], "")
        text = "\n".join([*lines, lines[1], ROW.format(*total)])
        figure = LessonFigure(figsize=(7.4, 0.16 * (text.count("\n") + 2)))
        figure.text(0.01, 0.5, text, va="center", fontsize=7, family="monospace", linespacing=1.5)
        kinds = ", ".join(layer["kind"] for layer in self.layers) or "no layers"
        about = f"network for {'×'.join(map(str, self.input_shape))} pictures, {kinds}"
        costs = f"{traced['parameters']} parameters, {traced['multiply_adds']} multiply-adds"
        figure.alt = f"A table of a {about}: {costs} for one picture."
        if sentence:
            figure.alt = f"A broken {about}; {sentence}."
        return figure

    @validate("layers")
    def _known(self, proposal: dict) -> list[dict[str, Any]]:
        rows = proposal["value"]
        what = f"at most {MOST_LAYERS} layers"
        expect(len(rows) <= MOST_LAYERS, what, len(rows), "drop some of them", TraitError)
        try:
            return [new_layer(**row) for row in rows]
        except (TypeError, ValueError) as error:
            raise TraitError(str(error)) from error

    @observe("layers")
    def _trace(self, _: object = None) -> None:
        self.traced = trace_layers(self.layers, self.input_shape)


def architecture_bench(
    input_shape: tuple[int, int, int] = (3, 28, 28), preset: str = CUSTOM_CNN
) -> ArchitectureBench:
    """Show a network as rows that can be changed, each with its shape and what it costs.

    Each row tells its output shape, parameters, multiply-adds and receptive field. In a broken
    network the row at fault says what is wrong and how to mend it.

    Args:
        input_shape: The shape of one picture, `(C, H, W)`, up to 512 each.
        preset: `"Custom_CNN"`, `"LeNet-5-like"` or `"Broken: three faults"`.

    Returns:
        The widget; its `network()` makes the network of the rows.

    Raises:
        ValueError: When a size is out of range, or the preset is unknown.

    Example:
        >>> architecture_bench().traced["parameters"]
        '857,282'
    """
    sizes = [int(s) for s in input_shape if isinstance(s, Integral) and 1 <= s <= LARGEST_INPUT]
    what, got = f"(C, H, W) of 1 to {LARGEST_INPUT} each", str(tuple(input_shape))
    expect(len(sizes) == len(input_shape) == 3, what, got, "write for example (3, 28, 28)")
    what = f"one of {', '.join(map(repr, PRESETS))} as preset"
    expect(preset in PRESETS, what, repr(preset), "choose one of these")
    return ArchitectureBench(input_shape=sizes, layers=PRESETS[preset])


def trace_layers(layers: Sequence[Mapping[str, Any]], input_shape: Iterable[int]) -> dict[str, Any]:
    """Follow a picture through the rows, as far as they fit, to the one that is broken if any."""
    no_pictures = torch.zeros(0, *input_shape)  # their sizes are checked, and nothing is computed
    network = nn.Sequential()
    network.register_forward_pre_hook(lambda *_: no_pictures)
    rows = [{"name": name, "auto": {}} for name in name_layers(layers)]
    shape, costs, sentence = no_pictures.shape, [], "" if layers else EMPTY
    # How many pixels across a number sees, and lie between two numbers. A window of k widens the
    # field by k − 1 steps; from a fully connected layer on, all is seen.
    field, step, everything = 1, 1, "all {}×{}".format(*shape[2:])
    for layer, row in zip(layers, rows, strict=True):
        kind, name = layer["kind"], row["name"]
        try:
            sizes = read_sizes(layer, shape)
            row["auto"] = {each: size for each, size in sizes.items() if layer[each] == AUTO}
            network.add_module(name, _weightless(kind, sizes))
            traced = trace_shapes(network, (1, *input_shape), check_batch=False).rows[-1]
        except ValueError as error:
            words = str(error) if isinstance(error, ShapeError) else f"`{name}` ({kind}) {error}"
            sentence = re.sub(r"(?<![=\w(\[])([(\[]?)0(, |×)", r"\1N\2", words)  # not 0 pictures
            break
        shape = traced.output_shape
        weights = network[-1].weight.numel() if kind in ("Conv2d", "Linear") else 0
        costs.append((traced.parameters, weights * prod(shape[2:])))
        field = 0 if kind == "Linear" else field + (sizes.get("kernel_size", 1) - 1) * step
        step *= sizes.get("stride", sizes.get("kernel_size", 1))
        row |= {"output": _spell(shape[1:]), "field": f"{field}×{field}" if field else everything}
    parameters, multiply_adds = (sum(each) for each in zip((0, 0), *costs, strict=True))
    for row, (own, products) in zip(rows, costs, strict=False):
        row |= {"parameters": f"{own:,}", "multiply_adds": f"{products:,}"}
        row["share"] = own / (parameters or 1)
    lines = [f"    nn.{_write(*pair)},\n" for pair in zip(layers, rows, strict=True)]
    return {
        "rows": rows,
        "fault": len(costs) if sentence else None,
        "sentence": sentence,
        "parameters": f"{parameters:,}",
        "multiply_adds": f"{multiply_adds:,}",
        "code": "" if sentence else f"nn.Sequential(\n{''.join(lines)})",
    }


def read_sizes(layer: Mapping[str, Any], shape: Sequence[int]) -> dict[str, int]:
    """Read a layer's arguments; "auto" takes what comes, a tensor of this shape."""
    given = shape[-1 if layer["kind"] == "Linear" else 1]
    sizes = {name: given for name, default in DEFAULTS[layer["kind"]].items() if default == AUTO}
    for name, value in layer.items():
        if name != "kind" and not (value == AUTO and name in sizes):
            least, most = LIMITS[name]
            got = "nothing" if value is None else repr(value)
            expect(type(value) is int, f"a whole number for {name}", got, f"type one from {least}")
            what = f"{name} from {least} to {most:,}"
            expect(least <= value <= most, what, f"{value:,}", "type a number in between")
            sizes[name] = value
    return sizes


def _weightless(kind: str, sizes: Mapping[str, int]) -> nn.Module:
    """Make a layer whose weights are all one zero, which takes no memory."""
    with torch.device("meta"):
        layer = getattr(nn, kind)(**sizes)
    weights = layer.weight.numel() if kind == "Conv2d" else 0
    what, fix = f"at most {MOST_WEIGHTS:,} weights", "make the layer smaller"
    expect(weights <= MOST_WEIGHTS, what, f"{weights:,}", fix)
    zeros = {name: torch.zeros(()).expand(own.shape) for name, own in layer.state_dict().items()}
    layer.load_state_dict(zeros, assign=True)
    return layer


def name_layers(layers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name layers as the lessons do: `conv1`, `relu1`, `pool1`, `conv2`."""
    names = [NAMES[layer["kind"]] for layer in layers]
    return [f"{name}{names[: at + 1].count(name)}" for at, name in enumerate(names)]


def _spell(shape: Iterable[int]) -> str:
    return f"(N, {', '.join(map(str, shape))})"


def _write(layer: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Write a layer as in code: sizes by their place, others by name unless as by default."""
    texts = []
    for name, value in layer.items():
        if name.endswith(("channels", "features")):
            texts.append(str(row["auto"].get(name, value)))
        elif name != "kind" and (name, value) not in {("stride", 1), ("padding", 0)}:
            texts.append(f"{name}={value}")
    return f"{layer['kind']}({', '.join(texts)})"
