"""The paint pad in a real page: by mouse, finger and keys, with photos chosen and dropped."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from driving import ask, button, control, get, run_in_kernel
from moving import small_png
from playwright.sync_api import expect

CELLS = (
    "import torch\nfrom cnn_basics import widgets\nfrom cnn_basics.model import Custom_CNN\n"
    "torch.manual_seed(0)\nmodel = Custom_CNN(10, 1)",
    "w = widgets.paint_or_upload(model, '0123456789')\nw",
)
SAME = """
from cnn_basics.datasets import digit_from_drawing
from cnn_basics.widgets.paint import as_ink
x = digit_from_drawing(as_ink(w.pad.drawing)).float() / 255
print(torch.allclose(model(x).softmax(1)[0].double(), torch.tensor(w.answer.shares), atol=1e-5))
"""


@pytest.fixture
def pad(fresh):
    """The pad as it is at first, with its example."""
    fresh.wait_for_selector(".cb-paint .cb-ink")
    fresh.locator(".cb-paint").scroll_into_view_if_needed()
    return fresh


@pytest.fixture
def blank(page):
    """The pad, cleared, with the finest brush."""
    run_in_kernel(page, "w.pad.drawing = '1' * 784")
    expect(page.locator(".cb-paper .cb-ink")).to_have_count(784)
    clear(page, 1)
    return page


def cell(page, row, column):
    return page.locator(f".cb-paper [data-place='{row} {column}']")


def inked(page):
    """Rows and columns of the cells that are ink, for the page and for Python alike."""
    drawing = get(page, "w.pad.drawing")
    places = page.locator(".cb-paper .cb-ink").evaluate_all("c => c.map((e) => e.dataset.place)")
    shown = {tuple(map(int, place.split())) for place in places}
    assert shown == {divmod(k, 28) for k, one in enumerate(drawing) if one == "1"}
    return shown


def clear(page, brush):
    button(page, "Clear").click()
    expect(page.locator(".cb-paper .cb-ink")).to_have_count(0)
    control(page, "brush").fill(str(brush))


def drag(page, *places):
    boxes = [cell(page, *place).bounding_box() for place in places]
    points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def give_photo(page, name, content=None):
    photo = small_png("red") | {"name": name} | ({"buffer": content} if content else {})
    control(page, "photo").set_input_files([photo])


def says(page, words):
    expect(page.locator(".cb-paint .cb-live")).to_contain_text(words)


def answer(page):
    """What the picture's words say, once they belong to what Python now has."""
    run_in_kernel(page, "")
    return page.locator(".cnn-basics-picture img").get_attribute("alt")


def test_by_mouse_and_finger(blank):
    before = answer(blank)
    drag(blank, (4, 10), (22, 10), (22, 16))
    expected = {(row, 10) for row in range(4, 23)} | {(22, column) for column in range(10, 17)}
    assert inked(blank) == expected  # no gap, however far the pointer jumps
    assert answer(blank) != before
    assert run_in_kernel(blank, SAME) == "True"
    blank.mouse.move(0, 0)
    drag(blank, (0, 0), (0, 2))
    cell(blank, 25, 25).tap()
    assert inked(blank) == expected | {(0, 0), (0, 1), (0, 2), (25, 25)}
    assert blank.locator(".cb-paper").evaluate("e => getComputedStyle(e).touchAction") == "none"


def test_brushes(pad):
    for width, count in enumerate((1, 4, 9, 12, 21, 32), 1):
        clear(pad, width)
        cell(pad, 14, 14).hover()
        expect(pad.locator(".cb-paper .cb-under")).to_have_count(count)
        cell(pad, 14, 14).click()
        assert len(inked(pad)) == count
        clear(pad, width)
        cell(pad, 0, 27).click()  # what leaves the paper is cut off
        assert 0 < len(inked(pad)) <= count


def test_rub_out(pad):
    before = inked(pad)
    control(pad, "rub out").check()
    control(pad, "brush").fill("6")
    drag(pad, (4, 4), (4, 22))
    assert inked(pad) < before
    control(pad, "rub out").uncheck()
    cell(pad, 4, 10).click()
    assert (4, 10) in inked(pad)


def test_by_keys(blank):
    cell(blank, 14, 14).focus()
    for key in ("Home", "PageUp", *["ArrowDown"] * 3):
        blank.keyboard.press(key)
    assert inked(blank) == set()  # moving alone paints nothing
    for key in ("Space", "ArrowRight", "Enter", "Shift+ArrowRight", "Shift+ArrowDown"):
        blank.keyboard.press(key)
    expected = {(3, 0), (3, 1), (3, 2), (4, 2)}
    assert inked(blank) == expected
    label = blank.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "row 5, column 3, ink"
    blank.keyboard.press("Backspace")
    assert inked(blank) == expected - {(4, 2)}
    assert blank.locator(".cb-paper [tabindex='0']").count() == 1
    blank.keyboard.press("Tab")
    assert blank.evaluate("document.activeElement.type") == "range"


def test_a_photo_chosen_left_dropped_and_cleared(pad):
    before = answer(pad)
    give_photo(pad, "my photo.png")
    says(pad, "Of the photo my photo.png the network says")
    assert answer(pad) != before
    cell(pad, 0, 0).click()
    says(pad, "Of the drawing the network says")
    assert (0, 0) in inked(pad)
    give_photo(pad, "my photo.png")  # the same one again
    says(pad, "my photo.png")
    content = base64.b64encode(small_png("red")["buffer"]).decode()
    ask(pad, "dropPicture", ".cb-paper", "dropped.png", content)
    says(pad, "Of the photo dropped.png the network says")
    expect(pad.locator(".cb-over")).to_have_count(0)
    clears = button(pad, "Clear")
    clears.press("Enter")
    says(pad, "Of empty paper the network says")
    expect(clears).to_have_attribute("aria-disabled", "true")
    expect(clears).to_be_focused()
    assert inked(pad) == set()


def test_a_photo_that_is_broken_or_too_large_is_answered(pad):
    give_photo(pad, "huge.png", bytes(8_200_000))
    says(pad, "huge.png is 8.2 MB, expected at most 8.0 MB: choose a smaller copy of the picture")
    assert get(pad, "[w.pad.photo, w.pad.value[0]]") == "['', '']"
    give_photo(pad, "my.png", b"no picture")
    alert = pad.locator(".cnn-basics-picture [role=alert]")
    picture = pad.locator(".cnn-basics-picture img")
    expect(alert).to_contain_text("my.png is not a picture in a format that Pillow reads")
    expect(picture).to_have_count(0)  # none of another picture
    cell(pad, 14, 14).click()
    expect(picture).to_have_count(1)
    expect(alert).to_have_count(0)


def test_quick_strokes_leave_no_stale_picture(blank):
    run_in_kernel(blank, "before = w.drawings")
    rng = np.random.default_rng(0)
    drag(blank, *rng.integers(0, 28, (40, 2)).tolist())
    assert inked(blank)
    assert run_in_kernel(blank, SAME) == "True"
    told = answer(blank)
    assert int(get(blank, "w.drawings - before")) < 60
    run_in_kernel(blank, "w.redraw()")
    assert answer(blank) == told
