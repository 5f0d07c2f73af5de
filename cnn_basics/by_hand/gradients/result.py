"""What a check of gradients found, and how it says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

Place = tuple[int, ...]

_LEAST = 1e-3  # gradients below are compared as if they were as large as this
_AS_LARGE = 0.999  # errors of at least this share of the largest count as the largest
_CORNER = 1e-3  # left and right slopes that differ by more, relatively, meet in a corner


@dataclass(frozen=True, repr=False)
class GradientCheck:
    """The result of `gradient_check`.

    Attributes:
        passed: Whether the largest relative error is at most the tolerance.
        largest: The largest relative error.
        index: In which input it is, counted from 0.
        place: At which place of that input; of errors that are (nearly) as large, the first.
        corner: Whether the function has a corner there, so that no slope is right.
        tolerance: The largest relative error that passes.
        given: The gradients that were checked, one tensor for each input.
        numeric: The central differences, likewise.
        left: The slopes towards smaller inputs, likewise.
        right: The slopes towards larger inputs, likewise.

    Example:
        >>> from cnn_basics.by_hand.gradients import gradient_check
        >>> result = gradient_check(lambda x: x**2, torch.tensor([3.0]), lambda g, x: x * g)
        >>> result.passed, result.index, result.place
        (False, 0, (0,))
    """

    passed: bool
    largest: float
    index: int
    place: Place
    corner: bool
    tolerance: float
    given: tuple[torch.Tensor, ...]
    numeric: tuple[torch.Tensor, ...]
    left: tuple[torch.Tensor, ...]
    right: tuple[torch.Tensor, ...]

    def __repr__(self) -> str:
        """Return a sentence: whether the check passes, and if not, where and by how much."""
        numbers = sum(x.numel() for x in self.given)
        plural = "s" if len(self.given) > 1 else ""
        where = f"for {numbers:,} numbers in {len(self.given)} input{plural}"
        if self.passed:
            return f"passes: the largest relative error is at most {self.tolerance:g}, {where}"
        given, numeric = self.given[self.index][self.place], self.numeric[self.index][self.place]
        sentence = (
            f"fails: the largest relative error is {self.largest:.2g}, in inputs[{self.index}] at "
            f"{list(self.place)}: the gradient is {given:.4g}, numerically {numeric:.4g}"
        )
        if not self.corner:
            return sentence
        left, right = self.left[self.index][self.place], self.right[self.index][self.place]
        return (
            f"{sentence}; the function has a corner there (slope {left:.4g} to the left, "
            f"{right:.4g} to the right), so check it elsewhere"
        )


def compare(
    given: Sequence[torch.Tensor],
    sides: Sequence[tuple[torch.Tensor, torch.Tensor]],
    tolerance: float,
) -> GradientCheck:
    """Find the place where gradients differ most from the slopes.

    Args:
        given: The gradient of each input.
        sides: The slopes to the left and to the right of each number, for each input.
        tolerance: The largest relative error that passes.

    Returns:
        The result.
    """
    given = [gradient.detach().double() for gradient in given]
    numeric = [(left + right) / 2 for left, right in sides]
    errors = [relative_error(g, n) for g, n in zip(given, numeric, strict=True)]
    largest = max((error.max().item() for error in errors if error.numel()), default=0.0)
    index, place = _first_as_large(errors, largest)
    left, right = (side[place] for side in sides[index])
    corner = bool(errors[index].numel()) and relative_error(left, right).item() > _CORNER
    return GradientCheck(
        passed=largest <= tolerance,
        largest=largest,
        index=index,
        place=place,
        corner=corner,
        tolerance=tolerance,
        given=tuple(given),
        numeric=tuple(numeric),
        left=tuple(left for left, _ in sides),
        right=tuple(right for _, right in sides),
    )


def relative_error(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Divide the difference by the larger of the two, but at least by 0.001.

    Args:
        one: Any shape, float64.
        other: The same shape.

    Returns:
        The same shape; nan counts as infinitely wrong.

    Example:
        >>> relative_error(torch.tensor([2.0, 0.0]), torch.tensor([1.0, 0.0]))
        tensor([0.5000, 0.0000])
    """
    larger = torch.maximum(one.abs(), other.abs()).clamp(min=_LEAST)
    return ((one - other).abs() / larger).nan_to_num(nan=float("inf"))


def _first_as_large(errors: Sequence[torch.Tensor], largest: float) -> tuple[int, Place]:
    """Find the first error that is (nearly) the largest: the same place whatever the rounding."""
    for index, error in enumerate(errors):
        found = (error >= _AS_LARGE * largest).nonzero()
        if len(found):
            return index, tuple(found[0].tolist())
    return 0, ()
