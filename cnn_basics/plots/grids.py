"""Small matrices as coloured cells with their numbers, side by side or one after another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Rectangle

from cnn_basics.expect import expect, whole
from cnn_basics.figures import (
    BLACK,
    DIVERGING,
    SEQUENTIAL,
    VERMILION,
    Animation,
    LessonFigure,
    figure_to_array,
    new_figure,
    plain_axes,
)

Cell = tuple[int, int]

# The light part of a perceptually uniform map, so that black numbers are read on every cell.
LIGHT = ListedColormap(colormaps[SEQUENTIAL](np.linspace(0.5, 1.0, 256)), "light")


def draw_grid(
    axes: Axes,
    matrix: torch.Tensor,
    title: str = "",
    *,
    lit: Iterable[Cell] = (),
    border: int = 0,
    limits: tuple[float, float] | None = None,
    diverging: bool = False,
    hidden: Iterable[Cell] = (),
) -> None:
    """Draw a matrix `(H, W)` of any real numbers as a grid with its numbers, a title above.

    Cells `(row, column)` that are `lit` get a thick frame; `hidden` ones are left empty, such as
    outputs not computed yet; a `border` of so many cells is hatched as padding. The colours run
    over `limits`, the matrix's own if None, or, `diverging`, have zero in their middle.

    Example:
        >>> figure, (axes,) = new_figure()
        >>> draw_grid(axes, torch.eye(2), "identity", lit=[(0, 0)])
        >>> [text.get_text() for text in axes.texts]
        ['1', '0', '0', '1']
    """
    numbers = torch.as_tensor(matrix).detach().cpu().numpy()
    fix = "pick one map, as in x[0, 0]"
    expect(numbers.ndim == 2, "a matrix (H, W)", str(numbers.shape), fix)
    height, width = numbers.shape
    low, high = limits or (float(numbers.min()), float(numbers.max()))
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    scale = Normalize(low, high if high > low else low + 1.0)
    padding = np.ones(numbers.shape, bool)
    padding[border : height - border, border : width - border] = False
    white, hidden = padding.copy(), set(hidden)
    for cell in hidden:
        white[cell] = True
    colours = (colormaps[DIVERGING] if diverging else LIGHT).with_extremes(bad="white")
    axes.imshow(np.ma.array(numbers.astype(float), mask=white), cmap=colours, norm=scale)
    style = {"ha": "center", "va": "center", "fontsize": _font_size(numbers.shape)}
    for cell in np.ndindex(numbers.shape):
        red, green, blue, _ = colours(scale(float(numbers[cell])))
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 and not white[cell]
        if cell not in hidden:
            style["color"] = "white" if is_dark else BLACK
            axes.text(*cell[::-1], write_number(numbers[cell]), **style)
    lines = {"linewidth": 0.8, "color": "0.8", "clip_on": False}
    axes.vlines(np.arange(width + 1) - 0.5, -0.5, height - 0.5, **lines)
    axes.hlines(np.arange(height + 1) - 0.5, -0.5, width - 0.5, **lines)
    for cell in np.argwhere(padding):
        _frame(axes, cell, (1, 1), linewidth=0, edgecolor="0.7", hatch="////")
    lit = np.array(list(lit)).reshape(-1, 2)
    span = np.ptp(lit, axis=0) + 1 if len(lit) else (0, 0)
    is_whole = np.prod(span) == len(lit) > 0  # cells that fill a rectangle get one frame
    for cell in [lit.min(axis=0)] if is_whole else lit:
        size = span if is_whole else (1, 1)
        _frame(axes, cell, size, linewidth=3, edgecolor=VERMILION, zorder=3)
    plain_axes(axes, title)


def _frame(axes: Axes, corner: Sequence[int], size: Sequence[int], **style: object) -> None:
    """Draw an unfilled rectangle around `size` cells from `corner` on."""
    (row, column), (height, width) = corner, size
    patch = Rectangle((column - 0.5, row - 0.5), width, height, fill=False, clip_on=False, **style)
    axes.add_patch(patch)


def _font_size(sizes: Iterable[int]) -> float:
    """Choose how large numbers are written in grids of these heights and widths."""
    return 10 if max(sizes) <= 7 else 7.5


def align_grids(axes: Sequence[Axes], shapes: Sequence[tuple[int, int]]) -> None:
    """Give grids of different heights cells of one size and numbers of one size."""
    tallest = max(height for height, _ in shapes)
    for axis, (height, _) in zip(axes, shapes, strict=True):
        middle = (height - 1) / 2
        axis.set_ylim(middle + tallest / 2, middle - tallest / 2)
        for text in axis.texts:
            text.set_fontsize(_font_size(max(shape) for shape in shapes))


def draw_sign(axes: Axes, sign: str, away: int = 16) -> None:
    """Write a sign such as `×` to the left of a grid, so many points away."""
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "xytext": (-away, 0)}
    axes.annotate(sign, (0, 0.5), ha="center", va="center", fontsize=16, **place)


def window_cells(
    row: int, column: int, kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> list[Cell]:
    """List the cells that a window with its upper left corner at `(row, column)` reads."""
    return [(row + i * dilation[0], column + j * dilation[1]) for i, j in np.ndindex(kernel)]


def write_number(number: float) -> str:
    """Write a number with at most two decimals, as briefly as it goes: 3, −2, 0.25."""
    rounded = round(float(number), 2) or 0.0  # no minus sign on a zero
    return f"{rounded:g}".replace("-", "−")


def write_size(shape: Iterable[int]) -> str:
    """Write a shape as in 3×28×28."""
    return "×".join(map(str, shape))


def new_tiles(
    things: Sequence[object],
    titles: Sequence[str],
    columns: int,
    size: float,
    alt: str,
    **options: object,
) -> tuple[LessonFigure, np.ndarray]:
    """Make a figure with axes for things with titles, `columns` in a row `size` inches high."""
    what, fix = "one title for each of at least one picture", "give both the same length"
    count, got = len(things), f"{len(titles)} for {len(things)}"
    expect(count == len(titles) > 0, what, got, fix)
    columns = min(whole(columns, "columns", 1), count)
    rows = -(-count // columns)
    figure, axes = new_figure(rows, columns, height=size * rows, alt=alt, **options)
    for axis in axes[count:]:
        axis.set_axis_off()
    return figure, axes[:count]


def plot_grids(
    matrices: Sequence[torch.Tensor],
    titles: Sequence[str],
    alt: str,
    *,
    signs: Sequence[str] = (),
    lit: Sequence[Iterable[Cell]] = (),
    diverging: Sequence[int] = (),
    borders: Sequence[int] = (),
    shared: bool = False,
    columns: int | None = None,
    height: float = 2.6,
) -> LessonFigure:
    """Draw matrices `(H, W)` side by side, with `signs` such as `×` and `=` between neighbours.

    Each may have `lit` cells to outline, and one of `borders`, cells of padding that are hatched;
    those that are `diverging`, by index, have zero in the middle of their colours. One `shared`
    colour scale for all lets them be compared. A row holds so many `columns`, or all of them, and
    is `height` inches high on average.

    Example:
        >>> plot_grids([torch.eye(2)], ["identity"], "A 2×2 grid with ones on its diagonal.")
        <LessonFigure: A 2×2 grid with ones on its diagonal.>
    """
    matrices = [torch.as_tensor(matrix) for matrix in matrices]
    shapes = [tuple(matrix.shape) for matrix in matrices]
    columns = len(matrices) or 1 if columns is None else whole(columns, "columns", 1)
    ratios = [shape[-1] for shape in shapes[:columns]]
    rows = [slice(start, start + columns) for start in range(0, len(shapes), columns)]
    ratios = {"width_ratios": ratios, "height_ratios": [max(shapes[row])[0] for row in rows]}
    figure, axes = new_tiles(matrices, titles, columns, height, alt, **ratios)
    figure.get_layout_engine().set(wspace=0.12 if signs else 0.05)
    limits = None
    if shared:
        limits = min(m.min().item() for m in matrices), max(m.max().item() for m in matrices)
    for index, (axis, matrix, title) in enumerate(zip(axes, matrices, titles, strict=True)):
        look = {"lit": lit[index] if lit else (), "diverging": index in diverging}
        look["border"] = borders[index] if borders else 0
        draw_grid(axis, matrix, title, limits=limits, **look)
    for row in rows:
        align_grids(axes[row], shapes[row])
    for axis, sign in zip(axes[1:], signs, strict=False):
        draw_sign(axis, sign)
    return figure


def animate(figures: Iterable[LessonFigure], alt: str, seconds_per_frame: float = 0.7) -> Animation:
    """Make an animation of figures, or of one figure that changes and is yielded again and again.

    All have one size. Where it is one figure, the layout of its first frame holds for all, which
    makes drawing several times as fast.

    Example:
        >>> def steps():
        ...     figure, (axes,) = new_figure(width=2, height=1)
        ...     for height in (1, 2, 3):
        ...         axes.bar([height], [height])
        ...         yield figure
        >>> len(animate(steps(), "Three bars, one after another.").frames)
        3
    """
    frames = []
    for figure in figures:
        frames.append(figure_to_array(figure))
        figure.set_layout_engine("none")
    expect(frames, "figures to animate", "none", "give or yield one for each step")
    return Animation(np.stack(frames), alt, seconds_per_frame)


def clear(axes: Iterable[Axes]) -> None:
    """Take off all that was drawn into axes; several times as quick as `axes.clear()`."""
    for axis in axes:
        for artist in [*axis.images, *axis.collections, *axis.patches, *axis.lines, *axis.texts]:
            artist.remove()
