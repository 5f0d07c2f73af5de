"""The paint pad in a real page: by mouse, finger and keys, with photos chosen and dropped."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from driving import ask, has_left, run_all, run_in_kernel
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


@pytest.fixture(scope="module")
def touched(open_notebook):
    return open_notebook(*CELLS, has_touch=True)


@pytest.fixture
def page(touched):
    """The pad as it is at first, with its example: its cell run again."""
    touched.mouse.move(2, 2)
    run_in_kernel(touched, "")  # what the last test has painted is answered
    run_all(touched)
    touched.wait_for_selector(".cb-paint .cb-ink")
    touched.locator(".cb-paint").scroll_into_view_if_needed()
    return touched


@pytest.fixture
def blank(page):
    """The pad, cleared, with the finest brush."""
    clear(page, 1)
    return page


def cell(page, row, column):
    return page.locator(f".cb-paper [data-place='{row} {column}']")


def inked(page):
    """Rows and columns of the cells that are ink, for the page and for Python alike."""
    drawing = run_in_kernel(page, "print(w.pad.drawing)").strip()
    places = page.locator(".cb-paper .cb-ink").evaluate_all("c => c.map((e) => e.dataset.place)")
    shown = {tuple(map(int, place.split())) for place in places}
    assert shown == {divmod(k, 28) for k, one in enumerate(drawing) if one == "1"}
    return shown


def clear(page, brush):
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".cb-paper .cb-ink")).to_have_count(0)
    page.get_by_label("brush").fill(str(brush))


def drag(page, *places):
    boxes = [cell(page, *place).bounding_box() for place in places]
    points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def give_photo(page, name="my photo.png", content=None):
    file = {**small_png("red"), "name": name}
    page.get_by_label("photo", exact=True).set_input_files(
        [file if content is None else file | {"buffer": content}]
    )


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
    assert run_in_kernel(blank, SAME).strip() == "True"
    blank.mouse.move(0, 0)
    drag(blank, (0, 0), (0, 2))
    cell(blank, 25, 25).tap()
    assert inked(blank) == expected | {(0, 0), (0, 1), (0, 2), (25, 25)}
    assert blank.locator(".cb-paper").evaluate("e => getComputedStyle(e).touchAction") == "none"


def test_brushes(page):
    for width, count in enumerate((1, 4, 9, 12, 21, 32), 1):
        clear(page, width)
        cell(page, 14, 14).hover()
        expect(page.locator(".cb-paper .cb-under")).to_have_count(count)
        cell(page, 14, 14).click()
        assert len(inked(page)) == count
        clear(page, width)
        cell(page, 0, 27).click()  # what leaves the paper is cut off
        assert 0 < len(inked(page)) <= count


def test_rub_out(page):
    before = inked(page)
    page.get_by_label("rub out").check()
    page.get_by_label("brush").fill("6")
    drag(page, (4, 4), (4, 22))
    assert inked(page) < before
    page.get_by_label("rub out").uncheck()
    cell(page, 4, 10).click()
    assert (4, 10) in inked(page)


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
    blank.keyboard.press("Escape")
    assert has_left(blank)


def test_clear_keeps_the_focus(page):
    button = page.get_by_role("button", name="Clear")
    button.press("Enter")
    says(page, "Of empty paper the network says")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_be_focused()
    assert inked(page) == set()


def test_a_photo_chosen_and_left(page):
    before = answer(page)
    give_photo(page)
    says(page, "Of the photo my photo.png the network says")
    assert answer(page) != before
    cell(page, 0, 0).click()
    says(page, "Of the drawing the network says")
    assert (0, 0) in inked(page)
    give_photo(page)  # the same one again
    says(page, "my photo.png")
    page.get_by_role("button", name="Clear").click()
    says(page, "Of empty paper")


def test_a_photo_dropped(page):
    content = base64.b64encode(small_png("red")["buffer"]).decode()
    ask(page, "dropPicture", ".cb-paper", "dropped.png", content)
    says(page, "Of the photo dropped.png the network says")
    expect(page.locator(".cb-over")).to_have_count(0)


def test_a_broken_photo_is_answered(page):
    give_photo(page, "my.png", b"no picture")
    alert = page.locator(".cnn-basics-picture [role=alert]")
    picture = page.locator(".cnn-basics-picture img")
    expect(alert).to_contain_text("my.png is not a picture in a format that Pillow reads")
    expect(picture).to_have_count(0)  # none of another picture
    cell(page, 14, 14).click()
    expect(picture).to_have_count(1)
    expect(alert).to_have_count(0)


def test_a_photo_too_large_is_answered_and_not_sent(page):
    give_photo(page, "huge.png", bytes(8_200_000))
    says(page, "huge.png is 8.2 MB, expected at most 8.0 MB: choose a smaller copy of the picture")
    assert run_in_kernel(page, "print([w.pad.photo, w.pad.value[0]])").strip() == "['', '']"


def test_quick_strokes_leave_no_stale_picture(blank):
    rng = np.random.default_rng(0)
    drag(blank, *rng.integers(0, 28, (40, 2)).tolist())
    assert inked(blank)
    assert run_in_kernel(blank, SAME).strip() == "True"
    told = answer(blank)
    run_in_kernel(blank, "w.redraw()")
    assert answer(blank) == told
    assert int(run_in_kernel(blank, "print(w.drawings)")) < 60


def test_two_views_and_python_agree(open_notebook):
    both = open_notebook(*CELLS, "w")
    first, second = (both.locator(".cb-paint").nth(k) for k in (0, 1))
    first.get_by_role("button", name="Clear").click()
    expect(second.locator(".cb-ink")).to_have_count(0)
    second.locator("[data-place='9 9']").click()
    expect(first.locator(".cb-ink")).to_have_count(12)
    expect(first.locator(".cb-live")).to_contain_text("Of the drawing the network says")
    run_in_kernel(both, "w.pad.drawing = '1' * 28 + '0' * 756")
    for view in (first, second):
        expect(view.locator("[role=row]").first.locator(".cb-ink")).to_have_count(28)
        expect(view.locator(".cb-ink")).to_have_count(28)
