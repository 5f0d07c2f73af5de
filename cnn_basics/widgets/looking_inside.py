"""Something to move for lesson 10: every feature map, and a square that covers a part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.patches import Rectangle
from torch import Tensor, nn
from traitlets import Any, Dict, Int, List, TraitError, Unicode, observe, validate

from cnn_basics.expect import expect
from cnn_basics.explain import covered_scores, feature_maps
from cnn_basics.figures import BLACK, DIVERGING, VERMILION, LessonFigure, new_figure, plain_axes
from cnn_basics.model import untouched
from cnn_basics.plots.grids import write_number, write_size
from cnn_basics.training import prepare
from cnn_basics.widgets.parts import FrontEndWidget, Slider, dropdown, picture_url
from cnn_basics.widgets.redrawn import (
    RedrawnFigure,
    ReusedFigure,
    colour,
    share_in_words,
    tile_pictures,
    to_pixels,
)

MOST = 12  # pictures in one widget
SIZES, STRIDE = (8, 12), 2  # of the square that covers
Prepare = Callable[[Tensor], Tensor]
_PLACES = [
    (left, 0.56, width, 2.24) for left, width in ((0.08, 1.9), (2.2, 1.9), (4.4, 3.1))
]  # inches
_TITLES = ("picture", "chosen map", "all maps of this step")


def feature_map_browser(
    model: nn.Module, pictures: Tensor, titles: Sequence[str], prepare: Prepare = prepare
) -> RedrawnFigure:
    """Look at any feature map of any step of a network.

    Args:
        model: A network; it runs once, and is left as it was.
        pictures: `(N, 3, H, W)` or `(N, 1, H, W)`, uint8, or float from 0 to 1; at most 12.
        titles: One for each, such as its class.
        prepare: Turns the pictures into what the network reads.

    Returns:
        Lists of pictures and of the steps that give maps, and a slider for the channel, above the
        picture, the chosen map, and all maps of that step.

    Raises:
        TypeError, ValueError: The pictures do not fit, or no step of the network gives maps.

    Example:
        >>> import torch
        >>> from cnn_basics.model import Custom_CNN
        >>> browser = feature_map_browser(Custom_CNN(), torch.zeros(1, 3, 28, 28), ["black"])
        >>> browser.controls["step"].value = "conv2"
        >>> browser.controls["channel"].max
        63
    """
    shown, names = read_pictures(pictures, titles)
    steps = feature_maps(model, prepare(pictures.clone()))
    maps = {name: y.cpu().numpy() for name, y in steps.items() if y.ndim == 4}
    what, fix = "a network with a step that gives maps (N, C, H, W)", "use one with a convolution"
    expect(maps, what, "none", fix)
    sizes = [(f"{name}  {write_size(y.shape[1:])}", name) for name, y in maps.items()]
    controls = {
        "picture": dropdown("picture", names, 190),
        "step": dropdown("step", sizes, 270),
        "channel": Slider("channel", 0, min=0, max=max(next(iter(maps.values())).shape[1] - 1, 1)),
    }
    figure = ReusedFigure(width=7.6, height=3.1, places=_PLACES)
    figure.sharpness, figure.few_colours = 1.0, True  # of the stored picture
    frame = Rectangle((0, 0), 1, 1, fill=False, edgecolor=VERMILION, linewidth=2.5)
    figure.moves(figure.page.add_patch(frame))
    for (left, *_), title in zip(_PLACES, _TITLES, strict=True):
        figure.page.text(left, 2.86, title, fontsize=10)
    figure.writes(*(figure.page.text(0.08, y, "", fontsize=9) for y in (0.37, 0.12)))

    def draw(picture: str, step: str, channel: int) -> LessonFigure:
        number = names.index(picture)
        stack = maps[step][number].astype(float)
        count, height, width = stack.shape
        channel = controls["channel"].value = min(channel, count - 1)
        controls["channel"].max = max(count - 1, 1)  # a single channel leaves it two places
        columns = 8 if count <= 64 else math.ceil(math.sqrt(count))
        coloured = colour(stack, signed=stack.min() < 0)
        figure.show_pictures([shown[number], coloured[channel], tile_pictures(coloured, columns)])
        left, right, _, top = figure.page.images[2].get_extent()
        scale = (right - left) / (columns * (width + 1) - 1)
        row, column = divmod(channel, columns)
        x, y = left + scale * column * (width + 1), top - scale * row * (height + 1)
        frame.set_bounds(x, y, scale * width, -scale * height)
        words = _describe(step, stack, channel)
        return figure.say(words, f"Picture {picture} and its feature maps. {' '.join(words)}")

    def store(picture: str, step: str, channel: int) -> str:  # no number: trained networks differ
        of_step = f"the feature map of channel {channel} of step {step}"
        return f"Picture {picture}, {of_step}, and all feature maps of this step."

    return RedrawnFigure(controls, draw, store=store)


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
        high = write_number(max(-low, high))
        scale = f"blue −{high}, white 0, red {high}"
    return [
        f"{step}, channel {channel} of {len(stack)}: {what}.",
        f"Colours of all maps of this step: {scale}.",
    ]


def read_pictures(pictures: Tensor, titles: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Check pictures `(N, 1 or 3, H, W)`; return `(N, H, W, 3)`, 0 to 1, and numbered titles."""
    fix = "write torch.as_tensor(pictures)"
    is_tensor = isinstance(pictures, Tensor)
    expect(is_tensor, "pictures as a tensor (N, 3, H, W)", pictures, fix, TypeError)
    right = pictures.ndim == 4 and pictures.shape[1] in (1, 3) and 1 <= len(pictures) <= MOST
    what = f"1 to {MOST} pictures (N, 3, H, W) or (N, 1, H, W)"
    expect(right, what, pictures, "pick some of a batch, as in pictures[:6]")
    what = f"a title for each of {len(pictures)} pictures"
    expect(len(titles) == len(pictures), what, len(titles), "give both the same length")
    return to_pixels(pictures), [f"{number}: {title}" for number, title in enumerate(titles, 1)]


