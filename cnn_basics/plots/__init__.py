"""Figures of the lessons: tensors in, `LessonFigure` (or `Animation`) out.

Nothing is computed here but what is drawn: every layer comes from `cnn_basics.by_hand`.
"""

from cnn_basics.plots.animations import animate_convolution, animate_pooling
from cnn_basics.plots.cells import draw_grid
from cnn_basics.plots.curves import plot_bars, plot_learning_curves, plot_lines
from cnn_basics.plots.grids import plot_grids, plot_window
from cnn_basics.plots.heat import draw_path, draw_surface, plot_heat
from cnn_basics.plots.histograms import plot_histograms
from cnn_basics.plots.matrices import animate_product, plot_broadcast, plot_product_shapes
from cnn_basics.plots.memory import (
    animate_reshape,
    plot_memory_order,
    plot_owners,
    plot_tensor,
    plot_views,
)
from cnn_basics.plots.networks import (
    GraphNode,
    animate_forward,
    plot_computation_graph,
    plot_network,
)
from cnn_basics.plots.overview import plot_blocks, plot_error_by_year
from cnn_basics.plots.pictures import (
    plot_feature_maps,
    plot_filtered,
    plot_kernels,
    plot_pictures,
)
from cnn_basics.plots.pixels import (
    animate_channels,
    animate_resolution,
    plot_channel_histograms,
    plot_patch,
)
from cnn_basics.plots.points import plot_points
from cnn_basics.plots.positions import plot_window_positions
from cnn_basics.plots.steps import animate_curve, animate_normalization
from cnn_basics.plots.unrolling import animate_im2col

__all__ = [
    "GraphNode",
    "animate_channels",
    "animate_convolution",
    "animate_curve",
    "animate_forward",
    "animate_im2col",
    "animate_normalization",
    "animate_pooling",
    "animate_product",
    "animate_reshape",
    "animate_resolution",
    "draw_grid",
    "draw_path",
    "draw_surface",
    "plot_bars",
    "plot_blocks",
    "plot_broadcast",
    "plot_channel_histograms",
    "plot_computation_graph",
    "plot_error_by_year",
    "plot_feature_maps",
    "plot_filtered",
    "plot_grids",
    "plot_heat",
    "plot_histograms",
    "plot_kernels",
    "plot_learning_curves",
    "plot_lines",
    "plot_memory_order",
    "plot_network",
    "plot_owners",
    "plot_patch",
    "plot_pictures",
    "plot_points",
    "plot_product_shapes",
    "plot_tensor",
    "plot_views",
    "plot_window",
    "plot_window_positions",
]
