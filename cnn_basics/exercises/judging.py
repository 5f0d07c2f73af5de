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
from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache
from types import CodeType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cnn_basics.exercises.content import Draw, Exercise, find

SECONDS, PATIENCE = 3.0, 60.0  # that one call of an answer, and of one of ours, may take
TRIES, PAUSE = 30, 0.1  # how often a loop is told to end, and seconds in between
RANDOM_CASES = 25
MOST_NUMBERS, LONGEST = 40, 1000  # of a tensor, and characters, that are written out
IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # what `...` compiles to
BLANK, RIGHT, NEARLY, WRONG = "not attempted yet", "right", "nearly", "wrong"


class TookTooLong(BaseException):
    """The code ran out of time; not an `Exception`, so that no `except Exception` keeps it."""


def call_within(seconds: float, function: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Call a function in a thread of its own, and return its value and what it raised.

    Where it takes too long it is told to end, again and again, since a bare `except:` may swallow
    that: at its next line of Python, on every system. A long call into C goes on to its own end.
    """
    came: list[tuple[Any, BaseException | None]] = []

    def work() -> None:
        try:
            came.append((function(), None))
        except BaseException as error:
            came.append((None, error))

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        worker.join(seconds)
    finally:  # also when the waiting is interrupted
        for _ in range(TRIES):
            if not worker.is_alive():
                break
            ident, error = ctypes.c_ulong(worker.ident), ctypes.py_object(TookTooLong)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error)
            worker.join(PAUSE)
    return came[0] if came else (None, TookTooLong())


def same(expected: Any, got: Any) -> bool:  # noqa: ANN401 - compares anything
    """Tell whether two answers are the same; `True` is not `1`, and what cannot be read is none.

    Tensors are if the shape is and the numbers are close, in any dtype; numbers, NumPy's too, if
    they are close; lists and tuples if their members are.
    """
    try:
        if isinstance(expected, Tensor):
            pair = [each.detach().double() for each in (expected, got)]
            limit = 1e-6 if got.dtype == torch.float32 else 1e-8
            alike = expected.shape == got.shape
            return alike and torch.allclose(*pair, rtol=1e-6, atol=limit, equal_nan=True)
        if isinstance(expected, list | tuple):
            alike = isinstance(got, list | tuple) and len(got) == len(expected)
            return alike and all(map(same, expected, got))
        if isinstance(expected, bool) or not isinstance(expected, int | float):
            return type(got) is type(expected) and bool(got == expected)
        number = as_number(got)
        both_nan = math.isnan(expected) and math.isnan(number)
        return both_nan or math.isclose(expected, number, rel_tol=1e-6, abs_tol=1e-8)
    except Exception:  # a learner's value may do anything
        return False


def as_number(value: Any) -> int | float:  # noqa: ANN401 - reads anything
    """Return Python's number, also for one of NumPy or PyTorch; all else is a TypeError."""
    number = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError("expected a number")
    return number


def rounds_to(value: Any, got: Any) -> bool:  # noqa: ANN401 - a learner's
    """Tell whether a number is another one, sensibly rounded: to two digits or more."""
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        written = Decimal(str(round(as_number(got), 6)))
        _, digits, exponent = written.as_tuple()
        near = abs(written - Decimal(value)) <= Decimal(5).scaleb(exponent - 1)
        return exponent < 0 and len(digits) > 1 and near
    return False


def describe(value: Any, digits: int = 4) -> str:  # noqa: ANN401 - describes anything
    """Write a value in a few words: a tensor's numbers if they are few, else `repr`, shortened."""
    try:
        text = _write(value, digits)
    except Exception:  # it holds itself, has no numbers, or its own `__repr__` is broken
        return f"a value of type {type(value).__name__} that cannot be written out"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def _write(value: Any, digits: int) -> str:  # noqa: ANN401 - writes anything
    if isinstance(value, Tensor) and value.shape:
        dtype = str(value.dtype).removeprefix("torch.")
        kind = "" if value.dtype == torch.float64 else f", {dtype}"
        head = f"tensor of shape {tuple(value.shape)}{kind}"
        if value.numel() > MOST_NUMBERS:
            return f"{head} ({value.numel()} numbers)"
        return f"{head}: {_write(value.tolist(), digits)}"
    if isinstance(value, list | tuple):
        inside = ", ".join(_write(each, digits) for each in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    with contextlib.suppress(TypeError):
        number = as_number(value)
        return f"{number:.{digits}g}" if isinstance(number, float) else str(number)
    return repr(value)


class Outcome(NamedTuple):
    """What came of one call."""

    value: Any = None  # that was returned
    error: str = ""  # the kind of exception that was raised instead
    told: str = ""  # its own words, with the line of the answer that raised it
    printed: str = ""
    changed: int | None = None  # which argument, counted from 0, was changed in place
    cut_off: bool = False

    def like(self, other: Outcome) -> bool:
        """Tell whether another answer returned, raised and changed the same."""
        ends = [(each.error, each.changed, each.cut_off) for each in (self, other)]
        return ends[0] == ends[1] and (bool(self.error) or same(other.value, self.value))


def attempt(answer: Callable[..., Any], arguments: tuple, seconds: float = SECONDS) -> Outcome:
    """Call an answer with copies of the arguments; nothing it does gets out."""
    given, printed, dtype = copy.deepcopy(arguments), io.StringIO(), torch.get_default_dtype()
    try:
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(printed):
            torch.manual_seed(0)
            value, raised = call_within(seconds, lambda: answer(*given))
    finally:
        torch.set_default_dtype(dtype)
    if isinstance(raised, TookTooLong):
        return Outcome(cut_off=True, printed=printed.getvalue())
    error, told = (type(raised).__name__, _tell(raised, answer)) if raised is not None else ("", "")
    changed = None
    for place, (before, after) in enumerate(zip(arguments, given, strict=True)):
        if changed is None and not callable(before) and not same(before, after):
            changed = place  # but a network is there to be trained
    return Outcome(value, error, told, printed.getvalue(), changed)


def _tell(raised: BaseException, answer: Callable) -> str:
    """Write an exception with the last line of the answer's own code that it came through."""
    words = ""
    with contextlib.suppress(Exception):
        words = str(raised)
    said = f"{type(raised).__name__}: {words}".removesuffix(": ")
    code = getattr(answer, "__code__", None)
    frames = traceback.extract_tb(raised.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip() if own else ""
    if not line:
        return said
    return f"{said}\n  in line {own[-1].lineno - code.co_firstlineno + 1} of {code.co_name}: {line}"


@lru_cache(maxsize=4)
def all_cases(name: str) -> list[tuple]:
    """List the arguments to try: those chosen, then random ones, always the same, short ones first.

    The first that fails is shown, so what teaches most stands at the beginning.
    """
    exercise, draw = find(name), Draw(name)
    count = RANDOM_CASES if exercise.random_case else 0
    drawn = [exercise.random_case(draw) for _ in range(count)]
    return [*exercise.cases, *sorted(drawn, key=lambda case: len(str(case)))]


@cache
def known(name: str, case: int, wrong: int | None = None) -> Outcome:
    """Try the reference of an exercise, or one of its wrong answers, with one case."""
    exercise = find(name)
    answer = exercise.reference if wrong is None else exercise.wrongs[wrong].answer
    return attempt(answer, all_cases(name)[case], PATIENCE)


class Verdict(NamedTuple):
    """What is thought of an answer: its state, one failing case, and why."""

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
    """Try an answer with every case, each call for at most some seconds."""
    if is_blank(exercise, answer):
        return Verdict(BLANK)
    if exercise.parameters and (told := _misfit(exercise, answer)):
        return Verdict(WRONG, told)
    function = answer if exercise.parameters else lambda: _unrounded(exercise, answer)
    got = []
    for case, arguments in enumerate(all_cases(exercise.name)):
        known(exercise.name, case)  # first: what PyTorch loads late costs the learner nothing
        got.append(attempt(function, arguments, seconds))
        if got[-1].cut_off:
            break
    failed = [k for k, each in enumerate(got) if not each.like(known(exercise.name, k))]
    if not failed:
        reason = _objection(exercise, answer, got)
        return Verdict(NEARLY if reason else RIGHT, reason=reason)
    worst = failed[-1 if got[-1].cut_off else 0]
    reason = ""
    for number, wrong in enumerate([] if got[-1].cut_off else exercise.wrongs):
        if all(each.like(known(exercise.name, k, number)) for k, each in enumerate(got)):
            reason = wrong.why
            break
    if exercise.answers("Planted") and reason == exercise.wrongs[-1].why:
        return Verdict(BLANK)
    if not exercise.parameters:
        text = f"  got {describe(answer)}: {_what_is_off(exercise.reference(), answer)}"
        return Verdict(WRONG, text, reason)
    return Verdict(WRONG, _show(exercise, worst, got[worst], seconds), reason)


def _misfit(exercise: Exercise, answer: Any) -> str:  # noqa: ANN401 - a learner's
    """Say why an answer cannot be called with the exercise's arguments, or "" where it can."""
    if not callable(answer):
        kind = f"expected the function {exercise.answer_name}, got {describe(answer)}"
        return f"{kind}: pass it without calling it"
    try:
        inspect.signature(answer).bind(*exercise.parameters)
    except TypeError as error:
        wanted = ", ".join(exercise.parameters)
        return f"expected a function of ({wanted}); yours does not take these: {error}"
    except ValueError:  # written in C: nothing to look at
        pass
    return ""


def _unrounded(exercise: Exercise, answer: Any) -> Any:  # noqa: ANN401 - a learner's
    """Return the value, right or wrong, that a learner's number is a rounding of, else itself."""
    values = [exercise.reference(), *(wrong.answer() for wrong in exercise.wrongs)]
    meant = (value for value in values if isinstance(value, float) and rounds_to(value, answer))
    return next(meant, answer)


def _objection(exercise: Exercise, answer: Any, got: list[Outcome]) -> str:  # noqa: ANN401
    """Say what is left to object to where all numbers are right: the dtype, or a closed way."""
    for case, each in enumerate(got):
        expected = known(exercise.name, case).value
        if not isinstance(expected, Tensor) or each.value.dtype == expected.dtype:
            continue
        if exercise.asks_dtype or not each.value.is_floating_point():  # else a matter of taste
            names = [str(one.dtype).removeprefix("torch.") for one in (each.value, expected)]
            return f"The numbers are right, but their dtype is {names[0]} instead of {names[1]}."
    used = names_in(answer) if exercise.without else set()
    for name in exercise.without:
        if name in used:
            return (
                f"The numbers are right, but here you do without {name}: it does for you what "
                f'this exercise lets you find out. A hint: exercises.hint("{exercise.name}")'
            )
    return ""


def names_in(function: Any) -> set[str]:  # noqa: ANN401 - a learner's
    """Collect the names that a function and its helpers use, and "a loop" where there is one."""
    code, scope = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    todo, names, seen = [code] if code else [], set(), set()
    while todo:
        code = todo.pop()
        seen.add(code)
        todo += [each for each in code.co_consts if isinstance(each, CodeType)]
        steps = {step.opname for step in dis.get_instructions(code)}
        if any(step == "FOR_ITER" or "JUMP_BACKWARD" in step for step in steps):
            names.add("a loop")
        for name in code.co_names:
            names.add(name)
            value = scope.get(name)
            if inspect.isroutine(value) or inspect.ismodule(value):
                names.add(value.__name__.rpartition(".")[2])  # whatever it was imported as
            if inspect.isfunction(value) and value.__module__ == function.__module__:
                todo += {value.__code__} - seen
    return names


def _what_is_off(expected: Any, got: Any) -> str:  # noqa: ANN401 - a learner's
    """Say how a value differs, without telling the right one."""
    try:
        if not isinstance(expected, tuple):
            return "too small" if as_number(got) < expected else "too large"
        if len(got) != len(expected):
            return f"it has too {'few' if len(got) < len(expected) else 'many'} numbers"
        place = next(k for k, each in enumerate(expected) if not same(each, got[k]))
        return f"number {place + 1} of {len(got)} is {_what_is_off(expected[place], got[place])}"
    except Exception:  # a learner's value may do anything
        return f"{'a tuple' if isinstance(expected, tuple) else 'a number'} is asked for"


def _show(exercise: Exercise, case: int, got: Outcome, seconds: float) -> str:
    """Write what one failing case showed: input, expected, got."""
    arguments, expected = all_cases(exercise.name)[case], known(exercise.name, case)
    named = zip(exercise.parameters, arguments, strict=True)
    lines = [f"  {name} = {describe(value)}" for name, value in named]
    for digits in (4, 8, 17):  # as many as show the difference
        wanted, came = describe(expected.value, digits), describe(got.value, digits)
        if wanted != came:
            break
    if expected.error:
        wanted = f"{expected.error} raised: {expected.told.splitlines()[0]}"
    if got.cut_off:
        came = f"nothing: it was cut off after {seconds:g} seconds"
    lines += [f"  expected {wanted}", f"  got      {got.told or came}"]
    if got.value is None and not got.error and not got.cut_off and not expected.error:
        lines.append("  Nothing was returned: is there a line with `return`?")
    if got.changed is not None and expected.changed is None:
        lines.append(f"  {exercise.parameters[got.changed]} was changed in place: work on a copy")
    if got.printed:
        lines.append(f"  printed  {got.printed.strip()[:300]}")
    return "\n".join(["A case that differs:", *lines])
