"""The roofline explorer: counts of what PyTorch would run, and the words that follow from them."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import nn

from cnn_basics.model import MultiplyAddCounter
from cnn_basics.widgets import roofline_explorer
from cnn_basics.widgets.roofline import BATCHES, CHANNELS, layer_costs

EVERY = {
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "depthwise": (True, False),
    "kernel_size": range(1, 12, 2),
    "side": range(7, 57, 7),
    "batch": BATCHES,
    "peak": range(50, 1001, 50),
    "bandwidth": range(5, 101, 5),
}


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
    """What is drawn and written, from the values of the controls alone."""
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
    points = [line.get_xydata()[0] for line in figure.axes[0].lines[-2:]]
    for (x, y), intensity, speed in zip(points, intensities, speeds, strict=True):
        assert x == pytest.approx(min(max(intensity, 0.1), 1000))
        assert y == pytest.approx(speed)
    written = [text.get_text() for text in figure.texts]
    assert written[0] == f"multiply-adds: {count:,}"
    assert written[1].endswith(f" {moved:,}")
    assert written[2].endswith(f" {moved + columns:,}")
    assert written[5].startswith(f"from {now['peak'] / now['bandwidth']:,.1f} on")
    times = [f"{2 * count / speed / 1e6:,.3g} ms" for speed in speeds]
    assert written[7].endswith(times[0])
    assert written[8].endswith(times[1])
    waits = "arithmetic" if speeds[0] == now["peak"] else "memory"
    assert figure.alt.endswith(f"It waits for {waits}.")
    assert f"{count:,} multiply-adds" in figure.alt
    assert f"to {out} channels" in figure.alt
    assert f'alt="{figure.alt}"' in explorer.picture.value


def test_every_value_of_every_control_draws():
    explorer = roofline_explorer()
    assert list(explorer.controls) == list(EVERY)
    for name, values in EVERY.items():
        control, before = explorer.controls[name], explorer.controls[name].value
        for value in values:
            control.value = value
            check(explorer)
        control.value = before


def test_extremes_together():
    explorer = roofline_explorer()
    for name, values in EVERY.items():
        explorer.controls[name].value = min(values)
    check(explorer)
    for name, values in EVERY.items():
        explorer.controls[name].value = max(values)
    check(explorer)


def test_it_starts_with_the_second_layer_of_custom_cnn():
    assert "A 5×5 convolution of 64×32×14×14 to 64 channels needs 642,252,800" in (
        roofline_explorer().still().alt
    )


def test_a_depthwise_layer_has_no_out_channels_of_its_own():
    explorer = roofline_explorer()
    assert explorer.controls["out_channels"].layout.visibility == "visible"
    explorer.controls["depthwise"].value = True
    assert explorer.controls["out_channels"].layout.visibility == "hidden"
    explorer.controls["depthwise"].value = False
    assert explorer.controls["out_channels"].layout.visibility == "visible"
