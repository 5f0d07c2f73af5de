"""Something to move for a trained network: draw a digit, or give it a photo, and see it think."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from torch import nn

from cnn_basics.datasets import BUNDLED
from cnn_basics.figures import LessonFigure
from cnn_basics.widgets.paint_answers import Answer, ask_network, picture_of
from cnn_basics.widgets.paint_figure import AnswerFigure, write_share
from cnn_basics.widgets.paint_pad import PaintPad
from cnn_basics.widgets.redrawn import RedrawnFigure

FIRST_PHOTO = BUNDLED / "test_set" / "test_set" / "cats" / "cat.4001.png"
FIRST_DRAWING = """
..######..
.########.
.......##.
......###.
...#####..
...#####..
......###.
.......##.
.########.
..######..
"""


class PaintOrUpload(RedrawnFigure):
    """The widget that `paint_or_upload` returns.

    Attributes:
        pad: The paper and the field for a photo.
        answer: What the network made of the last picture that it could be shown.
    """

    def __init__(
        self,
        model: nn.Module,
        class_names: Sequence[str],
        size: int,
        first: tuple[str, str | bytes],
        layers: list[str] | None,
    ) -> None:
        self._ask = lambda look: ask_network(
            model, picture_of(look, _channels(model), size), layers
        )
        self._classes = list(class_names)
        self.answer: Answer = self._ask(first)
        _require_names(self._classes, len(self.answer.shares))
        shapes = {name: maps.shape for name, maps in self.answer.layers.items()}
        self._figure = AnswerFigure(shapes, self._classes)
        self.pad = PaintPad(first_drawing())
        if first[0]:
            self.pad.take_photo(*first)
        super().__init__({"pad": self.pad}, self._draw)

    def still(self) -> LessonFigure:
        """Draw the present state; its words are the same however the network was trained."""
        figure = super().still()
        if figure is not self._figure.figure:
            return figure  # the sentence about a photo that cannot be read
        names = ", ".join(self.answer.layers)
        figure.alt = (
            f"What a network makes of {self._what()}: the picture that it sees, the response of "
            f"{names} as small pictures, and a bar for each of {len(self._classes)} classes."
        )
        return figure

    def _draw(self, pad: tuple[str, str | bytes]) -> LessonFigure:
        self.pad.said = ""
        self.answer = self._ask(pad)
        self.pad.said = self._sentence()
        return self._figure.update(self.answer.picture, self.answer.layers, self.answer.shares)

    def _sentence(self) -> str:
        """What the network says, in words, for who cannot see the bars."""
        order = (-self.answer.shares).argsort(kind="stable")[:2]
        said = [f"{self._classes[k]} ({write_share(self.answer.shares[k])})" for k in order]
        return f"Of {self._what()} the network says {', then '.join(said)}."

    def _what(self) -> str:
        if self.pad.photo:
            return f"the photo {self.pad.photo}"
        return "the drawing" if "1" in self.pad.drawing else "empty paper"


def paint_or_upload(
    model: nn.Module,
    class_names: Sequence[str],
    *,
    size: int = 28,
    photo: str | PathLike[str] | None = None,
    layers: Sequence[str] | None = None,
) -> PaintOrUpload:
    """Draw a digit, or drop in a photo, and see each layer's response and the answer.

    A network with one input channel is taken for one that reads digits: drawings, and photos of
    ink on paper, are brought into the form of `datasets.load_digits`. A network with three
    channels sees photos squeezed to a square, as `datasets.load_folder` gives them, and drawings
    as black on white.

    Args:
        model: Takes `(1, C, size, size)` floats 0 to 1, C of 1 or 3; gives `(1, K)` scores. It
            is left as it was.
        class_names: K names, in the order of the scores.
        size: Side of the pictures that the network takes.
        photo: The file to begin with; None begins with a drawing, or, where the network takes
            three channels, with one of the bundled cats.
        layers: Steps to show, by the names of `explain.feature_maps`; None shows the last step
            of each size.

    Returns:
        The widget; its `answer` holds pictures and numbers.

    Raises:
        FileNotFoundError: There is no such photo.
        ValueError: The network does not take such pictures, the number of names differs from K,
            there is no such layer, or the photo cannot be read.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> widget = paint_or_upload(Custom_CNN(10, 1), "0123456789")
        >>> widget.answer.shares.shape
        (10,)
    """
    first = ("", first_drawing())
    if photo is None and _channels(model) == 3:
        photo = FIRST_PHOTO
    if photo is not None:
        path = Path(photo).expanduser()
        first = (path.name, path.read_bytes())
    named = list(layers) if layers is not None else None
    return PaintOrUpload(model, class_names, size, first, named)


def first_drawing() -> str:
    """Draw a 3, 20 cells high, in the middle of the paper.

    Returns:
        The text of a `PaintPad`.

    Example:
        >>> first_drawing().count("1")
        192
    """
    rows = ["." * 4 + "".join(2 * cell for cell in row) + "." * 4 for row in FIRST_DRAWING.split()]
    tall = ["." * 28] * 4 + [row for row in rows for _ in range(2)] + ["." * 28] * 4
    return "".join(tall).translate(str.maketrans(".#", "01"))


def _channels(model: nn.Module) -> int:
    """The channels that a network's first convolution reads."""
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    channels = convolutions[0].in_channels if convolutions else None
    if channels not in (1, 3):
        raise ValueError(
            f"expected a network whose first nn.Conv2d has in_channels 1 or 3, got {channels}: "
            "give one that reads grey digits or RGB photos"
        )
    return channels


def _require_names(names: list[str], classes: int) -> None:
    if len(names) != classes:
        raise ValueError(
            f"expected {classes} class names, one for each score of the network, got {len(names)}: "
            "give the names that came with its training data"
        )
