"""Puts a picture together: background, animal from back to front, what hides it, light."""

from __future__ import annotations

import numpy as np

from .backdrop import paint_backdrop
from .body import body_frame, paint_body, paint_shadow, paint_tail
from .canvas import Canvas, Pen
from .casting import draw_scene
from .dice import Dice
from .face import Face, head_frame, paint_eyes, paint_head
from .occluder import paint_occluder
from .scene import Scene
from .species import SPECIES, Cat, Dog, draw_traits

SMALLEST = 16
SEEN = 1e-6  # smallest visible share of a pixel that counts: less cannot change its colour


def paint_animal(canvas: Canvas, scene: Scene, animal: Cat | Dog) -> None:
    """Paint the animal from back to front."""
    body = Pen(canvas, body_frame(scene))
    face = Face(Pen(canvas, head_frame(scene)), scene)
    paint_tail(body, scene)
    paint_body(body, scene)
    animal.paint_ears_behind(face)
    paint_head(face)
    animal.paint_ears_before(face)
    animal.paint_muzzle(face)
    paint_eyes(face, animal.slit)
    animal.paint_whiskers(face)


def grade(rgb: np.ndarray, scene: Scene) -> np.ndarray:
    """Apply the light's strength, warmth and contrast; ``(h, w, 3)`` in 0…1 to uint8."""
    light = scene.light
    tint = np.array([1 + 0.07 * light.warmth, 1.0, 1 - 0.08 * light.warmth]) * light.strength
    lit = 0.5 + (rgb * tint - 0.5) * light.contrast
    return np.rint(np.clip(lit, 0.0, 1.0) * 255.0).astype(np.uint8)


def check(species: str, seed: int, size: int) -> None:
    """Refuse what cannot be drawn.

    Args:
        species: ``"cat"`` or ``"dog"``.
        seed: A whole number, 0 or more.
        size: Side in pixels, a whole number, 16 or more.

    Raises:
        TypeError: If the seed or the size is not a whole number.
        ValueError: If one of them is out of range, or the species is unknown.
    """
    if not isinstance(species, str) or species not in SPECIES:
        raise ValueError(f"expected the species 'cat' or 'dog', got {species!r}: use one of these")
    for name, value, least in (("seed", seed, 0), ("size", size, SMALLEST)):
        wanted = f"expected the {name} as a whole number of {least} or more"
        if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
            raise TypeError(
                f"{wanted}, got {value!r}: pass an int, for example {name}={least + 48}"
            )
        if value < least:
            raise ValueError(f"{wanted}, got {value}: pass at least {least}")


def part_masks(canvas: Canvas) -> dict[str, np.ndarray]:
    """Return the mask of each part, ``(size, size)`` bool, and of the background."""
    masks = {part: visible > SEEN for part, visible in canvas.visible.items()}
    masks["background"] = ~np.logical_or.reduce(list(masks.values()))
    return masks


def draw_pet(
    species: str, seed: int, size: int = 128, masks: bool = False
) -> np.ndarray | tuple[np.ndarray, dict[str, np.ndarray]]:
    """Draw a cat or a dog.

    A cat and a dog of the same seed share coat, colours, background, place, size, pose, light
    and what stands in front of them; they differ in ears, muzzle, pupils and whiskers.

    Args:
        species: ``"cat"`` or ``"dog"``.
        seed: A whole number, 0 or more; the same seed gives the same picture.
        size: Side in pixels, 16 or more.
        masks: Whether to return the masks of the parts as well.

    Returns:
        The picture, ``(size, size, 3)`` uint8 RGB; with ``masks=True`` a pair of the picture and
        a dict of ``(size, size)`` bool masks: ``ears``, ``eyes``, ``nose``, ``muzzle``, ``mouth``,
        ``whiskers``, ``head``, ``body``, ``tail`` and ``background``. A mask holds every pixel
        in which the part can be seen, even in a share of it, so parts overlap by the one pixel
        of their soft edges. ``head`` includes eyes, muzzle, nose and mouth, and ``muzzle``
        includes nose and mouth; ears and whiskers are parts of their own. What stands in front
        of the animal hides its parts. ``background`` is all that is not animal; a part that is
        hidden or outside the picture has an empty mask.

    Raises:
        TypeError: If the seed or the size is not a whole number.
        ValueError: If the species is unknown, the seed negative or the size below 16.

    Example:
        >>> image, parts = draw_pet("cat", seed=7, size=64, masks=True)
        >>> image.shape, parts["ears"].dtype
        ((64, 64, 3), dtype('bool'))
    """
    check(species, seed, size)
    dice = Dice(seed)
    scene = draw_scene(dice)
    animal = SPECIES[species](draw_traits(dice))
    canvas = render(scene, animal, size, masks)
    image = grade(canvas.rgb, scene)
    return (image, part_masks(canvas)) if masks else image


def render(scene: Scene, animal: Cat | Dog | None, size: int, masks: bool = False) -> Canvas:
    """Paint a scene with an animal in it, or without.

    Args:
        scene: What does not depend on the species.
        animal: The animal, or ``None`` for the empty scene.
        size: Side in pixels.
        masks: Whether to keep the visible share of each part.

    Returns:
        The canvas, its colours not yet graded.
    """
    canvas = Canvas(int(size), masks)
    paint_backdrop(canvas, scene)
    paint_shadow(Pen(canvas, body_frame(scene)), scene)
    if animal is not None:
        paint_animal(canvas, scene, animal)
    paint_occluder(canvas, scene)
    return canvas


def scene_of(seed: int) -> Scene:
    """Return the scene of a seed: all that its cat and its dog have in common.

    Args:
        seed: A whole number, 0 or more.

    Returns:
        The scene: pose, coat, light and setting.

    Example:
        >>> scene_of(7).pose.kind in ("sit", "loaf", "stand", "bust")
        True
    """
    return draw_scene(Dice(seed))
