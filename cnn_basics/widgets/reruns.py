"""Close what an earlier run of the same cell made, so that running a cell again leaks nothing.

ipywidgets keeps every widget, and its line to the page, until `close()` is called, and a cell
that is run again makes new ones. Jupyter tells with each run which cell it runs (`cellId` in the
message, sent by JupyterLab and Notebook); where it does not, nothing is closed.
"""

from __future__ import annotations

import weakref

from ipywidgets import Widget

_made: dict[str, tuple[str, weakref.WeakSet[Widget]]] = {}


def close_tree(widget: Widget) -> None:
    """Close a widget's children, layout and style; the widget itself is closed by its `close`."""
    for child in getattr(widget, "children", ()):
        close_tree(child)
        child.close()
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, Widget):
            part.close()


def replace_previous(widget: Widget, run: tuple[str, str] | None = None) -> None:
    """Note which cell makes `widget`, and close what an earlier run of that cell made.

    Args:
        widget: Just made; others that the same run made stay open.
        run: The cell and the number of the run; None asks Jupyter.
    """
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
    """Return the id of the cell that is running and of this run, or None outside of Jupyter."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None
    message = kernel.get_parent("shell") or {}
    cell = message.get("metadata", {}).get("cellId")
    return (cell, message["header"]["msg_id"]) if cell else None
