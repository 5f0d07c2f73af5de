"""The paint pad in a real page: by mouse, finger and keys, with photos chosen and dropped."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from driving import ask, find_axe_faults, run_all, run_in_kernel, use_dark_theme
from moving import count_open, find_quick_faults, move_everything, scan
from PIL import Image
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
def notebook(open_notebook):
    return open_notebook(*CELLS, run=False, has_touch=True)


@pytest.fixture
def page(notebook):
    """The widget as it is at first: its cell run again."""
    notebook.mouse.move(2, 2)
    ask(notebook, "answered")  # what the last test has painted
    run_all(notebook)
    notebook.wait_for_selector(".cb-paint .cb-ink")
    notebook.wait_for_selector(".cnn-basics-picture img")
    notebook.locator(".cb-paint").scroll_into_view_if_needed()
    return notebook


def photo(kind="PNG", size=(40, 30), colour=(200, 30, 30)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return {"name": f"my photo.{kind.lower()}", "mimeType": "image/png", "buffer": file.getvalue()}


def cell(page, row, column):
    return page.locator(f".cb-paper [data-place='{row} {column}']")


def inked(page):
    """Rows and columns of the cells that the page shows as ink."""
    places = page.locator(".cb-paper .cb-ink").evaluate_all("c => c.map((e) => e.dataset.place)")
    return {tuple(map(int, place.split())) for place in places}


def in_kernel(page):
    """The same, as Python has it."""
    drawing = run_in_kernel(page, "print(w.pad.drawing)").strip()
    return {divmod(k, 28) for k, one in enumerate(drawing) if one == "1"}


def set_brush(page, width):
    page.get_by_label("brush").fill(str(width))


def clear(page):
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".cb-paper .cb-ink")).to_have_count(0)


def drag(page, *places):
    boxes = [cell(page, *place).bounding_box() for place in places]
    points = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in boxes]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def said(page):
    return page.locator(".cb-paint .cb-live")


def answer(page):
    """What the picture's words say, once they belong to what Python now has."""
    run_in_kernel(page, "")
    return page.locator(".cnn-basics-picture img").get_attribute("alt")


def test_a_line_by_mouse(page, faults):
    clear(page)
    set_brush(page, 1)
    before = answer(page)
    drag(page, (4, 10), (22, 10), (22, 16))
    expected = {(row, 10) for row in range(4, 23)} | {(22, column) for column in range(10, 17)}
    assert inked(page) == expected  # no gap, however far the pointer jumps
    assert in_kernel(page) == expected
    assert answer(page) != before
    assert run_in_kernel(page, SAME).strip() == "True"
    page.mouse.move(0, 0)
    drag(page, (0, 0), (0, 2))
    assert inked(page) == expected | {(0, 0), (0, 1), (0, 2)}


@pytest.mark.parametrize(("width", "count"), [(1, 1), (2, 4), (3, 9), (4, 12), (5, 21), (6, 32)])
def test_brushes(page, faults, width, count):
    clear(page)
    set_brush(page, width)
    cell(page, 14, 14).hover()
    expect(page.locator(".cb-paper .cb-under")).to_have_count(count)
    cell(page, 14, 14).click()
    assert len(inked(page)) == len(in_kernel(page)) == count
    clear(page)
    cell(page, 0, 27).click()  # what leaves the paper is cut off
    assert 0 < len(inked(page)) <= count


def test_rub_out(page, faults):
    before = inked(page)
    page.get_by_label("rub out").check()
    set_brush(page, 6)
    drag(page, (4, 4), (4, 22))
    assert inked(page) == in_kernel(page) < before
    page.get_by_label("rub out").uncheck()
    cell(page, 4, 10).click()
    assert len(inked(page) - before) + len(inked(page) & before) == len(inked(page))
    assert (4, 10) in inked(page)


def test_by_finger(page, faults):
    clear(page)
    set_brush(page, 1)
    cell(page, 5, 6).tap()
    assert inked(page) == in_kernel(page) == {(5, 6)}
    assert page.locator(".cb-paper").evaluate("e => getComputedStyle(e).touchAction") == "none"


def test_by_keys(page, faults):
    clear(page)
    set_brush(page, 1)
    cell(page, 14, 14).focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert inked(page) == set()  # moving alone paints nothing
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    expected = {(3, 0), (3, 1), (3, 2), (4, 2)}
    assert inked(page) == in_kernel(page) == expected
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "row 5, column 3, ink"
    page.keyboard.press("Backspace")
    assert inked(page) == in_kernel(page) == expected - {(4, 2)}
    assert page.locator(".cb-paper [tabindex='0']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('.cb-panel')") is None


def test_clear(page, faults):
    button = page.get_by_role("button", name="Clear")
    button.focus()
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Of empty paper the network says")
    expect(button).to_have_attribute("aria-disabled", "true")
    assert page.evaluate("document.activeElement.textContent") == "Clear"  # it keeps the focus
    assert in_kernel(page) == set()


