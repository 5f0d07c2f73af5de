"""Convolutional neural networks from the inside: the small package behind the lessons.

Nothing is imported here, so that `import cnn_basics` is quick: import the module you need,
for example `from cnn_basics.images import read_image`.
"""

__version__ = "0.1.0"
