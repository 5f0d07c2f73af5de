"""Where the windows of a sliding kernel lie along one direction, and what they never see."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.by_hand import output_size
from cnn_basics.figures import BLUE, LessonFigure, new_figure


def plot_window_positions(
    size: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> LessonFigure:
    """Draw one row of pixels and, below it, every position of the kernel.

    Args:
        size: Pixels in the row.
        kernel_size: Elements of the kernel.
        stride: Pixels from one position to the next.
        padding: Zeros on either side, drawn hatched.
        dilation: Pixels from one kernel element to the next.
        ceil_mode: Round the number of windows up, as pooling can; the last one may then reach
            over the edge.

    Returns:
        The figure: pixels on top (those that no window sees are crossed out), then one line
        for each window, with its elements filled in.

    Raises:
        ValueError: When the kernel does not fit.

    Example:
        >>> plot_window_positions(8, kernel_size=3, stride=2).alt
        '8 pixels and the 3 windows of a kernel of 3 with stride 2; 1 pixel is never seen.'
    """
    count = output_size(size, kernel_size, stride, padding, dilation, ceil_mode)
    reads = [[i * stride + k * dilation for k in range(kernel_size)] for i in range(count)]
    seen = {position - padding for window in reads for position in window}
    missed = [pixel for pixel in range(size) if pixel not in seen]
    settings = f"stride {stride}" + (f", padding {padding}" if padding else "")
    settings += f", dilation {dilation}" if dilation > 1 else ""
    settings += ", rounded up (ceil_mode)" if ceil_mode else ""
    pixels = "pixel is" if len(missed) == 1 else "pixels are"
    alt = (
        f"{size} pixels and the {count} windows of a kernel of {kernel_size} with {settings}; "
        f"{len(missed)} {pixels} never seen."
    )
    figure, (axis,) = new_figure(height=0.7 + 0.34 * (count + 1), alt=alt)
    _draw_pixels(axis, size, padding, missed)
    for line, window in enumerate(reads, start=1):
        _draw_window(axis, window, line, padding, dilation)
    axis.set_xlim(-padding - 2.6, size + padding + (kernel_size if ceil_mode else 0))
    axis.set_ylim(count + 0.7, -0.7)
    axis.set_aspect("equal")
    axis.set_axis_off()
    return figure


def _draw_pixels(axis: Axes, size: int, padding: int, missed: list[int]) -> None:
    """Draw the row of pixels: numbered, hatched where padding, crossed out where never seen."""
    axis.text(-padding - 0.8, 0, "input", ha="right", va="center", fontsize=9)
    for x in range(-padding, size + padding):
        inside = 0 <= x < size
        style = {"facecolor": "0.92" if inside else "white", "hatch": None if inside else "////"}
        axis.add_patch(Rectangle((x - 0.5, -0.5), 1, 1, edgecolor="0.5", **style))
        label = "×" if x in missed else str(x) if inside else "0"
        axis.text(x, 0, label, ha="center", va="center", fontsize=12 if x in missed else 9)


def _draw_window(axis: Axes, window: list[int], line: int, padding: int, dilation: int) -> None:
    """Draw one position of the kernel: a line over its span, a square for each element."""
    columns = [position - padding for position in window]
    axis.text(-padding - 0.8, line, f"output {line - 1}", ha="right", va="center", fontsize=9)
    axis.plot([columns[0], columns[-1]], [line, line], color=BLUE, linewidth=1.5)
    for x in columns:
        axis.add_patch(Rectangle((x - 0.36, line - 0.36), 0.72, 0.72, facecolor=BLUE))
