"""Two views of one widget stay in step: what is moved in one is shown by both."""

from __future__ import annotations

import pytest
from driving import ask
from moving import ready, scan
from test_widgets import SET_UP, WIDGETS

CELLS = (
    SET_UP,
    *(f"w = widgets.{name}({given})\ndisplay(w, w)" for name, given in WIDGETS.items()),
)
KEYS = {"select": "ArrowDown", "button": "Enter", "slider": "End"}  # the first kind that there is
IN_STEP = """([root, before]) => {
  const seen = [...document.querySelectorAll(`${root} .jp-OutputArea-output`)].map((view) => [
    view.innerText,
    ...[...view.querySelectorAll("input, select")].map((node) => node.value + node.checked),
    ...[...view.querySelectorAll("img")].map((node) => node.src),
  ].join());
  return seen.length === 2 && seen[0] === seen[1] && seen[0] !== before && seen[0];
}"""


@pytest.mark.parametrize("cell", range(1, len(CELLS)), ids=WIDGETS)
def test_both_show_what_is_moved_in_one(page, cell):
    ask(page, "show", cell)
    root = f'[data-test-root="{cell}"]'
    before = page.wait_for_function(IN_STEP, arg=[root, ""]).json_value()
    control = min(ready(scan(page, cell), *KEYS), key=lambda each: [*KEYS].index(each.kind))
    control.focus()
    control.press(KEYS[control.kind])
    page.wait_for_function(IN_STEP, arg=[root, before])
