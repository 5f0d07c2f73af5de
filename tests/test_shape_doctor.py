import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.model import Custom_CNN, ShapeError, trace_shapes


class Call(nn.Module):
    """A network that ends in one line of code: `x` is what the layers before it gave."""

    def __init__(self, code, *layers, then=None):
        super().__init__()
        self.code = code
        self.body = nn.Sequential(*layers)
        self.then = then or nn.Sequential()

    def forward(self, x):
        names = {"first": x, "x": self.body(x), "torch": torch, "F": F}
        return self.then(eval(self.code, names))


def message_of(model, shape, dtype=None):
    with pytest.raises(ShapeError) as caught:
        trace_shapes(model, shape, dtype)
    message = str(caught.value)
    assert "\n" not in message
    assert isinstance(caught.value, ValueError)
    return message


def layer_in(message):
    return re.findall(r"nn\.\w+\((?:[^()]|\([^()]*\))*\)", message)[0]


GREY = ", or repeat the grey channel with x.expand(-1, 3, -1, -1)"
Conv, Linear, Flatten = nn.Conv2d, nn.Linear, nn.Flatten

# id: layers, shape that goes in, what the doctor says; its first `nn.…` replaces the layer it names
LAYERS = {
    "linear after a larger map": (
        [Conv(3, 64, 5, padding=2), nn.MaxPool2d(2), Flatten(), Linear(3136, 256)],
        (2, 3, 28, 28),
        "`3` (Linear) expected 3136 numbers per picture but got 12544 (64×14×14): "
        "write nn.Linear(12544, 256), or resize the pictures so that the feature map is 7×7",
    ),
    "linear after other channels": (
        [Conv(3, 6, 3), Flatten(), Linear(8 * 4 * 5, 7, bias=False)],
        (2, 3, 6, 7),
        "`2` (Linear) expected 160 numbers per picture but got 120 (6×4×5): "
        "write nn.Linear(120, 7, bias=False)",
    ),
    "linear after linear": (
        [Linear(4, 5), nn.ReLU(), Linear(6, 2)],
        (3, 4),
        "`2` (Linear) expected 6 numbers per picture but got 5: write nn.Linear(5, 2)",
    ),
    "grey picture": (
        [Conv(3, 32, 5, padding=2, stride=(1, 2))],
        (2, 1, 28, 28),
        "`0` (Conv2d) expected 3 channels but got 1: "
        f"write nn.Conv2d(1, 32, kernel_size=5, stride=(1, 2), padding=2){GREY}",
    ),
    "convolution after convolution": (
        [Conv(3, 8, 3), nn.Sequential(nn.ReLU(), Conv(16, 4, 3, dilation=2, bias=False))],
        (2, 3, 9, 9),
        "`1.1` (Conv2d) expected 16 channels but got 8: "
        "write nn.Conv2d(8, 4, kernel_size=3, dilation=2, bias=False)",
    ),
    "groups": (
        [Conv(3, 6, 3), Conv(8, 12, 3, groups=4)],
        (2, 3, 9, 9),
        "`1` (Conv2d) expected 8 channels in 4 groups but got 6: "
        "write nn.Conv2d(6, 12, kernel_size=3, groups=2)",
    ),
    "one kernel per channel": (
        [Conv(3, 6, 3), Conv(8, 16, 3, groups=8)],
        (2, 3, 9, 9),
        "`1` (Conv2d) expected 8 channels in 8 groups but got 6: "
        "write nn.Conv2d(6, 12, kernel_size=3, groups=6)",
    ),
    "transposed convolution": (
        [Conv(3, 6, 3), nn.ConvTranspose2d(8, 4, 2, stride=2, output_padding=1)],
        (2, 3, 9, 9),
        "`1` (ConvTranspose2d) expected 8 channels but got 6: "
        "write nn.ConvTranspose2d(6, 4, kernel_size=2, stride=2, output_padding=1)",
    ),
    "kernel larger than the padded map": (
        [nn.MaxPool2d(8), Conv(3, 4, (5, 2), padding=(1, 0))],
        (2, 3, 8, 16),
        "`1` (Conv2d) expected a padded map of at least 5×2 but got 3×2: write "
        "nn.Conv2d(3, 4, kernel_size=(5, 2), padding=(2, 0)), "
        "or leave out a pooling step before it",
    ),
    "dilated kernel larger than the map": (
        [Conv(3, 4, 3, dilation=3)],
        (2, 3, 6, 7),
        "`0` (Conv2d) expected a padded map of at least 7×7 but got 6×7: write nn.Conv2d(3, 4, "
        "kernel_size=3, padding=(1, 0), dilation=3), or leave out a pooling step before it",
    ),
    "pooling to nothing": (
        [nn.MaxPool2d(4), nn.MaxPool2d(2)],
        (2, 3, 4, 4),
        "`1` (MaxPool2d) expected a map of at least 2×2 but got 1×1: "
        "put nn.Identity() in its place, or start from larger pictures",
    ),
    "batch norm of other channels": (
        [Conv(3, 8, 3), nn.BatchNorm2d(16, momentum=0.2)],
        (2, 3, 9, 9),
        "`1` (BatchNorm2d) expected 16 channels but got 8: write nn.BatchNorm2d(8, momentum=0.2)",
    ),
    "batch norm of vectors on maps": (
        [Conv(3, 8, 3), nn.BatchNorm1d(8)],
        (2, 3, 9, 9),
        "`1` (BatchNorm1d) expected 2 or 3 axes but got 4 axes (2, 8, 7, 7): "
        "write nn.BatchNorm2d(8)",
    ),
}


