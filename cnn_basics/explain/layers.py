"""What each step of a network gives, and how much of the picture one of its numbers sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from cnn_basics.expect import describe, expect, whole
from cnn_basics.model import Recorder, Step, function_name, untouched

Pair = tuple[int, int]
# What the functions that look through windows call their arguments, from the second on.
WINDOWS = {
    "conv2d": ("weight", "bias", "stride", "padding", "dilation"),
    "max_pool2d": ("kernel_size", "stride", "padding", "dilation"),
    "avg_pool2d": ("kernel_size", "stride", "padding"),
    "pad": ("pad",),
}
NUMBER_BY_NUMBER = {
    "relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus",
    "hardtanh", "hardswish", "batch_norm", "dropout", "dropout2d", "add", "iadd", "radd", "sub",
    "isub", "rsub", "mul", "imul", "rmul", "div", "idiv", "truediv", "neg", "clamp", "abs", "cat",
    "clone", "contiguous", "detach", "to", "float", "double",
}  # fmt: skip


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


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels that a layer's numbers depend on; pairs are (vertical, horizontal)."""

    size: Pair = (1, 1)
    stride: Pair = (1, 1)  # pixels from the field of one number to that of the next
    start: Pair = (0, 0)  # the first pixel of the number at (0, 0); below 0 in the padding

    def pixels(self, row: int, column: int) -> tuple[Pair, Pair]:
        """The first row seen and the row after the last, then the columns; some may be padding."""
        each = zip(self.start, (row, column), self.stride, strict=True)
        top, left = (start + place * stride for start, place, stride in each)
        return (top, top + self.size[0]), (left, left + self.size[1])


def receptive_field(model: nn.Module, x: Tensor, layer: str) -> ReceptiveField:
    """Compute the receptive field of a layer from its windows and those of all layers before it.

    Args:
        model: a network of convolutions, pooling and steps that work number by number.
        x: (N, C, H, W), float, any pictures that the network takes; their values do not matter.
        layer: the name of a step, as `feature_maps` lists them.

    Raises:
        TypeError, ValueError: if `x` does not fit, there is no such step, or one before it looks
            in another way, as everything after flattening does.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> receptive_field(Custom_CNN(), torch.zeros(1, 3, 28, 28), "conv2")
        ReceptiveField(size=(14, 14), stride=(2, 2), start=(-6, -6))

    Source:
        Araujo, Norris & Sim (2019), https://distill.pub/2019/computing-receptive-fields
    """
    check_pictures(x)
    x, fields = x.clone(), {}
    follower = _Follower(x)
    recorder = Recorder(model, lambda step, output: fields.update({step.name: follower.of(output)}))
    with untouched(model), follower, recorder.watching():
        model(x)
    _refuse_unknown(layer, fields, recorder)
    got = f"`{layer}` behind `{fields[layer]}`"
    fix = "name an earlier layer, or use receptive_field_by_gradient"
    formula = isinstance(fields[layer], ReceptiveField)
    expect(formula, "a layer behind windows and number by number steps only", got, fix)
    return fields[layer]


