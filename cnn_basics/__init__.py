"""Convolutional neural networks from the inside: the small package behind the lessons.

Nothing else is imported here, so that `import cnn_basics` is quick: import the module you need,
for example `from cnn_basics.images import read_image`.
"""

import os

# Threads of PyTorch that wait for each other sleep, unless this is said otherwise before torch is
# imported: while they spin, two kernels that share the same cores are many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
