"""A picture with a square over it, and what each place of the square comes to."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import Rectangle

from cnn_basics.figures import BLACK, SEQUENTIAL, LessonFigure, new_figure, plain_axes


def plot_covered(
    picture: np.ndarray,
    shares: np.ndarray,
    corner: tuple[int, int],
    size: int,
    colour: str,
    alt: str,
) -> LessonFigure:
    """Show a covered picture, and the share of its class for each place of the square.

    Args:
        picture: `(H, W, 3)` float, values 0 to 1.
        shares: `(rows, columns)`, per cent, for each place of the square.
        corner: Row and column of the square's upper left pixel.
        size: Rows and columns of the square.
        colour: Of the square.
        alt: What the figure shows.

    Returns:
        The figure: the picture with the square, and the shares, dark for 0 % and bright for
        100 %.

    Example:
        >>> shares = np.full((3, 3), 50.0)
        >>> plot_covered(np.zeros((8, 8, 3)), shares, (2, 2), 4, "#808080", "A square.")
        <LessonFigure: A square.>
    """
    figure, (left, right) = new_figure(1, 2, height=2.6, alt=alt)
    left.imshow(picture)
    row, column = corner
    style = {"facecolor": colour, "edgecolor": BLACK, "linewidth": 2, "linestyle": "--"}
    left.add_patch(Rectangle((column - 0.5, row - 0.5), size, size, **style))
    plain_axes(left, "covered picture")
    image = right.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=100)
    plain_axes(right, "share of its class, square here")
    figure.colorbar(image, ax=right, shrink=0.8, format="%.0f %%")
    return figure
