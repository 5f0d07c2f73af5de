"""What the shape doctor says of each broken network, and that what it writes mends it."""

import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from zoo import unchanged

from cnn_basics.model import Custom_CNN, ShapeError, trace_shapes

Conv, Linear, Flatten, Net, MaxPool = nn.Conv2d, nn.Linear, nn.Flatten, nn.Sequential, nn.MaxPool2d
Norm = nn.BatchNorm2d


class Call(nn.Module):
    """A network that ends in one line of code: `x` is what the layers before it gave."""

    def __init__(self, code, *layers, then=None):
        super().__init__()
        self.code, self.body, self.then = code, nn.Sequential(*layers), then or nn.Sequential()

    def forward(self, x):
        return self.then(eval(self.code, {"first": x, "x": self.body(x), "torch": torch, "F": F}))


Merge = type("Merge", (nn.Module,), {"forward": lambda self, x: x.view(-1, 5)})
OwnConv, OwnPool = type("OwnConv", (Conv,), {}), type("OwnPool", (MaxPool,), {})

# A network on a shape, then what the doctor says.
CASES = """
Net(Conv(3, 64, 5, padding=2), MaxPool(2), Flatten(), Linear(3136, 256)) on 2, 3, 28, 28
    `3` (Linear) expected 3136 numbers per picture but got 12544 (64×14×14): write nn.Linear(12544,
    256), or resize the pictures so that the feature map is 7×7
Net(Conv(3, 6, 3), Flatten(), Linear(8 * 4 * 5, 7, bias=False)) on 2, 3, 6, 7
    `2` (Linear) expected 160 numbers per picture but got 120 (6×4×5): write nn.Linear(120, 7,
    bias=False)
Net(Linear(4, 5), nn.ReLU(), Linear(6, 2)) on 3, 4
    `2` (Linear) expected 6 numbers per picture but got 5: write nn.Linear(5, 2)
Net(Linear(4, 5), Linear(6, 7)) on 2, 3, 4
    `1` (Linear) expected 6 numbers per picture but got 5: write nn.Linear(5, 7)
Net(Conv(3, 32, 5, padding=2, stride=(1, 2))) on 2, 1, 28, 28
    `0` (Conv2d) expected 3 channels but got 1: write nn.Conv2d(1, 32, kernel_size=5, stride=(1,
    2), padding=2), or repeat the grey channel with x.expand(-1, 3, -1, -1)
Net(Conv(3, 8, 3), Net(nn.ReLU(), Conv(1, 4, 3, dilation=2, bias=False))) on 2, 3, 9, 9
    `1.1` (Conv2d) expected 1 channel but got 8: write nn.Conv2d(8, 4, kernel_size=3, dilation=2,
    bias=False)
Net(Conv(3, 6, 3), Conv(8, 12, 3, groups=4)) on 2, 3, 9, 9
    `1` (Conv2d) expected 8 channels in 4 groups but got 6: write nn.Conv2d(6, 12, kernel_size=3,
    groups=2)
Net(Conv(3, 6, 3), Conv(8, 16, 3, groups=8)) on 2, 3, 9, 9
    `1` (Conv2d) expected 8 channels in 8 groups but got 6: write nn.Conv2d(6, 12, kernel_size=3,
    groups=6)
Net(Conv(3, 6, 3), nn.ConvTranspose2d(8, 4, 2, stride=2, output_padding=1)) on 2, 3, 9, 9
    `1` (ConvTranspose2d) expected 8 channels but got 6: write nn.ConvTranspose2d(6, 4,
    kernel_size=2, stride=2, output_padding=1)
Net(MaxPool(8), Conv(3, 4, (5, 2), padding=(1, 0))) on 2, 3, 8, 16
    `1` (Conv2d) expected a padded map of at least 5×2 but got 3×2: write nn.Conv2d(3, 4,
    kernel_size=(5, 2), padding=(2, 0)), or leave out a pooling step before it
Net(OwnConv(3, 4, 3, dilation=3)) on 2, 3, 6, 7
    `0` (OwnConv) expected a padded map of at least 7×7 but got 6×7: write nn.Conv2d(3, 4,
    kernel_size=3, padding=(1, 0), dilation=3), or leave out a pooling step before it
Net(MaxPool(4), OwnPool(2)) on 2, 3, 4, 4
    `1` (OwnPool) expected a map of at least 2×2 but got 1×1: put nn.Identity() in its place, or
    start from larger pictures
Net(Conv(3, 8, 3), nn.BatchNorm2d(16, momentum=0.2)) on 2, 3, 9, 9
    `1` (BatchNorm2d) expected 16 channels but got 8: write nn.BatchNorm2d(8, momentum=0.2)
Net(Conv(3, 8, 3), nn.BatchNorm1d(8)) on 2, 3, 9, 9
    `1` (BatchNorm1d) expected 2 or 3 axes but got 4 axes (2, 8, 7, 7): write nn.BatchNorm2d(8)
Net(nn.BatchNorm2d(3)) on 3, 9, 7
    `0` (BatchNorm2d) expected 4 axes but got 3 axes (3, 9, 7): add the batch axis with
    x.unsqueeze(0)
Net(Conv(3, 8, 3)) on 3, 28, 28
    `0` (Conv2d) expected 4 axes, the batch first, but got 3 axes (3, 28, 28): add the batch axis
    with x.unsqueeze(0)
Net(Flatten(), Linear(3 * 28 * 28, 2)) on 3, 28, 28
    `1` (Linear) expected 2352 numbers per picture but got 784: write x.unsqueeze(0), since (3, 28,
    28) has no batch axis
Net(Conv(3, 8, 3)) on 2, 28, 26, 3
    `0` (Conv2d) expected 3 channels on axis 1 but got (2, 28, 26, 3) with the channels last: write
    x.permute(0, 3, 1, 2)
Net(Conv(3, 8, 3)) on 2, 3, 28, 28 of uint8
    `0` (Conv2d) expected float32 numbers but got uint8: write x.float() / 255
Net(Flatten(), Linear(12, 2)) on 2, 3, 2, 2 of float64
    `1` (Linear) expected float32 numbers but got float64: write x.float()
Net(Linear(12, 2).double()) on 2, 12 of float32
    `0` (Linear) expected float64 numbers but got float32: write x.to(torch.float64)
Net(Conv(3, 8, 3), nn.ReLU(), Linear(26, 2)) on 2, 3, 28, 28
    `2` (Linear) expected one row of 5408 numbers per picture but got a map (2, 8, 26, 26) whose
    last axis holds 26: write torch.flatten(x, start_dim=1) before it, and nn.Linear(5408, 2)
Net(Conv(3, 8, 3), nn.ReLU(), Linear(5408, 2)) on 2, 3, 28, 28
    `2` (Linear) expected 5408 numbers per picture but got a map (2, 8, 26, 26) whose last axis
    holds 26: write torch.flatten(x, start_dim=1) before it
Net(Linear(5, 2)) on 2, 1, 1, 5
    `0` (Linear) expected one row of 5 numbers per picture but got a map (2, 1, 1, 5) whose last
    axis holds 5: write torch.flatten(x, start_dim=1) before it
Call("x.view(-1, 48)", MaxPool(2), then=Linear(48, 2)) on 8, 3, 4, 4
    `view` (function) expected 8 rows, one per picture, but got 2 rows: (8, 3, 2, 2) → (2, 48):
    FLAT 12 numbers per picture, and nn.Linear(12, 2) for `then`
Call("x.view(-1, 12)", then=Linear(12, 2)) on 1, 3, 4, 4
    `view` (function) expected 1 row, one per picture, but got 4 rows: (1, 3, 4, 4) → (4, 12): FLAT
    48 numbers per picture, and nn.Linear(48, 2) for `then`
Call("x.view(-1, 12).view(4, 24)") on 2, 3, 4, 4
    `view` (function) expected 2 rows, one per picture, but got 8 rows: (2, 3, 4, 4) → (8, 12):
    FLAT 48 numbers per picture
Call("x.view(1, -1)", then=Linear(48, 2)) on 1, 3, 4, 4
    with a batch of 2, `view` (function) expected 2 rows, one per picture, but got 1 row: (2, 3, 4,
    4) → (1, 96): FLAT 48 numbers per picture
Call("x.flatten()", then=Linear(48, 1)) on 1, 3, 4, 4
    with a batch of 2, `flatten` (function) expected 2 rows, one per picture, but got 96 rows: (2,
    3, 4, 4) → (96,): FLAT 48 numbers per picture
Call("torch.reshape(x, shape=(2, 40))") on 2, 3, 4, 4
    `reshape` (function) expected 80 numbers but got 96 (2×3×4×4): FLAT 48 numbers per picture
Call("x.reshape(-1, 40)") on 2, 3, 4, 4
    `reshape` (function) expected a multiple of 40 numbers but got 96 (2×3×4×4): FLAT 48 numbers
    per picture
Call("x.view((100, 48))") on 2, 3, 4, 4
    `view` (function) expected 4800 numbers but got 96 (2×3×4×4): write x.view(x.shape[0], 48)
Net(Merge(), Linear(5, 2)) on 1, 2, 5
    `0` (Merge) expected 1 row, one per picture, but got 2 rows: (1, 2, 5) → (2, 5): FLAT 10
    numbers per picture, and nn.Linear(10, 2) for `1`
Net(Conv(3, 8, 3), Merge()) on 2, 3, 4, 4
    `1.view` (function) expected a multiple of 5 numbers but got 64 (2×8×2×2): FLAT 32 numbers
    per picture
"""
FLAT = "write torch.flatten(x, start_dim=1), which gives"


