"""Widgets that the kernel draws: every value of every control, against PyTorch's own numbers."""

from __future__ import annotations

import html
import random
import re
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import Normalize
from PIL import Image
from torch import nn

from cnn_basics import widgets
from cnn_basics.figures import figure_to_array
from cnn_basics.model import Custom_CNN, MultiplyAddCounter
from cnn_basics.plots.grids import LIGHT, write_number
from cnn_basics.widgets.activations import COUNT, make_batch
from cnn_basics.widgets.channels import GREYS, LARGEST
from cnn_basics.widgets.pooling import draw_map, mark_windows
from cnn_basics.widgets.roofline import layer_costs

ROWS, COLUMNS = np.indices((9, 12))
IMAGE = np.stack([ROWS * 28, COLUMNS * 23, 255 - ROWS * COLUMNS], axis=-1).astype(np.uint8)
MAP = torch.from_numpy(np.random.default_rng(1).integers(0, 10, (7, 6))).double()
PICTURES = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
MODEL = Custom_CNN()
WIDGETS = {
    "mixer": lambda: widgets.channel_mixer(IMAGE),
    "pooling": lambda: widgets.pooling_explorer(MAP.clone().requires_grad_()),
    "playground": widgets.activation_playground,
    "maps": lambda: widgets.feature_map_browser(MODEL, PICTURES, "ab", lambda x: x - 0.5),
    "roofline": widgets.roofline_explorer,
}


def set_all(widget, values) -> None:
    for name, value in values.items():
        widget.controls[name].value = value


def every_value(control) -> list:
    """All values that a control can take."""
    if hasattr(control, "options"):
        return [each if isinstance(each, str) else each[1] for each in control.options]
    if hasattr(control, "step"):
        count = round((control.max - control.min) / control.step)
        return [round(control.min + k * control.step, 6) for k in range(count + 1)]
    return [True, False]


# --- what is drawn and said for these values, worked out anew ---

COLOURS = ("red", "green", "blue")


def convolve(image, matrix):
    """A 1×1 convolution over the channels, in float64."""
    x = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    weight = torch.tensor(np.array(matrix))[:, :, None, None]
    return F.conv2d(x, weight)[0].permute(1, 2, 0).round().numpy()


def by_convolution(image, gains, order, dropped, grey):
    """The result, and how many numbers are above 255: two 1×1 convolutions."""
    gains_here = (1, 1, 1) if grey == GREYS[3] else gains
    kept = [gain * (not drop) for gain, drop in zip(gains_here, dropped, strict=True)]
    mixed = convolve(image, np.diag(kept) @ np.eye(3)[["RGB".index(letter) for letter in order]])
    result, cut = mixed.clip(0, 255), int((mixed > 255).sum())
    if grey == "off":
        return result, cut
    own = [gain / (sum(gains) or 1) for gain in gains]
    weights = {"mean": [1 / 3] * 3, "BT.601": [0.299, 0.587, 0.114]}.get(grey, own)
    return convolve(result, [weights])[..., 0], cut


