"""The pooling explorer in a real page: every control by mouse and by keyboard."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, use_dark_theme

CELL = """
from cnn_basics import widgets
widgets.pooling_explorer()
"""
START = (
    "Max pooling, kernel_size 2, stride 2, padding 0: 6×6 in, 3×3 out [6, 8, 2; 3, 4, 3; 2, 2, 9]"
)


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(CELL)
    wait_for(opened, START)
    return opened


def wait_for(page, words: str) -> None:
    page.wait_for_selector(f'.cnn-basics-picture img[alt*="{words}"]')


def source(page) -> str:
    return page.locator(".cnn-basics-picture img").get_attribute("src")


def click_at(page, name: str, share: float) -> None:
    box = page.get_by_role("slider", name=name).bounding_box()
    page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


def press(page, name: str, *keys: str) -> None:
    page.get_by_role("slider", name=name).focus()
    for key in keys:
        page.keyboard.press(key)


def test_a_move_by_one_pixel(page, faults):
    before = source(page)
    press(page, "move right", "ArrowRight")
    wait_for(page, "moved 1 right it gives [5, 7, 8; 3, 3, 4; 2, 1, 9]: 6 of 9 outputs (67 %)")
    assert source(page) != before
    press(page, "move right", "Home")
    wait_for(page, "moved 2 left")
    press(page, "move right", "End", "ArrowLeft", "ArrowLeft")
    press(page, "move down", "End")
    wait_for(page, "moved 2 down")
    click_at(page, "move down", 0.01)
    wait_for(page, "moved 2 up")
    click_at(page, "move right", 0.99)
    wait_for(page, "moved 2 right, 2 up")
    click_at(page, "move right", 0.5)
    click_at(page, "move down", 0.5)
    wait_for(page, "Nothing moved yet")


def test_kernel_and_stride(page, faults):
    press(page, "kernel_size", "ArrowRight")
    wait_for(page, "kernel_size 3, stride 2, padding 0: 6×6 in, 2×2 out [7, 8; 3, 9]")
    press(page, "stride", "Home")
    wait_for(page, "kernel_size 3, stride 1, padding 0: 6×6 in, 4×4 out")
    click_at(page, "stride", 0.99)
    wait_for(page, "kernel_size 3, stride 4, padding 0: 6×6 in, 1×1 out [7]")
    page.get_by_label("ceil_mode").click()
    wait_for(page, "padding 0, ceil_mode: 6×6 in, 2×2 out [7, 3; 2, 9]")
    page.keyboard.press("Space")
    press(page, "stride", "Home", "ArrowRight")
    click_at(page, "kernel_size", 0.99)
    wait_for(page, "kernel_size 4, stride 2")
    press(page, "kernel_size", "Home", "ArrowRight")
    wait_for(page, START)


def test_too_much_padding_is_explained_in_place_of_the_picture(page, faults):
    press(page, "padding", "End")
    alert = page.locator(".cnn-basics-picture [role=alert]")
    alert.wait_for()
    assert "at most half the kernel (1 for kernel_size 2), got 2" in alert.inner_text()
    press(page, "padding", "ArrowLeft")
    wait_for(page, "padding 1: 6×6 in, 4×4 out [1, 2, 4, 1;")
    click_at(page, "padding", 0.01)
    wait_for(page, START)


def test_kinds_by_key_hide_what_has_no_effect(page, faults):
    kind = page.get_by_label("kind")
    assert not page.get_by_label("count_include_pad").is_visible()
    kind.focus()
    page.keyboard.press("ArrowDown")
    wait_for(
        page, "Average pooling, kernel_size 2, stride 2, padding 0: 6×6 in, 3×3 out [3.25, 5.25"
    )
    press(page, "padding", "ArrowRight")
    wait_for(page, "padding counted: 6×6 in, 4×4 out [0.25,")
    page.get_by_label("count_include_pad").click()
    wait_for(page, "padding not counted: 6×6 in, 4×4 out [1,")
    page.keyboard.press("Space")
    press(page, "padding", "Home")
    kind.focus()
    page.keyboard.press("End")
    wait_for(page, "Every s-th number kept, stride 2: 6×6 in, 3×3 out [1, 2, 0; 3, 1, 0; 0, 0, 9]")
    assert not page.get_by_role("slider", name="kernel_size").is_visible()
    kind.select_option("max")
    wait_for(page, START)


def test_no_serious_fault_light_or_dark(page, faults):
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    assert source(page).startswith("data:image/png")
