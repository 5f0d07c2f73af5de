"""The numbers of a small grid as one shape, which is drawn many times as fast as texts."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath, text_to_path

from cnn_basics.plots.grids import write_number

_HEIGHT, _WIDTH = 0.42, 0.76  # of a cell, at most


def number_path(values: np.ndarray) -> Path:
    """Write each number in the middle of its cell, all as large as fits.

    Args:
        values: `(H, W)`; the cell in row i and column j has its middle at (x, y) = (j, i), with
            y downwards as in a picture. At most three digits are written, or one decimal.

    Returns:
        One path with all numbers, in the units of the cells.

    Example:
        >>> box = number_path(np.array([[7.0]])).get_extents()
        >>> bool(abs(box.x0) < 0.42 and abs(box.y0) < 0.3)
        True
    """
    words = [_word_path(write_short(float(number))) for number in values.flat]
    if not words:
        return Path(np.empty((0, 2)))
    widest = max(np.ptp(word.vertices[:, 0]) for word in words)
    scale = min(_HEIGHT, _WIDTH / widest)
    cells = [(column, row) for row, column in np.ndindex(values.shape)]
    vertices = [word.vertices * scale + cell for word, cell in zip(words, cells, strict=True)]
    return Path(np.concatenate(vertices), np.concatenate([word.codes for word in words]))


def write_short(number: float) -> str:
    """Write a number with two decimals at most, from 10 on with one, from 100 on with none.

    Example:
        >>> write_short(0.125), write_short(12.34), write_short(-123.4)
        ('0.12', '12.3', '−123')
    """
    decimals = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return write_number(round(number, decimals))


@lru_cache(maxsize=2000)
def _word_path(word: str) -> Path:
    """Return a word's outline around (0, 0), with y downwards and digits of height 1."""
    vertices, codes, x = [], [], 0.0
    for letter in word:
        outline, advance = _letter_path(letter)
        vertices.append(outline.vertices + np.array([x, 0]))
        codes.append(outline.codes)
        x += advance
    return Path(np.concatenate(vertices) - (x / 2, 0), np.concatenate(codes))


@lru_cache(maxsize=100)
def _letter_path(letter: str) -> tuple[Path, float]:
    """Return a letter's outline, its zero line through the middle of digits, and its width."""
    font = FontProperties()
    digit = TextPath((0, 0), "0", size=1, prop=font).get_extents()
    outline = TextPath((0, 0), letter, size=1, prop=font)
    points = font.get_size_in_points()
    width = text_to_path.get_text_width_height_descent(letter, font, False)[0] / points
    middle = (digit.y0 + digit.y1) / 2
    vertices = (outline.vertices - (0, middle)) * (1, -1) / digit.height
    return Path(vertices, outline.codes), width / digit.height
