"""Which steps of a network look through windows, and through what windows."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from cnn_basics import by_hand
from cnn_basics.model.recorder import Step

Pair = tuple[int, int]
_NAMES = ("kernel_size", "stride", "padding", "dilation")
WINDOWS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
# Positional arguments of the functions, from the second on.
ARGUMENTS = {
    "conv2d": ("weight", "bias", "stride", "padding", "dilation"),
    "max_pool2d": ("kernel_size", "stride", "padding", "dilation"),
    "avg_pool2d": ("kernel_size", "stride", "padding"),
}
NUMBER_BY_NUMBER = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh,
    nn.Softplus, nn.Hardswish, nn.BatchNorm2d, nn.Dropout, nn.Dropout2d, nn.Identity,
)  # fmt: skip
FUNCTIONS = {
    "relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus",
    "hardswish", "batch_norm", "dropout", "add", "iadd", "sub", "mul", "imul", "div", "neg",
    "clamp", "abs", "cat", "clone", "contiguous", "detach", "to", "float", "double",
}  # fmt: skip


@dataclass(frozen=True)
class Window:
    """What a step looks through; pairs are (vertical, horizontal).

    Attributes:
        kernel: rows and columns.
        stride: from one window to the next.
        border: rows above and columns at the left that padding adds.
        dilation: from one element of the window to the next.
    """

    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    border: Pair = (0, 0)
    dilation: Pair = (1, 1)


def read_window(step: Step) -> Window | None:
    """Read the window of a step.

    Args:
        step: a call whose arguments are still there.

    Returns:
        The window, 1×1 for what works number by number; None for any other step.

    Example:
        >>> read_window(Step("pool", "MaxPool2d", nn.MaxPool2d(3, padding=1)))
        Window(kernel=(3, 3), stride=(3, 3), border=(1, 1), dilation=(1, 1))
    """
    if isinstance(step.module, NUMBER_BY_NUMBER) or step.function in FUNCTIONS:
        return Window()
    if isinstance(step.module, WINDOWS):
        return _window({name: getattr(step.module, name, None) for name in _NAMES})
    if step.function in ARGUMENTS:
        given = dict(zip(ARGUMENTS[step.function], step.args[1:], strict=False)) | step.kwargs
        if "weight" in given:
            given["kernel_size"] = tuple(given["weight"].shape[2:])
            given.setdefault("stride", 1)
        return _window(given)
    return None


def _window(given: dict[str, object]) -> Window:
    """Bring arguments to pairs; a stride of None is as long as the window, as in pooling."""
    kernel = as_pair(given["kernel_size"])
    stride = as_pair(given.get("stride") or kernel)
    dilation = as_pair(given.get("dilation") or 1)
    padding = given.get("padding") or 0
    padding = padding if isinstance(padding, str) else as_pair(padding)
    _, ((top, _), (left, _)) = by_hand.read_window(kernel, stride, padding, dilation)
    return Window(kernel, stride, (top, left), dilation)


def as_pair(value: int | tuple[int, ...]) -> Pair:
    """Read a number, or one or two of them, as (vertical, horizontal)."""
    numbers = (value,) if isinstance(value, int) else tuple(value)
    return numbers * 2 if len(numbers) == 1 else numbers
