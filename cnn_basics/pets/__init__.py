"""Cats and dogs drawn by the project itself, with the mask of each part.

Example:
    >>> from cnn_basics.pets import draw_pet
    >>> draw_pet("dog", seed=3, size=64).shape
    (64, 64, 3)
"""

from cnn_basics.pets.canvas import PARTS
from cnn_basics.pets.collection import COUNTS, SHIPPED_SIZE, picture_seed, shipped_pictures
from cnn_basics.pets.picture import draw_pet, scene_of

__all__ = [
    "COUNTS",
    "PARTS",
    "SHIPPED_SIZE",
    "draw_pet",
    "picture_seed",
    "scene_of",
    "shipped_pictures",
]