class OcclusionExplorer(FrontEndWidget, static=("drawing", "occlusion")):
    """The widget that `occlusion_explorer` returns; all that it shows is computed beforehand."""

    picture = Int(0).tag(sync=True)  # which one is shown
    size = Int(SIZES[0]).tag(sync=True)  # rows and columns of the square, one of `sizes`
    row = Int(0).tag(sync=True)  # of the square, whose upper edge is at pixel `stride * row`
    column = Int(0).tag(sync=True)
    titles = List(Unicode()).tag(sync=True)
    classes = List(Unicode()).tag(sync=True)  # the true class of each picture
    sizes = List(Int(), list(SIZES)).tag(sync=True)
    stride = Int(STRIDE).tag(sync=True)
    shares = Dict().tag(sync=True)  # by size, for each picture and place, of its class in per cent
    leads = Dict().tag(sync=True)  # the same: its class's score over the best other one
    whole = List().tag(sync=True)  # share and lead of each picture that nothing covers
    answers = Dict().tag(sync=True)  # by size, for each picture and place, the class that wins
    images = List(Unicode()).tag(sync=True)
    heats = Dict().tag(sync=True)
    pixels = List(Int()).tag(sync=True)  # rows and columns of a picture
    colour = Unicode().tag(sync=True)
    shown = Any()  # the pictures (N, H, W, 3)

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
        left.imshow(self.shown[self.picture])
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

    def _counts(self) -> dict[str, int]:
        """How many values there are of each trait that chooses a place."""
        shape = np.shape(self.shares[str(self.size)])
        return dict(zip(("picture", "row", "column"), shape, strict=True))

    @validate("picture", "size", "row", "column")
    def _inside(self, proposal: dict) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        allowed = self.sizes if name == "size" else range(self._counts()[name])
        what = f"{name} as one of {allowed[0]} to {allowed[-1]}"
        expect(value in allowed, what, value, "choose one that there is", TraitError)
        return value

    @observe("size")
    def _keep_inside(self, _: object) -> None:
        counts = self._counts()
        self.row, self.column = (min(getattr(self, n), counts[n] - 1) for n in ("row", "column"))


