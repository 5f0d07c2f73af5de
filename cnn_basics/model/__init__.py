"""The networks of the lessons, and `trace_shapes`, which explains any network."""
# ruff: noqa: F401 - these are the names for users

from cnn_basics.model.doctor import ShapeError, trace_shapes
from cnn_basics.model.networks import Custom_CNN, PhotoNet, export_onnx
from cnn_basics.model.trace import (
    MultiplyAddCounter,
    Recorder,
    ShapeTrace,
    Step,
    TraceRow,
    device_of,
    function_name,
    refuse_unready,
    untouched,
)
