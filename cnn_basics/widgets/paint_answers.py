"""What a network takes in from a drawing or a photo, and what it makes of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from cnn_basics.datasets import digit_from_drawing
from cnn_basics.explain import feature_maps
from cnn_basics.images import read_image, resize, to_nchw
from cnn_basics.model import device_of, untouched
from cnn_basics.training import prepare
from cnn_basics.widgets.paint_pad import as_ink

MOST_LAYERS = 6


@dataclass(frozen=True)
class Answer:
    """What a network makes of one picture.

    Attributes:
        picture: `(H, W, 3)` uint8, what the network sees; a grey one three times.
        layers: By name, `(maps, H, W)`, or `(numbers, 1, 1)`: what comes out of some of its steps.
        shares: `(K,)`, the softmax of its scores; they add up to 1.
    """

    picture: np.ndarray
    layers: dict[str, np.ndarray]
    shares: np.ndarray


def picture_of(look: tuple[str, str | bytes], channels: int, size: int) -> Tensor:
    """Turn what a pad looks at into a picture for the network.

    Args:
        look: The `value` of a `PaintPad`.
        channels: 1 for a network of digits: a drawing, or a photo of dark ink on light paper,
            becomes what `load_digits` gives; 3 for photos, where a drawing is black on white.
        size: Side of the square.

    Returns:
        `(1, channels, size, size)` uint8.

    Raises:
        ValueError: A photo cannot be read; the sentence names the file.

    Example:
        >>> picture_of(("", "0" * 784), channels=1, size=28).shape
        torch.Size([1, 1, 28, 28])
    """
    name, content = look
    if isinstance(content, str):
        ink = as_ink(content)
        paper = np.where(ink, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    else:
        paper = _read(name, content)
        ink = None
    if channels == 3:
        return to_nchw(resize(paper, size), scale=False)
    digit = digit_from_drawing(_ink_on(paper) if ink is None else ink)
    grey = digit[0, 0].numpy()[..., None].repeat(3, axis=2)
    return to_nchw(resize(grey, size), scale=False)[:, :1]


def ask_network(model: nn.Module, picture: Tensor, layers: list[str] | None = None) -> Answer:
    """Let a network look at one picture, and keep what its steps make of it.

    Args:
        model: Gives `(1, K)` scores; it is left as it was.
        picture: `(1, C, H, W)` uint8, C of 1 or 3.
        layers: Names of steps, as `explain.feature_maps` knows them; None chooses some.

    Returns:
        The answer.

    Raises:
        ValueError: The network does not take the picture, gives no `(1, K)` scores, or has no
            such step.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> answer = ask_network(Custom_CNN(10, 1), torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
        >>> [(name, maps.shape) for name, maps in answer.layers.items()]
        [('relu', (32, 28, 28)), ('relu_1', (64, 14, 14)), ('relu_2', (256, 1, 1))]
    """
    x = prepare(picture).to(device_of(model))
    with untouched(model):
        scores = model(x)
    if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != 1:
        got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise ValueError(
            f"expected a network that gives scores (1, K) for one picture, got {got}: "
            "let it end with one score for each class"
        )
    steps = feature_maps(model, x, layers)
    chosen = steps if layers is not None else choose_layers(steps)
    shown = picture.expand(1, 3, -1, -1)[0].permute(1, 2, 0).numpy()
    return Answer(
        np.ascontiguousarray(shown),
        {name: _as_maps(steps[name]) for name in chosen},
        scores[0].double().softmax(0).cpu().numpy(),
    )


def choose_layers(steps: dict[str, Tensor]) -> list[str]:
    """Choose steps worth looking at: the last before each change of size, and the last numbers.

    Args:
        steps: What `explain.feature_maps` gives for one picture.

    Returns:
        Names in order, at most six; pooled or flattened maps show nothing new and are left out,
        as are the scores.

    Example:
        >>> sizes = {"conv": (1, 4, 9, 9), "relu": (1, 4, 9, 9), "flatten": (1, 324), "fc": (1, 2)}
        >>> choose_layers({name: torch.zeros(size) for name, size in sizes.items()})
        ['relu']
    """
    maps = {name: step for name, step in steps.items() if step.ndim == 4 and step[0, 0].numel() > 1}
    last: dict[torch.Size, str] = {}
    before = None
    for name, step in maps.items():
        shrunk = before is not None and before.shape[2:] != step.shape[2:]
        if not (shrunk and before.shape[1] == step.shape[1]):  # pooling alone shows nothing new
            last[step.shape[2:]] = name
        before = step
    reshaped = {step[0].numel() for step in maps.values()}
    numbers = [name for name, step in steps.items() if step.ndim == 2][:-1]
    own = [name for name in numbers if steps[name][0].numel() not in reshaped]
    return ([*last.values(), *own[-1:]])[-MOST_LAYERS:]


def _as_maps(step: Tensor) -> np.ndarray:
    """One step's output for one picture as `(maps, H, W)`."""
    one = step[0].detach().float().cpu().numpy()
    return one if one.ndim == 3 else one.reshape(-1, 1, 1)


def _read(name: str, content: bytes) -> np.ndarray:
    """Read a photo; a sentence about it names the file as the user knows it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo")
        path.write_bytes(content)
        try:
            return read_image(path)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from error


def _ink_on(photo: np.ndarray) -> np.ndarray:
    """Find the ink on a photo of paper: what is nearer to the darkest than to the lightest."""
    grey = photo.mean(axis=2)
    low, high = np.percentile(grey, [1, 99])
    dark = grey < (low + high) / 2
    return dark if dark.mean() <= 0.5 else ~dark  # chalk on a board is ink as well
