"""What an exercise is made of."""

from __future__ import annotations

import inspect
import random
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from cnn_basics.exercises.asked import Asked


class Draw(random.Random):
    """Draws the inputs of random cases: `random.Random`, and float64 tensors.

    Example:
        >>> Draw(0).tensor(2, 3).shape
        torch.Size([2, 3])
    """

    def tensor(self, *shape: int, low: int = -4, high: int = 4) -> Tensor:
        """Draw whole numbers from `low` to `high`, both included, as float64.

        Args:
            shape: Of the tensor.
            low: The lowest number.
            high: The highest number.

        Returns:
            A float64 tensor of that shape; whole, so that a failing case can be followed by hand.
        """
        generator = torch.Generator().manual_seed(self.randrange(2**31))
        return torch.randint(low, high + 1, shape, generator=generator).double()


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that comes from a real misconception.

    Attributes:
        answer: Takes and returns what the right one does.
        why: One or two sentences: what it does wrong, and what is right.
    """

    answer: Callable[..., Any]
    why: str


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
    cases: Sequence[tuple] = field(default=((),))
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
        body = source.partition("return ")[2]
        return f"{self.answer_name} = {body}"

    @property
    def cell(self) -> str:
        """The whole cell in the lesson."""
        return self.with_check(self.blank)

    def with_check(self, code: str) -> str:
        """Add the line that checks the answer to its code.

        Args:
            code: Of an answer.

        Returns:
            The source of a cell.
        """
        gap = "\n\n\n" if code.startswith(("def ", "class ")) else "\n\n"
        return f'{code}{gap}exercises.check("{self.name}", {self.answer_name})'