def check_mixer(figure, values):
    gains, dropped = [values[n] for n in COLOURS], [values[f"drop_{n}"] for n in COLOURS]
    wanted, cut = by_convolution(IMAGE, gains, values["order"], dropped, values["grey"])
    drawn, grey = figure.axes[1].images[0].get_array(), values["grey"] != "off"
    assert np.abs(drawn - np.broadcast_to(np.atleast_3d(wanted), IMAGE.shape)).max() <= grey
    shown = [step for step in figure.axes[2].patches if step.get_visible()]
    named = [text.get_text() for text in figure.axes[2].get_legend().get_texts()]
    assert named == [step.get_label() for step in shown] == (["grey"] if grey else [*COLOURS])
    for step, layer in zip(shown, np.moveaxis(drawn, -1, 0), strict=False):
        counts = np.bincount(layer.ravel() // 8, minlength=32)
        assert np.allclose(step.get_data().values, 100 * counts / layer.size)
    share = 100 * cut / IMAGE.size
    number = "Less than 1" if share < 1 else "More than 99" if 99 < share < 100 else f"{share:.0f}"
    told = f" {number} % of the values were cut at 255." if cut else " No value was cut."
    assert figure.alt.endswith(told)
    assert f"order {values['order']}," in figure.alt


WINDOW = ("kind", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
VERMILION = [213, 94, 0]


def torch_pool(x, kind, kernel_size, stride, padding, ceil_mode, count_include_pad):
    if kind == "max":
        return F.max_pool2d(x, kernel_size, stride, padding, ceil_mode=ceil_mode)
    if kind == "average":
        return F.avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return F.max_pool2d(x, 1, stride)  # windows of one number


def check_pooling(figure, values):
    """The numbers of the outputs, the frames around those that changed, and the words."""
    right, down = values["right"], values["down"]
    if values["kind"] != "strided" and values["padding"] > values["kernel_size"] // 2:
        assert "at most half the kernel" in figure.alt
        return
    padded, (height, width) = F.pad(MAP[None], (2, 2, 2, 2), mode="replicate"), MAP.shape
    moved = padded[None, ..., 2 - down : 2 - down + height, 2 - right : 2 - right + width]
    before, after = (
        torch_pool(each, *(values[name] for name in WINDOW)) for each in (MAP[None, None], moved)
    )
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


MODULES = {
    "ReLU": nn.ReLU(),
    "leaky ReLU": nn.LeakyReLU(0.1),
    "ELU": nn.ELU(),
    "GELU": nn.GELU(),
    "SiLU": nn.SiLU(),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
    "none": nn.Identity(),
}


def words_of(figure):
    return [text.get_text() for text in figure.texts]


def check_playground(figure, values):
    name, module = values["activation"], MODULES[values["activation"]]
    batch = entering = make_batch(values["shift"], values["spread"])
    if values["norm"]:
        layer = nn.BatchNorm1d(1).train(values["mode"] == "training")
        nn.init.constant_(layer.weight, values["gamma"])
        nn.init.constant_(layer.bias, values["beta"])
        entering = layer(batch[:, None])[:, 0].detach()
    outputs = module(entering)
    curve, *histograms = figure.axes
    steps = [*histograms[0].patches, *histograms[1].patches]
    for step, sample in zip(steps, (batch, entering, outputs), strict=True):
        drawn = step.get_data()
        inside = sample.numpy().clip(drawn.edges[0], drawn.edges[-1])
        counts, _ = np.histogram(inside, drawn.edges)
        # float32 may put a number at an edge into the next bin
        assert np.abs(drawn.values - 100 * counts / COUNT).max() <= 300 / COUNT
        assert abs(drawn.values.sum() - 100) < 1e-6
    assert steps[0].get_visible() == values["norm"]
    x = torch.tensor(float(values["x"]), requires_grad=True)
    y, slope = module(x).item(), torch.autograd.grad(module(x), x)[0].item()
    xs, ys = curve.lines[2].get_data()
    assert np.allclose(ys, module(torch.from_numpy(xs)), atol=1e-6)
    line, point = (drawn.get_data() for drawn in curve.lines[3:])
    assert np.isclose((line[1][1] - line[1][0]) / (line[0][1] - line[0][0]), slope, atol=1e-5)
    assert np.allclose(np.ravel(point), (x.item(), y), atol=1e-6)
    shown = f"{name}({round(values['x'], 2):g}) = {round(y, 2):g}\n".replace("-0\n", "0\n")
    title = "\n".join(text.get_text() for text in curve.texts).replace("−", "-")
    assert title.startswith(shown)
    assert f"mean {round(outputs.mean().item(), 2) + 0.0:g}," in figure.alt.replace("−", "-")
    zeros = 100 * int((outputs == 0).sum()) / COUNT
    if name == "ReLU" and (zeros in (0, 100) or 1 <= zeros <= 99):
        some = f"{zeros:.0f} % of the outputs are 0"
        said = {0: "No output is dead", 100: "Dead"}.get(zeros, some)
        assert words_of(figure)[1].startswith(said)
    assert all(line in figure.alt for line in words_of(figure))


def check_roofline(figure, values):
    out = values["in_channels"] if values["depthwise"] else values["out_channels"]
    per_kernel = (1 if values["depthwise"] else values["in_channels"]) * values["kernel_size"] ** 2
    pixels = values["batch"] * values["side"] ** 2
    count = pixels * out * per_kernel
    moved = 4 * (pixels * (values["in_channels"] + out) + out * per_kernel)
    columns = 8 * pixels * values["in_channels"] * values["kernel_size"] ** 2
    intensities = [2 * count / moved, 2 * count / (moved + columns)]
    peak, bandwidth = values["peak"], values["bandwidth"]
    speeds = [min(peak, bandwidth * intensity) for intensity in intensities]
    roof, *points = (line.get_xydata() for line in figure.axes[0].lines)
    ends = [[0.1, 0.1 * bandwidth], [peak / bandwidth, peak], [1000, peak]]
    assert roof.tolist() == [pytest.approx(end) for end in ends]
    for (point,), intensity, speed in zip(points, intensities, speeds, strict=True):
        assert point == pytest.approx([min(max(intensity, 0.1), 1000), speed])  # else at the edge
    times = [f"{2 * count / speed / 1e6:,.3g} ms" for speed in speeds]
    numbers = [f"{count:,}", f"{moved:,}", f"{moved + columns:,}"]
    numbers += [f"{each:,.1f}" for each in (*intensities, peak / bandwidth, speeds[0])]
    for line, number in zip(words_of(figure), [*numbers, *times], strict=True):
        assert f" {number} " in f" {line} "
    assert figure.alt.endswith(f"It waits for {'arithmetic' if speeds[0] == peak else 'memory'}.")
    rest = "; ".join(words_of(figure)[1:])
    assert f"to {out} channels needs {count:,} multiply-adds; {rest}. It" in figure.alt


CHECKS = {"mixer": check_mixer, "playground": check_playground}
TOGETHER = list(CHECKS)  # whatever is chosen, something is drawn
CHECKS |= {"roofline": check_roofline, "pooling": check_pooling}
SWEPT = [
    ("mixer", {}),
    ("playground", {"norm": True}),
    ("roofline", {}),
    ("pooling", {}),
    ("pooling", {"kernel_size": 4, "padding": 1, "right": 1, "count_include_pad": False}),
    ("pooling", {"kind": "average", "kernel_size": 3, "padding": 1, "down": -1, "stride": 1}),
    ("pooling", {"kind": "average", "kernel_size": 3, "stride": 3, "ceil_mode": True, "right": -2}),
    ("pooling", {"kind": "strided", "padding": 2, "down": 2}),
]


@pytest.mark.parametrize(("name", "start"), SWEPT)
def test_every_value_of_every_control(name, start):
    """Every change draws once, always the same figure, and the page shows that or a refusal."""
    widget, check = WIDGETS[name](), CHECKS[name]
    set_all(widget, start)
    figure = widget.still()
    for control in widget.controls.values():
        before = control.value
        for value in every_value(control):
            drawings, changed = widget.drawings, control.value != value
            control.value = value
            assert widget.drawings == drawings + changed
            shown = f'alt="{html.escape(figure.alt)}"' in widget.picture.value
            assert shown != ('role="alert"' in widget.picture.value)
            check(figure if shown else widget.still(), widget.values())
        control.value = before
    for choose in (min, max):
        set_all(widget, {each: choose(every_value(c)) for each, c in widget.controls.items()})
        check(widget.still(), widget.values())


@pytest.mark.parametrize(("widget", "check"), [(WIDGETS[n](), CHECKS[n]) for n in TOGETHER])
@settings(max_examples=150)
@given(data=st.data())
def test_controls_together(widget, check, data):
    chosen = {name: st.sampled_from(every_value(c)) for name, c in widget.controls.items()}
    values = data.draw(st.fixed_dictionaries(chosen))
    check(widget.draw(**values), values)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_figure_drawn_again_equals_a_new_one(name):
    widget, chance = WIDGETS[name](), random.Random(0)
    for _ in range(6):
        for control in widget.controls.values():
            if chance.random() < 0.5:
                control.value = chance.choice(every_value(control))
        fresh = WIDGETS[name]()
        set_all(fresh, widget.values())
        again = figure_to_array(widget.still())
        assert np.array_equal(again, figure_to_array(fresh.still()))
    widget.still().to_png()  # another size in between
    assert np.array_equal(figure_to_array(widget.still()), again)


COUNTED, FRAME = {"count_include_pad"}, {"kernel_size", "padding", "ceil_mode"}
HIDDEN = [
    ("playground", "norm", {True: set(), False: {"mode", "gamma", "beta"}}),
    ("roofline", "depthwise", {True: {"out_channels"}, False: set()}),
    ("pooling", "kind", {"strided": FRAME | COUNTED, "average": set(), "max": COUNTED}),
]


@pytest.mark.parametrize(("name", "control", "hidden"), HIDDEN)
def test_controls_without_effect_are_hidden(name, control, hidden):
    widget = WIDGETS[name]()
    for widget.controls[control].value, names in hidden.items():
        controls = widget.controls.items()
        assert {n for n, c in controls if c.layout.visibility == "hidden"} == names


# --- the channel mixer ---


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (900, 2, 3), (64, 64, 3), (700, 500, 3)])
def test_any_picture_is_shown_and_a_large_one_is_shrunk(shape):
    mixer = widgets.channel_mixer(np.full(shape, 200, np.uint8))
    drawn = mixer.still().axes[1].images[0].get_array()
    assert max(drawn.shape) <= max(LARGEST, 3)
    assert (drawn == 200).all()
    mixer.controls["green"].value = 1.5
    assert "33 % of the values were cut at 255." in mixer.still().alt
    set_all(mixer, {"red": 1.5, "blue": 1.5})
    beyond = mixer.still().axes[2].texts[-1].get_text()
    assert beyond.split("\n") == [f"{name} 100 % at 248–255" for name in COLOURS]


