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
from zoo import Calls, unchanged

from cnn_basics import explain
from cnn_basics.model import Custom_CNN, ShapeError, export_onnx, trace_shapes, untouched

TABLE = """\
Layer    Kind      Input shape     Output shape    Parameters  Multiply-adds
----------------------------------------------------------------------------
conv     Conv2d    (1, 3, 28, 28)  (1, 3, 28, 28)          84         63,504
conv     Conv2d    (1, 3, 28, 28)  (1, 3, 28, 28)           0         63,504  (shared)
flatten  function  (1, 3, 28, 28)  (1, 2352)                0              0
unused   Linear    –               –                       15              0  (not called)
----------------------------------------------------------------------------
total                                                      99        127,008"""


def everything(net, x):
    """Shared layers, bare parameters, lists, and functions with weights."""
    x = net.stem(x) + net.token
    for layer in (net.block[0], net.block[1], net.block[0]):
        x = layer(x) * net.scales[0]
    rows, _ = net.attention(*[x.flatten(2).transpose(1, 2)] * 3)
    return F.linear(net.tied(net.head(rows.mean(1))), net.by_hand.weight)


def multiply_adds_by_pytorch(model, *inputs):
    with FlopCounterMode(display=False) as counter:  # with gradients: no fused attention
        model.eval()(*inputs)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_table_and_the_totals_of_custom_cnn(dtype, device):
    conv, unused = nn.Conv2d(3, 3, 3, padding=1), nn.Linear(2, 5)
    model = Calls(lambda net, x: net.conv(net.conv(x)).flatten(1), conv=conv, unused=unused)
    trace, custom = (
        trace_shapes(net.to(device, dtype), tuple(np.array([1, 3, 28, 28])))
        for net in (model, Custom_CNN())
    )
    assert str(trace) == repr(trace) == TABLE
    assert (custom.parameters, custom.multiply_adds) == (857_282, 12_720_128)


def test_every_parameter_and_multiply_add_is_counted_once():
    model = Calls(
        everything,
        token=nn.Parameter(torch.zeros(1, 4, 1, 1)),
        scales=nn.ParameterList([nn.Parameter(torch.ones(4, 1, 1)) for _ in range(2)]),
        nested=nn.ParameterDict({"a": nn.Parameter(torch.ones(3))}),
        stem=nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        block=nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1), nn.Sequential()]),
        unused=nn.Sequential(nn.Linear(2, 5), nn.Dropout()),
        attention=nn.MultiheadAttention(4, 2, batch_first=True),
        head=nn.Linear(4, 4),
        tied=nn.Linear(4, 4),
        by_hand=nn.Linear(4, 2),
    )
    model.tied.weight = model.head.weight
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


@pytest.mark.parametrize("fails", [False, True])
def test_the_network_is_left_as_it_was(fails):
    def noisy(net, x):
        assert (net.training, net.norm.training, torch.is_grad_enabled()) == (False,) * 3
        net.norm.num_batches_tracked = net.norm.num_batches_tracked + 1
        x = net.norm.train()(x + torch.rand(x.shape))
        if fails:
            raise KeyError("not a matter of shapes")
        return net.drop(x)

    model = Calls(noisy, norm=nn.BatchNorm1d(4), drop=nn.Dropout().eval())
    model.norm.weight.grad = torch.ones(4)
    with unchanged(model), pytest.raises(KeyError) if fails else nullcontext():
        trace_shapes(model, (2, 4))


LINEAR, CONV = nn.Linear(4, 2), nn.Conv2d(3, 3, 3, padding=1)
SHORTCUT = Calls(lambda net, x: x + net.conv(x), conv=CONV)
PLACES = Calls(lambda net, x: F.max_pool2d(x, 2, return_indices=True))
BARE = Calls(
    lambda net, x: F.avg_pool2d(F.conv2d(x.float().contiguous(), net.kernel), 2)[:, 0].relu_(),
    kernel=nn.Parameter(torch.ones(4, 3, 3, 3)),
)
FLAT = Calls(lambda net, x: (x * 2).flatten(1))
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


PRODUCTS = [  # None: what PyTorch's own counter says, which leaves the others out
    (lambda net, x: x @ x, None),
    (lambda net, x: x[0] @ x[1, 0], 25),
    (lambda net, x: x[0, 0] @ x[1, 0], 5),
    (lambda net, x: torch.addmm(x[0], x[0], x[1]), None),
    (lambda net, x: torch.addmv(x[0, 0], x[0], x[1, 0]), 25),
    (lambda net, x: torch.baddbmm(x, x, x), None),
    (lambda net, x: torch.einsum("nij,nkj->nik", x, x), None),
    (lambda net, x: F.scaled_dot_product_attention(x[None], x[None], x[None]), 2 * 3 * 125),
    (lambda net, x: F.conv_transpose1d(x, torch.zeros(5, 2, 3)), None),
]


@pytest.mark.parametrize(("product", "expected"), PRODUCTS)
def test_multiply_adds_of_products(product, expected):
    cost = trace_shapes(Calls(product), (3, 5, 5), check_batch=False).multiply_adds
    assert cost == (expected or multiply_adds_by_pytorch(Calls(product), torch.zeros(3, 5, 5)))
    assert cost > 0


def careful(net, x):
    try:
        return net.wrong(x)
    except RuntimeError:
        return net.right(x).relu()


def test_folded_rows_and_caught_failures_are_no_fault():
    fold = lambda net, x: net.fc(x.reshape(-1, 4)).view(x.shape[0], x.shape[1], 6)  # noqa: E731
    folding = Calls(fold, fc=nn.Linear(4, 6))
    assert trace_shapes(folding, (1, 3, 4)).rows[-1].output_shape == (1, 3, 6)
    model = Calls(careful, wrong=nn.Linear(3, 2), right=nn.Linear(4, 2))
    rows = [(row.layer, row.note) for row in trace_shapes(model, (2, 4)).rows]
    assert rows == [("right", ""), ("relu", ""), ("wrong", "not called")]
    with pytest.raises(ShapeError, match=r"`right` \(Linear\) expected 4 numbers per picture but"):
        trace_shapes(model, (2, 5))


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


def test_torchscript_is_refused_by_the_trace_and_left_as_it_was_by_untouched():
    scripted = torch.jit.script(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)))
    inside = nn.Sequential(nn.ReLU(), torch.jit.script(nn.ReLU()))
    for model, name in [(scripted, "model"), (inside, "1")]:
        with pytest.raises(TypeError, match=f"TorchScript layer `{name}`: take the network from"):
            trace_shapes(model, (1, 3))
    with unchanged(scripted), untouched(scripted):
        assert not scripted.training
        scripted.train()(torch.rand(5, 3))  # moves the statistics
