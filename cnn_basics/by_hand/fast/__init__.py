"""The convolution layer made fast by hand, and what tells why: counts, timings, the machine.

The rungs `conv2d_im2col`, `conv2d_shifts`, `conv2d_blocked` and `conv2d_fft` take the arguments
of `by_hand.conv2d`, refuse what it refuses, and give the same values. They differ in how the
same products are laid out in memory, or, with the Fourier transform, in how many there are.
"""

from cnn_basics.by_hand.fast.blocked import conv2d_blocked
from cnn_basics.by_hand.fast.costs import Cost, conv2d_cost, fft_multiply_adds, im2col_cost
from cnn_basics.by_hand.fast.fourier import conv2d_fft
from cnn_basics.by_hand.fast.ladder import RUNGS, ladder
from cnn_basics.by_hand.fast.machine import Machine, measure_machine
from cnn_basics.by_hand.fast.matrix import conv2d_im2col, conv2d_shifts, im2col
from cnn_basics.by_hand.fast.timing import ratios_to, time_side_by_side, use_threads

__all__ = [
    "RUNGS",
    "Cost",
    "Machine",
    "conv2d_blocked",
    "conv2d_cost",
    "conv2d_fft",
    "conv2d_im2col",
    "conv2d_shifts",
    "fft_multiply_adds",
    "im2col",
    "im2col_cost",
    "ladder",
    "measure_machine",
    "ratios_to",
    "time_side_by_side",
    "use_threads",
]