class _Follower(TorchFunctionMode):
    """Follows the field from tensor to tensor; a text names the function that has no formula."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.known: dict[int, tuple[Tensor, ReceptiveField | str]] = {id(x): (x, ReceptiveField())}

    def of(self, output: object) -> ReceptiveField | str | None:
        """The field of what a step gave."""
        return self.known.get(id(output), (None, None))[1]

    def __torch_function__(
        self, func: object, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        """Run one function of PyTorch, and follow the field through it."""
        kwargs = kwargs or {}
        found = [f for leaf in tree_leaves((args, kwargs)) if (f := self.of(leaf)) is not None]
        output = func(*args, **kwargs)
        if found:
            field = _follow(function_name(func), args[1:], kwargs, found)
            tensors = (leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor))
            self.known.update({id(tensor): (tensor, field) for tensor in tensors})
        return output


def _follow(
    name: str, args: tuple, kwargs: dict, found: list[ReceptiveField | str]
) -> ReceptiveField | str:
    """The field of what a function gives, from the fields of what it is given."""
    culprit = next((one for one in found if isinstance(one, str)), None)
    known = name in NUMBER_BY_NUMBER or name in WINDOWS
    if culprit or not known or len({one.stride for one in found}) > 1:
        return culprit or name
    given = dict(zip(WINDOWS.get(name, ()), args, strict=False)) | kwargs
    window, axes = _read_window(name, given), []
    for a in range(2):
        kernel, stride, dilation, border = (each[a] for each in window)
        step, start = found[0].stride[a], min(one.start[a] for one in found)
        size = max(one.start[a] + one.size[a] for one in found) - start
        reach = size + dilation * (kernel - 1) * step
        axes.append((reach, step * stride, start - border * step))
    return ReceptiveField(*zip(*axes, strict=True))


def _read_window(name: str, given: dict[str, object]) -> tuple[Pair, Pair, Pair, Pair]:
    """Kernel, stride, dilation, and the rows above and columns at the left that padding adds."""
    if name == "pad":
        left, _, top, _ = (*given["pad"], 0, 0)[:4]
        return (1, 1), (1, 1), (1, 1), (top, left)
    if name not in WINDOWS:
        return (1, 1), (1, 1), (1, 1), (0, 0)
    is_conv = "weight" in given
    kernel = tuple(given["weight"].shape[2:]) if is_conv else _pair(given["kernel_size"])
    stride = _pair(given.get("stride") or (1 if is_conv else kernel))
    dilation, padding = _pair(given.get("dilation", 1)), given.get("padding", 0)
    if padding == "same":
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    return kernel, stride, dilation, _pair(0 if padding == "valid" else padding)


def _pair(value: int | Sequence[int]) -> Pair:
    return tuple(np.broadcast_to(value, 2).tolist())


def receptive_field_by_gradient(
    model: nn.Module, x: Tensor, layer: str, row: int | None = None, column: int | None = None
) -> Tensor:
    """Ask autograd which pixels one number of a layer depends on, and by how many paths.

    So that no path is missed or cancelled, all weights are replaced by equal positive ones, the
    picture by ones, and the largest number of a pooling window by its mean. `model`, `x` and
    `layer` are as for `receptive_field`; the number at the middle is taken, if not told another.
    Returns (H, W) float64: 0 where a pixel is not seen; else larger, the more paths there are.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, kernel_size=3))
        >>> seen = receptive_field_by_gradient(model, torch.zeros(1, 1, 4, 5), "0", 0, 1)
        >>> (seen > 0).int().tolist()
        [[0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]

    Source:
        Luo, Li, Urtasun & Zemel (2016), section 2, https://arxiv.org/abs/1701.04128
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
        x, given = args[0], dict(zip(WINDOWS[name], args[1:], strict=False)) | (kwargs or {})
        kernel, *window = _read_window(name, given)
        mean = x.new_full((x.shape[1], 1, *kernel), 1 / prod(kernel))
        wider = F.pad(x, (0, window[0][1], 0, window[0][0]))  # the last window may reach over
        means = F.conv2d(wider, mean, None, window[0], window[2], window[1], groups=x.shape[1])
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


def principal_components(rows: Tensor, count: int = 2) -> tuple[Tensor, Tensor]:
    """Look at rows of numbers (N, D) from the direction in which they differ most.

    Returns (N, count), the rows in new coordinates, widest spread first, each in the direction
    whose largest entry is positive; and (count,), the share of all variance of each.

    Example:
        >>> points, shares = principal_components(torch.tensor([[0.0, 0], [3, 4], [6, 8]]), 1)
        >>> points.round().flatten().tolist(), shares.round().tolist()
        ([-5.0, 0.0, 5.0], [1.0])

    Source:
        Jolliffe (2002), "Principal component analysis", section 3.5.
    """
    shape = f"{tuple(rows.shape)}"
    expect(rows.ndim == 2, "rows as (N, D)", shape, "write rows.flatten(1)")
    what = f"a count from 1 to {min(rows.shape)} for rows {shape}"
    fix = "give more rows, or keep less of them"
    expect(whole(count, "count", 1, fix) <= min(rows.shape), what, count, fix)
    centred = rows - rows.mean(dim=0)
    _, spread, axes = torch.linalg.svd(centred, full_matrices=False)  # axes: (min(N, D), D)
    variance, axes = spread.square(), axes[:count]
    expect(variance.sum() > 0, "rows that differ", "equal ones", "give other pictures")
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    return centred @ (axes * largest.sign()).T, variance[:count] / variance.sum()
