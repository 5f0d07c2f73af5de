"""The roofline explorer: counts of what PyTorch would run, and the words that follow from them."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from sweeping import every_value, sweep
from torch import nn

from cnn_basics.model import MultiplyAddCounter
from cnn_basics.widgets import roofline_explorer
from cnn_basics.widgets.roofline import layer_costs


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(("batch", "side", "kernel"), [*product((1, 4), (7, 14), (1, 5))])
def test_counts_are_those_of_the_layer(batch, side, kernel, depthwise):
    channels = (8, 8) if depthwise else (8, 16)
    groups = 8 if depthwise else 1
    layer = nn.Conv2d(*channels, kernel, padding=kernel // 2, groups=groups, bias=False)
    x = torch.zeros(batch, 8, side, side)
    with MultiplyAddCounter() as counter, torch.no_grad():
        y = layer(x)
    least, unrolled = layer_costs(batch, side, 8, 16, kernel, depthwise)
    assert least.multiply_adds == unrolled.multiply_adds == counter.total
    assert least.bytes == x.nbytes + layer.weight.nbytes + y.nbytes
    assert unrolled.bytes == least.bytes + 2 * 4 * batch * 8 * kernel**2 * side**2


def check(explorer):
    """All that is drawn and written, worked out from the values of the controls alone."""
    now = explorer.values()
    out = now["in_channels"] if now["depthwise"] else now["out_channels"]
    per_kernel = (1 if now["depthwise"] else now["in_channels"]) * now["kernel_size"] ** 2
    pixels = now["batch"] * now["side"] ** 2
    count = pixels * out * per_kernel
    moved = 4 * (pixels * (now["in_channels"] + out) + out * per_kernel)
    columns = 8 * pixels * now["in_channels"] * now["kernel_size"] ** 2
    intensities = [2 * count / moved, 2 * count / (moved + columns)]
    speeds = [min(now["peak"], now["bandwidth"] * intensity) for intensity in intensities]
    figure = explorer.still()
    roof, *points = (line.get_xydata() for line in figure.axes[0].lines)
    ridge = now["peak"] / now["bandwidth"]
    ends = [[0.1, 0.1 * now["bandwidth"]], [ridge, now["peak"]], [1000, now["peak"]]]
    assert roof.tolist() == [pytest.approx(end) for end in ends]
    for (point,), intensity, speed in zip(points, intensities, speeds, strict=True):
        assert point == pytest.approx([min(max(intensity, 0.1), 1000), speed])  # else at the edge
    written = [text.get_text() for text in figure.texts]
    times = [f"{2 * count / speed / 1e6:,.3g} ms" for speed in speeds]
    numbers = [f"{count:,}", f"{moved:,}", f"{moved + columns:,}"]
    numbers += [*(f"{each:,.1f}" for each in (*intensities, ridge)), f"{speeds[0]:,.1f}", *times]
    for line, number in zip(written, numbers, strict=True):
        assert f" {number} " in f" {line} "
    waits = "arithmetic" if speeds[0] == now["peak"] else "memory"
    assert figure.alt.endswith(f"It waits for {waits}.")
    rest = "; ".join(written[1:])
    assert f"to {out} channels needs {count:,} multiply-adds; {rest}. It" in figure.alt
    hidden = explorer.controls["out_channels"].layout.visibility == "hidden"
    assert hidden == now["depthwise"]


def test_every_value_of_every_control_and_extremes_together():
    explorer = roofline_explorer()
    assert "64×32×14×14 to 64 channels needs 642,252,800" in explorer.still().alt  # Custom_CNN's
    for _ in sweep(explorer):
        check(explorer)
    for choose in (min, max):
        for control in explorer.controls.values():
            control.value = choose(every_value(control))
        check(explorer)
