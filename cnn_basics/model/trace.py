"""Walks any network and tells the shape, the parameters and the cost of every step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cnn_basics.model.doctor import check_steps, diagnose
from cnn_basics.model.recorder import Recorder
from cnn_basics.model.row_maker import make_rows
from cnn_basics.model.rows import Shape, ShapeTrace
from cnn_basics.model.untouched import device_of, untouched


def trace_shapes(
    model: nn.Module,
    input_shape: Shape | Sequence[Shape],
    input_dtype: torch.dtype | None = None,
    check_batch: bool = True,
) -> ShapeTrace:
    """Run a network once on zeros and list every step, or name the step that fails and the fix.

    The steps are PyTorch's layers, one's own modules that hold no others, and the functions
    called between them. Multiply-adds are those of convolutions, matrix products and attention.
    The network runs in evaluation mode, on its own device, and is left as it was: training
    flags, batch-norm statistics, gradients, hooks and PyTorch's random state.

    Args:
        model: any network.
        input_shape: the shape of the input with its batch axis, such as (1, 3, 28, 28); for a
            network of several inputs, a tuple of shapes.
        input_dtype: the dtype of the input; that of the parameters if None. Give torch.int64
            for a network that starts with nn.Embedding.
        check_batch: whether to refuse a network that gives back another number of rows than
            pictures because a view or reshape mixed them. A batch of 1 hides some such
            mistakes, so it is then run a second time, as a batch of 2.

    Returns:
        A `ShapeTrace`: `.rows`, `.parameters`, `.multiply_adds`; prints as a table.

    Raises:
        ShapeError: if a step fails or mixes pictures; one sentence with its name, both numbers
            and the fix. It is a ValueError.
        TypeError: if `input_shape` is not made of whole numbers.
        ValueError: if a size is below 1, or if a layer is lazy and was never called.

    Example:
        >>> trace_shapes(nn.Conv2d(3, 8, kernel_size=5), (1, 3, 28, 28)).rows[0].output_shape
        (1, 8, 24, 24)
    """
    shapes = _check_shapes(input_shape)
    _check_initialised(model)
    recorder = _run(model, shapes, input_dtype, check_batch)
    if check_batch and all(shape[0] == 1 for shape in shapes):
        pairs = [(2, *shape[1:]) for shape in shapes]
        _run(model, pairs, input_dtype, check_batch, seen_with=" with a batch of 2")
    return ShapeTrace(tuple(make_rows(model, recorder.steps)))


def _run(
    model: nn.Module,
    shapes: list[Shape],
    dtype: torch.dtype | None,
    check_batch: bool,
    seen_with: str = "",
) -> Recorder:
    """Run the network on zeros of these shapes; raise ShapeError where it fails."""
    recorder = Recorder(model)
    with untouched(model):
        inputs = [_zeros(model, shape, dtype) for shape in shapes]
        try:
            with recorder.watching():
                model(*inputs)
        except Exception as error:
            diagnose(recorder, shapes, error, seen_with)
    check_steps(recorder, shapes, check_batch, seen_with)
    return recorder


def _zeros(model: nn.Module, shape: Shape, dtype: torch.dtype | None) -> Tensor:
    floats = (p.dtype for p in model.parameters() if p.is_floating_point())
    kind = dtype or next(floats, torch.get_default_dtype())
    return torch.zeros(shape, dtype=kind, device=device_of(model))


def _check_shapes(input_shape: Shape | Sequence[Shape]) -> list[Shape]:
    """Bring one shape or several to a list of shapes."""
    several = isinstance(input_shape, Sequence) and not any(
        isinstance(size, int) for size in input_shape
    )
    shapes = [tuple(shape) for shape in input_shape] if several else [input_shape]
    if not shapes:
        raise ValueError("expected a shape with its batch axis, got (): write (1, 3, 28, 28)")
    for shape in shapes:
        if not isinstance(shape, Sequence) or not all(type(size) is int for size in shape):
            raise TypeError(
                f"expected a shape of whole numbers, got {shape!r}: write (1, 3, 28, 28)"
            )
        if not shape or min(shape) < 1:
            raise ValueError(
                f"expected sizes of at least 1 with the batch axis first, got {tuple(shape)}: "
                "write (1, 3, 28, 28)"
            )
    return [tuple(shape) for shape in shapes]


def _check_initialised(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if any(nn.parameter.is_lazy(p) for p in module.parameters(recurse=False)):
            raise ValueError(
                f"expected a network with known sizes, got the lazy layer `{name or 'model'}` "
                f"({type(module).__name__}): call the network once on pictures first"
            )
