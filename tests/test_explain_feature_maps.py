"""What each step gives, by name; and nothing stays behind in the network."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn

from cnn_basics.explain import feature_maps
from cnn_basics.model import Custom_CNN

STEPS = ["conv1", "relu", "max_pool2d", "conv2", "relu_1", "max_pool2d_1", "flatten", "fc1"]
STEPS += ["relu_2", "fc2"]


class Branches(nn.Module):
    """Nested modules, an activation in place, a layer that is used twice, and a sum."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(inplace=True))
        self.again = nn.Conv2d(3, 3, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.stem(x)
        y = self.again(self.again(x))
        return F.relu(self.relu(x) + y)


def hooks(model):
    return [
        dict(found)
        for module in model.modules()
        for found in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        if found
    ]


def test_steps_of_the_custom_cnn_by_hand():
    torch.manual_seed(0)
    model, x = Custom_CNN().double(), torch.rand(2, 3, 28, 28, dtype=torch.float64)
    maps = feature_maps(model, x)
    assert list(maps) == STEPS
    first = model.conv1(x)
    second = model.conv2(F.max_pool2d(F.relu(first), 2))
    flat = F.max_pool2d(F.relu(second), 2).flatten(1)
    wanted = [first, F.relu(first), F.max_pool2d(F.relu(first), 2), second, F.relu(second)]
    wanted += [F.max_pool2d(F.relu(second), 2), flat, model.fc1(flat), F.relu(model.fc1(flat))]
    for got, right in zip(maps.values(), [*wanted, model(x)], strict=True):
        assert torch.equal(got, right)
        assert not got.requires_grad


def test_names_and_values_are_those_of_torch_fx():
    torch.manual_seed(1)
    model, x = Custom_CNN(), torch.rand(1, 3, 28, 28)
    values = {}

    class Keep(fx.Interpreter):
        def run_node(self, node):
            values[node.name] = super().run_node(node)
            return values[node.name]

    Keep(fx.symbolic_trace(model)).run(x)
    for name, got in feature_maps(model, x).items():
        assert torch.equal(got, values[name])


def test_what_is_changed_in_place_later_is_kept_as_it_was():
    model, x = Branches(), torch.randn(1, 2, 5, 7)
    maps = feature_maps(model, x)
    conv = model.stem[0](x)
    assert list(maps) == ["stem.0", "stem.1", "again", "again_1", "relu", "add", "relu_1"]
    assert torch.equal(maps["stem.0"], conv)
    assert (conv < 0).any()
    assert torch.equal(maps["stem.1"], F.relu(conv))
    assert torch.equal(maps["again_1"], model.again(model.again(F.relu(conv))))


def test_chosen_steps_come_in_the_order_asked_for_and_may_be_containers():
    model, x = Branches(), torch.randn(1, 2, 5, 7)
    maps = feature_maps(model, x, ["relu", "stem"])
    assert list(maps) == ["relu", "stem"]
    assert torch.equal(maps["stem"], F.relu(model.stem[0](x)))


def test_the_network_is_left_as_it_was():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5)).train()
    x = torch.randn(3, 1, 5, 5)
    state, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    feature_maps(model, x)
    assert model.training
    assert model[1].training
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert hooks(model) == []


def test_hooks_are_removed_after_an_error_too():
    model = Custom_CNN()
    with pytest.raises(ValueError, match="resize the pictures to 28×28"):
        feature_maps(model, torch.zeros(1, 3, 30, 30))
    broken = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(9, 2))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        feature_maps(broken, torch.zeros(1, 1, 5, 5))
    assert hooks(model) == hooks(broken) == []


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        ([[1.0]], TypeError, "got list: write torch.as_tensor"),
        (torch.zeros(3, 28, 28), ValueError, r"got \(3, 28, 28\): add the batch axis with x\[None"),
        (torch.zeros(3), ValueError, r"got \(3,\): give all four axes"),
        (torch.zeros(1, 3, 28, 28, dtype=torch.uint8), TypeError, "got uint8: write x.float"),
    ],
)
def test_wrong_pictures_are_refused(x, error, words):
    with pytest.raises(error, match=words):
        feature_maps(Custom_CNN(), x)


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match=r"\(conv1, relu, .*\), got 'conv3': name one of these"):
        feature_maps(Custom_CNN(), torch.zeros(1, 3, 28, 28), ["conv1", "conv3"])
