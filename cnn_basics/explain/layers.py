"""What each step of a network gives, and how much of the picture one of its numbers sees."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from cnn_basics.expect import describe, expect
from cnn_basics.model import Recorder, Step, function_name, untouched

POOLING = ("kernel_size", "stride", "padding", "dilation")  # what max_pool2d takes after x


def check_pictures(x: Tensor) -> None:
    """Refuse what is not a batch of pictures (N, C, H, W) of floats."""
    what = "pictures as a tensor (N, C, H, W) of floats"
    expect(isinstance(x, Tensor), what, x, "write torch.as_tensor(x)", TypeError)
    fix = "add the batch axis with x[None]" if x.ndim == 3 else "give all four axes"
    expect(x.ndim == 4, what, x, fix)
    expect(x.is_floating_point(), what, x, "write x.float() / 255", TypeError)


def check_maps(maps: object, layer: str) -> Tensor:
    """Refuse what is not a batch of feature maps."""
    got = "nothing: it did not run" if maps is None else describe(maps)
    what = "a layer that gives maps (N, channels, height, width)"
    found = isinstance(maps, Tensor) and maps.ndim == 4
    expect(found, what, f"{got} from `{layer}`", "name a convolution or a pooling layer")
    return maps


def feature_maps(
    model: nn.Module, x: Tensor, layers: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Keep what comes out of each step of a network, not only at its end.

    `layers` are the names of the steps that are wanted, None for all: as in `torch.fx` that of the
    layer (`conv1`) or the function (`relu`), numbered when called again (`relu_1`). Returns the
    outputs by name, in the order of the calls or of `layers`, cut off from autograd.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> maps = feature_maps(Custom_CNN(), torch.zeros(1, 3, 28, 28), ["conv1", "relu_1"])
        >>> {name: tuple(one.shape) for name, one in maps.items()}
        {'conv1': (1, 32, 28, 28), 'relu_1': (1, 64, 14, 14)}
    """
    check_pictures(x)
    kept: dict[str, Tensor] = {}

    def keep(step: Step, output: object) -> None:
        wanted = step.is_leaf if layers is None else step.name in layers
        if wanted and isinstance(output, Tensor):
            kept[step.name] = output.clone()  # a copy, as the next step may change it in place

    recorder = Recorder(model, keep)
    with untouched(model), recorder.watching():
        model(x.clone())
    for name in layers or ():
        _refuse_unknown(name, kept, recorder)
    return kept if layers is None else {name: kept[name] for name in layers}


def _refuse_unknown(name: str, found: dict[str, object], recorder: Recorder) -> None:
    known = ", ".join(step.name for step in recorder.steps if step.module is not recorder.root)
    expect(name in found, f"a step of the network ({known})", repr(name), "name one of these")


def receptive_field_by_gradient(
    model: nn.Module, x: Tensor, layer: str, row: int | None = None, column: int | None = None
) -> Tensor:
    """Ask autograd which pixels one number of a layer depends on, and by how many paths.

    So that no path is missed or cancelled, all weights are replaced by equal positive ones, the
    picture by ones, and the largest number of a pooling window by its mean. `model`, `x` and
    `layer` are as for `feature_maps`; the number in the middle is taken, unless told another.
    Returns (H, W) float64: 0 where a pixel is not seen; else larger, the more paths there are.
    Source: Luo, Li, Urtasun & Zemel (2016), section 2, https://arxiv.org/abs/1701.04128

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, kernel_size=3))
        >>> seen = receptive_field_by_gradient(model, torch.zeros(1, 1, 4, 5), "0", 0, 1)
        >>> (seen > 0).int().tolist()
        [[0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    check_pictures(x)
    ones = torch.ones(1, *x.shape[1:], dtype=torch.float64, device=x.device, requires_grad=True)
    kept: dict[str, object] = {}

    def keep(step: Step, output: object) -> None:
        kept.update({step.name: output} if step.name == layer else {})

    recorder, even = Recorder(model, keep), _even_weights(model)
    with untouched(model), torch.enable_grad(), _MeanForMax(), recorder.watching():
        torch.func.functional_call(model, even, (ones.clone(),))
    _refuse_unknown(layer, kept, recorder)
    maps = check_maps(kept[layer], layer)[0].sum(dim=0)  # (height, width)
    given = zip(maps.shape, (row, column), strict=True)
    place = tuple(size // 2 if at is None else at for size, at in given)
    inside = all(0 <= at < size for size, at in zip(maps.shape, place, strict=True))
    what = f"a place on maps of {maps.shape[0]}×{maps.shape[1]} numbers"
    expect(inside, what, f"{place}", "give a row and a column that they have")
    (gradient,) = torch.autograd.grad(maps[place], ones)
    return gradient[0].sum(dim=0)


class _MeanForMax(TorchFunctionMode):
    """Replaces max pooling, which lets the gradient of one number through, by the mean."""

    def __torch_function__(
        self, func: object, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        output, name = func(*args, **(kwargs or {})), function_name(func)
        if name != "max_pool2d":
            return output
        x, given = args[0], dict(zip(POOLING, args[1:], strict=False)) | (kwargs or {})
        kernel = given["kernel_size"]
        sides = (kernel, given.get("stride") or kernel)
        kernel, stride = (np.broadcast_to(side, 2).tolist() for side in sides)
        window = {"padding": given.get("padding", 0), "dilation": given.get("dilation", 1)}
        mean = x.new_full((x.shape[1], 1, *kernel), 1 / prod(kernel))
        wider = F.pad(x, (0, stride[1], 0, stride[0]))  # the last window may reach over
        means = F.conv2d(wider, mean, stride=stride, groups=x.shape[1], **window)
        if isinstance(output, tuple):  # with the places of the largest
            return means[:, :, : output[0].shape[2], : output[0].shape[3]], output[1]
        return means[:, :, : output.shape[2], : output.shape[3]]


def _even_weights(model: nn.Module) -> dict[str, Tensor]:
    """Weights that add up to 1 for each output, no biases, and statistics that change nothing."""
    even = {}
    for name, old in [*model.named_parameters(), *model.named_buffers()]:
        if old.is_floating_point():
            scale = name.rpartition(".")[2] in ("weight", "running_var")
            value = 1 / old[0].numel() if old.ndim > 1 else float(scale)
            even[name] = torch.full_like(old, value, dtype=torch.float64)
    return even
