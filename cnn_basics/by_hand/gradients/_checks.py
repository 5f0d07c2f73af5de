"""What every backward pass checks before it computes: that the gradient fits the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from cnn_basics.by_hand.functional._checks import check_alike, check_float


def check_gradient(
    grad_output: torch.Tensor,
    forward: Callable[..., torch.Tensor],
    x: torch.Tensor,
    others: Mapping[str, torch.Tensor | None],
    **options: object,
) -> None:
    """Refuse a gradient that does not fit the output of the forward pass.

    The forward pass is run on the device `meta`, where tensors have a shape and no numbers: it
    costs next to nothing, refuses arguments that do not fit together, and tells the output's
    shape.

    Args:
        grad_output: What should have the output's shape, and the dtype and device of `x`.
        forward: The layer's forward pass.
        x: Its first argument.
        others: Its further tensors by name, or None for one that is left out.
        options: Its further arguments.

    Raises:
        ValueError: When shapes or numbers do not fit together.
        TypeError: When dtypes differ or are not float32 or float64.
    """
    check_float(x)
    for name, tensor in others.items():
        check_alike(x, tensor, name)
    numberless = {name: t if t is None else t.detach().to("meta") for name, t in others.items()}
    output = forward(x.detach().to("meta"), **numberless, **options)
    check_shape(grad_output, x, tuple(output.shape))


def check_shape(grad_output: torch.Tensor, x: torch.Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a gradient of another shape, dtype or device than the output has.

    Raises:
        ValueError: When the shape or the device differs.
        TypeError: When the dtype differs, or `grad_output` is not a float tensor.
    """
    check_alike(x, grad_output, "grad_output")
    if not isinstance(grad_output, torch.Tensor) or tuple(grad_output.shape) != shape:
        got = tuple(grad_output.shape) if isinstance(grad_output, torch.Tensor) else grad_output
        raise ValueError(
            f"expected grad_output of the output's shape {shape}, got {got}: give the gradient "
            "for each output, and the arguments of the forward pass"
        )
