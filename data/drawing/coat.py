"""Fur: the pattern of the coat and the soft shading that makes it look round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Frame, Paint
from .scene import Coat, Light
from .shapes import smoothstep

Array = np.ndarray
Round = tuple[float, float, float, float]


def mix(colour: Array, other: Array | tuple[float, ...], share: Array) -> Array:
    """Blend two colours: ``share`` of ``(h, w)`` in 0…1, colours ``(h, w, 3)`` or ``(3,)``."""
    return colour + share[..., None] * (np.asarray(other) - colour)


def fur(
    coat: Coat,
    light: Light,
    frame: Frame,
    where: str,
    ball: Round,
    tint: tuple[float, ...] | None = None,
) -> Paint:
    """Return a paint: the coat's pattern, shaded as if on a ball.

    Args:
        coat: Colours and pattern.
        light: Where the light comes from.
        frame: Frame of the shape that is painted.
        where: ``"head"``, ``"body"`` or ``"limb"``: which part of the pattern.
        ball: ``(centre_x, centre_y, radius_x, radius_y)`` of the ball in frame units.
        tint: Plain colour to use instead of the pattern.

    Returns:
        A function of ``x``, ``y`` and the distance to the outline, all ``(h, w)``, that
        gives colours ``(h, w, 3)``.
    """
    to_light = frame.direction(light.x, light.y)

    def paint(x: Array, y: Array, distance: Array) -> Array:
        if tint is None:
            colour = pattern(coat, where, x, y)
        else:
            colour = np.broadcast_to(np.asarray(tint), (*x.shape, 3))
        return shade(colour, x, y, distance, ball, to_light)

    return paint


def shade(
    colour: Array, x: Array, y: Array, distance: Array, ball: Round, to_light: tuple[float, float]
) -> Array:
    """Darken the side away from the light and the rim, brighten the side towards it."""
    u, v = (x - ball[0]) / ball[2], (y - ball[1]) / ball[3]
    height = np.sqrt(np.maximum(1.0 - 0.8 * (u * u + v * v), 0.0))
    facing = (
        0.62 * (np.clip(u, -1, 1) * to_light[0] + np.clip(v, -1, 1) * to_light[1]) + 0.6 * height
    )
    gain = (0.72 + 0.46 * facing) * (1.0 - 0.24 * smoothstep(-0.16, 0.02, distance))
    glow = 0.07 * smoothstep(0.45, 1.1, facing)
    return colour * gain[..., None] + glow[..., None] * np.array([1.0, 0.93, 0.8])


def pattern(coat: Coat, where: str, x: Array, y: Array) -> Array:
    """Return the coat's colour at every point of a head, body or limb, ``(h, w, 3)``."""
    colour = mix(np.asarray(coat.base), coat.light, _paler_below(where, y))
    weights = _WEIGHTS.get(coat.pattern)
    if weights is None:
        return colour
    for other, share in weights(coat, where, x, y):
        colour = mix(colour, other, share)
    return colour


def _paler_below(where: str, y: Array) -> Array:
    if where == "head":
        return 0.55 * smoothstep(0.1, 0.95, y)
    return 0.35 * smoothstep(1.2, 2.8, y)


def _blotches(coat: Coat, x: Array, y: Array, first: int) -> Array:
    p = coat.phases[first:] + coat.phases[:first]
    return (
        np.sin(2.3 * x + p[0] + 0.8 * np.sin(1.7 * y + p[1]))
        + np.sin(2.1 * y + p[2] + 0.8 * np.sin(1.9 * x + p[3]))
    ) * 0.5


Weighted = list[tuple[tuple[float, float, float], Array]]


def _shaded(coat: Coat, where: str, x: Array, y: Array) -> Weighted:
    top = 1.0 - smoothstep(-0.9, 0.2, y)
    return [(coat.dark, 0.55 * top if where == "head" else 0.25 * np.abs(np.sin(0.8 * x)))]


def _tabby(coat: Coat, where: str, x: Array, y: Array) -> Weighted:
    if where == "head":
        brow = (1.0 - smoothstep(-0.5, -0.28, y)) * smoothstep(0.1, 0.6, np.cos(13.0 * x))
        brow = brow * (1.0 - smoothstep(0.5, 0.6, np.abs(x)))
        cheek = smoothstep(0.62, 0.78, np.abs(x)) * smoothstep(
            0.1, 0.6, np.sin(14.0 * y + 5.0 * np.abs(x))
        )
        return [(coat.dark, 0.8 * np.maximum(brow, cheek))]
    wave = np.sin(8.5 * y + 2.2 * x * x + coat.phases[0])
    edge = smoothstep(0.12, 0.5, np.abs(x)) if where == "body" else 1.0
    return [(coat.dark, 0.7 * smoothstep(0.15, 0.7, wave) * edge)]


def _patches(coat: Coat, where: str, x: Array, y: Array) -> Weighted:
    field = _blotches(coat, x, y, 0)
    return [(coat.second, smoothstep(-0.02, 0.1, field + (0.15 if where == "limb" else -0.1)))]


def _bib(coat: Coat, where: str, x: Array, y: Array) -> Weighted:
    if where == "head":
        width = 0.09 + 0.5 * smoothstep(-0.3, 0.7, y)
        return [(coat.second, 1.0 - smoothstep(-0.05, 0.06, np.abs(x) - width))]
    if where == "limb":
        return [(coat.second, smoothstep(2.0, 2.3, y))]
    chest = np.sqrt((x / 0.55) ** 2 + ((y - 1.25) / 0.85) ** 2)
    return [(coat.second, 1.0 - smoothstep(0.9, 1.1, chest))]


def _points(coat: Coat, where: str, x: Array, y: Array) -> Weighted:
    if where == "head":
        face = np.sqrt((x / 0.6) ** 2 + ((y - 0.35) / 0.6) ** 2)
        return [(coat.dark, 0.55 * (1.0 - smoothstep(0.4, 1.25, face)))]
    return [(coat.dark, smoothstep(1.4, 2.7, y) * (0.8 if where == "limb" else 0.2))]


def _spots(coat: Coat, where: str, x: Array, y: Array) -> Weighted:
    p = coat.phases
    field = np.sin(6.1 * x + 1.3 * np.sin(2.2 * y + p[0]) + p[1]) * np.sin(
        5.7 * y + 1.3 * np.sin(2.6 * x + p[2]) + p[3]
    )
    keep = 1.0 if where != "head" else smoothstep(0.3, 0.75, np.sqrt(x * x + (y - 0.1) ** 2))
    return [(coat.dark, 0.75 * smoothstep(0.42, 0.58, field) * keep)]


def _tricolour(coat: Coat, where: str, x: Array, y: Array) -> Weighted:
    ginger, black = (0.86, 0.55, 0.28), (0.24, 0.22, 0.24)
    first = smoothstep(0.05, 0.15, _blotches(coat, x, y, 0))
    second = smoothstep(0.15, 0.25, _blotches(coat, x, y, 4))
    return [(coat.second, np.ones_like(x)), (ginger, first), (black, second)]


_WEIGHTS: dict[str, Callable[[Coat, str, Array, Array], Weighted]] = {
    "shaded": _shaded,
    "tabby": _tabby,
    "patches": _patches,
    "bib": _bib,
    "points": _points,
    "spots": _spots,
    "tricolour": _tricolour,
}
