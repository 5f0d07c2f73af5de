"""Custom_CNN and PhotoNet against plain functions, what they refuse, and their ONNX files."""

import copy
import subprocess
import sys
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.model import Custom_CNN, PhotoNet, export_onnx


def reference(state, x):
    """Custom_CNN in plain functions, with the view that folds every 3136 numbers into a row."""
    weights = list(state.values())
    x = F.max_pool2d(F.relu(F.conv2d(x, *weights[:2], padding=2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, *weights[2:4], padding=2)), 2)
    return F.linear(F.relu(F.linear(x.view(-1, 7 * 7 * 64), *weights[4:6])), *weights[6:])


def photo_reference(state, x):
    """PhotoNet in plain functions, in evaluation mode."""

    def block(name, x, stride=1):
        weight = state[f"{name}.conv.weight"]
        y = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        mean, var = state[f"{name}.norm.running_mean"], state[f"{name}.norm.running_var"]
        scale, shift = state[f"{name}.norm.weight"], state[f"{name}.norm.bias"]
        return F.relu(F.batch_norm(y, mean, var, scale, shift))

    x = F.max_pool2d(block("block2", block("block1", x, stride=2)), 2)
    x = block("block3", x)
    x = F.max_pool2d(x + block("block4", x), 2)
    x = block("block5", x)
    x = x + block("block6", x)
    return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), state["fc.weight"], state["fc.bias"])


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Custom_CNN()


def test_custom_cnn_is_the_reference_in_scores_gradients_and_state(model):
    torch.manual_seed(1)
    ours = copy.deepcopy(model).double()
    state = {name: p.detach().clone().requires_grad_() for name, p in ours.named_parameters()}
    layers = [name.partition(".")[0] for name in ours.state_dict()]
    assert layers == ["conv1", "conv1", "conv2", "conv2", "fc1", "fc1", "fc2", "fc2"]
    assert sum(p.numel() for p in model.parameters()) == 857_282
    x, labels = torch.randn(3, 3, 28, 28, dtype=torch.float64), torch.tensor([0, 1, 1])
    for scores in (ours(x), reference(state, x)):
        F.cross_entropy(scores, labels).backward()
    torch.testing.assert_close(ours(x), reference(state, x), rtol=0, atol=1e-14)
    for name, p in ours.named_parameters():
        torch.testing.assert_close(p.grad, state[name].grad, rtol=0, atol=1e-14, msg=name)


@pytest.mark.parametrize("classes", [1, np.int64(10)])
@pytest.mark.parametrize("channels", [1, np.int32(3)])
@pytest.mark.parametrize("count", [0, 5])
def test_other_classes_channels_and_counts(classes, channels, count):
    for network in (Custom_CNN(classes, channels), PhotoNet(classes, channels)):
        assert network(torch.zeros(count, channels, 28, 28)).shape == (count, classes)


def test_tracers_follow_custom_cnn(model):
    x = torch.rand(2, 3, 28, 28)
    expected = model(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        recorded = torch.jit.trace(model, x)
    torch.testing.assert_close(recorded(x), expected)
    symbolic = torch.fx.symbolic_trace(model)
    torch.testing.assert_close(symbolic(x), expected)
    with pytest.raises(ValueError, match="resize the pictures"):
        symbolic(torch.zeros(2, 3, 56, 56))
    dynamic = {"x": {0: torch.export.Dim("n")}}
    exported = torch.export.export(model, (x,), dynamic_shapes=dynamic).module()
    torch.testing.assert_close(exported(x[:1].expand(7, -1, -1, -1))[:1], expected[:1])
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), expected)


def test_autocast_takes_float32_pictures(model):
    x = torch.zeros(2, 3, 28, 28)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(x).dtype == model(x.bfloat16()).dtype == torch.bfloat16
        with pytest.raises(TypeError, match="got float64"):
            model(x.double())


