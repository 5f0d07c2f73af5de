"""Something to move for lesson 10: cover a part of a picture, and watch the network's answer."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.patches import Rectangle
from PIL import Image
from torch import Tensor, nn
from traitlets import Dict, Int, List, TraitError, Unicode, observe, validate

from cnn_basics.expect import expect
from cnn_basics.explain import covered_scores
from cnn_basics.figures import BLACK, DIVERGING, LessonFigure, new_figure, plain_axes
from cnn_basics.model import untouched
from cnn_basics.training import prepare
from cnn_basics.widgets.feature_maps import Prepare, number_titles, read_pictures
from cnn_basics.widgets.parts import FrontEndWidget

SIZES = (8, 12)
STRIDE = 2


class OcclusionExplorer(FrontEndWidget, static=("occlusion",)):
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
        super().__init__(images=[_as_url(picture) for picture in shown], **traits)

    def still(self) -> LessonFigure:
        """Draw the picture with its square, and what each place of the square comes to."""
        leads = np.array(self.leads[str(self.size)][self.picture])
        row, column = self.stride * self.row, self.stride * self.column
        alt = (
            f"Picture {self.titles[self.picture]} with a {self.size}×{self.size} square at row "
            f"{row}, column {column}, and beside it the lead of {self.classes[self.picture]} for "
            "every place of the square."
        )
        return _plot_covered(
            self._shown[self.picture], leads, (row, column), self.size, self.colour, alt
        )

    @validate("picture", "size", "row", "column")
    def _inside(self, proposal: dict) -> int:
        name, value = proposal["trait"].name, proposal["value"]
        allowed = list(self.sizes) if name == "size" else list(range(self._count(name)))
        if allowed:
            what, fix = (
                f"{name} as one of {allowed[0]} to {allowed[-1]}",
                "choose one that there is",
            )
            expect(value in allowed, what, value, fix, TraitError)
        return value

    @observe("size")
    def _keep_inside(self, _: object) -> None:
        """A larger square has fewer places."""
        if self.shares:
            places = self.shares[str(self.size)][0]
            self.row = min(self.row, len(places) - 1)
            self.column = min(self.column, len(places[0]) - 1)

    def _count(self, name: str) -> int:
        """How many values a trait can have; 0 while the widget is being made."""
        if name == "picture" or not self.shares:
            return len(self.titles)
        places = self.shares[str(self.size)][0]
        return len(places if name == "row" else places[0])


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
    colour = (read_pictures(mean, ["mean"])[0, 0, 0] * 255).round().astype(int)
    found = _try_all(model, prepare(pictures), labels, prepare(mean).flatten(), names)
    return OcclusionExplorer(
        shown,
        titles=number_titles(classes),
        classes=classes,
        sizes=list(SIZES),
        pixels=list(shown.shape[1:3]),
        colour="#" + "".join(f"{level:02x}" for level in colour),
        **found,
    )


def _try_all(
    model: nn.Module, x: Tensor, labels: Tensor, fill: Tensor, names: Sequence[str]
) -> dict[str, Any]:
    """Cover every place of every picture with every square."""
    with untouched(model):
        whole = _judge(model(x)[:, None, None], labels)
    found: dict[str, Any] = {"shares": {}, "leads": {}, "answers": {}, "heats": {}}
    found["whole"] = [[share[0][0], lead[0][0]] for share, lead in zip(*whole, strict=True)]
    for size in SIZES:
        scores = covered_scores(model, x, size, STRIDE, fill)  # (N, rows, columns, K)
        shares, leads = _judge(scores, labels)
        found["shares"][str(size)], found["leads"][str(size)] = shares, leads
        found["answers"][str(size)] = np.array(names)[scores.argmax(dim=-1).numpy()].tolist()
        found["heats"][str(size)] = [_as_url(_colour_leads(np.array(lead))) for lead in leads]
    return found


def _judge(scores: Tensor, labels: Tensor) -> tuple[list, list]:
    """The share (per cent) and the lead of the true class, as nested lists (N, rows, columns)."""
    index = labels.view(-1, 1, 1, 1).expand(*scores.shape[:3], 1)
    own = scores.gather(-1, index)
    best_other = scores.scatter(-1, index, -torch.inf).amax(dim=-1, keepdim=True)
    shares = scores.softmax(dim=-1).gather(-1, index)
    return _round(100 * shares, 1), _round(own - best_other, 2)


def _round(values: Tensor, digits: int) -> list:
    """One value for each place, as nested lists without a minus sign on a zero."""
    return (values[..., 0].double().round(decimals=digits) + 0.0).tolist()


def _as_url(picture: np.ndarray) -> str:
    """A picture `(H, W, 3)` from 0 to 1 as a PNG in a URL of its own."""
    buffer = io.BytesIO()
    Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(buffer, format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _plot_covered(
    picture: np.ndarray,
    leads: np.ndarray,
    corner: tuple[int, int],
    size: int,
    colour: str,
    alt: str,
) -> LessonFigure:
    """Show a covered picture, and the lead of its class for each place of the square."""
    figure, (left, right) = new_figure(1, 2, height=2.6, alt=alt)
    left.imshow(picture)
    row, column = corner
    style = {"facecolor": colour, "edgecolor": BLACK, "linewidth": 2, "linestyle": "--"}
    left.add_patch(Rectangle((column - 0.5, row - 0.5), size, size, **style))
    plain_axes(left, "covered picture")
    high = float(np.abs(leads).max()) or 1.0
    image = right.imshow(leads, cmap=DIVERGING, vmin=-high, vmax=high)
    if leads.min() < 0 < leads.max():
        right.contour(leads, levels=[0], colors=BLACK, linewidths=2)
    plain_axes(right, "lead of its class, square here")
    figure.colorbar(image, ax=right, shrink=0.8)
    return figure


def _colour_leads(leads: np.ndarray) -> np.ndarray:
    """Turn leads into a picture with zero in the middle of the colours."""
    high = float(np.abs(leads).max()) or 1.0
    return colormaps[DIVERGING](0.5 + leads / (2 * high))[..., :3]
