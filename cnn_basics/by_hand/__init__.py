"""Each layer written out by hand, forward and backward, and the update rules: to be read.

Every layer takes the arguments of its namesake in `torch.nn.functional`, in the same order and
with the same defaults, gives the same values and gradients, and refuses what PyTorch refuses,
saying why. For speed, use `torch.nn.functional`; `cnn_basics.by_hand.fast` is on the way there.
"""

from cnn_basics.by_hand.descent import (
    RULES,
    SURFACES,
    Surface,
    Walk,
    adam_step,
    curvatures,
    momentum_step,
    sgd_step,
    walk,
)
from cnn_basics.by_hand.functional import (
    avg_pool2d,
    batch_norm,
    conv2d,
    conv2d_loops,
    convolve_window,
    fully_connected,
    max_pool2d,
    output_size,
    pad,
    relu,
    windows,
)
from cnn_basics.by_hand.functional.sizes import read_padding
from cnn_basics.by_hand.functional.windows import slide
from cnn_basics.by_hand.gradients import (
    GradientCheck,
    avg_pool2d_backward,
    batch_norm_backward,
    conv2d_backward,
    conv2d_grad_weight,
    conv2d_grad_x,
    cross_entropy_backward,
    gradient_check,
    linear_backward,
    max_pool2d_backward,
    relu_backward,
    spread,
    windows_backward,
)

__all__ = [
    "RULES",
    "SURFACES",
    "GradientCheck",
    "Surface",
    "Walk",
    "adam_step",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "conv2d",
    "conv2d_backward",
    "conv2d_grad_weight",
    "conv2d_grad_x",
    "conv2d_loops",
    "convolve_window",
    "cross_entropy_backward",
    "curvatures",
    "fully_connected",
    "gradient_check",
    "linear_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "momentum_step",
    "output_size",
    "pad",
    "read_padding",
    "relu",
    "relu_backward",
    "sgd_step",
    "slide",
    "spread",
    "walk",
    "windows",
    "windows_backward",
]
