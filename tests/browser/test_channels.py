"""The channel mixer in a real page: every control by mouse and by keyboard."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, use_dark_theme

# Every pixel is (200, 100, 50), so that the means in the alt text are its three numbers.
CELL = """
import numpy as np
from cnn_basics import widgets
widgets.channel_mixer(np.full((20, 30, 3), [200, 100, 50], dtype=np.uint8))
"""


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(CELL)
    wait_for(opened, "red 200, green 100, blue 50. No value was cut.")
    return opened


def wait_for(page, words: str) -> None:
    page.wait_for_selector(f'.cnn-basics-picture img[alt*="{words}"]')


def source(page) -> str:
    return page.locator(".cnn-basics-picture img").get_attribute("src")


def click_at(page, name: str, share: float) -> None:
    box = page.get_by_role("slider", name=name).bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


@pytest.mark.parametrize("name", ["red", "green", "blue"])
def test_gains_by_key(page, faults, name):
    before = source(page)
    slider = page.get_by_role("slider", name=f"{name} ×")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    wait_for(page, f"{name} = 1.3 × {name}")
    assert source(page) != before
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    wait_for(page, "red 200, green 100, blue 50. No value was cut.")
    page.keyboard.press("Home")
    wait_for(page, f"{name} 0")
    page.keyboard.press("End")
    wait_for(page, f"{name} = 2 × {name}")
    assert slider.input_value() == "2"
    page.mouse.move(0, 0)
    click_at(page, f"{name} ×", 0.5)
    wait_for(page, "red 200, green 100, blue 50. No value was cut.")


def test_what_is_cut_is_said(page, faults):
    click_at(page, "red ×", 0.99)
    wait_for(page, "red 255, green 100, blue 50. 33 % of the values were cut at 255.")
    click_at(page, "red ×", 0.5)
    wait_for(page, "No value was cut.")


@pytest.mark.parametrize("name", ["red", "green", "blue"])
def test_dropping_by_mouse_and_back_by_key(page, faults, name):
    page.get_by_label(f"drop {name}").click()
    wait_for(page, f"{name} 0")
    page.keyboard.press("Space")
    wait_for(page, "red 200, green 100, blue 50. No value was cut.")


def test_orders_by_key(page, faults):
    page.get_by_label("order").focus()
    for order, means in [
        ("RBG", "red 200, green 50, blue 100"),
        ("GRB", "red 100, green 200, blue 50"),
        ("GBR", "red 100, green 50, blue 200"),
        ("BRG", "red 50, green 200, blue 100"),
        ("BGR", "red 50, green 100, blue 200"),
    ]:
        page.keyboard.press("ArrowDown")
        wait_for(page, f"{means}. No value was cut.")
        assert page.get_by_label("order").evaluate("e => e.selectedOptions[0].text") == order
    page.keyboard.press("Home")
    wait_for(page, "red 200, green 100, blue 50. No value was cut.")


def test_greys_by_mouse_and_key(page, faults):
    page.get_by_label("grey").select_option("BT.601")
    wait_for(page, "mean values: grey 124.")
    page.get_by_label("grey").focus()
    page.keyboard.press("ArrowUp")
    wait_for(page, "mean values: grey 117.")
    page.keyboard.press("End")
    click_at(page, "red ×", 0.99)
    wait_for(page, "mean values: grey 138.")
    click_at(page, "red ×", 0.5)
    page.get_by_label("grey").select_option("off")
    wait_for(page, "red 200, green 100, blue 50. No value was cut.")


def test_no_serious_fault_light_or_dark(page, faults):
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    assert source(page).startswith("data:image/png")
