"""Watches a network run, leaves it as it was, and lists what every step makes and costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, count
from math import prod

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from cnn_basics.expect import expect

Shape = tuple[int, ...]

HEADINGS = ("Layer", "Kind", "Input shape", "Output shape", "Parameters", "Multiply-adds", "")
HOLDERS = {"torch.nn.modules.container", "torch.nn.modules.transformer"}
PARAMETER_LISTS = (nn.ParameterList, nn.ParameterDict)
NO_STEP = {  # functions that keep all numbers, or make a tensor without those of the input
    "contiguous", "to", "float", "double", "half", "detach", "clone", "type", "requires_grad",
    "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "randint_like",
    "new_zeros", "new_ones", "new_empty", "new_full", "new_tensor",
}  # fmt: skip

aten = torch.ops.aten
FLOPS: dict[object, Callable[..., int]] = flop_registry | {
    aten.mv: lambda matrix, *_, **__: 2 * matrix.numel(),
    aten.dot: lambda vector, *_, **__: 2 * vector.numel(),
    aten.addmv: lambda _bias, matrix, *_, **__: 2 * matrix.numel(),
    aten._scaled_dot_product_flash_attention_for_cpu: lambda query, key, value, *_, **__: (
        sdpa_flop_count(query.shape, key.shape, value.shape)
    ),
}


class MultiplyAddCounter(TorchDispatchMode):
    """Adds up in `total` the multiply-adds of convolutions, matrix products and attention."""

    total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether PyTorch wraps the method below in its compiler, which takes 80 MB to load."""
        return False

    def __torch_dispatch__(
        self, func: object, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        """Run one operation of PyTorch and add what it costs."""
        output = func(*args, **(kwargs or {}))
        if flops := FLOPS.get(func.overloadpacket):
            self.total += flops(*args, **(kwargs or {}), out_val=output) // 2
        return output


@dataclass
class Step:
    """One call of a layer, or of a function (`module` is None), with the shapes in and out."""

    layer: str  # its name in the network
    kind: str
    module: nn.Module | None
    function: str
    args: tuple  # kept only while the call lasts
    kwargs: dict
    inputs: list[Shape]
    outputs: list[Shape] = field(default_factory=list)
    multiply_adds: int = 0
    is_leaf: bool = True
    hidden: bool = False  # it runs inside a leaf
    name: str = ""  # of this call: `relu`, then `relu_1`


class Recorder(TorchFunctionMode):
    """Writes down the steps of a network while it runs; its hooks never stay behind.

    `steps` are the calls that went well, in order; `failed` is the innermost that raised.
    `listen` is called with each step that ends well, and with what it gives.
    """

    def __init__(
        self, model: nn.Module, listen: Callable[[Step, object], None] = lambda *_: None
    ) -> None:
        super().__init__()
        refuse_unready(model)
        self.root, self.listen = model, listen
        self.names = {module: name for name, module in model.named_modules()}
        self.counter = MultiplyAddCounter()
        self.steps: list[Step] = []
        self.failed: Step | None = None
        self._running: list[Step] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hook every module, and unhook all of them at the end, also after an exception."""
        handles = []
        try:
            for module in self.names:
                handles.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
                handles.append(module.register_forward_hook(self._leave, always_call=True))
            with self.counter, self:
                yield
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        name, kind = self.names[module] or "model", type(module).__name__
        step = Step(name, kind, module, "", args, kwargs, _shapes((args, kwargs)))
        step.is_leaf = is_leaf(module, self.root)
        self._start(step)
        if not (step.is_leaf or step.hidden):
            self._append(step)  # a container comes before what it holds

    def _leave(self, module: nn.Module, args: tuple, output: object) -> None:
        step = self._running.pop()
        if output is None and not step.hidden:  # it raised
            self.failed = self.failed or step
        elif not step.hidden:
            self._finish(step, output)

    def __torch_function__(
        self, func: object, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        """Run one function of PyTorch; write it down unless it runs inside a layer."""
        kwargs = kwargs or {}
        owner = self._running[-1] if self._running else None
        if owner and owner.is_leaf and _is_from_torch(owner.module):
            return func(*args, **kwargs)
        name = function_name(func)
        layer = f"{self.names[owner.module]}.{name}".lstrip(".") if owner else name
        inputs = _shapes((args, kwargs), activations=True)
        step = Step(layer, "function", None, name, args, kwargs, inputs)
        self._start(step)
        try:
            output = func(*args, **kwargs)
        except Exception:
            self.failed = self.failed or step
            raise
        finally:
            self._running.pop()
        if inputs and _shapes(output) and not step.hidden and name not in NO_STEP:
            self._finish(step, output)
        return output

    def _start(self, step: Step) -> None:
        step.hidden = bool(self._running) and self._running[-1].is_leaf
        step.multiply_adds = -self.counter.total
        self.failed = None  # what failed before was caught
        self._running.append(step)

    def _finish(self, step: Step, output: object) -> None:
        step.outputs = _shapes(output)
        step.multiply_adds += self.counter.total
        if isinstance(step.module, nn.RNNBase):  # may run as one operation; each time step counts
            matrices = sum(weight.numel() for weight in step.module.parameters() if weight.ndim > 1)
            step.multiply_adds = matrices * prod(step.outputs[0][:-1])
        if step.is_leaf:
            self._append(step)
        self.listen(step, output)
        step.args, step.kwargs = (), {}  # keep no tensor alive

    def _append(self, step: Step) -> None:
        """Give the step a name of its own, as torch.fx does."""
        layers = self.names.values() if step.module is None else ()
        taken = {one.name for one in self.steps}.union(layers)
        names = chain([step.layer], (f"{step.layer}_{number}" for number in count(1)))
        step.name = next(name for name in names if name not in taken)
        self.steps.append(step)


def refuse_unready(model: nn.Module, script: bool = False) -> None:
    """Refuse lazy layers that never ran and, without `script`, TorchScript, which has no hooks."""
    for name, module in model.named_modules():
        layer = f"layer `{name or 'model'}`"
        python = script or not isinstance(module, torch.jit.ScriptModule)
        fix = "take the network from before torch.jit.script"
        expect(python, "a network written in Python", f"the TorchScript {layer}", fix, TypeError)
        own = chain(module.parameters(recurse=False), module.buffers(recurse=False))
        ready = not any(nn.parameter.is_lazy(one) for one in own)
        got, fix = f"the lazy {layer}", "call the network once on pictures first"
        expect(ready, "a network with known sizes", f"{got} ({type(module).__name__})", fix)


def is_leaf(module: nn.Module, root: nn.Module) -> bool:
    """Tell whether a module is one row: PyTorch's own layers, and modules that hold no others."""
    return _is_from_torch(module) or (
        module is not root and not any(True for _ in module.children())
    )


def _is_from_torch(module: nn.Module) -> bool:
    """Whether it is a layer of PyTorch, or made from one, and not a container."""
    origins = {cls.__module__ for cls in type(module).__mro__} - {"torch.nn.modules.module"}
    layer = any(origin.startswith("torch.nn.modules") for origin in origins)
    return layer and not origins & HOLDERS


def _shapes(values: object, activations: bool = False) -> list[Shape]:
    """List the shapes of the tensors; of the activations only, where there are any."""
    tensors = [leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)]
    if activations:
        tensors = [one for one in tensors if not isinstance(one, nn.Parameter)] or tensors
    return [tuple(one.shape) for one in tensors]


