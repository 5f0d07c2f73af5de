"""The networks that the lessons build, train and look into, and their way to other programs."""

from __future__ import annotations

import logging
import os
import warnings
from os import PathLike
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.expect import describe, expect, whole
from cnn_basics.model.trace import refuse_scripted, untouched


class Custom_CNN(nn.Module):
    """Two convolutions and two fully connected layers: 28×28 pictures in, one score per class out.

    With its defaults the network has 857,282 parameters, and its state dict has the names
    `conv1`, `conv2`, `fc1` and `fc2`, each with `weight` and `bias`.

    Args:
        num_classes: how many scores come out; 2 for cat and dog.
        in_channels: channels of a picture; 3 for RGB, 1 for grey digits.

    Raises:
        ValueError: if a number is below 1, or (when called) if the pictures have another shape.
        TypeError: if a number is not whole, or (when called) if `x` is not a tensor or has
            another dtype than the weights.

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
    """Convolution, batch norm, ReLU; with `shortcut` the input is added to the output.

    Source:
        Shortcuts: K. He et al. (2016), "Deep residual learning for image recognition",
        equation 1, https://arxiv.org/abs/1512.03385
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        *,
        batch_norm: bool = True,
        shortcut: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"kernel_size": kernel_size, "stride": stride, "padding": kernel_size // 2}
        self.conv = nn.Conv2d(in_channels, out_channels, bias=not batch_norm, **sizes)
        self.norm = nn.BatchNorm2d(out_channels) if batch_norm else nn.Identity()
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, in_channels, H, W) into (N, out_channels, H, W), half of both with stride 2."""
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
        ValueError: if a number is below 1, or (when called) if the pictures have another shape
            than (N, in_channels, H, W), both sides of at least 8 pixels.
        TypeError: if a number is not whole, or (when called) if `x` is not a tensor of floats.

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

        def block(channels_in: int, channels_out: int, **options: object) -> nn.Module:
            return Block(channels_in, channels_out, batch_norm=batch_norm, **options)

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
        raise TypeError(f"expected {wanted}, got {describe(x)}: write torch.{make}(x)")
    fits = x.ndim == 4 and x.shape[1] == channels
    if not fits or (min(x.shape[2:]) < smallest if smallest else x.shape[2:] != (side, side)):
        fix = _shape_fix(tuple(x.shape), channels, side)
        then = "" if x.is_floating_point() else f", then {cast_code(x.dtype, weight.dtype)}"
        raise ValueError(f"expected {wanted}, got {tuple(x.shape)}: {fix}{then}")
    if x.dtype != weight.dtype and not _autocast_casts(x, weight):
        wanted, got = (str(one.dtype).removeprefix("torch.") for one in (weight, x))
        fix = f"write {cast_code(x.dtype, weight.dtype)}"
        raise TypeError(f"expected {wanted} numbers like the weights, got {got}: {fix}")
    if x.device != weight.device:
        fix = f'write x.to("{weight.device}")'
        raise ValueError(
            f"expected pictures on {weight.device} like the weights, got {x.device}: {fix}"
        )


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
        resize = f"cnn_basics.images.resize(image, {side})"
        larger = "load the pictures larger"
        return (
            f"resize the pictures to {side}×{side}, for example with {resize}" if side else larger
        )
    if len(shape) == 4:
        rebuild = f"{'Custom_CNN' if side else 'PhotoNet'}(in_channels={shape[1]})"
        return f"{_channel_fix(shape[1], channels)}, or build the network with {rebuild}"
    if channels == 1 and len(shape) > 1 and right_sides:
        return f"name all four axes with x.reshape(-1, 1, {shape[-2]}, {shape[-1]})"
    return "give the axes batch, channels, height and width, in this order"


def _channel_fix(got: int, channels: int) -> str:
    if got == 1:
        return f"repeat the grey channel with x.expand(-1, {channels}, -1, -1)"
    if channels == 1:
        return "make the pictures grey with x.mean(dim=1, keepdim=True)"
    if got > channels:
        return f"keep the first {channels} channels with x[:, :{channels}]"
    return f"give pictures of {channels} channels"


def cast_code(given: torch.dtype, wanted: torch.dtype) -> str:
    """Write the code that brings pictures to the dtype of the weights."""
    cast = "x.float()" if wanted == torch.float32 else f"x.to({wanted})"
    return f"{cast} / 255" if given == torch.uint8 else cast


def _autocast_casts(x: Tensor, weight: Tensor) -> bool:
    """Whether autocast brings both to one dtype by itself; it leaves float64 as it is."""
    castable = {torch.float16, torch.bfloat16, torch.float32}
    return torch.is_autocast_enabled(x.device.type) and {x.dtype, weight.dtype} <= castable


def export_onnx(model: nn.Module, path: str | PathLike[str], example: Tensor) -> Path:
    """Write a network into one ONNX file, for phones, browsers and other programs.

    The file holds the network as it answers in evaluation mode. Its input is called `pictures`,
    its output `scores`; it takes any number of pictures of the size of the example.

    Args:
        model: a network that takes one tensor and gives one; it is left as it was.
        path: the file, usually ending in `.onnx`; an older one is replaced once the new is whole.
        example: (N, C, H, W), pictures as the network takes them, N at least 1.

    Returns:
        The path of the file.

    Raises:
        TypeError: if `example` is not a tensor, or the network was compiled to TorchScript.
        ValueError: if `example` has not four axes, or holds no picture.
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
    refuse_scripted(model)
    folder = path.parent
    expect(folder.is_dir(), f"a folder for {path.name}", f"{folder}", "make it", FileNotFoundError)
    batch = torch.export.Dim("N", min=1)
    pictures = torch.cat([example, example])[:2].detach()  # a batch of 1 would be taken for fixed
    part = path.with_name(f"{path.name}.part")
    names = {"input_names": ["pictures"], "output_names": ["scores"]}
    form = {"dynamo": True, "dynamic_shapes": ({0: batch},), "external_data": False}
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)  # the exporter tells much about its own insides
        with untouched(model), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, (pictures,), part, **names, **form, verbose=False)
        os.replace(part, path)
    finally:
        logger.setLevel(level)
        part.unlink(missing_ok=True)
    return path
