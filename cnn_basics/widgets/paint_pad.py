"""A pad to paint on, which also takes a photo."""

from __future__ import annotations

from typing import Any

import anywidget
import numpy as np
from traitlets import Any as AnyValue
from traitlets import Int, TraitError, Unicode, observe, validate

from cnn_basics.widgets.parts import read_static

SIDE = 28  # cells of the paper, in each direction
MOST_BYTES = 8_000_000  # of a photo: a message to the kernel may have 10 MB
LONGEST_NAME = 60
HINT = (
    "Paint with the mouse or a finger. By keys: arrows move, Space paints, Shift and an arrow "
    "paint on the way, Backspace rubs out. A photo may also be dropped here."
)


class PaintPad(anywidget.AnyWidget):
    """Paper of 28×28 cells, and a field for a photo, as one control of a `RedrawnFigure`.

    Attributes:
        drawing: One character for each cell, row by row: 1 for ink, 0 for paper.
        photo: The name of the photo that is looked at instead; empty for the drawing.
        said: A sentence below the controls.
        value: What is looked at: `("", drawing)`, or a photo's `(name, content)` as bytes.

    Example:
        >>> pad = PaintPad("0" * 784)
        >>> pad.take_photo("cat.jpg", b"...")
        >>> pad.value
        ('cat.jpg', b'...')
    """

    _esm = read_static("parts.js", "paint.js")
    _css = read_static("parts.css", "paint.css")
    description = Unicode("Paint, or choose a photo").tag(sync=True)
    hint = Unicode(HINT).tag(sync=True)
    side = Int(SIDE).tag(sync=True)
    most_bytes = Int(MOST_BYTES).tag(sync=True)
    drawing = Unicode("0" * SIDE**2).tag(sync=True)
    photo = Unicode().tag(sync=True)
    said = Unicode().tag(sync=True)
    value = AnyValue()

    def __init__(self, drawing: str) -> None:
        super().__init__(drawing=drawing, value=("", drawing))
        self.on_msg(self._heard)

    def take_photo(self, name: str, content: bytes) -> None:
        """Look at a photo instead of the drawing.

        Args:
            name: What the file is called.
            content: The file; larger ones than 8 MB are refused in a sentence.
        """
        name = name[-LONGEST_NAME:]
        if len(content) > MOST_BYTES:
            self.said = (
                f"{name} is {len(content) / 1e6:.1f} MB, expected at most {MOST_BYTES / 1e6:.1f} "
                "MB: choose a smaller copy of the picture"
            )
            return
        self.photo = name or "photo"
        self.value = (self.photo, content)

    def _heard(self, _: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        """The page has sent a photo."""
        if isinstance(content, dict) and "photo" in content and buffers:
            self.take_photo(str(content["photo"]), bytes(buffers[0]))

    @observe("drawing", "photo")
    def _look(self, _: object) -> None:
        """Painting, and clearing, lead back to the drawing."""
        if not self.photo:
            self.value = ("", self.drawing)

    @validate("drawing")
    def _whole(self, proposal: dict) -> str:
        text = proposal["value"]
        if len(text) != SIDE**2 or set(text) - {"0", "1"}:
            raise TraitError(
                f"expected a drawing of {SIDE**2} characters 0 or 1, got {len(text)} characters "
                f"of {''.join(sorted(set(text)))[:20]!r}: write 1 for ink, row by row"
            )
        return text

    def __repr__(self) -> str:
        """Return what is looked at."""
        return f"<PaintPad: {self.photo or 'drawing'}>"


def as_drawing(picture: np.ndarray) -> str:
    """Write a picture of ink as the text of a pad.

    Args:
        picture: `(28, 28)`; what is not zero is ink.

    Returns:
        784 characters.

    Example:
        >>> as_drawing(np.eye(28))[:30]
        '100000000000000000000000000001'
    """
    return "".join("1" if ink else "0" for ink in np.asarray(picture).ravel())


def as_ink(drawing: str) -> np.ndarray:
    """Read the text of a pad.

    Args:
        drawing: 784 characters.

    Returns:
        `(28, 28)` bool, True for ink.

    Example:
        >>> int(as_ink("01" * 392).sum())
        392
    """
    return np.array([character == "1" for character in drawing]).reshape(SIDE, SIDE)
