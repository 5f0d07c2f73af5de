"""The roofline explorer in a real page: every control by mouse and by keyboard."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, use_dark_theme

CELL = """
from cnn_basics import widgets
widgets.roofline_explorer()
"""
FIRST = (
    "of 150 billion operations and 10 GB per second. A 5×5 convolution of 64×32×14×14 to 64 "
    "channels needs 642,252,800 multiply-adds and 255.8 operations for each byte"
)


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(CELL)
    wait_for(opened, FIRST)
    return opened


def wait_for(page, words: str) -> None:
    page.wait_for_selector(f'.cnn-basics-picture img[alt*="{words}"]')


def source(page) -> str:
    return page.locator(".cnn-basics-picture img").get_attribute("src")


def click_at(page, name: str, share: float) -> None:
    box = page.get_by_role("slider", name=name).bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


@pytest.mark.parametrize(
    ("name", "more", "least", "most"),
    [
        ("kernel_size", "A 7×7 convolution", "A 1×1 convolution", "A 11×11 convolution"),
        ("height and width", "64×32×21×21", "64×32×7×7", "64×32×56×56"),
        ("peak", "of 200 billion operations", "of 50 billion", "of 1000 billion"),
        ("bandwidth", "and 15 GB per second", "and 5 GB per second", "and 100 GB per second"),
    ],
)
def test_sliders_by_key_and_mouse(page, faults, name, more, least, most):
    before = source(page)
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, more)
    assert source(page) != before
    page.keyboard.press("ArrowLeft")
    wait_for(page, FIRST)
    assert source(page) == before
    page.keyboard.press("Home")
    wait_for(page, least)
    first = slider.input_value()
    click_at(page, name, 0.995)
    wait_for(page, most)
    assert float(slider.input_value()) > float(first)
    reset(page, name)


def reset(page, name: str) -> None:
    steps = {"kernel_size": 2, "height and width": 1, "peak": 2, "bandwidth": 1}[name]
    page.get_by_role("slider", name=name).focus()
    page.keyboard.press("Home")
    for _ in range(steps):
        page.keyboard.press("ArrowRight")
    wait_for(page, FIRST)


@pytest.mark.parametrize(
    ("label", "other", "words", "first"),
    [
        ("in_channels", "256", "64×256×14×14 to 64 channels", "32"),
        ("out_channels", "1", "64×32×14×14 to 1 channels", "64"),
        ("batch", "1", "of 1×32×14×14", "64"),
    ],
)
def test_lists_by_mouse_and_key(page, faults, label, other, words, first):
    page.get_by_label(label, exact=True).select_option(other)
    wait_for(page, words)
    page.get_by_label(label, exact=True).focus()
    page.keyboard.press("ArrowUp" if other == "256" else "ArrowDown")
    page.wait_for_selector(f'.cnn-basics-picture img:not([alt*="{words}"])')
    page.get_by_label(label, exact=True).select_option(first)
    wait_for(page, FIRST)


def test_depthwise_by_mouse_and_back_by_key(page, faults):
    page.get_by_label("depthwise").click()
    wait_for(page, "to 32 channels needs 10,035,200 multiply-adds")
    wait_for(page, "It waits for memory.")
    page.get_by_label("out_channels", exact=True).wait_for(state="hidden")
    page.keyboard.press("Space")
    wait_for(page, FIRST)
    page.get_by_label("out_channels", exact=True).wait_for(state="visible")


def test_no_serious_fault_light_or_dark(page, faults):
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    assert source(page).startswith("data:image/png")
