"""Every deck of slides in a browser: nothing blank, nothing cut off, nothing from elsewhere."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import ask, watch
from playwright.sync_api import expect

from cnn_basics.authoring.editions import build_all

FOLDER = Path(__file__).resolve().parent.parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """All decks, on loopback."""
    folder = tmp_path_factory.mktemp("decks")
    assert len(list(build_all("slides", NOTEBOOKS, folder))) == len(NOTEBOOKS)
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(scope="module")
def page(browser, faults):
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    watch(opened, faults)
    yield opened
    opened.close()


def open_deck(page, server: str, name: str) -> None:
    page.goto(f"{server}/{name}.html")
    page.wait_for_function("window.Reveal && Reveal.isReady()")


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_every_slide_shows_all_it_has(page, server, name):
    open_deck(page, server, name)
    found, passed = ask(page, "slideFaults"), 1
    while not page.evaluate("Reveal.isLastSlide()"):
        page.keyboard.press("Space")
        found += ask(page, "slideFaults")
        passed += 1
    assert found == []
    assert passed == page.evaluate("Reveal.getTotalSlides()")
    assert passed > 20


@pytest.mark.parametrize("name", ["05_pooling_and_stride", "11_your_own_photos"])
def test_the_speaker_view_has_the_same_slides_with_notes_on_each(page, server, name):
    open_deck(page, server, name)
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes .value")
    expect(notes).to_contain_text("from minute")
    total = page.evaluate("Reveal.getTotalSlides()")
    assert page.locator(".slides section:has(> aside.notes)").count() == total
    frames = [frame for frame in opened.value.frames if f"{name}.html" in frame.url]
    for frame in frames:
        frame.wait_for_function("window.Reveal && Reveal.isReady()")
        assert frame.evaluate("Reveal.getTotalSlides()") == total
    assert len(frames) == 2
    opened.value.close()


def test_the_look_at_a_slide_finds_faults(page, server):
    open_deck(page, server, "00_start_here")
    for html, fault in [
        ("<div></div>", "blank"),
        ('<div><p style="height:900px">long</p></div>', "below"),
        ('<div><pre style="width:1900px">wide</pre></div>', "beside"),
        ('<div><pre style="font-size:9px">small</pre></div>', "code of 9"),
        ('<div>a<img src="data:image/png;base64,AA"></div>', "a broken"),
    ]:
        page.evaluate("html => { Reveal.getCurrentSlide().innerHTML = html; }", html)
        page.wait_for_timeout(100)
        assert fault in " ".join(ask(page, "slideFaults"))
