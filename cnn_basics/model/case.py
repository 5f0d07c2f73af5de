"""What the shape doctor sees of a broken network, and what it says about it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from cnn_basics.model.recorder import Step
from cnn_basics.model.rows import Shape

PER_AXIS = {"kernel_size", "stride", "padding", "dilation", "output_padding"}


class ShapeError(ValueError):
    """A network is broken; one sentence names the step, both numbers and the fix."""


@dataclass(frozen=True)
class Finding:
    """What is wrong with a step: `expected` but `got`, and how to mend it (`fix`).

    `at` is the step at fault where it is an earlier one than the step that failed.
    """

    expected: str
    got: str
    fix: str
    at: Step | None = None


@dataclass(frozen=True)
class Case:
    """A step that failed, and what came before it.

    Attributes:
        step: the step.
        layer: the layer that failed; for F.conv2d and its like a layer of the same sizes.
        before: the steps that went well.
        inputs: the shapes of the network's inputs.
    """

    step: Step
    layer: nn.Module | None
    before: list[Step]
    inputs: list[Shape]

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors that came in."""
        values = tree_leaves((self.step.args, self.step.kwargs))
        return [value for value in values if isinstance(value, Tensor)]

    @property
    def shape(self) -> Shape:
        """The shape of the first tensor that came in."""
        return tuple(self.tensors[0].shape)

    @property
    def pictures(self) -> int:
        """How many pictures the network was given."""
        return self.inputs[0][0]

    def write(self, **changes: object) -> str:
        """Write the fix of a layer as code.

        Args:
            **changes: the arguments that change.

        Returns:
            `nn.Linear(12544, 256)`, after "write", or after "give it the sizes of" if the
            network calls a function.
        """
        verb = "write" if self.step.module else "give the function the sizes of"
        return f"{verb} {layer_code(self.layer, **changes)}"


def layer_code(layer: nn.Module, **changes: object) -> str:
    """Write the code that makes a layer of PyTorch, leaving out what is as by default.

    Args:
        layer: a layer of PyTorch.
        **changes: the arguments that change.

    Returns:
        The code, such as `nn.Conv2d(3, 32, kernel_size=5, padding=2)`.
    """
    origin = next(c for c in type(layer).__mro__ if c.__module__.startswith("torch.nn.modules"))
    parts = []
    for name, parameter in inspect.signature(origin).parameters.items():
        if name in {"device", "dtype"}:
            continue
        value = _plain(name, changes.get(name, getattr(layer, name, parameter.default)))
        if parameter.default is parameter.empty and name != "kernel_size":
            parts.append(str(value))
        elif value != parameter.default:
            parts.append(f"{name}={value!r}")
    return f"nn.{origin.__name__}({', '.join(parts)})"


def _plain(name: str, value: object) -> object:
    """5 for (5, 5), True for a bias."""
    if name == "bias":
        return value is not None and value is not False
    if name in PER_AXIS and isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value


def times(shape: Shape) -> str:
    """Write sizes with a multiplication sign: `64×14×14`."""
    return "×".join(str(size) for size in shape)


def dtype_name(dtype: torch.dtype) -> str:
    """Write a dtype without its module: `float32`."""
    return str(dtype).removeprefix("torch.")


def flattening_before(steps: list[Step], shape: Shape) -> Shape | None:
    """Find the map that was reshaped to `shape` last: its (C, H, W), or None."""
    for step in reversed(steps):
        if step.outputs[:1] == [shape] and step.inputs and step.inputs[0] != shape:
            source = step.inputs[0]
            same = len(source) > 2 and prod(source) == prod(shape) and source[0] == shape[0]
            return source[1:] if same else None
    return None
