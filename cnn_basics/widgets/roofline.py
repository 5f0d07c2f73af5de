"""Something to move for lesson 12: what a convolution layer costs, and what sets its pace."""

from __future__ import annotations

from matplotlib.ticker import NullFormatter

from cnn_basics.by_hand.fast import Cost, Machine, conv2d_cost
from cnn_basics.figures import BLACK, BLUE, ORANGE, LessonFigure
from cnn_basics.plots.grids import write_size
from cnn_basics.widgets.parts import Slider, checkbox, dropdown, hide_unless
from cnn_basics.widgets.redrawn import RedrawnFigure, ReusedFigure

BATCHES = (1, 4, 16, 64)
CHANNELS = (1, 3, 8, 16, 32, 64, 128, 256)
GIGA = 1e9
INTENSITIES = (0.1, 1000.0)  # operations for each byte, from left to right
SPEEDS = (0.5, 2000.0)  # billion operations per second, from bottom to top
ROWS = (
    ("in_channels", "out_channels", "depthwise"),
    ("kernel_size", "side", "batch"),
    ("peak", "bandwidth"),
)


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
    channels, batches = ([(str(n), n) for n in numbers] for numbers in (CHANNELS, BATCHES))
    controls = {
        "in_channels": dropdown("in_channels", channels, 150),
        "out_channels": dropdown("out_channels", channels, 155),
        "depthwise": checkbox("depthwise (groups=in_channels)", False, 240),
        "kernel_size": Slider("kernel_size", 5, min=1, max=11, step=2),
        "side": Slider("height and width", 14, min=7, max=56, step=7),
        "batch": dropdown("batch", batches, 110),
        "peak": Slider("peak (billion operations per second)", 150, min=50, max=1000, step=50),
        "bandwidth": Slider("bandwidth (GB/s)", 10, min=5, max=100, step=5),
    }
    for name, value in (("in_channels", 32), ("out_channels", 64), ("batch", 64)):
        controls[name].value = value
    figure = _empty_roofline()
    roof, *points = figure.axes[0].lines

    def draw(peak: int, bandwidth: int, depthwise: bool, **layer: int) -> LessonFigure:
        hide_unless(not depthwise, [controls["out_channels"]])
        machine = Machine(peak * GIGA, bandwidth * GIGA)
        costs = layer_costs(depthwise=depthwise, **layer)
        places = (INTENSITIES[0], machine.ridge, INTENSITIES[1])
        roof.set_data(places, [machine.attainable(x) / GIGA for x in places])
        for cost, point in zip(costs, points, strict=True):
            x = min(max(cost.intensity, INTENSITIES[0]), INTENSITIES[1])  # outside: at the edge
            point.set_data([x], [machine.attainable(x) / GIGA])
        least, unrolled = costs
        lines = [
            f"multiply-adds: {least.multiply_adds:,}",
            f"bytes, each number once: {least.bytes:,}",
            f"bytes with im2col in memory: {unrolled.bytes:,}",
            f"operations for each byte: {least.intensity:,.1f}",
            f"… with im2col in memory: {unrolled.intensity:,.1f}",
            f"from {machine.ridge:,.1f} on, arithmetic sets the pace",
            f"at most {machine.attainable(least.intensity) / GIGA:,.1f} billion operations/s",
            f"at least {_milliseconds(least, machine)}",
            f"… with im2col in memory: {_milliseconds(unrolled, machine)}",
        ]
        kind, count = ("depthwise ", "in") if depthwise else ("", "out")
        maps = write_size(layer[name] for name in ("batch", "in_channels", "side", "side"))
        alt = (
            f"The roofline of a machine of {peak} billion operations and {bandwidth} GB per "
            f"second. A {write_size([layer['kernel_size']] * 2)} {kind}convolution of {maps} to "
            f"{layer[f'{count}_channels']} channels needs {least.multiply_adds:,} "
            f"multiply-adds; {'; '.join(lines[1:])}. "
            f"It waits for {'memory' if least.intensity < machine.ridge else 'arithmetic'}."
        )
        return figure.say(lines, alt)

    return RedrawnFigure(controls, draw, ROWS)


def layer_costs(
    batch: int, side: int, in_channels: int, out_channels: int, kernel_size: int, depthwise: bool
) -> tuple[Cost, Cost]:
    """Count a layer that keeps the size of its maps: at least, and with im2col in memory."""
    weight = (in_channels, 1) if depthwise else (out_channels, in_channels)
    shapes = (batch, in_channels, side, side), (*weight, kernel_size, kernel_size)
    options = {"padding": kernel_size // 2, "groups": in_channels if depthwise else 1}
    least = conv2d_cost(*shapes, **options)
    columns = batch * side**2 * in_channels * kernel_size**2  # numbers, of 4 bytes each
    return least, Cost(least.multiply_adds, least.bytes + 2 * 4 * columns)


def _empty_roofline() -> ReusedFigure:
    """Make axes for a machine's roof, a layer's best point below it, and the one of im2col."""
    figure = ReusedFigure([(0.085, 0.16, 0.47, 0.8)], width=7.6, height=3.1)
    (axes,) = figure.axes
    axes.set(xscale="log", yscale="log", xlim=INTENSITIES, ylim=SPEEDS)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("arithmetic intensity (operations for each byte)", fontsize=9)
    axes.set_ylabel("billion operations per second", fontsize=9)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.plot([], [], color=BLACK, lw=2)
    axes.plot([], [], "o", color=BLUE, mec=BLACK, ms=9, label="each number once")
    axes.plot([], [], "s", color=ORANGE, mec=BLACK, ms=9, label="im2col through memory")
    axes.legend(loc="upper left", fontsize=8, framealpha=1)
    figure.moves(*axes.lines)
    places = [0.93 - 0.105 * line for line in range(9)]
    figure.writes(*(figure.text(0.59, y, "", fontsize=9, va="top") for y in places))
    return figure


def _milliseconds(cost: Cost, machine: Machine) -> str:
    return f"{1000 * cost.operations / machine.attainable(cost.intensity):,.3g} ms"