def mend(model, message, x):
    """Do what the doctor wrote: exchange the layer, the line of code or the input."""
    name = re.search(r"`([^`]*)`", message)[1]
    layer = re.search(r"nn\.\w+\((?:[^()]|\([^()]*\))*\)", message)
    code = re.search(r"(torch\.flatten|x\.\w+)\([^)]*\)( / 255)?", message)
    if layer:
        follower = re.search(r"for `(.*)`", message)
        model.set_submodule(follower[1] if follower else name, eval(layer[0]))
    if code and isinstance(model, Call):
        model.code = code[0]
    elif "start_dim=1) before it" in message:
        model.insert(int(name), Flatten())
    elif code and isinstance(model[int(name[0])], Merge):
        model[int(name[0])] = Flatten()
    elif code and not layer:
        x = eval(code[0], {"x": x, "torch": torch})
    return model, x


@pytest.mark.parametrize(
    "case", re.split(r"\n(?=\w)", CASES.strip()), ids=lambda case: case.split(" on ")[0]
)
def test_what_is_broken_is_named_and_mended(case):
    first, said = case.split("\n", 1)
    code, shape, dtype = re.fullmatch(r"(.*) on ([\d, ]+)(?: of (\w+))?", first).groups()
    model, shape = eval(code), eval(f"({shape},)")
    expected = " ".join(said.split()).replace("FLAT", FLAT)
    dtype = dtype and getattr(torch, dtype)
    with unchanged(model), pytest.raises(ShapeError) as caught:
        trace_shapes(model, shape, dtype)
    assert str(caught.value) == expected
    model, x = mend(model, expected, torch.zeros(shape, dtype=dtype))
    assert trace_shapes(model, tuple(x.shape), x.dtype).rows


