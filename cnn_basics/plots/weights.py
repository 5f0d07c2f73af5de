"""What the weights of a fully connected layer look like, and how many they are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn_basics.figures import (
    BLUE,
    DIVERGING,
    ORANGE,
    VERMILION,
    LessonFigure,
    new_figure,
    plain_axes,
)


def plot_flattened(picture: torch.Tensor, row: int) -> LessonFigure:
    """Show a picture and the one row of numbers that it becomes.

    Args:
        picture: `(H, W)`, values 0 to 255.
        row: The row of pixels to outline in both.

    Returns:
        The picture, and its numbers side by side as one strip.

    Raises:
        ValueError: When `picture` is not `(H, W)` or has no such row.
    """
    if picture.ndim != 2 or not 0 <= row < picture.shape[0]:
        raise ValueError(
            f"expected a picture (H, W) with a row {row}, got {tuple(picture.shape)}: pick one "
            "channel, and a row inside it"
        )
    height, width = picture.shape
    first, last = row * width, row * width + width - 1
    alt = (
        f"A {height}×{width} picture, and its rows laid one after another as one strip of "
        f"{height * width} numbers; row {row} (outlined) fills positions {first} to {last}."
    )
    figure, (left, right) = new_figure(1, 2, height=2.0, alt=alt, width_ratios=[1, 3.2])
    left.imshow(picture.numpy(), cmap="gray", vmin=0, vmax=255)
    _outline(left, (-0.5, row - 0.5), (width, 1))
    plain_axes(left, f"picture ({height}, {width})")
    strip = picture.reshape(1, -1).numpy()
    right.imshow(strip, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
    _outline(right, (first - 0.5, -0.5), (width, 1))
    plain_axes(right, f"flattened ({height * width},)")
    right.set_ylim(1.8, -1.8)
    right.annotate(f"row {row}: positions {first} to {last}", (first, 0.6), va="top", fontsize=9)
    for position in (0, height * width - 1):
        right.annotate(str(position), (position, -0.6), ha="center", fontsize=9)
    return figure


def plot_weight_picture(picture: torch.Tensor, weight: torch.Tensor) -> LessonFigure:
    """Show a neuron's weighted sum as a picture times a picture of weights.

    Args:
        picture: `(H, W)`, values 0 to 255.
        weight: `(H, W)`, one weight for each pixel.

    Returns:
        Three pictures: the pixels, the weights and their products, with the sum below.
    """
    products = picture * weight
    total = _amount(products.sum().item())
    alt = (
        "A picture times a map of weights, pixel by pixel: the products are positive (red) where "
        f"the weight is positive, negative (blue) where it is negative; they add up to {total}."
    )
    figure, axes = new_figure(1, 3, height=2.6, alt=alt)
    axes[0].imshow(picture.numpy(), cmap="gray", vmin=0, vmax=255)
    for axis, values in zip(axes[1:], (weight, products), strict=True):
        high = values.abs().max().item() or 1.0
        image = axis.imshow(values.numpy(), cmap=DIVERGING, vmin=-high, vmax=high)
        figure.colorbar(image, ax=axis, shrink=0.7)
    for axis, title in zip(axes, ("picture", "× weights", "= products"), strict=True):
        plain_axes(axis, title)
    figure.supxlabel(f"sum of all products: {total.replace('-', '−')}", fontsize=11)
    return figure


def plot_weight_counts(
    sides: Sequence[int], counts: Sequence[int], constant: int | None = None
) -> LessonFigure:
    """Show how the number of weights grows with the side of a picture.

    Args:
        sides: Side of each square picture in pixels.
        counts: Weights and biases of a fully connected layer on each.
        constant: Weights and biases of a convolution layer, the same for every side.

    Returns:
        Bars on a logarithmic axis, each with its number; a dashed line for `constant`.
    """
    alt = (
        "Bars on a logarithmic axis: the weights of a fully connected layer grow fourfold whenever "
        "the picture's side doubles"
    )
    alt += "; a dashed line far below, a convolution layer, stays level." if constant else "."
    figure, (axes,) = new_figure(height=3.2, alt=alt)
    bars = axes.bar([f"{side}×{side}×3" for side in sides], counts, color=BLUE, width=0.6)
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=2, fontsize=9)
    axes.set_yscale("log")
    axes.set_ylim(1e3, max(counts) * 5)
    axes.set(xlabel="picture", ylabel="weights and biases")
    axes.spines[["top", "right"]].set_visible(False)
    if constant:
        axes.axhline(constant, color=ORANGE, linestyle="--", linewidth=2)
        axes.set_xlim(-0.6, len(sides) + 0.25)
        note = f"convolution\n3×3 kernels:\n{constant:,}"
        axes.text(len(sides) - 0.6, constant * 1.25, note, va="bottom", fontsize=9)
    return figure


def _amount(number: float) -> str:
    """Write a whole number with its thousands apart, any other with two decimals."""
    return f"{number:,.0f}" if number == round(number) else f"{number:,.2f}"


def _outline(axes: Axes, corner: tuple[float, float], size: tuple[float, float]) -> None:
    """Draw a thick frame around a part of a picture."""
    patch = Rectangle(corner, *size, fill=False, edgecolor=VERMILION, linewidth=2, clip_on=False)
    axes.add_patch(patch)
