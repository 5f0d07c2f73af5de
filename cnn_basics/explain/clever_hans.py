"""Pictures whose background gives the class away, as a trap for networks.

Clever Hans was a horse that seemed to do sums: it read the answer off the faces of those who asked.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from cnn_basics.datasets import BUNDLED
from cnn_basics.expect import expect, whole
from cnn_basics.explain.part_masks import load_masks, read_sheet

NAMES = ("cat", "dog")  # the index is the label
PLACES = ("meadow", "sofa")


def draw_trap(
    split: str, backdrops: Mapping[str, str], count: int
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Load the bundled pets with every cat in front of one background, every dog of another.

    Args:
        split: `"training_set"` or `"test_set"`: no animal is in both.
        backdrops: The background of each species, `"meadow"` or `"sofa"`, such as
            `{"cat": "meadow", "dog": "sofa"}`; the other way round for a test that the background
            does not help.
        count: How many pictures of each species, from the first of the split on: up to 150 of the
            training set, 40 of the test set.

    Returns:
        Pictures, (2 × count, 3, 28, 28) uint8, all cats first; labels, int64, 0 for cats and 1
        for dogs; and the masks, as `load_masks` gives them.

    Raises:
        ValueError: A name is unknown or missing, or there are not so many pictures.

    Example:
        >>> pictures, labels, masks = draw_trap("test_set", {"cat": "meadow", "dog": "sofa"}, 2)
        >>> pictures.shape, labels.tolist(), masks["animal"].shape
        (torch.Size([4, 3, 28, 28]), [0, 0, 1, 1], torch.Size([4, 28, 28]))

    Source:
        Lapuschkin and others (2019), "Unmasking Clever Hans predictors and assessing what
        machines really learn", https://arxiv.org/abs/1902.10178: the experiment's idea.
    """
    all_masks = load_masks(split)
    fix = "write for example {'cat': 'meadow', 'dog': 'sofa'}"
    both = set(backdrops) == set(NAMES)
    expect(both, "a background for 'cat' and 'dog'", str(dict(backdrops)), fix)
    for place in backdrops.values():
        expect(place in PLACES, "a background 'meadow' or 'sofa'", repr(place), fix)
    files = [f"{split}.{name}.{backdrops[name]}.png" for name in NAMES]
    sheets = [read_sheet(BUNDLED.parent / "clever-hans" / file) for file in files]
    count = whole(count, "count", 1)
    there = len(sheets[0])
    what, fix = f"a count from 1 to {there} for {split}", "there are no more pictures"
    expect(count <= there, what, count, fix)
    pictures = torch.from_numpy(np.concatenate([sheet[:count] for sheet in sheets]))
    labels = torch.arange(len(NAMES)).repeat_interleave(count)
    dogs = len(all_masks["animal"]) // 2
    chosen = [*range(count), *range(dogs, dogs + count)]
    masks = {part: mask[chosen] for part, mask in all_masks.items()}
    return pictures.permute(0, 3, 1, 2).contiguous(), labels, masks
