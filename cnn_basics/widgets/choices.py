"""Boxes to tick and lists to choose from, as wide as their words need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ipywidgets


def checkbox(description: str, value: bool = False, width: int = 110) -> ipywidgets.Checkbox:
    """Make a box to tick, with its label beside it.

    Args:
        description: The label.
        value: Whether it is ticked at first.
        width: In pixels.

    Returns:
        The box.

    Example:
        >>> checkbox("grey").value
        False
    """
    layout = {"width": f"{width}px"}
    return ipywidgets.Checkbox(value, description=description, indent=False, layout=layout)


def dropdown(
    description: str, options: Sequence[str | tuple[str, str]], width: int = 200
) -> ipywidgets.Dropdown:
    """Make a list to choose from.

    Args:
        description: The label.
        options: The values, or pairs of what is shown and the value.
        width: In pixels, with the label.

    Returns:
        The list, at its first value.

    Example:
        >>> dropdown("mode", ["training", "evaluation"]).value
        'training'
    """
    layout = {"width": f"{width}px"}
    return ipywidgets.Dropdown(options=options, description=description, layout=layout)


def hide_unless(needed: bool, controls: Iterable[ipywidgets.DOMWidget]) -> None:
    """Show controls only while they have an effect; their place stays free.

    Args:
        needed: Whether they have one.
        controls: Any widgets with a layout.

    Example:
        >>> box = checkbox("grey")
        >>> hide_unless(False, [box])
        >>> box.layout.visibility
        'hidden'
    """
    for control in controls:
        control.layout.visibility = "visible" if needed else "hidden"
