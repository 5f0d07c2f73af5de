"""What test_lessons.py relies on notices widgets that are broken on purpose."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, run_in_kernel
from moving import ask, count_open, find_quick_faults, move_everything, scan

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
CELLS = {
    "good": "show(new('good'), lambda c: [c['new']])",
    "raises": "show(new('raises'), lambda c: [1 / (3 - c['new'])])",
    "dead": "show(new('dead'), lambda c: ['always'])",
    "stale": "show(new('stale'), lambda c: [c['old']])",
    "piles up": "show(new('piles up'), lambda c: [*'abcdef', c['new']])",
    "unlabelled": "w.HBox([w.HTML('<input type=range>'), new('beside')])",
    "still": "w.HTML('nothing to move')",
    "strange": "w.HTML('<a href=#there>a link</a>')",
}
PLACES = {name: place for place, name in enumerate(CELLS, 1)}


@pytest.fixture(scope="module")
def page(open_notebook):
    return open_notebook(BROKEN, *CELLS.values())


@pytest.fixture
def show(page, faults):
    def show_cell(name: str) -> int:
        ask(page, "show", PLACES[name])
        return PLACES[name]

    return show_cell


def test_a_good_widget_has_no_fault(page, show, faults):
    assert move_everything(page, [show("good")]) == []
    assert find_quick_faults(scan(page, PLACES["good"])) == []


def test_an_exception_in_a_callback_is_noticed(page, show, faults):
    move_everything(page, [show("raises")])
    assert set(faults) == {"kernel, after comm_msg: ZeroDivisionError: division by zero"}
    faults.clear()


def test_a_word_on_stderr_is_noticed(page, faults):
    run_in_kernel(page, "import sys; print('careful', file=sys.stderr)")
    assert faults == ["kernel, stderr: careful\n"]
    faults.clear()


def test_a_console_error_and_a_request_elsewhere_are_noticed(page, faults):
    page.evaluate("console.error('so'); fetch('http://example.org/x').catch(() => {})")
    page.wait_for_timeout(100)
    assert "console: so ()" in faults
    assert "request to http://example.org/x" in faults
    faults.clear()


def test_a_dead_control_is_noticed(page, show, faults):
    found = move_everything(page, [show("dead")])
    assert found == ["slider “dead” is dead, moved by mouse"] or len(found) == 2


def test_a_stale_picture_is_noticed(page, show, faults):
    (fault,) = find_quick_faults(scan(page, show("stale")))
    assert fault == "slider “stale”: quick keys leave what belongs to another value"


def test_pictures_that_pile_up_are_noticed(page, show, faults):
    (fault,) = find_quick_faults(scan(page, show("piles up")))
    assert "pictures after the last key" in fault


def test_a_control_without_a_name_is_noticed(page, show, faults):
    cell = show("unlabelled")
    (fault,) = find_axe_faults(page, f'[data-test-root="{cell}"]')
    assert fault.startswith("label (critical)")


def test_a_widget_without_a_control_is_noticed(page, show, faults):
    assert move_everything(page, [show("still")]) == [f"cell {PLACES['still']} has nothing to move"]


def test_an_unknown_kind_of_control_is_noticed(page, show, faults):
    assert move_everything(page, [show("strange")])[0].startswith("unknown kind of control: <a")


def test_a_cell_that_leaves_widgets_open_is_noticed(page, faults):
    before = count_open(page)
    ask(page, "runAgain", PLACES["good"], 1)
    assert count_open(page) != before
