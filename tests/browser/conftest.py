"""One JupyterLab on loopback and one headless Chromium for all tests that drive widgets.

`open_notebook(*cells)` writes a notebook with these cells, opens it, runs it, and returns a `Page`
of Playwright's. A test fails when its page reports an error or asks anything of another machine.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("driving", "moving")

import driving  # noqa: E402

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GET_IT = "needs Chromium: sudo apt install chromium (or Chrome), and pip install -e '.[test]'"
BRIEF = "test_widgets.py"  # what plain `pytest` runs of this folder
SCREEN = {"width": 1200, "height": 900}
OPTIONS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing but this machine
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, most as thorough, and skip it where there is no browser."""
    missing = find_missing()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            if item.path.name != BRIEF:
                item.add_marker("thorough")
            if missing:
                item.add_marker(pytest.mark.skip(reason=missing))


def find_missing() -> str:
    try:
        import playwright  # noqa: F401
    except ImportError:
        return GET_IT
    return "" if find_chromium() else GET_IT


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[driving.Lab]:
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(PROJECT / "notebooks", folder / "notebooks")
    started = driving.Lab(folder)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # the machine may be busy; what is right is seen at once
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=find_chromium(), args=OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def context(browser):
    """What pages without wishes of their own share: scripts that are fetched and compiled once."""
    return browser.new_context(viewport=SCREEN)


@pytest.fixture(scope="module")
def faults() -> list[str]:
    """What pages reported since the last test: console errors, page errors, foreign requests."""
    return []


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "faults" in request.fixturenames or "open_notebook" in request.fixturenames:
        found = request.getfixturevalue("faults")
        said = list(found)
        found.clear()
        assert said == []


@pytest.fixture(scope="module")
def open_notebook(lab: driving.Lab, browser, context, faults: list[str]) -> Iterator[Callable]:
    """`open_notebook(*cells, **options)`: a page with these cells, run; or a lesson by `name=`."""
    opened = []  # pages, and contexts with pages

    def open_it(*cells: str, name: str = "", run: bool = True, **options):
        if cells:
            name = f"test-{secrets.token_hex(4)}"
            lab.write(name, cells)
        own = browser.new_context(**{"viewport": SCREEN} | options) if options else None
        page = (own or context).new_page()
        opened.append(own or page)
        page.set_default_timeout(15_000)
        driving.watch(page, faults)
        page.goto(f"{lab.url}/doc/tree/{name}.ipynb?token={lab.token}")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        driving.watch_kernel(page, faults)
        if run:
            driving.run_all(page)
        return page

    yield open_it
    for each in opened:
        each.close()
