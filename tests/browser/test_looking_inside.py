"""The occlusion explorer in a real page, by mouse and by keyboard."""

from __future__ import annotations

import pytest
from driving import button, choose, control, get, press, run_in_kernel
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
    "w = widgets.occlusion_explorer(model, pictures, labels, ['cat', 'dog'])\nw",
)


@pytest.fixture(autouse=True)
def square(page):
    """The square in the corner of the first picture."""
    run_in_kernel(page, "w.picture, w.size = 0, 8; w.row, w.column = 0, 0")
    at(page, 0, 0)
    page.locator(".cb-cover").scroll_into_view_if_needed()


def at(page, row: int, column: int) -> None:
    """The square lies at this place, in the drawing, in words and in numbers."""
    square, said = page.locator(".cb-square"), page.locator(".cb-told .cb-live")
    for name, place in (("y", row), ("x", column)):
        expect(square).to_have_attribute(name, str(2 * place))
    expect(said).to_contain_text(f"Square at row {2 * row}, column {2 * column}: the lead of ")
    here = f"[str(w.size)][w.picture][{row}][{column}]"
    share, lead = eval(get(page, f"(int(w.shares{here} + 0.5), float(w.leads{here}))"))
    lead = f"{lead:g}".replace("-", "−")
    expect(page.locator(".cb-shares dd").nth(1)).to_have_text(f"{share} %, lead {lead}")
    assert get(page, "w.row, w.column") == f"{row} {column}"


def centre(page, row: float, column: float) -> tuple[float, float]:
    """Where on the screen the middle of a square is that lies at this place."""
    box = page.locator(".cb-covered").bounding_box()
    pixel = box["width"] / 28
    return box["x"] + (2 * column + 4) * pixel, box["y"] + (2 * row + 4) * pixel


def test_the_square_is_dragged(page):
    page.mouse.move(*centre(page, 0, 0))
    page.mouse.down()
    for row, column in [(1, 1), (4, 6)]:
        page.mouse.move(*centre(page, row, column), steps=3)
        expect(page.locator(".cb-square")).to_have_attribute("x", str(2 * column))
    page.mouse.move(*centre(page, 30, 30), steps=3)
    page.mouse.up()
    at(page, 10, 10)
    page.mouse.move(*centre(page, 2, 2))
    at(page, 10, 10)  # let go, it stays
    page.mouse.click(*centre(page, 5, 0))
    at(page, 5, 0)


def test_keys_and_sliders_move_the_square_and_it_stays_on_the_picture(page):
    cover = page.locator(".cb-cover")
    for keys, place in [
        (["ArrowUp", "ArrowLeft"], (0, 0)),
        (["ArrowDown"] * 3 + ["ArrowRight"], (3, 1)),
        (["ArrowRight"] * 15, (3, 10)),
    ]:
        for key in keys:
            cover.press(key)
        at(page, *place)
    press(page, "row", *["ArrowRight"] * 12)
    press(page, "column", "End")
    at(page, 10, 10)
    column = control(page, "column")
    expect(column).to_have_attribute("aria-valuetext", "20")
    for size, most in (("12×12", "8"), ("8×8", "10")):
        choose(page, "square", size)
        expect(page.locator(".cb-square")).to_have_attribute("width", size.split("×")[0])
        at(page, 8, 8)
        expect(column).to_have_attribute("max", most)


def test_another_picture_its_most_telling_place_and_where_the_network_is_fooled(page):
    choose(page, "picture", "2: dog")
    whole = get(page, "int(w.whole[1][0] + 0.5)")
    expect(page.locator(".cb-shares dd").first).to_contain_text(f"{whole} %, lead ")
    at(page, 0, 0)
    button(page, "To the most telling place").click()
    found = "*divmod(min(range(121), key=lambda k: w.leads['8'][1][k // 11][k % 11]), 11)"
    row, column = map(int, get(page, found).split())
    at(page, row, column)
    answer = get(page, f"w.answers['8'][1][{row}][{column}]")
    expect(page.locator(".cb-told .cb-live")).to_contain_text(f"answers {answer}")
    image = page.locator(".cb-covered image").get_attribute("href")
    assert image == get(page, "w.images[1]")
    dots = "f'M{c + .5:g} {r + .5:g}h0' for r in range(11) for c in range(11)"
    wanted = get(page, f"''.join({dots} if w.leads['8'][1][r][c] < 0)")
    assert page.locator(".cb-fooled").get_attribute("d") == wanted


def test_the_map_of_places_is_clicked(page):
    cell = page.locator(".cb-places").bounding_box()["width"] / 11
    page.locator(".cb-places").click(position={"x": 7.5 * cell, "y": 2.5 * cell})
    at(page, 2, 7)
    expect(page.locator(".cb-mark")).to_have_attribute("x", "7")
