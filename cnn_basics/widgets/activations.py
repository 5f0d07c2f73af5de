"""Something to move for lesson 6: activations, what they do to numbers, and batch normalisation."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import torch
import torch.nn.functional as F

from cnn_basics.by_hand import batch_norm, relu
from cnn_basics.figures import LessonFigure
from cnn_basics.plots.grids import write_number
from cnn_basics.plots.playground import REACH, PlaygroundFigure, Response, describe_spread
from cnn_basics.plots.reused import share_in_words
from cnn_basics.widgets.parts import Slider, checkbox, dropdown, hide_unless
from cnn_basics.widgets.redrawn import RedrawnFigure, wrapping_row

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "ReLU": relu,
    "leaky ReLU": lambda x: F.leaky_relu(x, negative_slope=0.1),
    "ELU": F.elu,
    "GELU": F.gelu,
    "SiLU": F.silu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "none": lambda x: x,
}
MODES = ("training", "evaluation")
COUNT = 2000  # numbers in the batch
FLAT = 0.05  # below this, a slope lets hardly any gradient through


def respond(activation: str, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute an activation's outputs and slopes.

    Args:
        activation: A name from `ACTIVATIONS`.
        x: Any shape, float32 or float64.

    Returns:
        Outputs and slopes (the gradients of each output by its input), each as `x`.

    Raises:
        ValueError: When the activation is unknown.

    Example:
        >>> [values.tolist() for values in respond("ReLU", torch.tensor([-2.0, 3.0]))]
        [[0.0, 3.0], [0.0, 1.0]]
    """
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"expected one of {', '.join(ACTIVATIONS)}, got {activation!r}: use one of these"
        )
    x = x.detach().clone().requires_grad_()
    y = ACTIVATIONS[activation](x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    return y.detach(), slope


def make_batch(shift: float, spread: float) -> torch.Tensor:
    """Draw the same `COUNT` random numbers every time, with a given mean and spread.

    Args:
        shift: Their mean.
        spread: Their standard deviation, 0 or more.

    Returns:
        `(COUNT,)` float32.

    Example:
        >>> batch = make_batch(shift=2.0, spread=0.5)
        >>> round(batch.mean().item(), 3), round(batch.std(correction=0).item(), 3)
        (2.0, 0.5)
    """
    numbers = torch.randn(COUNT, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    unit = (numbers - numbers.mean()) / numbers.std(correction=0)
    return (shift + spread * unit).float()


def normalise(batch: torch.Tensor, gamma: float, beta: float, training: bool) -> torch.Tensor:
    """Normalise a batch of single numbers.

    In evaluation the running mean is 0 and the running variance 1, as if all earlier batches had
    been so, whatever this batch holds.

    Args:
        batch: `(N,)`, float32.
        gamma: The learned scale.
        beta: The learned shift.
        training: Use the batch's own mean and variance.

    Returns:
        `(N,)`.

    Example:
        >>> normalise(torch.tensor([1.0, 3.0]), gamma=2.0, beta=1.0, training=True).round().tolist()
        [-1.0, 3.0]
    """
    mean, variance = torch.zeros(1), torch.ones(1)
    weight, bias = torch.tensor([float(gamma)]), torch.tensor([float(beta)])
    return batch_norm(batch[:, None], mean, variance, weight, bias, training)[:, 0]


def activation_playground() -> RedrawnFigure:
    """Move a point along an activation, and numbers through batch norm and the activation.

    Returns:
        Controls above the curve with the point and its slope, the numbers that go in, and those
        that come out.

    Example:
        >>> playground = activation_playground()
        >>> playground.controls["activation"].value = "tanh"
        >>> playground.still().alt.split(";")[0]
        'tanh at 1 is 0.76, slope 0.42'
    """
    drawing = PlaygroundFigure()
    controls = _controls()
    curve = torch.linspace(-REACH, REACH, 241)

    def draw(activation: str, x: float, norm: bool, mode: str, **values: float) -> LessonFigure:
        hide_unless(norm, [controls[name] for name in ("mode", "gamma", "beta")])
        batch = make_batch(values["shift"], values["spread"])
        training = mode == MODES[0]
        entering = normalise(batch, values["gamma"], values["beta"], training) if norm else batch
        outputs, slopes = respond(activation, entering)
        y, slope = (number.item() for number in respond(activation, torch.tensor(float(x))))
        response = Response(
            activation, torch.stack([curve, respond(activation, curve)[0]]), (x, y, slope)
        )
        words = [_describe_norm(norm, training), _describe_zeros(outputs, slopes)]
        samples = [batch, entering, outputs]
        return drawing.update(response, samples, words, _alt(response, samples, words))

    lines = (("activation", "x"), ("shift", "spread"), ("norm", "mode", "gamma", "beta"))
    rows = [[controls[name] for name in names] for names in lines]
    return RedrawnFigure(controls, draw, ipywidgets.VBox([wrapping_row(*row) for row in rows]))


def _controls() -> dict[str, ipywidgets.Widget]:
    return {
        "activation": dropdown("activation", tuple(ACTIVATIONS)),
        "x": Slider("input of the point", 1.0, min=-REACH, max=REACH, step=0.1),
        "shift": Slider("numbers: mean", 0.0, min=-4.0, max=4.0, step=0.1),
        "spread": Slider("numbers: spread", 1.0, min=0.1, max=3.0, step=0.1),
        "norm": checkbox("batch norm"),
        "mode": dropdown("mode", MODES, 160),
        "gamma": Slider("γ (scale)", 1.0, min=0.0, max=2.0, step=0.1),
        "beta": Slider("β (shift)", 0.0, min=-3.0, max=3.0, step=0.1),
    }


def _describe_norm(norm: bool, training: bool) -> str:
    if not norm:
        return "No batch norm: the numbers enter the activation as they come."
    if training:
        return "Training: normalised with this batch's own mean and spread, times γ, plus β."
    return "Evaluation: normalised with the running mean 0 and variance 1, times γ, plus β."


def _describe_zeros(outputs: torch.Tensor, slopes: torch.Tensor) -> str:
    """Say for how many numbers the activation is silent, or hardly lets gradients through."""
    zeros = int(((outputs == 0) & (slopes == 0)).sum())
    flat = int((slopes.abs() < FLAT).sum())
    if zeros == len(outputs):
        return "Dead: all outputs are 0, and no gradient passes."
    if zeros:
        share = share_in_words(zeros, len(outputs), start=True)
        return f"{share} of the outputs are 0: dead for these, no gradient passes."
    if flat:
        share = share_in_words(flat, len(outputs))
        return f"No output is dead; for {share} of the numbers the slope is below {FLAT}."
    return f"No output is dead, and no slope is below {FLAT}."


def _alt(response: Response, samples: list[torch.Tensor], words: list[str]) -> str:
    """Say all that the figure shows."""
    x, y, slope = (write_number(number) for number in response.point)
    batch, entering, outputs = (describe_spread(sample) for sample in samples)
    between = "" if samples[0] is samples[1] else f"are normalised to {entering} and "
    return (
        f"{response.name} at {x} is {y}, slope {slope}; numbers with {batch} {between}"
        f"come out with {outputs}. {words[0]} {words[1]}"
    )
