"""Finds exercises and questions by name; a lesson's are imported when the first is asked for."""

from __future__ import annotations

import importlib
import re
from functools import cache

from cnn_basics.exercises.kinds import Exercise
from cnn_basics.exercises.questions import Question

LESSONS = tuple(range(1, 13))


@cache
def of_lesson(lesson: int) -> tuple[Exercise | Question, ...]:
    """List what a lesson asks, in its order.

    Args:
        lesson: Its number, 1 to 12.

    Returns:
        Its exercises and quick questions.

    Example:
        >>> [asked.name for asked in of_lesson(5)][0]
        '5.1'
    """
    module = importlib.import_module(f"cnn_basics.exercises.lessons.lesson_{lesson:02}")
    return tuple(module.ASKED)


def find(name: str) -> Exercise | Question:
    """Find what has this name.

    Args:
        name: Such as "5.2".

    Returns:
        The exercise or question.

    Raises:
        ValueError: There is none.

    Example:
        >>> find("5.1").minutes
        5
    """
    form = re.fullmatch(r"(\d{1,2})\.(\d)", name) if isinstance(name, str) else None
    lesson = int(form[1]) if form else 0
    found = [each for each in of_lesson(lesson) if each.name == name] if lesson in LESSONS else []
    if found:
        return found[0]
    names = [each.name for each in of_lesson(lesson)] if lesson in LESSONS else ["1.1", "…", "12.4"]
    raise ValueError(
        f"expected the name of an exercise, one of {', '.join(names)}, got {name!r}: take it from "
        "the exercise's heading"
    )
