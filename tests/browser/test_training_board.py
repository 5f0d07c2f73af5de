"""The training board in a real page: start, see it learn, stop, continue, start over."""

from __future__ import annotations

import pytest
from driving import find_axe_faults, run_all, run_in_kernel, use_dark_theme

# A small network on small pictures; each batch waits, so that nothing depends on the machine.
SETUP = """
import threading, time, torch
from torch import nn
from cnn_basics import widgets
from cnn_basics.widgets.parts import replace_previous

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8 * 64, 2)
        self.pause = 0.05

    def forward(self, x):
        time.sleep(self.pause)
        return self.fc(self.conv1(x).relu().flatten(1))

pictures, labels = torch.rand(64, 3, 8, 8), torch.arange(64) % 2
pictures[labels == 1, 0, :4] += 0.3
data = (pictures, labels, ("plain", "reddish"))
def threads():
    return [t.name for t in threading.enumerate() if t.name == "training board"]
"""
SHOW = """
board = widgets.training_board(Small(), data, data, epochs=500, batch_size=16)
board
"""


@pytest.fixture(scope="module")
def page(open_notebook):
    opened = open_notebook(SETUP, SHOW)
    wait_for(opened, "before the start")
    return opened


@pytest.fixture(autouse=True)
def from_the_start(page, faults):
    if not disabled(page, "Start over"):
        button(page, "Start over").click()
    say(page, "Start trains for 500 epochs")
    wait_for(page, "before the start")
    yield
    run_in_kernel(page, "board.stop(); board.wait()")


def wait_for(page, words: str) -> None:
    page.wait_for_selector(f'.cnn-basics-picture img[alt*="{words}"]')


def say(page, words: str) -> None:
    page.wait_for_selector(f".cb-live:has-text('{words}')")


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def disabled(page, name: str) -> bool:
    return button(page, name).get_attribute("aria-disabled") == "true"


def source(page) -> str:
    return page.locator(".cnn-basics-picture img").get_attribute("src")


def ask(page, code: str) -> str:
    return run_in_kernel(page, f"print(({code}))").strip()


def wait_for_another_picture(page, before: str) -> None:
    page.wait_for_function(
        "(old) => { const now = document.querySelector('.cnn-basics-picture img').src;"
        " return now && now !== old; }",
        arg=before,
    )


def test_start_watch_and_stop_by_mouse(page, faults):
    assert [disabled(page, name) for name in ("Start", "Stop", "Start over")] == [False, True, True]
    before = source(page)
    button(page, "Start").click()
    say(page, "Training")
    wait_for_another_picture(page, before)
    assert [disabled(page, name) for name in ("Start", "Stop", "Start over")] == [
        True,
        False,
        False,
    ]
    for _ in range(3):  # the curves grow
        wait_for_another_picture(page, source(page))
    wait_for(page, "kernels of conv1, changed by")
    assert float(page.locator("progress").get_attribute("value")) > 0
    assert ask(page, "threads()") == "['training board']"  # and the kernel is free to say so
    button(page, "Stop").click()
    say(page, "Stopped after")
    done = ask(page, "board.record.done")
    assert 0 < float(done) < 500
    wait_for(page, f"after {round(float(done), 2):g} of 500 epochs")  # the last state is shown
    assert ask(page, "threads(), board.wait(0), board.history.stopped") == "([], True, True)"
    assert ask(page, "torch.equal(board.model.fc.weight, Small().fc.weight)") == "False"
    last = source(page)
    page.wait_for_timeout(700)
    assert source(page) == last


def test_everything_by_keys_and_the_focus_stays(page, faults):
    page.keyboard.press("Escape")
    button(page, "Start").focus()
    page.keyboard.press("Enter")
    say(page, "Training")
    page.wait_for_function("() => document.activeElement.getAttribute('aria-disabled') === 'true'")
    assert page.evaluate("document.activeElement.textContent") == "Start"
    page.keyboard.press("Enter")  # nothing to do
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Stop"
    wait_for(page, "changed by")
    page.keyboard.press("Space")
    say(page, "Stopped after")
    assert page.evaluate("document.activeElement.textContent") == "Stop"
    kept = ask(page, "board.record.done")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == "Continue"
    page.keyboard.press("Enter")
    say(page, "Training")
    run_in_kernel(page, "board.wait(0.3); board.stop(); board.wait()")
    say(page, "Stopped after")
    assert float(ask(page, "board.record.done")) > float(kept)
    button(page, "Start over").focus()
    page.keyboard.press("Enter")
    wait_for(page, "before the start")
    assert ask(page, "torch.equal(board.model.fc.weight, Small().fc.weight)") == "True"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.widget-vbox, .cb-widget')")


