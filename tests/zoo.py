"""Networks in one line each, whether a call leaves one as it was, and code run on its own."""

import copy
import subprocess
import sys
from contextlib import contextmanager

import torch
from torch import nn


class Calls(nn.Module):
    """A network of named layers whose forward pass is a function of it and what goes in."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.function = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.function(self, *inputs)


def state_of(model):
    """All that a call could change: numbers, gradients, flags and hooks, and the random state."""
    found = [dict(model.state_dict()), torch.get_rng_state()]
    found += [(weight.grad, weight.requires_grad) for weight in model.parameters()]
    for module in model.modules():
        found.append((module.training, len(module._forward_hooks), len(module._forward_pre_hooks)))
    return found


@contextmanager
def unchanged(model, *tensors):
    """Fail if the block changes the network or the tensors; it may not leave a hook either."""
    before = copy.deepcopy([state_of(model), tensors])
    yield
    torch.testing.assert_close([state_of(model), tensors], before, rtol=0, atol=0)
    assert not any(tensor.requires_grad for tensor in tensors)


def run_alone(code):
    """Run code in a Python of its own; return what it prints and what it complains about."""
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr
