"""A figure with controls: every change of a control draws it again, in its place."""

from __future__ import annotations

import base64
import html
import io
import threading
from collections.abc import Callable, Mapping

import ipywidgets
from PIL import Image

from cnn_basics.figures import LessonFigure, figure_to_array
from cnn_basics.widgets.parts import Guard, WithFallback


class RedrawnFigure(WithFallback, ipywidgets.VBox):
    """Controls above a picture that follows them.

    Changes that arrive in a row while the kernel draws are merged by the page into the last one,
    because the picture is drawn before the kernel reports that it is done; changes that drawing
    itself makes lead to one more drawing, of the last state. So nothing piles up, and what stays
    on the screen is never stale.

    Args:
        controls: By the name of the argument that each gives to `draw`. Each needs a
            `description`, its visible label. Widgets without a `value` are shown, not passed on.
        draw: Called with the value of every control; returns the figure, which may be the same
            object every time, with its data changed (that saves most of the time). A
            ValueError is shown as its sentence in place of the picture.
        layout_of_controls: A box that arranges the controls; None puts them into rows that wrap.

    Example:
        >>> from cnn_basics.figures import new_figure
        >>> from cnn_basics.widgets import Slider
        >>> size = Slider("size", 1, min=1, max=5)
        >>> shown = RedrawnFigure({"size": size}, lambda size: new_figure(alt=f"{size} rows")[0])
        >>> size.value = 3
        >>> shown.picture.value.endswith('alt="3 rows">')
        True
    """

    def __init__(
        self,
        controls: Mapping[str, ipywidgets.Widget],
        draw: Callable[..., LessonFigure],
        layout_of_controls: ipywidgets.Box | None = None,
    ) -> None:
        self.controls = dict(controls)
        self.draw = draw
        self.drawings = 0  # how often the picture was drawn
        self.picture = ipywidgets.HTML()
        self.picture.add_class("cnn-basics-picture")
        self._drawing = self._again = False
        # A cell may move a control while the page does: JupyterLab's kernels hear the page in a
        # thread of its own.
        self._lock = threading.RLock()
        for control in self._inputs().values():
            control.observe(self._changed, names="value")
            if hasattr(control, "style") and "description_width" in control.style.trait_names():
                control.style.description_width = "initial"
        box = layout_of_controls or wrapping_row(*self.controls.values())
        super().__init__([box, self.picture, Guard()])
        self.redraw()

    def values(self) -> dict[str, object]:
        """Return the value of every control, by name."""
        return {name: control.value for name, control in self._inputs().items()}

    def redraw(self) -> None:
        """Draw the present state, as often as drawing itself changes a control."""
        with self._lock:
            self._again = True
            if self._drawing:
                return
            self._drawing = True
            try:
                while self._again:
                    self._again = False
                    self.drawings += 1
                    self.picture.value = self._picture()
            finally:
                self._drawing = False

    def still(self) -> LessonFigure:
        """Draw the present state for where no kernel runs."""
        try:
            return self.draw(**self.values())
        except ValueError as error:
            return sentence_figure(str(error))

    def _inputs(self) -> dict[str, ipywidgets.Widget]:
        return {name: c for name, c in self.controls.items() if c.has_trait("value")}

    def _changed(self, _: object) -> None:
        self.redraw()

    def _picture(self) -> str:
        try:
            figure = self.draw(**self.values())
        except ValueError as error:
            return f'<p role="alert" style="max-width: 45em">{html.escape(str(error))}</p>'
        return figure_to_html(figure)


def wrapping_row(*widgets: ipywidgets.Widget) -> ipywidgets.HBox:
    """Put widgets into a row that goes on below where the page is too narrow."""
    layout = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
    return ipywidgets.HBox(widgets, layout=layout)


def figure_to_html(figure: LessonFigure, sharpness: float = 1.0) -> str:
    """Draw a figure as an `<img>` that needs no file.

    Args:
        figure: With alt text.
        sharpness: Pixels drawn for each pixel of a plain screen; 2 stays sharp when enlarged to
            200 %, and takes about twice as long.

    Raises:
        ValueError: When the figure has no alt text.
    """
    if not figure.alt.strip():
        raise ValueError("expected a figure with alt text, got none: set figure.alt")
    buffer = io.BytesIO()
    dpi = figure.get_dpi()
    figure.set_dpi(dpi * sharpness)
    picture = Image.fromarray(figure_to_array(figure))
    figure.set_dpi(dpi)
    picture.save(buffer, format="png", compress_level=1)
    data = base64.b64encode(buffer.getvalue()).decode()
    width, height = (round(pixels / sharpness) for pixels in picture.size)
    return (
        f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'decoding="sync" style="max-width: 100%; height: auto" alt="{html.escape(figure.alt)}">'
    )


def sentence_figure(sentence: str) -> LessonFigure:
    """Write a sentence, such as why there is nothing to draw, as a picture of its own."""
    import textwrap

    figure = LessonFigure(figsize=(7.0, 0.9))
    figure.alt = sentence
    figure.text(0.02, 0.5, textwrap.fill(sentence, 90), va="center", fontsize=10)
    return figure
