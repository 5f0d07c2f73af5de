"""`trace_shapes`, and its shape doctor: the first step that fails, both numbers and the fix."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import gcd, isqrt, prod
from typing import NoReturn

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from cnn_basics.expect import expect, whole
from cnn_basics.model.networks import cast_code
from cnn_basics.model.trace import Recorder, Shape, ShapeTrace, Step, device_of, spell, untouched

Convolution = nn.modules.conv._ConvNd
Pooling = (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd)
BatchNorm = nn.modules.batchnorm._BatchNorm
NORMS = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}  # by axes
PER_AXIS = {"kernel_size", "stride", "padding", "dilation", "output_padding"}
REORDERING = {"permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t"}
REORDERING |= {"T", "mT", "H", "mH", "einsum", "matmul"}
SPATIAL = ("Conv", "conv", "Pool", "pool", "Norm2d", "GroupNorm", "Upsample")
OWN_CODE = (ValueError, TypeError, RuntimeError, AssertionError, IndexError)
FLATTEN = "write torch.flatten(x, start_dim=1), which gives {} numbers per picture"


class ShapeError(ValueError):
    """A network is broken: one sentence names the step, both numbers and the fix."""


def trace_shapes(
    model: nn.Module,
    input_shape: Shape | Sequence[Shape],
    input_dtype: torch.dtype | None = None,
    check_batch: bool = True,
) -> ShapeTrace:
    """Run a network once on zeros and list every step, or name the step that fails and the fix.

    The steps are PyTorch's layers, one's own modules that hold no others, and the functions
    called between them. The network runs in evaluation mode and is left as it was.

    Args:
        model: any network.
        input_shape: the shape of the input with its batch axis, such as (1, 3, 28, 28); for a
            network of several inputs, a tuple of shapes.
        input_dtype: that of the parameters if None; torch.int64 before nn.Embedding.
        check_batch: whether to refuse a network that gives back another number of rows than
            pictures. As a batch of 1 hides some such mistakes, it then runs as one of 2 too.

    Returns:
        A `ShapeTrace`: `.rows`, `.parameters`, `.multiply_adds`; prints as a table.

    Raises:
        ShapeError: if a step fails or mixes pictures; it is a ValueError.
        TypeError, ValueError: if a size is not whole or below 1, or a lazy layer never ran.

    Example:
        >>> trace_shapes(nn.Conv2d(3, 8, kernel_size=5), (1, 3, 28, 28)).rows[0].output_shape
        (1, 8, 24, 24)
    """
    shapes = _read_shapes(input_shape)
    for name, module in model.named_modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        layer = f"the lazy layer `{name or 'model'}` ({type(module).__name__})"
        known, fix = "a network with known sizes", "call the network once on pictures first"
        expect(not any(nn.parameter.is_lazy(one) for one in own), known, layer, fix)
    recorder = _run(model, shapes, input_dtype, check_batch)
    if check_batch and all(shape[0] == 1 for shape in shapes):
        pairs = [(2, *shape[1:]) for shape in shapes]
        _run(model, pairs, input_dtype, check_batch, " with a batch of 2")
    return ShapeTrace.of(model, recorder.steps)


def _read_shapes(input_shape: Shape | Sequence[Shape]) -> list[Shape]:
    what, fix = "a shape of whole numbers with its batch axis first", "write (1, 3, 28, 28)"
    expect(isinstance(input_shape, Sequence), what, input_shape, fix, TypeError)
    expect(len(input_shape), what, "()", fix)
    shapes = input_shape if isinstance(input_shape[0], Sequence) else [input_shape]
    name = "each size, the batch axis first,"
    return [tuple(whole(size, name, 1, fix) for size in shape) for shape in shapes]


def _run(
    model: nn.Module,
    shapes: list[Shape],
    dtype: torch.dtype | None,
    check_batch: bool,
    seen_with: str = "",
) -> Recorder:
    """Run the network on zeros of these shapes; raise ShapeError where something is wrong."""
    floats = (p.dtype for p in model.parameters() if p.is_floating_point())
    kind = dtype or next(floats, torch.get_default_dtype())
    inputs = [torch.zeros(shape, dtype=kind, device=device_of(model)) for shape in shapes]
    recorder = Recorder(model)
    try:
        with untouched(model), recorder.watching():
            output = model(*inputs)
    except Exception as error:
        _diagnose(recorder, shapes[0], error, seen_with)
    fault = conv_axes(recorder.steps) or linear_on_map(recorder.steps)
    rows = next((leaf.shape[:1] for leaf in tree_leaves(output) if isinstance(leaf, Tensor)), ())
    if fault is None and check_batch and rows and rows != shapes[0][:1]:
        fault = mixed_rows(recorder.steps, shapes[0][0])
    if fault is not None:
        raise ShapeError(fault.sentence(seen_with))
    return recorder


def _diagnose(recorder: Recorder, picture: Shape, error: Exception, seen_with: str) -> NoReturn:
    """Turn what a network raised into one sentence; what is no matter of shapes passes through."""
    step = recorder.failed
    if step is None or not (step.is_leaf or isinstance(error, OWN_CODE)):
        raise error
    fault = None
    with suppress(Exception):  # where the doctor stumbles, PyTorch's own words remain
        fault = _examine([*recorder.steps, step], picture) if step.is_leaf else None
    if fault:
        raise ShapeError(fault.sentence(seen_with)) from error
    shapes = spell(tuple(step.inputs)) or "no tensor"
    verb = f"failed on {shapes}" if step.is_leaf else "refused its input"
    words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    raise ShapeError(f"`{step.layer}` ({step.kind}) {verb}{seen_with}: {words}") from error


def _examine(steps: list[Step], picture: Shape) -> Fault | None:
    """Try the rules for the kind of the last step, one after the other."""
    fault = conv_axes(steps) or linear_on_map(steps)
    rules = next((rules for kinds, *rules in RULES if isinstance(steps[-1].module, kinds)), ())
    for rule in (wrong_dtype, *rules, view_size):
        fault = fault or rule(steps, picture)
    return fault


@dataclass(frozen=True)
class Fault:
    """The step at fault, what it expected but what it got, and the fix."""

    step: Step
    expected: str
    got: object
    fix: str

    def sentence(self, seen_with: str) -> str:
        """Say it in one sentence."""
        start = f"`{self.step.layer}` ({self.step.kind}) expected {self.expected}"
        return f"{start} but got {self.got}{seen_with}: {self.fix}"


def layer_code(layer: nn.Module, **changes: object) -> str:
    """Write the code that makes a layer of PyTorch, leaving out what is as by default."""
    parts = []
    for name, parameter in inspect.signature(_origin(layer)).parameters.items():
        value = changes.get(name, getattr(layer, name, parameter.default))
        if name == "bias":
            value = value is not None and value is not False
        elif name in PER_AXIS and isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        if parameter.default is parameter.empty and name != "kernel_size":
            parts.append(str(value))
        elif value != parameter.default and name not in {"device", "dtype"}:
            parts.append(f"{name}={value!r}")
    return f"nn.{_origin(layer).__name__}({', '.join(parts)})"


def _origin(layer: nn.Module) -> type:
    """The class of PyTorch that a layer is made from."""
    return next(c for c in type(layer).__mro__ if c.__module__.startswith("torch.nn.modules"))


def wrong_dtype(steps: list[Step], picture: Shape) -> Fault | None:
    """Numbers of another dtype than the weights."""
    step, weight = steps[-1], getattr(steps[-1].module, "weight", None)
    leaves = tree_leaves((step.args, step.kwargs))
    got = next(leaf.dtype for leaf in leaves if isinstance(leaf, Tensor))
    if weight is None or isinstance(step.module, nn.Embedding) or got == weight.dtype:
        return None
    names = [str(dtype).removeprefix("torch.") for dtype in (weight.dtype, got)]
    return Fault(step, f"{names[0]} numbers", names[1], f"write {cast_code(got, weight.dtype)}")


def conv_axes(steps: list[Step]) -> Fault | None:
    """A convolution that gets one picture without a batch, as PyTorch allows, or channels last."""
    for step in (step for step in steps if isinstance(step.module, Convolution)):
        axes, channels = len(step.module.kernel_size) + 2, step.module.in_channels
        shape = step.inputs[0]
        if len(shape) == axes - 1 and shape[0] == channels:
            expected, got = f"{axes} axes, the batch first,", f"{axes - 1} axes {shape}"
            return Fault(step, expected, got, "add the batch axis with x.unsqueeze(0)")
        if len(shape) == axes and shape[-1] == channels != shape[1]:
            order = ", ".join(map(str, (0, axes - 1, *range(1, axes - 1))))
            got = f"{shape} with the channels last"
            return Fault(step, f"{channels} channels on axis 1", got, f"write x.permute({order})")
    return None


def linear_on_map(steps: list[Step]) -> Fault | None:
    """A Linear that reads the last axis of a feature map, since nothing flattened it."""
    for number, step in enumerate(steps):
        shape = step.inputs[0] if step.inputs else ()
        linear = isinstance(step.module, nn.Linear) and len(shape) == 4
        if linear and _is_map(steps[:number], shape):
            features, numbers = step.module.in_features, prod(shape[1:])
            row = f"one row of {numbers}" if features == shape[-1] else features
            fix = "write torch.flatten(x, start_dim=1) before it"
            if features != numbers:
                fix += f", and {layer_code(step.module, in_features=numbers)}"
            got = f"a map {shape} whose last axis holds {shape[-1]}"
            return Fault(step, f"{row} numbers per picture", got, fix)
    return None


def _is_map(steps: list[Step], shape: Shape) -> bool:
    """Whether the last step that changed something gives maps (N, C, H, W) of this shape."""
    for step in (step for step in reversed(steps) if step.outputs[:1] == [shape]):
        if any(word in step.kind + step.function for word in SPATIAL):
            return True
        if step.inputs[:1] != [shape] or step.function in REORDERING:
            return False
    return not any(step.is_leaf for step in steps)


def mixed_rows(steps: list[Step], pictures: int) -> Fault | None:
    """The last view or reshape that made more or fewer rows than there are pictures."""
    for number, step in reversed(list(enumerate(steps))):
        before, after = ((*shapes, ())[0] for shapes in (step.inputs, step.outputs))
        reordered = step.function in REORDERING or (step.module and sorted(before) == sorted(after))
        reshaped = step.is_leaf and before and after and prod(before) == prod(after)
        if reordered or not reshaped or not before[0] == pictures != after[0]:
            continue
        numbers = prod(before[1:])
        fix = FLATTEN.format(numbers)
        follower = next((s for s in steps[number:] if s.inputs[:1] == [after]), step)
        if isinstance(follower.module, nn.Linear) and follower.module.in_features != numbers:
            layer = layer_code(follower.module, in_features=numbers)
            fix += f", and {layer} for `{follower.layer}`"
        wanted, got = (f"{n} row{'s' * (n != 1)}" for n in (pictures, after[0]))
        return Fault(step, f"{wanted}, one per picture,", f"{got}: {before} → {after}", fix)
    return None


def linear_features(steps: list[Step], picture: Shape) -> Fault | None:
    """A Linear of another size than the rows it gets."""
    linear, shape = steps[-1].module, steps[-1].inputs[0]
    expected, got = linear.in_features, shape[-1]
    several = len(shape) < 3 and prod(shape) == picture[0] * expected and shape[0] != picture[0]
    mixed = mixed_rows(steps, picture[0]) if several else None
    if mixed or expected == got:
        return mixed
    fix = f"write {layer_code(linear, in_features=got)}"
    if len(picture) == 3 and prod(picture) == expected:
        fix = f"write x.unsqueeze(0), since {picture} has no batch axis"
    before = (s.inputs[0] for s in reversed(steps) if s.outputs[:1] == [shape] and s.inputs)
    source = next((one for one in before if one != shape), ())
    if len(source) == 4 and prod(source[1:]) == got:
        side = isqrt(expected // source[1])
        if source[1] * side * side == expected:
            fix += f", or resize the pictures so that the feature map is {side}×{side}"
        got = f"{got} ({times(source[1:])})"
    return Fault(steps[-1], f"{expected} numbers per picture", got, fix)


def channels(steps: list[Step], picture: Shape) -> Fault | None:
    """A convolution or a batch normalisation made for another number of channels."""
    step = steps[-1]
    name = "num_features" if isinstance(step.module, BatchNorm) else "in_channels"
    expected, got = getattr(step.module, name), step.inputs[0][1]
    if expected == got:
        return None
    groups, changes = getattr(step.module, "groups", 1), {name: got}
    if groups > 1:
        changes["groups"] = gcd(groups, got)
    if 1 < groups == expected:  # one kernel per channel
        changes |= {"groups": got, "out_channels": got * (step.module.out_channels // groups)}
    fix = f"write {layer_code(step.module, **changes)}"
    if got == 1 and step.inputs[0] == picture:
        fix += f", or repeat the grey channel with x.expand(-1, {expected}, -1, -1)"
    wanted = f"{expected} channel{'s' * (expected != 1)}"
    return Fault(step, f"{wanted} in {groups} groups" if groups > 1 else wanted, got, fix)


def window_too_large(steps: list[Step], picture: Shape) -> Fault | None:
    """A convolution or a pooling window that is larger than the padded map."""
    step = steps[-1]
    axes = int(_origin(step.module).__name__[-2])
    spread = [getattr(step.module, name, 1) for name in ("kernel_size", "dilation", "padding")]
    kernel, dilation, padding = map(nn.modules.utils._ntuple(axes), spread)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    sizes = tuple(n + 2 * p for n, p in zip(step.inputs[0][-axes:], padding, strict=True))
    if all(n >= r for n, r in zip(sizes, reach, strict=True)):
        return None
    what, fix = "map", "put nn.Identity() in its place, or start from larger pictures"
    if isinstance(step.module, Convolution):
        what = "padded map"
        more = zip(padding, reach, sizes, strict=True)
        enough = tuple(p + max(0, -((n - r) // 2)) for p, r, n in more)
        layer = layer_code(step.module, padding=enough)
        fix = f"write {layer}, or leave out a pooling step before it"
    return Fault(step, f"a {what} of at least {times(reach)}", times(sizes), fix)


def norm_axes(steps: list[Step], picture: Shape) -> Fault | None:
    """A batch normalisation made for another number of axes."""
    shape, own = steps[-1].inputs[0], _origin(steps[-1].module)
    fitting = NORMS.get(len(shape), own)
    if fitting is own:
        return None
    wanted = " or ".join(str(axes) for axes, kind in NORMS.items() if kind is own)
    fix = f"write nn.{fitting.__name__}({shape[1]})"
    if len(shape) == len(picture) == 3:
        fix = "add the batch axis with x.unsqueeze(0)"
    return Fault(steps[-1], f"{wanted} axes", f"{len(shape)} axes {shape}", fix)


def view_size(steps: list[Step], picture: Shape) -> Fault | None:
    """A view to a shape that holds another number of numbers."""
    step = steps[-1]
    if step.function not in ("view", "reshape"):
        return None
    given = step.args[1:] or tuple(step.kwargs.values())
    sizes = given[0] if isinstance(given[0], (tuple, list)) else given
    shape, numbers = step.inputs[0], prod(step.inputs[0])
    known, left = prod(size for size in sizes if size != -1), ", ".join(map(str, sizes[1:]))
    if numbers % known == 0 if -1 in sizes else numbers == known:
        return None
    fix = FLATTEN.format(prod(shape[1:]))
    if picture[0] * prod(sizes[1:]) == numbers:  # only the number of pictures is wrong
        fix = f"write x.{step.function}(x.shape[0], {left})"
    expected = f"a multiple of {known}" if -1 in sizes else known
    return Fault(step, f"{expected} numbers", f"{numbers} ({times(shape)})", fix)


def times(sizes: Shape) -> str:
    """Write sizes with a multiplication sign: `64×14×14`."""
    return "×".join(map(str, sizes))


RULES = [  # for each kind of layer, what may be wrong with it
    (nn.Linear, linear_features),
    (Convolution, channels, window_too_large),
    (Pooling, window_too_large),
    (BatchNorm, norm_axes, channels),
]