FAILS = [  # a network on (2, 3, 4, 4), and the step of which only PyTorch's own words are known
    (Custom_CNN(), "`model` (Custom_CNN) refused its input"),
    (Call("x.squeeze(9)"), "`squeeze` (function) failed on (2, 3, 4, 4)"),
    (Call("x.view(-1, 0)"), "`view` (function) failed on (2, 3, 4, 4)"),
    (Call("x.transpose(1, 2).view(2, 48)"), "`view` (function) failed on (2, 4, 3, 4)"),
    (Call("torch.cat([x.mean(), x.std()])"), "`cat` (function) failed on () ()"),
    (Call("first + x", Conv(3, 8, 1)), "`add` (function) failed on (2, 3, 4, 4) (2, 8, 4, 4)"),
    (Call("x[0, 0].gather(1, x[0, 0])"), "`gather` (function) failed on (4, 4) (4, 4)"),
    (Call("F.conv2d(x, weight=x[0])"), "`conv2d` (function) failed on (2, 3, 4, 4) (3, 4, 4)"),
    (Call("F.linear(x.mean(), x[0, 0])"), "`linear` (function) failed on () (4, 4)"),
    (Call("x.mean()", then=Linear(1, 2)), "`then` (Linear) failed on ()"),
    (Net(nn.PixelShuffle(3)), "`0` (PixelShuffle) failed on (2, 3, 4, 4)"),
    (Net(Flatten(0, 2), nn.GroupNorm(2, 6)), "`1` (GroupNorm) failed on (24, 4)"),
    (Net(Conv(3, 4, 3, padding=9, padding_mode="reflect")), "`0` (Conv2d) failed on (2, 3, 4, 4)"),
    (Net(Flatten(), Linear(48, 4), Linear(4, 2, device="meta")), "`2` (Linear) failed on (2, 4)"),
    (Net(Conv(3, 8, 1), Norm(8, device="meta")), "`1` (BatchNorm2d) failed on (2, 8, 4, 4)"),
    (Net(nn.Embedding(9, 4)), "`0` (Embedding) failed on (2, 3, 4, 4)"),
    (Net(nn.LayerNorm(5)), "`0` (LayerNorm) failed on (2, 3, 4, 4)"),
]


@pytest.mark.parametrize(("model", "said"), FAILS)
def test_without_advice_the_step_is_named_in_front_of_pytorchs_own_words(model, said):
    x = torch.zeros(2, 3, 4, 4)
    with pytest.raises((RuntimeError, ValueError, IndexError)) as own, torch.no_grad():
        model.eval()(x)
    with pytest.raises(ShapeError) as caught:
        trace_shapes(model, tuple(x.shape))
    words = " ".join(str(own.value).split()).rstrip(".")
    assert str(caught.value) == f"{said}: {words}"


RIGHT = [
    (Custom_CNN(), (2, 3, 28, 28)),
    # a Linear on the last axis of a sequence or of channels moved last; sequences first
    (Net(Linear(4, 5), Linear(5, 6)), (2, 3, 4)),
    (Call("x.permute(0, 2, 3, 1)", Conv(3, 4, 1), then=Linear(4, 2)), (1, 3, 4, 4)),
    (Call("x.permute(1, 0, 2)"), (1, 5, 4)),
    (Call("F.interpolate(x, 1)", then=nn.ConvTranspose2d(3, 2, 4)), (1, 3, 4, 4)),
]


@pytest.mark.parametrize(("model", "shape"), RIGHT)
def test_networks_that_are_right_are_not_refused(model, shape):
    assert trace_shapes(model, shape).rows[-1].output_shape == tuple(
        model(torch.zeros(shape)).shape
    )


def test_errors_of_other_kinds_pass_through():
    model = nn.Sequential(Linear(3, 2))
    model.forward = lambda x: model.missing(x)
    with unchanged(model), pytest.raises(AttributeError, match="missing"):
        trace_shapes(model, (1, 3))
