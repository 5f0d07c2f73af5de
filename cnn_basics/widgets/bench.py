"""A bench for networks: add, drop, move and resize layers, and see what each of them costs."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from textwrap import fill, shorten
from typing import Any

import torch
from torch import nn
from traitlets import Dict, Int, List, TraitError, observe, validate

from cnn_basics.expect import expect
from cnn_basics.figures import LessonFigure, new_figure
from cnn_basics.model import ShapeError, TraceRow, trace_shapes
from cnn_basics.widgets.parts import FrontEndWidget

Layer = Mapping[str, Any]  # {"kind": "Linear", "in_features": "auto", "out_features": 10}

AUTO = "auto"
MOST_LAYERS, LARGEST_INPUT = 24, 512
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
LIMITS = {
    "in_channels": (1, 4096), "out_channels": (1, 4096), "num_features": (1, 1_000_000),
    "kernel_size": (1, 99), "stride": (1, 99), "padding": (0, 99),
    "in_features": (1, 1_000_000), "out_features": (1, 1_000_000),
}  # fmt: skip
HEADINGS = ("layer", "settings", "output shape", "parameters", "multiply-adds", "field")
FOUND = ("output", "parameters", "multiply_adds", "field")
LEFT = 3  # columns of words; those of numbers end together


def new_layer(kind: str, **changes: int | str) -> dict[str, Any]:
    """Describe a layer of `torch.nn`, a row of the bench, with arguments other than by default."""
    what = "a layer that the bench knows"
    expect(kind in DEFAULTS, what, kind, f"use {', '.join(DEFAULTS)}")
    known = DEFAULTS[kind]
    said = f"{kind} with {', '.join(changes)}"
    expect(changes.keys() <= known.keys(), what, said, f"use {', '.join(known) or 'no arguments'}")
    return {"kind": kind, **known, **changes}


def _convolve(channels: int, pool: str, padding: int = 2) -> list[dict[str, Any]]:
    convolution = new_layer("Conv2d", out_channels=channels, kernel_size=5, padding=padding)
    return [convolution, new_layer("ReLU"), new_layer(pool)]


def _connect(*features: int) -> list[dict[str, Any]]:
    pairs = [(new_layer("ReLU"), new_layer("Linear", out_features=n)) for n in features]
    return [new_layer("Flatten"), *[layer for pair in pairs for layer in pair][1:]]


CUSTOM_CNN, LENET, BROKEN = "Custom_CNN", "LeNet-5-like", "Broken: three faults"
_CUSTOM = [*_convolve(32, "MaxPool2d"), *_convolve(64, "MaxPool2d"), *_connect(256, 2)]
_FAULTS = {3: {"in_channels": 16}, 7: {"in_features": 3136}, 9: {"in_features": 128}}
PRESETS = {
    CUSTOM_CNN: _CUSTOM,
    # After LeCun et al. (1998), "Gradient-based learning applied to document recognition".
    LENET: [*_convolve(6, "AvgPool2d"), *_convolve(16, "AvgPool2d", 0), *_connect(120, 84, 10)],
    BROKEN: [_CUSTOM[at] | _FAULTS.get(at, {}) for at in (0, 1, 2, 3, 4, 5, 7, 8, 9)],  # no Flatten
}


class ArchitectureBench(FrontEndWidget, static=("tables", "bench")):
    """The widget that `architecture_bench` returns.

    `layers` has one description per row, its `kind` and arguments, a number or `"auto"` each;
    `traced` is what `trace_layers` says about them.
    """

    input_shape = List(Int()).tag(sync=True)
    layers = List(Dict()).tag(sync=True)
    traced = Dict().tag(sync=True)
    presets = Dict(PRESETS).tag(sync=True)
    defaults = Dict(DEFAULTS).tag(sync=True)
    limits = Dict({name: list(ends) for name, ends in LIMITS.items()}).tag(sync=True)
    names = Dict(NAMES).tag(sync=True)
    most = Int(MOST_LAYERS).tag(sync=True)

    def network(self) -> nn.Sequential:
        """Make the network of the rows, newly initialised; a ValueError says why it cannot be."""
        layers, shape = self.layers, tuple(self.input_shape)  # the page may change them meanwhile
        traced = trace_layers(layers, shape)
        if traced["fault"] is not None:
            raise ValueError(traced["sentence"])
        made, _ = build_network(layers, shape)
        trace_shapes(made, (1, *shape))
        return made

    def still(self) -> LessonFigure:
        """Write the table, with what is wrong below the row at fault."""
        traced, sentence = self.traced, self.traced["sentence"]
        rows = [HEADINGS, ("input", "", _spell(self.input_shape), "", "", "1×1")]
        for layer, row in zip(self.layers, traced["rows"], strict=True):
            found = (row.get(key, "–") for key in FOUND)  # as far as the network gets
            rows.append((row["name"], _write(layer, row), *found))
        rows.append(("total", "", "", traced["parameters"], traced["multiply_adds"], ""))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        columns = [f"{{:{'<' if k < LEFT else '>'}{width}}}" for k, width in enumerate(widths)]
        lines = ["  ".join(columns).format(*row) for row in rows]
        if sentence:
            said = fill(shorten(sentence, 230, placeholder=" …"), 110, subsequent_indent="  ")
            lines.insert(min(traced["fault"] + 3, len(lines) - 1), f"▲ {said}")
        rule = "─" * len(lines[0])
        text = "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])
        figure, (axes,) = new_figure(width=7.4, height=0.16 * (text.count("\n") + 2))
        axes.set_axis_off()
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
        self.traced = trace_layers(self.layers, tuple(self.input_shape))


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


def trace_layers(layers: Sequence[Layer], input_shape: tuple[int, ...]) -> dict[str, Any]:
    """Trace the network that the rows describe, for one picture.

    Gives `rows`, one for each layer: its `name`, what `auto` stands for and, as far as the network
    runs, `output`, `parameters`, `multiply_adds` and `field`, all as text, and `share` of all
    parameters; `fault` and `sentence` tell which row is broken and why (None and "" where all is
    well); `parameters`, `multiply_adds` and `code`.
    """
    network, sentence = build_network(layers, input_shape, "meta")
    fault = len(network) if sentence else None
    try:
        traced = _trace(network, input_shape)
    except ShapeError as error:
        sentence = str(error)  # begins with the layer's name; else the last one ran into it
        names = [name for name, _ in network.named_children()]
        found = re.match(r"`([^`]+)`", sentence)
        fault = names.index(found[1]) if found and found[1] in names else len(names) - 1
        traced = _trace(network[:fault], input_shape)
    parameters = sum(row.parameters for row in traced)
    rows = [{"name": name, "auto": {}} for name in name_layers(layers)]
    for row, layer, made in zip(rows, layers, network, strict=False):
        automatic = (n for n, value in DEFAULTS[layer["kind"]].items() if layer[n] == AUTO == value)
        row["auto"] = {name: getattr(made, name) for name in automatic}
    for row, found, field in zip(rows, traced, receptive_fields(network), strict=False):
        row |= {
            "output": _spell(found.output_shape[1:]),
            "parameters": f"{found.parameters:,}",
            "multiply_adds": f"{found.multiply_adds:,}",
            "field": f"{field}×{field}" if field else "all {}×{}".format(*input_shape[-2:]),
            "share": found.parameters / (parameters or 1),
        }
    lines = [f"    nn.{_write(*pair)},\n" for pair in zip(layers, rows, strict=True)]
    return {
        "rows": rows,
        "fault": fault,
        "sentence": sentence,
        "parameters": f"{parameters:,}",
        "multiply_adds": f"{sum(row.multiply_adds for row in traced):,}",
        "code": f"nn.Sequential(\n{''.join(lines)})" if fault is None else "",
    }


def build_network(
    layers: Sequence[Layer], input_shape: tuple[int, ...], device: str = "cpu"
) -> tuple[nn.Sequential, str]:
    """Make layers up to the first that cannot take its input; say why the next cannot be made."""
    built: OrderedDict[str, nn.Module] = OrderedDict()
    x = torch.zeros(1, *input_shape, device="meta")
    for name, layer in zip(name_layers(layers), layers, strict=True):
        try:
            built[name] = make_layer(layer, tuple(x.shape), device)
        except ValueError as error:
            return nn.Sequential(built), f"`{name}` ({layer['kind']}) {error}"
        try:
            x = make_layer(layer, tuple(x.shape), "meta").eval()(x)
        except (RuntimeError, ValueError, IndexError, TypeError):
            break
    return nn.Sequential(built), "" if layers else EMPTY


def make_layer(layer: Layer, shape: tuple[int, ...], device: str = "cpu") -> nn.Module:
    """Make a layer of PyTorch that is given `shape`, from which it reads what is "auto"."""
    given = shape[-1 if layer["kind"] == "Linear" else 1]
    arguments = {
        name: given if layer[name] == AUTO == default else _number(name, layer[name])
        for name, default in DEFAULTS[layer["kind"]].items()
    }
    with torch.device(device):
        return getattr(nn, layer["kind"])(**arguments)


def name_layers(layers: Iterable[Layer]) -> list[str]:
    """Name layers as the lessons do: `conv1`, `relu1`, `pool1`, `conv2`."""
    seen: Counter[str] = Counter()
    names = []
    for layer in layers:
        short = NAMES[layer["kind"]]
        seen[short] += 1
        names.append(f"{short}{seen[short]}")
    return names


def receptive_fields(layers: Iterable[nn.Module]) -> Iterator[int | None]:
    """Follow how many pixels across one number sees; None from a fully connected layer on.

    A window of k widens the field by (k − 1) steps, and a step is as many pixels as all strides
    before it multiply to.
    """
    field, step = 1, 1
    for layer in layers:
        if isinstance(layer, nn.Linear):
            field = None
        elif field is not None and hasattr(layer, "kernel_size"):
            sizes = (layer.kernel_size, layer.stride)  # pairs where it is a convolution
            kernel, stride = (size[0] if isinstance(size, tuple) else size for size in sizes)
            field, step = field + (kernel - 1) * step, step * stride
        yield field


def _number(name: str, value: object) -> int:
    least, most = LIMITS[name]
    got = "nothing" if value is None else repr(value)
    expect(type(value) is int, f"a whole number for {name}", got, f"type one from {least}")
    what = f"{name} from {least} to {most:,}"
    expect(least <= value <= most, what, f"{value:,}", "type a number in between")
    return value


def _trace(network: nn.Sequential, shape: tuple[int, ...]) -> tuple[TraceRow, ...]:
    return trace_shapes(network, (1, *shape), check_batch=False).rows if len(network) else ()


def _spell(shape: Iterable[int]) -> str:
    return f"(N, {', '.join(map(str, shape))})"


def _write(layer: Layer, row: Mapping[str, Any]) -> str:
    """Write a layer as in code: sizes by their place, others by name unless as by default."""
    texts = []
    for name, value in layer.items():
        if name.endswith(("channels", "features")):
            texts.append(str(row["auto"].get(name, value)))
        elif name != "kind" and (name, value) not in {("stride", 1), ("padding", 0)}:
            texts.append(f"{name}={value}")
    return f"{layer['kind']}({', '.join(texts)})"
