"""What can be wrong with the input of a layer: one small rule per kind of fault."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, isqrt, prod

import torch
from torch import nn

from cnn_basics.model.case import Case, Finding, dtype_name, flattening_before, times
from cnn_basics.model.silent_faults import is_channels_first_map, reshaped_batch

Rule = Callable[[Case], Finding | None]
Conv = nn.modules.conv._ConvNd
Transposed = nn.modules.conv._ConvTransposeNd
BatchNorm = nn.modules.batchnorm._BatchNorm
Pools = (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd)
AXES = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}


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
        f"{case.pictures} rows, one per picture,",
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
    if expected % area == 0:
        return f", or give the feature map {expected // area} channels instead of {channels}"
    side = isqrt(expected // channels)
    if len(source) == 3 and channels * side * side == expected:
        return f", or resize the pictures so that the feature map is {side}×{side}"
    return ""


def conv_axes(case: Case) -> Finding | None:
    """A convolution that gets no batch axis, or the channels last, or too few axes."""
    axes = len(case.layer.kernel_size)
    channels, shape = case.layer.in_channels, case.shape
    expected = AXES[axes].replace("C", str(channels))
    if len(shape) == axes + 1 and shape[0] == channels:
        return Finding(expected, f"{shape}", "add the batch axis with x.unsqueeze(0)")
    if len(shape) == axes + 2 and shape[-1] == channels != shape[1]:
        order = ", ".join(str(axis) for axis in (0, axes + 1, *range(1, axes + 1)))
        return Finding(expected, f"{shape} with the channels last", f"write x.permute({order})")
    if len(shape) != axes + 2:
        fix = f"give it {axes + 2} axes, such as x.reshape(-1, {channels}, …) does"
        return Finding(f"{axes + 2} axes {expected}", f"{len(shape)} axes {shape}", fix)
    return None


def conv_channels(case: Case) -> Finding | None:
    """A convolution made for another number of channels."""
    expected, got = case.layer.in_channels, case.shape[1]
    if expected == got:
        return None
    changes = {"in_channels": got, "groups": gcd(case.layer.groups, got)}
    if 1 < case.layer.groups == expected:  # one kernel per channel
        changes = {
            "in_channels": got,
            "groups": got,
            "out_channels": got * (case.layer.out_channels // expected),
        }
    grey = got == 1 and case.shape == case.inputs[0]
    fix = f", or repeat the grey channel with x.expand(-1, {expected}, -1, -1)" if grey else ""
    groups = f" in {case.layer.groups} groups" if case.layer.groups > 1 else ""
    return Finding(f"{expected} channels{groups}", f"{got}", case.write(**changes) + fix)


def kernel_too_large(case: Case) -> Finding | None:
    """A convolution whose kernel is larger than the padded map."""
    if isinstance(case.layer, Transposed) or isinstance(case.layer.padding, str):
        return None
    sizes, reach, padding = _window(case)
    padded = tuple(size + 2 * p for size, p in zip(sizes, padding, strict=True))
    if all(size >= r for size, r in zip(padded, reach, strict=True)):
        return None
    enough = tuple(
        max(p, -(-(r - size) // 2)) for size, r, p in zip(sizes, reach, padding, strict=True)
    )
    return Finding(
        f"a padded map of at least {times(reach)}",
        f"{times(padded)}",
        case.write(padding=enough) + ", or leave out a pooling step before it",
    )


def nothing_to_pool(case: Case) -> Finding | None:
    """A pooling window larger than the map."""
    sizes, reach, padding = _window(case)
    if all(size + 2 * p >= r for size, r, p in zip(sizes, reach, padding, strict=True)):
        return None
    leave = "put nn.Identity() in its place" if case.step.module else "leave out this call"
    return Finding(
        f"a map of at least {times(reach)}",
        f"{times(sizes)}",
        f"{leave}, or start from larger pictures",
    )


def _window(case: Case) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The sizes of the map, how far the kernel reaches, and the padding, per axis."""
    axes = int(type(case.layer).__name__.rstrip("d")[-1])
    spread = [getattr(case.layer, name, 1) for name in ("kernel_size", "dilation", "padding")]
    kernel, dilation, padding = ((v,) * axes if isinstance(v, int) else tuple(v) for v in spread)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    return case.shape[-axes:], reach, padding


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
    return Finding(f"{expected} channels", f"{got}", case.write(**changes))


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
