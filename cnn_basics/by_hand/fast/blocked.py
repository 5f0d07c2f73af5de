"""The last rung: im2col in blocks that stay in the processor's cache, channels last."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from cnn_basics.by_hand.fast.rung import Pair, rung
from cnn_basics.by_hand.functional.windows import slide

BLOCK_BYTES = 2**22  # of columns at a time: about what the caches of a few cores hold


@rung(torch.channels_last)
def conv2d_blocked(
    padded: torch.Tensor, weight: torch.Tensor, stride: Pair, dilation: Pair
) -> torch.Tensor:
    """Convolve with a matrix product for a few pictures, or a few rows of one, at a time.

    Three things make it faster than `conv2d_im2col`: the columns of a block are still in the
    cache when the product reads them; their memory is used again for the next block; and with
    channels last, neighbouring numbers of a window are neighbours in memory, so they are copied
    together. PyTorch shares out each copy and each product among its threads, which is worth it
    since a block is large. Arguments, result and errors are those of `by_hand.conv2d`.

    Raises:
        ValueError: Also when autograd is to follow: memory that is used again keeps no history.

    Example:
        >>> x = torch.arange(9.0).view(1, 1, 3, 3)
        >>> conv2d_blocked(x, torch.ones(1, 1, 2, 2)).tolist()
        [[[[8.0, 12.0], [20.0, 24.0]]]]

    Source:
        Goto & van de Geijn (2008), "Anatomy of high-performance matrix multiplication",
        section 4, for blocks that fit into the cache.
    """
    _refuse_gradients(padded, weight)
    seen = slide(padded, tuple(weight.shape[2:]), stride, dilation)
    seen = seen.permute(0, 2, 3, 4, 5, 1)  # (N, H_out, W_out, kh, kw, C)
    kernels = weight.permute(2, 3, 1, 0).reshape(-1, len(weight))  # (kh·kw·C, O)
    y = padded.new_empty(*seen.shape[:3], len(weight))  # (N, H_out, W_out, O)
    _multiply(seen, y, kernels)
    return y.permute(0, 3, 1, 2)


@torch.no_grad()
def _multiply(seen: torch.Tensor, y: torch.Tensor, kernels: torch.Tensor) -> None:
    """Fill `y` block by block: copy a block's windows into columns, and multiply them."""
    columns = None
    for block, part in _blocks(seen, y):
        columns = block.new_empty(block.shape) if columns is None else columns
        rows = columns[: len(block), : block.shape[1]].copy_(block)
        torch.mm(rows.view(-1, len(kernels)), kernels, out=part.view(-1, kernels.shape[1]))


def _blocks(seen: torch.Tensor, y: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Cut windows and the outputs they lead to into blocks, the largest one first.

    Yields:
        `(n, h, W_out, kh, kw, C)` and `(n, h, W_out, O)`: whole pictures, or rows of one.
    """
    height = seen.shape[1]
    rows = max(1, BLOCK_BYTES // (seen[0, 0].numel() * seen.element_size())) if len(seen) else 1
    pictures = max(1, rows // height)
    for some, out in zip(seen.split(pictures), y.split(pictures), strict=True):
        yield from zip(some.split(rows, dim=1), out.split(rows, dim=1), strict=True)


def _refuse_gradients(*tensors: torch.Tensor) -> None:
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        raise ValueError(
            "expected tensors that need no gradient, got requires_grad=True: call it inside of "
            "torch.no_grad(), or use conv2d_im2col"
        )
