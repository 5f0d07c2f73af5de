"""Small matrices as coloured cells with their numbers, side by side, and windows that move."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Rectangle

from cnn_basics import by_hand
from cnn_basics.expect import expect
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
    """Draw one matrix as a grid with its numbers.

    Args:
        axes: Where to draw.
        matrix: `(H, W)`, any real numbers; whole numbers are written without a decimal point.
        title: Written above.
        lit: Cells `(row, column)` to outline with a thick frame.
        border: Width of a frame of padding, drawn hatched.
        limits: Smallest and largest number of the colour scale; None takes the matrix's own.
        diverging: Use a colour scale with zero in the middle.
        hidden: Cells left empty, such as outputs not computed yet.

    Raises:
        ValueError: When `matrix` has not two axes.

    Example:
        >>> figure, (axes,) = new_figure()
        >>> draw_grid(axes, torch.eye(2), "identity", lit=[(0, 0)])
        >>> [text.get_text() for text in axes.texts]
        ['1', '0', '0', '1']
    """
    numbers = torch.as_tensor(matrix).detach().cpu().numpy()
    fix = "pick one map, as in x[0, 0]"
    expect(numbers.ndim == 2, "a matrix (H, W)", str(numbers.shape), fix)
    low, high = limits if limits is not None else (float(numbers.min()), float(numbers.max()))
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    scale = Normalize(low, high if high > low else low + 1.0)
    height, width = numbers.shape
    inside = np.zeros(numbers.shape, bool)
    inside[border : height - border, border : width - border] = True
    hidden = set(hidden)
    white = ~inside
    for cell in hidden:
        white[cell] = True
    colours = (colormaps[DIVERGING] if diverging else LIGHT).with_extremes(bad="white")
    axes.imshow(np.ma.array(numbers.astype(float), mask=white), cmap=colours, norm=scale)
    for cell in np.ndindex(numbers.shape):
        if cell in hidden:
            continue
        red, green, blue, _ = colours(scale(float(numbers[cell])))
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 and not white[cell]
        style = {"ha": "center", "va": "center", "color": "white" if is_dark else BLACK}
        style["fontsize"] = 10 if max(numbers.shape) <= 7 else 7.5
        axes.text(cell[1], cell[0], write_number(numbers[cell]), **style)
    _outline(axes, inside, lit)
    plain_axes(axes, title)


def _outline(axes: Axes, inside: np.ndarray, lit: Iterable[Cell]) -> None:
    """Draw the lines between cells, hatch the padding and frame the cells that are lit."""
    height, width = inside.shape
    style = {"linewidth": 0.8, "color": "0.8", "clip_on": False}
    axes.vlines(np.arange(width + 1) - 0.5, -0.5, height - 0.5, **style)
    axes.hlines(np.arange(height + 1) - 0.5, -0.5, width - 0.5, **style)
    for cell in np.argwhere(~inside):
        _frame(axes, cell, (1, 1), linewidth=0, edgecolor="0.7", hatch="////")
    lit = list(lit)
    if not lit:
        return
    first, last = np.min(lit, axis=0), np.max(lit, axis=0)
    size = last - first + 1
    frames = [(first, size)] if size.prod() == len(lit) else [(cell, (1, 1)) for cell in lit]
    for corner, size in frames:  # cells that fill a rectangle get one frame
        _frame(axes, corner, size, linewidth=3, edgecolor=VERMILION, zorder=3)


def _frame(axes: Axes, corner: Sequence[int], size: Sequence[int], **style: object) -> None:
    """Draw an unfilled rectangle around `size` cells from `corner` on."""
    (row, column), (height, width) = corner, size
    patch = Rectangle((column - 0.5, row - 0.5), width, height, fill=False, clip_on=False, **style)
    axes.add_patch(patch)


def align_grids(axes: Sequence[Axes], shapes: Sequence[tuple[int, int]]) -> None:
    """Give grids of different heights cells of one size and numbers of one size."""
    tallest = max(height for height, _ in shapes)
    size = 10 if max(max(shape) for shape in shapes) <= 7 else 7.5
    for axis, (height, _) in zip(axes, shapes, strict=True):
        middle = (height - 1) / 2
        axis.set_ylim(middle + tallest / 2, middle - tallest / 2)
        for text in axis.texts:
            text.set_fontsize(size)


def draw_sign(axes: Axes, sign: str, away: int = 16) -> None:
    """Write a sign such as `×` to the left of a grid, so many points away."""
    axes.annotate(
        sign, (0, 0.5), xytext=(-away, 0), xycoords="axes fraction", textcoords="offset points",
        ha="center", va="center", fontsize=16,
    )  # fmt: skip


def window_cells(
    row: int, column: int, kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> list[Cell]:
    """List the cells that a window with its upper left corner at `(row, column)` reads."""
    return [
        (row + i * dilation[0], column + j * dilation[1])
        for i in range(kernel[0])
        for j in range(kernel[1])
    ]


def write_number(number: float) -> str:
    """Write a number as briefly as it can be read back: 3, -2, 0.25."""
    rounded = round(float(number), 2) or 0.0  # no minus sign on a zero
    return f"{rounded:g}".replace("-", "−")


def plot_grids(
    matrices: Sequence[torch.Tensor],
    titles: Sequence[str],
    alt: str,
    *,
    signs: Sequence[str] = (),
    lit: Sequence[Iterable[Cell]] = (),
    diverging: Sequence[int] = (),
    shared: bool = False,
    columns: int | None = None,
    height: float = 2.6,
) -> LessonFigure:
    """Draw matrices side by side, with signs such as `×` and `=` between them.

    Args:
        matrices: Each `(H, W)`.
        titles: One for each matrix.
        alt: What the picture shows.
        signs: What stands between neighbours, one fewer than matrices, or nothing.
        lit: Cells to outline in each matrix, or nothing.
        diverging: Which matrices, by index, have zero in the middle of their colours.
        shared: Give all matrices one colour scale, so that equal numbers look equal.
        columns: Matrices in a row; None puts all into one row.
        height: Height of a row in inches.

    Returns:
        The figure; its axes are in the order of the matrices.

    Example:
        >>> plot_grids([torch.eye(2)], ["identity"], "A 2×2 grid with ones on its diagonal.")
        <LessonFigure: A 2×2 grid with ones on its diagonal.>
    """
    matrices = [torch.as_tensor(matrix) for matrix in matrices]
    shapes = [tuple(matrix.shape) for matrix in matrices]
    columns = columns or len(matrices)
    rows = -(-len(matrices) // columns)
    widths = [width for _, width in shapes[:columns]]
    figure, axes = new_figure(rows, columns, height=height * rows, alt=alt, width_ratios=widths)
    figure.get_layout_engine().set(wspace=0.12 if signs else 0.05)
    limits = None
    if shared:
        limits = min(m.min().item() for m in matrices), max(m.max().item() for m in matrices)
    for index, (matrix, title) in enumerate(zip(matrices, titles, strict=True)):
        cells, is_diverging = lit[index] if lit else (), index in diverging
        draw_grid(axes[index], matrix, title, lit=cells, limits=limits, diverging=is_diverging)
    for empty in axes[len(matrices) :]:
        empty.set_axis_off()
    align_grids(axes[: len(matrices)], shapes)
    for axis, sign in zip(axes[1:], signs, strict=False):
        draw_sign(axis, sign)
    return figure


def plot_window(
    x: torch.Tensor, kernel: torch.Tensor, row: int, column: int, bias: float = 0.0
) -> LessonFigure:
    """Show one window of a convolution: the input, the kernel, their products and the sum.

    Args:
        x: `(H, W)`, one feature map.
        kernel: `(kernel height, kernel width)`.
        row: Row of the window's upper left corner.
        column: Column of the window's upper left corner.
        bias: Added to the sum of the products.

    Returns:
        Three grids: the input with the window outlined, the kernel, and the products.

    Raises:
        ValueError: When the window does not lie inside `x`.

    Example:
        >>> plot_window(torch.eye(3), torch.ones(2, 2), row=0, column=0).alt[-25:]
        'the products add up to 2.'
    """
    height, width = kernel.shape
    is_inside = 0 <= row <= x.shape[0] - height and 0 <= column <= x.shape[1] - width
    what, got = (
        f"a {height}×{width} window inside {tuple(x.shape)}",
        f"its corner at ({row}, {column})",
    )
    expect(is_inside, what, got, "choose a smaller row or column")
    products = x[row : row + height, column : column + width] * kernel
    terms = " + ".join(write_number(p) for p in products.flatten().tolist())
    result = write_number(products.sum().item() + bias)
    added = f" + {write_number(bias)} (bias)" if bias else ""
    figure = plot_grids(
        [x, kernel, products],
        ["input, one window", "kernel", "products"],
        f"The {height}×{width} window at row {row}, column {column} of a {x.shape[0]}×{x.shape[1]} "
        f"input times the kernel, cell by cell; the products add up to {result}"
        + (f" with the bias {write_number(bias)}." if bias else "."),
        signs=["×", "="],
        lit=[window_cells(row, column, (height, width)), (), ()],
        diverging=[1, 2],
    )
    figure.supxlabel(f"{terms}{added} = {result}".replace("+ −", "− "), fontsize=11)
    return figure


def animate(figures: Iterable[LessonFigure], alt: str, seconds_per_frame: float = 0.7) -> Animation:
    """Make an animation of figures, or of one figure that changes and is yielded again and again.

    Args:
        figures: In order, all of one size. Where it is one figure, the layout of its first frame
            holds for all, which makes drawing several times as fast.
        alt: What moves and what comes out.
        seconds_per_frame: How long each frame stays.

    Returns:
        One frame for each figure.

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
    return Animation(np.stack(frames), alt, seconds_per_frame)


