"""Backgrounds: a room, a sofa, a meadow, the sky and some plainer ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .canvas import Canvas, Frame, Pen
from .scene import Scene, Setting
from .shapes import Ellipse, Stroke, curve, smoothstep

Array = np.ndarray


def paint_backdrop(canvas: Canvas, scene: Scene) -> None:
    """Paint the scene's background over the whole canvas."""
    setting = scene.setting
    pen = Pen(canvas, Frame(0.0, 0.0, 0.0, 1.0))
    upper, lower, _ = (np.asarray(colour) for colour in setting.colours)
    level = canvas.y - setting.horizon - setting.slope * (canvas.x - 0.5)
    soft = 0.012 if setting.backdrop not in ("sky", "studio", "bokeh", "evening") else 0.3
    share = smoothstep(-soft, soft, level)[..., None]
    canvas.rgb[...] = upper * (1 - share) + lower * share
    _PAINTERS[setting.backdrop](pen, setting, level)
    glow = 1.0 + 0.1 * ((canvas.x - 0.5) * scene.light.x + (canvas.y - 0.5) * scene.light.y) * 2
    canvas.rgb *= glow[..., None]


def _stain(pen: Pen, colour: tuple[float, float, float], share: Array) -> None:
    rgb = pen.canvas.rgb
    rgb += share[..., None] * (np.asarray(colour) - rgb)


def _wall(pen: Pen, setting: Setting, level: Array) -> None:
    skirting = smoothstep(-0.055, -0.045, level) * (1 - smoothstep(-0.012, 0.0, level))
    _stain(pen, setting.colours[2], 0.8 * skirting)
    x = 0.15 + 0.7 * setting.noise[0]
    pane = (1 - smoothstep(0.13, 0.15, np.abs(pen.canvas.x - x + 0.1 * pen.canvas.y))) * (
        1 - smoothstep(-0.16, -0.1, level)
    )
    _stain(pen, setting.colours[2], 0.45 * pane)


def _sofa(pen: Pen, setting: Setting, level: Array) -> None:
    dark = tuple(0.6 * c for c in setting.colours[0])
    for i in range(2):
        x = 0.1 + 0.5 * i + 0.3 * setting.noise[i]
        line = curve((x, -0.05), (x + 0.02, 0.4), (x, setting.horizon), (0.008, 0.012))
        pen.fill(line, dark, soft=0.02, opacity=0.6)  # type: ignore[arg-type]
    seam = 1 - smoothstep(0.0, 0.05, np.abs(level))
    _stain(pen, dark, 0.5 * seam)  # type: ignore[arg-type]
    cushion = Ellipse(setting.noise[3], setting.horizon - 0.12, 0.2, 0.17, setting.noise[4] - 0.5)
    pen.fill(cushion, setting.colours[2], soft=0.01)


def _meadow(pen: Pen, setting: Setting, level: Array) -> None:
    hill = Ellipse(setting.noise[0], setting.horizon + 0.1, 0.5, 0.2)
    far = tuple(0.5 * a + 0.5 * b for a, b in zip(*setting.colours[:2], strict=True))
    pen.fill(hill, far, soft=0.02)  # type: ignore[arg-type]
    _stain(pen, setting.colours[1], smoothstep(-0.01, 0.01, level))
    for i in range(14):
        x, y = setting.noise[2 * i], setting.noise[2 * i + 1]
        y = setting.horizon + 0.04 + y * (1 - setting.horizon)
        if i < 7:
            pen.fill(Ellipse(x, y, 0.016, 0.014), setting.colours[2], opacity=0.9)
        else:
            blade = Stroke(((x, y, 0.01), (x + 0.02, y - 0.07, 0.003)))
            pen.fill(blade, tuple(0.75 * c for c in setting.colours[1]), opacity=0.7)  # type: ignore[arg-type]


def _sky(pen: Pen, setting: Setting, level: Array) -> None:
    for i in range(3):
        x, y = setting.noise[2 * i], 0.1 + 0.6 * setting.noise[2 * i + 1]
        for j in (-1, 0, 1):
            puff = Ellipse(x + 0.1 * j, y - 0.03 * (j == 0), 0.11, 0.06 + 0.02 * (j == 0))
            pen.fill(puff, setting.colours[2], soft=0.05, opacity=0.6)


def _studio(pen: Pen, setting: Setting, level: Array) -> None:
    pen.fill(Ellipse(0.3 + 0.4 * setting.noise[0], 0.4, 0.35, 0.35), setting.colours[2], soft=0.3)


def _dots(pen: Pen, setting: Setting, level: Array) -> None:
    x, y = pen.canvas.x + setting.noise[0], pen.canvas.y + setting.noise[1]
    field = np.sin(22 * x) * np.sin(22 * y)
    _stain(pen, setting.colours[2], 0.8 * smoothstep(0.35, 0.6, field) * (level < 0))


def _stripes(pen: Pen, setting: Setting, level: Array) -> None:
    field = np.sin(30 * (pen.canvas.x + setting.noise[0]))
    _stain(pen, setting.colours[2], 0.8 * smoothstep(-0.2, 0.2, field) * (level < 0))


def _bokeh(pen: Pen, setting: Setting, level: Array) -> None:
    for i in range(9):
        x, y, r = setting.noise[3 * i : 3 * i + 3]
        pen.fill(
            Ellipse(x, y, 0.04 + 0.06 * r, 0.04 + 0.06 * r),
            setting.colours[2],
            soft=0.02,
            opacity=0.32,
        )


def _blanket(pen: Pen, setting: Setting, level: Array) -> None:
    x, y = pen.canvas.x + setting.noise[0], pen.canvas.y + 0.25 * pen.canvas.x + setting.noise[1]
    for field in (np.sin(16 * x), np.sin(16 * y)):
        _stain(pen, setting.colours[2], 0.28 * smoothstep(0.2, 0.45, field))


def _evening(pen: Pen, setting: Setting, level: Array) -> None:
    pen.fill(Ellipse(setting.noise[0], 0.25, 0.07, 0.07), setting.colours[2], soft=0.05)
    for i in range(8):
        x, y = setting.noise[2 * i + 1], 0.7 * setting.noise[2 * i + 2]
        pen.fill(Ellipse(x, y, 0.008, 0.008), setting.colours[2], opacity=0.8)


_PAINTERS: dict[str, Callable[[Pen, Setting, Array], None]] = {
    "wall": _wall,
    "sofa": _sofa,
    "meadow": _meadow,
    "sky": _sky,
    "studio": _studio,
    "dots": _dots,
    "stripes": _stripes,
    "bokeh": _bokeh,
    "blanket": _blanket,
    "evening": _evening,
}
