"""What all widgets share: scripts from `static/`, a still picture beside the view, controls."""

from __future__ import annotations

import base64
import io
import weakref
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import anywidget
import ipywidgets
import numpy as np
from PIL import Image
from traitlets import Float, Int, TraitError, Unicode, Union, validate

from cnn_basics.expect import expect
from cnn_basics.figures import LessonFigure

VIEW = "application/vnd.jupyter.widget-view+json"
_SCREEN_DPI = 100
_STATIC = files("cnn_basics.widgets") / "static"
# What each cell made, with the number of its run; ipywidgets keeps every widget, and its line to
# the page, until `close()` is called.
_made: dict[str, tuple[str, weakref.WeakSet[ipywidgets.Widget]]] = {}


def read_static(*names: str) -> str:
    """Join those files of `static/` that exist into one text, for example one ES module."""
    found = [path for path in map(_STATIC.joinpath, names) if path.is_file()]
    what = f"one of {', '.join(names)} in cnn_basics/widgets/static"
    expect(found, what, "none", "add the file there", FileNotFoundError)
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


class WithFallback:
    """Mixin, named before the ipywidgets class: stores a picture with alt text beside the view."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - any widget's
        super().__init__(*args, **kwargs)
        replace_previous(self)

    def still(self) -> LessonFigure:
        """Draw the widget's present state, for where no kernel runs; its alt text says it."""
        raise NotImplementedError(f"{type(self).__name__} has no still() that draws its state")

    def close(self) -> None:
        """Close the widget with all its children, on both sides."""
        close_parts(self)
        super().close()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        figure = self.still()
        data = {
            VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.model_id},
            "image/png": base64.b64encode(figure.to_png()).decode(),
            "text/plain": figure.alt,
        }
        width = round(figure.get_figwidth() * _SCREEN_DPI)
        return data, {"image/png": {"alt": figure.alt, "width": width}}

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # the same in every run


class FrontEndWidget(WithFallback, anywidget.AnyWidget):
    """Base of the widgets that run in the page, so that the pointer never waits for the kernel.

    `class Lens(FrontEndWidget, static=("lens",))` loads `parts.js` and `lens.js` as one ES module,
    and their styles; the last script exports `render({ model, el })`, which returns its undoing.
    """

    def __init_subclass__(cls, static: tuple[str, ...] = (), **kwargs: Any) -> None:  # noqa: ANN401
        if static:
            cls._esm = read_static("parts.js", *(f"{name}.js" for name in static))
            cls._css = read_static("parts.css", *(f"{name}.css" for name in static))
        super().__init_subclass__(**kwargs)


class Whole(Int):
    """A trait for a whole number, NumPy's too."""

    def validate(self, obj: object, value: object) -> int:
        """Turn a number of NumPy into one of Python."""
        return super().validate(obj, int(value) if isinstance(value, np.integer) else value)


class Slider(anywidget.AnyWidget):
    """A slider whose `description` is its label, on the screen and for screen readers."""

    _esm = read_static("parts.js", "slider.js")
    _css = read_static("parts.css")
    description = Unicode().tag(sync=True)
    min, max, step, value = (Union([Whole(), Float()]).tag(sync=True) for _ in range(4))

    def __init__(self, description: str, value: float, **ends: float) -> None:
        super().__init__(description=description, value=value, **{"step": 1} | ends)

    @validate("value")
    def _inside(self, proposal: dict) -> float:
        value = proposal["value"]
        what = f"{self.description} from {self.min} to {self.max}"
        inside = self.min <= value <= self.max
        expect(inside, what, value, "choose a value in between", TraitError)
        return value


class Guard(anywidget.AnyWidget):
    """Invisible; in a box, it keeps keys with the controls, names handles, and obeys Escape."""

    _esm = read_static("parts.js", "guard.js")


def picture_url(pixels: np.ndarray, colours: int | None = None, **options: int) -> str:
    """Write a picture, uint8 or floats from 0 to 1, as a PNG in an address of its own."""
    if pixels.dtype != np.uint8:
        pixels = np.rint(255 * pixels).astype(np.uint8)
    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (picture.quantize(colours) if colours else picture).save(buffer, format="png", **options)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def checkbox(description: str, value: bool = False, width: int = 110) -> ipywidgets.Checkbox:
    """Make a box to tick, with its label beside it, `width` pixels wide."""
    return ipywidgets.Checkbox(
        value, description=description, indent=False, layout={"width": f"{width}px"}
    )


def dropdown(
    description: str, options: Sequence[str | tuple[str, str]], width: int = 200
) -> ipywidgets.Dropdown:
    """Make a list to choose from, of values or pairs of what is shown and the value."""
    look = {"layout": {"width": f"{width}px"}}
    return ipywidgets.Dropdown(options=options, description=description, **look)


def hide_unless(needed: bool, controls: Iterable[ipywidgets.DOMWidget]) -> None:
    """Show controls only while they have an effect; their place stays free."""
    for control in controls:
        control.layout.visibility = "visible" if needed else "hidden"


def close_parts(widget: ipywidgets.Widget) -> None:
    """Close a widget's children, layout and style; the widget itself is closed by its `close`."""
    for child in getattr(widget, "children", ()):
        close_parts(child)
        child.close()
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, ipywidgets.Widget):
            part.close()


def replace_previous(widget: ipywidgets.Widget, run: tuple[str, str] | None = None) -> None:
    """Close what an earlier run of the cell that made `widget` made; `run` is cell and run."""
    run = run or running_cell()
    if run is None:
        return
    cell, request = run
    earlier, widgets = _made.get(cell, (request, weakref.WeakSet()))
    if earlier != request:
        for old in list(widgets):
            old.close()
        widgets = weakref.WeakSet()
    widgets.add(widget)
    _made[cell] = (request, widgets)


def running_cell() -> tuple[str, str] | None:
    """Return the id of the running cell and of this run; None where Jupyter does not tell."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None
    message = kernel.get_parent("shell") or {}
    cell = message.get("metadata", {}).get("cellId")
    return (cell, message["header"]["msg_id"]) if cell else None
