"""What the architecture bench says about each of its rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

from cnn_basics.model import ShapeError, ShapeTrace, layer_code, trace_shapes
from cnn_basics.widgets.bench_layers import (
    AUTO,
    DEFAULTS,
    Layer,
    build_network,
    name_layers,
    receptive_fields,
)

EMPTY = "expected at least one layer, got none: add one, or choose a network to start from"


def trace_layers(layers: Sequence[Layer], input_shape: tuple[int, ...]) -> dict[str, Any]:
    """Trace the network that the rows describe.

    Args:
        layers: The rows.
        input_shape: The shape of one picture, `(C, H, W)`.

    Returns:
        `rows`, one for each layer: its `name`, what `auto` stands for, and, as far as the network
        runs, `output`, `parameters`, `multiply_adds` (for one picture) and `field`, all as
        text, and `share` of all parameters; `fault` and `sentence` tell which row is broken and
        why (None and nothing where all is well); `parameters`, `multiply_adds` and `code`.

    Example:
        >>> from cnn_basics.widgets.bench_layers import new_layer
        >>> trace_layers([new_layer("Flatten"), new_layer("Linear")], (3, 28, 28))["parameters"]
        '23,530'
    """
    network, refused = build_network(layers, input_shape, device="meta")
    trace, sentence = _trace(network, input_shape)
    if trace is None:
        fault = _row_at_fault(sentence, network)
        trace, _ = _trace(network[:fault], input_shape)
    elif refused or not len(layers):
        fault, sentence = len(network), refused or EMPTY
    else:
        fault = None
    traced = _describe(trace, network, input_shape)
    found = [traced[k] if k < len(traced) else {} for k in range(len(layers))]
    known = [_resolved(network[k] if k < len(network) else None, d) for k, d in enumerate(layers)]
    names = name_layers(layers)
    return {
        "rows": [{"name": n, "auto": a} | f for n, a, f in zip(names, known, found, strict=True)],
        "fault": fault,
        "sentence": sentence,
        "parameters": f"{trace.parameters:,}",
        "multiply_adds": f"{trace.multiply_adds:,}",
        "code": write_code(network) if fault is None else "",
    }


def write_code(network: nn.Sequential) -> str:
    """Write a network of unnamed layers as code.

    Example:
        >>> print(write_code(nn.Sequential(nn.Flatten(), nn.Linear(12, 2))))
        nn.Sequential(
            nn.Flatten(),
            nn.Linear(12, 2),
        )
    """
    lines = [f"    {layer_code(layer)},\n" for layer in network]
    return f"nn.Sequential(\n{''.join(lines)})"


def _trace(network: nn.Sequential, shape: tuple[int, ...]) -> tuple[ShapeTrace | None, str]:
    """Trace a network; else say why not."""
    if not len(network):
        return ShapeTrace(()), ""
    try:
        return trace_shapes(network, (1, *shape), check_batch=False), ""
    except ShapeError as error:
        return None, str(error)


def _row_at_fault(sentence: str, network: nn.Sequential) -> int:
    """Read the name of a layer at the sentence's start; the last one ran into the fault."""
    name = re.match(r"`([^`]+)`", sentence)
    names = [name for name, _ in network.named_children()]
    return names.index(name[1]) if name and name[1] in names else len(names) - 1


def _describe(
    trace: ShapeTrace, network: nn.Sequential, input_shape: tuple[int, ...]
) -> list[dict[str, Any]]:
    height, width = input_shape[-2:]
    fields = receptive_fields(network)
    rows = []
    for row, field in zip(trace.rows, fields, strict=False):
        sizes = ", ".join(map(str, row.output_shape[1:]))
        rows.append(
            {
                "output": f"(N, {sizes})",
                "parameters": f"{row.parameters:,}",
                "multiply_adds": f"{row.multiply_adds:,}",
                "field": f"all {height}×{width}" if field is None else f"{field}×{field}",
                "share": row.parameters / (trace.parameters or 1),
            }
        )
    return rows


def _resolved(layer: nn.Module | None, row: Layer) -> dict[str, int]:
    """The numbers that "auto" stands for."""
    automatic = (n for n, default in DEFAULTS[row["kind"]].items() if row[n] == AUTO == default)
    return {n: getattr(layer, n) for n in automatic} if layer is not None else {}
