"""The convolution theorem: large kernels cost no more than small ones."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.fast.matrix import conv2d_im2col
from cnn_basics.by_hand.fast.rung import Pair, rung


@rung()
def conv2d_fft(
    padded: torch.Tensor, weight: torch.Tensor, stride: Pair, dilation: Pair
) -> torch.Tensor:
    """Convolve by way of the Fourier transform, where sliding becomes multiplying.

    Transform maps and kernels, multiply (frequency by frequency, adding over the channels), and
    transform back. The conjugate makes it a cross-correlation, which does not flip the kernel. The
    work hardly depends on the size of the kernel; a stride saves nothing, as all positions are
    computed and some are thrown away. Rows and columns of zeros, which change nothing, are added
    up to the next length that has only small factors, for which the transform is fast. Arguments,
    result and errors are those of `by_hand.conv2d`; in float32 the rounding errors are somewhat
    larger.

    Example:
        >>> x = torch.arange(9.0).view(1, 1, 3, 3)
        >>> conv2d_fft(x, torch.ones(1, 1, 2, 2)).round().tolist()
        [[[[8.0, 12.0], [20.0, 24.0]]]]

    Source:
        Mathieu, Henaff & LeCun (2014), "Fast training of convolutional networks through FFTs",
        https://arxiv.org/abs/1312.5851, section 2.
    """
    from scipy.fft import next_fast_len  # takes its time, and no other rung needs it

    if not len(padded):  # fast Fourier transforms refuse an empty batch
        return conv2d_im2col(padded, weight, stride=stride, dilation=dilation)
    height, width = padded.shape[2:]
    spread = _spread(weight, dilation)
    lengths = next_fast_len(height), next_fast_len(width, real=True)  # H, W
    frequencies = torch.fft.rfft2(padded, s=lengths)  # (N, C, H, W/2 + 1)
    kernels = torch.fft.rfft2(spread, s=lengths).conj()  # (O, C, H, W/2 + 1)
    products = torch.einsum("nchw,ochw->nohw", frequencies, kernels)
    y = torch.fft.irfft2(products, s=lengths)  # wraps around at the edges …
    last_row, last_column = height - spread.shape[2], width - spread.shape[3]
    return y[:, :, : last_row + 1 : stride[0], : last_column + 1 : stride[1]]  # … which go


def _spread(weight: torch.Tensor, dilation: Pair) -> torch.Tensor:
    """Put the zeros of dilation between the elements of kernels."""
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    spread = weight.new_zeros(*weight.shape[:2], *spans)
    spread[..., :: dilation[0], :: dilation[1]] = weight
    return spread
