"""The layers of the architecture bench: what can be typed, and the network that it makes."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

AUTO = "auto"
MOST_LAYERS = 24
Layer = Mapping[str, Any]  # {"kind": "Linear", "in_features": "auto", "out_features": 10}

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


def new_layer(kind: str, **changes: int | str) -> dict[str, Any]:
    """Describe a layer.

    Args:
        kind: A class of `torch.nn`, one of `DEFAULTS`.
        **changes: Arguments other than by default.

    Returns:
        The description, a row of the bench.

    Raises:
        ValueError: When the kind or an argument is unknown.

    Example:
        >>> new_layer("MaxPool2d", kernel_size=3)
        {'kind': 'MaxPool2d', 'kernel_size': 3}
    """
    known = DEFAULTS.get(kind)
    if known is None or not changes.keys() <= known.keys():
        said = kind if known is None else f"{kind} with {', '.join(changes)}"
        choice = ", ".join(DEFAULTS if known is None else known) or "no arguments"
        raise ValueError(f"expected a layer that the bench knows, got {said}: use {choice}")
    return {"kind": kind, **known, **changes}


def name_layers(layers: Iterable[Layer]) -> list[str]:
    """Name layers as the lessons do: `conv1`, `relu1`, `pool1`, `conv2`.

    Example:
        >>> name_layers([new_layer("Conv2d"), new_layer("Flatten"), new_layer("Linear")])
        ['conv1', 'flatten1', 'fc1']
    """
    seen: Counter[str] = Counter()
    names = []
    for layer in layers:
        short = NAMES[layer["kind"]]
        seen[short] += 1
        names.append(f"{short}{seen[short]}")
    return names


def make_layer(layer: Layer, shape: tuple[int, ...], device: str = "cpu") -> nn.Module:
    """Make a layer of PyTorch.

    Args:
        layer: Its description.
        shape: What it is given, with the batch axis; `"auto"` reads the number from it.
        device: `"meta"` makes a layer without memory, for shapes only.

    Returns:
        The layer.

    Raises:
        ValueError: When an argument is no whole number, or one beyond `LIMITS`.

    Example:
        >>> make_layer(new_layer("Linear", out_features=2), (1, 3136))
        Linear(in_features=3136, out_features=2, bias=True)
    """
    given = shape[-1 if layer["kind"] == "Linear" else 1]
    values = {}
    for name, default in DEFAULTS[layer["kind"]].items():
        automatic = layer[name] == AUTO == default
        values[name] = given if automatic else _number(name, layer[name])
    with torch.device(device):
        return getattr(nn, layer["kind"])(**values)


def build_network(
    layers: Iterable[Layer], input_shape: tuple[int, ...], device: str = "cpu"
) -> tuple[nn.Sequential, str]:
    """Make layer after layer, as far as it goes.

    Args:
        layers: Their descriptions.
        input_shape: The shape of one picture, `(C, H, W)`.
        device: `"meta"` makes a network without memory, for shapes only.

    Returns:
        The network up to and including the first layer that cannot take its input, and why the
        next one could not be made at all, or nothing.
    """
    layers = list(layers)
    built: OrderedDict[str, nn.Module] = OrderedDict()
    x = torch.zeros(1, *input_shape, device="meta")
    for name, layer in zip(name_layers(layers), layers, strict=True):
        try:
            built[name] = make_layer(layer, tuple(x.shape), device)
        except ValueError as error:
            return nn.Sequential(built), f"`{name}` ({layer['kind']}) {error}"
        y = _try(make_layer(layer, tuple(x.shape), "meta"), x)
        if y is None:
            break
        x = y
    return nn.Sequential(built), ""


def receptive_fields(layers: Iterable[nn.Module]) -> Iterator[int | None]:
    """Follow how many input pixels across one number depends on.

    A window of k pixels widens the field by (k − 1) steps, and a step is as many input pixels
    as all strides before it multiply to.

    Args:
        layers: Layers in the order of the calls, with square windows.

    Yields:
        The rows (and columns) of the field of each layer's output; None from the first fully
        connected layer on, which depends on everything.

    Example:
        >>> list(receptive_fields([nn.Conv2d(3, 32, 5), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5)]))
        [5, 6, 14]

    Source:
        Araujo, Norris & Sim (2019), "Computing Receptive Fields of Convolutional Neural
        Networks", Distill, equations 1 and 2, https://distill.pub/2019/computing-receptive-fields
    """
    field, jump = 1, 1
    for layer in layers:
        if isinstance(layer, nn.Linear):
            field = None
        elif field is not None and hasattr(layer, "kernel_size"):
            field += (_one(layer.kernel_size) - 1) * _one(getattr(layer, "dilation", 1)) * jump
            jump *= _one(layer.stride)
        yield field


def _try(layer: nn.Module, x: Tensor) -> Tensor | None:
    """Give a layer its input; None where it does not fit."""
    try:
        return layer.eval()(x)
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None


def _number(name: str, value: object) -> int:
    """Check a number that was typed."""
    least, most = LIMITS[name]
    if type(value) is not int:
        got = "nothing" if value is None else repr(value)
        raise ValueError(f"expected a whole number for {name}, got {got}: type one from {least}")
    if not least <= value <= most:
        raise ValueError(
            f"expected {name} from {least} to {most:,}, got {value:,}: type a number in between"
        )
    return value


def _one(value: int | tuple[int, ...]) -> int:
    """5 for 5 and for (5, 5)."""
    return value[0] if isinstance(value, tuple) else value
