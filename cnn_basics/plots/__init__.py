"""Figures of the lessons: tensors in, `LessonFigure` (or `Animation`) out.

Nothing is computed here but what is drawn: every layer comes from `cnn_basics.by_hand`.
"""
# ruff: noqa: F401 - these are the names for users

from cnn_basics.plots.curves import plot_bars, plot_learning_curves, plot_lines
from cnn_basics.plots.drawings import plot_blocks, plot_window_positions
from cnn_basics.plots.grids import (
    Cell,
    align_grids,
    animate,
    animate_convolution,
    animate_pooling,
    clear,
    draw_grid,
    draw_sign,
    plot_grids,
    plot_window,
    window_cells,
    write_number,
)
from cnn_basics.plots.heat import draw_path, draw_surface, plot_heat
from cnn_basics.plots.networks import (
    GraphNode,
    animate_forward,
    plot_computation_graph,
    plot_network,
)
from cnn_basics.plots.pictures import (
    draw_histogram,
    plot_feature_maps,
    plot_filtered,
    plot_histograms,
    plot_pictures,
)
