"""Something to move for lesson 10: every feature map of every step, for some pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from cnn_basics.expect import expect
from cnn_basics.explain import feature_maps
from cnn_basics.figures import DIVERGING, SEQUENTIAL, VERMILION, LessonFigure, plain_axes
from cnn_basics.plots.grids import write_number
from cnn_basics.training import prepare
from cnn_basics.widgets.parts import Slider, dropdown
from cnn_basics.widgets.redrawn import RedrawnFigure, ReusedFigure, share_in_words, tile_pictures

MOST = 12  # pictures in one widget
Prepare = Callable[[Tensor], Tensor]
_BOXES = [(0.01, 0.22, 0.25, 0.68), (0.29, 0.22, 0.25, 0.68), (0.58, 0.03, 0.41, 0.87)]


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
    what, fix = "a network with a step that gives maps (N, C, H, W)", "use one with a convolution"
    expect(maps, what, "none", fix)
    names = number_titles(titles)
    sizes = [(f"{name}  {'×'.join(map(str, y.shape[1:]))}", name) for name, y in maps.items()]
    controls = {
        "picture": dropdown("picture", names, 190),
        "step": dropdown("step", sizes, 270),
        "channel": Slider("channel", 0, min=0, max=max(next(iter(maps.values())).shape[1] - 1, 1)),
    }
    figure, images, frame = _empty_sheet()

    def draw(picture: str, step: str, channel: int) -> LessonFigure:
        number = names.index(picture)
        stack = maps[step][number].astype(float)
        count, height, width = stack.shape
        channel = controls["channel"].value = min(channel, count - 1)
        controls["channel"].max = max(count - 1, 1)  # a single channel leaves it two places
        columns = 8 if count <= 64 else math.ceil(math.sqrt(count))
        coloured = colour_maps(stack)
        sheet = tile_pictures(coloured, columns)
        for image, pixels in zip(images, (shown[number], coloured[channel], sheet), strict=True):
            image.set_data(pixels)
        rows, across = sheet.shape[:2]
        images[2].set_extent((0, across, rows, 0))
        images[2].axes.set(xlim=(0, across), ylim=(max(rows, across), 0))
        row, column = divmod(channel, columns)
        frame.set_bounds(column * (width + 1), row * (height + 1), width, height)
        words = _describe(step, stack, channel)
        return figure.say(words, f"Picture {picture} and its feature maps. {' '.join(words)}")

    return FeatureMapBrowser(controls, draw)


def _empty_sheet() -> tuple[ReusedFigure, list[AxesImage], Rectangle]:
    """Make a figure for a picture, the chosen map, and all maps with the chosen one framed."""
    figure = ReusedFigure(_BOXES, width=7.6, height=3.1)
    figure.sharpness, figure.few_colours = 1.0, True  # of the stored picture
    titles, whole = ("picture", "chosen map", "all maps of this step"), (0, 1, 1, 0)
    for axes, title in zip(figure.axes, titles, strict=True):
        axes.imshow(np.zeros((1, 1, 3)), extent=whole, interpolation="nearest")
        axes.set_anchor("N")
        plain_axes(axes, title)
    frame = Rectangle((0, 0), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2.5)
    figure.axes[2].add_patch(frame)
    images = [axes.images[0] for axes in figure.axes]
    figure.moves(*images, frame)
    figure.writes(*(figure.text(0.01, y, "", fontsize=9) for y in (0.12, 0.04)))
    return figure, images, frame


def colour_maps(maps: np.ndarray) -> np.ndarray:
    """Turn maps into pictures `(C, height, width, 3)` with one scale, zero in its middle if signed.

    Example:
        >>> colour_maps(np.array([[[-1.0, 0.0, 1.0]]])).round(1).tolist()[0][0][1]
        [1.0, 1.0, 1.0]
    """
    low, high = float(maps.min()), float(maps.max())
    if low < 0:
        high = max(-low, high)
        low = -high
    share = (maps - low) / ((high - low) or 1.0)
    return _colours(low < 0)[np.rint(255 * share).astype(int)]


@lru_cache
def _colours(signed: bool) -> np.ndarray:
    return colormaps[DIVERGING if signed else SEQUENTIAL](np.linspace(0, 1, 256))[:, :3]


def _describe(step: str, stack: np.ndarray, channel: int) -> list[str]:
    """Say which map is chosen, what is in it, and what the colours mean."""
    chosen, what = stack[channel], "this map is 0 everywhere"
    if chosen.any():
        row, column = np.unravel_index(chosen.argmax(), chosen.shape)
        zeros = share_in_words(int((chosen == 0).sum()), chosen.size)
        what = (
            f"from {write_number(chosen.min())} to {write_number(chosen.max())}, largest at row "
            f"{row}, column {column}; {zeros} of it is 0"
        )
    low, high = stack.min(), stack.max()
    scale = f"dark {write_number(low)}, bright {write_number(high)}"
    if low < 0:
        high = max(-low, high)
        scale = f"blue {write_number(-high)}, white 0, red {write_number(high)}"
    return [
        f"{step}, channel {channel} of {len(stack)}: {what}.",
        f"Colours of all maps of this step: {scale}.",
    ]


def read_pictures(pictures: Tensor, titles: Sequence[str]) -> np.ndarray:
    """Check pictures `(N, 1 or 3, H, W)` and their titles; return `(N, H, W, 3)` from 0 to 1."""
    fix = "write torch.as_tensor(pictures)"
    is_tensor = isinstance(pictures, Tensor)
    expect(is_tensor, "pictures as a tensor (N, 3, H, W)", pictures, fix, TypeError)
    right = pictures.ndim == 4 and pictures.shape[1] in (1, 3) and 1 <= len(pictures) <= MOST
    what = f"1 to {MOST} pictures (N, 3, H, W) or (N, 1, H, W)"
    fix = "pick some of a batch, as in pictures[:6]"
    expect(right, what, str(tuple(pictures.shape)), fix)
    what = f"a title for each of {len(pictures)} pictures"
    expect(len(titles) == len(pictures), what, len(titles), "give both the same length")
    shown = pictures.detach().cpu().permute(0, 2, 3, 1)
    shown = shown.float() / 255 if pictures.dtype == torch.uint8 else shown.float()
    return shown.clamp(0, 1).expand(-1, -1, -1, 3).numpy()


def number_titles(titles: Sequence[str]) -> list[str]:
    """Number titles, so that no two are the same."""
    return [f"{number}: {title}" for number, title in enumerate(titles, 1)]
