"""What a widget shows where no kernel runs: one picture with alt text."""

from __future__ import annotations

import base64
from typing import Any

from cnn_basics.figures import LessonFigure
from cnn_basics.widgets.reruns import close_tree, replace_previous

VIEW = "application/vnd.jupyter.widget-view+json"
_SCREEN_DPI = 100


class WithFallback:
    """Mixin for widgets, named before the ipywidgets class: stores a picture beside the view.

    GitHub, nbconvert and slides show the picture; nbval compares its alt text. Running a cell
    again closes the widgets that the cell made before.

    Example:
        >>> import ipywidgets
        >>> from cnn_basics.figures import new_figure
        >>> class Slider(WithFallback, ipywidgets.IntSlider):
        ...     def still(self):
        ...         return new_figure(alt=f"A slider at {self.value}.")[0]
        >>> Slider(value=3)._repr_mimebundle_()[0]["text/plain"]
        'A slider at 3.'
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - any widget's
        super().__init__(*args, **kwargs)
        replace_previous(self)

    def still(self) -> LessonFigure:
        """Draw the widget's present state.

        Returns:
            A figure whose alt text says what the state shows.
        """
        raise NotImplementedError(f"{type(self).__name__} has no still() that draws its state")

    def close(self) -> None:
        """Close the widget with all its children, on both sides."""
        close_tree(self)
        super().close()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        figure = self.still()
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        data = {
            VIEW: view,
            "image/png": base64.b64encode(figure.to_png()).decode(),
            "text/plain": figure.alt,
        }
        width = round(figure.get_figwidth() * _SCREEN_DPI)
        return data, {"image/png": {"alt": figure.alt, "width": width}}

    def __repr__(self) -> str:
        """Return the kind of widget: the same in every run."""
        return f"<{type(self).__name__}>"