@pytest.mark.parametrize("case", LAYERS)
def test_broken_layer(case):
    layers, shape, expected = LAYERS[case]
    model = nn.Sequential(*layers)
    message = message_of(model, shape)
    assert message == expected
    name = message.split("`")[1]
    model.set_submodule(name, eval(layer_in(message), {"nn": nn}))
    assert trace_shapes(model, shape).rows[-1].layer == name


# id: layers, shape, dtype, what the doctor says, the code in it that mends the input
INPUTS = {
    "unbatched": (
        [Conv(3, 8, 3)],
        (3, 28, 28),
        None,
        "`0` (Conv2d) expected 4 axes, the batch first, but got 3 axes (3, 28, 28): "
        "add the batch axis with x.unsqueeze(0)",
    ),
    "unbatched into a linear": (
        [Flatten(), Linear(3 * 28 * 28, 2)],
        (3, 28, 28),
        None,
        "`1` (Linear) expected 2352 numbers per picture but got 784: "
        "write x.unsqueeze(0), since (3, 28, 28) has no batch axis",
    ),
    "channels last": (
        [Conv(3, 8, 3)],
        (2, 28, 26, 3),
        None,
        "`0` (Conv2d) expected 3 channels on axis 1 but got (2, 28, 26, 3) with the channels last: "
        "write x.permute(0, 3, 1, 2)",
    ),
    "bytes": (
        [Conv(3, 8, 3)],
        (2, 3, 28, 28),
        torch.uint8,
        "`0` (Conv2d) expected float32 numbers but got uint8: write x.float() / 255",
    ),
    "double precision": (
        [Flatten(), Linear(12, 2)],
        (2, 3, 2, 2),
        torch.float64,
        "`1` (Linear) expected float32 numbers but got float64: write x.float()",
    ),
    "single precision": (
        [Linear(12, 2).double()],
        (2, 12),
        torch.float32,
        "`0` (Linear) expected float64 numbers but got float32: write x.to(torch.float64)",
    ),
    "unbatched into a norm": (
        [nn.BatchNorm2d(3)],
        (3, 9, 7),
        None,
        "`0` (BatchNorm2d) expected 4 axes but got 3 axes (3, 9, 7): "
        "add the batch axis with x.unsqueeze(0)",
    ),
}


@pytest.mark.parametrize("case", INPUTS)
def test_broken_input(case):
    layers, shape, dtype, expected = INPUTS[case]
    model = nn.Sequential(*layers)
    message = message_of(model, shape, dtype)
    assert expected is None or message == expected
    code = re.findall(r"x\.\w+\([^)]*\)(?: / 255)?", message)[0]
    mended = eval(code, {"x": torch.zeros(shape, dtype=dtype), "torch": torch})
    assert trace_shapes(model, tuple(mended.shape), mended.dtype).rows


