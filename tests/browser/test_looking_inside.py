"""The feature-map browser and the occlusion explorer in a real page, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, run_in_kernel, use_dark_theme
from playwright.sync_api import expect

SET_UP = """
import torch
from cnn_basics import datasets, widgets
from cnn_basics.model import Custom_CNN
_ = torch.manual_seed(1)
model = Custom_CNN()
pictures, labels, _ = datasets.load_pictures("test_set", limit=1)
"""
BROWSER = "widgets.feature_map_browser(model, pictures, ['cat', 'dog'])"
EXPLORER = "w = widgets.occlusion_explorer(model, pictures, labels, ['cat', 'dog'])\nw"


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(SET_UP, BROWSER, EXPLORER)
    wait_for(opened, "conv1, channel 0 of 32:")
    opened.wait_for_selector(".cb-covered image")
    return opened


def wait_for(page, words: str) -> None:
    page.wait_for_selector(f'.cnn-basics-picture img[alt*="{words}"]')


def alt(page) -> str:
    return page.locator(".cnn-basics-picture img").get_attribute("alt")


def kernel(page, code: str) -> str:
    return run_in_kernel(page, f"print({code})").strip()


# --- the browser ---


def test_channels_by_key_and_by_mouse(page, faults):
    slider = page.get_by_role("slider", name="channel")
    slider.focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, "conv1, channel 1 of 32:")
    page.keyboard.press("End")
    wait_for(page, "conv1, channel 31 of 32:")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    wait_for(page, "conv1, channel 0 of 32:")


def test_steps_by_list_take_the_slider_along(page, faults):
    page.get_by_label("step", exact=True).select_option(index=3)
    wait_for(page, "conv2, channel 0 of 64:")
    page.get_by_role("slider", name="channel").focus()
    page.keyboard.press("End")
    wait_for(page, "conv2, channel 63 of 64:")
    page.get_by_label("step", exact=True).focus()
    page.keyboard.press("Home")
    wait_for(page, "conv1, channel 31 of 32:")
    assert page.get_by_role("slider", name="channel").input_value() == "31"


def test_pictures_by_key(page, faults):
    select = page.get_by_label("picture", exact=True).first
    select.focus()
    page.keyboard.press("ArrowDown")
    wait_for(page, "Picture 2: dog and its feature maps.")
    page.keyboard.press("ArrowUp")
    wait_for(page, "Picture 1: cat and its feature maps.")
    assert "Colours of all maps of this step: blue" in alt(page)


# --- the explorer ---


@pytest.fixture
def fresh(page):
    run_in_kernel(page, "w.picture, w.size = 0, 8; w.row, w.column = 0, 0")
    at(page, 0, 0)
    page.locator(".cb-cover").scroll_into_view_if_needed()
    return page


def at(page, row: int, column: int) -> None:
    """The square lies at this place, in the drawing, in words and in numbers."""
    square = page.locator(".cb-square")
    expect(square).to_have_attribute("y", str(2 * row))
    expect(square).to_have_attribute("x", str(2 * column))
    expect(page.locator(".cb-told .cb-live")).to_contain_text(
        f"Square at row {2 * row}, column {2 * column}: the lead of "
    )
    share = kernel(page, f"int(w.shares[str(w.size)][w.picture][{row}][{column}] + 0.5)")
    lead = kernel(page, f"w.leads[str(w.size)][w.picture][{row}][{column}]")
    lead = f"{float(lead):g}".replace("-", "−")
    expect(page.locator(".cb-shares dd").nth(1)).to_have_text(f"{share} %, lead {lead}")
    assert kernel(page, "(w.row, w.column)") == f"({row}, {column})"


def centre(page, row: float, column: float, size: int = 8) -> tuple[float, float]:
    """Where on the screen the middle of a square is that lies at this place."""
    box = page.locator(".cb-covered").bounding_box()
    pixel = box["width"] / 28
    return (
        box["x"] + (2 * column + size / 2) * pixel,
        box["y"] + (2 * row + size / 2) * pixel,
    )


def test_the_square_is_dragged(fresh, faults):
    page = fresh
    page.mouse.move(*centre(page, 0, 0))
    page.mouse.down()
    for row, column in [(1, 1), (2, 3), (4, 6)]:
        page.mouse.move(*centre(page, row, column), steps=3)
        expect(page.locator(".cb-square")).to_have_attribute("x", str(2 * column))
    page.mouse.move(*centre(page, 30, 30), steps=3)
    page.mouse.up()
    at(page, 10, 10)
    page.mouse.move(*centre(page, 2, 2))
    at(page, 10, 10)  # let go, it stays
    page.mouse.click(*centre(page, 5, 0))
    at(page, 5, 0)


def test_arrow_keys_move_the_square_and_stop_at_the_edge(fresh, faults):
    page = fresh
    page.locator(".cb-cover").focus()
    for key in ("ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    at(page, 0, 0)
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    at(page, 3, 1)
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    at(page, 3, 10)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.cb-panel')") is None


def test_sliders_by_keys_over_their_range(fresh, faults):
    page = fresh
    page.get_by_role("slider", name="row").focus()
    for row in range(1, 11):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".cb-square")).to_have_attribute("y", str(2 * row))
    at(page, 10, 0)
    page.get_by_role("slider", name="column").focus()
    page.keyboard.press("End")
    at(page, 10, 10)
    label = page.get_by_role("slider", name="column")
    assert label.get_attribute("aria-valuetext") == "20"


def test_a_larger_square_stays_on_the_picture(fresh, faults):
    page = fresh
    run_in_kernel(page, "w.row, w.column = 10, 10")
    page.get_by_label("square", exact=True).select_option("12×12")
    expect(page.locator(".cb-square")).to_have_attribute("width", "12")
    at(page, 8, 8)
    page.get_by_label("square", exact=True).select_option("8×8")
    at(page, 8, 8)
    assert page.get_by_role("slider", name="row").get_attribute("max") == "10"


def test_another_picture_and_the_most_telling_place(fresh, faults):
    page = fresh
    page.get_by_label("picture", exact=True).last.select_option("2: dog")
    whole = kernel(page, "int(w.whole[1][0] + 0.5)")
    expect(page.locator(".cb-shares dd").first).to_contain_text(f"{whole} %, lead ")
    at(page, 0, 0)
    page.get_by_role("button", name="To the most telling place").click()
    found = "divmod(min(range(121), key=lambda k: w.leads['8'][1][k // 11][k % 11]), 11)"
    row, column = map(int, kernel(page, found).strip("()").split(","))
    at(page, row, column)
    answer = kernel(page, f"w.answers['8'][1][{row}][{column}]")
    expect(page.locator(".cb-told .cb-live")).to_contain_text(f"answers {answer}")


def test_a_click_on_the_map_of_places_goes_there(fresh, faults):
    page = fresh
    box = page.locator(".cb-places").bounding_box()
    cell = box["width"] / 11
    page.mouse.click(box["x"] + 7.5 * cell, box["y"] + 2.5 * cell)
    at(page, 2, 7)
    expect(page.locator(".cb-mark")).to_have_attribute("x", "7")


def test_places_where_the_network_is_fooled_have_dots(fresh, faults):
    page = fresh
    dots = "f'M{c + .5:g} {r + .5:g}h0' for r in range(11) for c in range(11)"
    wanted = kernel(page, f"''.join({dots} if w.leads['8'][1][r][c] < 0)")
    run_in_kernel(page, "w.picture = 1")
    at(page, 0, 0)
    assert page.locator(".cb-fooled").get_attribute("d") == wanted


def test_python_moves_the_square(fresh, faults):
    page = fresh
    run_in_kernel(page, "w.picture = 1; w.row = 4; w.column = 9")
    at(page, 4, 9)
    href = page.locator(".cb-covered image").get_attribute("href")
    assert href == kernel(page, "w.images[1]")


def test_no_serious_fault_light_dark_or_narrow(fresh, faults):
    page = fresh
    for selector in (".cb-panel:has(.cb-covered)", ".widget-vbox"):
        assert find_axe_faults(page, selector) == []
    use_dark_theme(page)
    for selector in (".cb-panel:has(.cb-covered)", ".widget-vbox"):
        assert find_axe_faults(page, selector) == []
    page.set_viewport_size({"width": 600, "height": 450})  # as at 200 % zoom
    panel = page.locator(".cb-panel:has(.cb-covered)")
    assert find_axe_faults(page, ".cb-panel:has(.cb-covered)") == []
    assert panel.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
