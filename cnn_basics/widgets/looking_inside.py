"""Something to move for lesson 10: every feature map, and a square that covers a part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from torch import Tensor, nn
from traitlets import Dict, Int, List, TraitError, Unicode, observe, validate

from cnn_basics.expect import expect
from cnn_basics.explain import covered_scores, feature_maps
from cnn_basics.figures import (
    BLACK,
    DIVERGING,
    VERMILION,
    LessonFigure,
    new_figure,
    plain_axes,
)
from cnn_basics.model import untouched
from cnn_basics.plots.grids import write_number
from cnn_basics.training import prepare
from cnn_basics.widgets.parts import FrontEndWidget, Slider, dropdown, picture_url
from cnn_basics.widgets.redrawn import (
    RedrawnFigure,
    ReusedFigure,
    colour,
    share_in_words,
    tile_pictures,
)

MOST = 12  # pictures in one widget
SIZES, STRIDE = (8, 12), 2  # of the square that covers
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
        coloured = colour(stack, signed=stack.min() < 0)
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


class OcclusionExplorer(FrontEndWidget, static=("drawing", "occlusion")):
    """The widget that `occlusion_explorer` returns; all that it shows is computed beforehand."""

    picture = Int(0).tag(sync=True)  # which one is shown
    size = Int(8).tag(sync=True)  # rows and columns of the square, one of `sizes`
    row = Int(0).tag(sync=True)  # of the square, whose upper edge is at pixel `stride * row`
    column = Int(0).tag(sync=True)
    titles = List(Unicode()).tag(sync=True)
    classes = List(Unicode()).tag(sync=True)  # the true class of each picture
    sizes = List(Int()).tag(sync=True)
    stride = Int(STRIDE).tag(sync=True)
    shares = Dict().tag(sync=True)  # by size, for each picture and place, of its class in per cent
    leads = Dict().tag(sync=True)  # the same: its class's score over the best other one
    whole = List().tag(sync=True)  # share and lead of each picture that nothing covers
    answers = Dict().tag(sync=True)  # by size, for each picture and place, the class that wins
    images = List(Unicode()).tag(sync=True)
    heats = Dict().tag(sync=True)
    pixels = List(Int()).tag(sync=True)  # rows and columns of a picture
    colour = Unicode().tag(sync=True)

    def __init__(self, shown: np.ndarray, **traits: Any) -> None:  # noqa: ANN401 - any trait's
        self._shown = shown
        super().__init__(images=list(map(picture_url, shown)), **traits)

    def still(self) -> LessonFigure:
        """Draw the picture with its square, and what each place of the square comes to."""
        leads = np.array(self.leads[str(self.size)][self.picture])
        row, column = self.stride * self.row, self.stride * self.column
        alt = (
            f"Picture {self.titles[self.picture]} with a {self.size}×{self.size} square at row "
            f"{row}, column {column}, and beside it the lead of {self.classes[self.picture]} for "
            "every place of the square."
        )
        figure, (left, right) = new_figure(1, 2, height=2.6, alt=alt)
        left.imshow(self._shown[self.picture])
        style = {"facecolor": self.colour, "edgecolor": BLACK, "linewidth": 2, "linestyle": "--"}
        left.add_patch(Rectangle((column - 0.5, row - 0.5), self.size, self.size, **style))
        plain_axes(left, "covered picture")
        high = float(np.abs(leads).max()) or 1.0
        image = right.imshow(leads, cmap=DIVERGING, vmin=-high, vmax=high)
        if leads.min() < 0 < leads.max():
            right.contour(leads, levels=[0], colors=BLACK, linewidths=2)
        plain_axes(right, "lead of its class, square here")
        figure.colorbar(image, ax=right, shrink=0.8)
        return figure

    @validate("picture", "size", "row", "column")
    def _inside(self, proposal: dict) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        allowed = list(self.sizes) if name == "size" else range(self._count(name))
        if allowed:
            what = f"{name} as one of {allowed[0]} to {allowed[-1]}"
            expect(value in allowed, what, value, "choose one that there is", TraitError)
        return value

    @observe("size")
    def _keep_inside(self, _: object) -> None:
        if self.shares:
            self.row = min(self.row, self._count("row") - 1)
            self.column = min(self.column, self._count("column") - 1)

    def _count(self, name: str) -> int:
        """How many values a trait can have; 0 while the widget is being made."""
        if name == "picture" or not self.shares:
            return len(self.titles)
        return np.shape(self.shares[str(self.size)][0])[0 if name == "row" else 1]


def occlusion_explorer(
    model: nn.Module,
    pictures: Tensor,
    labels: Tensor,
    names: Sequence[str],
    prepare: Prepare = prepare,
) -> OcclusionExplorer:
    """Drag a square over a picture, and watch how sure the network stays of its class.

    The *lead* is the score of the true class minus the best other score: below 0 the network
    answers wrongly.

    The square has the pictures' mean colour. All places are tried beforehand, so that the page
    answers at once: by mouse, by touch, by arrow keys or by sliders.

    Args:
        model: Gives `(N, classes)` scores; it is left as it was.
        pictures: `(N, 3, H, W)` or `(N, 1, H, W)`, uint8, or float from 0 to 1; at most 12, of at
            least 12×12 pixels.
        labels: `(N,)` int64, the true class of each.
        names: Of the classes.
        prepare: Turns the pictures into what the network reads.

    Returns:
        The widget.

    Raises:
        TypeError: `pictures` is not a tensor, or a label is no whole number.
        ValueError: A shape, a number or a class does not fit.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> black = torch.zeros(1, 3, 28, 28)
        >>> explorer = occlusion_explorer(Custom_CNN(), black, torch.tensor([1]), ["cat", "dog"])
        >>> len(explorer.shares["8"][0])
        11
    """
    classes = [names[int(label)] for label in labels]
    shown = read_pictures(pictures, classes)
    what, got = f"pictures of at least {max(SIZES)}×{max(SIZES)} pixels", shown.shape[1:3]
    expect(min(got) >= max(SIZES), what, f"{got[0]}×{got[1]}", "give larger ones")
    mean = pictures.float().mean(dim=(0, 2, 3), keepdim=True).to(pictures.dtype)  # (1, C, 1, 1)
    levels = (read_pictures(mean, ["mean"])[0, 0, 0] * 255).round().astype(int)
    found = _try_all(model, prepare(pictures), labels, prepare(mean).flatten(), names)
    return OcclusionExplorer(
        shown,
        titles=number_titles(classes),
        classes=classes,
        sizes=list(SIZES),
        pixels=list(shown.shape[1:3]),
        colour="#" + "".join(f"{level:02x}" for level in levels),
        **found,
    )


def _try_all(
    model: nn.Module, x: Tensor, labels: Tensor, fill: Tensor, names: Sequence[str]
) -> dict[str, Any]:
    with untouched(model):
        whole = _judge(model(x)[:, None, None], labels)
    found: dict[str, Any] = {"shares": {}, "leads": {}, "answers": {}, "heats": {}}
    found["whole"] = [[share[0][0], lead[0][0]] for share, lead in zip(*whole, strict=True)]
    for size in SIZES:
        scores = covered_scores(model, x, size, STRIDE, fill)  # (N, rows, columns, K)
        shares, leads = _judge(scores, labels)
        found["shares"][str(size)], found["leads"][str(size)] = shares, leads
        found["answers"][str(size)] = np.array(names)[scores.argmax(dim=-1).numpy()].tolist()
        found["heats"][str(size)] = [
            picture_url(colour(np.array(lead), signed=True)) for lead in leads
        ]
    return found


def _judge(scores: Tensor, labels: Tensor) -> tuple[list, list]:
    """The share (per cent) and the lead of the true class, as nested lists (N, rows, columns)."""
    index = labels.view(-1, 1, 1, 1).expand(*scores.shape[:3], 1)
    own = scores.gather(-1, index)
    best_other = scores.scatter(-1, index, -torch.inf).amax(dim=-1, keepdim=True)
    shares = scores.softmax(dim=-1).gather(-1, index)
    found = ((100 * shares, 1), (own - best_other, 2))
    shares, leads = (
        (values[..., 0].double().round(decimals=digits) + 0.0).tolist()  # no minus sign on a zero
        for values, digits in found
    )
    return shares, leads
