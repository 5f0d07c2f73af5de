"""The networks that the lessons build, train and look into, and their way to other programs."""

from __future__ import annotations

import logging
import os
import warnings
from functools import partial
from os import PathLike
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.expect import expect, whole
from cnn_basics.model.trace import refuse_unready, untouched


class Custom_CNN(nn.Module):
    """Two convolutions and two fully connected layers: 28×28 pictures in, one score per class out.

    Args:
        num_classes: how many scores come out; 2 for cat and dog.
        in_channels: channels of a picture; 3 for RGB, 1 for grey digits.

    Raises:
        ValueError, TypeError: if a number is not whole or below 1, or (when called) if the
            pictures do not fit.

    Example:
        >>> Custom_CNN()(torch.zeros(100, 3, 28, 28)).shape
        torch.Size([100, 2])
    """

    def __init__(self, num_classes: int = 2, in_channels: int = 3) -> None:
        super().__init__()
        num_classes = whole(num_classes, "num_classes", 1)
        in_channels = whole(in_channels, "in_channels", 1)
        self.conv1 = nn.Conv2d(in_channels, 32, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5, padding=2)
        self.fc1 = nn.Linear(7 * 7 * 64, 256)
        self.fc2 = nn.Linear(256, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Score pictures (N, in_channels, 28, 28), float, with (N, num_classes) logits."""
        check_pictures(x, self.conv1.weight, side=28)
        x = F.relu(self.conv1(x))  # (N, 32, 28, 28)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 32, 14, 14)
        x = F.relu(self.conv2(x))  # (N, 64, 14, 14)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 64, 7, 7)
        x = torch.flatten(x, start_dim=1)  # (N, 3136): keeps one row per picture
        x = F.relu(self.fc1(x))  # (N, 256)
        return self.fc2(x)  # (N, num_classes)


class Block(nn.Module):
    """Convolution, batch norm, ReLU; with `shortcut` the input is added (He et al., 2016)."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel_size: int = 3,
        stride: int = 1,
        batch_norm: bool = True,
        shortcut: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"kernel_size": kernel_size, "stride": stride, "padding": kernel_size // 2}
        self.conv = nn.Conv2d(channels_in, channels_out, bias=not batch_norm, **sizes)
        self.norm = nn.BatchNorm2d(channels_out) if batch_norm else nn.Identity()
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, channels_in, H, W) into (N, channels_out, H, W), half of both with stride 2."""
        y = F.relu(self.norm(self.conv(x)))
        return x + y if self.shortcut else y


class PhotoNet(nn.Module):
    """Convolutions with batch norm, then one mean for each channel: any size in, scores out.

    With its defaults it has 453,090 parameters, about half of `Custom_CNN`, though three times
    as many convolutions: the mean over all places takes the place of `fc1`.

    Args:
        num_classes: how many scores come out.
        in_channels: channels of a picture; 3 for RGB.
        batch_norm: False leaves batch norm out.
        deep: False leaves out the two blocks with a shortcut.

    Raises:
        ValueError, TypeError: if a number is not whole or below 1, or (when called) if the
            pictures do not fit or have a side of less than 8 pixels.

    Example:
        >>> PhotoNet()(torch.zeros(10, 3, 64, 48)).shape
        torch.Size([10, 2])
    """

    def __init__(
        self,
        num_classes: int = 2,
        in_channels: int = 3,
        *,
        batch_norm: bool = True,
        deep: bool = True,
    ) -> None:
        super().__init__()
        num_classes = whole(num_classes, "num_classes", 1)
        in_channels = whole(in_channels, "in_channels", 1)

        block = partial(Block, batch_norm=batch_norm)
        self.block1 = block(in_channels, 32, kernel_size=5, stride=2)
        self.block2 = block(32, 48)
        self.block3 = block(48, 96)
        self.block4 = block(96, 96, shortcut=True) if deep else nn.Identity()
        self.block5 = block(96, 144)
        self.block6 = block(144, 144, shortcut=True) if deep else nn.Identity()
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(144, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Score pictures (N, in_channels, H, W), float, with (N, num_classes) logits."""
        check_pictures(x, self.block1.conv.weight, smallest=8)  # halved three times, 1 is left
        x = self.block2(self.block1(x))  # (N, 48, H/2, W/2)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 48, H/4, W/4)
        x = self.block4(self.block3(x))  # (N, 96, H/4, W/4)
        x = F.max_pool2d(x, kernel_size=2)  # (N, 96, H/8, W/8)
        x = self.block6(self.block5(x))  # (N, 144, H/8, W/8)
        x = x.mean(dim=(2, 3))  # (N, 144): one number for each channel, whatever the size
        return self.fc(self.dropout(x))  # (N, num_classes)