def test_stop_is_heard_while_a_cell_runs(page, faults):
    """JupyterLab's kernels hear widgets in a thread of their own, while the main thread works."""
    button(page, "Start").click()
    say(page, "Training, 0 of")
    page.evaluate("""() => {
        const kernel = jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
        const code = "end = time.monotonic() + 20\\nwhile board._running: "
            + "time.sleep(0.01); assert time.monotonic() < end";
        window.busy = kernel.requestExecute({ code, store_history: false }).done;
    }""")
    button(page, "Stop").click()
    say(page, "Stopped after")
    assert page.evaluate("async () => (await window.busy).content.status") == "ok"


def test_a_failure_is_a_sentence(page, faults):
    run_in_kernel(page, "board.model.fc.weight.data.fill_(float('nan'))")
    button(page, "Start").click()
    say(page, "The training failed. FloatingPointError: the loss became nan")
    assert page.locator(".cb-live.cb-alert").count() == 1
    button(page, "Start over").click()
    say(page, "Back at the start")
    assert page.locator(".cb-live.cb-alert").count() == 0


def test_two_views_agree_and_fit_a_page_at_twice_the_size(open_notebook, page, faults):
    """A window of 1200 pixels at 200 % has 600 of its own."""
    both = open_notebook(SETUP, SHOW, "board", viewport={"width": 600, "height": 900})
    both.wait_for_function(
        "() => document.querySelectorAll('.cnn-basics-picture img').length === 2"
    )
    picture, place = both.locator(".cnn-basics-picture img"), both.locator(".jp-OutputArea-output")
    box, room = picture.first.bounding_box(), place.first.bounding_box()
    assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
    assert picture.first.evaluate("img => img.naturalWidth / img.width") >= 1.6  # stays sharp
    both.get_by_role("button", name="Start", exact=True).first.click()
    both.wait_for_function("""() => {
        const said = [...document.querySelectorAll(".cb-live")].map((node) => node.textContent);
        const alts = [...document.querySelectorAll(".cnn-basics-picture img")].map((i) => i.alt);
        return said.every((text) => text.startsWith("Training, ")) && said[0] === said[1]
            && alts[0] === alts[1] && alts[0].includes("changed by");
    }""")
    both.get_by_role("button", name="Stop", exact=True).last.click()
    both.wait_for_function("""() => [...document.querySelectorAll(".cb-live")].every(
        (node) => node.textContent.startsWith("Stopped after"))""")


def test_running_the_cell_again_ends_the_training_and_leaves_no_comm(page, faults):
    open_ones = "__import__('comm').get_comm_manager().comms"
    again = """async () => {
        const cell = jupyterapp.shell.currentWidget.content.widgets[1].model.sharedModel;
        const kernel = jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
        const request = { code: cell.getSource(), store_history: false };
        await kernel.requestExecute(request, true, { cellId: cell.id }).done;
    }"""
    page.evaluate(again)  # the page's own view belongs to the first run
    before = ask(page, f"len({open_ones})")
    for _ in range(3):
        run_in_kernel(page, "board.start()")
        page.evaluate(again)
        assert ask(page, f"len({open_ones}), threads()") == f"({before}, [])"
    run_all(page)
    wait_for(page, "before the start")


def test_no_serious_fault_light_or_dark(page, faults):
    button(page, "Start").click()
    wait_for(page, "changed by")
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    use_dark_theme(page)
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
    button(page, "Stop").click()
    say(page, "Stopped after")
    assert find_axe_faults(page, ".jp-OutputArea-output") == []
