"""Something to move for lesson 10: every feature map of every step, for some pictures."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets
import numpy as np
from torch import Tensor, nn

from cnn_basics.explain import feature_maps
from cnn_basics.figures import LessonFigure
from cnn_basics.plots.grids import write_number
from cnn_basics.plots.map_browser import MapBrowserFigure
from cnn_basics.plots.reused import share_in_words
from cnn_basics.training import prepare
from cnn_basics.widgets.explained_pictures import Prepare, number_titles, read_pictures
from cnn_basics.widgets.parts import Slider, dropdown
from cnn_basics.widgets.redrawn import RedrawnFigure, wrapping_row


class FeatureMapBrowser(RedrawnFigure):
    """The widget that `feature_map_browser` returns."""

    def still(self) -> LessonFigure:
        """Draw the present state; the alt text names no number, as trained networks differ."""
        figure = super().still()
        now = self.values()
        figure.alt = (
            f"Picture {now['picture']}, the feature map of channel {now['channel']} of step "
            f"{now['step']}, and all feature maps of this step."
        )
        return figure


def feature_map_browser(
    model: nn.Module, pictures: Tensor, titles: Sequence[str], prepare: Prepare = prepare
) -> FeatureMapBrowser:
    """Look at any feature map of any step of a network.

    Args:
        model: A network; it runs once, and is left as it was.
        pictures: `(N, 3, H, W)` or `(N, 1, H, W)`, uint8, or float from 0 to 1; at most 12.
        titles: One for each, such as its class.
        prepare: Turns the pictures into what the network reads.

    Returns:
        A list of pictures, a list of the steps that give maps, and a slider for the channel, above
        the picture, the chosen map, and all maps of that step.

    Raises:
        TypeError: `pictures` is not a tensor.
        ValueError: Its shape does not fit, or no step of the network gives maps.

    Example:
        >>> import torch
        >>> from cnn_basics.model import Custom_CNN
        >>> browser = feature_map_browser(Custom_CNN(), torch.zeros(1, 3, 28, 28), ["black"])
        >>> browser.controls["step"].value = "conv2"
        >>> browser.controls["channel"].max
        63
    """
    shown = read_pictures(pictures, titles)
    maps = {name: y.cpu().numpy() for name, y in feature_maps(model, prepare(pictures)).items()}
    maps = {name: stack for name, stack in maps.items() if stack.ndim == 4}
    if not maps:
        raise ValueError(
            "expected a network with a step that gives maps (N, C, H, W), got none: "
            "browse through a network with a convolution"
        )
    names = number_titles(titles)
    controls = _controls(names, maps)
    drawing = MapBrowserFigure()

    def draw(picture: str, step: str, channel: int) -> LessonFigure:
        number, last = names.index(picture), maps[step].shape[1] - 1
        channel = min(channel, last)
        _limit(controls["channel"], last)
        stack = maps[step][number].astype(float)
        words = _words(step, stack, channel)
        alt = f"Picture {picture} and its feature maps. {' '.join(words)}"
        return drawing.update(shown[number], stack, channel, words, alt)

    return FeatureMapBrowser(controls, draw, wrapping_row(*controls.values()))


def _controls(names: list[str], maps: dict[str, np.ndarray]) -> dict[str, ipywidgets.Widget]:
    steps = [(f"{name}  {_size(stack)}", name) for name, stack in maps.items()]
    last = next(iter(maps.values())).shape[1] - 1
    return {
        "picture": dropdown("picture", names, 190),
        "step": dropdown("step", steps, 270),
        "channel": Slider("channel", 0, min=0, max=max(last, 1)),
    }


def _limit(slider: Slider, last: int) -> None:
    """Let the slider reach the channels that there are; a single one leaves it two places."""
    slider.value = min(slider.value, last)
    slider.max = max(last, 1)


def _size(stack: np.ndarray) -> str:
    return "×".join(str(n) for n in stack.shape[1:])


def _words(step: str, stack: np.ndarray, channel: int) -> list[str]:
    """Say which map is chosen, and what is in it."""
    chosen = stack[channel]
    place = np.unravel_index(chosen.argmax(), chosen.shape)
    zeros = share_in_words(int((chosen == 0).sum()), chosen.size)
    what = (
        "this map is 0 everywhere"
        if not chosen.any()
        else (
            f"from {write_number(chosen.min())} to {write_number(chosen.max())}, largest at row "
            f"{place[0]}, column {place[1]}; {zeros} of it is 0"
        )
    )
    ends = (stack.min(), stack.max())
    high = max(map(abs, ends))
    scale = (
        f"blue {write_number(-high)}, white 0, red {write_number(high)}"
        if ends[0] < 0
        else f"dark {write_number(ends[0])}, bright {write_number(ends[1])}"
    )
    return [
        f"{step}, channel {channel} of {len(stack)}: {what}.",
        f"Colours of all maps of this step: {scale}.",
    ]
