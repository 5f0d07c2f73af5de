"""Figures of the lessons: tensors in, `LessonFigure` (or `Animation`) out.

Nothing is computed here but what is drawn: every layer comes from `cnn_basics.functional`.
"""

from cnn_basics.plots.animations import animate_convolution, animate_pooling
from cnn_basics.plots.grids import draw_grid, plot_grids, plot_window
from cnn_basics.plots.pictures import plot_feature_maps, plot_kernels, plot_pictures
from cnn_basics.plots.positions import plot_window_positions

__all__ = [
    "animate_convolution",
    "animate_pooling",
    "draw_grid",
    "plot_feature_maps",
    "plot_grids",
    "plot_kernels",
    "plot_pictures",
    "plot_window",
    "plot_window_positions",
]
