"""The pooling explorer: PyTorch's numbers for every setting, and what a move changes."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.colors import Normalize
from PIL import Image
from sweeping import sweep

from cnn_basics.plots.grids import LIGHT, write_number
from cnn_basics.widgets import pooling_explorer
from cnn_basics.widgets.pooling import draw_map, mark_windows

NAMES = ("kind", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
VERMILION = [213, 94, 0]


def torch_pool(x, kind, kernel_size, stride, padding, ceil_mode, count_include_pad):
    if kind == "max":
        return F.max_pool2d(x, kernel_size, stride, padding, ceil_mode=ceil_mode)
    if kind == "average":
        return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return F.max_pool2d(x, 1, stride)  # windows of one number


def torch_shift(x, right, down):
    padded = F.pad(x, (2, 2, 2, 2), mode="replicate")
    height, width = x.shape[-2:]
    return padded[..., 2 - down : 2 - down + height, 2 - right : 2 - right + width]


def check(figure, x, settings, right, down):
    """The numbers of the outputs, the frames around those that changed, and the words."""
    before, after = (torch_pool(each, *settings) for each in (x, torch_shift(x, right, down)))
    written = re.findall(r"\[(.*?)\]", figure.alt)
    for text, wanted in zip(written, (before, after), strict=False):
        rows = [", ".join(map(write_number, row)) for row in wanted[0, 0].tolist()]
        assert text == "; ".join(rows)
    count, total = int(((after - before).abs() > 1e-5).sum()), after.numel()
    share = f"{100 * count / total:.0f} %"
    said = f"{count} of {total} outputs ({share}) changed, by " if count else f"None of {total} out"
    across = [f"{abs(right)} {'right' if right > 0 else 'left'}"] if right else []
    way = ", ".join(across + ([f"{abs(down)} {'down' if down > 0 else 'up'}"] if down else []))
    assert len(written) == (2 if way else 1)
    assert (said if way else "Nothing moved yet") in figure.alt
    assert figure.texts[2].get_text() == (f"input moved {way}" if way else "input, not moved")
    last = np.asarray(figure.axes[0].images[0].get_array())[:, 1173:, :3]
    assert (last == VERMILION).all(axis=-1).any() == bool(count)


@pytest.mark.parametrize(
    "start",
    [
        {},
        {"kernel_size": 4, "padding": 1, "right": 1, "count_include_pad": False},
        {"kind": "average", "kernel_size": 3, "padding": 1, "down": -1, "stride": 1},
        {"kind": "average", "kernel_size": 3, "stride": 3, "ceil_mode": True, "right": -2},
        {"kind": "strided", "padding": 2, "down": 2},
    ],
)
def test_every_value_of_every_control_draws(start):
    x = torch.from_numpy(np.random.default_rng(1).integers(0, 10, (7, 6))).double()
    explorer = pooling_explorer(x.requires_grad_())
    for name, value in start.items():
        explorer.controls[name].value = value
    for _ in sweep(explorer):
        now = explorer.values()
        settings = [now[name] for name in NAMES]
        if now["kind"] != "strided" and now["padding"] > now["kernel_size"] // 2:
            assert "at most half the kernel" in explorer.still().alt
        else:
            check(explorer.still(), x.detach()[None, None], settings, now["right"], now["down"])


def test_what_pytorch_refuses_is_said_in_place_of_the_picture():
    explorer = pooling_explorer()
    assert "out [6, 8, 2; 3, 4, 3;" in explorer.still().alt  # the lesson's four windows
    explorer.controls["padding"].value = 2
    refusal = "expected padding of at most half the kernel (1 for kernel_size 2)"
    assert f'role="alert" style="max-width: 45em">{refusal}' in explorer.picture.value
    assert explorer.still().alt.startswith(refusal)
    explorer.controls["kernel_size"].value = 4
    assert "<img" in explorer.picture.value


def test_controls_without_effect_are_hidden():
    explorer = pooling_explorer()
    window = {"kernel_size", "padding", "ceil_mode", "count_include_pad"}
    for kind, hidden in (("strided", window), ("average", set()), ("max", {"count_include_pad"})):
        explorer.controls["kind"].value = kind
        shown = explorer.controls.items()
        assert {name for name, c in shown if c.layout.visibility == "hidden"} == hidden


@pytest.mark.parametrize(
    ("settings", "padding", "windows"),
    [
        (("max", 2, 2, 0, True, True), 0, [(i, j, 2) for i in (0, 2, 4) for j in (0, 2, 4)]),
        (("average", 3, 2, 1, False, True), 1, [(-1, -1, 3), (-1, 1, 3)]),  # overlapping
        (("strided", 3, 3, 1, False, True), 0, [(i, j, 1) for i in (0, 3) for j in (0, 3)]),
    ],
)
def test_windows_and_padding(settings, padding, windows):
    y = torch_pool(torch.zeros(1, 1, 5, 5), *settings)
    found = mark_windows(y, dict(zip(NAMES, settings, strict=True)))
    assert found == {"padding": padding, "windows": windows}


def test_a_drawing_shows_values_padding_windows_and_marks_where_they_are():
    values, place = np.array([[0.0, 1, 2], [3, -123.45, 5]]), Image.new("RGB", (601, 601), "white")
    scale = Normalize(0, 5)
    draw_map(place, values, scale, 1, [(-1, 3, 2)], [(1, 0)])  # cells of 100 pixels
    pixels = np.asarray(place)
    for (row, column), colour in np.ndenumerate(LIGHT(scale(values))[..., 0]):
        corner = pixels[100 * row + 115, 100 * column + 115]
        assert abs(corner[0] / 255 - colour) < 0.01
        inner = pixels[100 * row + 110 : 100 * row + 190, 100 * column + 110 : 100 * column + 190]
        assert (inner == 0).all(axis=-1).any()  # its number
    assert pixels[50, 50].tolist() == pixels[350, 350].tolist() == [232] * 3
    assert pixels[550, 550].tolist() == [255] * 3
    assert pixels[1, 450].tolist() == pixels[100, 402].tolist() == [0] * 3
    assert pixels[250, 103].tolist() == VERMILION


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 10), (10, 10)])
def test_a_map_of_any_size(shape):
    explorer = pooling_explorer(torch.randn(shape))
    if min(shape) < 2:
        assert 'role="alert"' in explorer.picture.value
        explorer.controls["kernel_size"].value = 1
    assert "<img" in explorer.picture.value
