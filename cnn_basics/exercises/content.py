"""What exercises and quick questions are made of, and how they are found.

Each is written as one text: its head, what is asked, then entries, each with its kind in front.
"""

from __future__ import annotations

import importlib
import inspect
import math
import random
import re
import textwrap
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cnn_basics.expect import expect

LESSONS = tuple(range(1, 13))
HEAD = r"(\d+\.\d) · (.+) \(difficulty ([123]), importance ([123]), (\d+ minutes?)\)"
ENTRY = r"^(Hint|Why|Wrong|Right|Planted|Without): "
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


class Wrong(NamedTuple):
    """A wrong answer that comes from a real misconception, and what it does wrong."""

    answer: Callable[..., Any]
    why: str


class Asked:
    """Something that a lesson asks, such as "5.2": lesson, then number.

    `Right:` and `Wrong:` stand before an answer, with its explanation in the lines below.
    """

    def __init__(self, text: str) -> None:
        top, *parts = re.split(ENTRY, inspect.cleandoc(text), flags=re.MULTILINE)
        head, _, asks = top.partition("\n")
        self.name, self.title, *marks, minutes = re.fullmatch(HEAD, head).groups()
        difficulty, importance = ("●" * int(n) + "○" * (3 - int(n)) for n in marks)
        self.levels = f"difficulty {difficulty} · importance {importance} · {minutes}"
        self.asks = " ".join(asks.split())
        self.entries = list(zip(parts[::2], parts[1::2], strict=True))

    def texts(self, kind: str) -> list[str]:
        """List the entries of one kind, each as one line."""
        return [" ".join(text.split()) for each, text in self.entries if each == kind]

    def answers(self, *kinds: str) -> list[tuple[str, str]]:
        """List the answers of these kinds with their explanations, in order."""
        pairs = [text.split("\n", 1) for kind, text in self.entries if kind in kinds]
        return [(answer.strip(), " ".join(why.split())) for answer, why in pairs]


class Exercise(Asked):
    """One exercise: what is asked, what is right, and how it goes wrong.

    The learner writes a function with the name and parameters of the reference; where that has no
    parameters, the value that it returns. `Wrong:` tells how to `vary` the reference. `Planted:`
    is a mistake of the code that is to be repaired, so several may be left. `Without:` lists
    names that the answer must not use, or "a loop".
    """

    def __init__(
        self,
        text: str,
        reference: Callable[..., Any],
        cases: Sequence[tuple] = ((),),  # arguments to try
        random_case: Callable[[Draw], tuple] | None = None,  # draws more of them
        stub: str | None = None,  # code to repair
        asks_dtype: bool = False,  # where float32 for float64 will not do
    ) -> None:
        super().__init__(text)
        self.reference, self.stub, self.asks_dtype = reference, stub, asks_dtype
        self.cases, self.random_case = cases, random_case
        self.hints = self.texts("Hint")
        (self.why,) = self.texts("Why")
        self.without = [name for text in self.texts("Without") for name in text.split(", ")]
        self.answer_name = reference.__name__
        self.parameters = list(inspect.signature(reference).parameters)

    @cached_property
    def wrongs(self) -> list[Wrong]:
        """The wrong answers as functions."""
        planted = self.answers("Planted")
        mistakes = self.answers("Wrong")
        for count in range(1, len(planted)):  # with all of them it is as it was given
            first = "One mistake is left" if count == 1 else f"{count} are left. One of them"
            for left in combinations(planted, count):
                mistakes.append(("; ".join(how for how, _ in left), f"{first}: {left[0][1]}"))
        return [Wrong(vary(self.reference, how), why) for how, why in mistakes]

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


class Question(Asked):
    """A quick question: texts to choose from, or numbers, of which the learner predicts one."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.options = self.answers("Right", "Wrong")
        self.right = self.options.index(*self.answers("Right"))
        texts = [answer for answer, _ in self.options]
        self.choices = texts if None in map(read_number, texts) else []
        self.cell = f'exercises.ask("{self.name}")'
        self.solution = "\n".join(self.options[self.right])

    def reply(self, given: str) -> tuple[bool, str]:
        r"""Say whether the text that was chosen, or the number that was typed, is right, and why.

        Example:
            >>> head = "0.1 · Half (difficulty 1, importance 1, 1 minute)"
            >>> question = Question(f"{head}\n\n½?\nRight: 0.5\nYes.\nWrong: 2\nNo.")
            >>> question.reply("0,5"), question.reply("50 %"), question.reply("4/2")
            ((True, 'Yes.'), (True, 'Yes.'), (False, 'No.'))
        """
        number = None if self.choices else read_number(given)
        for place, (answer, why) in enumerate(self.options):
            if number is None:
                meant = given == answer
            else:
                meant = math.isclose(number, read_number(answer), rel_tol=1e-3)
            if meant:
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
    module = importlib.import_module(f"cnn_basics.exercises.lesson_{lesson:02}")
    return tuple(each for each in vars(module).values() if isinstance(each, Asked))


def find(name: str) -> Exercise | Question:
    """Find what has this name, such as "5.2", or raise a ValueError that lists the names."""
    form = re.fullmatch(r"(\d{1,2})\.(\d)", name) if isinstance(name, str) else None
    lesson = int(form[1]) if form else 0
    names = {each.name: each for each in of_lesson(lesson)} if lesson in LESSONS else {}
    what = f"the name of an exercise, one of {', '.join(names or ['1.1', '…', '12.4'])}"
    expect(name in names, what, repr(name), "take it from the exercise's heading")
    return names[name]