FLAT, NUMBERS = ": write torch.flatten(x, start_dim=1), which gives", "numbers per picture"
# id: code, layers before, layer after, what the doctor says, the code and the layer that mend it
CALLS = {
    "view that merges pictures": (
        *("x.view(-1, 48)", [nn.MaxPool2d(2)], Linear(48, 2), (8, 3, 4, 4)),
        "`view` (function) expected 8 rows, one per picture, but got 2 rows: (8, 3, 2, 2) → "
        f"(2, 48){FLAT} 12 {NUMBERS}, and nn.Linear(12, 2) for `then`",
        *("torch.flatten(x, start_dim=1)", Linear(12, 2)),
    ),
    "view that splits one picture": (
        *("x.view(-1, 12)", [], Linear(12, 2), (1, 3, 4, 4)),
        "`view` (function) expected 1 row, one per picture, but got 4 rows: (1, 3, 4, 4) → "
        f"(4, 12){FLAT} 48 {NUMBERS}, and nn.Linear(48, 2) for `then`",
        *("torch.flatten(x, start_dim=1)", Linear(48, 2)),
    ),
    "the first of two views": (
        *("x.view(-1, 12).view(4, 24)", [], None, (2, 3, 4, 4)),
        "`view` (function) expected 2 rows, one per picture, but got 8 rows: (2, 3, 4, 4) → "
        f"(8, 12){FLAT} 48 {NUMBERS}",
        *("torch.flatten(x, start_dim=1)", None),
    ),
    "one row for all, seen with one picture": (
        *("x.view(1, -1)", [], Linear(48, 2), (1, 3, 4, 4)),
        "`view` (function) expected 2 rows, one per picture, but got 1 row: (2, 3, 4, 4) → "
        f"(1, 96) with a batch of 2{FLAT} 48 {NUMBERS}",
        *("torch.flatten(x, start_dim=1)", Linear(48, 2)),
    ),
    "flatten with the batch": (
        *("x.flatten()", [], Linear(48, 1), (1, 3, 4, 4)),
        "`flatten` (function) expected 2 rows, one per picture, but got 96 rows: (2, 3, 4, 4) → "
        f"(96,) with a batch of 2{FLAT} 48 {NUMBERS}",
        *("torch.flatten(x, start_dim=1)", Linear(48, 1)),
    ),
    "view of another size": (
        *("torch.reshape(x, shape=(2, 40))", [], None, (2, 3, 4, 4)),
        f"`reshape` (function) expected 80 numbers but got 96 (2×3×4×4){FLAT} 48 {NUMBERS}",
        *("torch.flatten(x, start_dim=1)", None),
    ),
    "view that does not divide": (
        *("x.reshape(-1, 40)", [], None, (2, 3, 4, 4)),
        "`reshape` (function) expected a multiple of 40 numbers but got 96 (2×3×4×4)"
        f"{FLAT} 48 {NUMBERS}",
        *("torch.flatten(x, start_dim=1)", None),
    ),
    "view for a fixed number of pictures": (
        *("x.view((100, 48))", [], None, (2, 3, 4, 4)),
        "`view` (function) expected 4800 numbers but got 96 (2×3×4×4): "
        "write x.view(x.shape[0], 48)",
        *("x.view(x.shape[0], 48)", None),
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_broken_function(case):
    code, before, after, shape, expected, mended, layer = CALLS[case]
    model = Call(code, *before, then=after)
    assert message_of(model, shape) == expected
    model.code, model.then = mended, layer or nn.Sequential()
    assert trace_shapes(model, shape).rows


class StandardizedConv(Conv):
    """A class of one's own, made from a layer of PyTorch."""


# code, layers before it, what PyTorch says: the doctor knows no better, and repeats it
UNKNOWN = [
    ("x.squeeze(9)", [], "`squeeze` (function) failed on (2, 3, 4, 4): Dimension out of range"),
    ("x.view(-1, 0)", [], "`view` (function) failed on (2, 3, 4, 4): shape '[-1, 0]' is invalid"),
    ("x.transpose(1, 2).view(2, 48)", [], "Use .reshape(...) instead"),
    ("torch.cat([x.mean(), x.std()])", [], "`cat` (function) failed on () (): zero-dimensional"),
    (
        "first + x",
        [Conv(3, 8, 1)],
        "`add` (function) failed on (2, 3, 4, 4) (2, 8, 4, 4): The",
    ),
    ("x.flatten(1).gather(1, torch.zeros(1, 4))", [], "failed on (2, 48) (1, 4): gather(): Exp"),
    ("F.conv2d(x, weight=torch.zeros(4, 5, 3, 3))", [], "to have 5 channels, but got 3 channels"),
    ("F.linear(x.mean(), torch.zeros(4, 2))", [], "`linear` (function) failed on () (4, 2): "),
    ("x", [nn.PixelShuffle(3)], "`body.0` (PixelShuffle) failed on (2, 3, 4, 4): pixel_shuffle"),
    ("x", [Flatten(0, 2), nn.GroupNorm(2, 6)], "`body.1` (GroupNorm) failed on (24, 4): Expected"),
    ("x", [Conv(3, 4, 3, padding=9, padding_mode="reflect")], "`body.0` (Conv2d) failed on (2, 3"),
    ("x.flatten(1)", [Flatten(), Linear(48, 4), Linear(4, 2, device="meta")], "`body.2` (Linear) "),
    ("x", [nn.LayerNorm(5)], "Given normalized_shape=[5], expected input with shape [*, 5], but"),
]


@pytest.mark.parametrize(("code", "before", "words"), UNKNOWN, ids=[each[0] for each in UNKNOWN])
def test_what_the_doctor_does_not_know_keeps_the_words_of_pytorch(code, before, words):
    message = message_of(Call(code, *before), (2, 3, 4, 4))
    assert words in message
    assert " failed on (" in message


def test_layers_of_ones_own_made_from_pytorchs_are_known():
    message = message_of(nn.Sequential(nn.MaxPool2d(3), StandardizedConv(3, 4, 5)), (1, 3, 9, 6))
    assert "(StandardizedConv) expected a padded map of at least 5×5 but got 3×2: write" in message
    assert "write nn.Conv2d(3, 4, kernel_size=5, padding=(1, 2))" in message


@pytest.mark.parametrize("in_features", [26, 8 * 26 * 26, 5])
def test_missing_flatten(in_features):
    layers = [Conv(3, 8, 3), nn.ReLU(), Linear(in_features, 2)]
    message = message_of(nn.Sequential(*layers), (2, 3, 28, 28))
    assert message.startswith("`2` (Linear) expected ")
    assert " but got a map (2, 8, 26, 26) whose last axis holds 26: " in message
    assert "write torch.flatten(x, start_dim=1) before it" in message
    if in_features != 5408:
        assert message.endswith("nn.Linear(5408, 2)")
        layers[-1] = eval(layer_in(message), {"nn": nn})
    layers.insert(2, nn.Flatten(start_dim=1))
    assert " but got a map " in message_of(layers[-1], (2, 1, 1, layers[-1].in_features))
    assert trace_shapes(nn.Sequential(*layers), (2, 3, 28, 28)).rows[-1].output_shape == (2, 2)


def test_networks_that_are_right_are_not_refused():
    linear = nn.Sequential(Linear(4, 5), Linear(5, 6))  # on the last axis of a sequence
    assert trace_shapes(linear, (2, 3, 4)).parameters == 61
    message = message_of(nn.Sequential(Linear(4, 5), Linear(6, 7)), (2, 3, 4))
    assert message == "`1` (Linear) expected 6 numbers per picture but got 5: write nn.Linear(5, 7)"
    moved = Call("x.permute(0, 2, 3, 1)", Conv(3, 4, 1), then=Linear(4, 2))
    assert trace_shapes(moved, (1, 3, 4, 4)).rows[-1].output_shape == (1, 4, 4, 2)
    sequence_first = Call("x.permute(1, 0, 2)")
    assert trace_shapes(sequence_first, (1, 5, 4)).rows[-1].output_shape == (5, 1, 4)


class Merge(nn.Module):
    def forward(self, x):
        return x.view(-1, 5)


def test_own_module_that_cannot_view():
    message = message_of(nn.Sequential(Conv(3, 8, 3), Merge()), (2, 3, 4, 4))
    assert message == (
        "`1.view` (function) expected a multiple of 5 numbers but got 64 (2×8×2×2): "
        "write torch.flatten(x, start_dim=1), which gives 32 numbers per picture"
    )


def test_own_module_that_merges_pictures():
    message = message_of(nn.Sequential(Merge(), Linear(5, 2)), (1, 2, 5))
    assert message == (
        "`0` (Merge) expected 1 row, one per picture, but got 2 rows: (1, 2, 5) → (2, 5): "
        "write torch.flatten(x, start_dim=1), which gives 10 numbers per picture, and "
        "nn.Linear(10, 2) for `1`"
    )


def test_what_the_network_itself_refuses():
    assert message_of(Custom_CNN(), (1, 3, 56, 56)) == (
        "`model` (Custom_CNN) refused its input: expected (N, 3, 28, 28), got (1, 3, 56, 56): "
        "resize the pictures to 28×28, for example with cnn_basics.images.resize(image, 28)"
    )


def test_errors_of_other_kinds_pass_through_and_hooks_are_removed():
    model = nn.Sequential(Linear(3, 2), Linear(3, 2))
    message_of(model, (1, 3))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
    model.forward = lambda x: model.missing(x)
    with pytest.raises(AttributeError, match="missing"):
        trace_shapes(model, (1, 3))
