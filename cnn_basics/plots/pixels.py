"""What a picture is made of: pixels, channels, values and resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.patches import Rectangle

from cnn_basics.figures import (
    BLUE,
    GREEN,
    VERMILION,
    Animation,
    LessonFigure,
    figure_to_array,
    new_figure,
    plain_axes,
)
from cnn_basics.images import check_picture, resize, split_channels
from cnn_basics.plots.cells import draw_grid

NAMES = ("red", "green", "blue")
# Line style and colour of each channel: they are told apart without colours, too.
STYLES = (("-", VERMILION), ("--", GREEN), (":", BLUE))


def plot_patch(image: np.ndarray, row: int, column: int, size: int = 4) -> LessonFigure:
    """Show where a small square lies in a picture, and its numbers in each channel.

    Args:
        image: `(H, W, 3)` uint8, values 0 to 255.
        row: Row of the square's upper left corner.
        column: Column of the square's upper left corner.
        size: Side of the square in pixels.

    Returns:
        The picture with the square framed, then one grid of numbers for each channel.

    Raises:
        ValueError: The square does not lie inside the picture.

    Example:
        >>> figure = plot_patch(np.zeros((28, 28, 3), dtype=np.uint8), 10, 12)
        >>> len(figure.axes)
        4
    """
    height, width = check_picture(image).shape[:2]
    if min(row, column) < 0 or size < 1 or row + size > height or column + size > width:
        raise ValueError(
            f"expected a square inside {height}×{width} pixels, got side {size} at row {row}, "
            f"column {column}: choose a smaller row, column or size"
        )
    alt = (
        f"A square of {size}×{size} pixels, framed in the picture at row {row}, column {column}, "
        "and its numbers in the red, green and blue channel: three numbers for each pixel."
    )
    figure, axes = new_figure(1, 4, width=7.0, height=2.1, alt=alt)
    axes[0].imshow(image)
    frame = Rectangle(
        (column - 0.5, row - 0.5), size, size, fill=False, linewidth=2, edgecolor=VERMILION
    )
    axes[0].add_patch(frame)
    plain_axes(axes[0], "picture")
    for axis, name, channel in zip(axes[1:], NAMES, split_channels(image), strict=True):
        patch = torch.from_numpy(channel[row : row + size, column : column + size])
        draw_grid(axis, patch, name, limits=(0, 255))
    return figure


def plot_channel_histograms(image: np.ndarray, bins: int = 16) -> LessonFigure:
    """Count how often each range of values occurs in each channel.

    Args:
        image: `(H, W, 3)` uint8, values 0 to 255.
        bins: Into how many equal ranges 0 to 255 is divided.

    Returns:
        One stepped line for each channel: per cent of the pixels in each range of values.

    Example:
        >>> figure = plot_channel_histograms(np.zeros((28, 28, 3), dtype=np.uint8))
        >>> len(figure.axes[0].patches)
        3
    """
    edges = np.linspace(0, 256, bins + 1)
    means = []
    figure, (axis,) = new_figure(width=6.0, height=2.6)
    for name, (style, colour), channel in zip(NAMES, STYLES, split_channels(image), strict=True):
        counts = np.histogram(channel, edges)[0]
        axis.stairs(
            100 * counts / channel.size, edges, label=name, linestyle=style, color=colour, lw=1.8
        )
        means.append(f"{name} {channel.mean():.0f}")
    axis.set(xlabel="value (0 dark, 255 bright)", ylabel="per cent of pixels", xlim=(0, 256))
    axis.set_ylim(bottom=0)
    axis.legend()
    figure.alt = (
        "How often dark and bright values occur in each channel: red as a solid line, green "
        f"dashed, blue dotted. Mean values: {', '.join(means)}."
    )
    return figure


def animate_channels(image: np.ndarray, side: int = 64) -> Animation:
    """Add one channel after the other until the picture is complete.

    Args:
        image: `(H, W, 3)` uint8, values 0 to 255.
        side: The picture is first squeezed to this height and width.

    Returns:
        Three frames: red, red and green, all three; beside each the channel added last.

    Example:
        >>> animate_channels(np.zeros((28, 28, 3), dtype=np.uint8)).frames.shape[0]
        3
    """
    picture = resize(image, side)
    frames = []
    for index, name in enumerate(NAMES):
        added, total = np.zeros_like(picture), np.zeros_like(picture)
        added[..., index] = picture[..., index]
        total[..., : index + 1] = picture[..., : index + 1]
        figure, axes = new_figure(1, 2, width=4.8, height=2.7)
        titles = (f"add {name}", "sum: " + " + ".join(NAMES[: index + 1]))
        for axis, shown, title in zip(axes, (added, total), titles, strict=True):
            axis.imshow(shown, interpolation="nearest")
            plain_axes(axis, title)
        frames.append(figure_to_array(figure))
    alt = (
        "The red channel, then the green one, then the blue one is added; with the third channel "
        "the picture is complete."
    )
    return Animation(np.stack(frames), alt, seconds_per_frame=1.5)


def animate_resolution(image: np.ndarray, sides: Sequence[int] = (4, 7, 14, 28, 56)) -> Animation:
    """Show one picture with more and more pixels.

    Args:
        image: `(H, W, 3)` uint8, values 0 to 255.
        sides: Height and width in pixels, one for each frame.

    Returns:
        One frame for each side, all drawn equally large.

    Raises:
        ValueError: There is no side.

    Example:
        >>> animate_resolution(np.zeros((28, 28, 3), dtype=np.uint8), (7, 14)).frames.shape[0]
        2
    """
    if not len(sides):
        raise ValueError("expected at least one side, got none: give pixels, such as (7, 14, 28)")
    frames = []
    for side in sides:
        figure, (axis,) = new_figure(width=2.8, height=2.9)
        axis.imshow(resize(image, side), interpolation="nearest")
        plain_axes(axis, f"{side} × {side} pixels")
        frames.append(figure_to_array(figure))
    alt = (
        f"A picture with more and more pixels, in {len(sides)} steps from {sides[0]}×{sides[0]} "
        f"to {sides[-1]}×{sides[-1]}."
    )
    return Animation(np.stack(frames), alt, seconds_per_frame=1.5)
