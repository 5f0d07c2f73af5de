"""The checks that networks make of their pictures before any maths."""

from __future__ import annotations

import torch
from torch import Tensor

SIZE = 28


def check_pictures(x: Tensor, weight: Tensor) -> None:
    """Refuse pictures that `Custom_CNN` cannot read, in one sentence that says the fix.

    Nothing is checked while `torch.jit.trace` records, since a recording holds no decisions.

    Args:
        x: the pictures, expected as (N, C, 28, 28), the dtype and device of `weight`.
        weight: (out_channels, C, kH, kW), the weight of the first convolution.

    Raises:
        TypeError: if `x` is not a tensor, or has another dtype than `weight`.
        ValueError: if `x` has another shape, or is on another device.

    Example:
        >>> check_pictures(torch.zeros(2, 3, 28, 28), torch.zeros(32, 3, 5, 5))
    """
    if torch.jit.is_tracing():
        return
    if not isinstance(x, Tensor):
        got = f"{type(x).__module__}.{type(x).__qualname__}"
        raise TypeError(
            f"expected a torch tensor of shape (N, C, {SIZE}, {SIZE}), got {got}: "
            f"write {_as_tensor(x)}"
        )
    channels = weight.shape[1]
    if x.ndim != 4 or x.shape[1:] != (channels, SIZE, SIZE):
        raise ValueError(
            f"expected (N, {channels}, {SIZE}, {SIZE}), got {tuple(x.shape)}: "
            f"{_shape_fix(tuple(x.shape), channels)}{_scale_hint(x, weight)}"
        )
    if x.dtype != weight.dtype and not _autocast_casts(x, weight):
        raise TypeError(
            f"expected {_name(weight)} numbers like the weights, got {_name(x)}: "
            f"write {_dtype_fix(x, weight)}"
        )
    if x.device != weight.device:
        raise ValueError(
            f"expected pictures on {weight.device} like the weights, got {x.device}: "
            f'write x.to("{weight.device}")'
        )


def check_photos(x: Tensor, weight: Tensor, smallest: int) -> None:
    """Refuse pictures that a network for any size cannot read, in one sentence with the fix.

    Nothing is checked while `torch.jit.trace` or `torch.export` records.

    Args:
        x: the pictures, expected as (N, C, H, W), the dtype of `weight`.
        weight: (out_channels, C, kH, kW), the weight of the first convolution.
        smallest: the least height and width.

    Raises:
        TypeError: if `x` is not a tensor, or has another dtype than `weight`.
        ValueError: if `x` has another shape.

    Example:
        >>> check_photos(torch.zeros(2, 3, 48, 64), torch.zeros(32, 3, 5, 5), smallest=8)
    """
    if torch.jit.is_tracing() or torch.compiler.is_compiling():
        return
    channels = weight.shape[1]
    wanted = f"expected pictures (N, {channels}, H, W) of at least {smallest}×{smallest}"
    if not isinstance(x, Tensor):
        got = f"{type(x).__module__}.{type(x).__qualname__}"
        raise TypeError(f"{wanted}, got {got}: write {_as_tensor(x)}")
    if x.ndim != 4 or x.shape[1] != channels or min(x.shape[2:]) < smallest:
        raise ValueError(f"{wanted}, got {tuple(x.shape)}: {_photo_fix(x.shape, channels)}")
    if x.dtype != weight.dtype and not _autocast_casts(x, weight):
        raise TypeError(
            f"expected {_name(weight)} numbers like the weights, got {_name(x)}: "
            f"write {_dtype_fix(x, weight)}"
        )


def _as_tensor(x: object) -> str:
    return "torch.from_numpy(x)" if type(x).__module__ == "numpy" else "torch.as_tensor(x)"


def _shape_fix(shape: tuple[int, ...], channels: int) -> str:
    """The fix for the first thing that is wrong with a shape."""
    if shape == (channels, SIZE, SIZE):
        return "add the batch axis with x.unsqueeze(0)"
    if len(shape) == 3 and shape[-1] == channels:
        return "move the channels first and add the batch axis with x.permute(2, 0, 1).unsqueeze(0)"
    if len(shape) == 4 and shape[-1] == channels and shape[1] != channels:
        return "move the channels behind the batch axis with x.permute(0, 3, 1, 2)"
    if shape[-2:] != (SIZE, SIZE) and shape[-3:-2] == (channels,):
        return (
            f"resize the pictures to {SIZE}×{SIZE}, for example with "
            f"cnn_basics.images.resize(image, {SIZE})"
        )
    if len(shape) == 4 and shape[2:] == (SIZE, SIZE):
        return _channel_fix(shape[1], channels)
    if shape[-2:] == (SIZE, SIZE) and channels == 1:
        return f"name all four axes with x.reshape(-1, 1, {SIZE}, {SIZE})"
    return "give the axes batch, channels, height and width, in this order"


def _photo_fix(shape: tuple[int, ...], channels: int) -> str:
    """The fix for pictures of any size."""
    if len(shape) == 3 and shape[0] == channels:
        return "add the batch axis with x.unsqueeze(0)"
    if len(shape) == 3 and shape[-1] == channels:
        return "move the channels first and add the batch axis with x.permute(2, 0, 1).unsqueeze(0)"
    if len(shape) != 4:
        return "give the axes batch, channels, height and width, in this order"
    if shape[1] == channels:
        return "load the pictures larger"
    if shape[-1] == channels:
        return "move the channels behind the batch axis with x.permute(0, 3, 1, 2)"
    if shape[1] == 1:
        return f"repeat the grey channel with x.expand(-1, {channels}, -1, -1)"
    return f"give pictures of {channels} channels, or build the network with in_channels={shape[1]}"


def _channel_fix(got: int, channels: int) -> str:
    rebuild = f"or build the network with Custom_CNN(in_channels={got})"
    if got == 1:
        return f"repeat the grey channel with x.expand(-1, {channels}, -1, -1), {rebuild}"
    if channels == 1:
        return f"make the pictures grey with x.mean(dim=1, keepdim=True), {rebuild}"
    if got > channels:
        return f"keep the first {channels} channels with x[:, :{channels}], {rebuild}"
    return f"give pictures of {channels} channels, {rebuild}" if got else "give at least 1 channel"


def _scale_hint(x: Tensor, weight: Tensor) -> str:
    """Whole numbers need a second step once the shape is right."""
    return "" if x.is_floating_point() else f", then {_dtype_fix(x, weight)}"


def _dtype_fix(x: Tensor, weight: Tensor) -> str:
    cast = "x.float()" if weight.dtype == torch.float32 else f"x.to({weight.dtype})"
    return f"{cast} / 255" if x.dtype == torch.uint8 else cast


def _autocast_casts(x: Tensor, weight: Tensor) -> bool:
    """Whether autocast brings both to one dtype by itself; it leaves float64 as it is."""
    castable = {torch.float16, torch.bfloat16, torch.float32}
    return torch.is_autocast_enabled(x.device.type) and {x.dtype, weight.dtype} <= castable


def _name(x: Tensor) -> str:
    return str(x.dtype).removeprefix("torch.")
