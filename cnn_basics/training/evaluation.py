"""Pictures and labels as `fit` wants them, and how well a network tells pictures apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.datasets import Photos
from cnn_basics.expect import describe, expect, whole
from cnn_basics.model import device_of, untouched
from cnn_basics.training.machine import release_memory

Data = tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Sequence[str]] | Photos


def prepare(pictures: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Turn pictures into what a network reads: whole numbers 0…255 become floats 0…1.

    Call it before you give pictures to a trained network yourself, as `fit` and `evaluate` do.

    Args:
        pictures: `(N, C, H, W)` uint8, or float, which is taken as it is.
        dtype: Of the result.

    Example:
        >>> prepare(torch.tensor([[[[0, 255]]]], dtype=torch.uint8))
        tensor([[[[0., 1.]]]])
    """
    if pictures.dtype == torch.uint8:
        return pictures.to(dtype).div_(255)
    what, got = "pictures as uint8 from 0 to 255, or as floats", f"{pictures.dtype}"
    fix = "write pictures.to(torch.uint8), or pictures.float() / 255"
    expect(pictures.is_floating_point(), what, got, fix, TypeError)
    return pictures.to(dtype)


def check_data(data: Data, name: str = "data") -> tuple[Tensor, Tensor]:
    """Return the pictures and the labels, or say in one sentence what is wrong with them."""
    parts = tuple(data) if isinstance(data, tuple | list | Photos) else ()
    right = len(parts) in (2, 3) and all(isinstance(part, Tensor) for part in parts[:2])
    got = f"{describe(data)} of {', '.join(map(describe, parts))}" if parts else data
    fix = f'write {name}=(pictures, labels), or {name}=load_pets("training_set")'
    expect(right, f"{name} as a pair of tensors (pictures, labels)", got, fix, TypeError)
    pictures, labels = parts[:2]
    fix = "write .unsqueeze(1) for grey pictures, .unsqueeze(0) for a single one"
    right, what = pictures.ndim == 4 and pictures.numel(), f"the pictures of {name} as (N, C, H, W)"
    expect(right, f"{what}, N at least 1", pictures, fix)
    prepare(pictures[:1])  # refuses other dtypes
    if pictures.is_floating_point():
        bad = (~pictures.isfinite()).flatten(1).any(dim=1).nonzero().flatten().tolist()
        what, fix = f"finite numbers in the pictures of {name}", "look where they are divided by 0"
        expect(not bad, what, f"nan or inf in picture {min(bad, default=0)}", fix)
    right = labels.dtype == torch.int64 and labels.shape == pictures.shape[:1] and labels.min() >= 0
    what = f"the labels of {name} as int64 from 0, one for each of {len(pictures)} pictures"
    lowest = f" from {labels.min()}" if labels.numel() else ""
    fix = "number the classes 0, 1, 2, … and write labels.long()"
    expect(right, what, f"{describe(labels)}{lowest}", fix)
    return pictures, labels


