"""Sentences about each step of a walk down a surface."""

from __future__ import annotations

import torch

from cnn_basics.by_hand import Surface, Walk, curvatures

RULE_NAMES = {"sgd": "SGD", "momentum": "momentum", "adam": "Adam"}
GROWN = 3  # so many steps uphill in a row are called diverging
FLAT = 0.01  # below this length, the gradient is called almost 0
_SAME = 0.1  # a ball so close to a valley's floor is in it
_LIMITS = {"sgd": (2.0, "2/curvature"), "momentum": (3.8, "2 · (1 + 0.9)/curvature")}


def describe_walk(surface: Surface, walk: Walk, rule: str, learning_rate: float) -> list[str]:
    """Say what happens at each point of a walk.

    Args:
        surface: Where the ball goes.
        walk: Its path.
        rule: `"sgd"`, `"momentum"` (of 0.9) or `"adam"`.
        learning_rate: As for `walk`.

    Returns:
        A sentence for each point.

    Example:
        >>> from cnn_basics.by_hand import SURFACES, walk
        >>> bowl = SURFACES["bowl"]
        >>> sentences = describe_walk(bowl, walk(bowl, learning_rate=2.5, steps=9), "sgd", 2.5)
        >>> sentences[3]
        'Diverges: the loss has grown for 3 steps; the rate 2.5 is above 2/curvature = 2.'
    """
    slopes = surface.gradient(walk.points).norm(dim=-1).tolist()
    bends = curvatures(surface, walk.points).tolist()
    losses, strides = walk.losses.tolist(), walk.points.diff(dim=0).norm(dim=-1).tolist()
    grown, sentences = 0, [_at_the_start(losses[0], slopes[0])]
    for step in range(1, len(losses)):
        grown = grown + 1 if losses[step] > losses[step - 1] else 0
        why = _reason(rule, learning_rate, bends[step - grown][1])
        lost = walk.diverged and step == len(losses) - 1
        if lost or (grown >= GROWN and (why or losses[step] > losses[0])):
            said = f"Diverges: the loss has grown for {_steps(grown)}{why}."
        elif slopes[step] < FLAT and strides[step - 1] < FLAT:
            said = _at_rest(surface, walk.points[step], bends[step][0])
        else:
            said = _on_the_way(walk, step, grown, rule)
        sentences.append(said)
    return sentences


def short(number: float) -> str:
    """Write a number with three digits and a real minus sign: 0.05, −1.25, 1.2e+06.

    Example:
        >>> short(-1 / 3), short(0.0), short(1234567.0)
        ('−0.333', '0', '1.23e+06')
    """
    text = f"{number:.3g}" if abs(number) >= 5e-7 else "0"
    return text.replace("-", "−", 1) if number < 0 else text


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _at_the_start(loss: float, slope: float) -> str:
    if slope < FLAT:
        return (
            f"At the start: the loss is {short(loss)}, and the gradient is almost 0: no way down."
        )
    return f"At the start: the loss is {short(loss)}, the gradient has a length of {short(slope)}."


def _reason(rule: str, learning_rate: float, curvature: float) -> str:
    """Say which bound the learning rate breaks, if it breaks one."""
    factor, words = _LIMITS.get(rule, (0.0, ""))
    if not factor or learning_rate * curvature <= factor:
        return ""
    bound = short(factor / curvature)
    return f"; the rate {learning_rate:g} is above {words} = {bound}"


def _at_rest(surface: Surface, point: torch.Tensor, bend: float) -> str:
    """Say where the ball lies where the surface is flat."""
    valleys = torch.tensor(surface.valleys, dtype=point.dtype)
    near = (valleys - point).norm(dim=-1) < _SAME
    if not near.any():
        place = "on a saddle or hill, no valley" if bend < 0 else "on flat ground, in no valley"
        return f"Hardly moves: the gradient is almost 0 here, {place}."
    depths = surface.loss(valleys)
    deepest = depths[near].min() <= depths.min() + 1e-9
    where = "the floor of a valley" if deepest else "the floor of a shallow valley, not the deepest"
    return f"Arrived: the gradient is almost 0, on {where}."


def _on_the_way(walk: Walk, step: int, grown: int, rule: str) -> str:
    before, now = walk.losses[step - 1].item(), walk.losses[step].item()
    stays = short(before) == short(now)
    numbers = f"from {short(before)} to {short(now)}"
    if grown and not stays:
        rolls = "" if rule == "sgd" else " (it rolls on by its momentum)"
        count = f"; it has grown for {_steps(grown)}" if grown > 1 else ""
        return f"Uphill{rolls}: this step raised the loss {numbers}{count}."
    change = f"the loss stays at {short(now)}" if stays else f"this step lowered the loss {numbers}"
    if _turned(walk.points[max(step - 2, 0) : step + 1]):
        return f"Zigzags: it jumps across the valley and back; {change}."
    if stays:
        return f"Hardly any progress: {change}."
    return f"Goes down{' slowly' if now > 0.98 * before else ''}: {change}."


def _turned(points: torch.Tensor) -> bool:
    """Say whether the last of two steps went back, against the one before."""
    moves = points.diff(dim=0)
    return len(moves) > 1 and bool(moves[-1] @ moves[-2] < 0)
