"""The training board in a real page: start, see it learn, stop, continue, start over."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, has_left, run_in_kernel, shown_picture, wait_for
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


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def is_enabled(page, name: str) -> bool:
    return button(page, name).get_attribute("aria-disabled") == "false"


def ask(page, code: str) -> str:
    return run_in_kernel(page, f"print(({code}))").strip()


def wait_for_another_picture(page, before: str) -> None:
    now = "(old) => ![old, ''].includes(document.querySelector('.cnn-basics-picture img')?.src)"
    page.wait_for_function(now, arg=before)


def focused(page) -> str:
    return page.evaluate("document.activeElement.textContent")


def test_start_watch_and_stop_by_mouse(page):
    assert [is_enabled(page, name) for name in BUTTONS] == [True, False, False]
    before = shown_picture(page)
    button(page, "Start").click()
    say(page, "Training")
    for _ in range(4):  # the curves grow
        wait_for_another_picture(page, before)
        before = shown_picture(page)
    assert [is_enabled(page, name) for name in BUTTONS] == [False, True, True]
    wait_for(page, "kernels of conv1, changed by")
    assert float(page.locator("progress").get_attribute("value")) > 0
    assert ask(page, "threads()") == "['training board']"  # and the kernel is free to say so
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    button(page, "Stop").click()
    say(page, "Stopped after")
    done = float(ask(page, "board.record.done"))
    assert 0 < done < 500
    wait_for(page, f"after {round(done, 2):g} of 500 epochs")  # the last state is shown
    assert ask(page, "threads(), board.wait(0), board.history.stopped") == "([], True, True)"
    assert ask(page, "torch.equal(board.model.fc.weight, Small().fc.weight)") == "False"
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    last = shown_picture(page)
    page.wait_for_timeout(700)
    assert shown_picture(page) == last


def test_everything_by_keys_and_the_focus_stays(page):
    button(page, "Start").press("Enter")
    say(page, "Training")
    page.wait_for_function("() => document.activeElement.getAttribute('aria-disabled') === 'true'")
    page.keyboard.press("Enter")  # nothing to do
    page.keyboard.press("Tab")
    assert focused(page) == "Stop"
    wait_for(page, "changed by")
    page.keyboard.press("Space")
    say(page, "Stopped after")
    assert focused(page) == "Stop"
    kept = ask(page, "board.record.done")
    page.keyboard.press("Shift+Tab")
    assert focused(page) == "Continue"
    page.keyboard.press("Enter")
    say(page, "Training")
    run_in_kernel(page, "board.wait(0.3); board.stop(); board.wait()")
    say(page, "Stopped after")
    assert float(ask(page, "board.record.done")) > float(kept)
    button(page, "Start over").press("Enter")
    wait_for(page, "before the start")
    assert ask(page, "torch.equal(board.model.fc.weight, Small().fc.weight)") == "True"
    page.keyboard.press("Escape")
    assert has_left(page)


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


def test_two_views_agree_and_fit_a_page_at_twice_the_size(open_notebook):
    """A window of 1200 pixels at 200 % has 600 of its own."""
    both = open_notebook(*CELLS, "board", viewport={"width": 600, "height": 900})
    picture, place = both.locator(".cnn-basics-picture img"), both.locator(".jp-OutputArea-output")
    expect(picture).to_have_count(2)
    box, room = picture.first.bounding_box(), place.first.bounding_box()
    assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
    assert picture.first.evaluate("img => img.naturalWidth / img.width") >= 1.6  # stays sharp
    button(both, "Start").first.click()
    both.wait_for_function("""() => {
        const said = [...document.querySelectorAll(".cb-live")].map((node) => node.textContent);
        const alts = [...document.querySelectorAll(".cnn-basics-picture img")].map((i) => i.alt);
        return said.every((text) => text.startsWith("Training, ")) && said[0] === said[1]
            && alts[0] === alts[1] && alts[0].includes("changed by");
    }""")
    button(both, "Stop").last.click()
    expect(both.locator(".cb-live")).to_contain_text(["Stopped after"] * 2)
