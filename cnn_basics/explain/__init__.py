"""What a network sees: why it gives an answer, how good such explanations are, and its layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from cnn_basics.datasets import BUNDLED, SPLITS
from cnn_basics.expect import expect, whole
from cnn_basics.explain.layers import (  # noqa: F401 - names for users
    check_maps,
    check_pictures,
    feature_maps,
    receptive_field_by_gradient,
)
from cnn_basics.model import refuse_unready, untouched

Target = int | Tensor
Fill = float | Tensor
NAMES = ("cat", "dog")  # the index is the label
PLACES = ("meadow", "sofa")
PARTS = ("ears", "eyes", "nose", "muzzle", "mouth", "whiskers", "head", "body", "tail")
TELLING = ("ears", "muzzle", "eyes", "whiskers")  # what a cat and a dog of one seed differ in
SIDE = 28  # of the stored pictures and masks, in pixels
AT_ONCE = 64  # covered pictures that run through the network together
BAR = {"desc": "occlusion", "unit": "picture", "leave": False, "delay": 10}  # in seconds


def saliency(model: nn.Module, x: Tensor, target: Target) -> Tensor:
    """Ask of every pixel how much the score of a class moves when the pixel does.

    Args:
        model: a network that gives scores (N, K); it is left as it was.
        x: (N, C, H, W), float, the pictures as the network takes them.
        target: the class that is explained: one for all pictures, or (N,) int64.

    Returns:
        (N, H, W): the size of the score's gradient, that of the channel with the largest.

    Raises:
        TypeError, ValueError: if an argument does not fit, or no gradient gets through.

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, -2, 3, 0], [0, 0, 0, 1]]))
        >>> saliency(model, torch.zeros(1, 1, 2, 2), target=0).tolist()
        [[[1.0, 2.0], [3.0, 0.0]]]

    Source:
        Simonyan, Vedaldi & Zisserman (2013), section 3, https://arxiv.org/abs/1312.6034
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

    `model`, `x` and `target` are those of `saliency`; `layer` is the name of one with maps, such
    as `conv2`. `relu` sets places that speak against the class to 0. Returns (N, height, width),
    as large as the maps; see `enlarge`.
    Source: Selvaraju and others (2017), equations 1 and 2, https://arxiv.org/abs/1610.02391

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> grad_cam(Custom_CNN(), torch.zeros(2, 3, 28, 28), target=1, layer="conv2").shape
        torch.Size([2, 14, 14])
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
    refuse_unready(model, script=True)
    frozen = any(weight.is_inference() for weight in model.parameters())
    made, fix = "a network made outside torch.inference_mode", "make or load it outside"
    expect(not frozen, made, "one made inside", fix)
    with torch.inference_mode(False), untouched(model), torch.enable_grad():
        yield


def _copy(x: Tensor) -> Tensor:
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
    refuse_unready(model)
    layers = [name for name, _ in model.named_modules() if name]
    what = f"the name of a layer ({', '.join(layers)})"
    expect(layer in layers, what, repr(layer), "name one of these")
    return model.get_submodule(layer)


def choose_scores(scores: Tensor, target: Target, of: Tensor | None = None) -> Tensor:
    """Pick those of one class for each picture, (N,) from scores (N, K), or `of` (N, …, K)."""
    classes = _check_scores(scores).shape[1]
    if not isinstance(target, Tensor):
        target = torch.tensor(whole(target, "target", 0, "write for example target=0"))
    integers = target.dtype in (torch.int64, torch.int32)
    expect(integers, "target of int64", target, "write target.long()", TypeError)
    one_each = f"one target for each of {len(scores)} pictures"
    fits = target.shape in ((), scores.shape[:1])
    expect(fits, one_each, target, "give one class, or these")
    wrong = target[(target < 0) | (target >= classes)].flatten().tolist()
    fix = "give the number of a class of this network"
    expect(not wrong, f"target from 0 to {classes - 1}", wrong and wrong[0], fix)
    pictures = torch.arange(len(scores), device=scores.device)
    return (scores if of is None else of)[pictures, ..., target.long().to(scores.device)]


def _check_scores(scores: object) -> Tensor:
    table = isinstance(scores, Tensor) and scores.ndim == 2
    fix = "explain a network that ends with one score for each class"
    expect(table, "a network that gives scores (N, K)", scores, fix)
    return scores


