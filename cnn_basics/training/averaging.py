"""The running mean of a network's weights, which tells pictures better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Follows a network's weights and float buffers by an exponential moving average.

    Args:
        model: The network.
        decay: The share of the mean that is kept at each step, 0 to 1; less in the first steps,
            so that the first weights are soon forgotten.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> average = Average(model, decay=0.99)
        >>> with torch.no_grad():
        ...     _ = model.weight.fill_(1.0)
        >>> average.update()
        >>> with average.applied():
        ...     (model.weight == 1).item()
        False
        >>> model.weight.item()
        1.0

    Source:
        Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging"; the
        first steps as in TensorFlow's `ExponentialMovingAverage(num_updates=…)`.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        followed = (*model.parameters(), *model.buffers())
        self._live = [t.detach() for t in followed if t.is_floating_point()]
        self._mean = [t.clone() for t in self._live]
        self._decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are after a step."""
        self.steps += 1
        kept = min(self._decay, self.steps / (9 + self.steps))
        torch._foreach_lerp_(self._mean, self._live, 1 - kept)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the network have the mean weights for a while."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's weights and the mean."""
        for live, mean in zip(self._live, self._mean, strict=True):
            kept = live.clone()
            live.copy_(mean)
            mean.copy_(kept)

    def state(self) -> dict[str, int | list[Tensor]]:
        """Return what a checkpoint keeps."""
        return {"steps": self.steps, "mean": self._mean}

    def load(self, state: dict[str, int | list[Tensor]]) -> None:
        """Go on from what a checkpoint kept."""
        self.steps = state["steps"]
        for mean, kept in zip(self._mean, state["mean"], strict=True):
            mean.copy_(kept)