def occlusion_explorer(
    model: nn.Module,
    pictures: Tensor,
    labels: Tensor,
    names: Sequence[str],
    prepare: Prepare = prepare,
) -> OcclusionExplorer:
    """Drag a square over a picture, and watch how sure the network stays of its class.

    The *lead* is the score of the true class minus the best other score: below 0 the network
    answers wrongly. The square has the pictures' mean colour. All places are tried beforehand, so
    that the page answers at once: by mouse, by touch, by arrow keys or by sliders.

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
        TypeError, ValueError: The pictures, a label or the names do not fit.

    Example:
        >>> from cnn_basics.model import Custom_CNN
        >>> black = torch.zeros(1, 3, 28, 28)
        >>> explorer = occlusion_explorer(Custom_CNN(), black, torch.tensor([1]), ["cat", "dog"])
        >>> len(explorer.shares["8"][0])
        11
    """
    chosen = torch.as_tensor(labels).flatten().tolist()
    right = all(label in range(len(names)) for label in chosen)
    what, fix = f"labels from 0 to {len(names) - 1}, one for each name", "give all names"
    expect(right, what, f"{chosen}", fix)
    classes = [names[label] for label in chosen]
    shown, titles = read_pictures(pictures, classes)
    what, size = f"pictures of at least {max(SIZES)}×{max(SIZES)} pixels", shown.shape[1:3]
    expect(min(size) >= max(SIZES), what, write_size(size), "give larger ones")
    mean = pictures.float().mean(dim=(0, 2, 3), keepdim=True).to(pictures.dtype)  # (1, C, 1, 1)
    levels = (to_pixels(mean)[0, 0, 0] * 255).round().astype(int)
    x, fill = prepare(pictures.clone()), prepare(mean).flatten()
    found = {"shares": {}, "leads": {}, "answers": {}, "heats": {}}
    for size in SIZES:
        scores = covered_scores(model, x, size, STRIDE, fill).cpu()  # (N, rows, columns, K)
        what, fix = f"{scores.shape[-1]} names, one for each score of the network", "give all names"
        expect(len(names) == scores.shape[-1], what, len(names), fix)
        fix = "look for the step of its training where they ceased to be finite"
        expect(scores.isfinite().all(), "a network that gives finite scores", "nan or inf", fix)
        shares, leads = _judge(scores, chosen)
        answers = np.array(list(names))[scores.argmax(dim=-1).numpy()]
        heats = [picture_url(colour(lead.numpy(), signed=True)) for lead in leads]
        told = (shares.tolist(), leads.tolist(), answers.tolist(), heats)
        for of_size, values in zip(found.values(), told, strict=True):
            of_size[str(size)] = values
    with untouched(model):
        whole = torch.stack(_judge(model(x).cpu()[:, None, None], chosen), dim=-1)
    colour_of_square = "#" + "".join(f"{level:02x}" for level in levels)
    return OcclusionExplorer(
        shown=shown,
        images=list(map(picture_url, shown)),
        pixels=list(shown.shape[1:3]),
        titles=titles,
        classes=classes,
        colour=colour_of_square,
        whole=whole.flatten(0, 2).tolist(),
        **found,
    )


def _judge(scores: Tensor, labels: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Work out share (per cent) and lead of the true class, rounded, (N, rows, columns) each."""
    index = torch.tensor(labels).view(-1, 1, 1, 1).expand(*scores.shape[:3], 1)
    own = scores.gather(-1, index)
    best_other = scores.scatter(-1, index, -torch.inf).amax(dim=-1, keepdim=True)
    shares = 100 * scores.softmax(dim=-1).gather(-1, index)
    rounded = [(shares, 1), (own - best_other, 2)]
    return tuple(n[..., 0].double().round(decimals=digits) + 0.0 for n, digits in rounded)  # no −0