@pytest.mark.parametrize("size", [(8, 8), (33, 20), (64, 64)])
def test_photo_net_computes_what_plain_functions_do(size):
    torch.manual_seed(0)
    model = PhotoNet(num_classes=3, in_channels=2).double()
    x = torch.rand(4, 2, *size, dtype=torch.float64)
    with torch.no_grad():
        for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.uniform_(-0.5, 0.5)
    model.train()(x)  # the statistics of batch norm are no longer 0 and 1
    model.eval()
    wanted = photo_reference(model.state_dict(), x)
    torch.testing.assert_close(model(x), wanted, rtol=0, atol=1e-12)


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
BATCH = "add the batch axis with x.unsqueeze(0)"
ORDER = "move the channels behind the batch axis with x.permute(0, 3, 1, 2)"
FIRST = "move the channels first and add the batch axis with x.permute(2, 0, 1).unsqueeze(0)"
GREY = "repeat the grey channel with x.expand(-1, 3, -1, -1), or build the network with "
AXES = "give the axes batch, channels, height and width, in this order"
SMALL, ANY = "(N, {}, 28, 28)", "pictures (N, {}, H, W) of at least 8×8"
REFUSED = [
    (Custom_CNN(), SMALL, (2, 3, 56, 56), RESIZE),
    (Custom_CNN(), SMALL, (3, 56, 56), RESIZE),
    (Custom_CNN(), SMALL, (2, 3, 28, 27), RESIZE),
    (Custom_CNN(), SMALL, (2, 1, 28, 28), f"{GREY}Custom_CNN(in_channels=1)"),
    (Custom_CNN(), SMALL, (3, 28, 28), BATCH),
    (Custom_CNN(), SMALL, (2, 28, 28, 3), ORDER),
    (Custom_CNN(), SMALL, (28, 28, 3), FIRST),
    (Custom_CNN(), SMALL, (2, 4, 28, 28), "keep the first 3 channels with x[:, :3], or build"),
    (Custom_CNN(), SMALL, (2, 784), AXES),
    (Custom_CNN(), SMALL, (), AXES),
    (Custom_CNN(2, 1), SMALL, (2, 3, 28, 28), "make the pictures grey with x.mean(dim=1, keep"),
    (Custom_CNN(2, 1), SMALL, (5, 28, 28), "name all four axes with x.reshape(-1, 1, 28, 28)"),
    (PhotoNet(), ANY, (2, 3, 7, 64), "load the pictures larger"),
    (PhotoNet(), ANY, (3, 64, 64), BATCH),
    (PhotoNet(), ANY, (2, 64, 64, 3), ORDER),
    (PhotoNet(), ANY, (64, 64, 3), FIRST),
    (PhotoNet(), ANY, (2, 1, 64, 64), f"{GREY}PhotoNet(in_channels=1)"),
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


CODE_FIXES = {  # the code in the message, and what it mends
    "x.unsqueeze(0)": torch.zeros(3, 28, 28),
    "x.permute(0, 3, 1, 2)": torch.zeros(2, 28, 28, 3),
    "x.permute(0, 3, 1, 2), then x.float() / 255": torch.zeros(2, 28, 28, 3, dtype=torch.uint8),
    "x.permute(2, 0, 1).unsqueeze(0)": torch.zeros(28, 28, 3),
    "x.expand(-1, 3, -1, -1)": torch.zeros(2, 1, 28, 28),
    "x[:, :3]": torch.zeros(2, 5, 28, 28),
    "x.float() / 255": torch.zeros(2, 3, 28, 28, dtype=torch.uint8),
    "x.float()": torch.zeros(2, 3, 28, 28, dtype=torch.float64),
    'x.to("cpu"': torch.zeros(2, 3, 28, 28, device="meta"),
    "torch.from_numpy(x)": np.zeros((2, 3, 28, 28), dtype=np.float32),
    "torch.as_tensor(x)": np.zeros((2, 3, 28, 28), dtype=np.float32).tolist(),
}


@pytest.mark.parametrize("network", [Custom_CNN(), PhotoNet()], ids=["Custom_CNN", "PhotoNet"])
@pytest.mark.parametrize("code", CODE_FIXES)
def test_the_fix_works_as_written(network, code):
    x = CODE_FIXES[code]
    with pytest.raises((ValueError, TypeError)) as caught:
        network(x)
    assert code in str(caught.value)
    assert "\n" not in str(caught.value)
    for part in code.split(", then ") if "cpu" not in code else ["torch.zeros(1, 3, 28, 28)"]:
        x = eval(part, {"x": x, "torch": torch})
    assert network(x).shape[1] == 2


def test_the_dtype_is_named(model):
    with pytest.raises(TypeError, match=r"^expected float32 numbers like the weights, got uint8: "):
        model(torch.zeros(2, 3, 28, 28, dtype=torch.uint8))
    with pytest.raises(TypeError, match=r"got float32: write x\.to\(torch\.float64\)$"):
        Custom_CNN().double()(torch.zeros(2, 3, 28, 28))


@pytest.mark.parametrize("network", [Custom_CNN, PhotoNet])
@pytest.mark.parametrize("name", ["num_classes", "in_channels"])
@pytest.mark.parametrize("count", [0, 2.0])
def test_wrong_counts_are_refused(network, name, count):
    with pytest.raises(
        (TypeError, ValueError), match=f"{name} as a whole number from 1, got {count}"
    ):
        network(**{name: count})


@pytest.mark.parametrize(("network", "size"), [(Custom_CNN, 28), (PhotoNet, 33)])
def test_the_file_answers_as_the_network_for_any_number_of_pictures(network, size, tmp_path):
    torch.manual_seed(0)
    model = network().train()
    with torch.no_grad():  # batch norm in training mode, so that its statistics are not 0 and 1
        model(torch.rand(16, 3, size, size) * 5)
    before = copy.deepcopy(model.state_dict())
    path = export_onnx(model, tmp_path / "net.onnx", torch.rand(1, 3, size, size))
    assert all(module.training for module in model.modules())
    torch.testing.assert_close(dict(model.state_dict()), dict(before), rtol=0, atol=0)
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
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_what_cannot_be_exported_is_refused_and_an_older_file_stays(tmp_path, monkeypatch):
    old, x = tmp_path / "n.onnx", torch.zeros(1, 3, 28, 28)
    old.write_text("old")
    with pytest.raises(TypeError, match=r"expected an example \(N, C, H, W\) .* got a list: give"):
        export_onnx(nn.Flatten(), old, [1.0])
    for shape in [(3, 28, 28), (0, 3, 28, 28)]:
        with pytest.raises(ValueError, match=r"at least one picture, got .* for example pictures"):
            export_onnx(nn.Flatten(), old, torch.zeros(shape))
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
