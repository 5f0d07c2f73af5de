"""What can be wrong with the input of a function that is called between layers."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn

from cnn_basics.model.case import Case, Finding, layer_code, times
from cnn_basics.model.layer_faults import Rule
from cnn_basics.model.recorder import Step
from cnn_basics.model.rows import Shape


def view_size(case: Case) -> Finding | None:
    """A view to a shape that holds another number of numbers."""
    sizes = _view_sizes(case.step)
    if not sizes:
        return None
    numbers, known = prod(case.shape), prod(size for size in sizes if size != -1)
    got = f"{numbers} ({times(case.shape)})"
    if -1 in sizes and numbers % known:
        return Finding(f"a multiple of {known} numbers", got, _flatten(case))
    if -1 in sizes or numbers == known:
        return None
    expected = f"{known} numbers ({times(sizes)})"
    if case.pictures * prod(sizes[1:]) == numbers:  # only the number of pictures is wrong
        rest = ", ".join(str(size) for size in sizes[1:])
        return Finding(expected, got, f"write x.{case.step.function}(x.shape[0], {rest})")
    return Finding(expected, got, _flatten(case))


def _flatten(case: Case) -> str:
    numbers = prod(case.shape[1:])
    return f"write torch.flatten(x, start_dim=1), which gives {numbers} numbers per picture"


def view_order(case: Case) -> Finding | None:
    """A view of numbers that do not lie in order in memory."""
    x = case.tensors[0]
    if case.step.function != "view" or x.is_contiguous():
        return None
    sizes = ", ".join(str(size) for size in _view_sizes(case.step))
    ordered = tuple(prod(x.shape[axis + 1 :]) for axis in range(x.ndim))
    return Finding(
        f"numbers in order in memory (strides {ordered})",
        f"strides {x.stride()}",
        f"write x.reshape({sizes})",
    )


def _view_sizes(step: Step) -> Shape:
    sizes = step.args[1] if isinstance(step.args[1], (tuple, list)) else step.args[1:]
    return tuple(sizes) if all(isinstance(size, int) for size in sizes) else ()


def unequal_shapes(case: Case) -> Finding | None:
    """Two tensors added, or combined number by number, that do not fit."""
    if len(case.tensors) < 2:
        return None
    one, two = (tuple(tensor.shape) for tensor in case.tensors[:2])
    try:
        torch.broadcast_shapes(one, two)
    except RuntimeError:
        return Finding("two equal shapes", f"{one} and {two}", _make_equal(case, one, two))
    return None


def _make_equal(case: Case, one: Shape, two: Shape) -> str:
    """A shortcut of the right size, or the padding that was forgotten."""
    produced = [step.outputs[0] for step in case.before if step.outputs]
    early, late = sorted((one, two), key=lambda s: -1 if s not in produced else produced.index(s))
    if len(one) == len(two) == 2:
        return f"give the shortcut nn.Linear({early[1]}, {late[1]})"
    if not len(one) == len(two) == 4:
        return "give both the same axes"
    if early[1] == late[1] and (padded := _more_padding(case, early, late)):
        return padded
    stride = tuple(-(-e // la) for e, la in zip(early[2:], late[2:], strict=True))
    if tuple((e - 1) // s + 1 for e, s in zip(early[2:], stride, strict=True)) != late[2:]:
        return f"resize the first with F.interpolate(x, size={late[2:]})"
    shortcut = nn.Conv2d(early[1], late[1], 1, stride=stride, device="meta")
    return f"give the shortcut {layer_code(shortcut)}"


def _more_padding(case: Case, early: Shape, late: Shape) -> str:
    """The convolution that lost a border, with the padding that keeps it."""
    lost = [e - la for e, la in zip(early[2:], late[2:], strict=True)]
    convs = [s for s in case.before if isinstance(s.module, nn.Conv2d) and s.outputs[0] == late]
    if not convs or any(n % 2 for n in lost) or isinstance(convs[-1].module.padding, str):
        return ""
    conv = convs[-1]
    if conv.module.stride != (1, 1) or conv.inputs[0][2:] != early[2:]:
        return ""
    padding = tuple(p + n // 2 for p, n in zip(conv.module.padding, lost, strict=True))
    return f"write {layer_code(conv.module, padding=padding)} for `{conv.layer}`"


def cat_shapes(case: Case) -> Finding | None:
    """Tensors joined along one axis that differ along another."""
    args, kwargs = case.step.args, case.step.kwargs
    shapes = [tuple(tensor.shape) for tensor in case.tensors]
    axis = args[1] if len(args) > 1 else kwargs.get("dim", 0)
    if len({len(shape) for shape in shapes}) > 1:
        return None
    axis %= len(shapes[0])
    odd = next((s for s in shapes if _without(s, axis) != _without(shapes[0], axis)), None)
    if odd is None:
        return None
    first = shapes[0]
    differing = [n for n in range(len(first)) if first[n] != odd[n] and n != axis]
    fix = "give all of them one size there"
    if differing == [1] and first[axis] == odd[axis]:
        fix = "write torch.cat(…, dim=1)"
    elif len(first) == 4 and min(differing) >= 2:
        fix = f"write F.interpolate(x, size={first[2:]}) for the one of shape {odd}"
    where = f"equal sizes on every axis but {axis}"
    numbers = f"{first[differing[0]]} and {odd[differing[0]]} on axis {differing[0]}"
    return Finding(where, f"{numbers} ({first} and {odd})", fix)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def inner_sizes(case: Case) -> Finding | None:
    """A matrix product whose inner sizes differ."""
    one, two = (tuple(tensor.shape) for tensor in case.tensors[:2])
    if len(two) < 2 or not one or one[-1] == two[-2]:
        return None
    turned = one[-1] == two[-1]
    fix = "write x @ y.transpose(-2, -1)" if turned else f"give the second {one[-1]} rows"
    return Finding(f"{one[-1]} rows in the second matrix", f"{two[-2]} ({one} @ {two})", fix)


FUNCTION_RULES: dict[str, tuple[Rule, ...]] = {
    "view": (view_size, view_order),
    "reshape": (view_size,),
    "cat": (cat_shapes,),
    "concat": (cat_shapes,),
    "matmul": (inner_sizes,),
    "mm": (inner_sizes,),
    "bmm": (inner_sizes,),
}


def same_as_layer(step: Step) -> nn.Module | None:
    """Make the layer that does what a function did, so that the layer's rules apply.

    Args:
        step: a call of F.linear, F.conv2d, F.max_pool2d or their like.

    Returns:
        The layer without memory of its own, or None for any other function.
    """
    name, options = step.function, dict(step.kwargs)
    if name == "linear" and len(step.args) > 1:
        return nn.Linear(*reversed(step.args[1].shape), device="meta")
    if name in {"conv1d", "conv2d", "conv3d"} and len(step.args) > 1:
        return _conv_of(step)
    if name.startswith(("max_pool", "avg_pool")) and len(name) == len("max_pool2d"):
        names = ("kernel_size", "stride", "padding")
        options |= dict(zip(names, step.args[1:], strict=False))
        kind = getattr(nn, f"{name[:3].title()}Pool{name[-2:]}")
        return kind(options["kernel_size"], options.get("stride"), options.get("padding", 0))
    return None


def _conv_of(step: Step) -> nn.Module:
    weight: Tensor = step.args[1]
    given = (
        dict(zip(("bias", "stride", "padding", "dilation", "groups"), step.args[2:], strict=False))
        | step.kwargs
    )
    options = {name: given[name] for name in ("stride", "padding", "dilation") if name in given}
    groups = given.get("groups", 1)
    kind = getattr(nn, f"Conv{step.function[-2:]}")
    return kind(
        weight.shape[1] * groups,
        weight.shape[0],
        tuple(weight.shape[2:]),
        **options,
        groups=groups,
        bias=given.get("bias") is not None,
        dtype=weight.dtype,
        device="meta",
    )
