"""A picture before and after its channels were mixed, with the histogram of the result."""

from __future__ import annotations

import numpy as np
from matplotlib.patches import StepPatch

from cnn_basics.figures import BLACK, LessonFigure, plain_axes
from cnn_basics.images import check_picture
from cnn_basics.plots.pictures import NAMES, STYLES
from cnn_basics.plots.reused import PercentAxis, fixed_figure, percentages

_EDGES = np.arange(0, 257, 8)
_LEGEND = {
    "loc": "lower center",
    "fontsize": 8,
    "frameon": False,
    "handlelength": 1.8,
    "columnspacing": 1.0,
}
_BOXES = [(0.01, 0.27, 0.29, 0.6), (0.32, 0.27, 0.29, 0.6), (0.69, 0.34, 0.29, 0.48)]


class MixerFigure:
    """Draws one picture as it is, and beside it what became of it.

    Args:
        image: `(H, W, 3)` uint8, values 0 to 255.

    Example:
        >>> image = np.zeros((28, 28, 3), dtype=np.uint8)
        >>> MixerFigure(image).update(image, ["red = red"], "A black square.").alt
        'A black square.'
    """

    def __init__(self, image: np.ndarray) -> None:
        self.figure, (before, after, histogram) = fixed_figure(_BOXES, width=7.6, height=2.8)
        for axes, title in ((before, "before"), (after, "after")):
            axes.imshow(check_picture(image))
            axes.set_anchor("N")
            plain_axes(axes, title)
        looks = [*zip(NAMES, STYLES, strict=True), ("grey", ("-", BLACK))]
        nothing = np.zeros(len(_EDGES) - 1)
        self._steps = [
            histogram.stairs(nothing, _EDGES, label=name, linestyle=line, color=colour, lw=1.8)
            for name, (line, colour) in looks
        ]
        histogram.set_xlabel("value after", fontsize=9, labelpad=1)
        histogram.set_xlim(0, 256)
        histogram.set_xticks([0, 128, 255])
        histogram.tick_params(labelsize=8)
        self._percent = PercentAxis(histogram)
        self._named = 0  # how many lines the legend names
        self._axes, self._picture = histogram, after.images[0]
        self._words = [self.figure.text(0.01, y, "", fontsize=9) for y in (0.115, 0.04)]
        self._beyond = histogram.text(
            0.5, 0.97, "", transform=histogram.transAxes, fontsize=8, ha="center", va="top"
        )
        self.figure.moves(self._picture, *self._steps, self._beyond)
        self.figure.writes(*self._words, *self._percent.labels)

    def update(self, mixed: np.ndarray, words: list[str], alt: str) -> LessonFigure:
        """Show another result.

        Args:
            mixed: `(H, W, 3)` coloured or `(H, W)` grey, uint8, values 0 to 255.
            words: One or two lines, written below.
            alt: What the picture shows.

        Returns:
            The same figure each time.
        """
        coloured = mixed.ndim == 3
        self._picture.set_data(mixed if coloured else np.stack([mixed] * 3, axis=-1))
        layers = np.moveaxis(mixed, -1, 0) if coloured else mixed[None]
        shown = self._steps[:3] if coloured else self._steps[3:]
        self._draw_steps(shown, [percentages(layer, _EDGES) for layer in layers])
        for text, line in zip(self._words, (*words, ""), strict=False):
            text.set_text(line)
        self.figure.alt = alt
        return self.figure

    def _draw_steps(self, shown: list[StepPatch], heights: list[np.ndarray]) -> None:
        """Draw the histogram; what piles up at either end may leave the frame, and is named."""
        limit = self._percent.fit(*(bars[1:-1] for bars in heights))
        for step in self._steps:
            step.set_visible(step in shown)
        if len(shown) != self._named:
            self._named = len(shown)
            self._axes.legend(handles=shown, ncols=3, bbox_to_anchor=(0.5, 0.98), **_LEGEND)
            self.figure.turn_to(len(shown))
        beyond = []
        for step, bars in zip(shown, heights, strict=True):
            step.set_data(bars)
            for end, values in ((0, "0–7"), (-1, "248–255")):
                if bars[end] > limit:
                    beyond.append(f"{step.get_label()} {bars[end]:.0f} % at {values}")
        self._beyond.set_text("\n".join(beyond[:3]))