@torch.fx.wrap  # torch.fx then records the check as one step of the network
def check_pictures(x: Tensor, weight: Tensor, side: int = 0, smallest: int = 0) -> None:
    """Refuse what is not (N, C, side, side), or of at least `smallest` pixels, like `weight`."""
    if torch.jit.is_tracing() or (smallest and torch.compiler.is_compiling()):
        return  # a recording holds no decisions
    channels = weight.shape[1]
    wanted = f"(N, {channels}, {side}, {side})"
    if smallest:
        wanted = f"pictures (N, {channels}, H, W) of at least {smallest}×{smallest}"
    if not isinstance(x, Tensor):
        make = "from_numpy" if type(x).__module__ == "numpy" else "as_tensor"
        expect(False, wanted, x, f"write torch.{make}(x)", TypeError)
    cast = cast_code(x.dtype, weight.dtype)
    fits = x.ndim == 4 and x.shape[1] == channels
    if not fits or (min(x.shape[2:]) < smallest if smallest else x.shape[2:] != (side, side)):
        then = "" if x.is_floating_point() else f", then {cast}"
        fix = _shape_fix(tuple(x.shape), channels, side)
        raise ValueError(f"expected {wanted}, got {tuple(x.shape)}: {fix}{then}")
    castable = {torch.float16, torch.bfloat16, torch.float32}  # autocast leaves float64 as it is
    kinds = {x.dtype, weight.dtype}
    if len(kinds) > 1 and not (kinds <= castable and torch.is_autocast_enabled(x.device.type)):
        wanted, got = (str(one.dtype).removeprefix("torch.") for one in (weight, x))
        raise TypeError(f"expected {wanted} numbers like the weights, got {got}: write {cast}")
    if x.device != weight.device:
        place = f"pictures on {weight.device} like the weights"
        raise ValueError(f'expected {place}, got {x.device}: write x.to("{weight.device}")')


def _shape_fix(shape: tuple[int, ...], channels: int, side: int) -> str:
    """The fix for the first thing that is wrong with a shape; a side of 0 is any."""
    right_sides = not side or shape[-2:] == (side, side)
    if len(shape) == 3 and shape[0] == channels and right_sides:
        return "add the batch axis with x.unsqueeze(0)"
    if len(shape) == 3 and shape[-1] == channels:
        return "move the channels first and add the batch axis with x.permute(2, 0, 1).unsqueeze(0)"
    if len(shape) == 4 and shape[-1] == channels != shape[1]:
        return "move the channels behind the batch axis with x.permute(0, 3, 1, 2)"
    if shape[-3:-2] == (channels,):
        example = f"for example with cnn_basics.images.resize(image, {side})"
        resize = f"resize the pictures to {side}×{side}, {example}"
        return resize if side else "load the pictures larger"
    if len(shape) == 4:
        fix = f"give pictures of {channels} channels"
        if shape[1] == 1:
            fix = f"repeat the grey channel with x.expand(-1, {channels}, -1, -1)"
        elif channels == 1:
            fix = "make the pictures grey with x.mean(dim=1, keepdim=True)"
        elif shape[1] > channels:
            fix = f"keep the first {channels} channels with x[:, :{channels}]"
        network = "Custom_CNN" if side else "PhotoNet"
        return f"{fix}, or build the network with {network}(in_channels={shape[1]})"
    if channels == 1 and len(shape) > 1 and right_sides:
        return f"name all four axes with x.reshape(-1, 1, {shape[-2]}, {shape[-1]})"
    return "give the axes batch, channels, height and width, in this order"


def cast_code(given: torch.dtype, wanted: torch.dtype) -> str:
    """Write the code that brings pictures to the dtype of the weights."""
    cast = "x.float()" if wanted == torch.float32 else f"x.to({wanted})"
    return f"{cast} / 255" if given == torch.uint8 else cast


def export_onnx(model: nn.Module, path: str | PathLike[str], example: Tensor) -> Path:
    """Write a network, as it answers in evaluation mode, into one ONNX file for other programs.

    The input is called `pictures`, the output `scores`; any number of pictures of the size of
    the example goes in.

    Args:
        model: a network that takes one tensor and gives one; it is left as it was.
        path: the file, such as `net.onnx`; an older one is replaced once the new is whole.
        example: (N, C, H, W), pictures as the network takes them, N at least 1.

    Returns:
        The path of the file.

    Raises:
        ValueError, TypeError: if the example or the network does not fit.
        FileNotFoundError: if the folder is not there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export_onnx(nn.Flatten(), Path(folder, "net.onnx"), torch.zeros(1, 1, 8, 8)).name
        'net.onnx'
    """
    path = Path(path).expanduser()
    wanted = "an example (N, C, H, W) of at least one picture"
    fix = "give some pictures as the network takes them, for example pictures[:1]"
    expect(isinstance(example, Tensor), wanted, example, fix, TypeError)
    expect(example.ndim == 4 and len(example), wanted, example, fix)
    refuse_unready(model)
    folder = path.parent
    expect(folder.is_dir(), f"a folder for {path.name}", f"{folder}", "make it", FileNotFoundError)
    batch = torch.export.Dim("N", min=1)
    pictures = torch.cat([example, example])[:2].detach()  # a batch of 1 would be taken for fixed
    part = path.with_name(f"{path.name}.part")
    form = {"input_names": ["pictures"], "output_names": ["scores"], "dynamo": True}
    form |= {"dynamic_shapes": ({0: batch},), "external_data": False, "verbose": False}
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)  # the exporter tells much about its own insides
        with untouched(model), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, (pictures,), part, **form)
        os.replace(part, path)
    finally:
        logger.setLevel(level)
        part.unlink(missing_ok=True)
    return path
