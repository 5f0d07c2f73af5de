"""The buttons of the training board, how far it is, and what it says."""

from __future__ import annotations

from collections.abc import Callable

import anywidget
from traitlets import Bool, Float, Unicode

from cnn_basics.widgets.parts import read_static

PRESSES = ("Start", "Stop", "Start over")


class BoardControls(anywidget.AnyWidget):
    """Three buttons, a bar and a sentence. Their state comes from Python; the page only presses.

    Args:
        on_press: Called with one of `PRESSES`; the page lets no button be pressed that is off.

    Attributes:
        running: Whether a training runs: *Stop* is enabled, *Start* is not.
        stopping: Whether it is about to stop: *Stop* has nothing more to do.
        begun: Whether there was one: *Start* is called *Continue*. *Start over* is enabled then,
            and while a training runs.
        failed: Whether the sentence says what went wrong.
        share: How much of the training is done, 0 to 1.
        sentence: What is said; screen readers say it when it changes.

    Example:
        >>> controls = BoardControls(print)
        >>> controls.press("Start")
        Start
    """

    _esm = read_static("parts.js", "board.js")
    _css = read_static("parts.css", "board.css")
    running = Bool(False).tag(sync=True)
    stopping = Bool(False).tag(sync=True)
    begun = Bool(False).tag(sync=True)
    failed = Bool(False).tag(sync=True)
    share = Float(0.0).tag(sync=True)
    sentence = Unicode().tag(sync=True)

    def __init__(self, on_press: Callable[[str], None]) -> None:
        self._on_press = on_press
        super().__init__()
        self.on_msg(self._hear)

    def press(self, name: str) -> None:
        """Do what a press of the button does; other words do nothing."""
        if name in PRESSES:
            self._on_press(name)

    def _hear(self, _: object, content: dict, __: object) -> None:
        self.press(content.get("press", ""))

    def __repr__(self) -> str:
        """Return the sentence."""
        return f"<BoardControls: {self.sentence}>"
