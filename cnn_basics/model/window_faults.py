"""What can be wrong with the input of a convolution or a pooling layer."""

from __future__ import annotations

from math import gcd

from torch import nn

from cnn_basics.model.case import Case, Finding, times

Conv = nn.modules.conv._ConvNd
Transposed = nn.modules.conv._ConvTransposeNd
Pools = (nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd)
AXES = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}


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
    return Finding(
        f"{expected} channel{'s' * (expected != 1)}{groups}", f"{got}", case.write(**changes) + fix
    )


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
