"""Something to move for a trained network: draw a digit, or give it a photo, and see it think."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import numpy as np
from matplotlib.patches import Rectangle
from torch import Tensor, nn
from traitlets import Any as AnyValue
from traitlets import Int, TraitError, Unicode, observe, validate

from cnn_basics.datasets import BUNDLED, digit_from_drawing
from cnn_basics.expect import expect
from cnn_basics.explain import feature_maps
from cnn_basics.figures import BLUE, LessonFigure
from cnn_basics.images import read_image, resize, to_nchw
from cnn_basics.model import device_of, untouched
from cnn_basics.plots.grids import write_number
from cnn_basics.training import prepare
from cnn_basics.widgets.parts import read_static
from cnn_basics.widgets.redrawn import (
    RedrawnFigure,
    ReusedFigure,
    colour,
    cut_name,
    tile_pictures,
    to_pixels,
)

SIDE = 28  # cells of the paper, in each direction
MOST_BYTES = 8_000_000  # of a photo: a message to the kernel may have 10 MB
LONGEST_FILE_NAME = 60
HINT = (
    "Paint with the mouse or a finger. By keys: arrows move, Space paints, Shift and an arrow "
    "paint on the way, Backspace rubs out. A photo may also be dropped here."
)
FIRST_PHOTO = BUNDLED / "test_set" / "test_set" / "cats" / "cat.4001.png"
_THREE = np.zeros((SIDE, SIDE), int)  # 20 cells high
for _top, _left in ((4, 8), (12, 12), (20, 8)):
    _THREE[_top : _top + 4, _left:18] = 1
_THREE[6:12, 16:20] = _THREE[16:22, 16:20] = 1
FIRST_DRAWING = "".join(map(str, _THREE.ravel()))
MOST_LAYERS = 6
WIDTH, LEFT = 8.6, 2.35  # inches: of the figure, and of its left part
STRIP, LINE = 0.78, 0.27  # inches: least height of a strip of maps, and of the line above it
BAR = 0.22  # inches from one bar to the next
MOST_MAPS, MOST_CLASSES = 64, 10
LONGEST_NAME = 9  # letters of a class
SMALLEST = 4  # pixels, to which single numbers are enlarged
Look = tuple[str, str | bytes]  # no name and a drawing, or the name of a photo and its file


class PaintPad(anywidget.AnyWidget):
    """Paper of 28×28 cells, and a field for a photo, as one control of a `RedrawnFigure`."""

    _esm = read_static("parts.js", "paint.js")
    _css = read_static("parts.css", "paint.css")
    description = Unicode("Paint, or choose a photo").tag(sync=True)
    hint = Unicode(HINT).tag(sync=True)
    side = Int(SIDE).tag(sync=True)
    most_bytes = Int(MOST_BYTES).tag(sync=True)
    drawing = Unicode(FIRST_DRAWING).tag(sync=True)
    photo = Unicode().tag(sync=True)
    said = Unicode().tag(sync=True)
    value = AnyValue(("", FIRST_DRAWING))

    def __init__(self) -> None:
        super().__init__()
        self.on_msg(self._heard)

    def take_photo(self, name: str, content: bytes) -> None:
        """Look at a photo instead of the drawing."""
        name = name[-LONGEST_FILE_NAME:]
        if len(content) > MOST_BYTES:
            self.said = (
                f"{name} is {len(content) / 1e6:.1f} MB, expected at most {MOST_BYTES / 1e6:.1f} "
                "MB: choose a smaller copy of the picture"
            )
            return
        self.photo = name or "photo"
        self.value = (self.photo, content)

    def _heard(self, _: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        if isinstance(content, dict) and "photo" in content and buffers:
            self.take_photo(str(content["photo"]), bytes(buffers[0]))

    def what(self) -> str:
        """Say what is looked at."""
        if self.photo:
            return f"the photo {self.photo}"
        return "the drawing" if "1" in self.drawing else "empty paper"

    @observe("drawing", "photo")
    def _look(self, _: object) -> None:
        if not self.photo:
            self.value = ("", self.drawing)

    @validate("drawing")
    def _whole(self, proposal: dict) -> str:
        text = proposal["value"]
        is_drawing = len(text) == SIDE**2 and set(text) <= {"0", "1"}
        got = f"{len(text)} characters of {''.join(sorted(set(text)))[:20]!r}"
        what, fix = f"a drawing of {SIDE**2} characters 0 or 1", "write 1 for ink, row by row"
        expect(is_drawing, what, got, fix, TraitError)
        return text


def as_ink(drawing: str) -> np.ndarray:
    """Read the text of a pad."""
    return np.array([character == "1" for character in drawing]).reshape(SIDE, SIDE)


class Answer(NamedTuple):
    """What a network makes of one picture."""

    picture: np.ndarray  # (H, W, 3) from 0 to 1, what the network sees; a grey one three times
    layers: dict[str, np.ndarray]  # by name, what comes out of some of its steps: (maps, H, W)
    shares: np.ndarray  # (K,), the softmax of its scores


def picture_of(look: Look, channels: int, size: int) -> Tensor:
    """Turn what a pad looks at, a drawing or a photo with its name, into (1, C, size, size)."""
    name, content = look
    if isinstance(content, str):
        ink = as_ink(content)
        paper = np.where(ink[..., None], np.zeros(3), 255).astype(np.uint8)
    else:
        paper = _read(name, content)
        grey = paper.mean(axis=2)
        dark = grey < np.percentile(grey, [1, 99]).mean()
        ink = dark if dark.mean() <= 0.5 else ~dark  # chalk on a board is ink as well
    if channels == 1:
        paper = np.repeat(digit_from_drawing(ink)[0, 0].numpy()[..., None], 3, axis=2)
    return to_nchw(resize(paper, size), scale=False)[:, :channels]


def _read(name: str, content: bytes) -> np.ndarray:
    """Read a photo; a sentence about it names the file as the user knows it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo")
        path.write_bytes(content)
        try:
            return read_image(path)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from error