def function_name(func: object) -> str:
    """`relu` for F.relu, `add` for Tensor.__iadd__, `T` for the property Tensor.T."""
    name = getattr(func, "__name__", type(func).__name__)
    if name in {"__get__", "__set__"}:
        return getattr(func.__self__, "__name__", name)
    return name.strip("_").removesuffix("_with_indices")


@dataclass(frozen=True)
class TraceRow:
    """One step of a network: a layer, a function called between layers, or a bare parameter."""

    layer: str
    kind: str
    input_shape: Shape | tuple[Shape, ...]  # a tuple of shapes, if there are several
    output_shape: Shape | tuple[Shape, ...]
    parameters: int
    multiply_adds: int  # of the whole batch
    note: str = ""  # "shared", if an earlier row counts some of the parameters, or "not called"


@dataclass(frozen=True, repr=False)
class ShapeTrace:
    """The rows of a network in the order of the calls; prints as a table."""

    rows: tuple[TraceRow, ...]
    parameters: int  # each counted once
    multiply_adds: int  # of one forward pass of the whole batch

    @classmethod
    def of(cls, model: nn.Module, steps: list[Step]) -> ShapeTrace:
        """List bare parameters, what ran, and layers that never did; each number counts once."""
        counted: set[nn.Parameter] = set()

        def new(parameters: Iterable[nn.Parameter]) -> int:
            found = set(parameters) - counted
            counted.update(found)
            return sum(one.numel() for one in found)

        rows = []
        for name, parameter in model.named_parameters():
            owner = model.get_submodule(name.rpartition(".")[0])
            if isinstance(owner, PARAMETER_LISTS) or not is_leaf(owner, model):
                shape = tuple(parameter.shape)
                rows.append(TraceRow(name, "Parameter", (), shape, new([parameter]), 0))
        ran: set[nn.Module] = set()
        for step in (step for step in steps if step.is_leaf):
            called = nn.Sequential() if step.module is None else step.module  # a function: none
            ran.update(called.modules())
            note = "" if counted.isdisjoint(called.parameters()) else "shared"
            came, gave = (
                one[0] if len(one) == 1 else tuple(one) for one in (step.inputs, step.outputs)
            )
            size, cost = new(called.parameters()), step.multiply_adds
            rows.append(TraceRow(step.layer, step.kind, came, gave, size, cost, note))
        for name, module in model.named_modules():
            leaf = is_leaf(module, model) and not isinstance(module, PARAMETER_LISTS)
            if leaf and module not in ran:
                ran.update(module.modules())
                kind, size = type(module).__name__, new(module.parameters())
                rows.append(TraceRow(name, kind, (), (), size, 0, "not called"))
        return cls(tuple(rows), sum(r.parameters for r in rows), sum(r.multiply_adds for r in rows))

    def __repr__(self) -> str:
        lines = [HEADINGS]
        for row in self.rows:
            shapes = (
                spell(shape) if shape else "–" for shape in (row.input_shape, row.output_shape)
            )
            numbers = (f"{row.parameters:,}", f"{row.multiply_adds:,}")
            lines.append((row.layer, row.kind, *shapes, *numbers, row.note and f"({row.note})"))
        lines.append(("total", "", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", ""))
        widths = [max(len(line[column]) for line in lines) for column in range(6)]
        row = "  ".join(f"{{:{side}{width}}}" for side, width in zip("<<<<>>", widths, strict=True))
        text = [f"{row}  {{}}".format(*line).rstrip() for line in lines]
        rule = "-" * len(row.format(*HEADINGS))
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def spell(shape: Shape | tuple[Shape, ...]) -> str:
    """Write one shape, such as `(1, 3, 28, 28)`, or several side by side."""
    return " ".join(map(str, shape)) if shape and isinstance(shape[0], tuple) else str(shape)


def device_of(model: nn.Module) -> torch.device:
    """Find where a network lives: the device of its first parameter or buffer, else the CPU."""
    first = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Evaluate without gradients; then restore training flags, buffers and the random state."""
    modules = list(model.modules())
    flags = [module.training for module in modules]
    buffers = [dict(module._buffers.items()) for module in modules]
    saved = [(b, b.clone()) for b in model.buffers() if not (nn.parameter.is_lazy(b) or b.is_meta)]
    device = device_of(model)
    with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.no_grad():
        try:
            for module in modules:
                module.training = False
            yield
        finally:
            for module, flag, own in zip(modules, flags, buffers, strict=True):
                module.training = flag
                if not isinstance(module, torch.jit.ScriptModule):  # which cannot swap its buffers
                    module._buffers.clear()
                    module._buffers.update(own)
            for buffer, before in saved:
                if not torch.equal(buffer, before):
                    buffer.copy_(before)
