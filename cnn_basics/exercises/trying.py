"""Runs an answer with the arguments of one case, whatever it does."""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cnn_basics.exercises.comparing import same
from cnn_basics.exercises.limits import TookTooLong, call_within

SECONDS = 3.0


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
        """Tell whether another answer behaved in the same way.

        Args:
            other: What came of calling it with the same arguments.

        Returns:
            True if both returned the same, or both raised the same kind of exception, and both
            left alone, or changed, the same argument.
        """
        ends = (self.error, self.changed, self.cut_off) == (
            other.error,
            other.changed,
            other.cut_off,
        )
        return ends and (bool(self.error) or same(other.value, self.value))


def attempt(answer: Callable[..., Any], arguments: tuple, seconds: float = SECONDS) -> Outcome:
    """Call an answer with copies of the arguments; nothing it does gets out.

    Args:
        answer: The learner's function, or one that is known.
        arguments: Of the case; they stay as they are.
        seconds: How long it may take.

    Returns:
        What came of it.

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