def ask_network(model: nn.Module, picture: Tensor, layers: Sequence[str] | None = None) -> Answer:
    """Let a network look at one picture, and keep what its steps make of it."""
    x = prepare(picture).to(device_of(model))
    steps = feature_maps(model, x, layers)
    with untouched(model):
        scores = model(x.clone())  # its first step may be in place
    what = "a network that gives scores (1, K) for one picture"
    are_scores = isinstance(scores, Tensor) and scores.ndim == 2 and len(scores) == 1
    expect(are_scores, what, scores, "let it end with one score for each class")
    maps = {}
    for name in steps if layers is not None else choose_layers(steps):
        one = steps[name][0].detach().float().cpu().numpy()
        maps[name] = one if one.ndim == 3 else one.reshape(-1, 1, 1)
    return Answer(to_pixels(picture[0]), maps, scores[0].double().softmax(0).cpu().numpy())


def choose_layers(steps: dict[str, Tensor]) -> list[str]:
    """Choose steps worth looking at: the last before each change of size, and the last numbers."""
    maps = {name: step for name, step in steps.items() if step.ndim == 4 and step[0, 0].numel() > 1}
    last, before = {}, None
    for name, step in maps.items():
        shrunk = before is not None and before.shape[2:] != step.shape[2:]
        if not (shrunk and before.shape[1] == step.shape[1]):  # pooling alone shows nothing new
            last[step.shape[2:]] = name
        before = step
    reshaped = {step[0].numel() for step in maps.values()}
    numbers = [name for name, step in steps.items() if step.ndim == 2][:-1]  # without the scores
    own = [name for name in numbers if steps[name][0].numel() not in reshaped]
    return [*last.values(), *own[-1:]][-MOST_LAYERS:]


def describe_maps(name: str, maps: np.ndarray) -> str:
    """Say what a layer gives: how many maps or numbers, from which value to which."""
    count, height, width = maps.shape
    are_maps = height * width > 1
    what = f"{count} {'map' if are_maps else 'number'}{'' if count == 1 else 's'}"
    if are_maps:
        what += f" of {height}×{width}"
        what += f", the first {MOST_MAPS} shown" if count > MOST_MAPS else ""
    low, high = (write_number(value) for value in (maps.min(), maps.max()))
    return f"{name}: {what}, " + (f"{low} to {high}" if low != high else f"all {low}")


def write_share(share: float) -> str:
    """Write a share from 0 to 1 in per cent."""
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


