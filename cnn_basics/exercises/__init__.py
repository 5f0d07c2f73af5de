"""Exercises that answer back: `check`, `hint`, `solution`, quick questions, and progress.

What a learner has done is kept in a small file that outlives the kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import textwrap
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_basics.exercises.content import LESSONS, Exercise, find, of_lesson
from cnn_basics.exercises.judging import BLANK, RIGHT, SECONDS, judge
from cnn_basics.expect import expect

if TYPE_CHECKING:
    from cnn_basics.exercises.quick import QuickQuestion

__all__ = ["ask", "check", "forget_progress", "hint", "progress", "solution"]

WIDTH = 84  # characters in a line of text
VARIABLE, FILE = "CNN_BASICS_PROGRESS", "progress.json"


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
    note(name, attempts=1, done=verdict.state == RIGHT)
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

    Example:
        >>> hint("5.1")  # doctest: +ELLIPSIS
        Hint 1 of 3: ...
    """
    exercise = _exercise(name)
    given = min(note(name, hints=1)["hints"], len(exercise.hints))
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
    if not read_record().get(name, {}).get("attempts"):
        print(f"{name}: first try it yourself; an answer that is wrong is good enough.")
        return
    print(asked.solution)
    if isinstance(asked, Exercise):
        print()
        _print(f"Why: {asked.why}")


def ask(name: str) -> QuickQuestion:
    """Show a quick question, to be answered in the page by mouse or keyboard.

    Args:
        name: Of the question, such as "5.4".

    Returns:
        The widget; each answer gets its explanation at once.

    Raises:
        ValueError: There is no such question, or it is an exercise with code.

    Example:
        >>> ask("5.4").choices[0]
        'Nothing: it has no parameters'
    """
    from cnn_basics.exercises.quick import QuickQuestion

    question = find(name)
    if isinstance(question, Exercise):
        fix = f'write its cell, and call exercises.check("{name}", {question.answer_name})'
        expect(False, "a quick question", f"{name!r}, an exercise with code", fix)
    return QuickQuestion(question, note)


def progress() -> None:
    """Print which exercises are done; it is kept when the kernel is restarted.

    Example:
        >>> progress()  # doctest: +ELLIPSIS
        lesson  1  ...
    """
    kept = read_record()
    done = total = 0
    for lesson in LESSONS:
        marks = []
        for asked in of_lesson(lesson):
            about = kept.get(asked.name, {})
            mark = "✓" if about.get("done") else "…" if about.get("attempts") else "–"
            marks.append(f"{asked.name} {mark}")
            done += bool(about.get("done"))
        total += len(marks)
        print(f"lesson {lesson:2}  {'  '.join(marks)}")
    print(f"{done} of {total} done (✓ done, … tried, – not yet)")


def forget_progress() -> None:
    """Delete all that is kept about the exercises."""
    path = record_path()
    kept = path.exists()
    path.unlink(missing_ok=True)
    print("Forgotten." if kept else "There was nothing to forget.")


def record_path() -> Path:
    """Find the file of progress: that of CNN_BASICS_PROGRESS, or one in the user's data folder."""
    import platformdirs

    chosen = os.environ.get(VARIABLE) or Path(platformdirs.user_data_dir("cnn-basics"), FILE)
    return Path(chosen).expanduser().absolute()


def read_record() -> dict[str, dict[str, int]]:
    """Read what is kept about each exercise; a broken file is set aside, and said."""
    path = record_path()
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"))  # editors may write a BOM
        counts = [count for about in record.values() for count in about.values()]
        if not all(isinstance(count, int) for count in counts):
            raise ValueError("expected counts for each exercise")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        aside = path.with_suffix(f".{datetime.now():%Y-%m-%d-%H%M%S-%f}.broken")
        with contextlib.suppress(OSError):
            path.replace(aside)
        kept = f", and is kept as {aside.name}" if aside.exists() else ""
        warnings.warn(
            f"{path} could not be read ({error}){kept}: progress starts anew", stacklevel=2
        )
        return {}
    return record


def note(name: str, attempts: int = 0, hints: int = 0, done: bool = False) -> dict[str, int]:
    """Add to what is kept about an exercise, and return it, also where it cannot be written."""
    record = read_record()
    about = {"attempts": 0, "hints": 0, "done": False} | record.get(name, {})
    about["attempts"] += attempts
    about["hints"] += hints
    about["done"] = bool(about["done"]) or done
    record[name] = about
    path = record_path()
    part = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(record, indent=1), encoding="utf-8")
        part.replace(path)  # never half a file
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        warnings.warn(
            f"progress could not be kept in {path} ({error.strerror}): name another file with the "
            f"environment variable {VARIABLE}",
            stacklevel=2,
        )
    return about


def _print(text: str) -> None:
    print(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def _exercise(name: str) -> Exercise:
    asked = find(name)
    fix = f'answer it in the page, with exercises.ask("{name}")'
    expect(isinstance(asked, Exercise), "an exercise", f"{name!r}, a quick question", fix)
    return asked
