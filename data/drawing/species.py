"""What tells a cat from a dog: ears, muzzle, pupils, whiskers. Shapes only, never a colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .dice import Dice
from .face import LINE, Face, paint_mouth, paint_tongue
from .shapes import Blend, Ellipse, Furry, Polygon, Shape, Stroke, curve

Point = tuple[float, float]


@dataclass(frozen=True)
class Traits:
    """How much a single animal differs from others of its species, each 0…1."""

    ear_length: float
    ear_width: float
    ear_spread: float
    ear_kind: float
    muzzle: float
    pupil: float


def draw_traits(dice: Dice) -> Traits:
    """Draw an animal's traits, after the scene."""
    return Traits(*(dice.between(0, 1) for _ in range(6)))


def _turned(points: tuple[Point, ...], pivot: Point, angle: float, side: int) -> tuple[Point, ...]:
    c, s = math.cos(angle), math.sin(angle)
    out = []
    for x, y in points:
        u, v = x - pivot[0], y - pivot[1]
        out.append((side * (pivot[0] + c * u - s * v), pivot[1] + s * u + c * v))
    return tuple(out)


class Cat:
    """Upright triangular ears, a small muzzle with an ω mouth, slit pupils, long whiskers."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.slit = 0.36 + 0.22 * traits.pupil

    def paint_ears_behind(self, face: Face) -> None:
        """Paint the ears, which stand up from behind the skull."""
        t, coat = self.traits, face.scene.coat
        tip = (0.62 + 0.16 * t.ear_width, -1.26 - 0.22 * t.ear_length)
        outer = ((0.16, -0.66), tip, (0.95, -0.2))
        inner = ((0.34, -0.68), (tip[0] - 0.01, tip[1] + 0.22), (0.82, -0.36))
        for side in (-1, 1):
            angle = 0.2 * (t.ear_spread - 0.4)
            shape = Polygon(_turned(outer, (0.55, -0.6), angle, side), 0.07)
            face.pen.fill(
                shape, face.fur("head", (side * 0.5, -0.8, 0.7, 0.9), coat.ear), ("ears",)
            )
            shape = Polygon(_turned(inner, (0.55, -0.6), angle, side), 0.03)
            face.pen.fill(shape, coat.inner, ("ears",), soft=0.06)

    def paint_ears_before(self, face: Face) -> None:
        """Paint nothing: no part of a cat's ear hangs in front of the head."""

    def paint_muzzle(self, face: Face) -> None:
        """Paint two small puffs, the chin, the nose and the ω mouth."""
        pen, coat = face.pen, face.scene.coat
        x, y = face.shift[0] * 1.35, face.shift[1] * 1.4 + 0.36
        wide = 0.22 + 0.03 * self.traits.muzzle
        parts = ("muzzle", "head")
        pen.fill(
            Ellipse(x, y + 0.23, 0.16, 0.12),
            face.fur("head", (x, y + 0.2, 0.3, 0.25), coat.muzzle),
            parts,
        )
        paint_tongue(face, x, y + 0.24, 0.075)
        puffs = Blend(tuple(Ellipse(x + s * 0.16, y + 0.09, wide, 0.18) for s in (-1, 1)), 0.05)
        pen.fill(puffs, face.fur("head", (x, y, 0.55, 0.42), coat.muzzle), parts, soft=0.03)
        face.line(Stroke(((x, y - 0.02, 0.022), (x, y + 0.12, 0.022))), LINE, ("mouth", *parts))
        paint_mouth(face, x, y + 0.11, 0.25, 0.19)
        nose = Polygon(((x - 0.1, y - 0.09), (x + 0.1, y - 0.09), (x, y)), 0.04)
        pen.fill(nose, coat.nose, ("nose", *parts))
        pen.fill(
            Ellipse(x - 0.03, y - 0.07, 0.035, 0.018), (1, 1, 1), ("nose", *parts), opacity=0.5
        )

    def paint_whiskers(self, face: Face) -> None:
        """Paint three long whiskers on each side."""
        x, y = face.shift[0] * 1.3, face.shift[1] * 1.4 + 0.46
        for side in (-1, 1):
            for slope in (-0.22, 0.0, 0.2):
                start = (x + side * 0.24, y + 0.2 * slope)
                end = (x + side * 1.18, y + slope + 0.04)
                middle = (x + side * 0.7, y + 0.6 * slope - 0.08)
                line = curve(start, middle, end, (0.016, 0.007), 4)
                face.line(line, face.scene.coat.whisker, ("whiskers",))


