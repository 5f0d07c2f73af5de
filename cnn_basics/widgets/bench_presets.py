"""The networks that the architecture bench offers to start from."""

from __future__ import annotations

from typing import Any

from cnn_basics.widgets.bench_layers import new_layer

CUSTOM_CNN = "Custom_CNN"
LENET = "LeNet-5-like"
BROKEN = "Broken: three faults"


def _custom_cnn() -> list[dict[str, Any]]:
    """`cnn_basics.model.Custom_CNN`, layer by layer."""
    return [
        new_layer("Conv2d", out_channels=32, kernel_size=5, padding=2),
        new_layer("ReLU"),
        new_layer("MaxPool2d"),
        new_layer("Conv2d", out_channels=64, kernel_size=5, padding=2),
        new_layer("ReLU"),
        new_layer("MaxPool2d"),
        new_layer("Flatten"),
        new_layer("Linear", out_features=256),
        new_layer("ReLU"),
        new_layer("Linear", out_features=2),
    ]


def _lenet() -> list[dict[str, Any]]:
    """After LeCun et al. (1998), "Gradient-based learning applied to document recognition"."""
    return [
        new_layer("Conv2d", out_channels=6, kernel_size=5, padding=2),
        new_layer("ReLU"),
        new_layer("AvgPool2d"),
        new_layer("Conv2d", out_channels=16, kernel_size=5),
        new_layer("ReLU"),
        new_layer("AvgPool2d"),
        new_layer("Flatten"),
        new_layer("Linear", out_features=120),
        new_layer("ReLU"),
        new_layer("Linear", out_features=84),
        new_layer("ReLU"),
        new_layer("Linear", out_features=10),
    ]


def _broken() -> list[dict[str, Any]]:
    """`Custom_CNN` with wrong channels in conv2, without Flatten, with wrong features in fc2."""
    layers = _custom_cnn()
    layers[3]["in_channels"] = 16
    layers[7]["in_features"] = 3136
    layers[9]["in_features"] = 128
    return [layer for layer in layers if layer["kind"] != "Flatten"]


PRESETS = {CUSTOM_CNN: _custom_cnn(), LENET: _lenet(), BROKEN: _broken()}
