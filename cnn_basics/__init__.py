"""Convolutional neural networks from the inside: the small package behind the lessons.

Nothing else is imported here, so that `import cnn_basics` is quick: import the module you need,
for example `from cnn_basics.images import read_image`.
"""

import os

# Threads of PyTorch that wait for each other soon sleep, unless this is said otherwise before torch
# is imported: while they spin, two kernels that share the same cores are many times slower. But the
# few microseconds between two operations are too short to sleep.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")

__version__ = "0.1.0"
