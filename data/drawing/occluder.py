"""What stands in front of the animal: leaves, a cushion, a box, a ball, grass."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Frame, Paint, Pen
from .scene import Scene
from .shapes import Ellipse, Polygon, Stroke, curve, smoothstep

HIDES: tuple[str, ...] = ()  # belongs to no part of the animal, so it hides them all


def paint_occluder(canvas: Canvas, scene: Scene) -> None:
    """Paint what is in front of the animal, if the scene has it."""
    painter = _PAINTERS.get(scene.setting.occluder)
    if painter is not None:
        painter(Pen(canvas, Frame(0.0, 0.0, 0.0, 1.0)), scene)


def _soft(colour: tuple[float, float, float], dark: float = 0.7) -> Paint:
    base = np.asarray(colour)

    def paint(x: np.ndarray, y: np.ndarray, distance: np.ndarray) -> np.ndarray:
        return base * (dark + (1 - dark) * smoothstep(0.0, 0.07, -distance))[..., None]

    return paint


def _leaves(pen: Pen, scene: Scene) -> None:
    noise, side = scene.setting.noise, scene.setting.side
    root = 0.5 + 0.5 * side
    for i in range(4):
        angle = -math.pi / 2 - side * (0.1 + 0.3 * i + 0.25 * noise[i])
        long = 0.2 + 0.12 * noise[i + 4]
        x, y = root + 0.03 * side, 1.0 - 0.16 * i
        tip = (x + long * math.cos(angle) * 1.2, y + long * math.sin(angle))
        leaf = Ellipse((x + tip[0]) / 2, (y + tip[1]) / 2, 0.55 * long, 0.055, angle)
        pen.fill(leaf, _soft((0.32 + 0.1 * noise[i + 8], 0.55, 0.3)), HIDES)
        pen.fill(Stroke(((x, y, 0.006), (*tip, 0.003))), (0.72, 0.85, 0.55), opacity=0.5)


def _cushion(pen: Pen, scene: Scene) -> None:
    side, noise = scene.setting.side, scene.setting.noise
    x, y = 0.5 + side * (0.46 + 0.1 * noise[0]), 1.04 - 0.1 * noise[1]
    pen.fill(Ellipse(x, y, 0.3, 0.24, side * 0.3), _soft(scene.setting.occluder_colour), HIDES)
    pen.fill(Ellipse(x, y - 0.03, 0.02, 0.02), (1, 1, 1), HIDES, opacity=0.4)


def _box(pen: Pen, scene: Scene) -> None:
    top = min(scene.pose.y + scene.pose.unit * (1.15 + 0.5 * scene.setting.noise[0]), 0.94)
    tilt = 0.03 * scene.setting.side
    front = Polygon(((-0.2, top - tilt), (1.2, top + tilt), (1.2, 1.3), (-0.2, 1.3)))
    pen.fill(front, _soft((0.78, 0.6, 0.41), 0.8), HIDES)
    rim = Stroke(((-0.2, top - tilt, 0.012), (1.2, top + tilt, 0.012)))
    pen.fill(rim, (0.9, 0.76, 0.57), HIDES)


def _ball(pen: Pen, scene: Scene) -> None:
    side, noise = scene.setting.side, scene.setting.noise
    x, y, r = 0.5 + side * (0.2 + 0.2 * noise[0]), 0.9, 0.09 + 0.04 * noise[1]
    colour = scene.setting.occluder_colour
    pen.fill(Ellipse(x, y + r, r, 0.03), (0.1, 0.08, 0.1), HIDES, soft=0.03, opacity=0.3)
    ball = Ellipse(x, y, r, r)
    pen.fill(ball, _soft(colour), HIDES)
    tilt = noise[2] - 0.5
    band = curve(
        (x - 1.2 * r, y - tilt * r), (x, y + 0.5 * r), (x + 1.2 * r, y + tilt * r), (0.2 * r,) * 2
    )
    pen.fill(band, (0.97, 0.94, 0.88), HIDES, within=ball)
    pen.fill(
        Ellipse(x - 0.3 * r, y - 0.45 * r, 0.2 * r, 0.14 * r),
        (1, 1, 1),
        HIDES,
        opacity=0.6,
        soft=0.01,
    )


def _grass(pen: Pen, scene: Scene) -> None:
    noise = scene.setting.noise
    for i in range(16):
        x = (i + noise[i]) / 16
        tall = 0.1 + 0.16 * noise[i + 16]
        blade = curve(
            (x, 1.03),
            (x, 1 - 0.5 * tall),
            (x + 0.12 * (noise[i + 32] - 0.5), 1 - tall),
            (0.018, 0.004),
            3,
        )
        pen.fill(blade, (0.36 + 0.14 * noise[i], 0.6, 0.28), HIDES)


_PAINTERS: dict[str, Callable[[Pen, Scene], None]] = {
    "leaves": _leaves,
    "cushion": _cushion,
    "box": _box,
    "ball": _ball,
    "grass": _grass,
}
