"""Shapes as signed distances: negative inside, zero on the outline, positive outside."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Array = np.ndarray
Bounds = tuple[float, float, float]


class Shape(Protocol):
    """Anything with a signed distance and a circle that encloses it."""

    def distance(self, x: Array, y: Array) -> Array:
        """Return the signed distance of every point, same shape as ``x``."""
        ...

    def bounds(self) -> Bounds:
        """Return the enclosing circle ``(centre_x, centre_y, radius)``."""
        ...


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Rise softly from 0 at ``low`` to 1 at ``high``; the shape of ``value`` is kept."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def rotate(x: Array, y: Array, angle: float) -> tuple[Array, Array]:
    """Turn points by ``-angle`` radians about the origin."""
    c, s = math.cos(angle), math.sin(angle)
    return c * x + s * y, c * y - s * x


@dataclass(frozen=True)
class Ellipse:
    """An ellipse with half-axes ``rx``, ``ry``, turned by ``angle`` radians."""

    cx: float
    cy: float
    rx: float
    ry: float
    angle: float = 0.0

    def distance(self, x: Array, y: Array) -> Array:
        """Return the distance to first order, exact on the outline."""
        u, v = rotate(x - self.cx, y - self.cy, self.angle)
        u, v = u / self.rx, v / self.ry
        radius = np.sqrt(u * u + v * v + 1e-12)
        u, v = u / self.rx, v / self.ry
        return radius * (radius - 1.0) / np.sqrt(u * u + v * v + 1e-12 / (self.rx * self.ry))

    def bounds(self) -> Bounds:
        """Return the enclosing circle."""
        return self.cx, self.cy, max(self.rx, self.ry)


@dataclass(frozen=True)
class Stroke:
    """A line through ``points``, each ``(x, y, radius)``, with round ends."""

    points: tuple[tuple[float, float, float], ...]

    def distance(self, x: Array, y: Array) -> Array:
        """Return the distance to the nearest piece of the line."""
        result: Array | None = None
        for (x0, y0, r0), (x1, y1, r1) in zip(self.points, self.points[1:], strict=False):
            dx, dy = x1 - x0, y1 - y0
            u, v = x - x0, y - y0
            t = np.clip((u * dx + v * dy) / (dx * dx + dy * dy + 1e-12), 0.0, 1.0)
            u, v = u - t * dx, v - t * dy
            piece = np.sqrt(u * u + v * v) - (r0 + (r1 - r0) * t)
            result = piece if result is None else np.minimum(result, piece)
        if result is None:
            raise ValueError("expected at least two points in a stroke, got fewer: add a point")
        return result

    def bounds(self) -> Bounds:
        """Return the enclosing circle."""
        xs, ys, rs = zip(*self.points, strict=True)
        cx, cy = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        return (
            cx,
            cy,
            max(math.hypot(x - cx, y - cy) for x, y in zip(xs, ys, strict=True)) + max(rs),
        )


@dataclass(frozen=True)
class Polygon:
    """A polygon whose corners are rounded by ``radius``."""

    points: tuple[tuple[float, float], ...]
    radius: float = 0.0

    def distance(self, x: Array, y: Array) -> Array:
        """Return the distance to the nearest edge, negative inside (even-odd rule)."""
        nearest = np.full(np.shape(x), np.inf)
        inside = np.zeros(np.shape(x), dtype=bool)
        for (x0, y0), (x1, y1) in zip(self.points, self.points[1:] + self.points[:1], strict=True):
            dx, dy = x1 - x0, y1 - y0
            u, v = x - x0, y - y0
            t = np.clip((u * dx + v * dy) / (dx * dx + dy * dy + 1e-12), 0.0, 1.0)
            nearest = np.minimum(nearest, (u - t * dx) ** 2 + (v - t * dy) ** 2)
            crosses = (y >= min(y0, y1)) & (y < max(y0, y1))
            inside ^= crosses & ((u * dy - v * dx) * (1.0 if dy > 0 else -1.0) < 0)
        return np.where(inside, -1.0, 1.0) * np.sqrt(nearest) - self.radius

    def bounds(self) -> Bounds:
        """Return the enclosing circle."""
        return Stroke(tuple((x, y, self.radius) for x, y in self.points)).bounds()


@dataclass(frozen=True)
class Blend:
    """The union of ``shapes``, joined by fillets about ``softness`` wide."""

    shapes: tuple[Shape, ...]
    softness: float

    def distance(self, x: Array, y: Array) -> Array:
        """Return the smooth minimum of the distances (polynomial, degree 2)."""
        result = self.shapes[0].distance(x, y)
        for shape in self.shapes[1:]:
            other = shape.distance(x, y)
            overlap = np.maximum(self.softness - np.abs(result - other), 0.0)
            result = np.minimum(result, other) - overlap * overlap / (4.0 * self.softness)
        return result

    def bounds(self) -> Bounds:
        """Return the enclosing circle."""
        circles = [shape.bounds() for shape in self.shapes]
        cx = sum(c[0] for c in circles) / len(circles)
        cy = sum(c[1] for c in circles) / len(circles)
        reach = max(math.hypot(c[0] - cx, c[1] - cy) + c[2] for c in circles)
        return cx, cy, reach + self.softness


@dataclass(frozen=True)
class Furry:
    """Another shape whose outline is ruffled into soft tufts of the given ``depth``."""

    shape: Shape
    depth: float
    tufts: float = 13.0

    def distance(self, x: Array, y: Array) -> Array:
        """Return the ruffled distance."""
        wave = np.sin(self.tufts * (x + 0.6 * y)) * np.sin(self.tufts * (0.7 * x - y) + 1.0)
        return self.shape.distance(x, y) - self.depth * wave

    def bounds(self) -> Bounds:
        """Return the enclosing circle."""
        cx, cy, reach = self.shape.bounds()
        return cx, cy, reach + self.depth


def curve(
    start: tuple[float, float],
    middle: tuple[float, float],
    end: tuple[float, float],
    radii: tuple[float, float],
    pieces: int = 6,
) -> Stroke:
    """Return the stroke along the quadratic Bézier curve ``start``, ``middle``, ``end``."""
    points = []
    for i in range(pieces + 1):
        t = i / pieces
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        x = a * start[0] + b * middle[0] + c * end[0]
        y = a * start[1] + b * middle[1] + c * end[1]
        points.append((x, y, radii[0] + (radii[1] - radii[0]) * t))
    return Stroke(tuple(points))
