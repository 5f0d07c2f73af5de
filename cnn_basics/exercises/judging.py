"""Judges an answer: runs it with every case, compares, and finds the reason where it is wrong."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import dis
import inspect
import io
import linecache
import math
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from cnn_basics.exercises.content import Draw, Exercise, find

SECONDS = 3.0  # that one call of an answer may take
TRIES, PAUSE = 30, 0.1  # how often a loop is told to end, and seconds in between
RANDOM_CASES = 25
MOST_NUMBERS = 40  # of a tensor that is written out
IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # what `...` compiles to
BLANK, RIGHT, WRONG = "not attempted yet", "right", "wrong"


class TookTooLong(BaseException):
    """The code ran out of time; not an `Exception`, so that no `except Exception` keeps it."""


def call_within(seconds: float, function: Callable[[], Any]) -> Any:  # noqa: ANN401 - any function's
    """Call a function in a thread of its own; where it takes too long, raise `TookTooLong`.

    It works on every system and wherever it is called: at the next line of Python that it runs
    the function is told to end. A single long call into C goes on to its own end.
    """
    came: dict[str, Any] = {}

    def work() -> None:
        try:
            came["value"] = function()
        except BaseException as error:  # to be raised where it is waited for
            came["error"] = error

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        worker.join(seconds)
    finally:  # also when the waiting is interrupted
        _end(worker)
    if "value" in came:
        return came["value"]
    raise came.get("error", TookTooLong())


def _end(worker: threading.Thread) -> None:
    """Raise `TookTooLong` in a thread until it ends: a bare `except:` may swallow it at first."""
    for _ in range(TRIES):
        if not worker.is_alive():
            return
        ident, error = ctypes.c_ulong(worker.ident), ctypes.py_object(TookTooLong)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error)
        worker.join(PAUSE)


def same(expected: Any, got: Any) -> bool:  # noqa: ANN401 - compares anything
    """Tell whether two answers are the same.

    Tensors are if shape and dtype are and the numbers are close; numbers, NumPy's too, if they are
    close; lists and tuples if their members are. `True` is not `1`.

    Example:
        >>> same((2, 3), torch.Size([2, 3])), same(True, 1), same(0.3, 0.1 + 0.2)
        (True, False, True)
    """
    if isinstance(expected, Tensor):
        alike = isinstance(got, Tensor) and (expected.shape, expected.dtype) == (
            got.shape,
            got.dtype,
        )
        close = {"rtol": 1e-6, "atol": 1e-8, "equal_nan": True}
        return alike and torch.allclose(expected.detach(), got.detach(), **close)
    if isinstance(expected, bool | str) or expected is None:
        return type(got) is type(expected) and got == expected
    if isinstance(expected, int | float):
        return _same_numbers(expected, got)
    if isinstance(expected, list | tuple):
        alike = isinstance(got, list | tuple) and len(got) == len(expected)
        return alike and all(map(same, expected, got))
    if isinstance(expected, dict):
        alike = isinstance(got, dict) and got.keys() == expected.keys()
        return alike and all(same(value, got[key]) for key, value in expected.items())
    return bool(expected == got)


def _same_numbers(expected: float, got: Any) -> bool:  # noqa: ANN401 - compares anything
    if getattr(got, "shape", None) == ():  # of PyTorch or NumPy
        got = got.item()
    if not isinstance(got, int | float) or isinstance(got, bool):
        return False
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    return math.isclose(expected, got, rel_tol=1e-6, abs_tol=1e-8)


def describe(value: Any) -> str:  # noqa: ANN401 - describes anything
    """Write a value in a few words: a tensor's numbers if they are few, else `repr`, shortened.

    Example:
        >>> print(describe([torch.zeros(2), torch.tensor([[1.0, 2.5]]).double()]))
        [tensor of shape (2,), float32: [0, 0], tensor of shape (1, 2): [[1, 2.5]]]
    """
    if isinstance(value, Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        kind = "" if value.dtype == torch.float64 else f", {dtype}"
        head = f"tensor of shape {tuple(value.shape)}{kind}"
        if value.numel() > MOST_NUMBERS:
            return f"{head} ({value.numel()} numbers)"
        return f"{head}: {_write(value.tolist())}"
    if isinstance(value, torch.Size):
        return str(tuple(value))
    if isinstance(value, list | tuple):
        inside = ", ".join(map(describe, value))
        comma = "," if len(value) == 1 and isinstance(value, tuple) else ""
        return f"({inside}{comma})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]} …"


def _write(numbers: Any) -> str:  # noqa: ANN401 - lists in lists of numbers
    if isinstance(numbers, list):
        return f"[{', '.join(map(_write, numbers))}]"
    return str(numbers) if isinstance(numbers, bool) else f"{numbers:.4g}"


def size_of(arguments: Any) -> float:  # noqa: ANN401 - measures anything
    """Measure how much there is to follow by hand: the smallest failing case is shown."""
    if isinstance(arguments, Tensor):
        return 10 * arguments.numel() + float(arguments.detach().double().abs().sum()) / 100
    if isinstance(arguments, list | tuple):
        return sum(map(size_of, arguments)) + len(arguments)
    if isinstance(arguments, int | float) and math.isfinite(arguments):
        return abs(float(arguments))
    return 1.0


@dataclass(frozen=True)
class Outcome:
    """What came of one call.

    Attributes:
        value: What was returned.
        error: What kind of exception was raised instead, or "" for none.
        told: The exception's own words, with the line of the answer that raised it.
        printed: What was printed.
        changed: Which argument, counted from 0, was changed in place, or None.
        cut_off: Whether it took too long.
    """

    value: Any = None
    error: str = ""
    told: str = ""
    printed: str = ""
    changed: int | None = None
    cut_off: bool = False

    def like(self, other: Outcome) -> bool:
        """Tell whether another answer returned, raised and changed the same."""
        ends = [(each.error, each.changed, each.cut_off) for each in (self, other)]
        return ends[0] == ends[1] and (bool(self.error) or same(other.value, self.value))


def attempt(answer: Callable[..., Any], arguments: tuple, seconds: float = SECONDS) -> Outcome:
    """Call an answer with copies of the arguments; nothing it does gets out.

    Example:
        >>> attempt(lambda x: 1 / x, (0,)).error
        'ZeroDivisionError'
    """
    given, printed = copy.deepcopy(arguments), io.StringIO()
    value, error, told = None, "", ""
    try:
        with _undisturbed(printed):
            value = call_within(seconds, lambda: answer(*given))
    except TookTooLong:
        return Outcome(cut_off=True, printed=printed.getvalue())
    except (Exception, SystemExit) as raised:
        error, told = type(raised).__name__, _tell(raised, answer)
    pairs = zip(arguments, given, strict=True)
    changed = next((i for i, pair in enumerate(pairs) if _differ(*pair)), None)
    return Outcome(value, error, told, printed.getvalue(), changed)


@contextlib.contextmanager
def _undisturbed(printed: io.StringIO) -> Iterator[None]:
    """Keep what is printed, and PyTorch's random numbers, to the block."""
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(printed):
        torch.manual_seed(0)
        yield


