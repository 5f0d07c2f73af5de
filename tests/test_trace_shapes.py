"""The table of a network: every number counted once, and the network left as it was."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cnn_basics import explain
from cnn_basics.model import (
    Custom_CNN,
    ShapeError,
    ShapeTrace,
    export_onnx,
    trace_shapes,
    untouched,
)

TABLE = """\
Layer       Kind      Input shape      Output shape     Parameters  Multiply-adds
---------------------------------------------------------------------------------
conv1       Conv2d    (1, 3, 28, 28)   (1, 32, 28, 28)       2,432      1,881,600
relu        function  (1, 32, 28, 28)  (1, 32, 28, 28)           0              0
max_pool2d  function  (1, 32, 28, 28)  (1, 32, 14, 14)           0              0
conv2       Conv2d    (1, 32, 14, 14)  (1, 64, 14, 14)      51,264     10,035,200
relu        function  (1, 64, 14, 14)  (1, 64, 14, 14)           0              0
max_pool2d  function  (1, 64, 14, 14)  (1, 64, 7, 7)             0              0
flatten     function  (1, 64, 7, 7)    (1, 3136)                 0              0
fc1         Linear    (1, 3136)        (1, 256)            803,072        802,816
relu        function  (1, 256)         (1, 256)                  0              0
fc2         Linear    (1, 256)         (1, 2)                  514            512
---------------------------------------------------------------------------------
total                                                      857,282     12,720,128"""


class Zoo(nn.Module):
    """Shared layers, bare parameters, lists, unused layers, and functions with weights."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 4, 1, 1))
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(4, 1, 1)) for _ in range(2)])
        self.nested = nn.ParameterDict({"a": nn.Parameter(torch.ones(3))})
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.block = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1), nn.Sequential()])
        self.unused = nn.Sequential(nn.Linear(2, 5), nn.Dropout())
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.head = nn.Linear(4, 4)
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.head.weight
        self.by_hand = nn.Linear(4, 2)

    def forward(self, x):
        x = self.stem(x) + self.token
        for layer in (self.block[0], self.block[1], self.block[0]):
            x = layer(x) * self.scales[0]
        rows, _ = self.attention(*[x.flatten(2).transpose(1, 2)] * 3)
        return F.linear(self.tied(self.head(rows.mean(1))), self.by_hand.weight)


def multiply_adds_by_pytorch(model, *inputs):
    with FlopCounterMode(display=False) as counter:  # with gradients: no fused attention
        model.eval()(*inputs)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_table_of_custom_cnn(dtype, device):
    trace = trace_shapes(Custom_CNN().to(device, dtype), tuple(np.array([1, 3, 28, 28])))
    assert isinstance(trace, ShapeTrace)
    assert str(trace) == repr(trace) == TABLE
    assert (trace.parameters, trace.multiply_adds) == (857_282, 12_720_128)


def test_every_parameter_and_multiply_add_is_counted_once():
    model = Zoo()
    trace = trace_shapes(model, (2, 3, 6, 6))
    assert trace.parameters == sum(p.numel() for p in model.parameters())
    found = {(row.layer, row.kind, row.parameters, row.note) for row in trace.rows}
    assert found >= {
        ("token", "Parameter", 4, ""),
        ("scales.1", "Parameter", 4, ""),
        ("nested.a", "Parameter", 3, ""),
        ("stem.0", "Conv2d", 112, ""),
        ("block.0", "Conv2d", 148, ""),
        ("block.0", "Conv2d", 0, "shared"),
        ("block.1", "Sequential", 0, ""),
        ("attention", "MultiheadAttention", 80, ""),
        ("tied", "Linear", 4, "shared"),
        ("unused.0", "Linear", 15, "not called"),
        ("unused.1", "Dropout", 0, "not called"),
        ("by_hand", "Linear", 10, "not called"),
    }
    assert [row.layer for row in trace.rows if row.kind == "MultiheadAttention"] == ["attention"]
    assert trace.multiply_adds == multiply_adds_by_pytorch(model, torch.zeros(2, 3, 6, 6))
    assert {row.layer: row.multiply_adds for row in trace.rows}["linear"] == 2 * 4 * 2


@st.composite
def nets(draw):
    """A chain of convolutions of any kind, then a Linear, and the shape that goes in."""
    number, layers = st.integers(1, 3), []
    axes, channels = draw(st.sampled_from([1, 2, 3])), draw(number) * 2
    shape = (draw(number), channels, *(draw(st.integers(4, 7)) for _ in range(axes)))
    for _ in range(draw(number)):
        out, transposed = draw(number) * 2, draw(st.booleans())
        kind = getattr(nn, f"Conv{'Transpose' * transposed}{axes}d")
        names = ("stride", "dilation", "groups")
        options = {name: draw(st.integers(1, 2)) for name in names}
        kernel = tuple(draw(number) for _ in range(axes))
        layers += [kind(channels, out, kernel, padding=0 if transposed else 2, **options)]
        layers += draw(st.sampled_from([[], [nn.ReLU()], [nn.Dropout(0.5)]]))
        channels = out
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(3)), shape


