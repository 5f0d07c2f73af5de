"""Quick questions: choose one of a few answers, or predict a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnn_basics.exercises.asked import Asked

UNKNOWN = "Not this, and it is no mistake that we know: count again, step by step."


@dataclass(frozen=True)
class Question(Asked):
    """A question, its answers, and what there is to say of each.

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
        """Answer an answer.

        Args:
            given: The text that was chosen, or the number that was typed.

        Returns:
            Whether it is right, and what there is to say of it.

        Example:
            >>> question = Question("0.1", "", 1, 1, 1, "1 + 1?", [(2, "Yes."), (1, "No.")], 0)
            >>> question.reply("2.0"), question.reply("1")
            ((True, 'Yes.'), (False, 'No.'))
        """
        for number, (answer, why) in enumerate(self.options):
            if given == answer or (isinstance(answer, int | float) and _reads(given, answer)):
                return number == self.right, why
        if self.choices:
            return False, "Choose one of the answers."
        number = _number(given)
        return False, UNKNOWN if number is not None else f"expected a number, got {given!r}"


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace("−", "-").replace(",", "").replace(" ", ""))
    except ValueError:
        return None


def _reads(text: str, answer: float) -> bool:
    number = _number(text)
    return number is not None and math.isclose(number, answer, rel_tol=1e-3)
