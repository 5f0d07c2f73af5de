"""What test_lessons.py relies on notices widgets that are broken on purpose."""

from __future__ import annotations

import pytest
from driving import ask, find_axe_faults, run_in_kernel
from moving import count_open, find_quick_faults, move_everything, scan

BROKEN = """
import ipywidgets as w
from cnn_basics.widgets import Slider

def show(slider, make):
    shown = w.HTML(f"<img alt='0' src='data:,'>")
    def follow(change):
        for text in make(change):
            shown.value = f"<img alt='{text}' src='data:,{text}'>"
    slider.observe(follow, names="value")
    return w.VBox([slider, shown])

def new(name):
    return Slider(name, 2, min=0, max=6)
"""
SHOWN = {
    "good": "show(new('good'), lambda c: [c['new']])",
    "raises": "show(new('raises'), lambda c: [1 / (3 - c['new'])])",
    "dead": "show(new('dead'), lambda c: ['always'])",
    "stale": "show(new('stale'), lambda c: [c['old']])",
    "piles up": "show(new('piles up'), lambda c: [*'abcdef', c['new']])",
    "unlabelled": "w.HBox([w.HTML('<input type=range>'), new('beside')])",
    "still": "w.HTML('nothing to move')",
    "strange": "w.HTML('<a href=#there>a link</a>')",
}
CELLS = (BROKEN, *SHOWN.values())


def find(page, name: str, how: str = "all") -> str:
    """Show one of the widgets, and return what is wrong when it is moved."""
    cell = CELLS.index(SHOWN[name])
    ask(page, "show", cell)
    if how == "axe":
        return str(find_axe_faults(page, f'[data-test-root="{cell}"]'))
    return str(
        move_everything(page, [cell]) if how == "all" else find_quick_faults(scan(page, cell))
    )


@pytest.mark.parametrize(
    ("name", "how", "fault"),
    [
        ("good", "all", "[]"),
        ("good", "quick", "[]"),
        ("good", "axe", "[]"),
        ("dead", "all", "slider “dead” is dead, moved by mouse"),
        ("stale", "quick", "slider “stale”: quick keys leave what belongs to another value"),
        ("piles up", "quick", "pictures after the last key"),
        ("unlabelled", "axe", "label (critical)"),
        ("still", "all", "has nothing to move"),
        ("strange", "all", "unknown kind of control: <a"),
    ],
)
def test_a_broken_widget_is_noticed(page, name, how, fault):
    assert fault in find(page, name, how)


def test_what_is_said_beside_it_is_noticed(page, faults):
    """In callbacks, on stderr, on the console, and to another machine."""
    find(page, "raises")
    run_in_kernel(page, "import sys; print('careful', file=sys.stderr)")
    page.evaluate("console.error('so'); fetch('http://example.org/x').catch(() => {})")
    page.wait_for_timeout(100)
    said = {"kernel, stderr: careful\n", "console: so ()", "request to http://example.org/x"}
    assert said | {"kernel, after comm_msg: ZeroDivisionError: division by zero"} <= set(faults)
    faults.clear()


def test_a_cell_that_leaves_widgets_open_is_noticed(page):
    before = count_open(page)
    ask(page, "runAgain", 1, 1)
    assert count_open(page) != before
