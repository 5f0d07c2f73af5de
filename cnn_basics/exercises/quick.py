"""The widget of a quick question: choose an answer, or type a number."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from traitlets import Bool, List, Unicode, observe

from cnn_basics.exercises.content import Question
from cnn_basics.figures import LessonFigure
from cnn_basics.widgets.parts import FrontEndWidget

_LINE = 82  # characters of the still picture, bold ones too
_LINE_HEIGHT = 0.24  # in inches


class QuickQuestion(FrontEndWidget, static=("quick",)):
    """The widget that `ask` returns: what is asked, the answer given, and the reply to it."""

    asks = Unicode().tag(sync=True)
    levels = Unicode().tag(sync=True)
    choices = List(Unicode()).tag(sync=True)
    given = Unicode().tag(sync=True)
    right = Bool().tag(sync=True)
    reply = Unicode().tag(sync=True)

    def __init__(self, question: Question, note: Callable) -> None:
        self._question, self._note = question, note
        super().__init__(asks=question.asks, levels=question.levels, choices=question.choices)

    @observe("given")
    def _answer(self, _: object) -> None:
        if not self.given:
            self.right, self.reply = False, ""
            return
        right, reply = self._question.reply(self.given)
        self._note(self._question.name, attempts=1, done=right)
        with self.hold_sync():
            self.right, self.reply = right, reply

    def still(self) -> LessonFigure:
        """Draw the question with all its answers, and what there is to say of the given one."""
        answers = [f"○ {choice}" for choice in self.choices] or ["The answer is a number."]
        said = [f"{self.given}: {'right' if self.right else 'not right'}. {self.reply}"]
        texts = [self.asks, *answers, *(said if self.given else [])]
        lines = [textwrap.wrap(text, _LINE, subsequent_indent="   ") for text in texts]
        height = _LINE_HEIGHT * (sum(map(len, lines)) + len(lines) / 2 + 0.5)
        figure = LessonFigure(figsize=(7.6, height))
        figure.alt = " ".join(texts)
        top = height - _LINE_HEIGHT / 2
        for part, weight in zip(lines, ["bold"] + ["normal"] * len(lines), strict=False):
            style = {"va": "top", "fontsize": 10, "fontweight": weight, "linespacing": 1.35}
            figure.text(0.015, top / height, "\n".join(part), **style)
            top -= _LINE_HEIGHT * (len(part) + 0.5)
        return figure
