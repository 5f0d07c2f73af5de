"""What a network sees: why it gives an answer, how good such explanations are, and its layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.expect import describe, expect, whole
from cnn_basics.explain.clever_hans import draw_trap
from cnn_basics.explain.layers import (
    ReceptiveField,
    check_maps,
    check_pictures,
    feature_maps,
    principal_components,
    receptive_field,
    receptive_field_by_gradient,
)
from cnn_basics.explain.part_masks import load_masks
from cnn_basics.model import untouched

__all__ = [
    "ReceptiveField",
    "area_share",
    "covered_scores",
    "draw_trap",
    "enlarge",
    "feature_maps",
    "grad_cam",
    "heat_share",
    "load_masks",
    "occlusion",
    "pointing_game",
    "principal_components",
    "receptive_field",
    "receptive_field_by_gradient",
    "saliency",
]

Target = int | Tensor
Fill = float | Tensor
AT_ONCE = 64  # covered pictures that run through the network together


def saliency(model: nn.Module, x: Tensor, target: Target) -> Tensor:
    """Ask of every pixel how much the score of a class moves when the pixel does.

    Args:
        model: a network that gives scores (N, K); it is left as it was.
        x: (N, C, H, W), the pictures as the network takes them.
        target: the class whose score is explained; one for all pictures, or (N,) int64.

    Returns:
        (N, H, W), 0 or more: the size of the score's gradient, that of the channel with the
        largest.

    Raises:
        TypeError: if `x` or `target` is of the wrong kind.
        ValueError: if a shape does not fit, there is no such class, or no gradient gets through.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, -2, 3, 0], [0, 0, 0, 1]]))
        >>> saliency(model, torch.zeros(1, 1, 2, 2), target=0)
        tensor([[[1., 2.],
                 [3., 0.]]])

    Source:
        Simonyan, Vedaldi & Zisserman (2013), "Deep inside convolutional networks", section 3,
        https://arxiv.org/abs/1312.6034
    """
    with _with_gradients(model):
        pixels = _copy(x)
        score = choose_scores(model(pixels.clone()), target).sum()
        gradient = _gradient(score, pixels, "the pixels")  # (N, C, H, W)
    return gradient.abs().amax(dim=1)


def grad_cam(
    model: nn.Module, x: Tensor, target: Target, layer: str, *, relu: bool = True
) -> Tensor:
    """Add up a layer's feature maps, each weighted by how much the score depends on it.

    Args:
        model: a network that gives scores (N, K); it is left as it was.
        x: (N, C, H, W), the pictures as the network takes them.
        target: the class whose score is explained; one for all pictures, or (N,) int64.
        layer: the name of a layer with maps (N, channels, height, width), such as `conv2`.
        relu: whether places that speak against the class are set to 0.

    Returns:
        (N, height, width), as large as the layer's maps; see `enlarge`.

    Raises:
        TypeError: if `x`, `target` or `layer` is of the wrong kind.
        ValueError: if a shape does not fit, there is no such class or layer, or the layer has no
            maps, or the score does not depend on them.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> grad_cam(Custom_CNN(), torch.zeros(2, 3, 28, 28), target=1, layer="conv2").shape
        torch.Size([2, 14, 14])

    Source:
        Selvaraju and others (2017), "Grad-CAM", equations 1 and 2,
        https://arxiv.org/abs/1610.02391
    """
    kept = {}

    def keep(module: nn.Module, inputs: tuple, output: object) -> object:
        kept["maps"] = output
        return output.clone() if isinstance(output, Tensor) else output  # next may be in place

    handle = _find_layer(model, layer).register_forward_hook(keep)
    try:
        with _with_gradients(model):
            score = choose_scores(model(_copy(x).clone()), target).sum()
            maps = check_maps(kept.get("maps"), layer)  # (N, channels, height, width)
            gradient = _gradient(score, maps, f"the maps of `{layer}`")
    finally:
        handle.remove()
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, channels, 1, 1)
    heat = (weights * maps.detach()).sum(dim=1)
    return F.relu(heat) if relu else heat


@contextmanager
def _with_gradients(model: nn.Module) -> Iterator[None]:
    """Gradients flow, wherever this is called, and the network is left as it was."""
    with torch.inference_mode(False), untouched(model), torch.enable_grad():
        yield


def _copy(x: Tensor) -> Tensor:
    """The pictures, checked, as a copy that has gradients."""
    check_pictures(x)
    return x.detach().clone().requires_grad_()


def _gradient(score: Tensor, of: Tensor, name: str) -> Tensor:
    gradient = None
    if score.requires_grad and of.requires_grad:
        (gradient,) = torch.autograd.grad(score, of, allow_unused=True)
    fix = "explain with a part that the score uses, and that does not run under torch.no_grad"
    expect(gradient is not None, f"a score with a gradient for {name}", "none", fix)
    return gradient


def _find_layer(model: nn.Module, layer: str) -> nn.Module:
    layers = {name: module for name, module in model.named_modules() if name}
    what, got = f"the name of a layer ({', '.join(layers)})", repr(layer)
    expect(isinstance(layer, str), what, got, "name one of these", TypeError)
    expect(layer in layers, what, got, "name one of these")
    return layers[layer]


def read_scores(scores: object) -> Tensor:
    """Refuse what is no table of scores (N, K)."""
    got = tuple(scores.shape) if isinstance(scores, Tensor) else describe(scores)
    fix = "explain a network that ends with one score for each class"
    table = isinstance(scores, Tensor) and scores.ndim == 2
    expect(table, "a network that gives scores (N, K)", f"{got}", fix)
    return scores


def read_target(scores: Tensor, target: Target) -> Tensor:
    """Read which class is explained for each picture, as (N,) int64."""
    count, classes = read_scores(scores).shape
    what = f"target as a class from 0 to {classes - 1}, or one for each of {count} pictures"
    fix = "give the number of a class of this network"
    if not isinstance(target, Tensor):
        target = torch.tensor(whole(target, what, 0, "write for example target=0"))
    whole_numbers = target.dtype in (torch.int64, torch.int32)
    expect(whole_numbers, what, target, "write target.long()", TypeError)
    expect(target.shape in ((), (count,)), what, target, f"give one class, or ({count},) of them")
    wrong = target[(target < 0) | (target >= classes)]
    expect(not len(wrong), what, int(wrong[0]) if len(wrong) else "", fix)
    return target.long().to(scores.device).expand(count)


def choose_scores(scores: Tensor, target: Target) -> Tensor:
    """Pick the score of one class for each picture, (N,)."""
    return scores.gather(1, read_target(scores, target)[:, None])[:, 0]


def enlarge(heat: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring heat-maps to the size of the pictures, linearly between the centres of cells.

    Args:
        heat: (N, height, width), float.
        size: rows and columns of the pictures.

    Returns:
        (N, rows, columns).

    Raises:
        ValueError: if `heat` has not three axes.

    Example:
        >>> enlarge(torch.tensor([[[0.0, 4.0]]]), (1, 4)).tolist()
        [[[0.0, 1.0, 3.0, 4.0]]]
    """
    fix = "add the axis of the pictures with heat[None]"
    expect(heat.ndim == 3, "heat-maps as (N, height, width)", heat, fix)
    return F.interpolate(heat[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def _squares(length: int, size: int, stride: int) -> Tensor:
    """(places, length) bool: what a square covers along one side, at each of its places."""
    starts = torch.arange(-(-(length - size) // stride) + 1)[:, None] * stride
    pixels = torch.arange(length)
    return (pixels >= starts) & (pixels < starts + size)


def covered_scores(model: nn.Module, x: Tensor, size: int, stride: int, fill: Fill = 0.0) -> Tensor:
    """Cover a square of each picture, place after place: all scores, (N, rows, columns, K).

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]))
        >>> covered_scores(model, torch.ones(1, 1, 2, 2), size=1, stride=1)[0, :, :, 0].tolist()
        [[9.0, 8.0], [7.0, 6.0]]
    """
    check_pictures(x)
    count, channels, height, width = x.shape
    square = f"a square inside {height}×{width} pixels, with a stride of at most its size"
    size, stride = whole(size, "size", 1), whole(stride, "stride", 1)
    fits = size <= min(height, width) and stride <= size
    expect(fits, square, f"size {size} and stride {stride}", "choose a smaller one")
    filling = torch.as_tensor(fill, dtype=x.dtype, device=x.device)
    one_each = filling.shape in ((), (channels,))
    expect(one_each, f"fill as one number or ({channels},)", filling, "give one for each channel")
    rows, columns = (_squares(n, size, stride).to(x.device) for n in (height, width))
    places = torch.cartesian_prod(torch.arange(len(rows)), torch.arange(len(columns)))
    with untouched(model):
        scores = [read_scores(model(x[:1].clone()))[:0]]  # for the number of classes
        for picture in x:
            for part in places.split(AT_ONCE):  # (n, 2)
                hidden = rows[part[:, 0], None, :, None] & columns[part[:, 1], None, None, :]
                scores.append(model(torch.where(hidden, filling.reshape(-1, 1, 1), picture)))
    return torch.cat(scores).view(count, len(rows), len(columns), -1)


def occlusion(
    model: nn.Module, x: Tensor, target: Target, size: int, stride: int, fill: Fill = 0.0
) -> Tensor:
    """Say of every pixel by how much the score falls, on average, when a square covers it.

    Args:
        model: a network that gives scores (N, K); it is left as it was.
        x: (N, C, H, W), the pictures as the network takes them.
        target: the class whose score is explained; one for all pictures, or (N,) int64.
        size: rows and columns of the square.
        stride: pixels from one place to the next, at most `size`; the last square of a row or
            column may reach over the edge.
        fill: what the square is filled with: one number, or (C,), one for each channel.

    Returns:
        (N, H, W): above 0 where the score falls, below 0 where it rises.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a shape or a number does not fit.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]))
        >>> occlusion(model, torch.ones(1, 1, 2, 2), target=0, size=1, stride=1).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]

    Source:
        Zeiler & Fergus (2014), "Visualizing and understanding convolutional networks",
        section 4.2, https://arxiv.org/abs/1311.2901
    """
    scores = covered_scores(model, x, size, stride, fill)  # (N, rows, columns, K)
    with untouched(model):
        answers = model(x.clone())
    classes = read_target(answers, target)
    chosen = classes[:, None, None, None].expand(*scores.shape[:3], 1)
    drops = choose_scores(answers, target)[:, None, None] - scores.gather(3, chosen)[..., 0]
    rows, columns = (_squares(n, size, stride).to(drops) for n in x.shape[2:])
    total = torch.einsum("nrc,rh,cw->nhw", drops, rows, columns)
    return total / torch.outer(rows.sum(dim=0), columns.sum(dim=0))


def heat_share(heat: Tensor, mask: Tensor) -> Tensor:
    """Say which share of the positive heat lies on a mask.

    Args:
        heat: (N, H, W), float; what is below 0 does not count.
        mask: (N, H, W) bool.

    Returns:
        (N,), 0 to 1; NaN where a picture has no positive heat at all.

    Raises:
        ValueError: if the shapes differ.
        TypeError: if the mask is not bool.

    Example:
        >>> heat = torch.tensor([[[3.0, 1.0, -5.0, 0.0]]])
        >>> heat_share(heat, torch.tensor([[[True, False, True, False]]]))
        tensor([0.7500])

    Source:
        Wang and others (2020), "Score-CAM", section 4.3 ("energy-based pointing game"),
        https://arxiv.org/abs/1910.01279
    """
    _check_mask(mask, heat)
    positive = heat.clamp(min=0)
    return (positive * mask).sum(dim=(1, 2)) / positive.sum(dim=(1, 2))


def pointing_game(heat: Tensor, mask: Tensor) -> Tensor:
    """Say of each picture whether its hottest pixel lies on a mask.

    Args:
        heat: (N, H, W), float.
        mask: (N, H, W) bool.

    Returns:
        (N,) bool; of several hottest pixels, the first in reading order counts. Where nothing is
        above 0 there is no hit.

    Raises:
        ValueError: if the shapes differ.
        TypeError: if the mask is not bool.

    Example:
        >>> heat = torch.tensor([[[3.0, 1.0], [0.0, 2.0]]])
        >>> pointing_game(heat, torch.tensor([[[False, True], [False, True]]]))
        tensor([False])

    Source:
        Zhang, Bargal, Lin, Brandt, Shen & Sclaroff (2018), "Top-down neural attention by
        excitation backprop", section 4.1, https://arxiv.org/abs/1608.00507
    """
    _check_mask(mask, heat)
    hottest = heat.flatten(1).argmax(dim=1, keepdim=True)  # (N, 1)
    hit = mask.flatten(1).gather(1, hottest)
    return (hit & (heat.flatten(1).gather(1, hottest) > 0))[:, 0]


def area_share(mask: Tensor) -> Tensor:
    """Say which share of each picture a mask covers: what both scores come to by chance.

    Args:
        mask: (N, H, W) bool.

    Returns:
        (N,) float32, 0 to 1: the share of heat that is spread out evenly, and how often a
        random pixel hits.

    Raises:
        TypeError: if the mask is not bool.
        ValueError: if it has not three axes.

    Example:
        >>> area_share(torch.tensor([[[True, False, False, False]]]))
        tensor([0.2500])
    """
    _check_mask(mask)
    return mask.float().mean(dim=(1, 2))


def _check_mask(mask: Tensor, heat: Tensor | None = None) -> None:
    """Refuse what is no mask, and heat that is not of its shape."""
    what = "a mask (N, H, W) of bool"
    expect(mask.dtype == torch.bool, what, mask, "write mask > 0", TypeError)
    expect(mask.ndim == 3, what, mask, "add the axis with mask[None]")
    fits = heat is None or heat.shape == mask.shape
    fix = f"write enlarge(heat, ({mask.shape[1]}, {mask.shape[2]}))"
    expect(fits, f"heat of the mask's shape {tuple(mask.shape)}", heat, fix)
