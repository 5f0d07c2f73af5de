"""Pictures changed by chance, a whole batch at once, so that a network sees more than there are.

Each function takes strengths and returns an `Augmentation`, which is called with pictures
`(N, C, H, W)`, uint8 0…255 or float 0…1, and returns as many of the same shape and dtype. Chance
comes from `generator`, or from PyTorch's own random state, which `fit` sets by its seed.

Example:
    >>> import torch
    >>> change = compose(random_flip(), random_crop(2), random_colour())
    >>> change(torch.zeros(8, 3, 28, 28)).shape
    torch.Size([8, 3, 28, 28])
"""

from cnn_basics.training.augment.base import Augmentation, compose
from cnn_basics.training.augment.colouring import random_colour, random_cutout
from cnn_basics.training.augment.placing import (
    random_crop,
    random_flip,
    random_resized_crop,
    random_rotation,
)

__all__ = [
    "Augmentation",
    "compose",
    "random_colour",
    "random_crop",
    "random_cutout",
    "random_flip",
    "random_resized_crop",
    "random_rotation",
]
