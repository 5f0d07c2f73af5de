"""Custom_CNN and PhotoNet against plain functions, what they refuse, and their ONNX files."""

import logging
import re

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from zoo import run_alone, unchanged

from cnn_basics.model import Custom_CNN, PhotoNet, export_onnx


def reference(state, x):
    """Custom_CNN in plain functions, with the view that folds every 3136 numbers into a row."""
    weights = list(state.values())
    x = F.max_pool2d(F.relu(F.conv2d(x, *weights[:2], padding=2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, *weights[2:4], padding=2)), 2)
    return F.linear(F.relu(F.linear(x.view(-1, 7 * 7 * 64), *weights[4:6])), *weights[6:])


def photo_reference(state, x):
    """PhotoNet in plain functions, in evaluation mode."""

    def block(number, x, stride=1):
        own = (value for name, value in state.items() if name.startswith(f"block{number}."))
        kernel, scale, shift, mean, var, _ = own
        y = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        return F.relu(F.batch_norm(y, mean, var, scale, shift))

    x = block(3, F.max_pool2d(block(2, block(1, x, stride=2)), 2))
    x = block(5, F.max_pool2d(x + block(4, x), 2))
    x = F.adaptive_avg_pool2d(x + block(6, x), 1).flatten(1)
    return F.linear(x, state["fc.weight"], state["fc.bias"])


@pytest.mark.parametrize(
    ("network", "plain", "shape", "most"),
    [
        (Custom_CNN, reference, (3, 28, 28), 1e-14),
        (PhotoNet, photo_reference, (2, 8, 8), 1e-12),
        (PhotoNet, photo_reference, (2, 33, 20), 1e-12),
        (PhotoNet, photo_reference, (3, 64, 64), 1e-12),
    ],
)
def test_networks_are_plain_functions_in_scores_and_gradients(network, plain, shape, most):
    torch.manual_seed(1)
    model, x = network(3, shape[0]).double(), torch.randn(4, *shape, dtype=torch.float64)
    for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.5, 0.5)
    model.train()(x)  # the statistics of batch norm are no longer 0 and 1
    model.eval()
    state = {name: value.detach().clone() for name, value in model.state_dict().items()}
    weights = {name: state[name].requires_grad_() for name, _ in model.named_parameters()}
    for scores in (model(x), plain(state, x)):
        F.cross_entropy(scores, torch.tensor([0, 1, 2, 1])).backward()
    torch.testing.assert_close(model(x), plain(state, x), rtol=0, atol=most)
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight.grad, weights[name].grad, rtol=0, atol=most, msg=name)


@pytest.mark.parametrize("classes", [1, np.int64(10)])
@pytest.mark.parametrize("channels", [1, np.int32(3)])
@pytest.mark.parametrize("count", [0, 5])
def test_other_classes_channels_and_counts(classes, channels, count):
    for network in (Custom_CNN(classes, channels), PhotoNet(classes, channels)):
        assert network(torch.zeros(count, channels, 28, 28)).shape == (count, classes)


def test_tracers_follow_custom_cnn():
    model, x = Custom_CNN(), torch.rand(2, 3, 28, 28)
    expected = model(x)
    torch.testing.assert_close(torch.jit.trace(model, x)(x), expected)
    symbolic = torch.fx.symbolic_trace(model)
    torch.testing.assert_close(symbolic(x), expected)
    with pytest.raises(ValueError, match="resize the pictures"):
        symbolic(torch.zeros(2, 3, 56, 56))
    dynamic = {"x": {0: torch.export.Dim("n")}}
    exported = torch.export.export(model, (x,), dynamic_shapes=dynamic).module()
    torch.testing.assert_close(exported(x[:1].expand(7, -1, -1, -1))[:1], expected[:1])
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), expected)


def test_autocast_takes_float32_pictures():
    model, x = Custom_CNN(), torch.zeros(2, 3, 28, 28)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(x).dtype == model(x.bfloat16()).dtype == torch.bfloat16
        with pytest.raises(TypeError, match="got float64"):
            model(x.double())


def test_photo_net_has_under_half_a_million_parameters_and_every_weight_learns():
    torch.manual_seed(0)
    model = PhotoNet()
    assert sum(p.numel() for p in model.parameters()) == 453_090
    assert "453,090 parameters" in PhotoNet.__doc__
    F.cross_entropy(model(torch.rand(4, 3, 32, 32)), torch.tensor([0, 1, 0, 1])).backward()
    assert all(weight.grad.abs().max() > 0 for weight in model.parameters())


