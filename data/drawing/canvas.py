"""A canvas of soft-edged layers that keeps track of which part shows in which pixel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .shapes import Shape, smoothstep

Array = np.ndarray
Paint = tuple[float, float, float] | Callable[[Array, Array, Array], Array]
PARTS = ("ears", "eyes", "nose", "muzzle", "mouth", "whiskers", "head", "body", "tail")


class Canvas:
    """A square picture in progress: colours in 0…1 and the visible share of each part.

    Args:
        size: Side in pixels.
        masks: Whether to keep the visible share of each part.
    """

    def __init__(self, size: int, masks: bool) -> None:
        centres = (np.arange(size) + 0.5) / size
        self.size = size
        self.y, self.x = np.meshgrid(centres, centres, indexing="ij")
        self.rgb = np.zeros((size, size, 3))
        self.visible = {part: np.zeros((size, size)) for part in PARTS if masks}

    def window(self, x: float, y: float, radius: float) -> tuple[slice, slice] | None:
        """Return the rows and columns that a circle touches, ``None`` when it is outside."""
        pad = radius + 1.5 / self.size
        edges = [(v + s * pad) * self.size for v in (y, x) for s in (-1, 1)]
        top, bottom, left, right = (min(max(round(e), 0), self.size) for e in edges)
        if top >= bottom or left >= right:
            return None
        return slice(top, bottom), slice(left, right)

    def blend(
        self,
        window: tuple[slice, slice],
        cover: Array,
        rgb: Array | tuple[float, float, float],
        parts: tuple[str, ...] | None,
    ) -> None:
        """Lay a colour over a window; ``parts`` of ``None`` leaves the masks as they are."""
        target = self.rgb[window]
        target += cover[..., None] * (rgb - target)
        if parts is None:
            return
        for part, visible in self.visible.items():
            seen = visible[window]
            seen += cover * ((1.0 if part in parts else 0.0) - seen)


@dataclass(frozen=True)
class Frame:
    """A coordinate system on the picture: origin, tilt in radians, unit length, mirrored or not."""

    x: float
    y: float
    angle: float
    unit: float
    mirror: float = 1.0

    def local(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Turn picture coordinates (0…1, y down) into this frame's."""
        c, s = math.cos(self.angle) / self.unit, math.sin(self.angle) / self.unit
        u, v = x - self.x, y - self.y
        return (c * u + s * v) * self.mirror, c * v - s * u

    def picture(self, x: float, y: float) -> tuple[float, float]:
        """Turn a point of this frame into picture coordinates."""
        c, s = math.cos(self.angle) * self.unit, math.sin(self.angle) * self.unit
        x = x * self.mirror
        return self.x + c * x - s * y, self.y + s * x + c * y

    def direction(self, x: float, y: float) -> tuple[float, float]:
        """Turn a direction on the picture into this frame's."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return (c * x + s * y) * self.mirror, c * y - s * x


@dataclass(frozen=True)
class Pen:
    """Fills shapes given in the coordinates of ``frame``."""

    canvas: Canvas
    frame: Frame

    @property
    def pixel(self) -> float:
        """One pixel in the frame's unit."""
        return 1.0 / (self.canvas.size * self.frame.unit)

    def fill(
        self,
        shape: Shape,
        paint: Paint,
        parts: tuple[str, ...] | None = None,
        *,
        soft: float = 0.0,
        opacity: float = 1.0,
        within: Shape | None = None,
        fade: float = 0.0,
    ) -> None:
        """Fill ``shape``; ``soft`` widens its edge beyond one pixel; ``within`` clips it."""
        cx, cy, reach = shape.bounds()
        spread = (reach + soft) * self.frame.unit
        window = self.canvas.window(*self.frame.picture(cx, cy), spread)
        if window is None:
            return
        x, y = self.frame.local(self.canvas.x[window], self.canvas.y[window])
        distance = shape.distance(x, y)
        cover = opacity * self.cover(distance, soft)
        if within is not None:
            cover = cover * self.cover(within.distance(x, y), fade)
        rgb = paint(x, y, distance) if callable(paint) else paint
        self.canvas.blend(window, cover, rgb, parts)

    def cover(self, distance: Array, soft: float) -> Array:
        """Return the share of each pixel that lies inside, 0…1."""
        edge = 1.1 * self.pixel
        if soft > edge:
            return 1.0 - smoothstep(-soft, soft, distance)
        return np.clip(0.5 - distance / edge, 0.0, 1.0)
