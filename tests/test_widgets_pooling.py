"""The pooling explorer: PyTorch's numbers for every setting, and what a move changes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sweeping import sweep

from cnn_basics.widgets import pooling_explorer
from cnn_basics.widgets.pooling import KINDS, number_path, shift, write_short

MOVES = list(product(range(-2, 3), repeat=2))
WINDOWS = (range(1, 5), range(1, 5), range(3), (False, True))
SETTINGS = [  # only "average" counts the padding, or not
    *product(("max",), *WINDOWS, (True,)),
    *product(("average",), *WINDOWS, (False, True)),
    *product(("strided",), (2, 3), range(1, 5), (0, 2), (False, True), (True,)),
]
NAMES = ("kind", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")


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


def test_a_move_repeats_the_edge():
    x = torch.randn(1, 3, 4, 5)
    for move in MOVES:
        assert torch.equal(shift(x, *move), torch_shift(x, *move))


def drawn(figure):
    return [axes.images[0].get_array() for axes in figure.axes]


def titles(figure):
    return [text.get_text() for text in figure.texts if text.get_text() != "→"]


def check(figure, x, settings, right, down):
    """The four maps, the frames around what changed, and the words."""
    before, moved = torch_pool(x, *settings), torch_shift(x, right, down)
    after = torch_pool(moved, *settings)
    for shown, wanted in zip(drawn(figure), (x, before, moved, after), strict=True):
        assert np.allclose(shown, wanted[0, 0], atol=1e-5)
    changed = (after - before).abs()[0, 0] > 1e-5
    frames = figure.axes[3].collections[2].get_segments()
    corners = sorted((round(f[0][1] + 0.5), round(f[0][0] + 0.5)) for f in frames)
    assert corners == [tuple(cell) for cell in changed.nonzero().tolist()]
    count, total = int(changed.sum()), changed.numel()
    said = f"{count} of {total} outputs ({100 * count / total:.0f} %) changed, by "
    if not count:
        said = f"None of {total} outputs changed."
    across = f"{abs(right)} {'right' if right > 0 else 'left'}" if right else ""
    way = across + ", " * bool(right and down)
    way += f"{abs(down)} {'down' if down > 0 else 'up'}" if down else ""
    assert (said if way else "Nothing moved yet") in figure.alt
    assert titles(figure)[2] == (f"input moved {way}" if way else "input, not moved")


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_with_all_moves_in_turn(kind):
    x = torch.tensor(np.random.default_rng(1).integers(0, 10, (7, 6)), dtype=torch.float32)
    explorer = pooling_explorer(x)
    refused = 0
    for index, settings in enumerate(s for s in SETTINGS if s[0] == kind):
        right, down = MOVES[index % len(MOVES)]
        values = dict(zip(NAMES, settings, strict=True)) | {"right": right, "down": down}
        if kind != "strided" and values["padding"] > values["kernel_size"] // 2:
            with pytest.raises(ValueError, match="at most half the kernel"):
                explorer.draw(**values)
            refused += 1
        else:
            check(explorer.draw(**values), x[None, None], settings, right, down)
    assert refused == {"max": 32, "average": 64, "strided": 0}[kind]


def test_every_value_of_every_control_draws():
    explorer = pooling_explorer()
    figure = explorer.still()
    x = torch.from_numpy(np.array(drawn(figure)[0]))[None, None]
    assert drawn(figure)[1][:2, :2].tolist() == [[6, 8], [3, 4]]  # the lesson's four windows
    for _ in sweep(explorer):
        now = explorer.values()
        if now["padding"] < 2:
            check(figure, x, [now[n] for n in NAMES], now["right"], now["down"])


def test_what_pytorch_refuses_is_said_in_place_of_the_picture():
    explorer = pooling_explorer()
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


def test_windows_padding_and_overhang_are_drawn():
    explorer = pooling_explorer(torch.zeros(5, 5))
    explorer.controls["ceil_mode"].value = True
    first = explorer.still().axes[0]
    windows, padding = first.collections[1], first.patches[0]
    assert len(windows.get_segments()) == 9
    assert first.get_xlim() == (-0.5, 5.5)  # one column over the edge
    explorer.controls["stride"].value = 1  # overlapping: the first two
    assert len(windows.get_segments()) == 2
    explorer.controls["padding"].value = 1
    assert windows.get_segments()[0].min() == -1.5
    assert padding.get_bbox().bounds == (-1.5, -1.5, 7, 7)
    explorer.controls["kind"].value = "strided"
    assert padding.get_bbox().bounds == (-0.5, -0.5, 5, 5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 10), (10, 10)])
def test_a_map_of_any_size(shape):
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    explorer = pooling_explorer(x)
    if min(shape) < 2:
        assert 'role="alert"' in explorer.picture.value
        explorer.controls["kernel_size"].value = 1
    explorer.controls["right"].value = 1
    kernel = explorer.controls["kernel_size"].value
    pooled = F.max_pool2d(x.detach()[None], kernel, 2)[0]
    assert np.array_equal(drawn(explorer.still())[1], pooled)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (torch.ones(2, 2, dtype=torch.int64), TypeError, "convert a tensor"),
        ([[1.0]], TypeError, "convert a tensor"),
        (torch.ones(1, 1, 4, 4), ValueError, r"x\[0, 0, :10, :10\]"),
        (torch.ones(11, 3), ValueError, "at most 10×10"),
        (torch.tensor([[float("nan")]]), ValueError, "finite"),
    ],
)
def test_something_else_is_refused(x, error, words):
    with pytest.raises(error, match=words):
        pooling_explorer(x)


def test_numbers_are_written_short_and_as_large_as_the_longest_fits_its_cell():
    numbers = (3, 0.256, -9.99, 12.345, 99.96, -123.4)
    short = ["3", "0.26", "−9.99", "12.3", "100", "−123"]
    assert [write_short(n) for n in numbers] == short
    for values in ([[1, 2], [3, 4]], [[-12.34, 5], [0.125, 1000]]):
        path = number_path(np.array(values, float))
        cells = np.rint(path.vertices)
        assert set(map(tuple, cells.tolist())) == {(0, 0), (1, 0), (0, 1), (1, 1)}
        reach = np.abs(path.vertices - cells).max()  # of the curves' control points
        assert 0.2 < reach < 0.45
