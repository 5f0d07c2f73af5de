"""Runs a network and keeps what each of its steps gave, layers and functions alike."""

from __future__ import annotations

from torch import Tensor, nn

from cnn_basics.model.recorder import Recorder, Step


class OutputKeeper(Recorder):
    """Writes down the steps of a network while it runs, and keeps their outputs.

    Args:
        model: the network.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
        >>> keeper = OutputKeeper(model)
        >>> with keeper.watching():
        ...     _ = model(torch.zeros(1, 1, 3, 3))
        >>> list(keeper.outputs())
        ['0', '1']
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self._kept: dict[int, Tensor] = {}

    def _finish(self, step: Step, output: object, count_before: int) -> None:
        super()._finish(step, output, count_before)
        if isinstance(output, Tensor):
            # A copy, as the next step may change its input in place.
            self._kept[id(step)] = output.clone()

    def outputs(self, containers: bool = False) -> dict[str, Tensor]:
        """List the outputs of the steps in the order of the calls.

        Args:
            containers: whether those of modules that hold others, but for the network itself,
                are listed too.

        Returns:
            By the name of the step; of a step's outputs, only a single tensor is kept.
        """
        return {
            name: self._kept[id(step)]
            for name, step in name_steps(self.steps).items()
            if id(step) in self._kept and (step.is_leaf or (containers and self._is_part(step)))
        }

    def _is_part(self, step: Step) -> bool:
        return step.module is not self.root


def name_steps(steps: list[Step]) -> dict[str, Step]:
    """Give each step a name of its own, as `torch.fx` does.

    Args:
        steps: in the order of the calls.

    Returns:
        The steps by name: a layer's name in the network, or the name of a function; `_1`, `_2`
        and so on are added to what is called again.

    Example:
        >>> list(name_steps([Step("conv", "Conv2d"), Step("relu", ""), Step("relu", "")]))
        ['conv', 'relu', 'relu_1']
    """
    named: dict[str, Step] = {}
    layers = {step.layer for step in steps if step.module is not None}
    for step in steps:
        name, again = step.layer, 0
        while name in named or (step.module is None and name in layers):
            again += 1
            name = f"{step.layer}_{again}"
        named[name] = step
    return named


def refuse_unknown(name: str, known: list[str]) -> None:
    """Refuse a step that the network has not.

    Args:
        name: the step that is asked for.
        known: the steps that there are.

    Raises:
        ValueError: if it is none of them.
    """
    if name not in known:
        raise ValueError(
            f"expected a step of the network ({', '.join(known)}), got {name!r}: name one of these"
        )