class PaintOrUpload(RedrawnFigure):
    """The widget that `paint_or_upload` returns, with its `pad` and the last `answer`."""

    def __init__(
        self, ask: Callable[[Look], Answer], class_names: Sequence[str], pad: PaintPad
    ) -> None:
        self.pad, self._ask, self._classes = pad, ask, list(class_names)
        self.answer = ask(pad.value)
        count = len(self.answer.shares)
        what = f"{count} class names, one for each score of the network"
        fix = "give the names that came with its training data"
        expect(len(self._classes) == count, what, len(self._classes), fix)
        self._figure = self._empty_figure(min(count, MOST_CLASSES), len(self.answer.layers))
        super().__init__({"pad": pad}, self._draw, store=self._words)

    def _empty_figure(self, rows: int, layers: int) -> ReusedFigure:
        """Lay out the picture, bars below it, and beside these a strip of maps for each layer."""
        height = max(2.4 + rows * BAR, layers * (STRIP + LINE) + 0.1)
        line = (height - 0.1) / max(layers, 1)  # from one strip to the next
        tops = [height - k * line - LINE for k in range(layers)]
        self._space = (WIDTH - LEFT - 0.05, line - LINE)
        places = [(0.1, height - 2.1, 1.8, 1.8)]
        places += [(LEFT, top - self._space[1], *self._space) for top in tops]
        figure = ReusedFigure(width=WIDTH, height=height, places=places)
        figure.sharpness, figure.few_colours = 1.3, True  # of the stored picture
        page = figure.page
        page.text(1.0, height - 0.24, "what the network sees", fontsize=10, ha="center")
        style = {"fontsize": 9, "va": "center", "ha": "right"}
        for k in range(rows):
            bottom = height - 2.3 - (k + 1) * BAR
            bar = Rectangle((1.3, bottom + 0.03), 0, 0.72 * BAR, facecolor=BLUE, edgecolor="black")
            figure.moves(page.add_patch(bar))
            for right in (0.72, 1.22):  # the name, and the share
                figure.writes(page.text(right, bottom + BAR / 2, "", **style))
        for top in tops:
            figure.writes(page.text(LEFT, top + 0.05, "", fontsize=9))
        return figure

    def _draw(self, pad: Look) -> LessonFigure:
        self.pad.said = ""
        self.answer = self._ask(pad)
        picture, layers, shares = self.answer
        self._figure.show_pictures([picture, *map(self._sheet, layers.values())])
        order = np.argsort(-shares, kind="stable")
        shown = range(len(shares)) if len(shares) <= MOST_CLASSES else order[:MOST_CLASSES]
        lines = []
        for k, bar in zip(shown, self._figure.page.patches, strict=True):
            is_answer = k == order[0]  # its bar is hatched, and an arrow points at its share
            bar.set(width=0.85 * shares[k], alpha=1.0 if is_answer else 0.6)
            bar.set_hatch("////" if is_answer else None)
            lines.append(cut_name(self._classes[k], LONGEST_NAME))
            lines.append(f"{'▶ ' if is_answer else ''}{write_share(shares[k])}")
        words = [describe_maps(name, maps) for name, maps in layers.items()]
        said = [f"{self._classes[k]} ({write_share(shares[k])})" for k in order[:3]]
        self.pad.said = f"Of {self.pad.what()} the network says {', then '.join(said[:2])}."
        return self._figure.say(
            [*lines, *words],
            f"A picture of {picture.shape[1]}×{picture.shape[0]} pixels, of which the network says "
            f"{', '.join(said)}: the response of its layers as small pictures, {'; '.join(words)}.",
        )

    def _sheet(self, maps: np.ndarray) -> np.ndarray:
        """All maps beside one another, as large as the space of a strip allows."""
        if maps.shape[1:] == (1, 1):
            maps = np.kron(maps, np.ones((1, SMALLEST, SMALLEST)))
        else:
            maps = maps[:MOST_MAPS]
        count, height, width = maps.shape

        def scale(columns: int) -> float:
            wide, high = columns * (width + 1), -(-count // columns) * (height + 1)
            return min(self._space[0] / wide, self._space[1] / high)

        return tile_pictures(colour(maps, signed=False), max(range(1, count + 1), key=scale))

    def _words(self, pad: Look) -> str:
        """Say the same however the network was trained."""
        names = ", ".join(self.answer.layers)
        return (
            f"What a network makes of {self.pad.what()}: the picture that it sees, the response of "
            f"{names} as small pictures, and a bar for each of {len(self._classes)} classes."
        )


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
        model: Takes `(1, C, size, size)` floats 0 to 1, C of 1 or 3, and gives `(1, K)` scores;
            it is left as it was.
        class_names: K names, in the order of the scores.
        size: Side of the pictures that the network takes.
        photo: The file to begin with; None begins with a drawing, or, with three channels, a cat.
        layers: Steps to show, named as in `explain.feature_maps`; None takes the last of each size.

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
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    channels = convolutions[0].in_channels if convolutions else None
    what = "a network whose first nn.Conv2d has in_channels 1 or 3"
    expect(channels in (1, 3), what, channels, "give one that reads grey digits or RGB photos")
    pad = PaintPad()
    if photo is not None or channels == 3:
        path = Path(photo or FIRST_PHOTO).expanduser()
        pad.take_photo(path.name, path.read_bytes())

    def ask(look: Look) -> Answer:
        return ask_network(model, picture_of(look, channels, size), layers)

    return PaintOrUpload(ask, class_names, pad)