class Dog:
    """Hanging or folded ears, a long muzzle with a big nose, round pupils, short whiskers."""

    def __init__(self, traits: Traits) -> None:
        self.traits = traits
        self.slit = 1.0

    def paint_ears_behind(self, face: Face) -> None:
        """Paint the roots of the ears, broad bumps at the sides of the skull."""

    def paint_ears_before(self, face: Face) -> None:
        """Paint the flaps of the ears, which hang in front of the head."""
        coat = face.scene.coat
        for side in (-1, 1):
            shape = Furry(self._flap(side), 0.6 * coat.fluff)
            ball = (side * 0.85, -0.1, 0.5, 0.85)
            face.pen.fill(shape, face.fur("head", ball, coat.ear), ("ears",))
            crease = Ellipse(side * 0.74, -0.62, 0.2, 0.07, side * 0.5)
            face.pen.fill(crease, coat.light, opacity=0.25, soft=0.08, within=shape)

    def _flap(self, side: int) -> Shape:
        t = self.traits
        spread = 0.12 * t.ear_spread
        wide = 0.24 + 0.08 * t.ear_width
        if t.ear_kind < 0.65:
            low = 0.1 + 0.4 * t.ear_length
            root = Ellipse(side * 0.72, -0.58, 0.2, 0.2)
            flap = Ellipse(side * (0.98 + spread), low - 0.25, wide, 0.56, side * (-0.2 - spread))
            return Blend((root, flap), 0.35)
        root = Ellipse(side * 0.66, -0.72, 0.3, 0.24, side * 0.4)
        flap = Ellipse(side * (1.0 + spread), -0.5 + 0.15 * t.ear_length, wide, 0.4, side * -0.55)
        return Blend((root, flap), 0.3)

    def paint_muzzle(self, face: Face) -> None:
        """Paint the long muzzle, the big nose, the mouth and short whisker dots."""
        pen, coat = face.pen, face.scene.coat
        x, y = face.shift[0] * 1.6, face.shift[1] * 1.6 + 0.46
        wide, long = 0.46 + 0.06 * self.traits.muzzle, 0.38 + 0.04 * self.traits.muzzle
        parts = ("muzzle", "head")
        jaw = Ellipse(x * 0.95, y + 0.24, 0.3, 0.24)
        pen.fill(jaw, face.fur("head", (x, y + 0.2, 0.45, 0.4), coat.muzzle), parts)
        paint_tongue(face, x * 0.98, y + 0.38, 0.13)
        snout = Blend(
            (Ellipse(x, y + 0.06, wide, long * 0.85), Ellipse(x * 0.85, y - 0.2, 0.27, 0.28)), 0.3
        )
        pen.fill(snout, face.fur("head", (x, y - 0.05, 0.68, 0.62), coat.muzzle), parts, soft=0.02)
        face.line(Stroke(((x, y, 0.028), (x, y + 0.2, 0.028))), LINE, ("mouth", *parts))
        paint_mouth(face, x, y + 0.2, 0.36, 0.2)
        self._paint_nose(face, x, y - 0.1)

    def _paint_nose(self, face: Face, x: float, y: float) -> None:
        parts = ("nose", "muzzle", "head")
        nose = Blend((Ellipse(x, y - 0.03, 0.21, 0.12), Ellipse(x, y + 0.06, 0.1, 0.09)), 0.1)
        face.pen.fill(nose, face.scene.coat.nose, parts)
        face.pen.fill(Ellipse(x - 0.06, y - 0.08, 0.07, 0.03), (1, 1, 1), parts, opacity=0.55)

    def paint_whiskers(self, face: Face) -> None:
        """Paint two short whiskers on each side."""
        x, y = face.shift[0] * 1.6, face.shift[1] * 1.6 + 0.54
        for side in (-1, 1):
            for across, down in ((0.24, -0.02), (0.34, 0.05), (0.25, 0.11)):
                dot = Ellipse(x + side * across, y + down, 0.022, 0.022)
                face.pen.fill(dot, LINE, opacity=0.6)
                start, end = (x + side * across, y + down), (x + side * (across + 0.2), y + down)
                hair = Stroke(((*start, 0.009), (*end, 0.004)))
                face.line(hair, face.scene.coat.whisker, ("whiskers",))


SPECIES: dict[str, type[Cat] | type[Dog]] = {"cat": Cat, "dog": Dog}
