"""A bench for networks: add, drop, move and resize layers, and see what each of them costs."""

from __future__ import annotations

from typing import Any

from torch import nn
from traitlets import Dict, Int, List, TraitError, observe, validate

from cnn_basics.figures import LessonFigure
from cnn_basics.model import trace_shapes
from cnn_basics.plots.layer_table import plot_layer_table
from cnn_basics.widgets.bench_layers import (
    DEFAULTS,
    LIMITS,
    MOST_LAYERS,
    NAMES,
    build_network,
    new_layer,
)
from cnn_basics.widgets.bench_presets import CUSTOM_CNN, PRESETS
from cnn_basics.widgets.bench_trace import trace_layers
from cnn_basics.widgets.parts import FrontEndWidget

LARGEST_INPUT = 512


class ArchitectureBench(FrontEndWidget, static=("tables", "bench_rows", "bench")):
    """The widget that `architecture_bench` returns.

    Attributes:
        layers: One description per row: its `kind` and arguments, a number or `"auto"` each.
        traced: What `trace_layers` says about them.
        input_shape: The shape of one picture, `(C, H, W)`.
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
        """Make the network, to train it or to look into it.

        Returns:
            The layers of the rows, newly initialised.

        Raises:
            ValueError: When the network is broken (a `ShapeError`), a number cannot be used, or
                there are no rows.
        """
        layers, shape = self.layers, tuple(self.input_shape)  # the page may change them meanwhile
        traced = trace_layers(layers, shape)
        if traced["fault"] is not None:
            raise ValueError(traced["sentence"])
        made, _ = build_network(layers, shape)
        trace_shapes(made, (1, *shape))
        return made

    def still(self) -> LessonFigure:
        """Draw the table."""
        return plot_layer_table(self.layers, self.traced, tuple(self.input_shape))

    @validate("layers")
    def _known(self, proposal: dict) -> list[dict[str, Any]]:
        rows = proposal["value"]
        if len(rows) > MOST_LAYERS:
            raise TraitError(
                f"expected at most {MOST_LAYERS} layers, got {len(rows)}: drop some of them"
            )
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
    sizes = list(input_shape)
    if len(sizes) != 3 or not all(type(s) is int and 1 <= s <= LARGEST_INPUT for s in sizes):
        raise ValueError(
            f"expected (C, H, W) of 1 to {LARGEST_INPUT} each, got {tuple(sizes)}: "
            "write for example (3, 28, 28)"
        )
    if preset not in PRESETS:
        raise ValueError(
            f"expected one of {', '.join(map(repr, PRESETS))} as preset, got {preset!r}: "
            "choose one of these"
        )
    return ArchitectureBench(input_shape=sizes, layers=PRESETS[preset])
