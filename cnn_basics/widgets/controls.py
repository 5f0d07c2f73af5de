"""A slider with an accessible name, and what makes ipywidgets usable by keyboard."""

from __future__ import annotations

import anywidget
from traitlets import Float, Int, TraitError, Unicode, Union, validate

from cnn_basics.widgets.front_end import read_static

Number = int | float


class Slider(anywidget.AnyWidget):
    """A slider whose description is its label, for the controls of a `RedrawnFigure`.

    Args:
        description: The visible label, which screen readers say too.
        value: Where it stands at first; `value` changes as it is moved.
        min: Smallest value.
        max: Largest value.
        step: From one value to the next.

    Raises:
        TraitError: When a value lies outside of `min` and `max`.

    Example:
        >>> slider = Slider("padding", 1, min=0, max=3)
        >>> slider.value
        1
    """

    _esm = read_static("parts.js", "slider.js")
    _css = read_static("parts.css")
    description = Unicode().tag(sync=True)
    min = Union([Int(), Float()]).tag(sync=True)
    max = Union([Int(), Float()]).tag(sync=True)
    step = Union([Int(), Float()]).tag(sync=True)
    value = Union([Int(), Float()]).tag(sync=True)

    def __init__(
        self, description: str, value: Number, *, min: Number, max: Number, step: Number = 1
    ) -> None:
        super().__init__(description=description, min=min, max=max, step=step, value=value)

    @validate("value")
    def _inside(self, proposal: dict) -> Number:
        value = proposal["value"]
        if not self.min <= value <= self.max:
            raise TraitError(
                f"expected {self.description} from {self.min} to {self.max}, got {value}: "
                "choose a value in between"
            )
        return value

    def __repr__(self) -> str:
        """Return label and value."""
        return f"<Slider {self.description}: {self.value}>"


class Guard(anywidget.AnyWidget):
    """Invisible; put into a box, it looks after the controls of ipywidgets in that box.

    Their keys stay with them (JupyterLab would take arrows and Enter for the notebook), Escape
    leaves the box, and the handles of sliders get their label as accessible name.
    """

    _esm = read_static("parts.js", "guard.js")

    def __repr__(self) -> str:
        """Return the kind of widget."""
        return "<Guard>"