# --- the pooling explorer ---


def test_what_pytorch_refuses_is_said_in_place_of_the_picture():
    explorer = widgets.pooling_explorer()
    assert "out [6, 8, 2; 3, 4, 3;" in explorer.still().alt  # the lesson's four windows
    explorer.controls["padding"].value = 2
    refusal = "expected padding of at most half the kernel (1 for kernel_size 2)"
    assert f'role="alert" style="max-width: 45em">{refusal}' in explorer.picture.value
    assert explorer.still().alt.startswith(refusal)
    explorer.controls["kernel_size"].value = 4
    assert "<img" in explorer.picture.value


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
    found = mark_windows(y, dict(zip(WINDOW, settings, strict=True)))
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
    explorer = widgets.pooling_explorer(torch.randn(shape))
    if min(shape) < 2:
        assert 'role="alert"' in explorer.picture.value
        explorer.controls["kernel_size"].value = 1
    assert "<img" in explorer.picture.value


# --- the activation playground ---


def test_the_batch_is_the_same_every_time_and_leaves_chance_alone():
    state = torch.get_rng_state()
    batch = make_batch(1.5, 2.0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.allclose(batch, 1.5 + 2.0 * make_batch(0.0, 1.0))
    assert (round(batch.mean().item(), 4), round(batch.std(correction=0).item(), 4)) == (1.5, 2.0)


def test_dead_saturated_and_normalised_is_said():
    playground = widgets.activation_playground()
    for line, values, words in [
        (1, {"shift": -4, "spread": 0.1}, "Dead: all outputs are 0, and no gradient passes."),
        (
            1,
            {"activation": "tanh"},
            "No output is dead; for 100 % of the numbers the slope is belo",
        ),
        (0, {"norm": True}, "Training: normalised with this batch's own"),
        (0, {"mode": "evaluation"}, "Evaluation: normalised with the running"),
        (1, {"activation": "none"}, "No output is dead, and no slope is below 0.05."),
    ]:
        set_all(playground, values)
        assert words_of(playground.still())[line].startswith(words)


# --- the roofline explorer ---


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize(("batch", "side", "kernel"), [*product((1, 4), (7, 14), (1, 5))])
def test_counts_are_those_of_the_layer(batch, side, kernel, depthwise):
    groups, out = (8, 8) if depthwise else (1, 16)
    layer = nn.Conv2d(8, out, kernel, padding=kernel // 2, groups=groups, bias=False)
    x = torch.zeros(batch, 8, side, side)
    with MultiplyAddCounter() as counter, torch.no_grad():
        y = layer(x)
    least, unrolled = layer_costs(batch, side, 8, 16, kernel, depthwise)
    assert least.multiply_adds == unrolled.multiply_adds == counter.total
    assert least.bytes == x.nbytes + layer.weight.nbytes + y.nbytes
    assert unrolled.bytes == least.bytes + 2 * 4 * batch * 8 * kernel**2 * side**2
