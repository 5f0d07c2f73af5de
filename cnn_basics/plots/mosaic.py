"""Many small pictures of one size as one large picture, which is drawn many times as fast."""

from __future__ import annotations

import math

import numpy as np
from matplotlib import colormaps

from cnn_basics.figures import DIVERGING

MOST_KERNELS = 64


def tile_pictures(pictures: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """Lay pictures out in rows, with white between them.

    Args:
        pictures: `(N, H, W, 3)` float, values 0 to 1; N may be 0.
        columns: Pictures in a row, at least 1.
        gap: Pixels between them.

    Returns:
        `(rows * (H + gap) - gap, columns * (W + gap) - gap, 3)` float, at least one row.

    Raises:
        ValueError: When `pictures` has another shape.

    Example:
        >>> tile_pictures(np.zeros((3, 5, 5, 3)), columns=2).shape
        (11, 11, 3)
    """
    if pictures.ndim != 4 or pictures.shape[-1] != 3:
        raise ValueError(
            f"expected pictures (N, H, W, 3), got {pictures.shape}: put the channels last"
        )
    count, height, width, _ = pictures.shape
    rows = max(1, math.ceil(count / columns))
    sheet = np.ones((rows, columns, height + gap, width + gap, 3))
    for index, picture in enumerate(pictures):
        sheet[index // columns, index % columns, :height, :width] = picture
    flat = sheet.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), 3)
    return flat[: rows * (height + gap) - gap, : columns * (width + gap) - gap]


def colour_kernels(weight: np.ndarray) -> np.ndarray:
    """Turn kernels into pictures: grey (or white, for one channel) is 0.

    Kernels that read red, green and blue are shown in these colours. Any other number of channels
    is averaged, and drawn from blue (negative) over white to red (positive).

    Args:
        weight: `(K, C, height, width)` float.

    Returns:
        `(K, height, width, 3)` float from 0 to 1; the largest weight of all is at one end. What is
        not a finite number counts as 0.

    Example:
        >>> colour_kernels(np.array([[[[0.0]], [[-2.0]], [[2.0]]]])).tolist()
        [[[[0.5, 0.0, 1.0]]]]
    """
    weight = np.where(np.isfinite(weight), weight, 0.0)
    if weight.shape[1] == 3:
        return np.moveaxis(_around_half(weight), 1, -1)
    return colormaps[DIVERGING](_around_half(weight.mean(axis=1)))[..., :3]


def _around_half(values: np.ndarray) -> np.ndarray:
    """Bring values into 0 to 1, with zero in the middle."""
    return 0.5 + values / (2 * (float(np.abs(values).max()) or 1.0))
