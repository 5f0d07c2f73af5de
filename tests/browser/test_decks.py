"""Every deck of slides in a browser: nothing blank, nothing cut off, nothing from elsewhere."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import watch
from playwright.sync_api import expect

from cnn_basics.authoring.editions import build_all

FOLDER = Path(__file__).resolve().parent.parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
SMALLEST_CODE = 16  # pixels of a slide 700 pixels high
# What the present slide shows, and how far it sticks out of the stage.
LOOK = """() => {
  const slide = Reveal.getCurrentSlide();
  const stage = document.querySelector(".slides").getBoundingClientRect();
  const scale = Reveal.getScale();
  const shown = [...slide.querySelectorAll("img, pre, p, li, h1, h2, h3, td")]
    .filter((node) => node.checkVisibility() && !node.closest("aside"));
  const boxes = shown.map((node) => node.getBoundingClientRect());
  const code = shown.filter((node) => node.matches("pre"));
  const sizes = code.map((node) =>
    parseFloat(getComputedStyle(node).fontSize) * (slide.firstElementChild.style.zoom || 1));
  const broken = [...slide.querySelectorAll("img")]
    .filter((node) => !node.complete || !node.naturalWidth);
  return {
    blank: !boxes.some((box) => box.width > 0 && box.height > 0),
    below: Math.max(0, ...boxes.map((box) => box.bottom - stage.bottom)) / scale,
    beside: Math.max(0, ...boxes.map((box) => box.right - stage.right)) / scale,
    above: Math.max(0, ...boxes.map((box) => stage.top - box.top)) / scale,
    smallest: Math.min(99, ...sizes),
    broken: broken.length,
    text: slide.innerText.slice(0, 80),
    last: Reveal.isLastSlide(),
  };
}"""


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


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def open_deck(server, browser, faults):
    opened = browser.new_context(viewport={"width": 1280, "height": 800})

    def open_it(name: str):
        page = opened.new_page()
        watch(page, faults)
        page.goto(f"{server}/{name}.html")
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        return page

    yield open_it
    opened.close()


def find_slide_faults(seen: dict) -> list[str]:
    """What is wrong with the slide that is shown."""
    found = [side for side in ("below", "beside", "above") if seen[side] > 2]
    found += ["blank"] * seen["blank"] + ["a broken picture"] * (seen["broken"] > 0)
    found += [f"code of {seen['smallest']:.0f} pixels"] * (seen["smallest"] < SMALLEST_CODE)
    return [f"{seen['text']!r}: {fault}" for fault in found]


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_every_slide_shows_all_it_has(open_deck, faults, name):
    page = open_deck(name)
    found, passed = [], 0
    while True:
        seen = page.evaluate(LOOK)
        found += find_slide_faults(seen)
        passed += 1
        if seen["last"]:
            break
        page.keyboard.press("Space")
    assert found == []
    assert passed == page.evaluate("Reveal.getTotalSlides()")
    assert passed > 20


def test_the_speaker_view_shows_the_notes(open_deck, faults):
    page = open_deck("05_pooling_and_stride")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    notes = speaker.locator(".speaker-controls-notes .value")
    expect(notes).to_contain_text("from minute")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("slide.innerHTML = '<div></div>'", "blank"),
        ("slide.innerHTML = '<div><p style=\"height:900px\">long</p></div>'", "below"),
        ("slide.innerHTML = '<div><pre style=\"width:1900px\">wide</pre></div>'", "beside"),
        ("slide.innerHTML = '<div><pre style=\"font-size:9px\">small</pre></div>'", "code of 9"),
        ("slide.innerHTML = '<div>a<img src=\"data:image/png;base64,AA\"></div>'", "a broken"),
    ],
)
def test_the_look_at_a_slide_finds_faults(open_deck, faults, change, fault):
    page = open_deck("00_start_here")
    page.evaluate(f"() => {{ const slide = Reveal.getCurrentSlide(); {change}; }}")
    page.wait_for_timeout(100)
    assert fault in " ".join(find_slide_faults(page.evaluate(LOOK)))
