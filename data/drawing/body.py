"""Body, legs, paws and tail: the same for both species."""

from __future__ import annotations

import numpy as np

from .canvas import Frame, Paint, Pen
from .coat import fur
from .scene import Scene
from .shapes import Blend, Ellipse, Furry, Shape, Stroke, curve, smoothstep

Point = tuple[float, float]
TORSOS: dict[str, Blend] = {
    "sit": Blend((Ellipse(0, 1.3, 0.68, 0.85), Ellipse(0, 2.05, 0.98, 0.78)), 0.5),
    "loaf": Blend((Ellipse(0.1, 1.12, 0.95, 0.72), Ellipse(0.75, 1.1, 1.15, 0.78)), 0.4),
    "stand": Blend((Ellipse(0.1, 1.05, 0.72, 0.75), Ellipse(1.5, 1.05, 0.8, 0.66)), 0.9),
    "bust": Blend((Ellipse(0, 1.05, 0.7, 0.75), Ellipse(0, 2.3, 1.2, 1.2)), 0.6),
}
LEGS: dict[str, tuple[tuple[Point, Point], ...]] = {  # from the shoulder or hip to the paw
    "sit": (((0.3, 1.55), (0.33, 2.66)), ((-0.3, 1.55), (-0.33, 2.66))),
    "loaf": (((0.3, 1.3), (0.36, 1.78)), ((-0.3, 1.3), (-0.42, 1.78))),
    "stand": (
        ((1.95, 1.2), (2.05, 2.5)),
        ((1.3, 1.3), (1.35, 2.4)),
        ((0.45, 1.3), (0.45, 2.55)),
        ((-0.25, 1.3), (-0.3, 2.5)),
    ),
    "bust": (),
}
TAILS: dict[str, tuple[Point, Point, Point]] = {
    "sit": ((0.75, 2.5), (1.9, 2.75), (1.55, 1.5)),
    "loaf": ((1.75, 1.4), (2.6, 1.1), (2.05, 0.3)),
    "stand": ((2.1, 0.8), (2.9, 0.6), (2.6, -0.5)),
    "bust": ((0.9, 2.4), (1.9, 2.0), (1.5, 0.7)),
}


def paint_shadow(pen: Pen, scene: Scene) -> None:
    """Paint the animal's soft shadow on the floor; it belongs to the background."""
    kind = scene.pose.kind
    if kind == "bust":
        return
    wide = {"sit": (0.0, 2.82, 1.3), "loaf": (0.6, 1.9, 1.7), "stand": (0.9, 2.6, 1.7)}[kind]
    pen.fill(Ellipse(wide[0], wide[1], wide[2], 0.2), (0.1, 0.09, 0.14), soft=0.25, opacity=0.38)


def paint_tail(pen: Pen, scene: Scene) -> None:
    """Paint the tail, behind the body."""
    start, middle, end = TAILS[scene.pose.kind]
    sway = 0.8 * (scene.pose.tail - 0.5)
    end = (end[0] + sway, end[1] - 0.5 * sway)
    width = 0.13 + 4.0 * scene.coat.fluff
    line = curve(start, middle, end, (width, 0.7 * width))
    tip = scene.coat.ear if scene.coat.pattern == "points" else None
    paint = _fur(pen, scene, "limb", Ellipse(middle[0], 1.5, 1.6, 1.6), tip)
    pen.fill(Furry(line, scene.coat.fluff), paint, ("tail",))


def paint_body(pen: Pen, scene: Scene) -> None:
    """Paint the torso with the head's shadow on it, then the legs and the collar."""
    kind, coat = scene.pose.kind, scene.coat
    torso = TORSOS[kind]
    if kind == "sit":
        for side in (-1, 1):
            _paint_foot(pen, scene, (side * 0.86, 2.66), 0.36)
    ball = Ellipse(*torso.bounds()[:2], 1.25, 1.35)
    paint = _under_head(_fur(pen, scene, "body", ball), scene)
    pen.fill(Furry(torso, coat.fluff), paint, ("body",))
    if kind == "sit":
        for side in (-1, 1):
            _paint_thigh(pen, scene, side)
    for start, end in LEGS[kind]:
        _paint_leg(pen, scene, start, end)
    if coat.collar is not None:
        _paint_collar(pen, scene)


def _fur(
    pen: Pen, scene: Scene, where: str, ball: Ellipse, tint: tuple[float, ...] | None = None
) -> Paint:
    round_ = (ball.cx, ball.cy, ball.rx, ball.ry)
    return fur(scene.coat, scene.light, pen.frame, where, round_, tint)


def _under_head(paint: Paint, scene: Scene) -> Paint:
    head = Ellipse(0.0, 0.25, 1.0, scene.pose.round)

    def shadowed(x: np.ndarray, y: np.ndarray, distance: np.ndarray) -> np.ndarray:
        gap = smoothstep(-0.05, 0.5, head.distance(x, y))
        return paint(x, y, distance) * (0.66 + 0.34 * gap)[..., None]  # type: ignore[operator]

    return shadowed


def _paint_thigh(pen: Pen, scene: Scene, side: int) -> None:
    thigh = Ellipse(side * 0.74, 2.2, 0.4, 0.55, side * -0.25)
    ball = Ellipse(side * 0.7, 2.2, 0.6, 0.75)
    pen.fill(thigh, _fur(pen, scene, "body", ball), ("body",), soft=0.05)


def _paint_leg(pen: Pen, scene: Scene, start: Point, end: Point) -> None:
    leg: Shape = Stroke(((*start, 0.27), (*end, 0.21)))
    ball = Ellipse((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, 0.42, 0.9)
    high = end[1] - start[1]
    lower = Ellipse(end[0], end[1] + 0.35, 2.0, high + 0.2)
    pen.fill(leg, _fur(pen, scene, "limb", ball), ("body",), within=lower, fade=0.3)
    _paint_foot(pen, scene, (end[0], end[1] + 0.08), 0.27)


def _paint_foot(pen: Pen, scene: Scene, centre: Point, width: float) -> None:
    x, y = centre
    paw = Ellipse(x, y, width, 0.19)
    tint = scene.coat.second if scene.coat.pattern in ("bib", "tricolour") else None
    pen.fill(paw, _fur(pen, scene, "limb", Ellipse(x, y - 0.1, 0.4, 0.4), tint), ("body",))
    for toe in (-0.35, 0.35):
        line = Stroke(((x + toe * width, y + 0.04, 0.016), (x + toe * width, y + 0.14, 0.016)))
        pen.fill(line, (0.2, 0.15, 0.15), opacity=0.45)


def _paint_collar(pen: Pen, scene: Scene) -> None:
    colour = scene.coat.collar or (0.0, 0.0, 0.0)
    neck = TORSOS[scene.pose.kind]
    band = curve((-0.85, 0.62), (0.0, 1.28), (0.85, 0.62), (0.1, 0.1))
    pen.fill(band, colour, ("body",), within=neck)
    pen.fill(Ellipse(0, 1.08, 0.13, 0.14), (0.93, 0.78, 0.36), ("body",))
    pen.fill(Ellipse(-0.03, 1.04, 0.045, 0.045), (1.0, 0.96, 0.8))


def body_frame(scene: Scene) -> Frame:
    """Return the body's frame: origin at the middle of the head, unit half a head."""
    pose = scene.pose
    return Frame(pose.x, pose.y, pose.lean, pose.unit, pose.mirror)
