"""What learners call: `check`, `hint`, `solution`, `progress` and `forget_progress`."""

from __future__ import annotations

import textwrap
from typing import Any

from cnn_basics.exercises import record
from cnn_basics.exercises.catalog import LESSONS, find, of_lesson
from cnn_basics.exercises.judging import BLANK, RIGHT, judge
from cnn_basics.exercises.kinds import Exercise
from cnn_basics.exercises.trying import SECONDS

WIDTH = 84  # characters in a line of text


def check(name: str, answer: Any, seconds: float = SECONDS) -> None:  # noqa: ANN401 - a learner's
    """Check an answer, and say what came of it; nothing is raised, whatever the answer does.

    Args:
        name: Of the exercise, such as "5.1".
        answer: The function that was written, or the value.
        seconds: How long one call of the function may take.

    Raises:
        ValueError: There is no such exercise, or it is a quick question.

    Example:
        >>> check("5.1", ...)  # doctest: +ELLIPSIS
        5.1 · Windows that fit: not attempted yet
        Write `count_windows(size, kernel_size, stride)`: ...
        Replace the `...`, and run the cell. A first step: exercises.hint("5.1")
    """
    exercise = _exercise(name)
    verdict = judge(exercise, answer, seconds)
    print(f"{name} · {exercise.title}: {verdict.state}")
    if verdict.state == BLANK:
        first = "Replace the `...`" if exercise.stub is None else "Repair it"
        _print(exercise.asks)
        print(f'{first}, and run the cell. A first step: exercises.hint("{name}")')
        return
    record.note(name, attempts=1, **({"done": True} if verdict.state == RIGHT else {}))
    if verdict.state == RIGHT:
        print(f'How we did it, and why: exercises.solution("{name}")')
        return
    print(verdict.case)
    _print(verdict.reason or f'Follow that case by hand. A hint: exercises.hint("{name}")')


def hint(name: str) -> None:
    """Print the hints so far, and one more each time.

    Args:
        name: Of the exercise, such as "5.1".

    Raises:
        ValueError: There is no such exercise, or it is a quick question.
    """
    exercise = _exercise(name)
    given = min(record.note(name, hints=1)["hints"], len(exercise.hints))
    for number, text in enumerate(exercise.hints[:given], 1):
        _print(f"Hint {number} of {len(exercise.hints)}: {text}")
    if given == len(exercise.hints):
        print(f'That was the last one. After an attempt: exercises.solution("{name}")')


def solution(name: str) -> None:
    """Print the right answer and why it is right, after an attempt.

    Args:
        name: Of the exercise, such as "5.1".

    Raises:
        ValueError: There is no such exercise.
    """
    asked = find(name)
    if not record.read_record().get(name, {}).get("attempts"):
        print(f"{name}: first try it yourself; an answer that is wrong is good enough.")
        return
    print(asked.solution)
    if isinstance(asked, Exercise):
        print()
        _print(f"Why: {asked.why}")


def progress() -> None:
    """Print which exercises are done; it is kept when the kernel is restarted.

    Example:
        >>> progress()  # doctest: +ELLIPSIS
        lesson  1  ...
    """
    kept = record.read_record()
    done = total = 0
    for lesson in LESSONS:
        asked = of_lesson(lesson)
        marks = "  ".join(f"{each.name} {_mark(kept.get(each.name, {}))}" for each in asked)
        done += sum(bool(kept.get(each.name, {}).get("done")) for each in asked)
        total += len(asked)
        print(f"lesson {lesson:2}  {marks}")
    print(f"{done} of {total} done (✓ done, … tried, – not yet)")


def forget_progress() -> None:
    """Delete all that is kept about the exercises."""
    print("Forgotten." if record.forget() else "There was nothing to forget.")


def _print(text: str) -> None:
    print(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def _mark(about: dict[str, Any]) -> str:
    return "✓" if about.get("done") else "…" if about.get("attempts") else "–"


def _exercise(name: str) -> Exercise:
    asked = find(name)
    if not isinstance(asked, Exercise):
        raise ValueError(
            f"expected an exercise, got {name!r}, a quick question: answer it in the page, with "
            f'exercises.ask("{name}")'
        )
    return asked
