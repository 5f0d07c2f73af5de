"""Judges an answer: right, wrong and why, or not attempted yet."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnn_basics.exercises.comparing import describe, size_of
from cnn_basics.exercises.kinds import Exercise
from cnn_basics.exercises.known import acts_as_given, all_cases, behaviour
from cnn_basics.exercises.known import expected as expected_of
from cnn_basics.exercises.trying import SECONDS, Outcome, attempt

IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # what `...` compiles to
BLANK, RIGHT, WRONG = "not attempted yet", "right", "wrong"


@dataclass(frozen=True)
class Verdict:
    """What is thought of an answer.

    Attributes:
        state: BLANK, RIGHT or WRONG.
        case: What the smallest failing case showed.
        reason: Why it is wrong, or "" if that is not known.
    """

    state: str
    case: str = ""
    reason: str = ""


def is_blank(exercise: Exercise, answer: Any) -> bool:  # noqa: ANN401 - a learner's
    """Tell whether an answer is still the stub.

    Args:
        exercise: What it answers.
        answer: A function or a value.

    Returns:
        True for `...`, and for a function that does nothing.
    """
    if answer is ... or answer is None:
        return True
    code = getattr(answer, "__code__", None)
    if code is None or not exercise.parameters:
        return False
    spoken = {constant for constant in code.co_consts if not isinstance(constant, str)}
    return spoken <= {None, ...} and {step.opname for step in dis.get_instructions(code)} <= IDLE


def as_function(exercise: Exercise, answer: Any) -> Callable[..., Any]:  # noqa: ANN401
    """Let a value be what a function without parameters returns.

    Args:
        exercise: What it answers.
        answer: A function, or a value.

    Returns:
        A function.
    """
    return answer if exercise.parameters else lambda: answer


def judge(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Verdict:  # noqa: ANN401
    """Try an answer with every case.

    Args:
        exercise: What it answers.
        answer: The learner's function or value.
        seconds: How long one call may take.

    Returns:
        The verdict.

    Example:
        >>> from cnn_basics.exercises.catalog import find
        >>> judge(find("5.1"), ...).state
        'not attempted yet'
    """
    if is_blank(exercise, answer):
        return Verdict(BLANK)
    if exercise.parameters and not callable(answer):
        kind = f"expected the function {exercise.answer_name}, got {describe(answer)}"
        return Verdict(WRONG, f"{kind}: pass it without calling it")
    if exercise.parameters and (told := _misfit(exercise, answer)):
        return Verdict(WRONG, told)
    function, expected, got = as_function(exercise, answer), expected_of(exercise.name), []
    for arguments in all_cases(exercise):
        got.append(attempt(function, arguments, seconds))
        if got[-1].cut_off:
            break
    if exercise.stub is not None and acts_as_given(exercise, got):
        return Verdict(BLANK)
    failed = [k for k, outcome in enumerate(got) if not outcome.like(expected[k])]
    if not failed:
        return Verdict(RIGHT)
    cases = all_cases(exercise)
    worst = min(failed, key=lambda k: (not got[k].cut_off, size_of(cases[k])))
    shown = show_case(exercise, cases[worst], expected[worst], got[worst], seconds)
    return Verdict(WRONG, shown, find_reason(exercise, got))


def _misfit(exercise: Exercise, answer: Callable) -> str:
    wanted = ", ".join(exercise.parameters)
    try:
        inspect.signature(answer).bind(*exercise.parameters)
    except TypeError as error:
        return f"expected a function of ({wanted}); yours does not take these: {error}"
    except ValueError:  # written in C: nothing to look at
        return ""
    return ""


def find_reason(exercise: Exercise, got: list[Outcome]) -> str:
    """Find the known wrong answer that behaves exactly like this one.

    Args:
        exercise: What was answered.
        got: What came of each case.

    Returns:
        Its reason, or "".
    """
    cases = all_cases(exercise)
    if len(got) < len(cases):
        return ""
    for number, wrong in enumerate(exercise.wrongs):
        if all(got[k].like(behaviour(exercise.name, number, k)) for k in range(len(cases))):
            return wrong.why
    return ""


def show_case(
    exercise: Exercise, arguments: tuple, expected: Outcome, got: Outcome, seconds: float
) -> str:
    """Write what one failing case showed: input, expected, got.

    Args:
        exercise: What was answered.
        arguments: Of the case.
        expected: What the reference did.
        got: What the answer did.
        seconds: After how long it was cut off, if it was.

    Returns:
        A few lines.
    """
    named = zip(exercise.parameters, arguments, strict=True)
    lines = [f"  {name} = {describe(value)}" for name, value in named]
    lines = ["The smallest case that differs:", *lines] if lines else []
    raises = f"{expected.error} raised: {expected.told.splitlines()[0]}" if expected.error else ""
    lines.append(f"  expected {raises or describe(expected.value)}")
    if got.cut_off:
        lines.append(f"  got      nothing: it was cut off after {seconds:g} seconds")
    elif got.error:
        lines.append(f"  got      {got.told}")
    else:
        lines.append(f"  got      {describe(got.value)}")
    if got.changed is not None and expected.changed is None:
        lines.append(f"  {exercise.parameters[got.changed]} was changed in place: work on a copy")
    if got.value is None and not got.error and not got.cut_off and expected.value is not None:
        lines.append("  Nothing was returned: is there a line with `return`?")
    if got.printed:
        lines.append(f"  printed  {got.printed.strip()[:300]}")
    return "\n".join(lines)
