"""Read a picture, take its colour channels apart and turn it into a tensor and back."""

from cnn_basics.images.reading import read_image, resize

__all__ = ["read_image", "resize"]
