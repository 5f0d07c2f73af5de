"""The loss walk in a real page: every control by mouse and by keyboard, and the surface itself."""

from __future__ import annotations

import json
import re

import pytest
from driving import find_axe_faults, run_in_kernel, use_dark_theme

CELL = """
from cnn_basics import widgets
ball = widgets.loss_walk()
ball
"""
KEPT = "print(list(ball.start), ball.step, ball.surface, ball.rule, ball.learning_rate)"


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(CELL)
    opened.wait_for_selector(".cb-surface")
    wait_for(opened, "step", "0 of 60")
    return opened


@pytest.fixture(autouse=True)
def from_the_start(page):
    page.get_by_role("button", name="Reset").click()
    wait_for(page, "step", "0 of 60")
    wait_for(page, "weights", "(−4, 2)")


def shown(page, name: str) -> str:
    return page.locator(f".cb-numbers div:has(dt:text-is('{name}')) dd").inner_text()


def wait_for(page, name: str, words: str) -> None:
    page.wait_for_selector(f".cb-numbers div:has(dt:text-is('{name}')) dd:text-is('{words}')")


def say(page, words: str) -> None:
    page.wait_for_selector(f".cb-sentence:has-text('{words}')")


def press(page, name: str, *keys: str) -> None:
    page.get_by_role("slider", name=name).focus()
    for key in keys:
        page.keyboard.press(key)


def path(page) -> str:
    return page.locator(".cb-future").get_attribute("d")


def ball_at(page) -> tuple[float, float]:
    ball = page.locator(".cb-surface .cb-ball")
    return float(ball.get_attribute("cx")), float(ball.get_attribute("cy"))


def test_steps_by_button_and_slider(page, faults):
    say(page, "At the start: the loss is 48")
    step = page.get_by_role("button", name="Step")
    step.click()
    wait_for(page, "step", "1 of 60")
    wait_for(page, "weights", "(−3.64, −1.6)")
    wait_for(page, "gradient", "(−3.64, −32)")
    wait_for(page, "loss", "32.2")
    say(page, "Goes down: this step lowered the loss from 48 to 32.2.")
    step.focus()
    page.keyboard.press("Enter")
    say(page, "Zigzags: it jumps across the valley")
    press(page, "after step", "End")
    wait_for(page, "step", "60 of 60")
    assert run_in_kernel(page, KEPT).startswith("[-4.0, 2.0] 60 ravine sgd 0.09")


def test_a_rate_above_the_bound_diverges_and_says_so(page, faults):
    before = path(page)
    press(page, "learning rate", "ArrowRight", "ArrowRight", "ArrowRight")
    assert (
        page.get_by_role("slider", name="learning rate").get_attribute("aria-valuetext") == "0.13"
    )
    for _ in range(5):
        page.get_by_role("button", name="Step").click()
    say(page, "Diverges: the loss has grown for 5 steps; the rate 0.13 is above 2/curvature = 0.1.")
    assert path(page) != before
    assert page.locator(".cb-sentence.cb-alert").count() == 1
    press(page, "after step", "End")
    page.wait_for_selector(".cb-surface .cb-outside")
    box = page.get_by_role("slider", name="learning rate").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    say(page, "Goes down: this step lowered the loss")
    assert page.locator(".cb-outside, .cb-alert").count() == 0


def test_a_click_on_the_surface_drops_the_ball_there(page, faults):
    press(page, "after step", "End")
    box = page.locator(".cb-surface").bounding_box()
    scale = box["width"] / 452  # of the drawing: 40 left of a surface of 400×320, 8 above it
    page.mouse.click(box["x"] + scale * (40 + 300), box["y"] + scale * (8 + 80))
    wait_for(page, "step", "0 of 60")
    start = json.loads(run_in_kernel(page, "print(list(ball.start))"))
    assert start == pytest.approx([2.5, 2.0], abs=0.05)
    assert ball_at(page) == pytest.approx((340, 88), abs=2)
    page.mouse.move(box["x"] + scale * 340, box["y"] + scale * 88)
    page.mouse.down()
    page.mouse.move(box["x"] + scale * 140, box["y"] + scale * 248, steps=5)
    page.mouse.up()
    page.wait_for_function(
        "() => document.querySelector('.cb-surface .cb-ball').getAttribute('cx') < 145"
    )
    start = json.loads(run_in_kernel(page, "print(list(ball.start))"))
    assert start == pytest.approx([-2.5, -2.0], abs=0.05)


