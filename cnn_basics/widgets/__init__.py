"""Things to move: each a thin view over `functional`, `model` and `plots`.

What must answer the pointer at once runs in the page (`FrontEndWidget`); what sliders and
figures can do is drawn by the kernel (`RedrawnFigure`).
"""

from cnn_basics.widgets.controls import Slider
from cnn_basics.widgets.front_end import FrontEndWidget
from cnn_basics.widgets.redrawn import RedrawnFigure

__all__ = ["FrontEndWidget", "RedrawnFigure", "Slider"]
