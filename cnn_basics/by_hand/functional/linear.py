"""The fully connected layer and the rectifier."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional._checks import check_alike, check_float, check_vector


def fully_connected(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """Apply a fully connected layer, as `torch.nn.functional.linear` does.

    Every output is a weighted sum of *all* inputs, plus the output's own bias:
    `y = x Wᵀ + b`.

    Args:
        x: `(..., in_features)`, float32 or float64, often `(N, in_features)`.
        weight: `(out_features, in_features)`, one row for each output.
        bias: `(out_features,)`, broadcast to every row of the result, or None.

    Returns:
        `(..., out_features)`.

    Raises:
        ValueError: When the shapes do not fit together.
        TypeError: When dtypes differ or are not float32 or float64.

    Example:
        >>> x = torch.tensor([[1.0, 2.0, 3.0]])
        >>> weight = torch.tensor([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
        >>> fully_connected(x, weight, bias=torch.tensor([0.0, 10.0]))
        tensor([[ 1., 16.]])

    Source:
        Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating
        errors", equation 1.
    """
    check_float(x)
    check_alike(x, weight, "weight")
    check_alike(x, bias, "bias")
    if weight.ndim != 2:
        raise ValueError(
            f"expected weight as (out_features, in_features), got {tuple(weight.shape)}: "
            "give one row for each output"
        )
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"expected x as (..., {weight.shape[1]}) for weight {tuple(weight.shape)}, "
            f"got {tuple(x.shape)}: flatten x with x.flatten(1), or transpose weight with weight.T"
        )
    check_vector(bias, weight.shape[0], "bias")
    y = x @ weight.T  # (..., in) times (in, out) gives (..., out)
    return y if bias is None else y + bias


def relu(x: torch.Tensor) -> torch.Tensor:
    """Replace every negative number by zero, as `torch.nn.functional.relu` does.

    Args:
        x: Any shape, any real dtype.

    Returns:
        `max(0, x)`, same shape and dtype; nan stays nan. Where `x` is 0 the gradient is 0.

    Raises:
        TypeError: When `x` is not a tensor of real numbers.

    Example:
        >>> relu(torch.tensor([-2.0, 0.0, 3.0]))
        tensor([0., 0., 3.])

    Source:
        Nair & Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".
    """
    if not isinstance(x, torch.Tensor) or x.dtype == torch.bool or x.is_complex():
        kind = x.dtype if isinstance(x, torch.Tensor) else type(x).__name__
        raise TypeError(f"expected a tensor of real numbers, got {kind}: convert it with .float()")
    return torch.where(x <= 0, torch.zeros_like(x), x)