def _differ(before: Any, after: Any) -> bool:  # noqa: ANN401 - arguments of any kind
    if isinstance(before, nn.Module) or callable(before):
        return False  # a network is there to be trained
    return not same(before, after)


def _tell(raised: BaseException, answer: Callable) -> str:
    """Write an exception with the last line of the answer's own code that it came through."""
    said = f"{type(raised).__name__}: {raised}".strip().removesuffix(":")
    code = getattr(answer, "__code__", None)
    frames = traceback.extract_tb(raised.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    if not own or __file__ == own[-1].filename:
        return said
    number = own[-1].lineno - code.co_firstlineno + 1
    line = (linecache.getline(own[-1].filename, own[-1].lineno) or "").strip()
    return f"{said}\n  in line {number} of {code.co_name}: {line}" if line else said


@lru_cache(maxsize=4)
def all_cases(name: str) -> list[tuple]:
    """List the arguments that an exercise is tried with: those shown, then the same random ones."""
    exercise, draw = find(name), Draw(name)
    if exercise.random_case is None:
        return list(exercise.cases)
    return [*exercise.cases, *(exercise.random_case(draw) for _ in range(RANDOM_CASES))]


@cache
def outcomes(name: str) -> list[Outcome]:
    """Try the reference of an exercise with every case."""
    return [attempt(find(name).reference, arguments) for arguments in all_cases(name)]


@cache
def outcome_of_wrong(name: str, number: int, case: int) -> Outcome:
    """Try one of the wrong answers of an exercise with one case."""
    return attempt(find(name).wrongs[number].answer, all_cases(name)[case])


@dataclass(frozen=True)
class Verdict:
    """What is thought of an answer: BLANK, RIGHT or WRONG, the smallest failing case, and why."""

    state: str
    case: str = ""
    reason: str = ""


def is_blank(exercise: Exercise, answer: Any) -> bool:  # noqa: ANN401 - a learner's
    """Tell whether an answer is still the stub: `...`, or a function that does nothing."""
    if answer is ... or answer is None:
        return True
    code = getattr(answer, "__code__", None)
    if code is None or not exercise.parameters:
        return False
    spoken = {constant for constant in code.co_consts if not isinstance(constant, str)}
    return spoken <= {None, ...} and {step.opname for step in dis.get_instructions(code)} <= IDLE


def judge(exercise: Exercise, answer: Any, seconds: float = SECONDS) -> Verdict:  # noqa: ANN401
    """Try an answer with every case, each call for at most some seconds.

    Example:
        >>> judge(find("5.1"), ...).state
        'not attempted yet'
    """
    if is_blank(exercise, answer):
        return Verdict(BLANK)
    if exercise.parameters and (told := _misfit(exercise, answer)):
        return Verdict(WRONG, told)
    function = answer if exercise.parameters else lambda: answer
    cases, expected, got = all_cases(exercise.name), outcomes(exercise.name), []
    for arguments in cases:
        got.append(attempt(function, arguments, seconds))
        if got[-1].cut_off:
            break
    if exercise.stub is not None and _acts_as_given(exercise, got):
        return Verdict(BLANK)
    failed = [k for k, outcome in enumerate(got) if not outcome.like(expected[k])]
    if not failed:
        return Verdict(RIGHT)
    worst = min(failed, key=lambda k: (not got[k].cut_off, size_of(cases[k])))
    shown = _show_case(exercise, cases[worst], expected[worst], got[worst], seconds)
    return Verdict(WRONG, shown, _find_reason(exercise, got))


def _misfit(exercise: Exercise, answer: Any) -> str:  # noqa: ANN401 - a learner's
    """Say why an answer cannot be called with the exercise's arguments, or "" where it can."""
    if not callable(answer):
        kind = f"expected the function {exercise.answer_name}, got {describe(answer)}"
        return f"{kind}: pass it without calling it"
    wanted = ", ".join(exercise.parameters)
    try:
        inspect.signature(answer).bind(*exercise.parameters)
    except TypeError as error:
        return f"expected a function of ({wanted}); yours does not take these: {error}"
    except ValueError:  # written in C: nothing to look at
        return ""
    return ""


def _acts_as_given(exercise: Exercise, got: list[Outcome]) -> bool:
    """Tell whether code that was to be repaired still does what it did."""
    scope = dict(vars(inspect.getmodule(exercise.reference)))
    exec(exercise.blank, scope)
    given, cases = scope[exercise.answer_name], all_cases(exercise.name)
    return len(got) == len(cases) and all(
        outcome.like(attempt(given, arguments))
        for outcome, arguments in zip(got, cases, strict=True)
    )


def _find_reason(exercise: Exercise, got: list[Outcome]) -> str:
    """Return the reason of the known wrong answer that behaves exactly like this one, or ""."""
    if len(got) < len(all_cases(exercise.name)):
        return ""
    for number, wrong in enumerate(exercise.wrongs):
        known = (outcome_of_wrong(exercise.name, number, k) for k in range(len(got)))
        if all(outcome.like(other) for outcome, other in zip(got, known, strict=True)):
            return wrong.why
    return ""


def _show_case(
    exercise: Exercise, arguments: tuple, expected: Outcome, got: Outcome, seconds: float
) -> str:
    """Write what one failing case showed: input, expected, got."""
    named = zip(exercise.parameters, arguments, strict=True)
    lines = [f"  {name} = {describe(value)}" for name, value in named]
    lines = ["The smallest case that differs:", *lines] if lines else []
    raises = f"{expected.error} raised: {expected.told.splitlines()[0]}" if expected.error else ""
    lines.append(f"  expected {raises or describe(expected.value)}")
    if got.cut_off:
        lines.append(f"  got      nothing: it was cut off after {seconds:g} seconds")
    else:
        lines.append(f"  got      {got.told or describe(got.value)}")
    if got.changed is not None and expected.changed is None:
        lines.append(f"  {exercise.parameters[got.changed]} was changed in place: work on a copy")
    if got.value is None and not got.error and not got.cut_off and expected.value is not None:
        lines.append("  Nothing was returned: is there a line with `return`?")
    if got.printed:
        lines.append(f"  printed  {got.printed.strip()[:300]}")
    return "\n".join(lines)
