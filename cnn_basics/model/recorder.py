"""Watches a network run: every layer, and every function called between the layers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.hooks import RemovableHandle

from cnn_basics.model.counting import MultiplyAddCounter, recurrent_multiply_adds

MODULE = "torch.nn.modules.module"
HOLDERS = {"torch.nn.modules.container", "torch.nn.modules.transformer"}
QUIET = {"contiguous", "to", "float", "double", "half", "detach", "clone", "type", "requires_grad"}
NEW_TENSOR = ("new", "zeros_like", "ones_like", "empty_like", "full_like", "rand")


@dataclass
class Step:
    """One call: a layer (`module`) or a function (`module` is None), with what went in and out."""

    layer: str
    kind: str
    module: nn.Module | None = None
    function: str = ""
    args: tuple = ()
    kwargs: dict = field(default_factory=dict)
    inputs: list[tuple[int, ...]] = field(default_factory=list)
    outputs: list[tuple[int, ...]] = field(default_factory=list)
    multiply_adds: int = 0
    is_leaf: bool = True


@dataclass
class _Frame:
    """A module that is running now."""

    module: nn.Module
    step: Step | None
    error_before: BaseException | None
    count_before: int


class Recorder(TorchFunctionMode):
    """Writes down the steps of a network while it runs.

    Args:
        model: the network.

    Attributes:
        steps: the finished calls, in order, and a step for each bare parameter's owner.
        result: the shapes that the network gave.
        failed: the call that raised, or None.
        error: what it raised.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.names = {module: name for name, module in model.named_modules()}
        self.root = model
        self.counter = MultiplyAddCounter()
        self.steps: list[Step] = []
        self.result: list[tuple[int, ...]] = []
        self.failed: Step | None = None
        self.error: BaseException | None = None
        self._frames: list[_Frame] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hook every module, and unhook all of them at the end, also after an exception."""
        handles: list[RemovableHandle] = []
        try:
            for module in self.names:
                handles += [
                    module.register_forward_pre_hook(self._enter, with_kwargs=True),
                    module.register_forward_hook(self._leave, with_kwargs=True, always_call=True),
                ]
            with self.counter, self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        step = None
        if not self._inside_leaf():
            step = Step(self.names[module] or "model", type(module).__name__, module)
            step.args, step.kwargs, step.inputs = args, kwargs, _shapes((args, kwargs))
            step.is_leaf = is_leaf(module, self.root)
            if not step.is_leaf:
                self.steps.append(step)  # a container comes before what it holds
        self._frames.append(_Frame(module, step, sys.exception(), self.counter.total))

    def _leave(self, module: nn.Module, args: tuple, kwargs: dict, output: object) -> None:
        if not self._frames or self._frames[-1].module is not module:
            return  # another hook raised before `_enter` was reached
        frame = self._frames.pop()
        if frame.step is None:
            return
        if (error := sys.exception()) is not frame.error_before:
            self._fail(frame.step, error)
            return
        self._finish(frame.step, output, frame.count_before)
        if frame.step.is_leaf:
            self.steps.append(frame.step)
        if module is self.root:
            self.result = frame.step.outputs

    def __torch_function__(
        self, func: object, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        """Run one function of PyTorch; write it down unless it runs inside a layer."""
        kwargs = kwargs or {}
        hidden = self._inside_leaf()
        if hidden and _is_from_torch(self._frames[-1].module):
            return func(*args, **kwargs)
        name = _function_name(func)
        owner = self.names[self._frames[-1].module] if self._frames else ""
        step = Step(f"{owner}.{name}" if owner else name, "function", None, name, args, kwargs)
        step.inputs = _shapes((args, kwargs), activations=True)
        before = self.counter.total
        try:
            output = func(*args, **kwargs)
        except Exception as error:
            self._fail(step, error)
            raise
        self._finish(step, output, before)
        if _is_telling(step) and not hidden:
            self.steps.append(step)
        return output

    def _inside_leaf(self) -> bool:
        frame = self._frames[-1] if self._frames else None
        return frame is not None and (frame.step is None or frame.step.is_leaf)

    def _fail(self, step: Step, error: BaseException | None) -> None:
        if error is not self.error:  # the innermost call is the one that failed
            self.failed, self.error = step, error

    def _finish(self, step: Step, output: object, count_before: int) -> None:
        step.outputs = _shapes(output)
        step.multiply_adds = self.counter.total - count_before
        if isinstance(step.module, nn.RNNBase):
            first = next(leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor))
            step.multiply_adds = recurrent_multiply_adds(step.module, first)
        step.args, step.kwargs = (), {}  # keep no tensor alive


def is_leaf(module: nn.Module, root: nn.Module) -> bool:
    """Tell whether a module is one row: PyTorch's own layers, and modules that hold no others.

    Args:
        module: a module of the network.
        root: the network itself, which is opened up even if it holds no modules.

    Returns:
        Whether nothing inside it gets a row of its own.
    """
    if _is_from_torch(module):
        return True
    return module is not root and not any(True for _ in module.children())


def _is_from_torch(module: nn.Module) -> bool:
    """Whether it is a layer of PyTorch, or made from one, and not a container."""
    origins = {cls.__module__ for cls in type(module).__mro__}
    if isinstance(module, torch.jit.ScriptModule):
        return True
    if origins & HOLDERS:
        return False
    return any(o.startswith("torch.nn.modules") and o != MODULE for o in origins)


def _shapes(values: object, activations: bool = False) -> list[tuple[int, ...]]:
    """List the shapes of the tensors; of the activations only, where there are any."""
    tensors = [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
    if activations:
        tensors = [one for one in tensors if not isinstance(one, nn.Parameter)] or tensors
    return [tuple(one.shape) for one in tensors]


def _function_name(func: object) -> str:
    """`relu` for F.relu, `add` for Tensor.__iadd__, `T` for the property Tensor.T."""
    name = getattr(func, "__name__", type(func).__name__)
    if name in {"__get__", "__set__"}:
        return getattr(func.__self__, "__name__", name)
    return name.strip("_").removesuffix("_with_indices")


def _is_telling(step: Step) -> bool:
    """Whether a function deserves a row: tensors in, tensors out, and more than a copy."""
    if not step.inputs or not step.outputs or step.function.startswith(NEW_TENSOR):
        return False
    return step.outputs[0] != step.inputs[0] or step.function not in QUIET
