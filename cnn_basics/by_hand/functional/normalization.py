"""Batch normalisation."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional._checks import check_alike, check_float, check_vector


def batch_norm(
    x: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Normalise each channel, as `torch.nn.functional.batch_norm` does.

    In training each channel is shifted and scaled to mean 0 and variance 1 *over the batch*,
    and the running statistics move a little towards the batch's (in place). In evaluation the
    running statistics are used and nothing is updated.

    Args:
        x: `(N, C)` or `(N, C, ...)`, float32 or float64.
        running_mean: `(C,)`, the running mean; in training both may be None.
        running_var: `(C,)`, the running unbiased variance; in training both may be None.
        weight: `(C,)`, the learned scale γ, or None for 1.
        bias: `(C,)`, the learned shift β, or None for 0.
        training: Use the batch's own statistics.
        momentum: Share of the batch in the running statistics, 0 to 1.
        eps: Added to the variance, so that a constant channel is not divided by 0; above 0 in
            training.

    Returns:
        The normalised `x`, same shape.

    Raises:
        ValueError: When shapes do not fit together, or training meets one value per channel.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> x = torch.tensor([[1.0, 10.0], [3.0, 10.0]])
        >>> batch_norm(x, None, None, training=True).round(decimals=3)
        tensor([[-1.,  0.],
                [ 1.,  0.]])

    Source:
        Ioffe & Szegedy (2015), "Batch normalization", https://arxiv.org/abs/1502.03167,
        algorithms 1 and 2.
    """
    per_channel = {
        "running_mean": running_mean,
        "running_var": running_var,
        "weight": weight,
        "bias": bias,
    }
    _check_batch_norm(x, per_channel, training, eps)
    if training:
        mean, variance = _batch_statistics(x, running_mean, running_var, momentum)
    else:
        mean, variance = running_mean, running_var
    shape = (1, -1) + (1,) * (x.ndim - 2)  # line the channels up with axis 1
    y = (x - mean.view(shape)) / torch.sqrt(variance.view(shape) + eps)
    y = y if weight is None else y * weight.view(shape)
    return y if bias is None else y + bias.view(shape)


def _batch_statistics(
    x: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    momentum: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute mean and biased variance of each channel, and move the running ones in place."""
    axes = [axis for axis in range(x.ndim) if axis != 1]
    mean = x.mean(dim=axes)
    variance = x.var(dim=axes, correction=0)
    with torch.no_grad():
        count = x.numel() // x.shape[1]
        if running_mean is not None:
            running_mean += momentum * (mean - running_mean)
        if running_var is not None:
            unbiased = variance * (count / (count - 1))
            running_var += momentum * (unbiased - running_var)
    return mean, variance


def _check_batch_norm(
    x: torch.Tensor, per_channel: dict[str, torch.Tensor | None], training: bool, eps: float
) -> None:
    """Refuse tensors that do not fit together, before any arithmetic."""
    check_float(x)
    if x.ndim < 2:
        raise ValueError(
            f"expected x as (N, C) or (N, C, ...), got {tuple(x.shape)}: add the missing axis"
        )
    for name, vector in per_channel.items():
        check_alike(x, vector, name)
        check_vector(vector, x.shape[1], name)
    if training and eps <= 0:
        raise ValueError(f"expected eps above 0, got {eps}: use a small number such as 1e-5")
    missing = [n for n in ("running_mean", "running_var") if per_channel[n] is None]
    if missing and (not training or len(missing) == 1):
        raise ValueError(
            f"expected both running_mean and running_var{' or neither' if training else ''}, "
            f"got None for {' and '.join(missing)}: give both, or use training=True with neither"
        )
    count = x.numel() // max(x.shape[1], 1)
    if training and count < 2:
        raise ValueError(
            f"expected more than 1 value per channel in training, got {count} in "
            f"{tuple(x.shape)}: use a larger batch or training=False"
        )
