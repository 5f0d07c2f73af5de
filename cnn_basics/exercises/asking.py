"""`ask` shows a quick question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnn_basics.exercises.catalog import find
from cnn_basics.exercises.questions import Question

if TYPE_CHECKING:
    from cnn_basics.exercises.quick import QuickQuestion


def ask(name: str) -> QuickQuestion:
    """Show a quick question, to be answered in the page by mouse or keyboard.

    Args:
        name: Of the question, such as "5.4".

    Returns:
        The widget; each answer gets its explanation at once.

    Raises:
        ValueError: There is no such question, or it is an exercise with code.

    Example:
        >>> ask("5.4").choices[0]
        'Nothing: it has no parameters'
    """
    from cnn_basics.exercises.quick import QuickQuestion

    question = find(name)
    if not isinstance(question, Question):
        raise ValueError(
            f"expected a quick question, got {name!r}, an exercise with code: write its cell, and "
            f'call exercises.check("{name}", {question.answer_name})'
        )
    return QuickQuestion(question)
