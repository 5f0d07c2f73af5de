"""Cats and dogs drawn by the project itself, with the mask of each part.

Example:
    >>> draw_pet("dog", seed=3, size=64).shape
    (64, 64, 3)
"""

from .canvas import PARTS
from .collection import COUNTS, SHIPPED_SIZE, picture_seed, shipped_pictures
from .picture import draw_pet, scene_of
from .sheets import draw_on

__all__ = [
    "COUNTS",
    "PARTS",
    "SHIPPED_SIZE",
    "draw_on",
    "draw_pet",
    "picture_seed",
    "scene_of",
    "shipped_pictures",
]
