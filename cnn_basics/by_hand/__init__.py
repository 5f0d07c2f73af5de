"""Each layer written out by hand, forward and backward, and the update rules: to be read.

Every layer takes the arguments of its namesake in `torch.nn.functional`, in the same order and
with the same defaults, gives the same values and gradients, and refuses what PyTorch refuses,
saying why. For speed, use `torch.nn.functional`; `cnn_basics.by_hand.fast` is on the way there.
"""

# ruff: noqa: F401

from cnn_basics.by_hand.backward import (
    avg_pool2d_backward,
    batch_norm_backward,
    conv2d_backward,
    conv2d_grad_weight,
    conv2d_grad_x,
    cross_entropy_backward,
    linear_backward,
    max_pool2d_backward,
    relu_backward,
    spread,
    windows_backward,
)
from cnn_basics.by_hand.check import GradientCheck, gradient_check
from cnn_basics.by_hand.layers import (
    avg_pool2d,
    batch_norm,
    conv2d,
    fully_connected,
    max_pool2d,
    output_size,
    pad,
    relu,
    windows,
)
from cnn_basics.by_hand.updates import (
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
