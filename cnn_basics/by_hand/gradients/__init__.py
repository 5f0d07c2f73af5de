"""Each layer's backward pass written out by hand, and a check of gradients by numbers alone.

A backward pass gets `grad_output`, the gradient of one number (usually the loss) for each output
of the layer, and hands on the gradient for each of the layer's inputs. The other arguments are
those of the forward pass in `cnn_basics.by_hand.functional`. Everything is proved against PyTorch's
autograd, and written to be read.
"""

from cnn_basics.by_hand.gradients.check import GradientCheck, gradient_check
from cnn_basics.by_hand.gradients.convolution import (
    conv2d_backward,
    conv2d_grad_weight,
    conv2d_grad_x,
)
from cnn_basics.by_hand.gradients.linear import linear_backward, relu_backward
from cnn_basics.by_hand.gradients.loss import cross_entropy_backward
from cnn_basics.by_hand.gradients.normalization import batch_norm_backward
from cnn_basics.by_hand.gradients.pooling import avg_pool2d_backward, max_pool2d_backward
from cnn_basics.by_hand.gradients.windows import spread, windows_backward

__all__ = [
    "GradientCheck",
    "avg_pool2d_backward",
    "batch_norm_backward",
    "conv2d_backward",
    "conv2d_grad_weight",
    "conv2d_grad_x",
    "cross_entropy_backward",
    "gradient_check",
    "linear_backward",
    "max_pool2d_backward",
    "relu_backward",
    "spread",
    "windows_backward",
]
