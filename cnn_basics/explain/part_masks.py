"""Where the animal and its parts are in the bundled pictures."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from cnn_basics.pets import COUNTS, draw_pet, shipped_pictures

TELLING = ("ears", "muzzle", "eyes", "whiskers")  # what a cat and a dog of one seed differ in


def load_masks(
    split: str, size: int = 28, indices: Iterable[int] | None = None
) -> dict[str, Tensor]:
    """Draw the masks of the bundled pictures, in the order of `datasets.load_pets`.

    Args:
        split: `"training_set"` or `"test_set"`.
        size: side of the pictures in pixels.
        indices: which pictures, by their place in the data set (all cats first); None for all.

    Returns:
        (N, size, size) bool each: `ears`, `eyes`, `nose`, `muzzle`, `mouth`, `whiskers`, `head`,
        `body`, `tail` and `background`; besides `animal`, all but the background, and `telling`,
        the parts that tell cats from dogs: ears, muzzle, eyes and whiskers.

    Raises:
        ValueError: if there is no such split, or no picture of that index.

    Example:
        >>> masks = load_masks("test_set", indices=[0, 300])
        >>> masks["ears"].shape, bool((masks["telling"] <= masks["animal"]).all())
        (torch.Size([2, 28, 28]), True)
    """
    pictures = sorted(shipped_pictures(split), key=lambda picture: picture.species)
    chosen = range(len(pictures)) if indices is None else [int(index) for index in indices]
    wrong = [index for index in chosen if not 0 <= index < len(pictures)]
    if wrong:
        raise ValueError(
            f"expected indices from 0 to {2 * COUNTS[split] - 1} for {split}, got {wrong[0]}: "
            "give places in the data set"
        )
    drawn = [_draw_masks(pictures[index].species, pictures[index].seed, size) for index in chosen]
    return stack_masks(drawn)


def stack_masks(drawn: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    """Put the masks of several pictures into tensors, and add `animal` and `telling`.

    Args:
        drawn: as `draw_pet(masks=True)` gives them, one dict for each picture; at least one.

    Returns:
        (N, size, size) bool each.
    """
    masks = {part: torch.from_numpy(np.stack([one[part] for one in drawn])) for part in drawn[0]}
    masks["animal"] = ~masks["background"]
    masks["telling"] = torch.stack([masks[part] for part in TELLING]).any(dim=0)
    return masks


def _draw_masks(species: str, seed: int, size: int) -> dict[str, np.ndarray]:
    _, masks = draw_pet(species, seed, size, masks=True)
    return masks
