"""What exercises and quick questions are made of, and how they are found."""

from __future__ import annotations

import importlib
import inspect
import math
import random
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

LESSONS = tuple(range(1, 13))
UNKNOWN = "Not this, and it is no mistake that we know: count again, step by step."


class Draw(random.Random):
    """Draws the inputs of random cases: `random.Random`, and float64 tensors."""

    def tensor(self, *shape: int, low: int = -4, high: int = 4) -> Tensor:
        """Draw whole numbers from `low` to `high` as float64, so that a case can be followed."""
        generator = torch.Generator().manual_seed(self.randrange(2**31))
        return torch.randint(low, high + 1, shape, generator=generator).double()


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that comes from a real misconception, and what it does wrong."""

    answer: Callable[..., Any]
    why: str


@dataclass(frozen=True)
class Asked:
    """Something that a lesson asks.

    `name` is such as "5.2": lesson, then number; `difficulty` and `importance` go from 1 to 3.
    """

    name: str
    title: str
    difficulty: int
    importance: int
    minutes: int
    asks: str

    @property
    def levels(self) -> str:
        """Difficulty, importance and minutes in words."""
        difficulty, importance = (
            "●" * n + "○" * (3 - n) for n in (self.difficulty, self.importance)
        )
        minutes = "1 minute" if self.minutes == 1 else f"{self.minutes} minutes"
        return f"difficulty {difficulty} · importance {importance} · {minutes}"


@dataclass(frozen=True)
class Exercise(Asked):
    """One exercise: what is asked, what is right, and how it goes wrong.

    Attributes:
        reference: The right answer. Its name and parameters are those of the learner's function;
            without parameters, the learner is asked for the value that it returns.
        wrongs: At least three wrong answers, each with its reason.
        hints: One step more each.
        why: Why the reference is right.
        cases: Arguments that every answer is tried with; needs none for a value.
        random_case: Draws more of them.
        stub: The code to repair; None for a function without a body.
    """

    reference: Callable[..., Any]
    wrongs: Sequence[Wrong]
    hints: Sequence[str]
    why: str
    cases: Sequence[tuple] = ((),)
    random_case: Callable[[Draw], tuple] | None = None
    stub: str | None = None

    @property
    def answer_name(self) -> str:
        """What the learner's function or value is called."""
        return self.reference.__name__

    @property
    def parameters(self) -> list[str]:
        """The names of the learner's function's parameters; none for a value."""
        return list(inspect.signature(self.reference).parameters)

    @property
    def blank(self) -> str:
        """The code that the learner finds and changes."""
        if self.stub is not None:
            return textwrap.dedent(self.stub).strip()
        if not self.parameters:
            return f"{self.answer_name} = ..."
        return f"def {self.answer_name}({', '.join(self.parameters)}):\n    return ..."

    @property
    def solution(self) -> str:
        """The code of the right answer, to stand in place of `blank`."""
        source = textwrap.dedent(inspect.getsource(self.reference)).strip()
        if self.parameters:
            return source
        return f"{self.answer_name} = {source.partition('return ')[2]}"

    @property
    def cell(self) -> str:
        """The whole cell in the lesson."""
        return self.with_check(self.blank)

    def with_check(self, code: str) -> str:
        """Add the line that checks an answer to its code."""
        gap = "\n\n\n" if code.startswith(("def ", "class ")) else "\n\n"
        return f'{code}{gap}exercises.check("{self.name}", {self.answer_name})'


@dataclass(frozen=True)
class Question(Asked):
    """A quick question, its answers, and what there is to say of each.

    Attributes:
        options: Answers, each with its explanation: texts to choose from, or numbers, of which the
            learner sees none and predicts one.
        right: Which of them is right, counted from 0.
    """

    options: Sequence[tuple[str | float, str]]
    right: int

    @property
    def cell(self) -> str:
        """The whole cell in the lesson."""
        return f'exercises.ask("{self.name}")'

    @property
    def choices(self) -> list[str]:
        """The texts to choose from; none where a number is to be predicted."""
        return [text for text, _ in self.options if isinstance(text, str)]

    @property
    def solution(self) -> str:
        """The right answer with its explanation."""
        answer, why = self.options[self.right]
        return f"{answer}\n{why}"

    def reply(self, given: str) -> tuple[bool, str]:
        """Say whether the text that was chosen, or the number that was typed, is right, and why.

        Example:
            >>> question = Question("0.1", "", 1, 1, 1, "1 + 1?", [(2, "Yes."), (1, "No.")], 0)
            >>> question.reply("2.0"), question.reply("1")
            ((True, 'Yes.'), (False, 'No.'))
        """
        number = _read_number(given)
        for place, (answer, why) in enumerate(self.options):
            read = number is not None and not isinstance(answer, str)
            if given == answer or (read and math.isclose(number, answer, rel_tol=1e-3)):
                return place == self.right, why
        if self.choices:
            return False, "Choose one of the answers."
        return False, f"expected a number, got {given!r}" if number is None else UNKNOWN


def _read_number(text: str) -> float | None:
    try:
        return float(text.strip().replace("−", "-").replace(",", "").replace(" ", ""))
    except ValueError:
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
    if name in names:
        return names[name]
    raise ValueError(
        f"expected the name of an exercise, one of {', '.join(names or ['1.1', '…', '12.4'])}, "
        f"got {name!r}: take it from the exercise's heading"
    )
