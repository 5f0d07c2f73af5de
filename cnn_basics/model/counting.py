"""Counts multiply-adds while a network runs: a product added to a sum is one."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten


class MultiplyAddCounter(TorchDispatchMode):
    """Adds up the multiply-adds of convolutions, matrix products and attention.

    Element-wise steps (ReLU, pooling, normalisation, adding a bias) count as 0.

    Attributes:
        total: the multiply-adds so far.

    Example:
        >>> with MultiplyAddCounter() as counter:
        ...     _ = torch.zeros(2, 3) @ torch.zeros(3, 4)
        >>> counter.total
        24
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: tuple[type, ...],
        args: tuple = (),
        kwargs: dict | None = None,
    ) -> object:
        """Run one operation of PyTorch and add what it costs."""
        output = func(*args, **(kwargs or {}))
        if count := COUNTS.get(func.overloadpacket):
            self.total += count(output, *args)
        return output


def _convolution(output: Tensor, x: Tensor, weight: Tensor, *options: object) -> int:
    _bias, _stride, _padding, _dilation, transposed, *_ = options
    return (x if transposed else output).numel() * prod(weight.shape[1:])


def _matrix_product(output: Tensor, a: Tensor, b: Tensor) -> int:
    return output.numel() * a.shape[-1]


def _bias_and_product(output: Tensor, bias: Tensor, a: Tensor, b: Tensor) -> int:
    return output.numel() * a.shape[-1]


def _attention(output: tuple, query: Tensor, key: Tensor, value: Tensor, *rest: object) -> int:
    scores = prod(query.shape[:-1]) * key.shape[-2]
    return scores * (query.shape[-1] + value.shape[-1])


COUNTS: dict[object, Callable[..., int]] = {
    aten.convolution: _convolution,
    aten.mm: _matrix_product,
    aten.bmm: _matrix_product,
    aten.mv: _matrix_product,
    aten.dot: lambda output, a, b: a.numel(),
    aten.addmm: _bias_and_product,
    aten.addmv: _bias_and_product,
    aten.baddbmm: _bias_and_product,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention: _attention,
    aten._scaled_dot_product_efficient_attention: _attention,
    aten._scaled_dot_product_cudnn_attention: _attention,
}


def recurrent_multiply_adds(layer: nn.RNNBase, output: Tensor) -> int:
    """Count a recurrent layer, which PyTorch may run as one operation.

    Args:
        layer: an `nn.RNN`, `nn.LSTM` or `nn.GRU`.
        output: (L, N, D) or (N, L, D), what comes out at every time step.

    Returns:
        Each weight matrix is used once per time step and picture.
    """
    matrices = sum(weight.numel() for weight in layer.parameters() if weight.ndim == 2)
    return matrices * prod(output.shape[:-1])
