"""Turns the steps of a network into rows, each parameter counted in exactly one of them."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from cnn_basics.model.recorder import Step, is_leaf
from cnn_basics.model.rows import Shape, TraceRow

BARE = (nn.ParameterList, nn.ParameterDict)


def make_rows(model: nn.Module, steps: list[Step]) -> Iterator[TraceRow]:
    """List what ran, then the layers that never did.

    Args:
        model: the network.
        steps: its steps in the order of the calls.

    Yields:
        One row per layer, function and bare parameter.
    """
    counted: set[int] = set()
    for step in steps:
        if step.is_leaf:
            yield _row(step, counted)
        else:
            yield from _bare_rows(step.layer, step.module, counted)
    ran = {step.module for step in steps}
    yield from _waiting_rows(model, "", model, ran, counted)


def _row(step: Step, counted: set[int]) -> TraceRow:
    own = {id(p): p.numel() for p in step.module.parameters()} if step.module else {}
    note = "shared" if own.keys() & counted else ""
    parameters = sum(numbers for key, numbers in own.items() if key not in counted)
    counted.update(own)
    shapes = (_one_or_all(step.inputs), _one_or_all(step.outputs))
    return TraceRow(step.layer, step.kind, *shapes, parameters, step.multiply_adds, note)


def _one_or_all(shapes: list[Shape]) -> Shape | tuple[Shape, ...]:
    return shapes[0] if len(shapes) == 1 else tuple(shapes)


def _bare_rows(
    owner: str, module: nn.Module, counted: set[int], note: str = ""
) -> Iterator[TraceRow]:
    """One row per parameter that a module holds without a layer, lists of them included."""
    for path, holder in [("", module), *_bare_holders(module)]:
        for name, parameter in holder.named_parameters(recurse=False):
            if id(parameter) in counted:
                continue
            counted.add(id(parameter))
            layer = ".".join(part for part in (owner, path, name) if part not in {"", "model"})
            shape = tuple(parameter.shape)
            yield TraceRow(layer, "Parameter", (), shape, parameter.numel(), 0, note)


def _bare_holders(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((name, child) for name, child in module.named_children() if isinstance(child, BARE))


def _waiting_rows(
    module: nn.Module, name: str, root: nn.Module, ran: set[nn.Module | None], counted: set[int]
) -> Iterator[TraceRow]:
    """Rows of what never ran; what a layer of PyTorch that ran holds belongs to that layer."""
    leaf = is_leaf(module, root) and not isinstance(module, BARE)
    if leaf and module not in ran:
        numbers = {id(p): p.numel() for p in module.parameters() if id(p) not in counted}
        counted.update(numbers)
        kind = type(module).__name__
        yield TraceRow(name or "model", kind, (), (), sum(numbers.values()), 0, "not called")
        ran.add(module)
    if leaf:
        return
    yield from _bare_rows(name, module, counted, note="not called")
    for child_name, child in module.named_children():
        path = f"{name}.{child_name}" if name else child_name
        yield from _waiting_rows(child, path, root, ran, counted)
