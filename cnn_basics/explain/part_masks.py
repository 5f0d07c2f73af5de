"""Where the animal and its parts are in the bundled pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cnn_basics.datasets import BUNDLED, SPLITS
from cnn_basics.expect import expect

SIDE = 28  # of the stored masks, in pixels
PARTS = ("ears", "eyes", "nose", "muzzle", "mouth", "whiskers", "head", "body", "tail")
TELLING = ("ears", "muzzle", "eyes", "whiskers")  # what a cat and a dog of one seed differ in


def load_masks(split: str, indices: Iterable[int] | None = None) -> dict[str, Tensor]:
    """Load the masks of the bundled pictures, in the order of `datasets.load_pets`.

    Args:
        split: `"training_set"` or `"test_set"`.
        indices: Which pictures, by their place in the data set (all cats first); None for all.

    Returns:
        (N, 28, 28) bool each: `ears`, `eyes`, `nose`, `muzzle`, `mouth`, `whiskers`, `head`,
        `body`, `tail` and `background`; besides `animal`, all but the background, and `telling`,
        the parts that tell cats from dogs: ears, muzzle, eyes and whiskers.

    Raises:
        ValueError: There is no such split, or no picture of that index.

    Example:
        >>> masks = load_masks("test_set", indices=[0, 300])
        >>> masks["ears"].shape, bool((masks["telling"] <= masks["animal"]).all())
        (torch.Size([2, 28, 28]), True)
    """
    fix = "use one of these words"
    expect(split in SPLITS, "split 'training_set' or 'test_set'", repr(split), fix)
    sheets = {part: read_sheet(BUNDLED.parent / "parts" / f"{split}.{part}.png") for part in PARTS}
    count = len(sheets["ears"])
    chosen = range(count) if indices is None else [int(index) for index in indices]
    for index in chosen:
        what = f"indices from 0 to {count - 1} for {split}"
        expect(0 <= index < count, what, index, "give places in the data set")
    masks = {part: torch.from_numpy(sheet[chosen]) for part, sheet in sheets.items()}
    masks["animal"] = torch.stack(list(masks.values())).any(dim=0)
    masks["background"] = ~masks["animal"]
    masks["telling"] = torch.stack([masks[part] for part in TELLING]).any(dim=0)
    return masks


def read_sheet(path: Path) -> np.ndarray:
    """Read pictures or masks that are stored one below the other, (N, 28, 28, 3) or (N, 28, 28)."""
    fix = "restore data/ from the repository"
    expect(path.is_file(), "pictures drawn for this lesson", f"no file {path}", fix)
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    return pixels.reshape(-1, SIDE, SIDE, *pixels.shape[2:])
