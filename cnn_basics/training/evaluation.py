"""How well a network tells pictures that it was not trained with."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.model import device_of, untouched
from cnn_basics.training.checks import require_whole
from cnn_basics.training.data import Batches, Data, check_classes, check_data
from cnn_basics.training.devices import float_dtype


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What a network said about pictures.

    Attributes:
        loss: Mean cross-entropy.
        accuracy: Share told right, 0 to 1.
        scores: `(N, K)` float32 (float64 of a network in float64), before any softmax, on the CPU.
        labels: `(N,)` int64, on the CPU.

    Example:
        >>> scores, labels = torch.tensor([[2.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1])
        >>> result = Evaluation.of(scores, labels)
        >>> result.accuracy, result.worst(1), result.confusion().tolist()
        (0.5, tensor([1]), [[1, 0], [1, 0]])
    """

    loss: float
    accuracy: float
    scores: Tensor
    labels: Tensor

    @classmethod
    def of(cls, scores: Tensor, labels: Tensor) -> Evaluation:
        """Sum up scores `(N, K)` float and labels `(N,)` int64."""
        right = (scores.argmax(dim=1) == labels).double().mean().item()
        return cls(F.cross_entropy(scores, labels).item(), right, scores, labels)

    @property
    def predictions(self) -> Tensor:
        """The class with the highest score of each picture, `(N,)` int64."""
        return self.scores.argmax(dim=1)

    @property
    def probabilities(self) -> Tensor:
        """The softmax of the scores, `(N, K)`; each row sums to 1."""
        return self.scores.softmax(dim=1)

    @property
    def losses(self) -> Tensor:
        """The cross-entropy of each picture, `(N,)`."""
        return F.cross_entropy(self.scores, self.labels, reduction="none")

    def confusion(self) -> Tensor:
        """Count the answers: row i, column j is how many pictures of class i were told as j.

        Returns:
            `(K, K)` int64.
        """
        classes = self.scores.shape[1]
        cells = self.labels * classes + self.predictions
        return cells.bincount(minlength=classes**2).reshape(classes, classes)

    def worst(self, n: int = 10) -> Tensor:
        """Find the pictures with the highest loss.

        Args:
            n: How many, from 0.

        Returns:
            `(min(n, N),)` int64, their numbers, the highest loss first.

        Raises:
            ValueError: `n` is no whole number from 0.
        """
        require_whole("n", n, 0, "write worst(10)")
        return self.losses.argsort(descending=True, stable=True)[:n]

    def mistakes(self) -> Tensor:
        """Find the pictures told wrong.

        Returns:
            `(M,)` int64, their numbers, the highest loss first.
        """
        order = self.worst(len(self.labels))
        return order[self.predictions[order] != self.labels[order]]

    def __repr__(self) -> str:
        """Return loss and accuracy."""
        return f"<Evaluation: loss {self.loss:.4f}, accuracy {self.accuracy:.4f}>"


def evaluate(model: nn.Module, data: Data, batch_size: int = 256) -> Evaluation:
    """Let a network tell pictures apart, and compare with the labels.

    The network runs in evaluation mode, without gradients, on its own device, and is left as it
    was. Of several processes each may call this by itself; none waits for another.

    Args:
        model: Gives `(N, K)` scores for `(N, C, H, W)` pictures.
        data: Pictures `(N, C, H, W)`, uint8 or float, and labels `(N,)` int64.
        batch_size: How many pictures at once; changes only memory and time.

    Returns:
        An `Evaluation`: loss, accuracy, scores, labels, `confusion()` and `worst(n)`.

    Raises:
        TypeError: The data are no pair of tensors, or of other dtypes.
        ValueError: The data have other shapes, are empty, or have a label without a score.

    Example:
        >>> model = nn.Flatten()  # the two pixels are the scores
        >>> evaluate(model, (torch.tensor([[[[0.1, 0.9]]]]), torch.tensor([1]))).accuracy
        1.0
    """
    require_whole("batch_size", batch_size, 1, "write 64")
    batches = Batches.put(check_data(data), device_of(model), float_dtype(model))
    check_classes(model, batches)
    return score(model, batches, batch_size)


def score(model: nn.Module, batches: Batches, batch_size: int) -> Evaluation:
    """Do what `evaluate` does with data that were checked and are on the network's device."""
    with untouched(model):
        starts = range(0, len(batches), batch_size)
        scores = [model(batches.slice(start, start + batch_size)[0]) for start in starts]
    together = torch.cat(scores).cpu()
    whole = together if together.dtype == torch.float64 else together.float()
    return Evaluation.of(whole, batches.labels.cpu())
