"""Read a picture, take its colour channels apart, and turn it into a tensor and back."""

from cnn_basics.images.channels import show_rgb, split_channels
from cnn_basics.images.checks import check_picture, check_range
from cnn_basics.images.reading import read_image, resize
from cnn_basics.images.tensors import to_hwc, to_nchw

__all__ = [
    "check_picture",
    "check_range",
    "read_image",
    "resize",
    "show_rgb",
    "split_channels",
    "to_hwc",
    "to_nchw",
]
