"""From pictures as NumPy keeps them (H, W, C) to PyTorch's (N, C, H, W), and back."""

from __future__ import annotations

import numpy as np
import torch

from cnn_basics.images.checks import check_range, describe

CHANNELS = (1, 3)  # grey, or red, green and blue


def to_nchw(image: np.ndarray, scale: bool = True) -> torch.Tensor:
    """Turn one picture or a batch into a tensor, channels before rows and columns.

    Args:
        image: `(H, W, C)` or `(N, H, W, C)` array with C of 3 (RGB) or 1 (grey): uint8, values
            0 to 255, or float, values 0 to 1.
        scale: Divide uint8 values by 255. False keeps uint8 as it is.

    Returns:
        `(N, C, H, W)` tensor, N of 1 for one picture: float32, values 0 to 1, or uint8 with
        `scale=False`. It shares no memory with `image`.

    Raises:
        TypeError: `image` is no NumPy array, or its dtype is neither uint8 nor float.
        ValueError: The shape does not fit, float values leave 0 to 1, or `scale=False` is asked
            of floats.

    Example:
        >>> to_nchw(np.zeros((28, 20, 3), dtype=np.uint8)).shape
        torch.Size([1, 3, 28, 20])
    """
    pictures = _pictures(image)
    if pictures.dtype != np.uint8 and not scale:
        raise ValueError(
            f"expected a uint8 array with scale=False, got {describe(image)}: "
            "leave scale at True, float values between 0 and 1 stay as they are"
        )
    nchw = np.array(pictures.transpose(0, 3, 1, 2), order="C")
    if pictures.dtype == np.uint8:
        tensor = torch.from_numpy(nchw)
        return tensor.to(torch.float32) / 255 if scale else tensor
    return torch.from_numpy(check_range(nchw).astype(np.float32))


def to_hwc(tensor: torch.Tensor) -> np.ndarray:
    """Turn a tensor back into pictures, the inverse of `to_nchw`.

    Args:
        tensor: `(N, C, H, W)` or `(C, H, W)` with C of 3 (RGB) or 1 (grey): float, values 0 to
            1, or uint8. May be on any device and may require a gradient.

    Returns:
        `(N, H, W, C)` or `(H, W, C)` uint8 array, values 0 to 255: floats are multiplied by 255
        and rounded. It shares no memory with `tensor`.

    Raises:
        TypeError: `tensor` is no tensor, or its dtype is neither uint8 nor float.
        ValueError: The shape does not fit, or float values leave 0 to 1: nothing is clipped.

    Example:
        >>> to_hwc(torch.zeros(10, 3, 28, 20)).shape
        (10, 28, 20, 3)
    """
    tensor = _channels_first(tensor).cpu()
    if tensor.dtype != torch.uint8:
        tensor = (check_range(tensor).to(torch.float64) * 255).round().to(torch.uint8)
    return np.array(tensor.movedim(-3, -1).numpy(), order="C")


def _pictures(image: object) -> np.ndarray:
    """The same pictures as `(N, H, W, C)`, or the sentence that says why they do not fit."""
    wanted = (
        "expected pictures as an array of shape (H, W, 3) or (N, H, W, 3), "
        f"uint8 or float, got {describe(image)}"
    )
    if isinstance(image, torch.Tensor):
        raise TypeError(f"{wanted}: to_nchw starts from arrays, use to_hwc for the way back")
    if not isinstance(image, np.ndarray):
        raise TypeError(f"{wanted}: make all pictures one size and join them with np.stack")
    if image.dtype != np.uint8 and not np.issubdtype(image.dtype, np.floating):
        raise TypeError(f"{wanted}: for whole numbers from 0 to 255 use .astype(np.uint8)")
    if image.ndim == 2:
        raise ValueError(f"{wanted}: give grey pictures a channel axis with grey[:, :, None]")
    if image.ndim not in (3, 4) or image.shape[-1] not in CHANNELS:
        raise ValueError(f"{wanted}: move the channels to the last axis and keep 3 (RGB) or 1")
    if image.size == 0:
        raise ValueError(f"{wanted}: it holds no pixels, so check where it was cropped")
    return image if image.ndim == 4 else image[None]


def _channels_first(tensor: object) -> torch.Tensor:
    """The same tensor, or the sentence that says why it does not hold pictures."""
    wanted = (
        "expected pictures as a tensor of shape (N, 3, H, W) or (3, H, W), "
        f"uint8 or float, got {describe(tensor)}"
    )
    if isinstance(tensor, np.ndarray):
        raise TypeError(f"{wanted}: to_hwc starts from tensors, use to_nchw for the way there")
    if not isinstance(tensor, torch.Tensor):
        raise TypeError(f"{wanted}: join tensors of one shape with torch.stack")
    if tensor.dtype != torch.uint8 and not tensor.is_floating_point():
        raise TypeError(f"{wanted}: for whole numbers from 0 to 255 use .to(torch.uint8)")
    if tensor.ndim not in (3, 4):
        raise ValueError(f"{wanted}: add or take away axes with unsqueeze, squeeze or an index")
    if tensor.shape[-3] not in CHANNELS:
        raise ValueError(
            f"{wanted}: move the channels before rows and columns with movedim, "
            "or pick feature maps one by one, for example x[:, 4:5]"
        )
    if tensor.numel() == 0:
        raise ValueError(f"{wanted}: it holds no pixels, so check where it was cropped")
    return tensor
