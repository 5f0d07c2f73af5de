"""What the tests of the widgets that the kernel draws share: every value of every control."""

from __future__ import annotations

import html
from collections.abc import Iterator

import ipywidgets


def every_value(control: ipywidgets.Widget) -> list:
    """All values that a control can take."""
    if hasattr(control, "options"):
        return [each if isinstance(each, str) else each[1] for each in control.options]
    if hasattr(control, "step"):
        count = round((control.max - control.min) / control.step)
        return [round(control.min + k * control.step, 6) for k in range(count + 1)]
    return [True, False]


def sweep(widget) -> Iterator[str]:
    """Give every control every value, the others as they are; tell which control was moved.

    Every change draws once, always the same figure, and the page shows that or a refusal.
    """
    figure = widget.still()
    for name, control in widget.controls.items():
        before = control.value
        for value in every_value(control):
            drawings, changed = widget.drawings, control.value != value
            control.value = value
            assert widget.values()[name] == value
            assert widget.drawings == drawings + changed
            shown = f'alt="{html.escape(figure.alt)}"' in widget.picture.value
            assert shown != ('role="alert"' in widget.picture.value)
            yield name
        control.value = before
