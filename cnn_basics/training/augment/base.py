"""What all augmentations are, and how several become one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor


class Augmentation:
    """A change by chance that can be called with pictures; made by the functions of this module.

    Args:
        name: How it was made, which is also what it prints.
        change: Called with pictures and the generator.
        generator: Where its chance comes from, or None.

    Example:
        >>> from cnn_basics.training.augment import random_flip
        >>> random_flip(1.0)(torch.tensor([[[[1, 2, 3]]]], dtype=torch.uint8))
        tensor([[[[3, 2, 1]]]], dtype=torch.uint8)
    """

    def __init__(
        self,
        name: str,
        change: Callable[[Tensor, Generator | None], Tensor],
        generator: Generator | None = None,
    ) -> None:
        self._name, self._change, self._generator = name, change, generator

    def __call__(self, pictures: Tensor) -> Tensor:
        """Change pictures.

        Args:
            pictures: `(N, C, H, W)`, uint8 0…255 or float 0…1.

        Returns:
            New pictures of the same shape and dtype.

        Raises:
            ValueError: The shape is another, or there is something that the change refuses.
            TypeError: They are no tensor, or their dtype is neither uint8 nor float.
        """
        if not isinstance(pictures, Tensor):
            raise TypeError(
                f"expected pictures as a torch tensor, got {type(pictures).__name__}: write "
                "torch.as_tensor(pictures)"
            )
        if pictures.ndim != 4:
            raise ValueError(
                f"expected pictures (N, C, H, W), got {tuple(pictures.shape)}: for a single one "
                "write picture.unsqueeze(0)"
            )
        if pictures.dtype != torch.uint8 and not pictures.is_floating_point():
            raise TypeError(
                f"expected pictures as uint8 or float, got {pictures.dtype}: write "
                "pictures.to(torch.uint8)"
            )
        if pictures.numel() == 0:
            return pictures.clone()
        return self._change(pictures, self._generator)

    def __repr__(self) -> str:
        """Return how it was made."""
        return self._name


def compose(*augmentations: Callable[[Tensor], Tensor]) -> Augmentation:
    """Do one change after the other.

    Args:
        augmentations: At least one.

    Returns:
        All of them as one.

    Raises:
        ValueError: There is none.
        TypeError: One cannot be called.

    Example:
        >>> from cnn_basics.training.augment import random_crop, random_flip
        >>> compose(random_flip(), random_crop(2))
        compose(random_flip(0.5), random_crop(2))
    """
    if not augmentations:
        raise ValueError(
            "expected at least one augmentation, got none: write compose(random_flip())"
        )
    for augmentation in augmentations:
        if not callable(augmentation):
            raise TypeError(
                f"expected augmentations, got {type(augmentation).__name__}: write "
                "compose(random_flip(), random_crop(2))"
            )

    def change(pictures: Tensor, _: Generator | None) -> Tensor:
        for augmentation in augmentations:
            pictures = augmentation(pictures)
        return pictures

    return Augmentation(f"compose({', '.join(map(repr, augmentations))})", change)


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Refuse what is no number in range."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        fix = f"write {high / 2:g}"
        raise ValueError(f"expected {name} from {low} to {high}, got {describe(value)}: {fix}")


def require_whole(name: str, value: int, example: int) -> None:
    """Refuse what is no whole number from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(
            f"expected {name} as a whole number from 0, got {describe(value)}: write {example}"
        )


def describe(value: object) -> str:
    """Show a value in one line; pictures, given to a function that wants strengths, by type.

    Args:
        value: What was given.

    Returns:
        A few words.

    Example:
        >>> describe(1.5)
        '1.5'
        >>> describe(torch.zeros(2, 3))
        'a Tensor (call the function before: random_flip()(pictures))'
    """
    if isinstance(value, Tensor):
        return "a Tensor (call the function before: random_flip()(pictures))"
    return repr(value)