def test_the_smaller_photo_nets_leave_out_what_they_say():
    plain, shallow = PhotoNet(batch_norm=False), PhotoNet(deep=False)
    assert isinstance(shallow.block4, nn.Identity)
    assert isinstance(shallow.block6, nn.Identity)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
    assert all(layer.bias is not None for layer in plain.modules() if isinstance(layer, nn.Conv2d))
    assert plain(torch.zeros(2, 3, 16, 16)).shape == shallow(torch.zeros(2, 3, 16, 16)).shape


def test_photo_net_drops_channels_in_training_only():
    torch.manual_seed(0)
    model, x = PhotoNet(), torch.rand(4, 3, 32, 32)
    assert torch.equal(model.eval()(x), model(x))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    assert not torch.equal(model.train()(x), model(x))


RESIZE = "resize the pictures to 28×28, for example with cnn_basics.images.resize(image, 28)"
ORDER, BATCH = "move the channels", "add the batch axis with"
WEIGHTS = "expected float32 numbers like the weights"
BUILD = ", or build the network with {}(in_channels="
AXES = "give the axes batch, channels, height and width, in this order"
SMALL, ANY = "(N, {}, 28, 28)", "pictures (N, {}, H, W) of at least 8×8"
REFUSED = [
    (Custom_CNN(), SMALL, (2, 3, 56, 56), RESIZE),
    (Custom_CNN(), SMALL, (3, 56, 56), RESIZE),
    (Custom_CNN(), SMALL, (2, 3, 28, 27), RESIZE),
    (Custom_CNN(), SMALL, (2, 3, 56, 3), RESIZE),  # its channels stand where they should
    (Custom_CNN(), SMALL, (2, 784), AXES),
    (Custom_CNN(), SMALL, (), AXES),
    (Custom_CNN(2, 1), SMALL, (2, 3, 28, 28), "make the pictures grey with x.mean(dim=1, keep"),
    (Custom_CNN(2, 1), SMALL, (5, 28, 28), "name all four axes with x.reshape(-1, 1, 28, 28)"),
    (PhotoNet(), ANY, (2, 3, 7, 64), "load the pictures larger"),
    (PhotoNet(), ANY, (2, 2, 64, 64), "give pictures of 3 channels, or build the network with"),
    (PhotoNet(), ANY, (64, 64), AXES),
]


@pytest.mark.parametrize(("network", "wanted", "shape", "fix"), REFUSED)
def test_wrong_shapes_are_refused(network, wanted, shape, fix):
    channels = next(network.parameters()).shape[1]
    with pytest.raises(ValueError, match="expected") as caught:
        network(torch.zeros(shape))
    start = f"expected {wanted.format(channels)}, got {shape}: {fix}"
    assert str(caught.value).startswith(start)


FIXES = [  # what both networks advise, and the pictures that it mends
    ("add the batch axis with x.unsqueeze(0)", torch.zeros(3, 28, 28)),
    (f"{ORDER} behind the batch axis with x.permute(0, 3, 1, 2)", torch.zeros(2, 28, 28, 3)),
    ("x.permute(0, 3, 1, 2), then x.float() / 255", torch.zeros(2, 28, 28, 3).byte()),
    (f"{ORDER} first and {BATCH} x.permute(2, 0, 1).unsqueeze(0)", torch.zeros(28, 28, 3)),
    (f"repeat the grey channel with x.expand(-1, 3, -1, -1){BUILD}1)", torch.zeros(2, 1, 28, 28)),
    (f"keep the first 3 channels with x[:, :3]{BUILD}5)", torch.zeros(2, 5, 28, 28)),
    (f"{WEIGHTS}, got uint8: write x.float() / 255", torch.zeros(2, 3, 28, 28).byte()),
    (f"{WEIGHTS}, got float64: write x.float()", torch.zeros(2, 3, 28, 28).double()),
    ('write x.to("cpu")', torch.zeros(2, 3, 28, 28, device="meta")),
    ("write torch.from_numpy(x)", np.zeros((2, 3, 28, 28), dtype=np.float32)),
    ("write torch.as_tensor(x)", np.zeros((2, 3, 28, 28), dtype=np.float32).tolist()),
]


