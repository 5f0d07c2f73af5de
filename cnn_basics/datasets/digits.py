"""Real handwritten digits, 8×8 pixels, made into the 28×28 that `Custom_CNN` takes."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from cnn_basics.datasets.listing import require_word
from cnn_basics.datasets.pictures import SPLITS

FULL = 16  # the most that a value of an 8×8 digit can be
BITMAP = 32  # side of the bitmaps whose black pixels were counted, in blocks of 4×4
EVERY = 5  # of each digit, every fifth picture is for the test


def load_digits(
    split: str | None = None,
) -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """Load the 1,797 handwritten digits that come with scikit-learn.

    Each is 8×8 values from 0 to 16: how many pixels of a 4×4 block of the scanned bitmap are
    ink. Here 0…16 becomes 0…255, each value becomes a block of 3×3 equal pixels, and a frame of
    2 black pixels is added: 2 + 8·3 + 2 = 28, the side that `Custom_CNN(10, 1)` takes. Nothing
    is lost or made up; `pictures[:, :, 3:27:3, 3:27:3]` gives the 8×8 values again.

    Args:
        split: `"training_set"` (1,437 pictures), `"test_set"` (360), or None for all. Of each
            digit every fifth picture is in the test set, always the same ones.

    Returns:
        Pictures, `(N, 1, 28, 28)` uint8, ink is bright; labels, `(N,)` int64, 0 to 9; and the
        class names `("0", …, "9")`.

    Raises:
        ValueError: `split` is another word.

    Example:
        >>> pictures, labels, names = load_digits("test_set")
        >>> pictures.shape, labels[:5].tolist()
        (torch.Size([360, 1, 28, 28]), [0, 2, 4, 7, 1])

    Source:
        E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine
        Learning Repository, 1998 (CC BY 4.0), https://doi.org/10.24432/C50P49.
    """
    if split is not None:
        require_word("split", split, SPLITS)
    from sklearn import datasets

    values, labels = datasets.load_digits(return_X_y=True)
    chosen = _chosen(labels, split)
    pictures = _enlarge(torch.from_numpy(values[chosen]).view(-1, 1, 8, 8))
    return pictures, torch.from_numpy(labels[chosen]).to(torch.int64), tuple("0123456789")


def digit_from_drawing(drawing: np.ndarray) -> torch.Tensor:
    """Bring a drawn digit into the form of `load_digits`, the way those were made.

    The drawing is cropped to its ink, scaled until it fills 32 pixels in height (or in width,
    if it is wider), put in the middle of a 32×32 bitmap, and its ink is summed in blocks of 4×4.

    Args:
        drawing: `(H, W)` array, bool, or uint8 from 0 (paper) to 255 (ink).

    Returns:
        `(1, 1, 28, 28)` uint8; all 0 for a drawing without ink.

    Raises:
        TypeError: `drawing` is no array of bool or uint8.
        ValueError: It has another number of axes than two, or no pixels.

    Example:
        >>> one = np.zeros((20, 20), dtype=bool)
        >>> one[4:16, 9:12] = True
        >>> digit_from_drawing(one).view(28, 28)[14, ::3].tolist()
        [0, 0, 0, 0, 255, 255, 0, 0, 0, 0]
    """
    ink = _ink(drawing)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    bitmap = np.zeros((BITMAP, BITMAP))
    if rows.size:
        cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = BITMAP / max(cropped.shape)
        height, width = (max(1, round(side * scale)) for side in cropped.shape)
        filled = Image.fromarray(cropped).resize((width, height), Image.Resampling.BILINEAR)
        top, left = (BITMAP - height) // 2, (BITMAP - width) // 2
        bitmap[top : top + height, left : left + width] = np.asarray(filled) / 255
    blocks = bitmap.reshape(8, 4, 8, 4).sum(axis=(1, 3)).round()
    return _enlarge(torch.from_numpy(blocks).view(1, 1, 8, 8))


def _chosen(labels: np.ndarray, split: str | None) -> np.ndarray:
    """The indices of one split, in the order of the collection."""
    by_digit = np.argsort(labels, kind="stable")
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[by_digit[::EVERY]] = True
    wanted = {None: is_test | True, "training_set": ~is_test, "test_set": is_test}[split]
    return np.flatnonzero(wanted)


def _enlarge(values: torch.Tensor) -> torch.Tensor:
    """`(N, 1, 8, 8)` from 0 to 16 becomes `(N, 1, 28, 28)` uint8."""
    grey = (values * 255 / FULL).round().to(torch.uint8)
    return F.pad(grey.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3), (2, 2, 2, 2))


def _ink(drawing: object) -> np.ndarray:
    """The drawing as uint8, or the sentence that says what is wrong with it."""
    wanted = "expected a drawing as an array of shape (H, W), bool or uint8"
    if not isinstance(drawing, np.ndarray) or drawing.dtype not in (np.bool_, np.uint8):
        kind = drawing.dtype if isinstance(drawing, np.ndarray) else type(drawing).__name__
        raise TypeError(f"{wanted}, got {kind}: use for example (drawing > 0.5)")
    if drawing.ndim != 2 or drawing.size == 0:
        raise ValueError(f"{wanted}, got shape {drawing.shape}: give one grey picture")
    return drawing if drawing.dtype == np.uint8 else drawing.astype(np.uint8) * 255
