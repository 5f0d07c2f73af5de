"""Exercises that answer back: `check`, `hint`, `solution`, quick questions, and progress.

What a learner has done is kept in a small file that outlives the kernel.
"""

from __future__ import annotations

import json
import os
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnn_basics.exercises.content import LESSONS, Exercise, Question, find, of_lesson
from cnn_basics.exercises.judging import BLANK, RIGHT, SECONDS, judge

if TYPE_CHECKING:
    from cnn_basics.exercises.quick import QuickQuestion

__all__ = ["ask", "check", "forget_progress", "hint", "progress", "solution"]

WIDTH = 84  # characters in a line of text
VARIABLE = "CNN_BASICS_PROGRESS"


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
    if not isinstance(question, Question):
        raise ValueError(
            f"expected a quick question, got {name!r}, an exercise with code: write its cell, and "
            f'call exercises.check("{name}", {question.answer_name})'
        )
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
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("cnn-basics"), "progress.json").absolute()


def read_record() -> dict[str, dict[str, Any]]:
    """Read "attempts", "hints" and "done" of each exercise; a broken file is none, and said."""
    path = record_path()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(each, dict) for each in kept.values()):
            raise ValueError("expected one object for each exercise")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        warnings.warn(f"{path} could not be read ({error}): progress starts anew", stacklevel=2)
        return {}
    return kept


def note(name: str, attempts: int = 0, hints: int = 0, done: bool = False) -> dict[str, Any]:
    """Add to what is kept about an exercise, and return it; once done, it stays so.

    Where the file cannot be written, a warning says so.
    """
    record = read_record()
    about = record.setdefault(name, {"attempts": 0, "hints": 0, "done": False})
    about["attempts"] = about.get("attempts", 0) + attempts
    about["hints"] = about.get("hints", 0) + hints
    about["done"] = bool(about.get("done")) or done
    path = record_path()
    aside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(record, indent=1), encoding="utf-8")
        aside.replace(path)  # never half a file
    except OSError as error:
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
    if not isinstance(asked, Exercise):
        raise ValueError(
            f"expected an exercise, got {name!r}, a quick question: answer it in the page, with "
            f'exercises.ask("{name}")'
        )
    return asked
