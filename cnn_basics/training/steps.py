"""One step of a training: a batch forward, the loss back, the weights moved."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from cnn_basics.training.averaging import Average
from cnn_basics.training.data import Batches
from cnn_basics.training.devices import autocast
from cnn_basics.training.optimizing import set_rate
from cnn_basics.training.processes import Processes
from cnn_basics.training.settings import Settings


class Steps:
    """Makes steps with batches of the training pictures.

    Args:
        network: In the layout in which it is trained, wrapped by `processes`.
        batches: All training pictures.
        optimizer: Of the network's weights.
        settings: What `fit` was told.
        processes: Those that share each batch.
        average: Follows the weights, or None.
    """

    def __init__(
        self,
        network: nn.Module,
        batches: Batches,
        optimizer: Optimizer,
        settings: Settings,
        processes: Processes,
        average: Average | None = None,
    ) -> None:
        self._network, self._batches = network, batches
        self._optimizer, self._average = optimizer, average
        self._settings, self._processes = settings, processes

    def step(self, chosen: Tensor, learning_rate: float, seed: int) -> tuple[Tensor, Tensor]:
        """Make a step with pictures of these numbers.

        Each process computes its share; the mean of their gradients, weighted by how many
        pictures each had, is that of the whole batch.

        Args:
            chosen: `(B,)` int64, the numbers of the pictures in the batch.
            learning_rate: Of this step.
            seed: From which augmentation comes.

        Returns:
            The sum of the losses, and how many were told right; both 0-d tensors on the device.

        Raises:
            FloatingPointError: The loss is not finite; noticed before the weights are moved, but
                on the CPU only, and there by a single process.
        """
        pictures, labels, weight = self._share(chosen, seed)
        set_rate(self._optimizer, learning_rate)
        with autocast(self._settings.precision, self._processes.device):
            scores = self._network(pictures)
            smoothing = self._settings.label_smoothing
            loss = F.cross_entropy(scores, labels, label_smoothing=smoothing)
        looked = loss.device.type == "cpu" and self._processes.count == 1
        if looked and not loss.isfinite():
            raise FloatingPointError(loss.item())
        (loss if weight is None else loss * weight).backward()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        if self._average is not None:
            self._average.update()
        with torch.no_grad():
            hits = (scores.argmax(dim=1) == labels).sum()
            return self._sum_up(loss.detach(), hits, len(chosen), weight)

    def _sum_up(
        self, loss: Tensor, hits: Tensor, count: int, weight: float | None
    ) -> tuple[Tensor, Tensor]:
        """Add up the losses and what was told right, over all pictures of a batch."""
        if weight is None:
            return loss * count, hits
        share = loss * (weight * count / self._processes.count)
        both = torch.stack([share, hits * (weight > 0)])  # a stand-in has weight 0
        return tuple(self._processes.add(both))

    def _share(self, chosen: Tensor, seed: int) -> tuple[Tensor, Tensor, float | None]:
        """Pick this process's pictures and labels, and say how much they weigh."""
        count, augment = self._processes.count, self._settings.augment
        mine = self._processes.part(torch.arange(len(chosen), device=chosen.device))
        weight = None if count == 1 else len(mine) * count / len(chosen)
        mine = mine if len(mine) else mine.new_zeros(1)
        if augment is None:
            return *self._batches.pick(chosen[mine]), weight
        pictures, labels = self._batches.pick(chosen)
        changed = check_same_shape(_augment(augment, pictures, seed), pictures)
        if count == 1:
            return changed, labels, None
        return changed[mine], labels[mine], weight


def _augment(augment: Callable[[Tensor], Tensor], pictures: Tensor, seed: int) -> Tensor:
    """Change a whole batch by chance that depends on the seed alone, the same in all processes."""
    devices = [pictures.device] if pictures.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(seed)
        return augment(pictures)


def check_same_shape(changed: object, pictures: Tensor) -> Tensor:
    """Refuse what an augmentation returns if it is not as many pictures, as it got them."""
    same = isinstance(changed, Tensor) and changed.dtype == pictures.dtype
    if not same or changed.shape[:2] != pictures.shape[:2] or changed.ndim != 4:
        got = (
            f"{tuple(changed.shape)} {changed.dtype}"
            if isinstance(changed, Tensor)
            else type(changed).__name__
        )
        raise ValueError(
            f"expected augment to return pictures {tuple(pictures.shape)} {pictures.dtype} as it "
            f"got them, got {got}: let it return a new tensor of the same shape"
        )
    return changed
