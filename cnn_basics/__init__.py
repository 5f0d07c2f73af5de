"""Convolutional neural networks from the inside: the small package behind the lessons."""

__version__ = "0.1.0"
