"""What can be wrong with the input of a layer: one small rule per kind of fault."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, isqrt, prod

import torch
from torch import nn

from cnn_basics.model.case import Case, Finding, dtype_name, flattening_before, times
from cnn_basics.model.silent_faults import is_channels_first_map, reshaped_batch, rows_of
from cnn_basics.model.window_faults import (
    Conv,
    Pools,
    conv_axes,
    conv_channels,
    kernel_too_large,
    nothing_to_pool,
)

Rule = Callable[[Case], Finding | None]
BatchNorm = nn.modules.batchnorm._BatchNorm


def wrong_dtype(case: Case) -> Finding | None:
    """Numbers of another dtype than the weights."""
    weight = getattr(case.layer, "weight", None)
    got = case.tensors[0].dtype
    if isinstance(case.layer, nn.Embedding):
        wants_whole = got.is_floating_point
        return (
            Finding(
                "int64 indices",
                dtype_name(got),
                "write x.long(), or give trace_shapes input_dtype=torch.int64",
            )
            if wants_whole
            else None
        )
    if not isinstance(weight, torch.Tensor) or got == weight.dtype:
        return None
    cast = "x.float()" if weight.dtype == torch.float32 else f"x.to({weight.dtype})"
    scale = " / 255" if got == torch.uint8 else ""
    return Finding(f"{dtype_name(weight.dtype)} numbers", dtype_name(got), f"write {cast}{scale}")


def rows_mixed(case: Case) -> Finding | None:
    """A Linear that gets the numbers of several pictures in one row."""
    expected = case.layer.in_features
    if prod(case.shape) != case.pictures * expected or len(case.shape) > 2:
        return None
    culprit = reshaped_batch(case.before, case.pictures)
    if culprit is None or culprit.outputs[0] != case.shape:
        return None
    return Finding(
        rows_of(case.pictures),
        f"shape {case.shape}",
        f"write torch.flatten(x, start_dim=1), which gives {expected} numbers per picture",
        at=culprit,
    )


def linear_unbatched(case: Case) -> Finding | None:
    """A Linear that gets a row per channel since the batch axis is missing."""
    picture = case.inputs[0]
    if len(picture) != 3 or prod(picture) != case.layer.in_features:
        return None
    return Finding(
        f"{case.layer.in_features} numbers per picture",
        f"{case.shape[-1]} since {picture} has no batch axis",
        "write x.unsqueeze(0)",
    )


def linear_not_flattened(case: Case) -> Finding | None:
    """A Linear right behind a feature map, without flattening."""
    if len(case.shape) < 3 or not is_channels_first_map(case.before, case.shape):
        return None
    expected, numbers = case.layer.in_features, prod(case.shape[1:])
    fix = "write torch.flatten(x, start_dim=1) before it"
    if numbers != expected:
        fix += f", and {case.write(in_features=numbers).removeprefix('write ')}"
    return Finding(
        f"{expected} numbers per picture",
        f"a map {case.shape} whose last axis holds {case.shape[-1]}",
        fix,
    )


def linear_features(case: Case) -> Finding | None:
    """A Linear of another size than the rows it gets."""
    expected, got = case.layer.in_features, case.shape[-1]
    if expected == got:
        return None
    source = flattening_before(case.before, case.shape)
    sizes = f" ({times(source)})" if source else ""
    fix = case.write(in_features=got) + (_other_map(source, expected) if source else "")
    return Finding(f"{expected} numbers per picture", f"{got}{sizes}", fix)


def _other_map(source: tuple[int, ...], expected: int) -> str:
    """The other way to mend a Linear: another feature map before it."""
    channels, area = source[0], prod(source[1:])
    side = isqrt(expected // channels)
    if len(source) == 3 and channels * side * side == expected:
        return f", or resize the pictures so that the feature map is {side}×{side}"
    if expected % area == 0:
        return f", or give the feature map {expected // area} channels instead of {channels}"
    return ""


def norm_axes(case: Case) -> Finding | None:
    """A batch normalisation made for another number of axes."""
    right = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
    wanted = {nn.BatchNorm1d: "2 or 3", nn.BatchNorm2d: "4", nn.BatchNorm3d: "5"}
    own = next((cls for cls in wanted if isinstance(case.layer, cls)), None)
    fitting = right.get(len(case.shape))
    if own is None or own is fitting:
        return None
    got = f"{len(case.shape)} axes {case.shape}"
    if len(case.inputs[0]) == 3 and len(case.shape) == 3:
        return Finding(f"{wanted[own]} axes", got, "add the batch axis with x.unsqueeze(0)")
    fix = f"write nn.{fitting.__name__}({case.shape[1]})" if fitting else "give it a batch of maps"
    return Finding(f"{wanted[own]} axes", got, fix)


def norm_channels(case: Case) -> Finding | None:
    """A normalisation made for another number of channels."""
    name = "num_channels" if isinstance(case.layer, nn.GroupNorm) else "num_features"
    expected, got = getattr(case.layer, name), case.shape[1]
    if expected == got:
        return None
    changes = {name: got}
    if isinstance(case.layer, nn.GroupNorm):
        changes["num_groups"] = gcd(case.layer.num_groups, got)
    return Finding(f"{expected} channel{'s' * (expected != 1)}", f"{got}", case.write(**changes))


def layer_norm_shape(case: Case) -> Finding | None:
    """A layer normalisation over other axes than the last ones."""
    expected = tuple(case.layer.normalized_shape)
    got = case.shape[-len(expected) :]
    if got == expected:
        return None
    wanted = got[0] if len(got) == 1 else got
    return Finding(
        f"last axes {times(expected)}", f"{times(got)}", case.write(normalized_shape=wanted)
    )


LAYER_RULES: tuple[tuple[type | tuple[type, ...], tuple[Rule, ...]], ...] = (
    (nn.Linear, (wrong_dtype, rows_mixed, linear_unbatched, linear_not_flattened, linear_features)),
    (Conv, (wrong_dtype, conv_axes, conv_channels, kernel_too_large)),
    (Pools, (nothing_to_pool,)),
    ((BatchNorm, nn.GroupNorm), (norm_axes, norm_channels, wrong_dtype)),
    (nn.LayerNorm, (layer_norm_shape, wrong_dtype)),
    (nn.Embedding, (wrong_dtype,)),
)
