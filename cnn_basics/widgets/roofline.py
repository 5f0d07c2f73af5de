"""Something to move for lesson 12: what a convolution layer costs, and what sets its pace."""

from __future__ import annotations

import ipywidgets

from cnn_basics.by_hand.fast import Cost, Machine, conv2d_cost
from cnn_basics.figures import LessonFigure
from cnn_basics.plots.attainable import GIGA, RooflineFigure
from cnn_basics.widgets.parts import Slider, checkbox, dropdown, hide_unless
from cnn_basics.widgets.redrawn import RedrawnFigure, wrapping_row

BATCHES = (1, 4, 16, 64)
CHANNELS = (1, 3, 8, 16, 32, 64, 128, 256)


def layer_costs(
    batch: int, side: int, in_channels: int, out_channels: int, kernel_size: int, depthwise: bool
) -> tuple[Cost, Cost]:
    """Count a layer that keeps the size of its maps.

    Args:
        batch: Pictures.
        side: Height and width of the maps.
        in_channels: Channels that come in.
        out_channels: Channels that come out; a depthwise layer has as many as come in.
        kernel_size: Height and width of the kernels, odd.
        depthwise: Give every channel one kernel of its own (`groups=in_channels`).

    Returns:
        What it costs if each number is moved once, and with im2col's columns in memory.

    Example:
        >>> costs = layer_costs(1, 28, 3, 32, 5, depthwise=False)
        >>> [f"{cost.intensity:.1f}" for cost in costs]
        ['31.5', '6.4']
    """
    weight = (in_channels, 1) if depthwise else (out_channels, in_channels)
    shapes = (batch, in_channels, side, side), (*weight, kernel_size, kernel_size)
    options = {"padding": kernel_size // 2, "groups": in_channels if depthwise else 1}
    least = conv2d_cost(*shapes, **options)
    columns = batch * side**2 * in_channels * kernel_size**2  # numbers, of 4 bytes each
    return least, Cost(least.multiply_adds, least.bytes + 2 * 4 * columns)


def roofline_explorer() -> RedrawnFigure:
    """Move a convolution layer and a machine, and see which of the two speeds sets the pace.

    Returns:
        Controls above the machine's roofline with the layer on it, and the layer's counts.

    Example:
        >>> explorer = roofline_explorer()
        >>> explorer.controls["depthwise"].value = True
        >>> explorer.still().alt.split(". ")[-1]
        'It waits for memory.'
    """
    drawing = RooflineFigure()
    controls = _controls()

    def draw(peak: int, bandwidth: int, depthwise: bool, **layer: int) -> LessonFigure:
        hide_unless(not depthwise, [controls["out_channels"]])
        machine = Machine(peak * GIGA, bandwidth * GIGA)
        costs = layer_costs(depthwise=depthwise, **layer)
        intensities = (costs[0].intensity, costs[1].intensity)
        return drawing.update(
            machine, intensities, _words(machine, *costs), _alt(machine, costs, depthwise, layer)
        )

    lines = (
        ("in_channels", "out_channels", "depthwise"),
        ("kernel_size", "side", "batch"),
        ("peak", "bandwidth"),
    )
    rows = [wrapping_row(*(controls[name] for name in names)) for names in lines]
    return RedrawnFigure(controls, draw, ipywidgets.VBox(rows))


def _controls() -> dict[str, ipywidgets.Widget]:
    numbers = [(str(number), number) for number in CHANNELS]
    controls = {
        "in_channels": dropdown("in_channels", numbers, 150),
        "out_channels": dropdown("out_channels", numbers, 155),
        "depthwise": checkbox("depthwise (groups=in_channels)", False, 240),
        "kernel_size": Slider("kernel_size", 5, min=1, max=11, step=2),
        "side": Slider("height and width", 14, min=7, max=56, step=7),
        "batch": dropdown("batch", [(str(number), number) for number in BATCHES], 110),
        "peak": Slider("peak (billion operations per second)", 150, min=50, max=1000, step=50),
        "bandwidth": Slider("bandwidth (GB/s)", 10, min=5, max=100, step=5),
    }
    for name, value in (("in_channels", 32), ("out_channels", 64), ("batch", 64)):
        controls[name].value = value
    return controls


def _words(machine: Machine, least: Cost, unrolled: Cost) -> list[str]:
    """Write the counts and what follows from them, a line for each."""
    speed = machine.attainable(least.intensity)
    return [
        f"multiply-adds: {least.multiply_adds:,}",
        f"bytes, each number once: {least.bytes:,}",
        f"bytes with im2col in memory: {unrolled.bytes:,}",
        f"operations for each byte: {least.intensity:,.1f}",
        f"… with im2col in memory: {unrolled.intensity:,.1f}",
        f"from {machine.ridge:,.1f} on, arithmetic sets the pace",
        f"at most {speed / GIGA:,.1f} billion operations/s",
        f"at least {_milliseconds(least, machine)}",
        f"… with im2col in memory: {_milliseconds(unrolled, machine)}",
    ]


def _milliseconds(cost: Cost, machine: Machine) -> str:
    seconds = cost.operations / machine.attainable(cost.intensity)
    return f"{1000 * seconds:,.3g} ms"


def _alt(machine: Machine, costs: tuple[Cost, Cost], depthwise: bool, layer: dict) -> str:
    """Say all that the figure shows."""
    least, unrolled = costs
    out_channels = layer["in_channels"] if depthwise else layer["out_channels"]
    kind = "depthwise convolution" if depthwise else "convolution"
    waits = "memory" if least.intensity < machine.ridge else "arithmetic"
    return (
        f"The roofline of a machine of {machine.peak / GIGA:g} billion operations and "
        f"{machine.bandwidth / GIGA:g} GB per second. A {layer['kernel_size']}×"
        f"{layer['kernel_size']} {kind} of {layer['batch']}×{layer['in_channels']}×"
        f"{layer['side']}×{layer['side']} to {out_channels} channels needs "
        f"{least.multiply_adds:,} multiply-adds and {least.intensity:,.1f} operations for each "
        f"byte, with im2col in memory {unrolled.intensity:,.1f}: at least "
        f"{_milliseconds(least, machine)}, with im2col {_milliseconds(unrolled, machine)}. "
        f"It waits for {waits}."
    )
