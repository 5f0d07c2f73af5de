"""Explanations by gradients: which pixels, and which places of a layer, move a score."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.explain.checks import Target, check_pictures, choose_scores
from cnn_basics.model.untouched import untouched


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
        ValueError: if a shape does not fit, or there is no such class.

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
    check_pictures(x)
    pixels = x.detach().clone().requires_grad_()
    with untouched(model), torch.enable_grad():
        score = choose_scores(model(pixels), target).sum()
        (gradient,) = torch.autograd.grad(score, pixels)  # (N, C, H, W)
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
        TypeError: if `x` or `target` is of the wrong kind.
        ValueError: if a shape does not fit, there is no such class or layer, or the layer has no
            maps.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> grad_cam(Custom_CNN(), torch.zeros(2, 3, 28, 28), target=1, layer="conv2").shape
        torch.Size([2, 14, 14])

    Source:
        Selvaraju and others (2017), "Grad-CAM", equations 1 and 2,
        https://arxiv.org/abs/1610.02391
    """
    check_pictures(x)
    kept = {}

    def keep(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        kept["maps"] = output
        return output.clone()  # goes on instead: what comes next may change it in place

    handle = find_layer(model, layer).register_forward_hook(keep)
    try:
        with untouched(model), torch.enable_grad():
            score = choose_scores(model(x.detach().requires_grad_()), target).sum()
            maps = check_maps(kept.get("maps"), layer)  # (N, channels, height, width)
            (gradient,) = torch.autograd.grad(score, maps)
    finally:
        handle.remove()
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (N, channels, 1, 1)
    heat = (weights * maps.detach()).sum(dim=1)
    return F.relu(heat) if relu else heat


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
    if heat.ndim != 3:
        raise ValueError(
            f"expected heat-maps as (N, height, width), got {tuple(heat.shape)}: "
            "add the axis of the pictures with heat[None]"
        )
    return F.interpolate(heat[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def find_layer(model: nn.Module, layer: str) -> nn.Module:
    """Find a layer by its name in the network.

    Raises:
        ValueError: if there is none of that name.
    """
    layers = dict(model.named_modules())
    if layer not in layers or not layer:
        known = ", ".join(name for name in layers if name)
        raise ValueError(
            f"expected the name of a layer ({known}), got {layer!r}: name one of these"
        )
    return layers[layer]


def check_maps(maps: object, layer: str) -> Tensor:
    """Refuse what is not a batch of feature maps.

    Raises:
        ValueError: if the layer did not run, or gave something else.
    """
    if not isinstance(maps, Tensor) or maps.ndim != 4:
        got = "nothing: it did not run" if maps is None else type(maps).__name__
        got = f"shape {tuple(maps.shape)}" if isinstance(maps, Tensor) else got
        raise ValueError(
            f"expected a layer that gives maps (N, channels, height, width), got {got} from "
            f"`{layer}`: name a convolution or a pooling layer"
        )
    return maps