def clear(axes: Iterable[Axes]) -> None:
    """Take off all that was drawn into axes; several times as quick as `axes.clear()`."""
    for axis in axes:
        for artist in [*axis.images, *axis.collections, *axis.patches, *axis.lines, *axis.texts]:
            artist.remove()


def animate_convolution(
    x: torch.Tensor,
    kernel: torch.Tensor,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> Animation:
    """Slide a kernel over one small feature map.

    Args:
        x: `(H, W)`, float32 or float64, small enough for its numbers to be read.
        kernel: `(kernel height, kernel width)`, same dtype.
        stride: Pixels from one window to the next.
        padding: Rows and columns of zeros on every side, drawn hatched.
        dilation: Pixels from one kernel element to the next.

    Returns:
        One frame for each output, in reading order; the last frame shows the whole output.

    Example:
        >>> animate_convolution(torch.eye(3), torch.ones(2, 2)).frames.shape[0]
        4
    """
    y = by_hand.conv2d(x[None, None], kernel[None, None], None, stride, padding, dilation)[0, 0]
    alt = (
        f"A {_size(kernel)} kernel slides over a {_size(x)} input with stride {stride}, padding "
        f"{padding} and dilation {dilation}; window by window it fills the {_size(y)} output."
    )
    padded = by_hand.pad(x[None, None], ((padding, padding), (padding, padding)))[0, 0]
    size, spread = tuple(kernel.shape), (dilation, dilation)
    figures = _fill_output(
        padded, y, lambda i, j: window_cells(i * stride, j * stride, size, spread), kernel, padding
    )
    return animate(figures, alt)


def animate_pooling(
    x: torch.Tensor, kernel_size: int = 2, stride: int | None = None, kind: str = "max"
) -> Animation:
    """Move a pooling window over one small feature map.

    Args:
        x: `(H, W)`, float32 or float64.
        kernel_size: Height and width of the window.
        stride: Pixels from one window to the next; None means `kernel_size`.
        kind: `"max"` or `"average"`.

    Returns:
        One frame for each output, in reading order.

    Raises:
        ValueError: When `kind` is unknown.

    Example:
        >>> animate_pooling(torch.eye(4)).alt.split(";")[0]
        'A 2×2 window moves over a 4×4 input with stride 2'
    """
    pools = {"max": by_hand.max_pool2d, "average": by_hand.avg_pool2d}
    expect(kind in pools, "kind 'max' or 'average'", repr(kind), "choose one of these")
    step = kernel_size if stride is None else stride
    y = pools[kind](x[None], kernel_size, step)[0]
    what = "largest number" if kind == "max" else "mean"
    alt = (
        f"A {kernel_size}×{kernel_size} window moves over a {_size(x)} input with stride {step}; "
        f"the {what} of each window becomes one number of the {_size(y)} output."
    )
    size = (kernel_size, kernel_size)
    return animate(_fill_output(x, y, lambda i, j: window_cells(i * step, j * step, size)), alt)


def _size(matrix: torch.Tensor) -> str:
    """Write a matrix's height and width, as in 4×5."""
    return "×".join(str(n) for n in matrix.shape)


def _fill_output(
    x: torch.Tensor,
    y: torch.Tensor,
    lit: Callable[[int, int], list[Cell]],
    kernel: torch.Tensor | None = None,
    border: int = 0,
) -> Iterator[LessonFigure]:
    """Draw one frame for each output: the window lit, the outputs so far filled in."""
    cells = list(np.ndindex(tuple(y.shape)))
    grids = [x, y] if kernel is None else [x, kernel, y]
    widths = [grid.shape[1] for grid in grids]
    figure, axes = new_figure(1, len(grids), width=6.0, height=2.7, width_ratios=widths)
    limits = (x.min().item(), x.max().item())
    scale = {"diverging": True} if kernel is not None else {"limits": limits}
    for count, cell in enumerate(cells):
        clear(axes)
        draw_grid(axes[0], x, "input", lit=lit(*cell), border=border, limits=limits)
        if kernel is not None:
            draw_grid(axes[1], kernel, "kernel", diverging=True)
        draw_grid(axes[-1], y, "output", lit=[cell], hidden=cells[count + 1 :], **scale)
        align_grids(axes, [tuple(grid.shape) for grid in grids])
        yield figure
