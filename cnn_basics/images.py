"""Read a picture, take its colour channels apart, and turn it into a tensor and back."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from cnn_basics.expect import expect, whole

if TYPE_CHECKING:
    from cnn_basics.figures import LessonFigure

RESAVE = "open it in a picture program and save it as an 8-bit PNG or JPEG"
NO_PIXELS = "it holds no pixels, so check where it was cropped"
WITH_PLAIN_RGB = ("1", "L", "LA", "P", "PA", "RGB", "RGBX", "RGBA", "CMYK", "YCbCr")
PNG = b"\x89PNG\r\n\x1a\n"
NAMES = ("Red", "Green", "Blue")
VIEWS = {  # what the alt text says of each way to draw the channels
    "grey": "as three grey pictures, where white means much of that colour",
    "tinted": "as three pictures, each in its own colour on black",
    "recombined": "as three pictures in their own colours, which add up to the picture again",
}
Values = TypeVar("Values", np.ndarray, torch.Tensor)


def read_image(path: str | PathLike[str], at_least: int | None = None) -> np.ndarray:
    """Read a picture file as red, green and blue, the right way up.

    Grey becomes three equal channels, what is transparent is laid over white, of 16 bits the upper
    8 are kept, of an animation the first picture.

    Args:
        path: A file in any format that Pillow reads: PNG, JPEG, GIF, WebP, BMP, TIFF, …
        at_least: Decode a JPEG, in less time, at a half, a quarter or an eighth of its size, as
            long as both sides keep so many pixels; None for its full size.

    Returns:
        `(H, W, 3)` uint8 array, values 0 to 255, contiguous and writable.

    Raises:
        FileNotFoundError, ValueError: There is no such file, or it cannot be read.

    Example:
        >>> from cnn_basics.datasets import picture_paths
        >>> read_image(picture_paths("training_set", "cats")[0]).shape
        (64, 64, 3)
    """
    path = Path(path).expanduser()
    if path.is_dir() or not path.exists():
        what = "is a folder" if path.is_dir() else "does not exist"
        fix = "check the name and the folder"
        raise FileNotFoundError(f"{path} {what}, expected a picture file: {fix}")
    data = path.read_bytes()
    try:
        image = _decode(data, at_least)
    except Exception as error:  # what a damaged file provokes differs by format
        try:
            image = _decode(_without_notes(data), at_least)
        except Exception:
            raise ValueError(f"{path} {_unreadable(data, error)}") from error
    if image is None:
        kind = "holds pixels of a kind that has no plain RGB value"
        raise ValueError(f"{path} {kind}, expected 8 or 16 bits per channel: {RESAVE}")
    return image


@contextmanager
def strict_about_bombs() -> Iterator[None]:
    """Refuse too many pixels, and keep quiet about odd metadata; enter it before threads start."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _decode(data: bytes, at_least: int | None) -> np.ndarray | None:
    """The pixels as `(H, W, 3)` uint8, the right way up; None for unfit kinds."""
    has_16_bits = data[:4] == PNG[:4] and data[24] == 16
    if data[4:8] == b"ftyp":
        with suppress(ImportError):  # a plug-in for what phones write
            importlib.import_module("pillow_heif").register_heif_opener()
    with strict_about_bombs(), Image.open(io.BytesIO(data)) as image:
        if at_least is not None:
            image.draft(None, (at_least, at_least))
        image.load()
        info = image.info
        if has_16_bits and "transparency" in info:  # Pillow compares it with 8 bits
            return None
        if image.mode.startswith("I;16") or (image.mode == "I" and has_16_bits):
            image = Image.fromarray((np.asarray(image) // 256).astype(np.uint8))
        if image.mode not in WITH_PLAIN_RGB:
            return None
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        rgb = image.convert("RGB")
        rgb.info = info  # which says how the camera was held
        with suppress(Exception):  # broken metadata say nothing about the pixels
            rgb = ImageOps.exif_transpose(rgb)
        return np.array(rgb)


def _without_notes(data: bytes) -> bytes:
    """A PNG without its texts, times and profiles: a broken one says nothing about the pixels."""
    if not data.startswith(PNG):
        return data
    kept, start = [PNG], len(PNG)
    while start + 12 <= len(data):  # length, name, content, checksum
        end = start + 12 + int.from_bytes(data[start : start + 4])
        name = data[start + 4 : start + 8]
        if name[:1].isupper() or name in (b"tRNS", b"eXIf"):
            kept.append(data[start:end])
        start = end
    return b"".join(kept)


def _unreadable(data: bytes, error: Exception) -> str:
    """What is wrong with a file that Pillow could not open or decode."""
    if not data:
        return "is empty (0 bytes), expected a picture: copy the file again"
    if isinstance(error, (Image.DecompressionBombWarning, Image.DecompressionBombError)):
        most = f"{Image.MAX_IMAGE_PIXELS:,}"
        return f"has too many pixels, expected at most {most}: save a smaller copy of the picture"
    if not isinstance(error, UnidentifiedImageError):
        reason = " ".join(str(error).split()) or type(error).__name__
        return f"is damaged or cut off ({reason}), expected a whole picture: copy the file again"
    if data[4:8] == b"ftyp":
        fix = "run pip install pillow-heif, or save it as JPEG or PNG"
        return f"is HEIC or AVIF, expected a format that Pillow reads without a plug-in: {fix}"
    what = f"is not a picture in a format that Pillow reads (it begins with {data[:8]!r})"
    return f"{what}, expected PNG, JPEG, GIF, WebP, BMP or TIFF: {RESAVE}"


def resize(image: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Squeeze or stretch a whole picture to another size; nothing is cropped.

    Each new pixel is a weighted mean of *all* the old pixels under it, so that thin lines turn
    grey instead of vanishing (Pillow's bilinear filter, anti-aliased).

    Args:
        image: `(H, W, 3)` uint8 array, values 0 to 255.
        size: The side of a square, or `(height, width)`, in pixels, at least 1.

    Returns:
        `(height, width, 3)` uint8 array, values 0 to 255; always a copy.

    Example:
        >>> resize(np.zeros((375, 500, 3), dtype=np.uint8), 28).shape
        (28, 28, 3)
    """
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    fix = "give pixels, at least 1, for example 28 or (28, 28)"
    expect(len(pair) == 2, "size as a whole number or (height, width)", str(size), fix)
    height, width = (whole(side, "size", 1, fix) for side in pair)
    picture = Image.fromarray(check_picture(image))
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR))


def check_picture(image: object) -> np.ndarray:
    """Return one RGB picture, `(H, W, 3)` uint8, as it is, and refuse whatever is none."""
    what = "one picture as a uint8 array of shape (H, W, 3)"
    fix = "read the file first, with read_image(path), or turn a tensor back with to_hwc(tensor)"
    expect(isinstance(image, np.ndarray), what, image, fix, TypeError)
    fix = "give one picture, red, green and blue on the last axis (grey: np.dstack([grey] * 3))"
    expect(image.ndim == 3 and image.shape[2] == 3, what, image, fix)
    expect(image.dtype == np.uint8, what, image, "bring values to 0–255, .round().astype(np.uint8)")
    expect(image.size, what, image, NO_PIXELS)
    return image


def check_range(x: Values) -> Values:
    """Return an array or tensor as it is, and refuse values outside of 0 to 1, and NaN.

    Example:
        >>> check_range(torch.tensor([0.0, 0.5, 1.0]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    is_values = isinstance(x, (np.ndarray, torch.Tensor))
    expect(is_values, "an array or a tensor", x, "use torch.tensor(x)", TypeError)
    smallest, largest = (x.min().item(), x.max().item()) if 0 not in x.shape else (0, 1)
    if not 0 <= smallest <= largest <= 1:  # NaN is in no order
        fix = "divide a uint8 picture by 255"
        if smallest != smallest:
            fix = "look for a division by zero, or the root or logarithm of a negative number"
        elif smallest < 0 or largest > 255:
            fix += ", any other with (x - x.min()) / (x.max() - x.min())"
        raise ValueError(f"values run from {smallest:g} to {largest:g}, expected 0 to 1: {fix}")
    return x


def split_channels(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Copy the red, green and blue channel, each `(H, W)` uint8, out of an `(H, W, 3)` picture.

    Example:
        >>> image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        >>> red, green, blue = split_channels(image)
        >>> red.tolist()
        [[0, 3], [6, 9]]
    """
    red, green, blue = np.moveaxis(check_picture(image), -1, 0).copy()
    return red, green, blue


def show_rgb(image: np.ndarray, view: str = "grey") -> LessonFigure:
    """Draw a picture's three channels side by side; the alt text names each channel's mean.

    Args:
        image: `(H, W, 3)` uint8 array, values 0 to 255.
        view: `"grey"` shows each channel as a grey picture, from 0 (black) to 255 (white);
            `"tinted"` shows each in its own colour; `"recombined"` shows the picture, the three
            tinted channels, and the picture that they add up to.

    Example:
        >>> figure = show_rgb(np.zeros((28, 28, 3), dtype=np.uint8), view="tinted")
        >>> len(figure.axes)
        3
    """
    from cnn_basics.figures import new_figure, plain_axes

    expect(view in VIEWS, 'view "grey", "tinted" or "recombined"', repr(view), "use one")
    channels = split_channels(image)
    panels = dict(zip(NAMES, channels, strict=True))
    if view != "grey":
        panels = {name: image * np.eye(3, dtype=np.uint8)[k] for k, name in enumerate(NAMES)}
    if view == "recombined":
        panels = {"Picture": image, **panels, "Recombined": np.stack(channels, axis=-1)}
    figure, axes = new_figure(1, len(panels), width=7.0, height=2.6 if len(panels) == 3 else 1.8)
    for panel_axes, (title, panel) in zip(axes, panels.items(), strict=True):
        panel_axes.imshow(panel, cmap="gray", vmin=0, vmax=255)  # unstretched
        plain_axes(panel_axes, title)
    for panel_axes, sign in zip(axes[1:], "=++=" if view == "recombined" else "", strict=False):
        panel_axes.text(-0.08, 0.5, sign, transform=panel_axes.transAxes, ha="center")
    red, green, blue = (f"{channel.mean():.0f}" for channel in channels)
    figure.alt = (
        f"The red, green and blue channel of a picture {image.shape[0]} pixels high and "
        f"{image.shape[1]} wide, {VIEWS[view]}; mean out of 255: red {red}, green {green}, "
        f"blue {blue}."
    )
    return figure


def to_nchw(image: np.ndarray, scale: bool = True) -> torch.Tensor:
    """Turn one picture or a batch into a tensor, channels before rows and columns.

    Args:
        image: `(H, W, C)` or `(N, H, W, C)` array with C of 3 (RGB) or 1 (grey): uint8, values
            0 to 255, or float, values 0 to 1.
        scale: Divide uint8 values by 255. False keeps uint8 as it is; floats stay in any case.

    Returns:
        `(N, C, H, W)` tensor, N of 1 for one picture: float32, values 0 to 1, or uint8 with
        `scale=False`. It shares no memory with `image`.

    Example:
        >>> to_nchw(np.zeros((28, 20, 3), dtype=np.uint8)).shape
        torch.Size([1, 3, 28, 20])
    """
    what = "pictures as an array of shape (H, W, 3) or (N, H, W, 3), uint8 or float"
    fix = "join pictures of one size with np.stack; for tensors there is to_hwc"
    expect(isinstance(image, np.ndarray), what, image, fix, TypeError)
    is_uint8 = image.dtype == np.uint8
    fix = "for whole numbers from 0 to 255 use .astype(np.uint8)"
    expect(is_uint8 or np.issubdtype(image.dtype, np.floating), what, image, fix, TypeError)
    fix = "move the channels to the last axis and keep 3 (RGB) or 1"
    if image.ndim == 2:
        fix = "give grey pictures a channel axis with grey[:, :, None]"
    expect(image.ndim in (3, 4) and image.shape[-1] in (1, 3), what, image, fix)
    expect(image.size, what, image, NO_PIXELS)
    batch = image if image.ndim == 4 else image[None]
    values = batch if is_uint8 else check_range(batch)
    dtype = np.float32 if scale or not is_uint8 else np.uint8
    nchw = torch.from_numpy(np.array(values.transpose(0, 3, 1, 2), dtype=dtype, order="C"))
    return nchw.div_(255) if scale and is_uint8 else nchw


def to_hwc(tensor: torch.Tensor) -> np.ndarray:
    """Turn a tensor back into pictures, the inverse of `to_nchw`; nothing is clipped.

    Args:
        tensor: `(N, C, H, W)` or `(C, H, W)` with C of 3 (RGB) or 1 (grey): float, values 0 to
            1, or uint8. May be on any device and may require a gradient.

    Returns:
        `(N, H, W, C)` or `(H, W, C)` uint8 array, values 0 to 255: floats are multiplied by 255
        and rounded. It shares no memory with `tensor`.

    Example:
        >>> to_hwc(torch.zeros(10, 3, 28, 20)).shape
        (10, 28, 20, 3)
    """
    what = "pictures as a tensor of shape (N, 3, H, W) or (3, H, W), uint8 or float"
    fix = "join tensors of one shape with torch.stack; for arrays there is to_nchw"
    expect(isinstance(tensor, torch.Tensor), what, tensor, fix, TypeError)
    fix = "for whole numbers from 0 to 255 use .to(torch.uint8)"
    is_uint8 = tensor.dtype == torch.uint8
    expect(is_uint8 or tensor.is_floating_point(), what, tensor, fix, TypeError)
    fix = "move the channels before rows and columns with movedim, or pick feature maps one by one"
    expect(tensor.ndim in (3, 4) and tensor.shape[-3] in (1, 3), what, tensor, fix)
    expect(tensor.numel(), what, tensor, NO_PIXELS)
    tensor = tensor.detach().cpu()
    if not is_uint8:
        precise = torch.promote_types(tensor.dtype, torch.float32)
        tensor = (check_range(tensor).to(precise) * 255).round_().to(torch.uint8)
    return np.array(tensor.movedim(-3, -1).numpy(), order="C")