def enlarge(heat: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring heat-maps (N, height, width) to the `size` (rows, columns) of the pictures, linearly.

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
    return (torch.arange(length) >= starts) & (torch.arange(length) < starts + size)


def covered_scores(model: nn.Module, x: Tensor, size: int, stride: int, fill: Fill = 0.0) -> Tensor:
    """Cover a square of each picture, place after place: all scores, (N, rows, columns, K)."""
    from tqdm import tqdm  # not its widgets, which would stay in the kernel though nothing is shown

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
    with untouched(model), tqdm(total=count * len(places), **BAR) as bar:
        one = _check_scores(model(x[:1].clone()))  # knows the number of classes
        scores = one.new_empty(count, len(places), one.shape[1])  # parts kept would break up memory
        for picture, row in zip(x, scores, strict=True):
            for part, these in zip(places.split(AT_ONCE), row.split(AT_ONCE), strict=True):
                hidden = rows[part[:, 0], None, :, None] & columns[part[:, 1], None, None, :]
                these.copy_(model(torch.where(hidden, filling.reshape(-1, 1, 1), picture)))
                bar.update(len(part))
    return scores.view(count, len(rows), len(columns), one.shape[1])


def occlusion(
    model: nn.Module, x: Tensor, target: Target, size: int, stride: int, fill: Fill = 0.0
) -> Tensor:
    """Say of every pixel by how much the score falls, on average, when a square covers it.

    `model`, `x` and `target` are those of `saliency`. The square has `size` rows and columns, and
    moves by `stride` pixels, at most `size`; the last may reach over the edge. `fill` is one
    number, or (C,). Returns (N, H, W): below 0 where the score rises.
    Source: Zeiler & Fergus (2014), section 4.2, https://arxiv.org/abs/1311.2901

    Example:
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
        >>> _ = model[1].weight.data.copy_(torch.tensor([[1.0, 2, 3, 4], [0, 0, 0, 0]]))
        >>> occlusion(model, torch.ones(1, 1, 2, 2), target=0, size=1, stride=1).tolist()
        [[[1.0, 2.0], [3.0, 4.0]]]
    """
    scores = covered_scores(model, x, size, stride, fill)  # (N, rows, columns, K)
    with untouched(model):
        answers = torch.cat([model(part.clone()) for part in x.split(AT_ONCE)])
    whole_scores = choose_scores(answers, target)[:, None, None]
    drops = whole_scores - choose_scores(answers, target, scores)  # (N, rows, columns)
    rows, columns = (_squares(n, size, stride).to(drops) for n in x.shape[2:])
    total = torch.einsum("nrc,rh,cw->nhw", drops, rows, columns)
    return total / torch.outer(rows.sum(dim=0), columns.sum(dim=0))


def heat_share(heat: Tensor, mask: Tensor) -> Tensor:
    """Say which share of the positive `heat` (N, H, W) lies on a `mask` of bools: (N,), 0 to 1.

    NaN where a picture has no positive heat at all.
    Source: Wang and others (2020), "Score-CAM", section 4.3, https://arxiv.org/abs/1910.01279

    Example:
        >>> heat = torch.tensor([[[3.0, 1.0, -5.0, 0.0]]])
        >>> heat_share(heat, torch.tensor([[[True, False, True, False]]]))
        tensor([0.7500])
    """
    _check_mask(mask, heat)
    positive = heat.clamp(min=0)
    return (positive * mask).sum(dim=(1, 2)) / positive.sum(dim=(1, 2))


def pointing_game(heat: Tensor, mask: Tensor) -> Tensor:
    """Say of each picture whether the hottest pixel of (N, H, W) lies on a mask of bools: (N,).

    The first of several hottest pixels counts, and none that is not above 0.
    Source: Zhang and others (2018), section 4.1, https://arxiv.org/abs/1608.00507

    Example:
        >>> heat = torch.tensor([[[3.0, 1.0], [0.0, 2.0]]])
        >>> pointing_game(heat, torch.tensor([[[False, True], [False, True]]]))
        tensor([False])
    """
    _check_mask(mask, heat)
    hottest = heat.flatten(1).argmax(dim=1, keepdim=True)  # (N, 1)
    hit = mask.flatten(1).gather(1, hottest)
    return (hit & (heat.flatten(1).gather(1, hottest) > 0))[:, 0]


def _check_mask(mask: Tensor, heat: Tensor) -> None:
    what = "a mask (N, H, W) of bool"
    expect(mask.dtype == torch.bool, what, mask, "write mask > 0", TypeError)
    expect(mask.ndim == 3, what, mask, "add the axis with mask[None]")
    fix = f"write enlarge(heat, {tuple(mask.shape[1:])})"
    expect(heat.shape == mask.shape, f"heat of the mask's shape {tuple(mask.shape)}", heat, fix)


def load_masks(split: str, indices: Iterable[int] | None = None) -> dict[str, Tensor]:
    """Load masks (N, 28, 28) bool of the pictures that `datasets.load_pets(split)` loads.

    They are `PARTS`; `animal`, all of these; `background`; and `telling`, the parts that tell cats
    from dogs. `indices` are places in the data set (all cats first), None for all.

    Raises:
        ValueError: if there is no such split, or no picture of that index.

    Example:
        >>> masks = load_masks("test_set", indices=[0, 300])
        >>> masks["ears"].shape, bool((masks["telling"] <= masks["animal"]).all())
        (torch.Size([2, 28, 28]), True)
    """
    fix = "use one of these words"
    expect(split in SPLITS, "split 'training_set' or 'test_set'", repr(split), fix)
    masks = {part: _read_sheet(f"parts/{split}.{part}.png") for part in PARTS}
    count = len(masks["ears"])
    chosen = list(range(count) if indices is None else map(int, indices))
    wrong = [index for index in chosen if not 0 <= index < count]
    what = f"indices from 0 to {count - 1} for {split}"
    expect(not wrong, what, wrong and wrong[0], "give places in the data set")
    masks = {part: mask[chosen] for part, mask in masks.items()}
    masks["animal"] = torch.stack(list(masks.values())).any(dim=0)
    masks["background"] = ~masks["animal"]
    masks["telling"] = torch.stack([masks[part] for part in TELLING]).any(dim=0)
    return masks


def _read_sheet(name: str) -> Tensor:
    """Read pictures (N, 28, 28, 3) or masks (N, 28, 28), stored one below the other in data/."""
    path = BUNDLED.parent / name
    fix = "restore data/ from the repository"
    expect(path.is_file(), "pictures drawn for this lesson", f"no file {path}", fix)
    with Image.open(path) as sheet:
        pixels = np.array(sheet)
    return torch.from_numpy(pixels).view(-1, SIDE, SIDE, *pixels.shape[2:])


def draw_trap(
    split: str, backdrops: Mapping[str, str], count: int
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Load the bundled pets with every cat in front of one background, every dog of another.

    Args:
        split: `"training_set"` or `"test_set"`: no animal is in both.
        backdrops: `{"cat": "meadow", "dog": "sofa"}`, or the other way round for a test.
        count: how many of each species: up to 150 of the training set, 40 of the test set.

    Returns:
        Pictures (2 × count, 3, 28, 28) uint8, all cats first; labels, 0 for cats and 1 for dogs;
        and the masks, as `load_masks` gives them.

    Raises:
        ValueError: if a name is unknown or missing, or there are not so many pictures.

    Example:
        >>> pictures, labels, masks = draw_trap("test_set", {"cat": "meadow", "dog": "sofa"}, 2)
        >>> pictures.shape, labels.tolist(), masks["animal"].shape
        (torch.Size([4, 3, 28, 28]), [0, 0, 1, 1], torch.Size([4, 28, 28]))

    Source:
        The experiment's idea: Lapuschkin and others (2019), https://arxiv.org/abs/1902.10178
    """
    what = "a background 'meadow' or 'sofa' for 'cat' and 'dog'"
    fits = set(backdrops) == set(NAMES) and set(backdrops.values()) <= set(PLACES)
    fix = "write for example {'cat': 'meadow', 'dog': 'sofa'}"
    expect(fits, what, f"{dict(backdrops)}", fix)
    all_masks, count = load_masks(split), whole(count, "count", 1)
    sheets = [_read_sheet(f"clever-hans/{split}.{one}.{backdrops[one]}.png") for one in NAMES]
    what = f"a count from 1 to {len(sheets[0])} for {split}"
    expect(count <= len(sheets[0]), what, count, "there are no more pictures")
    pictures = torch.cat([sheet[:count] for sheet in sheets]).permute(0, 3, 1, 2).contiguous()
    labels = torch.arange(len(NAMES)).repeat_interleave(count)
    chosen = labels * (len(all_masks["animal"]) // 2) + torch.arange(count).repeat(len(NAMES))
    return pictures, labels, {part: mask[chosen] for part, mask in all_masks.items()}
