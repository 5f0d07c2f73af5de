"""A picture with a square over it, and what each place of the square comes to."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import Rectangle

from cnn_basics.figures import BLACK, DIVERGING, LessonFigure, new_figure, plain_axes


def plot_covered(
    picture: np.ndarray,
    leads: np.ndarray,
    corner: tuple[int, int],
    size: int,
    colour: str,
    alt: str,
) -> LessonFigure:
    """Show a covered picture, and the lead of its class for each place of the square.

    Args:
        picture: `(H, W, 3)` float, values 0 to 1.
        leads: `(rows, columns)`, for each place of the square the score of the true class minus
            the best other score.
        corner: Row and column of the square's upper left pixel.
        size: Rows and columns of the square.
        colour: Of the square.
        alt: What the figure shows.

    Returns:
        The figure: the picture with the square, and the leads, with zero in the middle of the
        colours; a black line surrounds what is below zero.

    Example:
        >>> leads = np.full((3, 3), 5.0)
        >>> plot_covered(np.zeros((8, 8, 3)), leads, (2, 2), 4, "#808080", "A square.")
        <LessonFigure: A square.>
    """
    figure, (left, right) = new_figure(1, 2, height=2.6, alt=alt)
    left.imshow(picture)
    row, column = corner
    style = {"facecolor": colour, "edgecolor": BLACK, "linewidth": 2, "linestyle": "--"}
    left.add_patch(Rectangle((column - 0.5, row - 0.5), size, size, **style))
    plain_axes(left, "covered picture")
    high = float(np.abs(leads).max()) or 1.0
    image = right.imshow(leads, cmap=DIVERGING, vmin=-high, vmax=high)
    if leads.min() < 0 < leads.max():
        right.contour(leads, levels=[0], colors=BLACK, linewidths=2)
    plain_axes(right, "lead of its class, square here")
    figure.colorbar(image, ax=right, shrink=0.8)
    return figure


def colour_leads(leads: np.ndarray) -> np.ndarray:
    """Turn leads into a picture with zero in the middle of the colours.

    Args:
        leads: `(rows, columns)`.

    Returns:
        `(rows, columns, 3)` from 0 to 1.

    Example:
        >>> colour_leads(np.array([[-1.0, 0.0, 1.0]])).shape
        (1, 3, 3)
    """
    high = float(np.abs(leads).max()) or 1.0
    return colormaps[DIVERGING](0.5 + leads / (2 * high))[..., :3]
