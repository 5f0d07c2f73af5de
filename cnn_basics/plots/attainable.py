"""A roofline that is drawn again and again, with one layer of a network below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter, NullFormatter

from cnn_basics.figures import BLACK, BLUE, ORANGE, LessonFigure
from cnn_basics.plots.reused import fixed_figure

if TYPE_CHECKING:
    from cnn_basics.by_hand.fast import Machine

GIGA = 1e9
INTENSITIES = (0.1, 1000.0)  # operations for each byte, from left to right
SPEEDS = (0.5, 2000.0)  # billion operations per second, from bottom to top
_BOXES = [(0.085, 0.16, 0.47, 0.8)]
_LINES = 9


class RooflineFigure:
    """Draws a machine's roof, a layer's best point below it, and the one of im2col.

    Example:
        >>> from cnn_basics.by_hand.fast import Machine
        >>> drawing = RooflineFigure()
        >>> drawing.update(Machine(1e11, 2e10), (40.0, 2.0), ["two lines", "of words"], "A roof.")
        <LessonFigure: A roof.>
    """

    def __init__(self) -> None:
        self.figure, (axes,) = fixed_figure(_BOXES, width=7.6, height=3.1)
        axes.set(xscale="log", yscale="log", xlim=INTENSITIES, ylim=SPEEDS)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("arithmetic intensity (operations for each byte)", fontsize=9)
        axes.set_ylabel("billion operations per second", fontsize=9)
        axes.grid(color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        (self._roof,) = axes.plot([], [], color=BLACK, lw=2)
        self._drops = [axes.plot([], [], color="0.5", lw=1, linestyle=":")[0] for _ in range(2)]
        looks = (("o", BLUE, "each number once"), ("s", ORANGE, "im2col through memory"))
        self._points = [
            axes.plot([], [], marker, color=colour, mec=BLACK, ms=9, label=label)[0]
            for marker, colour, label in looks
        ]
        axes.legend(loc="upper left", fontsize=8, framealpha=1)
        self._words = [
            self.figure.text(0.59, 0.93 - 0.105 * line, "", fontsize=9, va="top")
            for line in range(_LINES)
        ]
        self.figure.moves(self._roof, *self._drops, *self._points)
        self.figure.writes(*self._words)

    def update(
        self, machine: Machine, intensities: tuple[float, float], words: list[str], alt: str
    ) -> LessonFigure:
        """Show another state.

        Args:
            machine: Its peak and its bandwidth.
            intensities: Operations for each byte, if every number is moved once, and with im2col's
                columns in memory; what lies outside of the axes is drawn at their edge.
            words: At most 9 lines, written at the right.
            alt: What the picture shows.

        Returns:
            The same figure each time.
        """
        places = (INTENSITIES[0], machine.ridge, INTENSITIES[1])
        self._roof.set_data(places, [machine.attainable(x) / GIGA for x in places])
        for point, drop, intensity in zip(self._points, self._drops, intensities, strict=True):
            x = min(max(intensity, INTENSITIES[0]), INTENSITIES[1])
            y = machine.attainable(x) / GIGA
            point.set_data([x], [y])
            drop.set_data([x, x], [SPEEDS[0], y])
        for index, text in enumerate(self._words):
            text.set_text(words[index] if index < len(words) else "")
        self.figure.alt = alt
        return self.figure
