"""From a file to an RGB picture, and to another size."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image

from cnn_basics.images.checks import check_picture

RESAVE = "open it in a picture program and save it as an 8-bit PNG or JPEG"
# Pillow's names for kinds of pixels; a palette (P) may hold transparent colours
OPAQUE = {"1", "L", "RGB", "RGBX", "CMYK", "YCbCr"}
WITH_ALPHA = {"P", "PA", "LA", "RGBA"}
TURNED = {  # EXIF orientation -> the same picture upright; axis 0 runs down, axis 1 right
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}


def read_image(path: str | PathLike[str]) -> np.ndarray:
    """Read a picture file as red, green and blue, the right way up.

    Whatever the file holds becomes the same kind of array:

    * grey and black-and-white pictures repeat their value in all three channels;
    * palette colours are looked up; what is transparent is laid over white;
    * CMYK (print) colours are converted by Pillow's formula, without a colour profile;
    * of 16 bits per channel the upper 8 are kept (`value // 256`: 65535 becomes 255);
    * a camera's EXIF orientation is applied;
    * of an animation or a document of several pages, the first picture is taken.

    Args:
        path: A file in any format that Pillow reads: PNG, JPEG, GIF, WebP, BMP, TIFF, …

    Returns:
        `(H, W, 3)` uint8 array, values 0 to 255, contiguous and writable.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The path is a folder, or the file is empty, cut off, damaged, no picture,
            larger than Pillow's limit of about 89 million pixels, or holds numbers that have
            no fixed white (floats, 32-bit whole numbers).

    Example:
        >>> from cnn_basics.datasets import picture_paths
        >>> read_image(picture_paths("training_set", "cats")[0]).shape
        (64, 64, 3)
    """
    path = Path(path)
    data = _file_bytes(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on odd metadata are not the reader's business
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            mode, pixels, metadata = _decode(data)
        except Exception as error:  # what a damaged file provokes differs by format
            raise ValueError(_unreadable(path, data, error)) from error
    if pixels is None or (_is_16_bit_png(data) and "transparency" in metadata):
        raise ValueError(
            f"{path} holds pixels of a kind that has no plain RGB value (Pillow calls it {mode}), "
            f"expected 8 or 16 bits per channel: {RESAVE}"
        )
    pixels = TURNED.get(metadata.get("Orientation"), np.asarray)(_to_rgb(pixels))
    return np.array(pixels, order="C")


def resize(image: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Squeeze or stretch a whole picture to another size.

    Nothing is cropped, so the proportions change unless the target has the same. Pillow's
    bilinear filter widens with the reduction: each new pixel is a weighted mean of *all* the
    old pixels under it, so that thin lines turn grey instead of vanishing (anti-aliasing).

    Args:
        image: `(H, W, 3)` uint8 array, values 0 to 255.
        size: The side of a square, or `(height, width)`, in pixels, at least 1.

    Returns:
        `(height, width, 3)` uint8 array, values 0 to 255; always a copy.

    Raises:
        TypeError: `image` is not a NumPy array, or `size` is not made of whole numbers.
        ValueError: `image` is not `(H, W, 3)` uint8, or `size` is below 1 or no pair.

    Example:
        >>> resize(np.zeros((375, 500, 3), dtype=np.uint8), 28).shape
        (28, 28, 3)
    """
    height, width = _height_and_width(size)
    picture = Image.fromarray(check_picture(image))
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR))


def _file_bytes(path: Path) -> bytes:
    """The file's content, so that no name is taken for a web address or an archive."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder, expected one picture file: name a file inside it")
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist, expected a picture file: check the name and the folder"
        )
    data = path.read_bytes()
    if not data:
        raise ValueError(f"{path} is empty (0 bytes), expected a picture: copy the file again")
    return data


def _decode(data: bytes) -> tuple[str, np.ndarray | None, dict[str, object]]:
    """Pillow's mode, the first picture's pixels (None for an unfit mode), and the metadata."""
    with iio.imopen(data, "r", plugin="pillow") as file:
        metadata = file.metadata(index=0)
        mode, pixels = metadata["mode"], None
        if mode in WITH_ALPHA or (mode in OPAQUE and "transparency" in metadata):
            pixels = file.read(index=0, mode="RGBA")
        elif mode in OPAQUE:
            pixels = file.read(index=0, mode="RGB")
        elif mode.startswith("I"):
            pixels = file.read(index=0)
            pixels = pixels if pixels.dtype.itemsize == 2 else None
        # asked after reading: Pillow turns a TIFF itself and then drops the orientation
        return mode, pixels, file.metadata(index=0, exclude_applied=False)


def _to_rgb(pixels: np.ndarray) -> np.ndarray:
    """Bring 16-bit grey, RGBA or RGB to RGB."""
    if pixels.ndim == 2:
        return np.repeat((pixels // 256).astype(np.uint8)[..., None], 3, axis=2)
    if pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.uint16)
    over_white = pixels[..., :3] * alpha + 255 * (255 - alpha)  # at most 255 * 255
    return ((over_white + 127) // 255).astype(np.uint8)


def _is_16_bit_png(data: bytes) -> bool:
    return data[:8] == b"\x89PNG\r\n\x1a\n" and data[24] == 16


def _unreadable(path: Path, data: bytes, error: Exception) -> str:
    """The sentence for a file that Pillow could not open or decode."""
    cause = error.__cause__ or error  # imageio wraps what Pillow says on opening
    if isinstance(cause, (Image.DecompressionBombWarning, Image.DecompressionBombError)):
        return (
            f"{path} has too many pixels, expected at most {Image.MAX_IMAGE_PIXELS:,}: "
            "save a smaller copy of the picture"
        )
    if "can not handle" in str(error):
        start = data[:8].decode("ascii", errors="replace")
        return (
            f"{path} is not a picture in a format that Pillow reads (it begins with {start!r}), "
            f"expected PNG, JPEG, GIF, WebP, BMP or TIFF: {RESAVE}"
        )
    reason = " ".join(str(cause).split()) or type(cause).__name__
    return (
        f"{path} is damaged or cut off ({reason}), expected a whole picture: "
        "copy or download the file again"
    )


def _height_and_width(size: int | tuple[int, int]) -> tuple[int, int]:
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    wanted = f"expected size as a whole number or (height, width), got {size!r}"
    fix = "give pixels, at least 1, for example 28 or (28, 28)"
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in pair):
        raise TypeError(f"{wanted}: {fix}")
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(f"{wanted}: {fix}")
    return int(pair[0]), int(pair[1])
