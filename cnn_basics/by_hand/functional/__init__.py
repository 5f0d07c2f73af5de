"""Each layer's forward pass written out by hand, with the names of `torch.nn.functional`.

Every function takes the arguments of its PyTorch namesake, in the same order and with the same
defaults, gives the same values and gradients, and refuses what PyTorch refuses, saying why.
They are written to be read: for speed, use `torch.nn.functional`.
"""

from cnn_basics.by_hand.functional.convolution import conv2d, conv2d_loops, convolve_window
from cnn_basics.by_hand.functional.linear import fully_connected, relu
from cnn_basics.by_hand.functional.normalization import batch_norm
from cnn_basics.by_hand.functional.pooling import avg_pool2d, max_pool2d
from cnn_basics.by_hand.functional.sizes import output_size
from cnn_basics.by_hand.functional.windows import pad, windows

__all__ = [
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "conv2d_loops",
    "convolve_window",
    "fully_connected",
    "max_pool2d",
    "output_size",
    "pad",
    "relu",
    "windows",
]