@pytest.mark.parametrize("network", [Custom_CNN(), PhotoNet()], ids=["Custom_CNN", "PhotoNet"])
@pytest.mark.parametrize(("fix", "x"), FIXES)
def test_the_fix_works_as_written(network, fix, x):
    with pytest.raises((ValueError, TypeError)) as caught:
        network(x)
    assert re.fullmatch("expected .*, got .*: .*", str(caught.value))
    assert str(caught.value).endswith(fix.format(type(network).__name__))
    x = torch.zeros(x.shape) if getattr(x, "is_meta", False) else x
    for code in re.split(", then ", re.search(r"(x[.[]|torch).*?(?=, or|$)", fix)[0]):
        x = eval(code, {"x": x, "torch": torch})
    assert network(x).shape[1] == 2


def test_the_dtype_of_the_weights_is_asked_for():
    with pytest.raises(TypeError, match=r"got float32: write x\.to\(torch\.float64\)$"):
        Custom_CNN().double()(torch.zeros(2, 3, 28, 28))


@pytest.mark.parametrize("network", [Custom_CNN, PhotoNet])
@pytest.mark.parametrize("name", ["num_classes", "in_channels"])
@pytest.mark.parametrize("count", [0, 2.0])
def test_wrong_counts_are_refused(network, name, count):
    with pytest.raises((TypeError, ValueError), match=f"{name} as a whole .* from 1, got {count}"):
        network(**{name: count})


@pytest.mark.parametrize(("network", "size"), [(Custom_CNN, 28), (PhotoNet, 33)])
def test_the_file_answers_as_the_network_for_any_number_of_pictures(network, size, tmp_path):
    torch.manual_seed(0)
    model = network().train()
    with torch.no_grad():  # batch norm in training mode, so that its statistics are not 0 and 1
        model(torch.rand(16, 3, size, size) * 5)
    level = logging.getLogger("torch.onnx").level
    with unchanged(model):
        path = export_onnx(model, tmp_path / "net.onnx", torch.ones(1, 3, size, size))
    assert logging.getLogger("torch.onnx").level == level
    onnx.checker.check_model(onnx.load(path), full_check=True)
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for count in (1, 5):
        pictures = torch.rand(count, 3, size, size)
        (scores,) = session.run(["scores"], {"pictures": pictures.numpy()})
        with torch.no_grad():
            wanted = model.eval()(pictures)
        torch.testing.assert_close(torch.from_numpy(scores), wanted, rtol=0, atol=1e-5)


def test_heavy_libraries_are_loaded_for_an_export_only_and_nothing_is_printed(tmp_path):
    code = (  # PyTorch's compiler and sympy alone take 80 MB
        "import sys, torch; from cnn_basics.model import Custom_CNN, export_onnx, trace_shapes\n"
        "from cnn_basics.explain import feature_maps; pictures = torch.zeros(1, 3, 28, 28)\n"
        "trace_shapes(Custom_CNN(), (1, 3, 28, 28))\n"
        "feature_maps(Custom_CNN(), pictures, ['relu'])\n"
        "heavy = {'onnx', 'onnxscript', 'sklearn', 'scipy', 'sympy', 'torch._dynamo'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        f"export_onnx(Custom_CNN(), {str(tmp_path / 'n.onnx')!r}, pictures)"
    )
    assert run_alone(code) == ("", "")


def test_what_cannot_be_exported_is_refused_and_an_older_file_stays(tmp_path, monkeypatch):
    old, x = tmp_path / "n.onnx", torch.zeros(1, 3, 28, 28)
    old.write_text("old")
    what = r"expected an example \(N, C, H, W\) of at least one picture, got "
    for example, got in [(x[0], r".*\(3, 28, 28\)"), (x[:0], r".*\(0, 3, .*\)"), ([1.0], "a list")]:
        with pytest.raises((TypeError, ValueError), match=f"{what}{got}: give some"):
            export_onnx(nn.Flatten(), old, example)
    with pytest.raises(FileNotFoundError, match=r"expected a folder for n\.onnx, got .*missing: m"):
        export_onnx(nn.Flatten(), tmp_path / "missing" / "n.onnx", x)
    with pytest.raises(TypeError, match="got the TorchScript layer `model`: take the network from"):
        export_onnx(torch.jit.script(nn.Flatten()), old, x)

    def full(part, path):
        assert part.stat().st_size > 0
        raise OSError("No space left on device")

    monkeypatch.setattr("cnn_basics.model.networks.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        export_onnx(nn.Flatten(), old, x)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("n.onnx", "old")]
