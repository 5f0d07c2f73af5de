"""The common parts in a real page: a figure with controls, and what re-running a cell leaves."""

from __future__ import annotations

import re

import pytest
from driving import find_axe_faults, run_all, run_in_kernel, use_dark_theme

REDRAWN = """
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
"""
SHOW = """
height = Slider("height", 3, min=0, max=10)
steep = ipywidgets.Checkbox(description="steep")
more = ipywidgets.Dropdown(description="more", options=["a", "b", "c"])
old = ipywidgets.IntSlider(description="old", max=5)
shown = RedrawnFigure({"height": height, "steep": steep, "more": more, "old": old}, draw)
shown
"""
COMMS = "import comm; print(len(comm.get_comm_manager().comms))"


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(REDRAWN, SHOW)
    opened.wait_for_selector(".cnn-basics-picture img")
    return opened


def wait_for_alt(page, alt: str) -> None:
    page.wait_for_selector(f".cnn-basics-picture img[alt='{alt}']")


def test_keys_move_the_slider_and_the_picture_follows(page, faults):
    page.get_by_role("slider", name="height").focus()
    for value in (4, 5, 6):
        page.keyboard.press("ArrowRight")
        wait_for_alt(page, f"A line that rises to {value}, steep: False, a0.")
    page.keyboard.press("ArrowRight")
    assert "got 7: move on" in page.locator(".cnn-basics-picture [role=alert]").inner_text()
    page.keyboard.press("ArrowRight")
    wait_for_alt(page, "A line that rises to 8, steep: False, a0.")


def test_keys_reach_the_controls_of_ipywidgets_and_escape_leaves(page, faults):
    page.get_by_label("more", exact=True).focus()
    page.keyboard.press("ArrowDown")
    wait_for_alt(page, "A line that rises to 8, steep: False, b0.")
    page.get_by_role("slider", name="old").focus()
    page.keyboard.press("ArrowRight")
    wait_for_alt(page, "A line that rises to 8, steep: False, b1.")
    page.keyboard.press("ArrowLeft")
    page.get_by_label("more", exact=True).focus()
    page.keyboard.press("ArrowUp")
    wait_for_alt(page, "A line that rises to 8, steep: False, a0.")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.classList.contains('widget-vbox')")


def test_the_mouse_does_too(page, faults):
    page.get_by_label("steep").check()
    wait_for_alt(page, "A line that rises to 8, steep: True, a0.")
    box = page.get_by_role("slider", name="height").bounding_box()
    page.mouse.click(box["x"] + 1, box["y"] + box["height"] / 2)
    wait_for_alt(page, "A line that rises to 0, steep: True, a0.")


def test_quick_changes_end_with_the_last_and_do_not_pile_up(page, faults):
    before = int(run_in_kernel(page, "print(shown.drawings)"))
    page.get_by_role("slider", name="height").focus()
    for key in ["ArrowRight"] * 10 + ["ArrowLeft"] * 8:
        page.keyboard.press(key)
    wait_for_alt(page, "A line that rises to 2, steep: True, a0.")
    assert int(run_in_kernel(page, "print(shown.drawings)")) - before <= 18


def test_running_a_cell_again_leaves_no_comms(page, faults):
    run_all(page)
    before = int(run_in_kernel(page, COMMS))
    for _ in range(10):
        run_all(page)
    assert int(run_in_kernel(page, COMMS)) == before
    page.get_by_label("steep").check()
    wait_for_alt(page, "A line that rises to 3, steep: True, a0.")


def test_no_serious_fault_light_or_dark(page, faults):
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    assert re.search(
        "2, steep|3, steep", page.locator(".cnn-basics-picture img").get_attribute("alt")
    )