def test_a_photo_chosen_and_left(page, faults):
    before = answer(page)
    page.get_by_label("photo", exact=True).set_input_files([photo()])
    expect(said(page)).to_contain_text("Of the photo my photo.png the network says")
    assert answer(page) != before
    page.get_by_label("photo", exact=True).set_input_files([photo("JPEG", colour=(0, 90, 0))])
    expect(said(page)).to_contain_text("my photo.jpeg")
    set_brush(page, 1)
    cell(page, 0, 0).click()
    expect(said(page)).to_contain_text("Of the drawing the network says")
    assert (0, 0) in inked(page)
    page.get_by_label("photo", exact=True).set_input_files([photo()])  # the first one again
    expect(said(page)).to_contain_text("my photo.png")
    page.get_by_role("button", name="Clear").click()
    expect(said(page)).to_contain_text("Of empty paper")


def test_a_photo_dropped(page, faults):
    content = base64.b64encode(photo()["buffer"]).decode()
    drop = """async (root, content) => {
        const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
        for (const type of ["dragover", "drop"]) {
            const options = { dataTransfer: data, bubbles: true, cancelable: true };
            const event = new DragEvent(type, options);
            if (root.dispatchEvent(event)) throw new Error(`${type} is left to the browser`);
        }
    }"""
    page.locator(".cb-paper").evaluate(drop, content)
    expect(said(page)).to_contain_text("Of the photo dropped.png the network says")
    expect(page.locator(".cb-over")).to_have_count(0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no picture", "my.png is not a picture in a format that Pillow reads"),
        (b"", "my.png is empty (0 bytes), expected a picture"),
        (photo()["buffer"][:60], "my.png is damaged or cut off"),
    ],
)
def test_a_broken_photo_is_answered(page, faults, content, sentence):
    file = {"name": "my.png", "mimeType": "image/png", "buffer": content}
    page.get_by_label("photo", exact=True).set_input_files([file])
    alert = page.locator(".cnn-basics-picture [role=alert]")
    expect(alert).to_contain_text(sentence)
    expect(page.locator(".cnn-basics-picture img")).to_have_count(0)  # none of another picture
    cell(page, 14, 14).click()
    expect(page.locator(".cnn-basics-picture img")).to_have_count(1)
    expect(alert).to_have_count(0)


def test_a_photo_too_large_is_answered_and_not_sent(page, faults):
    file = {"name": "huge.png", "mimeType": "image/png", "buffer": bytes(8_200_000)}
    page.get_by_label("photo", exact=True).set_input_files([file])
    expect(said(page)).to_have_text(
        "huge.png is 8.2 MB, expected at most 8.0 MB: choose a smaller copy of the picture"
    )
    assert run_in_kernel(page, "print(w.pad.photo == '', w.pad.value[0] == '')").split() == [
        "True",
        "True",
    ]


def test_quick_strokes_leave_no_stale_picture(page, faults):
    clear(page)
    rng = np.random.default_rng(0)
    drag(page, *[tuple(place) for place in rng.integers(0, 28, (40, 2)).tolist()])
    assert in_kernel(page) == inked(page)
    assert run_in_kernel(page, SAME).strip() == "True"
    told = answer(page)
    run_in_kernel(page, "w.redraw()")
    assert answer(page) == told
    assert int(run_in_kernel(page, "print(w.drawings)")) < 60


def test_python_leads_too(page, faults):
    run_in_kernel(page, "w.pad.drawing = '1' * 28 + '0' * 756")
    expect(page.locator(".cb-paper .cb-ink")).to_have_count(28)
    assert inked(page) == {(0, column) for column in range(28)}


def test_two_views_and_many_runs(open_notebook, faults):
    page = open_notebook(*CELLS, "w")
    first, second = (page.locator(".cb-paint").nth(k) for k in (0, 1))
    first.get_by_role("button", name="Clear").click()
    expect(second.locator(".cb-ink")).to_have_count(0)
    second.locator("[data-place='9 9']").click()
    expect(first.locator(".cb-ink")).to_have_count(12)
    expect(first.locator(".cb-live")).to_contain_text("Of the drawing the network says")
    ask(page, "answered")
    ask(page, "runAgain", 1, 1)
    before = count_open(page)
    ask(page, "runAgain", 1, 20)
    assert count_open(page) == before


def test_every_control_as_the_lessons_are_tested(page, faults):
    assert "\n".join(move_everything(page, [1])) == ""
    assert find_quick_faults(scan(page, 1)) == []


def test_no_serious_fault_light_dark_or_narrow(page, faults):
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    page.set_viewport_size({"width": 600, "height": 450})  # as at 200 % zoom
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    assert page.locator(".cb-paint").evaluate("e => e.scrollWidth <= e.clientWidth + 1")
