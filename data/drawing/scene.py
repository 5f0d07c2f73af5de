"""Everything about a picture that has nothing to do with the species."""

from __future__ import annotations

from dataclasses import dataclass

from .palette import Colour


@dataclass(frozen=True)
class Pose:
    """Where the animal is and how it holds itself; lengths in picture widths, angles in radians."""

    kind: str
    x: float
    y: float
    unit: float  # half the width of the head
    tilt: float  # of the head
    lean: float  # of the body
    mirror: float
    turn: float  # of the face, -1 left … 1 right
    nod: float  # of the face, -1 up … 1 down
    tail: float
    squint: float
    round: float  # height of the head over its width


@dataclass(frozen=True)
class Coat:
    """Colours and pattern of the fur, eyes and nose; colours as RGB in 0…1."""

    name: str
    pattern: str
    base: Colour
    light: Colour
    dark: Colour
    second: Colour
    ear: Colour
    muzzle: Colour
    inner: Colour
    iris: Colour
    nose: Colour
    whisker: Colour
    phases: tuple[float, ...]
    fluff: float
    tongue: bool
    collar: Colour | None


@dataclass(frozen=True)
class Light:
    """Direction the light comes from, its warmth, strength and the picture's contrast."""

    x: float
    y: float
    warmth: float
    strength: float
    contrast: float


@dataclass(frozen=True)
class Setting:
    """The background and what stands in front of the animal."""

    backdrop: str
    colours: tuple[Colour, Colour, Colour]
    horizon: float
    slope: float
    occluder: str
    occluder_colour: Colour
    side: float
    noise: tuple[float, ...]


@dataclass(frozen=True)
class Scene:
    """All that a cat and a dog of the same seed have in common."""

    pose: Pose
    coat: Coat
    light: Light
    setting: Setting