class Batches:
    """Pictures `(N, C, H, W)` and labels `(N,)` that fit a network, on its device, to pick from."""

    def __init__(self, data: Data, model: nn.Module, name: str = "data") -> None:
        pictures, labels = check_data(data, name)
        self.pictures, self.labels = pictures.to(device_of(model)), labels.to(device_of(model))
        floats = (p.dtype for p in model.parameters() if p.is_floating_point())
        self.dtype, self.layout = next(floats, torch.float32), torch.contiguous_format
        with untouched(model):
            scores = model(self.first())
        count = int(labels.max()) + 1
        right = isinstance(scores, Tensor) and scores.ndim == 2 and len(scores) == 1
        what = f"a network with scores of shape (1, {count} or more) for one picture of {name}"
        fix = f"flatten with start_dim=1, and end as Custom_CNN(num_classes={count}) does"
        expect(right and scores.shape[1] >= count, what, scores, fix)

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return pictures, as floats, and labels; a copy, for a network may change what it gets."""
        if self.layout == torch.contiguous_format:
            pictures = self.pictures.index_select(0, chosen)
        else:  # at once with the channels last in memory
            rows = self.pictures.permute(0, 2, 3, 1).index_select(0, chosen)
            pictures = rows.permute(0, 3, 1, 2)
        return prepare(pictures, self.dtype), self.labels[chosen]

    def first(self) -> Tensor:
        """Return the first picture, `(1, C, H, W)` float."""
        return self.pick(torch.zeros(1, dtype=torch.int64, device=self.labels.device))[0]


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a network said about pictures; all tensors are on the CPU."""

    loss: float  # mean cross-entropy
    accuracy: float  # share told right, 0 to 1
    scores: Tensor  # (N, K) float32 (float64 of such a network), before any softmax
    labels: Tensor  # (N,) int64
    predictions: Tensor  # (N,) int64, the class with the highest score of each picture
    probabilities: Tensor  # (N, K), the softmax of the scores; each row sums to 1
    losses: Tensor  # (N,), the cross-entropy of each picture

    @classmethod
    def of(cls, scores: Tensor, labels: Tensor) -> Evaluation:
        """Sum up scores `(N, K)` float and labels `(N,)` int64."""
        said, losses = scores.argmax(dim=1), F.cross_entropy(scores, labels, reduction="none")
        loss, right = losses.mean().item(), (said == labels).double().mean().item()
        return cls(loss, right, scores, labels, said, scores.softmax(dim=1), losses)

    def confusion(self) -> Tensor:
        """Count the answers, `(K, K)` int64: in row i, column j the pictures of i told as j."""
        classes = self.scores.shape[1]
        cells = self.labels * classes + self.predictions
        return cells.bincount(minlength=classes**2).reshape(classes, classes)

    def worst(self, n: int = 10) -> Tensor:
        """Return the numbers of the `n` pictures with the highest loss, the highest first."""
        n = whole(n, "n", 0, "write worst(10)")
        return self.losses.argsort(descending=True, stable=True)[:n]

    def mistakes(self) -> Tensor:
        """Return the numbers of the pictures told wrong, the highest loss first."""
        order = self.worst(len(self.labels))
        return order[self.predictions[order] != self.labels[order]]

    def __repr__(self) -> str:
        return f"<Evaluation: loss {self.loss:.4f}, accuracy {self.accuracy:.4f}>"


def evaluate(
    model: nn.Module, data: Data, batch_size: int = 32, *, sizes: Sequence[int] = ()
) -> Evaluation:
    """Let a network, left as it was, tell pictures apart, and compare with the labels.

    Args:
        model: Gives `(N, K)` scores for `(N, C, H, W)` pictures.
        data: Pictures `(N, C, H, W)`, uint8 or float, and labels `(N,)` int64.
        batch_size: How many pictures at once; changes only memory and time.
        sizes: Sides of square views in pixels. Each picture is then shown in all of them, as it
            is and mirrored, and the shares (softmax) are averaged; scores are their logarithms.

    Returns:
        An `Evaluation`: loss, accuracy, scores, labels, `confusion()` and `worst(n)`.

    Example:
        >>> model = nn.Flatten()  # the two pixels are the scores
        >>> evaluate(model, (torch.tensor([[[[0.1, 0.9]]]]), torch.tensor([1]))).accuracy
        1.0
    """
    batch_size = whole(batch_size, "batch_size", 1)
    sizes = [whole(size, "each of sizes", 1, "write sizes=(64, 80)") for size in sizes]
    batches = data if isinstance(data, Batches) else Batches(data, model)
    order = torch.arange(len(batches), device=batches.labels.device).split(batch_size)
    with untouched(model):  # in evaluation mode, without gradients
        scores = torch.cat([_answer(model, batches.pick(chosen)[0], sizes) for chosen in order])
    exact = scores if scores.dtype == torch.float64 else scores.float()
    release_memory()
    return Evaluation.of(exact.cpu(), batches.labels.cpu())


