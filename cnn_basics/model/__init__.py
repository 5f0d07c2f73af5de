"""The networks of the lessons, and `trace_shapes`, which explains any network."""

from cnn_basics.model.case import ShapeError
from cnn_basics.model.custom_cnn import Custom_CNN
from cnn_basics.model.export import export_onnx
from cnn_basics.model.photo_net import PhotoNet
from cnn_basics.model.rows import ShapeTrace, TraceRow
from cnn_basics.model.trace import trace_shapes

__all__ = [
    "Custom_CNN",
    "PhotoNet",
    "ShapeError",
    "ShapeTrace",
    "TraceRow",
    "export_onnx",
    "trace_shapes",
]
