import re
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
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
        "write nn.Linear(120, 7, bias=False), or give the feature map 8 channels instead of 6",
    ),
    "linear after linear": (
        [Linear(4, 5), nn.ReLU(), Linear(6, 2)],
        (3, 4),
        "`2` (Linear) expected 6 numbers per picture but got 5: write nn.Linear(5, 2)",
    ),
    "linear after a transposed convolution": (
        [nn.ConvTranspose2d(3, 2, 2, stride=2), Flatten(), Linear(32, 2)],
        (1, 3, 3, 3),
        "`2` (Linear) expected 32 numbers per picture but got 72 (2×6×6): "
        "write nn.Linear(72, 2), or resize the pictures so that the feature map is 4×4",
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
    "averaging to nothing": (
        [nn.AvgPool1d(3)],
        (2, 3, 2),
        "`0` (AvgPool1d) expected a map of at least 3 but got 2: "
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
    "batch norm of maps on vectors": (
        [Linear(3, 8), nn.BatchNorm2d(8)],
        (2, 3),
        "`1` (BatchNorm2d) expected 4 axes but got 2 axes (2, 8): write nn.BatchNorm1d(8)",
    ),
    "group norm": (
        [Conv(3, 6, 3), nn.GroupNorm(4, 8)],
        (2, 3, 9, 9),
        "`1` (GroupNorm) expected 8 channels but got 6: write nn.GroupNorm(2, 6)",
    ),
    "layer norm": (
        [Conv(3, 8, 3), nn.LayerNorm((8, 7, 7))],
        (2, 3, 16, 16),
        "`1` (LayerNorm) expected last axes 8×7×7 but got 8×14×14: write nn.LayerNorm((8, 14, 14))",
    ),
    "layer norm of vectors": (
        [nn.LayerNorm(4)],
        (2, 3),
        "`0` (LayerNorm) expected last axes 4 but got 3: write nn.LayerNorm(3)",
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
        "`1` (Linear) expected 2352 numbers per picture but got 784 since (3, 28, 28) has no "
        "batch axis: write x.unsqueeze(0)",
    ),
    "channels last": (
        [Conv(3, 8, 3)],
        (2, 28, 26, 3),
        None,
        "`0` (Conv2d) expected (N, 3, H, W) but got (2, 28, 26, 3) with the channels last: "
        "write x.permute(0, 3, 1, 2)",
    ),
    "channels last in three dimensions": (
        [nn.Conv3d(3, 8, 3)],
        (2, 5, 6, 7, 3),
        None,
        "`0` (Conv3d) expected (N, 3, D, H, W) but got (2, 5, 6, 7, 3) with the channels last: "
        "write x.permute(0, 4, 1, 2, 3)",
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
    "grey": ([Conv(3, 8, 3)], (2, 1, 5, 5), None, None),
    "indices": (
        [nn.Embedding(9, 2)],
        (2, 3),
        None,
        "`0` (Embedding) expected int64 indices but got float32: "
        "write x.long(), or give trace_shapes input_dtype=torch.int64",
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


FLAT = "write torch.flatten(x, start_dim=1), which gives"
# id: code, layers before and after it, shape, what the doctor says; its first code mends the line
CALLS = {
    "view that merges pictures": (
        "x.view(-1, 48)",
        [nn.MaxPool2d(2)],
        Linear(48, 2),
        (8, 3, 4, 4),
        f"`view` (function) expected 8 rows, one per picture, but got 2 rows: (8, 3, 2, 2) → "
        f"(2, 48): {FLAT} 12 numbers per picture, and nn.Linear(12, 2) for `then`",
    ),
    "view that splits pictures": (
        "x.view(-1, 12)",
        [],
        Linear(12, 2),
        (2, 3, 4, 4),
        f"`view` (function) expected 2 rows, one per picture, but got 8 rows: (2, 3, 4, 4) → "
        f"(8, 12): {FLAT} 48 numbers per picture, and nn.Linear(48, 2) for `then`",
    ),
    "view that splits one picture": (
        "x.view(-1, 12)",
        [],
        Linear(12, 2),
        (1, 3, 4, 4),
        f"`view` (function) expected 1 row, one per picture, but got 4 rows: (1, 3, 4, 4) → "
        f"(4, 12): {FLAT} 48 numbers per picture, and nn.Linear(48, 2) for `then`",
    ),
    "one row for all, seen with one picture": (
        "x.view(1, -1)",
        [],
        Linear(48, 2),
        (1, 3, 4, 4),
        "`view` (function) expected 2 rows, one per picture, but got shape (1, 96) with a batch "
        f"of 2: {FLAT} 48 numbers per picture",
    ),
    "flatten with the batch": (
        "torch.flatten(x)",
        [],
        Linear(48, 2),
        (2, 3, 4, 4),
        "`flatten` (function) expected 2 rows, one per picture, but got shape (96,): "
        f"{FLAT} 48 numbers per picture",
    ),
    "flatten with the batch, one score": (
        "x.flatten()",
        [],
        Linear(48, 1),
        (1, 3, 4, 4),
        "`flatten` (function) expected 2 rows, one per picture, but got shape (96,) with a batch "
        f"of 2: {FLAT} 48 numbers per picture",
    ),
    "view of another size": (
        "x.view(2, 40)",
        [],
        None,
        (2, 3, 4, 4),
        f"`view` (function) expected 80 numbers (2×40) but got 96 (2×3×4×4): {FLAT} 48 numbers "
        "per picture",
    ),
    "view that does not divide": (
        "x.reshape(-1, 40)",
        [],
        None,
        (2, 3, 4, 4),
        f"`reshape` (function) expected a multiple of 40 numbers but got 96 (2×3×4×4): {FLAT} 48 "
        "numbers per picture",
    ),
    "view for a fixed number of pictures": (
        "x.view(100, 48)",
        [],
        None,
        (2, 3, 4, 4),
        "`view` (function) expected 4800 numbers (100×48) but got 96 (2×3×4×4): "
        "write x.view(x.shape[0], 48)",
    ),
    "view out of order": (
        "x.transpose(1, 2).view(2, 48)",
        [],
        None,
        (2, 3, 4, 4),
        "`view` (function) expected numbers in order in memory (strides (48, 12, 4, 1)) but got "
        "strides (48, 4, 16, 1): write x.reshape(2, 48)",
    ),
    "residual of other channels and size": (
        "first + x",
        [Conv(3, 8, 3, padding=1, stride=2)],
        None,
        (2, 3, 5, 8),
        "`add` (function) expected two equal shapes but got (2, 3, 5, 8) and (2, 8, 3, 4): "
        "give the shortcut nn.Conv2d(3, 8, kernel_size=1, stride=2)",
    ),
    "residual without padding": (
        "x + first",
        [Conv(3, 3, (3, 5), padding=(0, 1))],
        None,
        (2, 3, 9, 9),
        "`add` (function) expected two equal shapes but got (2, 3, 7, 7) and (2, 3, 9, 9): "
        "write nn.Conv2d(3, 3, kernel_size=(3, 5), padding=(1, 2)) for `body.0`",
    ),
    "residual of vectors": (
        "x * first",
        [Linear(4, 6)],
        None,
        (2, 4),
        "`mul` (function) expected two equal shapes but got (2, 6) and (2, 4): "
        "give the shortcut nn.Linear(4, 6)",
    ),
    "cat of other sizes": (
        "torch.cat([first, x], 1)",
        [nn.MaxPool2d(2)],
        None,
        (2, 3, 8, 8),
        "`cat` (function) expected equal sizes on every axis but 1 but got 8 and 4 on axis 2 "
        "((2, 3, 8, 8) and (2, 3, 4, 4)): write F.interpolate(x, size=(8, 8)) for the one of "
        "shape (2, 3, 4, 4)",
    ),
    "cat along the batch": (
        "torch.cat([first, x])",
        [Conv(3, 4, 1)],
        None,
        (2, 3, 8, 8),
        "`cat` (function) expected equal sizes on every axis but 0 but got 3 and 4 on axis 1 "
        "((2, 3, 8, 8) and (2, 4, 8, 8)): write torch.cat(…, dim=1)",
    ),
    "matrix product": (
        "x @ first",
        [Linear(4, 4)],
        None,
        (2, 3, 4),
        "`matmul` (function) expected 4 rows in the second matrix but got 3 ((2, 3, 4) @ "
        "(2, 3, 4)): write x @ y.transpose(-2, -1)",
    ),
    "pooling function": (
        "F.max_pool2d(x, 2)",
        [nn.MaxPool2d(4)],
        None,
        (2, 3, 4, 7),
        "`max_pool2d` (function) expected a map of at least 2×2 but got 1×1: "
        "leave out this call, or start from larger pictures",
    ),
    "convolution function": (
        "F.conv2d(x, torch.zeros(4, 2, 3, 3), None, 2, 1, groups=2)",
        [Conv(3, 6, 3)],
        None,
        (2, 3, 8, 8),
        "`conv2d` (function) expected 4 channels in 2 groups but got 6: give the function the "
        "sizes of nn.Conv2d(6, 4, kernel_size=3, stride=2, padding=1, groups=2, bias=False)",
    ),
    "linear function": (
        "F.linear(x, torch.zeros(4, 2))",
        [],
        None,
        (2, 3),
        "`linear` (function) expected 2 numbers per picture but got 3: "
        "give the function the sizes of nn.Linear(3, 4)",
    ),
}

# the line of code once it is mended as the doctor says, and the layer behind it
MENDED = {
    "view that merges pictures": ("torch.flatten(x, start_dim=1)", Linear(12, 2)),
    "view that splits pictures": ("torch.flatten(x, start_dim=1)", Linear(48, 2)),
    "view that splits one picture": ("torch.flatten(x, start_dim=1)", Linear(48, 2)),
    "one row for all, seen with one picture": ("torch.flatten(x, start_dim=1)", Linear(48, 2)),
    "flatten with the batch": ("torch.flatten(x, start_dim=1)", Linear(48, 2)),
    "flatten with the batch, one score": ("torch.flatten(x, start_dim=1)", Linear(48, 1)),
    "view of another size": ("torch.flatten(x, start_dim=1)", None),
    "view that does not divide": ("torch.flatten(x, start_dim=1)", None),
    "view for a fixed number of pictures": ("x.view(x.shape[0], 48)", None),
    "view out of order": ("x.transpose(1, 2).reshape(2, 48)", None),
    "residual of other channels and size": ("shortcut(first) + x", None),
    "residual of vectors": ("x * shortcut(first)", None),
    "cat of other sizes": ("torch.cat([first, F.interpolate(x, size=(8, 8))], 1)", None),
    "cat along the batch": ("torch.cat([first, x], dim=1)", None),
    "matrix product": ("x @ first.transpose(-2, -1)", None),
    "pooling function": ("x", None),
    "convolution function": ("F.conv2d(x, torch.zeros(4, 3, 3, 3), None, 2, 1, groups=2)", None),
    "linear function": ("F.linear(x, torch.zeros(4, 3))", None),
}


@pytest.mark.parametrize("case", CALLS)
def test_broken_function(case):
    code, before, after, shape, expected = CALLS[case]
    model = Call(code, *before, then=after)
    assert message_of(model, shape) == expected
    if case in MENDED:
        model.code, after = MENDED[case]
        model.code = model.code.replace("shortcut", f"({layer_of(expected)})")
        model.then = after or nn.Sequential()
        assert trace_shapes(model, shape).rows


def layer_of(message):
    return layer_in(message).replace("nn.", "torch.nn.") if "nn." in message else ""


def test_residual_padding_fix():
    model = Call("x + first", Conv(3, 3, (3, 5), padding=(0, 1)))
    model.body[0] = eval(layer_in(message_of(model, (2, 3, 9, 9))), {"nn": nn})
    assert trace_shapes(model, (2, 3, 9, 9)).rows[-1].output_shape == (2, 3, 9, 9)


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
    assert trace_shapes(nn.Sequential(*layers), (2, 3, 28, 28)).rows[-1].output_shape == (2, 2)


def test_linear_on_the_last_axis_of_a_sequence_is_fine():
    assert trace_shapes(nn.Sequential(Linear(4, 5), Linear(5, 6)), (2, 3, 4)).parameters == 61
    message = message_of(nn.Sequential(Linear(4, 5), Linear(6, 7)), (2, 3, 4))
    assert message == "`1` (Linear) expected 6 numbers per picture but got 5: write nn.Linear(5, 7)"


def test_linear_on_channels_that_were_moved_last_is_fine():
    model = Call("x.permute(0, 2, 3, 1)", Conv(3, 4, 1), then=Linear(4, 2))
    assert trace_shapes(model, (1, 3, 4, 4)).rows[-1].output_shape == (1, 4, 4, 2)


def test_the_first_of_two_reshapes_is_named():
    message = message_of(Call("x.view(-1, 12).view(4, 24)"), (2, 3, 4, 4))
    assert message.startswith("`view` (function) expected 2 rows, one per picture, but got 8 rows")


def test_sequence_first_output_is_fine():
    class SequenceFirst(nn.Module):
        def forward(self, x):
            return x.permute(1, 0, 2)

    assert trace_shapes(SequenceFirst(), (1, 5, 4)).rows[-1].output_shape == (5, 1, 4)


class Merge(nn.Module):
    def forward(self, x):
        return x.view(-1, 5)


def test_own_module_that_cannot_view():
    message = message_of(nn.Sequential(Conv(3, 8, 3), Merge()), (2, 3, 4, 4))
    assert message == (
        "`1.view` (function) expected a multiple of 5 numbers but got 64 (2×8×2×2): "
        f"{FLAT} 32 numbers per picture"
    )


def test_own_module_that_merges_pictures():
    message = message_of(nn.Sequential(Merge(), Linear(5, 2)), (1, 2, 5))
    assert message == (
        "`0` (Merge) expected 1 row, one per picture, but got 2 rows: (1, 2, 5) → (2, 5): "
        f"{FLAT} 10 numbers per picture, and nn.Linear(10, 2) for `1`"
    )


def test_what_the_network_itself_refuses():
    assert message_of(Custom_CNN(), (1, 3, 56, 56)) == (
        "`model` (Custom_CNN) refused its input: expected (N, 3, 28, 28), got (1, 3, 56, 56): "
        "resize the pictures to 28×28, for example with cnn_basics.images.resize(image, 28)"
    )


def test_unknown_failure_keeps_the_words_of_pytorch():
    message = message_of(nn.Sequential(Conv(3, 8, 3), nn.PixelShuffle(3)), (2, 3, 4, 4))
    assert message.startswith("`1` (PixelShuffle) failed on (2, 8, 2, 2): pixel_shuffle expects")
    message = message_of(Call("x.squeeze(9)"), (2, 3))
    assert message.startswith("`squeeze` (function) failed on (2, 3): Dimension out of range")


def test_errors_of_other_kinds_pass_through():
    model = nn.Sequential(Linear(3, 2))
    model.forward = lambda x: model.missing(x)
    with pytest.raises(AttributeError, match="missing"):
        trace_shapes(model, (1, 3))


def test_hooks_are_removed_after_a_failure():
    model = nn.Sequential(Linear(3, 2), Linear(3, 2))
    message_of(model, (1, 3))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_one_wrong_layer_is_named_and_mended(data):
    number = st.integers(1, 6)
    widths = data.draw(st.lists(number, min_size=3, max_size=5))
    layers = []
    for width, following in pairwise(widths):
        layers += [Conv(width, following, 3, padding=1), nn.BatchNorm2d(following), nn.ReLU()]
    layers += [Flatten(), Linear(widths[-1] * 56, 2)]
    fault = data.draw(
        st.sampled_from([n for n, one in enumerate(layers) if list(one.parameters())])
    )
    wrong = layers[fault]
    name = {Conv: "in_channels", Linear: "in_features"}.get(type(wrong), "num_features")
    right = getattr(wrong, name)
    size = data.draw(number.filter(lambda n: n != right))
    rest = {Linear: (2,)}.get(type(wrong), ())
    rest = (wrong.out_channels, 3) if type(wrong) is Conv else rest
    layers[fault] = type(wrong)(size, *rest, **({"padding": 1} if type(wrong) is Conv else {}))
    model, shape = nn.Sequential(*layers), (data.draw(number), widths[0], 7, 8)
    message = message_of(model, shape)
    assert message.startswith(f"`{fault}` ({type(wrong).__name__}) expected {size} ")
    assert f" but got {right}" in message
    model[fault] = eval(layer_in(message), {"nn": nn})
    assert trace_shapes(model, shape).rows[-1].output_shape == (shape[0], 2)
