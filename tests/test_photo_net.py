import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.model import PhotoNet, trace_shapes

MOST = 500_000


def parameters(model):
    return sum(p.numel() for p in model.parameters())


def reference(state, x):
    """The same network in plain functions, in evaluation mode."""

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


@pytest.mark.parametrize("size", [(8, 8), (33, 20), (64, 64)])
def test_it_computes_what_plain_functions_do(size):
    torch.manual_seed(0)
    model = PhotoNet(num_classes=3, in_channels=2).double()
    x = torch.rand(4, 2, *size, dtype=torch.float64)
    with torch.no_grad():
        for norm in (m for m in model.modules() if isinstance(m, nn.BatchNorm2d)):
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.uniform_(-0.5, 0.5)
    model.train()(x)  # the statistics of batch norm are no longer 0 and 1
    model.eval()
    torch.testing.assert_close(model(x), reference(model.state_dict(), x), rtol=0, atol=1e-12)


def test_it_has_under_half_a_million_parameters():
    assert parameters(PhotoNet()) == 453_090
    assert parameters(PhotoNet()) < MOST
    assert "453,090 parameters" in PhotoNet.__doc__


@pytest.mark.parametrize("size", [(8, 8), (9, 64), (28, 28), (75, 41), (224, 224)])
def test_any_size_and_number_of_classes(size):
    assert PhotoNet(5).eval()(torch.zeros(2, 3, *size)).shape == (2, 5)
    assert PhotoNet(5).eval()(torch.zeros(0, 3, *size)).shape == (0, 5)


def test_the_smaller_versions_leave_out_what_they_say():
    kinds = {name: type(layer).__name__ for name, layer in PhotoNet(deep=False).named_modules()}
    assert (kinds["block4"], kinds["block6"]) == ("Identity", "Identity")
    plain = PhotoNet(batch_norm=False)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
    assert all(layer.bias is not None for layer in plain.modules() if isinstance(layer, nn.Conv2d))
    for model in (plain, PhotoNet(deep=False)):
        assert model(torch.zeros(2, 3, 16, 16)).shape == (2, 2)


def test_every_weight_learns():
    torch.manual_seed(0)
    model = PhotoNet()
    F.cross_entropy(model(torch.rand(4, 3, 32, 32)), torch.tensor([0, 1, 0, 1])).backward()
    for name, weight in model.named_parameters():
        assert weight.grad.abs().max() > 0, name


def test_a_dropped_channel_is_dropped_in_training_only():
    torch.manual_seed(0)
    model, x = PhotoNet(), torch.rand(4, 3, 32, 32)
    assert torch.equal(model.eval()(x), model(x))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    assert not torch.equal(model.train()(x), model(x))


def test_it_can_be_traced_and_copied():
    torch.manual_seed(0)
    model, x = PhotoNet().eval(), torch.rand(2, 3, 24, 24)
    assert trace_shapes(model, (1, 3, 24, 24)).rows[-1].output_shape == (1, 2)
    torch.testing.assert_close(copy.deepcopy(model)(x), model(x))


REFUSED = [
    ((2, 3, 7, 64), "load the pictures larger"),
    ((3, 64, 64), "add the batch axis with x.unsqueeze(0)"),
    ((2, 64, 64, 3), "move the channels behind the batch axis with x.permute(0, 3, 1, 2)"),
    (
        (64, 64, 3),
        "move the channels first and add the batch axis with x.permute(2, 0, 1).unsqueeze(0)",
    ),
    ((2, 1, 64, 64), "repeat the grey channel with x.expand(-1, 3, -1, -1)"),
    (
        (2, 4, 64, 64),
        "give pictures of 3 channels, or build the network with in_channels=4",
    ),
    ((64, 64), "give the axes batch, channels, height and width, in this order"),
]


@pytest.mark.parametrize(("shape", "fix"), REFUSED, ids=str)
def test_wrong_shapes_are_refused(shape, fix):
    with pytest.raises(ValueError, match="expected") as caught:
        PhotoNet()(torch.zeros(shape))
    wanted = f"expected pictures (N, 3, H, W) of at least 8×8, got {shape}: {fix}"
    assert str(caught.value) == wanted


def test_other_wrong_input_is_refused():
    with pytest.raises(TypeError, match=r"got uint8: write x\.float\(\) / 255"):
        PhotoNet()(torch.zeros(2, 3, 28, 28, dtype=torch.uint8))
    with pytest.raises(TypeError, match=r"got float64: write x\.to\(torch\.float32\)|x\.float\(\)"):
        PhotoNet()(torch.zeros(2, 3, 28, 28, dtype=torch.float64))
    with pytest.raises(TypeError, match=r"got builtins\.list: write torch\.as_tensor\(x\)"):
        PhotoNet()([[1.0]])
    with pytest.raises(ValueError, match="expected num_classes of at least 1, got 0"):
        PhotoNet(0)
    with pytest.raises(TypeError, match=r"as a whole number, got 3\.0"):
        PhotoNet(in_channels=3.0)
