"""Mistakes that raise nothing: PyTorch runs the network, and the result means nothing."""

from __future__ import annotations

from math import prod

from torch import nn

from cnn_basics.model.case import Finding, layer_code
from cnn_basics.model.recorder import Step
from cnn_basics.model.rows import Shape

SPATIAL = ("Conv", "Pool", "pool", "BatchNorm", "conv", "InstanceNorm", "GroupNorm", "Upsample")
REORDERING = {"permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t"}
REORDERING |= {"T", "mT", "H", "mH", "einsum", "matmul"}


def no_batch_axis(steps: list[Step]) -> Finding | None:
    """Find a convolution that takes an unbatched picture."""
    for step in steps:
        if isinstance(step.module, nn.modules.conv._ConvNd):
            axes = len(step.module.kernel_size) + 2
            if step.inputs and len(step.inputs[0]) < axes:
                return Finding(
                    f"{axes} axes, the batch first,",
                    f"{len(step.inputs[0])} axes {step.inputs[0]}",
                    "add the batch axis with x.unsqueeze(0)",
                    at=step,
                )
    return None


def linear_on_map(steps: list[Step]) -> Finding | None:
    """Find a Linear that works on the rows of a feature map, since nothing flattened it."""
    for number, step in enumerate(steps):
        if not isinstance(step.module, nn.Linear) or not step.inputs:
            continue
        shape = step.inputs[0]
        if len(shape) == 4 and is_channels_first_map(steps[:number], shape):
            numbers = prod(shape[1:])
            fix = layer_code(step.module, in_features=numbers)
            return Finding(
                f"one row of {numbers} numbers per picture",
                f"a map {shape} whose last axis holds {shape[-1]}",
                f"write torch.flatten(x, start_dim=1) before it, and {fix}",
                at=step,
            )
    return None


def is_channels_first_map(steps: list[Step], shape: Shape) -> bool:
    """Whether the last step that changed something gives maps (N, C, H, W) of this shape."""
    for step in reversed(steps):
        if step.outputs[:1] != [shape]:
            continue
        if step.kind.startswith(SPATIAL) or step.function.endswith(("pool2d", "conv2d")):
            return True
        if "Pool" in step.kind:
            return True
        if step.inputs[:1] != [shape] or step.function in REORDERING:
            return False
    return not steps and len(shape) == 4


def reshaped_batch(steps: list[Step], pictures: int) -> Step | None:
    """Find the last view or reshape that changed the number of rows."""
    for step in reversed(steps):
        if not step.inputs or not step.outputs or not step.inputs[0] or not step.outputs[0]:
            continue
        before, after = step.inputs[0], step.outputs[0]
        reordered = step.function in REORDERING or (step.module and sorted(before) == sorted(after))
        same = prod(before) == prod(after) and not reordered
        if same and before[0] == pictures != after[0] and not _is_container(step):
            return step
    return None


def rows_not_pictures(steps: list[Step], pictures: int, result: list[Shape]) -> Finding | None:
    """Find the reshape because of which the network gives more or fewer rows than pictures."""
    if not result or not result[0] or result[0][0] == pictures:
        return None
    culprit = reshaped_batch(steps, pictures)
    if culprit is None:
        return None
    before, after = culprit.inputs[0], culprit.outputs[0]
    numbers = prod(before[1:])
    fix = f"write torch.flatten(x, start_dim=1), which gives {numbers} numbers per picture"
    follower = next(
        (
            s
            for s in steps[steps.index(culprit) :]
            if s.inputs[:1] == [after] and isinstance(s.module, nn.Linear)
        ),
        None,
    )
    if follower and follower.module.in_features != numbers:
        fix += f", and {layer_code(follower.module, in_features=numbers)} for `{follower.layer}`"
    return Finding(
        rows_of(pictures),
        f"{after[0]} rows: {before} → {after}",
        fix,
        at=culprit,
    )


def rows_of(pictures: int) -> str:
    """Say how many rows there should be.

    Args:
        pictures: how many pictures the network was given.

    Returns:
        `2 rows, one per picture,`.
    """
    return f"{pictures} row{'' if pictures == 1 else 's'}, one per picture,"


def _is_container(step: Step) -> bool:
    return step.module is not None and not step.is_leaf