@settings(deadline=None, max_examples=20)
@given(nets())
def test_totals_are_those_of_pytorch(net):
    model, shape = net
    x = torch.zeros(shape)
    with torch.no_grad():
        output = model(x)
    trace = trace_shapes(model, shape)
    assert trace.parameters == sum(p.numel() for p in model.parameters())
    assert trace.multiply_adds == multiply_adds_by_pytorch(model, x)
    assert trace.rows[-1].output_shape == tuple(output.shape)
    for row, following in zip(trace.rows, trace.rows[1:], strict=False):
        assert row.output_shape == following.input_shape


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers(kind):
    layer = kind(4, 6, num_layers=2, bidirectional=True, batch_first=True)
    (row,) = trace_shapes(layer, (3, 5, 4)).rows
    gates = {nn.RNN: 1, nn.LSTM: 4, nn.GRU: 3}[kind]
    per_step = 2 * gates * (6 * 4 + 6 * 6) + 2 * gates * (6 * 12 + 6 * 6)
    assert row.multiply_adds == 3 * 5 * per_step
    assert row.parameters == sum(p.numel() for p in layer.parameters())
    assert row.output_shape[0] == (3, 5, 12)


def state_of(model):
    found = {name: value.clone() for name, value in model.state_dict().items()}
    found |= {
        f"{name}.grad": p.grad.clone() for name, p in model.named_parameters() if p.grad is not None
    }
    for name, module in model.named_modules():
        hooks = len(module._forward_hooks) + len(module._forward_pre_hooks)
        found[f"{name} "] = (module.training, hooks)
    return found | {"random": torch.random.get_rng_state()}


class Noisy(nn.Module):
    """Draws noise, changes and swaps its buffers, and can be told to fail."""

    def __init__(self, fails):
        super().__init__()
        self.fails = fails
        self.norm = nn.BatchNorm1d(4, track_running_stats=True)
        self.drop = nn.Dropout().eval()
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("swapped", torch.zeros(1))

    def forward(self, x):
        assert (self.training, self.norm.training, torch.is_grad_enabled()) == (False,) * 3
        self.calls += 1
        self.swapped = self.swapped + 1
        self.norm.train()
        x = self.norm(x + torch.rand(x.shape))
        if self.fails:
            raise KeyError("not a matter of shapes")
        return self.drop(x)


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_left_as_it_was(fails):
    model = Noisy(fails)
    model.norm.weight.grad = torch.ones(4)
    before = state_of(model)
    with pytest.raises(KeyError) if fails else nullcontext():
        trace_shapes(model, (2, 4))
    torch.testing.assert_close(state_of(model), before, rtol=0, atol=0)


class Call(nn.Module):
    """A network that is one line of code."""

    def __init__(self, code, **modules):
        super().__init__()
        self.code = code
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *inputs):
        return eval(self.code, {"torch": torch, "F": F, "x": inputs[0], "net": self})


LINEAR, CONV = nn.Linear(4, 2), nn.Conv2d(3, 3, 3, padding=1)
SHORTCUT, FLAT = Call("x + net.conv(x)", conv=CONV), Call("(x * 2).flatten(1)")
PLACES = Call("F.max_pool2d(x, 2, return_indices=True)")
KERNEL = nn.Parameter(torch.ones(4, 3, 3, 3))
CODE = "F.avg_pool2d(F.conv2d(x.float().contiguous(), net.kernel), 2)[:, 0].relu_()"
BARE = Call(CODE, kernel=KERNEL)
# the network, what goes in, the names of the rows, the last shape that comes out
ROWS = [
    (LINEAR, (5, 4), ["model"], (5, 2)),
    (nn.Bilinear(3, 4, 2), ((5, 3), (5, 4)), ["model"], (5, 2)),
    (nn.Sequential(nn.Embedding(9, 4), nn.Flatten()), (1, 3), ["0", "1"], (1, 12)),
    (nn.MultiheadAttention(8, 2), ((5, 2, 8),) * 3, ["model"], ((5, 2, 8), (2, 5, 5))),
    (nn.Sequential(SHORTCUT, FLAT), (1, 3, 4, 4), ["0.conv", "0.add", "1"], (1, 48)),
    (PLACES, (1, 3, 4, 4), ["max_pool2d"], ((1, 3, 2, 2),) * 2),
    (BARE, (2, 3, 6, 6), ["kernel", "conv2d", "avg_pool2d", "getitem", "relu"], (2, 2, 2)),
]


@pytest.mark.parametrize(("model", "shape", "names", "result"), ROWS)
def test_rows_of_layers_functions_and_own_modules(model, shape, names, result):
    whole = torch.int64 if shape == (1, 3) else None
    rows = trace_shapes(model, shape, input_dtype=whole, check_batch=False).rows
    assert [row.layer for row in rows] == names
    assert rows[-1].output_shape == result


