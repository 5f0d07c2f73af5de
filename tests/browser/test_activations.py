"""The activation playground in a real page: every control by mouse and by keyboard."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, use_dark_theme

CELL = """
from cnn_basics import widgets
widgets.activation_playground()
"""
START = "ReLU at 1 is 1, slope 1; numbers with mean 0, spread 1 come out with"
NAMES = ["leaky ReLU", "ELU", "GELU", "SiLU", "sigmoid", "tanh", "none"]


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


def test_the_point_moves(page, faults):
    before = source(page)
    press(page, "input of the point", "ArrowLeft")
    wait_for(page, "ReLU at 0.9 is 0.9, slope 1;")
    assert source(page) != before
    press(page, "input of the point", "Home")
    wait_for(page, "ReLU at −6 is 0, slope 0;")
    click_at(page, "input of the point", 0.995)
    wait_for(page, "ReLU at 6 is 6, slope 1;")
    press(page, "input of the point", *["PageDown"] * 2, "Home", *["ArrowRight"] * 70)
    wait_for(page, START)


def test_the_numbers_move_until_the_unit_is_dead(page, faults):
    press(page, "numbers: spread", "Home")
    wait_for(page, "numbers with mean 0, spread 0.1 come out")
    click_at(page, "numbers: mean", 0.005)
    wait_for(page, "Dead: all outputs are 0, and no gradient passes.")
    press(page, "numbers: mean", "End")
    wait_for(page, "mean 4, spread 0.1 come out with mean 4, spread 0.1.")
    click_at(page, "numbers: spread", 0.995)
    wait_for(page, "mean 4, spread 3 come out")
    press(page, "numbers: mean", "Home", *["ArrowRight"] * 40)
    press(page, "numbers: spread", "Home", *["ArrowRight"] * 9)
    wait_for(page, START)


def test_every_activation_by_key(page, faults):
    page.get_by_label("activation").focus()
    for name in NAMES:
        page.keyboard.press("ArrowDown")
        wait_for(page, f"{name} at 1 is")
    page.get_by_label("activation").select_option("tanh")
    wait_for(page, "tanh at 1 is 0.76, slope 0.42;")
    page.get_by_label("activation").select_option("ReLU")
    wait_for(page, START)


def test_batch_norm_with_its_controls(page, faults):
    gamma = page.get_by_role("slider", name="γ")
    assert not gamma.is_visible()
    press(page, "numbers: mean", "End")
    page.get_by_label("batch norm").click()
    wait_for(page, "with mean 4, spread 1 are normalised to mean 0, spread 1 and come out")
    assert gamma.is_visible()
    press(page, "γ", "End")
    wait_for(page, "are normalised to mean 0, spread 2 and")
    press(page, "β", "Home")
    wait_for(page, "are normalised to mean −3, spread 2 and")
    page.get_by_label("mode").focus()
    page.keyboard.press("ArrowDown")
    wait_for(page, "are normalised to mean 5, spread 2 and")
    wait_for(page, "Evaluation: normalised with the running mean 0 and variance 1")
    click_at(page, "γ", 0.005)
    wait_for(page, "are normalised to mean −3, spread 0 and")
    click_at(page, "β", 0.995)
    wait_for(page, "are normalised to mean 3, spread 0 and")
    page.get_by_label("mode").select_option("training")
    page.get_by_label("batch norm").focus()
    page.keyboard.press("Space")
    wait_for(page, "with mean 4, spread 1 come out")


def test_no_serious_fault_light_or_dark(page, faults):
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    assert source(page).startswith("data:image/png")
