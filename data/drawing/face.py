"""The head and what both species have in it: eyes, brows, cheeks, mouth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .canvas import Frame, Paint, Pen
from .coat import fur
from .scene import Scene
from .shapes import Blend, Ellipse, Furry, Shape, Stroke, curve, smoothstep

LINE = (0.2, 0.13, 0.13)


@dataclass(frozen=True)
class Face:
    """What the painters of a face share: the pen in the head's frame and the scene."""

    pen: Pen
    scene: Scene

    @property
    def shift(self) -> tuple[float, float]:
        """How far the eyes move because the face is turned."""
        return 0.16 * self.scene.pose.turn * self.scene.pose.mirror, 0.08 * self.scene.pose.nod

    def skull(self) -> Shape:
        """Return the outline of the head without ears."""
        height = self.scene.pose.round
        top = Ellipse(0, -0.06, 0.9, height * 0.95)
        cheeks = Ellipse(0, 0.24, 1.0, height * 0.72)
        return Furry(Blend((top, cheeks), 0.3), self.scene.coat.fluff)

    def fur(
        self,
        where: str,
        ball: tuple[float, float, float, float],
        tint: tuple[float, ...] | None = None,
    ) -> Paint:
        """Return fur shaded as on a ball ``(centre_x, centre_y, radius_x, radius_y)``."""
        return fur(self.scene.coat, self.scene.light, self.pen.frame, where, ball, tint)

    def line(
        self, stroke: Stroke, colour: tuple[float, float, float], parts: tuple[str, ...]
    ) -> None:
        """Draw a thin line, at least one pixel wide and paler where it would be thinner."""
        half, thickest = 0.5 * self.pen.pixel, max(point[2] for point in stroke.points)
        points = tuple((x, y, max(r, half)) for x, y, r in stroke.points)
        self.pen.fill(
            Stroke(points), colour, parts, opacity=min(1.0, 0.25 + thickest / half * 0.75)
        )


def head_frame(scene: Scene) -> Frame:
    """Return the head's frame: origin at its middle, unit half its width."""
    pose = scene.pose
    return Frame(pose.x, pose.y, pose.tilt, pose.unit, pose.mirror)


def paint_head(face: Face) -> None:
    """Paint the head's fur and a soft blush on the cheeks."""
    sx, sy = face.shift
    paint = face.fur("head", (0.0, 0.0, 1.1, 1.05))

    def turned(x: np.ndarray, y: np.ndarray, distance: np.ndarray) -> np.ndarray:
        bulge = 1.0 - smoothstep(0.0, 1.2, np.sqrt(x * x + y * y))
        return paint(x - sx * bulge, y - sy * bulge, distance)  # type: ignore[operator]

    face.pen.fill(face.skull(), turned, ("head",))
    tint = 0.1 + 0.26 * sum(face.scene.coat.base) / 3
    for side in (-1, 1):
        blush = Ellipse(sx + side * 0.62, sy + 0.36, 0.16, 0.11)
        face.pen.fill(blush, (0.96, 0.5, 0.47), soft=0.14, opacity=tint, within=face.skull())


def paint_eyes(face: Face, slit: float) -> None:
    """Paint both eyes.

    Args:
        face: The face to paint.
        slit: Width of the pupil over its height: 1 is round, a cat's is narrow.
    """
    sx, sy = face.shift
    for side in (-1, 1):
        near = 1.0 - 0.12 * side * face.scene.pose.turn * face.scene.pose.mirror
        _paint_eye(face, sx + side * 0.43, sy - 0.06, 0.235 * near, slit)


def _paint_eye(face: Face, x: float, y: float, radius: float, slit: float) -> None:
    pen, iris = face.pen, np.asarray(face.scene.coat.iris)
    high = radius * (1.08 - face.scene.pose.squint)
    parts = ("eyes", "head")
    ball = Ellipse(x, y, radius, high)
    pen.fill(
        Ellipse(x, y, radius * 1.2, high * 1.2),
        face.scene.coat.light,
        ("head",),
        opacity=0.3,
        soft=0.06,
    )
    pen.fill(Ellipse(x, y - 0.015, radius * 1.13, high * 1.12), LINE, parts)

    def glow(u: np.ndarray, v: np.ndarray, distance: np.ndarray) -> np.ndarray:
        lit = 0.62 + 0.6 * smoothstep(y - high, y + high, v)
        return iris * lit[..., None]

    pen.fill(Ellipse(x, y, radius * 0.96, high * 0.96), glow, parts)
    tall = 0.86 * radius if slit < 0.8 else 0.66 * radius
    pen.fill(Ellipse(x, y, tall * slit, tall), (0.05, 0.04, 0.06), parts, within=ball)
    spot = -0.3 if face.scene.light.x * face.scene.pose.mirror < 0 else 0.3
    white = (1.0, 1.0, 1.0)
    pen.fill(
        Ellipse(x + spot * radius, y - 0.36 * high, 0.29 * radius, 0.29 * radius), white, parts
    )
    low = Ellipse(x - spot * 1.1 * radius, y + 0.42 * high, 0.14 * radius, 0.14 * radius)
    pen.fill(low, white, parts, opacity=0.75)


def paint_mouth(face: Face, x: float, y: float, width: float, droop: float) -> None:
    """Paint a smile: two arcs that meet under the nose.

    Args:
        face: The face to paint.
        x: Where the arcs meet.
        y: Where the arcs meet.
        width: Of each arc.
        droop: How deep the arcs hang.
    """
    for side in (-1, 1):
        arc = curve(
            (x, y),
            (x + side * 0.45 * width, y + droop),
            (x + side * width, y - 0.1 * droop),
            (0.028, 0.016),
        )
        face.line(arc, LINE, ("mouth", "muzzle", "head"))


def paint_tongue(face: Face, x: float, y: float, radius: float) -> None:
    """Paint the tip of the tongue, where the scene has it out."""
    if not face.scene.coat.tongue:
        return
    parts = ("mouth", "muzzle", "head")
    face.pen.fill(Ellipse(x, y, radius, radius * 1.35), (0.93, 0.47, 0.5), parts)
    seam = Stroke(((x, y - radius, 0.012), (x, y + 0.6 * radius, 0.012)))
    face.pen.fill(seam, (0.78, 0.32, 0.38), opacity=0.7)