def test_arrow_keys_move_the_start_on_the_surface(page, faults):
    page.locator(".cb-ground").focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, "weights", "(−3.8, 2)")
    page.keyboard.press("ArrowDown")
    wait_for(page, "weights", "(−3.8, 1.84)")
    page.keyboard.press("Shift+ArrowLeft")
    wait_for(page, "weights", "(−4.8, 1.84)")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    wait_for(page, "weights", "(−5, 2)")  # the edge
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.cb-widget')")


def test_start_sliders_by_key_and_mouse(page, faults):
    press(page, "start: first weight", "ArrowRight")
    wait_for(page, "weights", "(−3.5, 2)")
    press(page, "start: second weight", "Home")
    wait_for(page, "weights", "(−3.5, −4)")
    box = page.get_by_role("slider", name="start: second weight").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    wait_for(page, "weights", "(−3.5, 0)")


def test_rules_and_surfaces(page, faults):
    page.get_by_label("rule").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    press(page, "after step", "Home", "ArrowRight")
    wait_for(page, "weights", "(−3.91, 1.91)")  # Adam's first step is as long as the rate
    for surface, start in [
        ("saddle", "(−2.5, 0.01)"),
        ("two valleys", "(2, 1.5)"),
        ("bowl", "(−4, 3)"),
    ]:
        picture = page.locator(".cb-surface image").get_attribute("href")
        page.get_by_label("surface", exact=True).select_option(surface)
        wait_for(page, "weights", start)
        wait_for(page, "step", "0 of 60")
        assert page.locator(".cb-surface image").get_attribute("href") != picture
    assert run_in_kernel(page, KEPT) == "[-4.0, 3.0] 0 bowl adam 0.09\n"


def test_play_and_pause(page, faults):
    page.get_by_role("button", name="Play").click()
    wait_for(page, "step", "3 of 60")
    page.get_by_role("button", name="Pause").click()
    stopped = shown(page, "step")
    page.wait_for_timeout(600)
    assert shown(page, "step") == stopped
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Space")
    page.wait_for_function(
        f"() => !document.querySelector('.cb-numbers dd').textContent.startsWith({stopped[:2]!r})"
    )
    page.get_by_role("slider", name="start: first weight").focus()
    page.keyboard.press("ArrowRight")  # a new ball: the playing ends
    page.get_by_role("button", name="Play").wait_for()
    wait_for(page, "step", "0 of 60")


def test_two_views_agree(page, faults):
    run_in_kernel(page, "ball.learning_rate = 0.02; ball.step = 7")
    wait_for(page, "step", "7 of 60")
    assert (
        page.get_by_role("slider", name="learning rate").get_attribute("aria-valuetext") == "0.02"
    )
    assert page.get_by_role("slider", name="after step").input_value() == "7"


def test_nothing_plays_for_those_who_ask_for_less_motion(open_notebook, faults):
    calm = open_notebook(CELL, reduced_motion="reduce")
    calm.wait_for_selector(".cb-surface")
    play = calm.get_by_role("button", name="Play")
    assert play.is_disabled()
    assert "less motion" in play.get_attribute("title")
    calm.get_by_role("button", name="Step").click()
    wait_for(calm, "step", "1 of 60")


def test_it_fits_a_page_at_twice_the_size(open_notebook, faults):
    """A window of 1200 pixels at 200 % has 600 of its own."""
    narrow = open_notebook(CELL, viewport={"width": 600, "height": 450})
    narrow.wait_for_selector(".cb-surface")
    root = narrow.locator(".cb-panel").first
    assert root.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
    beyond = """root => [...root.querySelectorAll("*")].filter((node) =>
        node.getBoundingClientRect().right > root.getBoundingClientRect().right + 1).length"""
    assert root.evaluate(beyond) == 0


def test_no_serious_fault_light_or_dark(page, faults):
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    colours = page.locator(".cb-ticks text").first.evaluate("node => getComputedStyle(node).fill")
    assert min(map(int, re.findall(r"\d+", colours)[:3])) > 150  # light on dark
