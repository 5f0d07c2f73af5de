"""Each layer by hand, forward and backward, as in `torch.nn.functional`; and the update rules."""

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
