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
from functools import cache, cached_property, partial
from itertools import combinations
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cnn_basics.expect import expect

LESSONS = tuple(range(1, 13))
HEAD = r"(\d+\.\d) · (.+) \(difficulty ([123]), importance ([123]), (\d+ minutes?)\)"
ENTRY = r"^(Hint|Why|Wrong|Right|Planted|Without|Answer): "
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

    The learner writes a function with the name and parameters of the reference, and `Wrong:` tells
    how to `vary` that; or a value, whose right line of code stands behind `Answer:`. `Planted:` is
    a mistake of the code that is to be repaired, so several may be left. `Without:` lists names
    that the answer must not use, or "a loop".
    """

    def __init__(
        self,
        text: str,
        reference: Callable[..., Any] | None = None,
        cases: Sequence[tuple] = ((),),  # arguments to try
        random_case: Callable[[Draw], tuple] | None = None,  # draws more of them
        asks_dtype: bool = False,  # where float32 for float64 will not do
    ) -> None:
        super().__init__(text)
        self.reference, self.cases, self.random_case = reference, cases, random_case
        self.asks_dtype, self.hints, (self.why,) = asks_dtype, self.texts("Hint"), self.texts("Why")
        self.without = [name for text in self.texts("Without") for name in text.split(", ")]
        planted = "; ".join(how for how, _ in self.answers("Planted"))
        if reference is None:
            (self.solution,) = self.texts("Answer")
            self.answer_name, _, right = self.solution.partition(" = ")
            self.reference, self.parameters = _returning(right), []
            self.blank = f"{self.answer_name} = ..."
        else:
            self.solution = inspect.getsource(reference).strip()
            self.answer_name = reference.__name__
            self.parameters = list(inspect.signature(reference).parameters)
            self.blank = varied(reference, planted or "...")
        self.cell = self.with_check(self.blank)

    @cached_property
    def wrongs(self) -> list[Wrong]:
        """The wrong answers as functions; the last of code to repair is that code itself."""
        mistakes, planted = self.answers("Wrong"), self.answers("Planted")
        for count in range(1, len(planted) + 1):
            first = "One mistake is left" if count == 1 else f"{count} are left. One of them"
            for left in combinations(planted, count):
                mistakes.append(("; ".join(how for how, _ in left), f"{first}: {left[0][1]}"))
        make = partial(vary, self.reference) if self.parameters else _returning
        return [Wrong(make(how), why) for how, why in mistakes]

    def with_check(self, code: str) -> str:
        """Write the cell with an answer's code and the line that checks it."""
        gap = "\n\n\n" if code.startswith("def ") else "\n\n"
        return f'{code}{gap}exercises.check("{self.name}", {self.answer_name})'


def _returning(expression: str) -> Callable[[], Any]:
    value = eval(expression, {"math": math})
    return lambda: value


def vary(function: Callable[..., Any], how: str) -> Callable[..., Any]:
    """Make a function anew from its source, varied."""
    made: dict[str, Any] = {}
    exec(varied(function, how), function.__globals__, made)
    return made[function.__name__]


def varied(function: Callable[..., Any], how: str) -> str:
    """Return a function's source with "old → new; …" replaced in its body.

    Without an arrow, `how` is the expression that it returns instead.
    """
    head, _, body = textwrap.dedent(inspect.getsource(function)).partition("\n")
    if "→" not in how:
        return f"{head}\n    return {how}"
    for change in how.split("; "):
        old, new = (part.strip() for part in change.split("→"))
        what = f"a part of the body of {function.__name__}"
        expect(old in body, what, repr(old), "copy it from there")
        body = re.sub(r"\n *(?=\n)", "", body.replace(old, new))
    return f"{head}\n{body.rstrip()}"


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
        """Say whether the text that was chosen, or the number that was typed, is right, and why."""
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
