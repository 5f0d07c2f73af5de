"""The training board in a real page: start, see it learn, stop, continue, start over."""

from __future__ import annotations

import pytest
from driving import button, find_axe_faults, get, run_in_kernel, shown_picture, wait_for
from playwright.sync_api import expect

# A small network on small pictures; each batch waits, so that nothing depends on the machine.
CELLS = (
    """
import threading, time, torch
from torch import nn
from cnn_basics import widgets

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 64, 2)

    def forward(self, x):
        time.sleep(0.05)
        return self.fc(self.conv1(x).relu().flatten(1))

pictures, labels = torch.rand(64, 3, 8, 8), torch.arange(64) % 2
pictures[labels == 1, 0, :4] += 0.3
data = (pictures, labels, ("plain", "reddish"))
def threads():
    return [t.name for t in threading.enumerate() if t.name == "training board"]
""",
    """
board = widgets.training_board(Small(), data, data, epochs=500, batch_size=16)
board
""",
)
BUTTONS = ("Start", "Stop", "Start over")
UNTRAINED = "torch.equal(board.model.fc.weight, Small().fc.weight)"


@pytest.fixture(autouse=True)
def from_the_start(page):
    if is_enabled(page, "Start over"):
        button(page, "Start over").click()
    say(page, "Start trains for 500 epochs")
    wait_for(page, "before the start")
    yield
    run_in_kernel(page, "board.stop(); board.wait()")


def say(page, words: str) -> None:
    expect(page.locator(".cb-live").first).to_contain_text(words)


def is_enabled(page, name: str) -> bool:
    return button(page, name).get_attribute("aria-disabled") == "false"


def press_where_the_focus_is(page, key: str, name: str) -> None:
    assert page.evaluate("document.activeElement.textContent") == name
    page.keyboard.press(key)


def test_start_watch_and_stop_by_mouse(page):
    assert [is_enabled(page, name) for name in BUTTONS] == [True, False, False]
    before = shown_picture(page)
    button(page, "Start").click()
    say(page, "Training")
    now = "(old) => ![old, ''].includes(document.querySelector('.cnn-basics-picture img')?.src)"
    for _ in range(2):  # the curves grow
        page.wait_for_function(now, arg=before)
        before = shown_picture(page)
    assert [is_enabled(page, name) for name in BUTTONS] == [False, True, True]
    wait_for(page, "kernels of conv1, changed by")
    assert float(page.locator("progress").get_attribute("value")) > 0
    assert get(page, "threads()") == "['training board']"  # and the kernel is free to say so
    assert find_axe_faults(page) == []
    button(page, "Stop").click()
    say(page, "Stopped after")
    done = float(get(page, "board.record.done"))
    assert 0 < done < 500
    wait_for(page, f"after {round(done, 2):g} of 500 epochs")  # the last state is shown
    assert get(page, "threads(), board.wait(0), board.history.stopped") == "[] True True"
    assert get(page, UNTRAINED) == "False"
    assert find_axe_faults(page) == []
    last = shown_picture(page)
    run_in_kernel(page, "")
    assert shown_picture(page) == last


def test_everything_by_keys_and_the_focus_stays(page):
    button(page, "Start").press("Enter")
    say(page, "Training")
    page.wait_for_function("() => document.activeElement.getAttribute('aria-disabled') === 'true'")
    page.keyboard.press("Enter")  # nothing to do
    page.keyboard.press("Tab")
    wait_for(page, "changed by")
    press_where_the_focus_is(page, "Space", "Stop")
    say(page, "Stopped after")
    kept = get(page, "board.record.done")
    press_where_the_focus_is(page, "Shift+Tab", "Stop")
    press_where_the_focus_is(page, "Enter", "Continue")
    say(page, "Training")
    run_in_kernel(page, "board.wait(0.3); board.stop(); board.wait()")
    say(page, "Stopped after")
    assert float(get(page, "board.record.done")) > float(kept)
    button(page, "Start over").press("Enter")
    wait_for(page, "before the start")
    assert get(page, UNTRAINED) == "True"


def test_stop_is_heard_while_a_cell_runs(page):
    """JupyterLab's kernels hear widgets in a thread of their own, while the main thread works."""
    button(page, "Start").click()
    say(page, "Training, 0 of")
    page.evaluate(
        "code => { window.busy = window.lessonTest.runInKernel(code); }", "assert board.wait(20)"
    )
    button(page, "Stop").click()
    say(page, "Stopped after")
    assert page.evaluate("() => window.busy") == ""


def test_a_failure_is_a_sentence(page):
    run_in_kernel(page, "board.model.fc.weight.data.fill_(float('nan'))")
    button(page, "Start").click()
    say(page, "The training failed. FloatingPointError: the loss became nan")
    expect(page.locator(".cb-live.cb-alert")).to_have_count(1)
    button(page, "Start over").click()
    say(page, "Back at the start")
    expect(page.locator(".cb-live.cb-alert")).to_have_count(0)


def test_the_picture_stays_sharp_at_twice_the_size(page):
    """A window of 1200 pixels at 200 % has 600 of its own."""
    page.set_viewport_size({"width": 600, "height": 900})
    picture = page.locator(".cnn-basics-picture img")
    assert picture.evaluate("img => img.naturalWidth / img.width") >= 1.6
