"""What is known of an exercise: its cases, and what right and wrong answers do with them."""

from __future__ import annotations

import inspect
from functools import cache, lru_cache

from cnn_basics.exercises.catalog import find
from cnn_basics.exercises.kinds import Draw, Exercise
from cnn_basics.exercises.trying import Outcome, attempt

RANDOM_CASES = 25


@lru_cache(maxsize=4)
def _cases(name: str) -> list[tuple]:
    exercise, draw = find(name), Draw(name)
    if exercise.random_case is None:
        return list(exercise.cases)
    return [*exercise.cases, *(exercise.random_case(draw) for _ in range(RANDOM_CASES))]


def all_cases(exercise: Exercise) -> list[tuple]:
    """List the arguments that answers are tried with: the shown ones, then random ones.

    Args:
        exercise: Any.

    Returns:
        The same list every time.
    """
    return _cases(exercise.name)


@cache
def expected(name: str) -> list[Outcome]:
    """Try the reference with every case.

    Args:
        name: Of the exercise.

    Returns:
        What came of each.
    """
    exercise = find(name)
    return [attempt(exercise.reference, arguments) for arguments in all_cases(exercise)]


@cache
def behaviour(name: str, number: int, case: int) -> Outcome:
    """Try one of the wrong answers with one case.

    Args:
        name: Of the exercise.
        number: Of the wrong answer, counted from 0.
        case: Number of the case, counted from 0.

    Returns:
        What came of it.
    """
    exercise = find(name)
    return attempt(exercise.wrongs[number].answer, all_cases(exercise)[case])


def acts_as_given(exercise: Exercise, got: list[Outcome]) -> bool:
    """Tell whether code that was to be repaired still does what it did.

    Args:
        exercise: With a stub.
        got: What came of each case.

    Returns:
        True if the stub does the same in all of them.
    """
    scope = dict(vars(inspect.getmodule(exercise.reference)))
    exec(exercise.blank, scope)
    given, cases = scope[exercise.answer_name], all_cases(exercise)
    return len(got) == len(cases) and all(
        got[k].like(attempt(given, cases[k])) for k in range(len(cases))
    )
