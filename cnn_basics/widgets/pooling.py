"""Something to move for lesson 5: pooling and striding, and a map that moves by a pixel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from cnn_basics.by_hand import avg_pool2d, max_pool2d
from cnn_basics.expect import expect
from cnn_basics.figures import BLACK, VERMILION, LessonFigure, plain_axes
from cnn_basics.plots.grids import LIGHT, write_number
from cnn_basics.widgets.parts import Slider, checkbox, dropdown, hide_unless
from cnn_basics.widgets.redrawn import RedrawnFigure, ReusedFigure, share_in_words

KINDS = ("max", "average", "strided")
LARGEST = 10  # rows and columns of a map
ROWS = (
    ("kind", "kernel_size", "stride", "padding"),
    ("right", "down", "ceil_mode", "count_include_pad"),
)
_MAP = ((1, 1, 2, 4, 0, 1), (5, 6, 7, 8, 2, 1), (3, 2, 1, 0, 0, 3),
        (1, 2, 3, 4, 1, 0), (0, 1, 0, 2, 9, 2), (2, 0, 1, 1, 3, 1))  # fmt: skip
_LEFTS = (0.005, 0.262, 0.515, 0.772)
_WIDTH, _SHARE = 7.6, 0.223  # of the figure in inches; of it, a panel
_ABOVE, _BELOW = 0.32, 0.5  # inches for titles and words
_HIGH, _WIDE = 0.42, 0.76  # of a cell that numbers fill at most
_ZERO_LINE, _DIGIT = 0.364, 0.756  # of matplotlib's font: the middle of digits, and their height
_ADVANCE = {".": 0.318, "−": 0.838}  # the same for "e" and all digits: 0.636
_ROOM = 4  # cells are no larger than a quarter of a panel


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
    figure, panels = _four_panels(maps)

    def draw(right: int, down: int, **settings: object) -> LessonFigure:
        window = [controls[name] for name in ("kernel_size", "padding", "ceil_mode")]
        hide_unless(settings["kind"] != "strided", window)
        hide_unless(settings["kind"] == "average", [controls["count_include_pad"]])
        moved = shift(maps, right, down)
        before, after = pool(maps, **settings), pool(moved, **settings)
        changed = ((after - before).abs() > 1e-5)[0, 0].numpy()
        marks = _mark_windows(maps, before, settings)
        panels[0].show(maps, **marks)
        panels[1].show(before)
        panels[2].show(moved, **marks)
        panels[3].show(after, marked=changed)
        way, kind = _direction(right, down), settings["kind"]
        sizes = [f"{each.shape[-2]}×{each.shape[-1]}" for each in (maps, before)]
        titles = [
            f"input: {sizes[0]}",
            f"{kind}: {sizes[1]}",
            f"input moved {way}" if way else "input, not moved",
            f"{kind} after the move",
        ]
        said = describe_changes(before, after, way)
        alt = f"{_describe_settings(**settings)}: {sizes[0]} in, {sizes[1]} out"
        alt += _write(before) + (f"; moved {way}{_write(after, ' it gives')}" if way else "")
        return figure.say([*titles, said], f"{alt}: {said}")

    return RedrawnFigure(controls, draw, ROWS)


def pool(
    x: torch.Tensor,
    kind: str = "max",
    kernel_size: int = 2,
    stride: int = 2,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
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


def _four_panels(maps: torch.Tensor) -> tuple[ReusedFigure, list[MapPanel]]:
    height, width = maps.shape[2:]
    high = _WIDTH * _SHARE * min(1.0, max(0.3, height / width))
    total = _ABOVE + high + _BELOW
    boxes = [(left, _BELOW / total, _SHARE, high / total) for left in _LEFTS]
    figure = ReusedFigure(boxes, width=_WIDTH, height=total)
    scale = Normalize(maps.min().item(), maps.max().item())
    panels = [MapPanel(axes, scale) for axes in figure.axes]
    top, middle = (_BELOW + high + 0.06) / total, (_BELOW + high / 2) / total
    for left in (_LEFTS[1], _LEFTS[3]):
        figure.text(left - 0.017, middle, "→", fontsize=13, ha="center", va="center")
    places = [*((left, top) for left in _LEFTS), (0.005, 0.035)]
    figure.writes(*(figure.text(*place, "", fontsize=9) for place in places))
    for panel in panels:
        figure.moves(*panel.parts)
    return figure, panels


class MapPanel:
    """One map in axes of its own: cells with numbers, padding, windows and marks."""

    def __init__(self, axes: Axes, scale: Normalize) -> None:
        plain_axes(axes)
        axes.set_anchor("NW")
        self.axes = axes
        self.image = axes.imshow([[0.0]], cmap=LIGHT, norm=scale, interpolation="nearest")
        look = {"facecolor": "white", "edgecolor": "0.6", "hatch": "////", "lw": 0, "zorder": -1}
        self.padding = axes.add_patch(Rectangle((0, 0), 1, 1, **look))
        self.lines, self.windows, self.marks = (
            axes.add_collection(
                LineCollection([], clip_on=False, color=colour, linewidths=width), autolim=False
            )
            for colour, width in (("0.75", 0.7), (BLACK, 2.2), (VERMILION, 2.8))
        )
        self.numbers = axes.add_patch(PathPatch(Path(np.empty((0, 2))), fc=BLACK, lw=0))
        self.parts = (self.padding, self.image, *axes.collections, self.numbers)

    def show(
        self,
        maps: torch.Tensor,
        padding: int = 0,
        overhang: Sequence[int] = (0, 0),
        windows: Sequence[tuple[int, int, int]] = (),
        marked: np.ndarray | None = None,
    ) -> None:
        """Show a map `(1, 1, H, W)`, on it padding, windows in black, and thickly marked cells."""
        values = maps[0, 0].numpy()
        height, width = values.shape
        self.image.set_data(values)
        self.image.set_extent((-0.5, width - 0.5, height - 0.5, -0.5))
        edge = 0.5 + padding
        self.padding.set_bounds(-edge, -edge, width + 2 * padding, height + 2 * padding)
        wide = max(_ROOM, width + 2 * padding + overhang[1])
        high = max(_ROOM, height + 2 * padding + overhang[0])
        self.axes.set(xlim=(-edge, wide - edge), ylim=(high - edge, -edge))
        self.axes.apply_aspect()
        self.lines.set_segments([_square(*cell, 1) for cell in np.ndindex(values.shape)])
        self.windows.set_segments([_square(*window) for window in windows])
        if marked is not None:
            self.marks.set_segments([_square(*cell, 1) for cell in np.argwhere(marked).tolist()])
        self.numbers.set_path(number_path(values))


def _square(row: int, column: int, side: int) -> list[tuple[float, float]]:
    left, top = column - 0.5, row - 0.5
    right, bottom = left + side, top + side
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]


def _mark_windows(
    x: torch.Tensor, y: torch.Tensor, settings: dict[str, object]
) -> dict[str, object]:
    """Work out padding, overhang, and frames around windows: all, or the first two of many."""
    strided, step, rows, columns = settings["kind"] == "strided", settings["stride"], *y.shape[2:]
    side, padding = (1, 0) if strided else (settings["kernel_size"], settings["padding"])
    needed = [(count - 1) * step + side for count in (rows, columns)]
    overhang = [max(0, n - s - 2 * padding) for n, s in zip(needed, x.shape[2:], strict=True)]
    if side > step:  # they overlap
        rows, columns = 1, min(2, columns)
    corners = [(i * step - padding, j * step - padding) for i, j in np.ndindex(rows, columns)]
    windows = [(*corner, side) for corner in corners]
    return {"padding": padding, "overhang": overhang, "windows": windows}


def describe_changes(before: torch.Tensor, after: torch.Tensor, way: str) -> str:
    """Say how many outputs changed when the input moved, and by how much."""
    if not way:
        return "Nothing moved yet: move the input by one, and see which outputs change."
    differences = (after - before).abs()
    changed, total = differences[differences > 1e-5], differences.numel()
    if not len(changed):
        return f"None of {total} outputs changed."
    share, size = share_in_words(len(changed), total), write_short(changed.mean().item())
    return f"{len(changed)} of {total} outputs ({share}) changed, by {size} on average."


def _describe_settings(
    kind: str,
    kernel_size: int,
    stride: int,
    padding: int,
    ceil_mode: bool,
    count_include_pad: bool,
) -> str:
    if kind == "strided":
        return f"Every s-th number kept, stride {stride}"
    counted = f", padding {'' if count_include_pad else 'not '}counted"
    return (
        f"{kind.capitalize()} pooling, kernel_size {kernel_size}, stride {stride}, "
        f"padding {padding}{', ceil_mode' if ceil_mode else ''}"
        f"{counted if kind == 'average' and padding else ''}"
    )


def _direction(right: int, down: int) -> str:
    ways = ((right, ("right", "left")), (down, ("down", "up")))
    return ", ".join(f"{abs(by)} {names[by < 0]}" for by, names in ways if by)


def _write(maps: torch.Tensor, before: str = "") -> str:
    rows = [", ".join(map(write_short, row)) for row in maps[0, 0].tolist()]
    return f"{before} [{'; '.join(rows)}]"


def number_path(values: np.ndarray) -> Path:
    """Write each number in the middle of its cell, all as large as fits."""
    words = [_word_path(write_short(float(number))) for number in values.flat]
    scale = min(_HIGH, _WIDE / max(np.ptp(word.vertices[:, 0]) for word in words))
    cells = [(column, row) for row, column in np.ndindex(values.shape)]
    vertices = [word.vertices * scale + cell for word, cell in zip(words, cells, strict=True)]
    return Path(np.concatenate(vertices), np.concatenate([word.codes for word in words]))


def write_short(number: float) -> str:
    """Write a number with two decimals at most, from 10 on with one, from 100 on with none."""
    decimals = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return write_number(round(number, decimals))


@lru_cache(maxsize=2000)
def _word_path(word: str) -> Path:
    """Return a word's outline around (0, 0), with y downwards and digits of height 1."""
    vertices, codes, x = [], [], 0.0
    for letter in word:
        outline = _letter_path(letter)
        vertices.append(outline.vertices + np.array((x, 0)))
        codes.append(outline.codes)
        x += _ADVANCE.get(letter, 0.636)
    centred = np.concatenate(vertices) - (x / 2, _ZERO_LINE)
    return Path(centred * (1, -1) / _DIGIT, np.concatenate(codes))


@lru_cache(maxsize=20)
def _letter_path(letter: str) -> TextPath:
    return TextPath((0, 0), letter, size=1)
