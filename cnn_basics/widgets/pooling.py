"""Something to move for lesson 5: pooling and striding, and a map that moves by a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from matplotlib import get_data_path
from matplotlib.colors import Normalize
from PIL import Image, ImageDraw, ImageFont

from cnn_basics.by_hand import avg_pool2d, max_pool2d
from cnn_basics.expect import expect
from cnn_basics.figures import BLACK, VERMILION, LessonFigure
from cnn_basics.plots.grids import LIGHT, write_number, write_size
from cnn_basics.widgets.parts import Slider, checkbox, dropdown, hide_unless
from cnn_basics.widgets.redrawn import RedrawnFigure, ReusedFigure, share_in_words

LARGEST = 10  # rows and columns of a map
ROWS = (
    ("kind", "kernel_size", "stride", "padding"),
    ("right", "down", "ceil_mode", "count_include_pad"),
)
_MAP = ((1, 1, 2, 4, 0, 1), (5, 6, 7, 8, 2, 1), (3, 2, 1, 0, 0, 3),
        (1, 2, 3, 4, 1, 0), (0, 1, 0, 2, 9, 2), (2, 0, 1, 1, 3, 1))  # fmt: skip
TINY = 1e-5  # an output that differs by less has not changed
UNMOVED = "Nothing moved yet: move the input by one, and see which outputs change."
# Pixels of the picture, two for each on the screen: across all, across a map, where maps begin.
_WIDTH, _SIDE, _LEFTS = 1520, 340, (8, 398, 783, 1173)
_ABOVE, _BELOW = 64, 100  # for titles and words
_ROOM = 4  # cells are no larger than a quarter of a map's place


def pooling_explorer(x: torch.Tensor | None = None) -> RedrawnFigure:
    """Pool a map in many ways, and watch what changes when it moves by a pixel.

    Args:
        x: A map `(H, W)`, float32 or float64, of at most 10×10 numbers; None takes the lesson's.

    Returns:
        Controls above four maps: the input, its output, the moved input, its output.

    Raises:
        TypeError: `x` is not a float tensor.
        ValueError: `x` has another shape, or numbers that are not finite.

    Example:
        >>> explorer = pooling_explorer(torch.eye(4))
        >>> explorer.controls["right"].value = 1
        >>> explorer.still().alt.split(": ")[-1]
        '1 of 4 outputs (25 %) changed, by 1 on average.'
    """
    x = torch.tensor(_MAP, dtype=torch.float32) if x is None else x
    is_float = isinstance(x, torch.Tensor) and x.is_floating_point()
    fix = "convert a tensor with x.float()"
    expect(is_float, "a float tensor (H, W)", x, fix, TypeError)
    fits = x.ndim == 2 and 1 <= min(x.shape) <= max(x.shape) <= LARGEST and x.isfinite().all()
    what = f"one map (H, W) of at most {LARGEST}×{LARGEST} finite numbers"
    expect(fits, what, x, f"pick a part of one map, as in x[0, 0, :{LARGEST}, :{LARGEST}]")
    maps = x.detach()[None, None]
    kinds = [("max", "max"), ("average", "average"), ("strided (every s-th)", "strided")]
    controls = {
        "kind": dropdown("kind", kinds, 190),
        "kernel_size": Slider("kernel_size", 2, min=1, max=4),
        "stride": Slider("stride", 2, min=1, max=4),
        "padding": Slider("padding", 0, min=0, max=2),
        "right": Slider("move right", 0, min=-2, max=2),
        "down": Slider("move down", 0, min=-2, max=2),
        "ceil_mode": checkbox("ceil_mode", False, 100),
        "count_include_pad": checkbox("count_include_pad", True, 155),
    }
    height, width = maps.shape[2:]
    high = round(_SIDE * min(1.0, max(0.3, height / width)))
    figure = _four_places(high)
    scale = Normalize(maps.min().item(), maps.max().item())

    def draw(right: int, down: int, **settings: object) -> LessonFigure:
        kind = settings["kind"]
        window = [controls[name] for name in ("kernel_size", "padding", "ceil_mode")]
        hide_unless(kind != "strided", window)
        hide_unless(kind == "average", [controls["count_include_pad"]])
        moved = shift(maps, right, down)
        before, after = pool(maps, **settings), pool(moved, **settings)
        changes = (after - before).abs()[0, 0]
        marks = mark_windows(before, settings)
        changed = {"marked": (changes > TINY).nonzero().tolist()}
        picture = Image.new("RGBA", (_WIDTH, high), "white")
        shown = zip(_LEFTS, (maps, before, moved, after), (marks, {}, marks, changed), strict=True)
        for left, each, how in shown:
            place = picture.crop((left, 0, left + _SIDE, high))
            draw_map(place, each[0, 0].numpy(), scale, **how)
            picture.paste(place, (left, 0))
        figure.axes[0].images[0].set_data(np.asarray(picture))
        moves = ((right, ("right", "left")), (down, ("down", "up")))
        way = ", ".join(f"{abs(by)} {names[by < 0]}" for by, names in moves if by)
        source, result = write_size(maps.shape[2:]), write_size(before.shape[2:])
        lines = [f"input: {source}", f"→ {kind}: {result}"]
        lines += [f"input moved {way}" if way else "input, not moved", f"→ {kind} after the move"]
        said = describe_changes(changes) if way else UNMOVED
        alt = f"{_describe_settings(**settings)}: {source} in, {result} out {_write(before)}"
        alt += f"; moved {way} it gives {_write(after)}" if way else ""
        return figure.say([*lines, said], f"{alt}: {said}")

    return RedrawnFigure(controls, draw, ROWS)


def pool(
    x: torch.Tensor,
    kind: str,
    kernel_size: int,
    stride: int,
    padding: int,
    ceil_mode: bool,
    count_include_pad: bool,
) -> torch.Tensor:
    """Make maps `(N, C, H, W)` smaller in one of three ways; "strided" keeps every s-th number."""
    if kind == "strided":
        return x[..., ::stride, ::stride]
    if kind == "max":
        return max_pool2d(x, kernel_size, stride, padding, ceil_mode=ceil_mode)
    return avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def shift(x: torch.Tensor, right: int, down: int) -> torch.Tensor:
    """Move maps `(..., H, W)`; what comes in repeats the edge."""
    height, width = x.shape[-2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return x[..., rows[:, None], columns]


def _four_places(high: int) -> ReusedFigure:
    """Make a picture so high for four maps, titles above them, and a line below."""
    total = _ABOVE + high + _BELOW
    box = (0, _BELOW / total, 1, high / total)
    figure = ReusedFigure([box], width=_WIDTH / 200, height=total / 200)
    (axes,) = figure.axes
    axes.set_axis_off()
    nothing = np.zeros((high, _WIDTH, 4), np.uint8)
    figure.moves(axes.imshow(nothing, aspect="auto", interpolation="bilinear"))
    above = 1 - (_ABOVE - 12) / total
    places = [*((left / _WIDTH, above) for left in _LEFTS), (_LEFTS[0] / _WIDTH, 7 / total)]
    figure.writes(*(figure.text(*place, "", fontsize=9) for place in places))
    return figure


def draw_map(
    place: Image.Image,
    values: np.ndarray,
    scale: Normalize,
    padding: int = 0,
    windows: Sequence[Sequence[int]] = (),
    marked: Sequence[Sequence[int]] = (),
) -> None:
    """Draw a map `(H, W)` with its numbers, padding, windows in black, and thickly marked cells."""
    pen, colours = ImageDraw.Draw(place), LIGHT(scale(values), bytes=True)
    ends = [
        [size + padding, *(each[axis] + each[2] for each in windows)]
        for axis, size in enumerate(values.shape)
    ]
    rows, columns = (max(_ROOM, max(each) + padding) for each in ends)
    cell = min((place.width - 1) / columns, (place.height - 1) / rows)

    def box(row: int, column: int, side: int = 1) -> list[float]:
        top, left = (row + padding) * cell, (column + padding) * cell
        return [left, top, left + side * cell, top + side * cell]

    for row, column in np.ndindex(*(size + 2 * padding for size in values.shape)):
        pen.rectangle(box(row - padding, column - padding), "#e8e8e8")
    words = {where: write_number(number) for where, number in np.ndenumerate(values)}
    longest = max(_font(100).getlength(word) for word in words.values())
    font = _font(int(cell * min(0.5, 80 / longest)))
    for where, word in words.items():
        left, top, right, bottom = box(*where)
        pen.rectangle(box(*where), tuple(colours[where]), "#bfbfbf")
        pen.text(((left + right) / 2, (top + bottom) / 2), word, BLACK, font, anchor="mm")
    for frames, colour, width in ((windows, BLACK, 5), (marked, VERMILION, 7)):
        for frame in frames:
            pen.rectangle(box(*frame), outline=colour, width=width)


@lru_cache(maxsize=100)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def mark_windows(outputs: torch.Tensor, settings: dict[str, object]) -> dict[str, object]:
    """Work out padding, and frames around windows: all, or the first two of many that overlap."""
    (rows, columns), step, side, padding = outputs.shape[2:], settings["stride"], 1, 0
    if settings["kind"] != "strided":
        side, padding = settings["kernel_size"], settings["padding"]
    if side > step:
        rows, columns = 1, min(2, columns)
    windows = [(i * step - padding, j * step - padding, side) for i, j in np.ndindex(rows, columns)]
    return {"padding": padding, "windows": windows}


def describe_changes(changes: torch.Tensor) -> str:
    """Say how many outputs changed when the input moved, and by how much."""
    changed, total = changes[changes > TINY], changes.numel()
    if not len(changed):
        return f"None of {total} outputs changed."
    share, size = share_in_words(len(changed), total), write_number(changed.mean().item())
    return f"{len(changed)} of {total} outputs ({share}) changed, by {size} on average."


def _describe_settings(
    kind: str, kernel_size: int, stride: int, padding: int, ceil_mode: bool, count_include_pad: bool
) -> str:
    if kind == "strided":
        return f"Every s-th number kept, stride {stride}"
    said = f"{kind.capitalize()} pooling, kernel_size {kernel_size}, stride {stride}, "
    said += f"padding {padding}{', ceil_mode' if ceil_mode else ''}"
    if kind == "average" and padding:
        said += f", padding {'' if count_include_pad else 'not '}counted"
    return said


def _write(maps: torch.Tensor) -> str:
    return f"[{'; '.join(', '.join(map(write_number, row)) for row in maps[0, 0].tolist())}]"
