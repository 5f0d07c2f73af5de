"""Things to move: each a thin view over `by_hand`, `model` and `plots`.

What must answer the pointer at once runs in the page (`FrontEndWidget`); what sliders and
figures can do is drawn by the kernel (`RedrawnFigure`).
"""
# ruff: noqa: F401 - these are the names for users

from cnn_basics.widgets.activations import activation_playground
from cnn_basics.widgets.bench import architecture_bench
from cnn_basics.widgets.board import training_board
from cnn_basics.widgets.channels import channel_mixer
from cnn_basics.widgets.connections import connections_explorer
from cnn_basics.widgets.lens import convolution_lens
from cnn_basics.widgets.looking_inside import feature_map_browser, occlusion_explorer
from cnn_basics.widgets.loss_walk import loss_walk
from cnn_basics.widgets.paint import paint_or_upload
from cnn_basics.widgets.parts import FrontEndWidget, Slider
from cnn_basics.widgets.pooling import pooling_explorer
from cnn_basics.widgets.redrawn import RedrawnFigure
from cnn_basics.widgets.roofline import roofline_explorer
from cnn_basics.widgets.views import view_explorer
