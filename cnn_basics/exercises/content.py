"""What exercises and quick questions are made of, and how they are found."""

from __future__ import annotations

import importlib
import inspect
import math
import random
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cnn_basics.expect import expect

LESSONS = tuple(range(1, 13))
UNKNOWN = "Not this, and it is no mistake that we know: count again, step by step."


class Draw(random.Random):
    """Draws the inputs of random cases: `random.Random`, and float64 tensors."""

    def tensor(self, *shape: int, low: int = -4, high: int = 4) -> Tensor:
        """Draw whole numbers from `low` to `high` as float64, so that a case can be followed."""
        generator = torch.Generator().manual_seed(self.randrange(2**31))
        return torch.randint(low, high + 1, shape, generator=generator).double()


def numbers(values: Sequence) -> Tensor:
    """Make the float64 tensor of a case."""
    return torch.tensor(values, dtype=torch.float64)


class Levels(NamedTuple):
    """How hard something is and how important, from 1 to 3, and how long it takes."""

    difficulty: int
    importance: int
    minutes: int

    def __str__(self) -> str:
        difficulty, importance = ("●" * n + "○" * (3 - n) for n in self[:2])
        minutes = "1 minute" if self.minutes == 1 else f"{self.minutes} minutes"
        return f"difficulty {difficulty} · importance {importance} · {minutes}"


class Wrong(NamedTuple):
    """A wrong answer that comes from a real misconception, and what it does wrong."""

    answer: Callable[..., Any]
    why: str


@dataclass(frozen=True)
class Asked:
    """Something that a lesson asks; its name is such as "5.2": lesson, then number."""

    name: str
    title: str
    levels: Levels
    asks: str


@dataclass(frozen=True)
class Exercise(Asked):
    """One exercise: what is asked, what is right, and how it goes wrong.

    The learner writes a function with the name and parameters of the reference; where that has no
    parameters, the value that it returns.
    """

    reference: Callable[..., Any]
    mistakes: Mapping[Any, str]  # a wrong value, or how to `vary` the reference: what is wrong
    hints: Sequence[str]  # one step more each
    why: str  # the reference is right
    cases: Sequence[tuple] = ((),)  # arguments to try
    random_case: Callable[[Draw], tuple] | None = None  # draws more of them
    stub: str | None = None  # code to repair

    @property
    def answer_name(self) -> str:
        """What the learner's function or value is called."""
        return self.reference.__name__

    @property
    def parameters(self) -> list[str]:
        """The names of the learner's function's parameters; none for a value."""
        return list(inspect.signature(self.reference).parameters)

    @cached_property
    def wrongs(self) -> list[Wrong]:
        """The wrong answers as functions."""
        if not self.parameters:
            return [Wrong(lambda value=value: value, why) for value, why in self.mistakes.items()]
        return [Wrong(vary(self.reference, how), why) for how, why in self.mistakes.items()]

    @property
    def blank(self) -> str:
        """The code that the learner finds and changes."""
        if self.stub is not None:
            return self.stub.strip()
        if not self.parameters:
            return f"{self.answer_name} = ..."
        return f"def {self.answer_name}({', '.join(self.parameters)}):\n    return ..."

    @property
    def solution(self) -> str:
        """The code of the right answer, to stand in place of `blank`."""
        source = inspect.getsource(self.reference).strip()
        return source if self.parameters else f"{self.answer_name} = {source.split('return ')[1]}"

    @property
    def cell(self) -> str:
        """The whole cell in the lesson."""
        return self.with_check(self.blank)

    def with_check(self, code: str) -> str:
        """Write the cell with an answer's code and the line that checks it."""
        gap = "\n\n\n" if code.startswith("def ") else "\n\n"
        return f'{code}{gap}exercises.check("{self.name}", {self.answer_name})'


def vary(function: Callable[..., Any], how: str) -> Callable[..., Any]:
    """Make a function anew from its source, with "old → new; …" replaced in its body.

    Without an arrow, `how` is the expression that it returns instead.

    Example:
        >>> vary(textwrap.indent, "len(text)")("four", "")
        4
    """
    head, _, body = textwrap.dedent(inspect.getsource(function)).partition("\n")
    for change in how.split("; ") if "→" in how else []:
        old, new = (part.strip() for part in change.split("→"))
        what = f"a part of the body of {function.__name__}"
        expect(old in body, what, repr(old), "copy it from there")
        body = body.replace(old, new)
    made: dict[str, Any] = {}
    exec(f"{head}\n{body if '→' in how else f'    return {how}'}", function.__globals__, made)
    return made[function.__name__]


@dataclass(frozen=True)
class Question(Asked):
    """A quick question: texts to choose from, or numbers, of which the learner predicts one."""

    answers: Mapping[str | float, str]  # each with its explanation
    right: int  # which of them, counted from 0

    @property
    def options(self) -> list[tuple[str | float, str]]:
        """The answers with their explanations, in order."""
        return list(self.answers.items())

    @property
    def cell(self) -> str:
        """The whole cell in the lesson."""
        return f'exercises.ask("{self.name}")'

    @property
    def choices(self) -> list[str]:
        """The texts to choose from; none where a number is to be predicted."""
        return [text for text in self.answers if isinstance(text, str)]

    @property
    def solution(self) -> str:
        """The right answer with its explanation."""
        answer, why = self.options[self.right]
        return f"{answer}\n{why}"

    def reply(self, given: str) -> tuple[bool, str]:
        """Say whether the text that was chosen, or the number that was typed, is right, and why.

        Example:
            >>> question = Question("0.1", "", Levels(1, 1, 1), "½?", {0.5: "Yes.", 2: "No."}, 0)
            >>> question.reply("0,5"), question.reply("50 %"), question.reply("4/2")
            ((True, 'Yes.'), (True, 'Yes.'), (False, 'No.'))
        """
        number = read_number(given)
        for place, (answer, why) in enumerate(self.options):
            read = number is not None and not isinstance(answer, str)
            if given == answer or (read and math.isclose(number, answer, rel_tol=1e-3)):
                return place == self.right, why
        if self.choices:
            return False, "Choose one of the answers."
        return False, f"expected a number, got {given!r}" if number is None else UNKNOWN


def read_number(text: str) -> float | None:
    """Read a number as people write it, also `0,75`, `75 %` and `3/4`; None where it is none."""
    text = re.sub(r"\s", "", text).replace("−", "-")
    in_thousands = re.match(r"-?[1-9]\d{0,2}(,\d{3})+(?![\d,])", text)
    text = text.replace(",", "" if in_thousands else ".")
    upper, _, lower = text.removesuffix("%").partition("/")
    try:
        return float(upper) / float(lower or 1) / (100 if text.endswith("%") else 1)
    except (ValueError, ZeroDivisionError):
        return None


@cache
def of_lesson(lesson: int) -> tuple[Exercise | Question, ...]:
    """List what a lesson asks, in its order; its module is imported when it is first asked for."""
    return tuple(importlib.import_module(f"cnn_basics.exercises.lesson_{lesson:02}").ASKED)


def find(name: str) -> Exercise | Question:
    """Find what has this name, such as "5.2", or raise a ValueError that lists the names."""
    form = re.fullmatch(r"(\d{1,2})\.(\d)", name) if isinstance(name, str) else None
    lesson = int(form[1]) if form else 0
    names = {each.name: each for each in of_lesson(lesson)} if lesson in LESSONS else {}
    what = f"the name of an exercise, one of {', '.join(names or ['1.1', '…', '12.4'])}"
    expect(name in names, what, repr(name), "take it from the exercise's heading")
    return names[name]
