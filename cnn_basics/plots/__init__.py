"""Figures of the lessons: tensors in, `LessonFigure` (or `Animation`) out."""
# ruff: noqa: F401 - these are the names for users

from cnn_basics.plots.curves import (
    draw_path,
    draw_surface,
    plot_bars,
    plot_learning_curves,
    plot_lines,
)
from cnn_basics.plots.grids import align_grids, animate, clear, draw_grid, draw_sign, plot_grids
from cnn_basics.plots.pictures import (
    draw_histogram,
    plot_blocks,
    plot_feature_maps,
    plot_heat,
    plot_histograms,
    plot_pictures,
)
from cnn_basics.plots.windows import animate_convolution, plot_window, plot_window_positions
