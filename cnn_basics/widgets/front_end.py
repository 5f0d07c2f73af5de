"""Widgets whose arithmetic runs in the page, so that the pointer never waits for the kernel."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import anywidget

from cnn_basics.widgets.fallback import WithFallback

_STATIC = files("cnn_basics.widgets") / "static"


def read_static(*names: str) -> str:
    """Join files of `static/` into one text, for example one ES module.

    Args:
        names: File names in order; those that do not exist are left out.

    Returns:
        Their text, each followed by an empty line.

    Raises:
        FileNotFoundError: When none of them exists.

    Example:
        >>> "role" in read_static("parts.js")
        True
    """
    found = [(_STATIC / name) for name in names if (_STATIC / name).is_file()]
    if not found:
        raise FileNotFoundError(
            f"expected one of {', '.join(names)} in cnn_basics/widgets/static, found none: "
            "add the file there"
        )
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


class FrontEndWidget(WithFallback, anywidget.AnyWidget):
    """Base of the widgets whose script is `static/parts.js` joined with files of their own.

    A subclass names its files without suffix: `class Lens(FrontEndWidget, static=("lens",))`
    loads `parts.js` and `lens.js` as one ES module (they share names, and import nothing), and
    `parts.css` and `lens.css`. The last script ends in `export default { render }`, where
    `render({ model, el })` returns a function that takes everything down again.
    """

    def __init_subclass__(cls, static: tuple[str, ...] = (), **kwargs: Any) -> None:  # noqa: ANN401
        """Join the scripts and the style sheets."""
        if static:
            cls._esm = read_static("parts.js", *(f"{name}.js" for name in static))
            cls._css = read_static("parts.css", *(f"{name}.css" for name in static))
        super().__init_subclass__(**kwargs)
