"""Pictures whose background gives the class away, as a trap for networks.

Clever Hans was a horse that seemed to do sums: it read the answer off the faces of those who asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from cnn_basics.explain.part_masks import stack_masks
from cnn_basics.pets import COUNTS, shipped_pictures
from cnn_basics.pets.casting import draw_scene
from cnn_basics.pets.dice import Dice
from cnn_basics.pets.palette import BACKDROPS
from cnn_basics.pets.picture import check, grade, part_masks, render
from cnn_basics.pets.species import SPECIES, draw_traits

NAMES = ("cat", "dog")  # the index is the label


def draw_on(
    species: str, seed: int, backdrop: str, size: int = 28
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw the cat or dog of a seed in front of another background.

    Args:
        species: `"cat"` or `"dog"`.
        seed: as for `draw_pet`; everything but the background is the same as there.
        backdrop: `"meadow"`, `"sofa"` or another of the drawn backgrounds.
        size: side in pixels, 16 or more.

    Returns:
        The picture, (size, size, 3) uint8, and the mask of each part, (size, size) bool.

    Raises:
        ValueError: if the species or the background is unknown, or a number is out of range.
        TypeError: if the seed or the size is not a whole number.

    Example:
        >>> picture, masks = draw_on("dog", seed=3, backdrop="meadow")
        >>> picture.shape, masks["ears"].shape
        ((28, 28, 3), (28, 28))
    """
    check(species, seed, size)
    if backdrop not in BACKDROPS:
        raise ValueError(
            f"expected a background of {', '.join(BACKDROPS)}, got {backdrop!r}: use one of these"
        )
    dice = Dice(seed)
    scene = draw_scene(dice)
    animal = SPECIES[species](draw_traits(dice))
    setting = replace(scene.setting, backdrop=backdrop, colours=BACKDROPS[backdrop])
    scene = replace(scene, setting=setting)
    canvas = render(scene, animal, size, masks=True)
    return grade(canvas.rgb, scene), part_masks(canvas)


def draw_trap(
    split: str, backdrops: Mapping[str, str], count: int, size: int = 28
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Draw the bundled pets again, every cat in front of one background, every dog of another.

    Args:
        split: `"training_set"` or `"test_set"`: no animal is in both.
        backdrops: the background of each species, such as `{"cat": "meadow", "dog": "sofa"}`;
            the other way round for a test that the background does not help.
        count: how many pictures of each species, from the first of the split on.
        size: side in pixels, 16 or more.

    Returns:
        Pictures, (2 × count, 3, size, size) uint8, all cats first; labels, int64, 0 for cats and 1
        for dogs; and the masks, as `load_masks` gives them.

    Raises:
        ValueError: if a name is unknown or missing, or there are not so many pictures.

    Example:
        >>> pictures, labels, masks = draw_trap("test_set", {"cat": "meadow", "dog": "sofa"}, 2)
        >>> pictures.shape, labels.tolist(), masks["animal"].shape
        (torch.Size([4, 3, 28, 28]), [0, 0, 1, 1], torch.Size([4, 28, 28]))

    Source:
        Lapuschkin and others (2019), "Unmasking Clever Hans predictors and assessing what
        machines really learn", https://arxiv.org/abs/1902.10178: the experiment's idea.
    """
    if set(backdrops) != set(NAMES):
        raise ValueError(
            f"expected a background for 'cat' and 'dog', got {dict(backdrops)}: "
            "write for example {'cat': 'meadow', 'dog': 'sofa'}"
        )
    shipped = list(shipped_pictures(split))
    if not 1 <= count <= COUNTS[split]:
        raise ValueError(
            f"expected a count from 1 to {COUNTS[split]} for {split}, got {count}: "
            "there are no more pictures"
        )
    drawn = []
    for name in NAMES:
        seeds = [picture.seed for picture in shipped if picture.species == name][:count]
        drawn += [draw_on(name, seed, backdrops[name], size) for seed in seeds]
    pictures = torch.from_numpy(np.stack([picture for picture, _ in drawn]))
    labels = torch.arange(len(NAMES)).repeat_interleave(count)
    masks = stack_masks([mask for _, mask in drawn])
    return pictures.permute(0, 3, 1, 2).contiguous(), labels, masks
