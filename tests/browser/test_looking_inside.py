"""The feature-map browser and the occlusion explorer in a real page, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from driving import PICTURE, choose, click_at, press, press_on, run_in_kernel, wait_for
from playwright.sync_api import expect

CELLS = (
    """
import torch
from cnn_basics import datasets, widgets
from cnn_basics.model import Custom_CNN
_ = torch.manual_seed(1)
model = Custom_CNN()
pictures, labels, _ = datasets.load_pictures("test_set", limit=1)
""",
    "widgets.feature_map_browser(model, pictures, ['cat', 'dog'])",
    "w = widgets.occlusion_explorer(model, pictures, labels, ['cat', 'dog'])\nw",
)


def kernel(page, code: str) -> str:
    return run_in_kernel(page, f"print({code})").strip()


# --- the browser ---


def test_channels_steps_and_pictures(page):
    wait_for(page, "conv1, channel 0 of 32:")
    press(page, "channel", "ArrowRight")
    wait_for(page, "conv1, channel 1 of 32:")
    press(page, "channel", "End")
    wait_for(page, "conv1, channel 31 of 32:")
    click_at(page, "channel", 0.01)
    wait_for(page, "conv1, channel 0 of 32:")
    page.get_by_label("step", exact=True).select_option(index=3)
    wait_for(page, "conv2, channel 0 of 64:")
    press(page, "channel", "End")
    wait_for(page, "conv2, channel 63 of 64:")
    press_on(page, "step", "Home")  # takes the slider along
    wait_for(page, "conv1, channel 31 of 32:")
    assert page.get_by_role("slider", name="channel").input_value() == "31"
    press_on(page, "picture", "ArrowDown")
    wait_for(page, "Picture 2: dog and its feature maps.")
    press_on(page, "picture", "ArrowUp")
    wait_for(page, "Picture 1: cat and its feature maps.")
    assert "Colours of all maps of this step: blue" in page.locator(PICTURE).get_attribute("alt")


# --- the explorer ---


@pytest.fixture
def square(page):
    """The page, the square in the corner of the first picture."""
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


def test_the_square_is_dragged(page, square):
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


def test_arrow_keys_move_the_square_and_stop_at_the_edge(page, square):
    cover = page.locator(".cb-cover")
    for keys, place in (("ArrowUp ArrowLeft", (0, 0)), ("ArrowDown " * 3 + "ArrowRight", (3, 1))):
        for key in keys.split():
            cover.press(key)
        at(page, *place)
    for _ in range(15):
        cover.press("ArrowRight")
    at(page, 3, 10)
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.cb-panel')") is None


def test_sliders_by_keys_over_their_range(page, square):
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


def test_a_larger_square_stays_on_the_picture(page, square):
    run_in_kernel(page, "w.row, w.column = 10, 10")
    choose(page, "square", "12×12")
    expect(page.locator(".cb-square")).to_have_attribute("width", "12")
    at(page, 8, 8)
    choose(page, "square", "8×8")
    at(page, 8, 8)
    assert page.get_by_role("slider", name="row").get_attribute("max") == "10"


def test_another_picture_and_the_most_telling_place(page, square):
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


def test_a_click_on_the_map_of_places_goes_there(page, square):
    box = page.locator(".cb-places").bounding_box()
    cell = box["width"] / 11
    page.mouse.click(box["x"] + 7.5 * cell, box["y"] + 2.5 * cell)
    at(page, 2, 7)
    expect(page.locator(".cb-mark")).to_have_attribute("x", "7")


def test_places_where_the_network_is_fooled_have_dots(page, square):
    dots = "f'M{c + .5:g} {r + .5:g}h0' for r in range(11) for c in range(11)"
    wanted = kernel(page, f"''.join({dots} if w.leads['8'][1][r][c] < 0)")
    run_in_kernel(page, "w.picture = 1")
    at(page, 0, 0)
    assert page.locator(".cb-fooled").get_attribute("d") == wanted


def test_python_moves_the_square(page, square):
    run_in_kernel(page, "w.picture = 1; w.row = 4; w.column = 9")
    at(page, 4, 9)
    href = page.locator(".cb-covered image").get_attribute("href")
    assert href == kernel(page, "w.images[1]")
