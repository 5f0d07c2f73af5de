"""The checks behind every function here: a wrong input is refused in one sentence with the fix."""

from __future__ import annotations

import numpy as np


def describe(value: object) -> str:
    """Say what a value is, for an error message.

    Args:
        value: Anything.

    Returns:
        For instance `a float32 array of shape (28, 28)` or `a list`.

    Example:
        >>> describe(np.zeros((2, 3), dtype=np.uint8))
        'a uint8 array of shape (2, 3)'
    """
    if isinstance(value, np.ndarray):
        return f"a {value.dtype} array of shape {value.shape}"
    if hasattr(value, "detach") and hasattr(value, "shape"):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a {dtype} tensor of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"


def check_picture(image: object) -> np.ndarray:
    """Refuse whatever is not one RGB picture.

    Args:
        image: `(H, W, 3)` uint8 array, values 0 to 255.

    Returns:
        The same array.

    Raises:
        TypeError: It is not a NumPy array.
        ValueError: The shape or the dtype differs.

    Example:
        >>> check_picture(np.zeros((2, 2, 3), dtype=np.uint8)).shape
        (2, 2, 3)
    """
    wanted = "expected one picture as a uint8 array of shape (H, W, 3)"
    fix = "read it with cnn_basics.images.read_image(path)"
    if not isinstance(image, np.ndarray):
        fix = "turn a tensor into pictures with to_hwc first" if hasattr(image, "detach") else fix
        raise TypeError(f"{wanted}, got {describe(image)}: {fix}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        if image.ndim == 4:
            fix = "pick one picture of the batch, for example pictures[0]"
        elif image.ndim == 2:
            fix = "repeat the grey values with np.stack([grey] * 3, axis=-1)"
        elif image.dtype != np.uint8:
            fix = "bring the values to 0 … 255, round them and use .astype(np.uint8)"
        raise ValueError(f"{wanted}, got {describe(image)}: {fix}")
    if 0 in image.shape:
        raise ValueError(
            f"{wanted}, got {describe(image)}: there are no pixels in it, check the crop"
        )
    return image
