"""Exercises that answer back: `check`, `hint`, `solution`, quick questions, and progress.

What a learner has done is kept in a small file that outlives the kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import textwrap
import warnings
import zlib
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
LONGEST_WAIT = 5  # seconds for another kernel that notes something down
_memory: dict[str, dict[str, int]] = {}  # what could not be kept in the file


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
        first = "Repair it" if exercise.answers("Planted") else "Replace the `...`"
        _print(exercise.asks)
        print(f'{first}, and run the cell. A first step: exercises.hint("{name}")')
        return
    note(name, attempts=1, done=verdict.state == RIGHT)
    if verdict.state == RIGHT:
        print(f'How we did it, and why: exercises.solution("{name}")')
        return
    print(verdict.case, end="\n" if verdict.case else "")
    follow = "Follow that case by hand. " if exercise.parameters else ""
    _print(verdict.reason or f'{follow}A hint: exercises.hint("{name}")')


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
    print("Forgotten." if read_record() else "There was nothing to forget.")
    _memory.clear()
    with contextlib.suppress(OSError, RuntimeError):
        record_path().unlink(missing_ok=True)


def record_path() -> Path:
    """Find the file of progress; a RuntimeError says that the user has no place for one."""
    import platformdirs

    chosen = os.environ.get(VARIABLE) or Path(platformdirs.user_data_dir("cnn-basics"), FILE)
    return Path(chosen).expanduser().absolute()


def read_record() -> dict[str, dict[str, int]]:
    """Read what is kept about each exercise, and what is only remembered."""
    try:
        return _read(record_path()) | _memory
    except (OSError, RuntimeError):
        return dict(_memory)


def _read(path: Path) -> dict[str, dict[str, int]]:
    """Read the file of progress; a broken one is set aside, and said."""
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"))  # editors may write a BOM
        counts = [count for about in record.values() for count in about.values()]
        if not all(isinstance(count, int) for count in counts):
            raise ValueError("expected counts for each exercise")
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, RecursionError) as error:
        aside = path.with_suffix(f".{datetime.now():%Y-%m-%d-%H%M%S-%f}.broken")
        path.replace(aside)
        said = f"{path} could not be read ({error}), and is kept as {aside.name}"
        warnings.warn(f"{said}: progress starts anew", stacklevel=2)
        return {}
    return record


def note(name: str, attempts: int = 0, hints: int = 0, done: bool = False) -> dict[str, int]:
    """Add to what is kept about an exercise, and return it; it is remembered if it cannot be kept.

    Several kernels may do so at once.
    """
    from filelock import FileLock

    more = {"attempts": attempts, "hints": hints, "done": done}
    try:
        path = record_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = f"cnn-basics-{zlib.crc32(str(path).encode()):08x}.lock"
        with FileLock(Path(tempfile.gettempdir(), lock), timeout=LONGEST_WAIT):
            record = _add(name, more, _read(path) | _memory)
            part = path.with_suffix(f".{os.getpid()}")
            try:
                part.write_text(json.dumps(record, indent=1), encoding="utf-8")
                part.replace(path)  # never half a file
            finally:
                part.unlink(missing_ok=True)
        _memory.clear()
    except (OSError, RuntimeError) as error:
        record = _add(name, more, read_record())
        _memory[name] = record[name]
        said = f"progress is not kept, only remembered until this kernel ends ({error})"
        warnings.warn(f"{said}: name a file for it with {VARIABLE}", stacklevel=2)
    return record[name]


def _add(name: str, more: dict, record: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    before = {"attempts": 0, "hints": 0, "done": False} | record.get(name, {})
    about = {key: before[key] + more[key] for key in ("attempts", "hints")}
    return record | {name: about | {"done": bool(before["done"] or more["done"])}}


def _print(text: str) -> None:
    print(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def _exercise(name: str) -> Exercise:
    asked = find(name)
    fix = f'answer it in the page, with exercises.ask("{name}")'
    expect(isinstance(asked, Exercise), "an exercise", f"{name!r}, a quick question", fix)
    return asked
