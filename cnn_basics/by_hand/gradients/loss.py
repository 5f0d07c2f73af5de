"""The backward pass of the cross-entropy loss: what was said minus what is true."""

from __future__ import annotations

import torch

from cnn_basics.by_hand.functional._checks import check_float
from cnn_basics.by_hand.gradients._checks import check_shape

REDUCTIONS = ("mean", "sum", "none")


def cross_entropy_backward(
    grad_output: torch.Tensor,
    x: torch.Tensor,
    target: torch.Tensor,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Compute the gradient of `torch.nn.functional.cross_entropy` for the scores.

    For each picture it is the shares that softmax makes of the scores, minus the shares that
    would be right: 1 for the picture's class and 0 for the others.

    Args:
        grad_output: The gradient for the loss: one number without axes, 1 when the loss is the
            last step; `(N,)` with `reduction="none"`.
        x: `(N, K)`, the scores (logits) before any softmax, float32 or float64.
        target: `(N,)` int64, the class of each picture, 0 to K − 1.
        reduction: `"mean"`, `"sum"` or `"none"`, as in the forward pass.
        label_smoothing: Share of the truth that is spread evenly over all classes, 0 to 1.

    Returns:
        `(N, K)`, the gradient for `x`.

    Raises:
        ValueError: When shapes do not fit together, or an argument is out of range.
        TypeError: When dtypes are wrong.

    Example:
        >>> scores = torch.tensor([[1.0, 2.0, 1.0]]).log()  # shares 1/4, 1/2 and 1/4
        >>> cross_entropy_backward(torch.tensor(1.0), scores, torch.tensor([1]))
        tensor([[ 0.2500, -0.5000,  0.2500]])

    Source:
        Bridle (1990), "Probabilistic interpretation of feedforward classification network
        outputs"; Szegedy et al. (2016), "Rethinking the Inception architecture",
        https://arxiv.org/abs/1512.00567, section 7, for label smoothing.
    """
    _check_cross_entropy(x, target, reduction, label_smoothing)
    n, classes = x.shape
    check_shape(grad_output, x, (n,) if reduction == "none" else ())
    shares = torch.softmax(x, dim=1)
    truth = torch.zeros_like(x).scatter(1, target[:, None], 1.0)
    truth = (1 - label_smoothing) * truth + label_smoothing / classes
    gradient = (shares - truth) * grad_output.view(-1, 1)
    return gradient / n if reduction == "mean" else gradient


def _check_cross_entropy(
    x: torch.Tensor, target: torch.Tensor, reduction: str, label_smoothing: float
) -> None:
    """Refuse scores, classes and options that do not fit together."""
    check_float(x)
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(
            f"expected x as (N, K), one score for each class, got {tuple(x.shape)}: flatten it, "
            "or add the batch axis with x[None]"
        )
    if not isinstance(target, torch.Tensor) or target.dtype != torch.int64:
        kind = target.dtype if isinstance(target, torch.Tensor) else type(target).__name__
        raise TypeError(
            f"expected target as an int64 tensor of class numbers, got {kind}: convert it with "
            "torch.as_tensor(target).long()"
        )
    if target.shape != x.shape[:1]:
        raise ValueError(
            f"expected target of shape ({len(x)},), got {tuple(target.shape)}: give one class "
            "for each row of x"
        )
    if target.numel() and not 0 <= target.min() <= target.max() < x.shape[1]:
        raise ValueError(
            f"expected classes from 0 to {x.shape[1] - 1}, got {target.min()} to {target.max()}: "
            "number them from 0"
        )
    if reduction not in REDUCTIONS:
        raise ValueError(f"expected reduction in {REDUCTIONS}, got {reduction!r}: choose one")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"expected label_smoothing from 0 to 1, got {label_smoothing}: 0 leaves it out"
        )
