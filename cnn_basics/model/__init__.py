"""`Custom_CNN`, the network of the lessons."""

from cnn_basics.model.custom_cnn import Custom_CNN

__all__ = ["Custom_CNN"]
