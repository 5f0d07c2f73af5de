"""What lesson 10 reads beside the pictures: the masks of the parts, and other backgrounds.

A sheet is one PNG that holds many small pictures, one below the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from .canvas import PARTS
from .casting import draw_scene
from .collection import SPECIES, shipped_pictures
from .dice import Dice
from .palette import BACKDROPS
from .picture import check, draw_pet, grade, part_masks, render
from .species import SPECIES as ANIMALS
from .species import draw_traits

SIDE = 28  # pixels, as the lessons load the pictures
TRAP = {"training_set": 150, "test_set": 40}  # of each species, in front of each of
PLACES = ("meadow", "sofa")


def draw_on(
    species: str, seed: int, backdrop: str, size: int = SIDE
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw the cat or dog of a seed in front of another background.

    Args:
        species: `"cat"` or `"dog"`.
        seed: As for `draw_pet`; everything but the background is the same as there.
        backdrop: `"meadow"`, `"sofa"` or another of the drawn backgrounds.
        size: Side in pixels, 16 or more.

    Returns:
        The picture, (size, size, 3) uint8, and the mask of each part, (size, size) bool.

    Raises:
        ValueError: The species or the background is unknown, or a number is out of range.
        TypeError: The seed or the size is not a whole number.

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
    animal = ANIMALS[species](draw_traits(dice))
    setting = replace(scene.setting, backdrop=backdrop, colours=BACKDROPS[backdrop])
    scene = replace(scene, setting=setting)
    canvas = render(scene, animal, size, masks=True)
    return grade(canvas.rgb, scene), part_masks(canvas)


def part_sheets(split: str) -> Iterator[tuple[Path, np.ndarray]]:
    """Draw where each part is in all pictures of a split, all cats first.

    Yields:
        The file below `data/`, and the sheet, (N × 28, 28) bool.
    """
    ordered = sorted(shipped_pictures(split), key=lambda picture: picture.species)
    masks = [draw_pet(each.species, each.seed, SIDE, masks=True)[1] for each in ordered]
    for part in PARTS:
        yield Path("parts", f"{split}.{part}.png"), np.concatenate([one[part] for one in masks])


def trap_sheets(split: str) -> Iterator[tuple[Path, np.ndarray]]:
    """Draw the first cats and dogs of a split in a meadow and on a sofa.

    Yields:
        The file below `data/`, and the sheet, (N × 28, 28, 3) uint8.
    """
    for species in SPECIES:
        seeds = [each.seed for each in shipped_pictures(split) if each.species == species]
        for place in PLACES:
            drawn = [draw_on(species, seed, place)[0] for seed in seeds[: TRAP[split]]]
            yield Path("clever-hans", f"{split}.{species}.{place}.png"), np.concatenate(drawn)