def _answer(model: nn.Module, pictures: Tensor, sizes: Sequence[int]) -> Tensor:
    if not sizes:
        return model(pictures)
    shares = 0
    for view in (resize(pictures, size) for size in sizes):
        mirrored = view.flip(3)
        shares = shares + model(view).softmax(dim=1) + model(mirrored).softmax(dim=1)
    return (shares / (2 * len(sizes))).log()


def resize(pictures: Tensor, size: int) -> Tensor:
    """Bring pictures to a square of another size, without the false patterns of skipped pixels.

    Args:
        pictures: `(N, C, H, W)`, uint8 or float.
        size: Side of the square in pixels, from 1.

    Returns:
        New pictures `(N, C, size, size)` float; from 0 to 1 if they were uint8.
    """
    floats = pictures if pictures.is_floating_point() else prepare(pictures)
    return F.interpolate(floats, (size, size), mode="bilinear", antialias=True)


@dataclass(frozen=True, eq=False)
class Reliability:
    """Answers in B groups of similar confidence, which is the share of the winning class."""

    edges: Tensor  # (B + 1,) float32, where the groups begin and end
    counts: Tensor  # (B,) int64, how many answers are in each group
    confidence: Tensor  # (B,) float32, the mean confidence of the group; nan if it is empty
    accuracy: Tensor  # (B,) float32, the share of the group that is right; nan if it is empty
    error: float  # the mean distance of the two, each group weighted by its count


def reliability(probabilities: Tensor, labels: Tensor, bins: int = 5) -> Reliability:
    """Compare how sure a network is with how often it is right.

    Source: the expected calibration error, C. Guo et al. (2017), "On calibration of modern neural
    networks", equation 5, https://arxiv.org/abs/1706.04599

    Args:
        probabilities: `(N, K)` float, as in `Evaluation.probabilities`.
        labels: `(N,)` int64, each from 0 to K - 1.
        bins: Into how many groups of the same width confidence, from 1 / K to 1, is cut.

    Returns:
        A `Reliability`: `edges`, `counts`, `confidence`, `accuracy` and `error`.

    Example:
        >>> shares = torch.tensor([[0.95, 0.05], [0.85, 0.15], [0.25, 0.75]])
        >>> found = reliability(shares, torch.tensor([0, 0, 0]), bins=5)
        >>> found.counts.tolist(), round(found.error, 2)
        ([0, 0, 1, 1, 1], 0.32)
    """
    bins, shape = whole(bins, "bins", 1), tuple(probabilities.shape)
    fits = len(shape) == 2 and shape[0] > 0 and labels.shape == shape[:1]
    got, fix = f"{shape} and {tuple(labels.shape)}", "give one row for each label"
    expect(fits, "probabilities (N, K) and labels (N,), N at least 1", got, fix)
    low, high, of = labels.min().item(), labels.max().item(), labels.dtype
    what, fix = f"labels as int64 from 0 to {shape[1] - 1}", "number the columns, with .long()"
    right = low >= 0 and high < shape[1] and of == torch.int64
    expect(right, what, f"{of} from {low} to {high}", fix)
    fits = probabilities.min() >= 0 and ((probabilities.sum(dim=1) - 1).abs() < 1e-3).all()
    what, fix = "probabilities that sum to 1 in each row", "write scores.softmax(dim=1)"
    expect(fits, what, "rows that do not", fix)
    confidence, answer = probabilities.float().max(dim=1)
    edges = torch.linspace(1 / shape[1], 1, bins + 1)
    group = torch.bucketize(confidence, edges[1:-1])  # (N,), from 0 to bins - 1
    counts = group.bincount(minlength=bins)
    sure = torch.zeros(bins).index_add(0, group, confidence)
    right = torch.zeros(bins).index_add(0, group, (answer == labels).float())
    error = (sure - right).abs().sum().item() / len(labels)
    return Reliability(edges, counts, sure / counts, right / counts, error)