PRODUCTS = {  # None: what PyTorch's own counter says, which leaves the others out
    "x @ x": None,
    "x[0] @ x[1, 0]": 25,
    "x[0, 0] @ x[1, 0]": 5,
    "torch.addmm(x[0], x[0], x[1])": None,
    "torch.addmv(x[0, 0], x[0], x[1, 0])": 25,
    "torch.baddbmm(x, x, x)": None,
    "torch.einsum('nij,nkj->nik', x, x)": None,
    "F.scaled_dot_product_attention(x[None], x[None], x[None])": 2 * 3 * 125,
    "F.conv_transpose1d(x, torch.zeros(5, 2, 3))": None,
}


@pytest.mark.parametrize("code", PRODUCTS)
def test_multiply_adds_of_products(code):
    cost = trace_shapes(Call(code), (3, 5, 5), check_batch=False).multiply_adds
    assert cost == (PRODUCTS[code] or multiply_adds_by_pytorch(Call(code), torch.zeros(3, 5, 5)))
    assert cost > 0


class Folding(nn.Module):
    """Puts all time steps into one batch, and takes them apart again."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 6)

    def forward(self, x):
        return self.fc(x.reshape(-1, 4)).view(x.shape[0], x.shape[1], 6)


class Careful(nn.Module):
    """Catches what one of its layers raises."""

    def __init__(self):
        super().__init__()
        self.wrong, self.right = nn.Linear(3, 2), nn.Linear(4, 2)

    def forward(self, x):
        try:
            return self.wrong(x)
        except RuntimeError:
            return self.right(x).relu()


def test_folded_rows_and_caught_failures_are_no_fault():
    assert trace_shapes(Folding(), (1, 3, 4)).rows[-1].output_shape == (1, 3, 6)
    rows = [(row.layer, row.note) for row in trace_shapes(Careful(), (2, 4)).rows]
    assert rows == [("right", ""), ("relu", ""), ("wrong", "not called")]
    with pytest.raises(ShapeError, match=r"`right` \(Linear\) expected 4 numbers per picture but"):
        trace_shapes(Careful(), (2, 5))


SHAPES = [(), (0, 3), (1, -1), 3, (1.0, 3), (True, 3), "ab", torch.zeros(1, 3), ((1, 3), (1, "a"))]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_impossible_shapes_are_refused(shape):
    with pytest.raises((TypeError, ValueError)) as caught:
        trace_shapes(nn.Linear(3, 2), shape)
    assert "batch axis first" in str(caught.value)
    assert str(caught.value).endswith(": write (1, 3, 28, 28)")


LAZY = [nn.LazyLinear(3), nn.LazyBatchNorm2d(affine=False), nn.LazyBatchNorm1d(affine=False)]
X = torch.zeros(1, 3, 4, 4)
CALLS = {
    "trace_shapes": lambda model: trace_shapes(model, (1, 3)),
    "export_onnx": lambda model: export_onnx(model, "never.onnx", X),
    "feature_maps": lambda model: explain.feature_maps(model, X),
    "by_gradient": lambda model: explain.receptive_field_by_gradient(model, X, "0"),
    "saliency": lambda model: explain.saliency(model, X, 0),
    "grad_cam": lambda model: explain.grad_cam(model, X, 0, "0"),
}


@pytest.mark.parametrize("layer", LAZY, ids=lambda layer: type(layer).__name__)
def test_lazy_layers_are_refused_but_harm_nothing(layer):
    model = nn.Sequential(nn.Identity(), nn.Sequential(layer)).train()
    for call in CALLS.values():
        with pytest.raises(ValueError, match=r"lazy layer `1\.0` \(Lazy\w+\): call the network"):
            call(model)
        assert all(m.training and not m._forward_hooks for m in model.modules())
    with untouched(model):
        model(torch.rand(4, 3, 2, 2)[..., 0, 0] if "1d" in repr(layer) else torch.rand(4, 3, 2, 2))
    assert all(module.training for module in model.modules())


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_torchscript_is_refused_by_the_trace_and_left_as_it_was_by_untouched():
    scripted = torch.jit.script(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)))
    for model, name in [
        (scripted, "model"),
        (nn.Sequential(nn.ReLU(), torch.jit.script(nn.ReLU())), "1"),
    ]:
        with pytest.raises(TypeError, match=f"TorchScript layer `{name}`: take the network from"):
            trace_shapes(model, (1, 3))
    before = {name: value.clone() for name, value in scripted.state_dict().items()}
    with untouched(scripted):
        assert not scripted.training
        scripted.train()(torch.rand(5, 3))  # moves the statistics
    assert all(module.training for module in scripted.modules())
    assert all(torch.equal(value, before[name]) for name, value in scripted.state_dict().items())
