"""`trace_shapes`, and its shape doctor: the first step that fails, both numbers and the fix."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from math import gcd, isqrt, prod

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
Faults = Iterator[tuple[Step, str, object, str]]  # the step, expected, got, the fix
OWN_CODE = (ValueError, TypeError, RuntimeError, AssertionError, IndexError)
FLATTEN = "write torch.flatten(x, start_dim=1), which gives {} numbers per picture"
BATCH = "add the batch axis with x.unsqueeze(0)"


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
    what, fix = "a shape of whole numbers with its batch axis first", "write (1, 3, 28, 28)"
    expect(isinstance(input_shape, Sequence), what, input_shape, fix, TypeError)
    expect(len(input_shape), what, "()", fix)
    given = input_shape if isinstance(input_shape[0], Sequence) else [input_shape]
    size = "each size, the batch axis first,"
    shapes = [tuple(whole(one, size, 1, fix) for one in shape) for shape in given]
    steps = _run(model, shapes, input_dtype, check_batch)
    if check_batch and all(shape[0] == 1 for shape in shapes):
        pairs = [(2, *shape[1:]) for shape in shapes]
        _run(model, pairs, input_dtype, check_batch, "with a batch of 2, ")
    return ShapeTrace.of(model, steps)


def _run(
    model: nn.Module,
    shapes: list[Shape],
    dtype: torch.dtype | None,
    check_batch: bool,
    seen: str = "",
) -> list[Step]:
    """Run the network on zeros of these shapes; raise ShapeError where something is wrong."""
    recorder, picture = Recorder(model), shapes[0]
    floats = (p.dtype for p in model.parameters() if p.is_floating_point())
    kind = dtype or next(floats, torch.get_default_dtype())
    inputs = [torch.zeros(shape, dtype=kind, device=device_of(model)) for shape in shapes]
    try:
        with untouched(model), recorder.watching():
            output = model(*inputs)
    except Exception as error:
        step = recorder.failed
        if step is None or not (step.is_leaf or isinstance(error, OWN_CODE)):
            raise
        shapes_in = spell(tuple(step.inputs)) or "no tensor"
        verb = f"failed on {shapes_in}" if step.is_leaf else "refused its input"
        words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        known = _find_fault([*recorder.steps, step], picture) if step.is_leaf else None
        own_words = f"`{step.layer}` ({step.kind}) {verb}: {words}"
        raise ShapeError(seen + (known or own_words)) from error
    rows = next((leaf.shape[:1] for leaf in tree_leaves(output) if isinstance(leaf, Tensor)), ())
    is_mixed = check_batch and rows and rows != picture[:1]
    sentence = _find_fault(recorder.steps, picture, is_mixed)
    if sentence:
        raise ShapeError(seen + sentence)
    return recorder.steps


def _find_fault(steps: list[Step], picture: Shape, is_mixed: bool = False) -> str | None:
    """Say what is wrong with the first step that is at fault, or with the rows that came out."""
    found = []
    for number, step in enumerate(steps):
        rule = next(rule for kinds, rule in RULES if isinstance(step.module, kinds))
        with suppress(Exception):  # where the doctor stumbles, PyTorch's own words remain
            found += islice(rule(steps[: number + 1], picture), 1)
    if is_mixed:
        found += mixed_rows(steps, picture)
    for step, expected, got, fix in found:
        return f"`{step.layer}` ({step.kind}) expected {expected} but got {got}: {fix}"
    return None


def layer_code(layer: nn.Module, **changes: object) -> str:
    """Write the code that makes a layer of PyTorch, leaving out what is as by default."""
    parts, origin = [], _origin(layer)
    for name, parameter in inspect.signature(origin).parameters.items():
        value = changes.get(name, getattr(layer, name, parameter.default))
        if name == "bias":
            value = value is not None and value is not False
        elif name in PER_AXIS and isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        if parameter.default is parameter.empty and name != "kernel_size":
            parts.append(str(value))
        elif value != parameter.default and name not in {"device", "dtype"}:
            parts.append(f"{name}={value!r}")
    return f"nn.{origin.__name__}({', '.join(parts)})"


def _origin(layer: nn.Module) -> type:
    """The class of PyTorch that a layer is made from."""
    return next(c for c in type(layer).__mro__ if c.__module__.startswith("torch.nn.modules"))


def convolution(steps: list[Step], picture: Shape) -> Faults:
    """No batch axis, as PyTorch allows; channels last, or another number; too small a map."""
    step, layer, shape = steps[-1], steps[-1].module, steps[-1].inputs[0]
    axes, channels, groups = len(layer.kernel_size) + 2, layer.in_channels, layer.groups
    if len(shape) == axes - 1 and shape[0] == channels:
        yield step, f"{axes} axes, the batch first,", f"{axes - 1} axes {shape}", BATCH
    if len(shape) == axes and shape[-1] == channels != shape[1]:
        order = ", ".join(map(str, (0, axes - 1, *range(1, axes - 1))))
        got = f"{shape} with the channels last"
        yield step, f"{channels} channels on axis 1", got, f"write x.permute({order})"
    if step.outputs:
        return
    yield from dtype(steps, picture)
    if channels != (got := shape[1]):
        changes = {"in_channels": got} | ({"groups": gcd(groups, got)} if groups > 1 else {})
        if 1 < groups == channels:  # one kernel per channel
            changes |= {"groups": got, "out_channels": got * (layer.out_channels // groups)}
        fix = f"write {layer_code(layer, **changes)}"
        if got == 1 and shape == picture:
            fix += f", or repeat the grey channel with x.expand(-1, {channels}, -1, -1)"
        expected = f"{channels} channel{'s' * (channels != 1)}"
        yield step, f"{expected} in {groups} groups" if groups > 1 else expected, got, fix
    reach, sizes, padding = _windows(step, axes - 2)
    short = [max(0, r - n) for r, n in zip(reach, sizes, strict=True)]
    if any(short):
        enough = tuple(p + (s + 1) // 2 for p, s in zip(padding, short, strict=True))
        fix = f"write {layer_code(layer, padding=enough)}, or leave out a pooling step before it"
        yield step, f"a padded map of at least {times(reach)}", times(sizes), fix


def pooling(steps: list[Step], picture: Shape) -> Faults:
    """A window that is larger than the map."""
    step = steps[-1]
    reach, sizes, _ = _windows(step, int(_origin(step.module).__name__[-2]))
    if not step.outputs and any(r > n for r, n in zip(reach, sizes, strict=True)):
        fix = "put nn.Identity() in its place, or start from larger pictures"
        yield step, f"a map of at least {times(reach)}", times(sizes), fix


def _windows(step: Step, axes: int) -> tuple[Shape, Shape, Shape]:
    """How far a window reaches, the sizes of the padded map, and the padding."""
    spread = [getattr(step.module, name, 1) for name in ("kernel_size", "dilation", "padding")]
    kernel, dilation, padding = map(nn.modules.utils._ntuple(axes), spread)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    sizes = (n + 2 * p for n, p in zip(step.inputs[0][-axes:], padding, strict=True))
    return reach, tuple(sizes), padding


def batch_norm(steps: list[Step], picture: Shape) -> Faults:
    """Made for another number of axes, or of channels."""
    step, shape, own = steps[-1], steps[-1].inputs[0], _origin(steps[-1].module)
    if step.outputs:
        return
    yield from dtype(steps, picture)
    wanted = [axes for axes, kind in NORMS.items() if kind is own]
    if len(shape) not in wanted:
        fix = f"write nn.{NORMS[len(shape)].__name__}({shape[1]})"
        if len(shape) == len(picture) == 3:
            fix = BATCH
        expected = " or ".join(map(str, wanted))
        yield step, f"{expected} axes", f"{len(shape)} axes {shape}", fix
    if step.module.num_features != shape[1]:
        fix = f"write {layer_code(step.module, num_features=shape[1])}"
        yield step, f"{step.module.num_features} channels", shape[1], fix


def linear(steps: list[Step], picture: Shape) -> Faults:
    """It reads the last axis of a feature map that nothing flattened, or rows of another size."""
    step, layer, shape = steps[-1], steps[-1].module, steps[-1].inputs[0]
    expected, got, numbers = layer.in_features, shape[-1], prod(shape[1:])
    if len(shape) == 4 and _is_map(steps[:-1], shape):
        row = f"one row of {numbers}" if expected == got else expected
        fix = "write torch.flatten(x, start_dim=1) before it"
        if expected != numbers:
            fix += f", and {layer_code(layer, in_features=numbers)}"
        last = f"a map {shape} whose last axis holds {got}"
        yield step, f"{row} numbers per picture", last, fix
    if step.outputs:
        return
    yield from dtype(steps, picture)
    if len(shape) < 3 and prod(shape) == picture[0] * expected and shape[0] != picture[0]:
        yield from mixed_rows(steps, picture)
    if expected == got:
        return
    fix = f"write {layer_code(layer, in_features=got)}"
    if len(picture) == 3 and prod(picture) == expected:
        fix = f"write x.unsqueeze(0), since {picture} has no batch axis"
    before = (s.inputs[0] for s in reversed(steps) if s.outputs[:1] == [shape] and s.inputs)
    source = next((one for one in before if one != shape), ())
    if len(source) == 4 and prod(source[1:]) == got:
        side = isqrt(expected // source[1])
        if source[1] * side * side == expected:
            fix += f", or resize the pictures so that the feature map is {side}×{side}"
        got = f"{got} ({times(source[1:])})"
    yield step, f"{expected} numbers per picture", got, fix


def _is_map(steps: list[Step], shape: Shape) -> bool:
    """Whether the last step that changed something gives maps (N, C, H, W) of this shape."""
    for step in (step for step in reversed(steps) if step.outputs[:1] == [shape]):
        if any(word in step.kind + step.function for word in SPATIAL):
            return True
        if step.inputs[:1] != [shape] or step.function in REORDERING:
            return False
    return not any(step.is_leaf for step in steps)


def dtype(steps: list[Step], picture: Shape) -> Faults:
    """Numbers of another dtype than the weights."""
    step, weight = steps[-1], getattr(steps[-1].module, "weight", None)
    leaves = tree_leaves((step.args, step.kwargs))
    got = next(leaf.dtype for leaf in leaves if isinstance(leaf, Tensor))
    if not (step.outputs or weight is None or got == weight.dtype):
        names = [str(one).removeprefix("torch.") for one in (weight.dtype, got)]
        yield step, f"{names[0]} numbers", names[1], f"write {cast_code(got, weight.dtype)}"


def mixed_rows(steps: list[Step], picture: Shape) -> Faults:
    """The last view or reshape that made more or fewer rows than there are pictures."""
    for number, step in reversed(list(enumerate(steps))):
        before, after = ((*shapes, ())[0] for shapes in (step.inputs, step.outputs))
        reordered = step.function in REORDERING or (step.module and sorted(before) == sorted(after))
        reshaped = step.is_leaf and before and after and prod(before) == prod(after)
        if reordered or not reshaped or not before[0] == picture[0] != after[0]:
            continue
        numbers = prod(before[1:])
        fix = FLATTEN.format(numbers)
        follower = next((s for s in steps[number:] if s.inputs[:1] == [after]), step)
        if isinstance(follower.module, nn.Linear) and follower.module.in_features != numbers:
            layer = layer_code(follower.module, in_features=numbers)
            fix += f", and {layer} for `{follower.layer}`"
        wanted, got = (f"{n} row{'s' * (n != 1)}" for n in (picture[0], after[0]))
        yield step, f"{wanted}, one per picture,", f"{got}: {before} → {after}", fix


def view(steps: list[Step], picture: Shape) -> Faults:
    """A view to a shape that holds another number of numbers."""
    step, shape = steps[-1], steps[-1].inputs[0]
    if step.outputs or step.function not in ("view", "reshape"):
        return
    given = step.args[1:] or tuple(step.kwargs.values())
    sizes = given[0] if isinstance(given[0], (tuple, list)) else given
    numbers, known = prod(shape), prod(size for size in sizes if size != -1)
    if numbers % known if -1 in sizes else numbers != known:
        fix = FLATTEN.format(prod(shape[1:]))
        if picture[0] * prod(sizes[1:]) == numbers:  # only the number of pictures is wrong
            fix = f"write x.{step.function}(x.shape[0], {', '.join(map(str, sizes[1:]))})"
        expected = f"a multiple of {known}" if -1 in sizes else known
        yield step, f"{expected} numbers", f"{numbers} ({times(shape)})", fix


def times(sizes: Shape) -> str:
    """Write sizes with a multiplication sign: `64×14×14`."""
    return "×".join(map(str, sizes))


RULES = [  # what may be wrong with a step of each kind; a function has no module
    (Convolution, convolution),
    (Pooling, pooling),
    (BatchNorm, batch_norm),
    (nn.Linear, linear),
    (nn.Embedding, lambda steps, picture: ()),
    (nn.Module, dtype),
    (type(None), view),
]
