"""The rows of the architecture bench as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill, shorten
from typing import Any

from matplotlib.axes import Axes

from cnn_basics.figures import VERMILION, LessonFigure, new_figure

HEADINGS = ("layer", "settings", "output shape", "parameters", "multiply-adds", "field")
EDGES = (0.0, 0.095, 0.49, 0.76, 0.9, 1.0)  # of the columns; the first three start there
LEFT = 3


def plot_layer_table(
    layers: Sequence[Mapping[str, Any]],
    traced: Mapping[str, Any],
    input_shape: tuple[int, ...],
) -> LessonFigure:
    """Draw a network as a table, with what is wrong with it below the row at fault.

    Args:
        layers: The kind and the arguments of each layer.
        traced: What `cnn_basics.widgets.bench_trace.trace_layers` says about them.
        input_shape: The shape of one picture, `(C, H, W)`.

    Returns:
        One axes with one line per layer, and the totals.
    """
    lines = [HEADINGS, ("input", "", f"(N, {', '.join(map(str, input_shape))})", "", "", "1×1")]
    lines += [_cells(layer, row) for layer, row in zip(layers, traced["rows"], strict=True)]
    total = ("total", "", "", traced["parameters"], traced["multiply_adds"], "")
    sentence, fault = traced["sentence"], traced["fault"]
    rows = len(lines) + 1 + (2 if sentence else 0)
    figure, (axes,) = new_figure(width=7.4, height=0.25 * rows + 0.2)
    axes.set_axis_off()
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(rows - 0.5, -0.5)
    place = 0
    for number, line in enumerate(lines):
        broken = sentence and number == fault + 2
        _write(axes, place, line, bold=number == 0 or broken)
        place += 1
        if broken:
            _write_sentence(axes, place, sentence)
            place += 2
    if sentence and fault + 2 >= len(lines):
        _write_sentence(axes, place, sentence)
    _write(axes, rows - 1, total, bold=True)
    for edge in (0.5, rows - 1.5):
        axes.axhline(edge, color="0.4", linewidth=0.8)
    figure.alt = _alt(layers, traced, input_shape)
    return figure


def _cells(layer: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, ...]:
    """The texts of one line; a dash where the network does not get that far."""
    values = [_value(name, value, row) for name, value in layer.items() if name != "kind"]
    settings = f"{layer['kind']}({', '.join(filter(None, values))})"
    keys = ("output", "parameters", "multiply_adds", "field")
    return (row["name"], settings, *(row.get(key, "–") for key in keys))


def _value(name: str, value: object, row: Mapping[str, Any]) -> str:
    """Write one argument as in code: sizes by their place, others by name unless as by default."""
    if name.endswith(("channels", "features")):
        return str(row["auto"].get(name, value))
    return "" if (name, value) in {("stride", 1), ("padding", 0)} else f"{name}={value}"


def _write(axes: Axes, place: int, line: Sequence[str], bold: bool) -> None:
    """Write one line: the first columns from their left edge, numbers to their right edge."""
    for column, text in enumerate(line):
        side = "left" if column < LEFT else "right"
        font = {"fontsize": 8, "fontweight": "bold" if bold else "normal"}
        axes.text(EDGES[column], place, text, ha=side, va="center", **font)


def _write_sentence(axes: Axes, place: int, sentence: str) -> None:
    text = fill(shorten(sentence, 230, placeholder=" …"), 112)
    axes.text(0.02, place + 0.5, text, va="center", fontsize=8)
    axes.vlines(0.0, place - 0.3, place + 1.3, color=VERMILION, linewidth=3)


def _alt(
    layers: Sequence[Mapping[str, Any]], traced: Mapping[str, Any], input_shape: tuple[int, ...]
) -> str:
    kinds = ", ".join(layer["kind"] for layer in layers) or "no layers"
    size = "×".join(map(str, input_shape))
    if traced["sentence"]:
        return f"A broken network for {size} pictures, {kinds}; {traced['sentence']}."
    return (
        f"A table of a network for {size} pictures, {kinds}: {traced['parameters']} parameters, "
        f"{traced['multiply_adds']} multiply-adds for one picture."
    )
