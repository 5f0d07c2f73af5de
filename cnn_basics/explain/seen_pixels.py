"""How much of the picture one number of a layer sees, by asking autograd."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cnn_basics.by_hand import slide
from cnn_basics.explain.checks import check_pictures
from cnn_basics.explain.gradients import check_maps
from cnn_basics.explain.steps import OutputKeeper, refuse_unknown
from cnn_basics.explain.window_steps import as_pair
from cnn_basics.model.untouched import untouched


def receptive_field_by_gradient(
    model: nn.Module, x: Tensor, layer: str, row: int | None = None, column: int | None = None
) -> Tensor:
    """Ask autograd which pixels one number of a layer depends on, and by how many paths.

    A pixel counts if the number has a gradient with respect to it. So that no path is missed or
    cancelled, all weights are replaced by equal positive ones, the picture by ones, and the
    largest number of a pooling window by its mean.

    Args:
        model: a network of convolutions, pooling, activations and batch normalisation, with
            branches or without; it is left as it was.
        x: (N, C, H, W), any pictures that the network takes; their values do not matter.
        layer: the name of a step that gives maps, as `feature_maps` lists them.
        row: of the number in its map; None for the middle.
        column: of the number in its map; None for the middle.

    Returns:
        (H, W) float64: 0 where a pixel is not seen; else larger, the more paths there are.

    Raises:
        TypeError: if `x` is not a float tensor.
        ValueError: if the network has no such step, it gives no maps, or they have no such place.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, kernel_size=3))
        >>> seen = receptive_field_by_gradient(model, torch.zeros(1, 1, 4, 5), "0", 0, 1)
        >>> (seen > 0).int().tolist()
        [[0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]

    Source:
        Luo, Li, Urtasun & Zemel (2016), "Understanding the effective receptive field in deep
        convolutional neural networks", section 2, https://arxiv.org/abs/1701.04128
    """
    check_pictures(x)
    ones = torch.ones(1, *x.shape[1:], dtype=torch.float64, device=x.device, requires_grad=True)
    keeper = OutputKeeper(model)
    with untouched(model), torch.enable_grad(), _MeanForMax(), keeper.watching():
        torch.func.functional_call(model, _even_weights(model), (ones,))
    outputs = keeper.outputs(containers=True)
    refuse_unknown(layer, list(outputs))
    maps = check_maps(outputs[layer], layer)[0].sum(dim=0)  # (height, width)
    place = _choose_place(tuple(maps.shape), row, column)
    (gradient,) = torch.autograd.grad(maps[place], ones)
    return gradient[0].sum(dim=0)


class _MeanForMax(TorchFunctionMode):
    """Replaces max pooling, which lets the gradient of one number through, by the mean."""

    def __torch_function__(
        self, func: object, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        pools = (F.max_pool2d, F.max_pool2d_with_indices, torch.max_pool2d)
        function = _mean_pool2d if func in pools else func
        return function(*args, **(kwargs or {}))


def _mean_pool2d(x: Tensor, kernel_size: int, *args: object, **kwargs: object) -> Tensor:
    """Pool as F.max_pool2d does with the same arguments, but with the mean."""
    names = ("stride", "padding", "dilation", "ceil_mode", "return_indices")
    given = dict(zip(names, args, strict=False)) | kwargs | {"return_indices": False}
    size = F.max_pool2d(x, kernel_size, **given).shape[2:]
    kernel = as_pair(kernel_size)
    stride, padding = as_pair(given.get("stride") or kernel), as_pair(given.get("padding", 0))
    dilation = as_pair(given.get("dilation", 1))
    borders: list[int] = []
    for axis in (1, 0):  # F.pad takes the last axis first
        needed = (size[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1
        rest = max(0, needed - x.shape[2 + axis] - padding[axis])
        borders += [padding[axis], rest]
    views = slide(F.pad(x, borders), kernel, stride, dilation)
    return views[:, :, : size[0], : size[1]].mean(dim=(-2, -1))


def _even_weights(model: nn.Module) -> dict[str, Tensor]:
    """Weights that add up to 1 for each output, no biases, and statistics that change nothing."""
    even = {}
    for name, old in [*model.named_parameters(), *model.named_buffers()]:
        if not old.is_floating_point():
            continue
        new = torch.zeros_like(old, dtype=torch.float64)
        if old.ndim > 1:
            new += 1 / old[0].numel()
        elif name.rpartition(".")[2] in ("weight", "running_var"):
            new += 1
        even[name] = new
    return even


def _choose_place(size: tuple[int, int], row: int | None, column: int | None) -> tuple[int, int]:
    place = tuple(n // 2 if at is None else at for n, at in zip(size, (row, column), strict=True))
    if not all(0 <= at < n for n, at in zip(size, place, strict=True)):
        raise ValueError(
            f"expected a place on maps of {size[0]}×{size[1]} numbers, got {place}: "
            "give a row and a column that they have"
        )
    return place
