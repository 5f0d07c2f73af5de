import copy
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.model import Custom_CNN


class Reference(nn.Module):
    """The same layers with the forward pass that folds every 3136 numbers into a row."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5, padding=2)
        self.fc1 = nn.Linear(7 * 7 * 64, 256)
        self.fc2 = nn.Linear(256, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 7 * 7 * 64)
        return self.fc2(F.relu(self.fc1(x)))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Custom_CNN()


def test_architecture(model):
    assert [name for name, _ in model.named_children()] == ["conv1", "conv2", "fc1", "fc2"]
    assert sum(p.numel() for p in model.parameters()) == 857_282
    assert repr(model) == repr(Reference()).replace("Reference", "Custom_CNN")


def test_outputs_and_gradients_are_those_of_the_reference(model):
    torch.manual_seed(1)
    ours, theirs = copy.deepcopy(model).double(), Reference().double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 3, 28, 28, dtype=torch.float64)
    labels = torch.tensor([0, 1, 1])
    for network in (ours, theirs):
        F.cross_entropy(network(x), labels).backward()
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=0)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=0, atol=0, msg=name)


def test_state_dict_goes_both_ways(model):
    other = Custom_CNN()
    other.load_state_dict(Reference().state_dict())
    Reference().load_state_dict(other.state_dict())
    assert list(other.state_dict()) == list(Reference().state_dict())


@pytest.mark.parametrize("classes", [1, 2, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_other_classes_and_channels(classes, channels):
    network = Custom_CNN(num_classes=classes, in_channels=channels)
    assert network(torch.zeros(5, channels, 28, 28)).shape == (5, classes)


def test_no_pictures_give_no_rows(model):
    assert model(torch.zeros(0, 3, 28, 28)).shape == (0, 2)


RESIZE = "resize the pictures to 28×28, for example with cnn_basics.images.resize(image, 28)"
GREY = (
    "repeat the grey channel with x.expand(-1, 3, -1, -1), "
    "or build the network with Custom_CNN(in_channels=1)"
)
REFUSED = [
    ((2, 3, 56, 56), RESIZE),
    ((3, 56, 56), RESIZE),
    ((2, 3, 28, 27), RESIZE),
    ((2, 1, 28, 28), GREY),
    ((3, 28, 28), "add the batch axis with x.unsqueeze(0)"),
    ((2, 28, 28, 3), "move the channels behind the batch axis with x.permute(0, 3, 1, 2)"),
    (
        (28, 28, 3),
        "move the channels first and add the batch axis with x.permute(2, 0, 1).unsqueeze(0)",
    ),
    (
        (2, 4, 28, 28),
        "keep the first 3 channels with x[:, :3], "
        "or build the network with Custom_CNN(in_channels=4)",
    ),
    ((2, 784), "give the axes batch, channels, height and width, in this order"),
    ((), "give the axes batch, channels, height and width, in this order"),
]


@pytest.mark.parametrize(("shape", "fix"), REFUSED, ids=str)
def test_wrong_shape_is_refused(model, shape, fix):
    with pytest.raises(ValueError, match="expected") as caught:
        model(torch.zeros(shape))
    assert str(caught.value) == f"expected (N, 3, 28, 28), got {shape}: {fix}"


CODE_FIXES = [
    (torch.zeros(3, 28, 28), "x.unsqueeze(0)"),
    (torch.zeros(2, 28, 28, 3), "x.permute(0, 3, 1, 2)"),
    (torch.zeros(28, 28, 3), "x.permute(2, 0, 1).unsqueeze(0)"),
    (torch.zeros(2, 1, 28, 28), "x.expand(-1, 3, -1, -1)"),
    (torch.zeros(2, 5, 28, 28), "x[:, :3]"),
    (torch.zeros(2, 3, 28, 28, dtype=torch.uint8), "x.float() / 255"),
    (torch.zeros(2, 3, 28, 28, dtype=torch.int64), "x.float()"),
    (torch.zeros(2, 3, 28, 28, dtype=torch.float64), "x.float()"),
    (np.zeros((2, 3, 28, 28), dtype=np.float32), "torch.from_numpy(x)"),
    (np.zeros((2, 3, 28, 28), dtype=np.float32).tolist(), "torch.as_tensor(x)"),
]


@pytest.mark.parametrize(("x", "code"), CODE_FIXES, ids=[code for _, code in CODE_FIXES])
def test_the_fix_works_as_written(model, x, code):
    with pytest.raises((ValueError, TypeError)) as caught:
        model(x)
    assert code in str(caught.value)
    assert "\n" not in str(caught.value)
    assert model(eval(code, {"x": x, "torch": torch})).shape[1] == 2


def test_grey_fix_for_a_grey_network():
    with pytest.raises(ValueError, match=r"x\.mean\(dim=1, keepdim=True\)"):
        Custom_CNN(in_channels=1)(torch.zeros(2, 3, 28, 28))
    with pytest.raises(ValueError, match=r"x\.reshape\(-1, 1, 28, 28\)"):
        Custom_CNN(in_channels=1)(torch.zeros(5, 28, 28))


def test_wrong_dtype_names_both_dtypes(model):
    with pytest.raises(TypeError, match=r"^expected float32 numbers like the weights, got uint8: "):
        model(torch.zeros(2, 3, 28, 28, dtype=torch.uint8))
    with pytest.raises(TypeError, match=r"got float32: write x\.to\(torch\.float64\)$"):
        Custom_CNN().double()(torch.zeros(2, 3, 28, 28))


def test_two_faults_are_told_together(model):
    with pytest.raises(ValueError, match=r"x\.permute\(0, 3, 1, 2\), then x\.float\(\) / 255$"):
        model(torch.zeros(2, 28, 28, 3, dtype=torch.uint8))


def test_pictures_on_another_device_are_refused(model):
    with pytest.raises(ValueError, match=r'on cpu like the weights, got meta: write x\.to\("cpu"'):
        model(torch.zeros(2, 3, 28, 28, device="meta"))


@pytest.mark.parametrize("name", ["num_classes", "in_channels"])
def test_wrong_counts_are_refused(name):
    with pytest.raises(ValueError, match=f"expected {name} of at least 1, got 0"):
        Custom_CNN(**{name: 0})
    with pytest.raises(TypeError, match=f"expected {name} as a whole number, got 2.0"):
        Custom_CNN(**{name: 2.0})


def test_autocast_takes_float32_pictures(model):
    x = torch.zeros(2, 3, 28, 28)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(x).dtype == torch.bfloat16
        assert model(x.bfloat16()).dtype == torch.bfloat16
        with pytest.raises(TypeError, match="got float64"):
            model(x.double())


def test_tracers_follow_it(model):
    x = torch.rand(2, 3, 28, 28)
    expected = model(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        recorded = torch.jit.trace(model, x)
    torch.testing.assert_close(recorded(x), expected)
    torch.testing.assert_close(torch.fx.symbolic_trace(model)(x), expected)
    dynamic = {"x": {0: torch.export.Dim("n")}}
    exported = torch.export.export(model, (x,), dynamic_shapes=dynamic).module()
    torch.testing.assert_close(exported(x[:1].expand(7, -1, -1, -1))[:1], expected[:1])
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), expected)


def test_fx_keeps_the_check(model):
    with pytest.raises(ValueError, match="resize the pictures"):
        torch.fx.symbolic_trace(model)(torch.zeros(2, 3, 56, 56))
