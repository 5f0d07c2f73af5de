"""Draws a scene from the seed, before anything about the species is decided."""

from __future__ import annotations

import math

from .dice import Dice, jitter, luma, mix
from .palette import (
    BACKDROPS,
    COATS,
    EYES,
    NOSES,
    OCCLUDERS,
    PATTERNS,
    POSES,
    TOYS,
    Colour,
)
from .scene import Coat, Light, Pose, Scene, Setting


def draw_scene(dice: Dice) -> Scene:
    """Draw the whole scene; the species is not known here.

    Args:
        dice: The picture's source of random numbers, fresh.

    Returns:
        The scene: pose, coat, light and setting.

    Example:
        >>> draw_scene(Dice(3)) == draw_scene(Dice(3))
        True
    """
    pose, coat, light = _draw_pose(dice), _draw_coat(dice), _draw_light(dice)
    return Scene(pose, coat, light, _draw_setting(dice, coat, pose))


def _draw_pose(dice: Dice) -> Pose:
    unit = dice.between(0.245, 0.33)
    return Pose(
        kind=dice.pick(POSES),
        x=0.5 + dice.between(-0.18, 0.18),
        y=0.52 + dice.between(-0.12, 0.12),
        unit=unit,
        tilt=math.radians(dice.between(-22, 22)),
        lean=math.radians(dice.between(-9, 9)),
        mirror=1.0 if dice.chance(0.5) else -1.0,
        turn=dice.between(-0.9, 0.9),
        nod=dice.between(-0.6, 0.6),
        tail=dice.between(0, 1),
        squint=dice.between(0.0, 0.25),
        round=dice.between(0.84, 0.95),
    )


def _draw_coat(dice: Dice) -> Coat:
    name = dice.pick(tuple(COATS))
    base, light, dark = COATS[name]
    gain = dice.between(-0.05, 0.05)
    base = mix(base, light if gain > 0 else dark, abs(gain) * 5)
    white = COATS["white"][0]
    pattern = dice.pick(PATTERNS)
    second = white if dice.chance(0.6) else COATS[dice.pick(tuple(COATS))][0]
    muzzle = mix(base, light, dice.between(0.2, 1.0))
    bold = pattern in ("bib", "patches", "tricolour")
    inner = mix((0.93, 0.66, 0.62), base, dice.between(0.1, 0.6))
    return Coat(
        name=name,
        pattern=pattern,
        base=base,
        light=light,
        dark=dark,
        second=white if pattern in ("bib", "tricolour") else second,
        ear=mix(base, dark, dice.between(0.0, 1.0) * (1.0 if pattern != "points" else 1.2)),
        muzzle=white if bold and dice.chance(0.6) else muzzle,
        inner=inner,
        iris=jitter(dice, EYES[dice.pick(tuple(EYES))], 0.12),
        nose=jitter(dice, NOSES[dice.pick(tuple(NOSES))], 0.1),
        whisker=(0.98, 0.97, 0.95) if dice.chance(0.6) else (0.2, 0.18, 0.18),
        phases=tuple(dice.between(0, 2 * math.pi) for _ in range(8)),
        fluff=dice.between(0.006, 0.021),
        tongue=dice.chance(0.3),
        collar=_collar(dice),
    )


def _collar(dice: Dice) -> Colour | None:
    colour = jitter(dice, TOYS[dice.pick(tuple(TOYS))], 0.12)
    return colour if dice.chance(0.4) else None


def _draw_light(dice: Dice) -> Light:
    angle = math.radians(dice.between(-160, -20))
    return Light(
        x=math.cos(angle),
        y=math.sin(angle),
        warmth=dice.between(-1, 1),
        strength=dice.between(0.86, 1.04),
        contrast=dice.between(0.9, 1.1),
    )


def _apart(colour: Colour, coat: Colour) -> Colour:
    """Move a background colour away from the coat's brightness, so that the animal stands out."""
    gap = luma(colour) - luma(coat)
    if abs(gap) > 0.24:
        return colour
    darker = luma(coat) > 0.62 or (gap < 0 and luma(coat) > 0.4)
    need = 0.24 - abs(gap) if (gap < 0) == darker else 0.24 + abs(gap)
    return (
        mix(colour, (0.12, 0.12, 0.16), min(need * 1.5, 0.6))
        if darker
        else mix(colour, (1.0, 0.98, 0.94), min(need * 1.7, 0.7))
    )


def _draw_setting(dice: Dice, coat: Coat, pose: Pose) -> Setting:
    backdrop = dice.pick(tuple(BACKDROPS))
    shades = [jitter(dice, colour, 0.1) for colour in BACKDROPS[backdrop]]
    hidden = dice.chance(0.45)
    return Setting(
        backdrop=backdrop,
        colours=(_apart(shades[0], coat.base), _apart(shades[1], coat.base), shades[2]),
        horizon=min(max(pose.y + pose.unit * dice.between(0.2, 1.6), 0.3), 0.9),
        slope=dice.between(-0.08, 0.08),
        occluder=dice.pick(OCCLUDERS) if hidden else "none",
        occluder_colour=jitter(dice, TOYS[dice.pick(tuple(TOYS))], 0.12),
        side=1.0 if dice.chance(0.5) else -1.0,
        noise=tuple(dice.between(0, 1) for _ in range(48)),
    )
