"""Random choices, and colours that vary at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .palette import Colour


class Dice:
    """Random choices made from uniform doubles only, the same under every NumPy version."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def between(self, low: float, high: float) -> float:
        """Return a number in ``[low, high)``."""
        return low + (high - low) * float(self._rng.random())

    def pick(self, options: Sequence[str]) -> str:
        """Return one of the options."""
        return options[int(self.between(0, len(options)))]

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.between(0, 1) < probability


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Blend two colours: ``share`` of ``b``, the rest ``a``."""
    return tuple(p + (q - p) * share for p, q in zip(a, b, strict=True))  # type: ignore[return-value]


def jitter(dice: Dice, colour: Colour, spread: float) -> Colour:
    """Vary a colour's brightness by ``spread`` and its hue by a little."""
    gain = 1 + dice.between(-spread, spread)
    return tuple(min(max(gain * c + dice.between(-spread, spread) * 0.3, 0.0), 1.0) for c in colour)  # type: ignore[return-value]


def luma(colour: Colour) -> float:
    """Return how bright a colour looks, 0…1."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]
