"""From a file to an RGB picture, and to another size."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image

from cnn_basics.images.checks import check_picture


def read_image(path: str | PathLike[str]) -> np.ndarray:
    """Read a picture file as RGB."""
    return iio.imread(Path(path), plugin="pillow", index=0, mode="RGB")


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
    picture = Image.fromarray(np.ascontiguousarray(check_picture(image)))
    return np.array(picture.resize((width, height), Image.Resampling.BILINEAR))


def _height_and_width(size: int | tuple[int, int]) -> tuple[int, int]:
    pair = (size, size) if np.ndim(size) == 0 else tuple(size)
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in pair):
        raise TypeError(
            f"expected size as a whole number or (height, width), got {size!r}: "
            "give pixels, for example 28 or (28, 28)"
        )
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(
            f"expected size as a whole number or (height, width) of at least 1, got {size!r}: "
            "give pixels, for example 28 or (28, 28)"
        )
    return int(pair[0]), int(pair[1])
