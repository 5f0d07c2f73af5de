"""The update rules written out, for weights of any shape: the very steps of `torch.optim`."""

from __future__ import annotations

import torch

State = dict[str, torch.Tensor | int]


def sgd_step(
    weights: torch.Tensor, gradient: torch.Tensor, state: State, learning_rate: float
) -> tuple[torch.Tensor, State]:
    """Step straight downhill, as `torch.optim.SGD` does.

    Args:
        weights: Any shape.
        gradient: Of the loss, same shape.
        state: What the rule remembers; nothing.
        learning_rate: How long a step is for a gradient of 1.

    Returns:
        The new weights, and the state for the next step.

    Example:
        >>> sgd_step(torch.tensor([1.0]), torch.tensor([2.0]), {}, 0.25)
        (tensor([0.5000]), {})
    """
    return weights - learning_rate * gradient, state


def momentum_step(
    weights: torch.Tensor,
    gradient: torch.Tensor,
    state: State,
    learning_rate: float,
    momentum: float = 0.9,
) -> tuple[torch.Tensor, State]:
    """Roll on: add the gradient to what is left of the steps before.

    Args:
        weights: Any shape.
        gradient: Of the loss, same shape.
        state: `velocity`, same shape; empty before the first step.
        learning_rate: How long a step is for a velocity of 1.
        momentum: The share of the velocity that is left after a step, 0 to 1.

    Returns:
        The new weights, and the state for the next step.

    Example:
        >>> w, state = momentum_step(torch.tensor([1.0]), torch.tensor([2.0]), {}, 0.25)
        >>> momentum_step(w, torch.tensor([2.0]), state, 0.25, momentum=0.5)[0]
        tensor([-0.2500])

    Source:
        Polyak (1964), "Some methods of speeding up the convergence of iteration methods", in the
        form of `torch.optim.SGD(momentum=…)`.
    """
    velocity = momentum * state.get("velocity", 0.0) + gradient
    return weights - learning_rate * velocity, {"velocity": velocity}


def adam_step(
    weights: torch.Tensor,
    gradient: torch.Tensor,
    state: State,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[torch.Tensor, State]:
    """Step by the mean gradient, divided by its usual size, for each weight by itself.

    Args:
        weights: Any shape.
        gradient: Of the loss, same shape.
        state: `step`, and `mean` and `square`, same shape; empty before the first step.
        learning_rate: About the length of each step.
        betas: The shares kept of the mean gradient and of the mean squared gradient.
        eps: Added to the divisor, so that a gradient of 0 is not divided by 0.

    Returns:
        The new weights, and the state for the next step.

    Example:
        >>> adam_step(torch.tensor([1.0, 1.0]), torch.tensor([2.0, -0.002]), {}, 0.25)[0]
        tensor([0.7500, 1.2500])

    Source:
        Kingma & Ba (2015), "Adam", https://arxiv.org/abs/1412.6980, algorithm 1.
    """
    step = state.get("step", 0) + 1
    mean = betas[0] * state.get("mean", 0.0) + (1 - betas[0]) * gradient
    square = betas[1] * state.get("square", 0.0) + (1 - betas[1]) * gradient**2
    unbiased_mean = mean / (1 - betas[0] ** step)
    unbiased_square = square / (1 - betas[1] ** step)
    moved = weights - learning_rate * unbiased_mean / (unbiased_square.sqrt() + eps)
    return moved, {"step": step, "mean": mean, "square": square}


RULES = {"sgd": sgd_step, "momentum": momentum_step, "adam": adam_step}
