"""The common parts in a real page: a figure with controls, and what re-running a cell leaves."""

from __future__ import annotations

import pytest
from driving import PICTURE, choose, click_at, press, press_on, run_all, run_in_kernel, wait_for
from moving import count_open

CELLS = (
    """
import ipywidgets
from cnn_basics.figures import new_figure
from cnn_basics.widgets import RedrawnFigure, Slider

figure, axes = new_figure(width=4, height=2, alt="A line.")
line, = axes[0].plot([0, 1, 2], [0, 0, 0])
axes[0].set_ylim(0, 10)

def draw(height, steep, more, old):
    if height == 7:
        raise ValueError("expected any number but 7, got 7: move on")
    line.set_ydata([0, height, height * (2 if steep else 1)])
    figure.alt = f"A line that rises to {height}, steep: {steep}, {more}{old}."
    return figure
""",
    """
height = Slider("height", 3, min=0, max=10)
steep = ipywidgets.Checkbox(description="steep")
more = ipywidgets.Dropdown(description="more", options=["a", "b", "c"])
old = ipywidgets.IntSlider(description="old", max=5)
shown = RedrawnFigure({"height": height, "steep": steep, "more": more, "old": old}, draw)
shown
""",
)


@pytest.fixture(autouse=True)
def at_the_start(fresh):
    wait_for(fresh, "A line that rises to 3, steep: False, a0.")


def test_keys_move_every_control_and_escape_leaves(page):
    for value in (4, 5, 6):
        press(page, "height", "ArrowRight")
        wait_for(page, f"A line that rises to {value}, steep: False, a0.")
    press(page, "height", "ArrowRight")
    assert "got 7: move on" in page.locator(".cnn-basics-picture [role=alert]").inner_text()
    press(page, "height", "ArrowRight")
    wait_for(page, "A line that rises to 8, steep: False, a0.")
    press_on(page, "more", "ArrowDown")
    wait_for(page, "steep: False, b0.")
    press(page, "old", "ArrowRight")
    wait_for(page, "steep: False, b1.")
    press_on(page, "more", "ArrowUp", "Escape")
    wait_for(page, "steep: False, a1.")
    assert page.evaluate("document.activeElement.classList.contains('widget-vbox')")


def test_the_mouse_does_too(page):
    page.get_by_label("steep").check()
    choose(page, "more", "c")
    click_at(page, "height", 0.01)
    wait_for(page, "A line that rises to 0, steep: True, c0.")


def test_quick_changes_end_with_the_last_and_do_not_pile_up(page):
    before = int(run_in_kernel(page, "print(shown.drawings)"))
    press(page, "height", *["ArrowRight"] * 7, *["ArrowLeft"] * 8)
    wait_for(page, "A line that rises to 2, steep: False, a0.")
    assert int(run_in_kernel(page, "print(shown.drawings)")) - before <= 15


def test_running_a_cell_again_leaves_nothing_open(page):
    before = count_open(page)
    for _ in range(10):
        run_all(page)
    assert count_open(page) == before
    page.get_by_label("steep").check()
    page.wait_for_selector(f"{PICTURE}[alt='A line that rises to 3, steep: True, a0.']")
