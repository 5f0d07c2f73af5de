"""The loss walk in a real page: what its controls do to the numbers, the surface and the words."""

from __future__ import annotations

import json

import pytest
from driving import button, choose, click_at, control, get, press, run_in_kernel
from playwright.sync_api import expect

CELLS = ("from cnn_basics import widgets\nball = widgets.loss_walk()\nball",)
KEPT = "list(ball.start), ball.step, ball.surface, ball.rule, ball.learning_rate"


@pytest.fixture(autouse=True)
def from_the_start(page):
    button(page, "Reset").click()
    tells(page, step="0 of 60", weights="(−4, 2)")


def tells(page, says: str = "", **numbers: str) -> None:
    for name, words in numbers.items():
        number = page.locator(f".cb-numbers div:has(dt:text-is('{name}')) dd")
        expect(number).to_have_text(words)
    expect(page.locator(".cb-sentence")).to_contain_text(says)


def start_in_kernel(page):
    return pytest.approx(json.loads(get(page, "list(ball.start)")), abs=0.05)


def rate_is(page, value: str) -> None:
    expect(control(page, "learning rate")).to_have_attribute("aria-valuetext", value)


def test_steps_by_button_and_slider(page):
    tells(page, "At the start: the loss is 48")
    button(page, "Step").click()
    tells(page, "Goes down: this step lowered the loss from 48 to 32.2.", step="1 of 60",
          weights="(−3.64, −1.6)", gradient="(−3.64, −32)", loss="32.2")  # fmt: skip
    button(page, "Step").press("Enter")
    tells(page, "Zigzags: it jumps across the valley")
    press(page, "after step", "End")
    tells(page, step="60 of 60")
    assert get(page, KEPT) == "[-4.0, 2.0] 60 ravine sgd 0.09"
    run_in_kernel(page, "ball.learning_rate = 0.02; ball.step = 7")
    tells(page, step="7 of 60")
    rate_is(page, "0.02")
    expect(control(page, "after step")).to_have_value("7")


def test_a_rate_above_the_bound_diverges_and_says_so(page):
    path = page.locator(".cb-future").get_attribute("d")
    press(page, "learning rate", "ArrowRight", "ArrowRight", "ArrowRight")
    rate_is(page, "0.13")
    press(page, "after step", *["ArrowRight"] * 5)
    grown = "Diverges: the loss has grown for 5 steps; the rate 0.13 is above 2/curvature = 0.1."
    tells(page, grown)
    assert page.locator(".cb-future").get_attribute("d") != path
    expect(page.locator(".cb-sentence.cb-alert")).to_have_count(1)
    press(page, "after step", "End")
    expect(page.locator(".cb-surface .cb-outside")).to_have_count(1)
    click_at(page, "learning rate", 0.01)
    tells(page, "Goes down: this step lowered the loss")
    expect(page.locator(".cb-outside, .cb-alert")).to_have_count(0)


def test_the_mouse_on_the_surface_drops_and_drags_the_ball(page):
    press(page, "after step", "End")
    box = page.locator(".cb-surface").bounding_box()
    scale = box["width"] / 452  # of the drawing: 40 left of a surface of 400×320, 8 above it

    def screen(x, y):
        return box["x"] + scale * (40 + x), box["y"] + scale * (8 + y)

    page.mouse.click(*screen(300, 80))
    tells(page, step="0 of 60")
    assert start_in_kernel(page) == [2.5, 2.0]
    ball = page.locator(".cb-surface .cb-ball")
    at = [float(ball.get_attribute(name)) for name in ("cx", "cy")]
    assert at == pytest.approx([340, 88], abs=2)
    page.mouse.move(*screen(300, 80))
    page.mouse.down()
    page.mouse.move(*screen(100, 240), steps=5)
    page.mouse.up()
    assert start_in_kernel(page) == [-2.5, -2.0]


def test_arrow_keys_and_sliders_move_the_start(page):
    page.locator(".cb-ground").focus()
    for keys, weights in (
        ("ArrowRight", "(−3.8, 2)"),
        ("ArrowDown", "(−3.8, 1.84)"),
        ("Shift+ArrowLeft", "(−4.8, 1.84)"),
        ("ArrowLeft ArrowLeft ArrowUp", "(−5, 2)"),  # the edge
    ):
        for key in keys.split():
            page.keyboard.press(key)
        tells(page, weights=weights)
    press(page, "start: first weight", "ArrowRight")
    tells(page, weights="(−4.5, 2)")
    press(page, "start: second weight", "Home")
    tells(page, weights="(−4.5, −4)")


def test_rules_and_surfaces(page):
    press(page, "rule", "ArrowDown", "ArrowDown")
    press(page, "after step", "Home", "ArrowRight")
    tells(page, weights="(−3.91, 1.91)")  # Adam's first step is as long as the rate
    image = page.locator(".cb-surface image")
    starts = {"saddle": "(−2.5, 0.01)", "two valleys": "(2, 1.5)", "bowl": "(−4, 3)"}
    for surface, start in starts.items():
        picture = image.get_attribute("href")
        choose(page, "surface", surface)
        tells(page, weights=start, step="0 of 60")
        assert image.get_attribute("href") != picture
    assert get(page, KEPT) == "[-4.0, 3.0] 0 bowl adam 0.09"


def test_play(page):
    """How it pauses is the same as in the lens, and tested there."""
    button(page, "Play").click()
    tells(page, step="3 of 60")
    press(page, "start: first weight", "ArrowRight")  # a new ball: the playing ends
    button(page, "Play").wait_for()
    tells(page, step="0 of 60")


def test_nothing_plays_for_those_who_ask_for_less_motion(page):
    page.emulate_media(reduced_motion="reduce")
    run_in_kernel(page, "")
    expect(button(page, "Play")).to_be_disabled()
    assert "less motion" in button(page, "Play").get_attribute("title")
    button(page, "Step").click()
    tells(page, step="1 of 60")
    page.emulate_media(reduced_motion="no-preference")
