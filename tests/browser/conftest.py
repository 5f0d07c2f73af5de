"""One JupyterLab on loopback and one headless Chromium for all tests that drive widgets.

A test module names its cells, `CELLS`, and asks for `page`, where they have run. A test fails when
its page reports an error, when its kernel does, or when it asks anything of another machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("driving", "moving")

import driving  # noqa: E402

HERE = Path(__file__).resolve().parent
GET_IT = "needs Chromium: sudo apt install chromium (or Chrome), and pip install -e '.[test]'"
BRIEF = "test_widgets.py"  # what plain `pytest` runs of this folder
SCREEN = {"width": 1200, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, most as thorough, and skip it where there is no browser.

    The lessons, which take longest, come first, so that processes side by side end together.
    """
    items.sort(key=lambda item: item.path.name != "test_lessons.py")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            if item.path.name != BRIEF:
                item.add_marker("thorough")
            if not driving.find_chromium():
                item.add_marker(pytest.mark.skip(reason=GET_IT))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[driving.Lab]:
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(HERE.parent.parent / "notebooks", folder / "notebooks")
    with driving.Lab(folder) as started:
        yield started


@pytest.fixture(scope="session")
def browser() -> Iterator:
    from playwright.sync_api import expect

    expect.set_options(timeout=20_000)  # the machine may be busy; what is right is seen at once
    with driving.open_browser() as started:
        yield started


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
    if "faults" in request.fixturenames:  # as of every test that asks for a page
        said = list(request.getfixturevalue("faults"))
        request.getfixturevalue("faults").clear()
        assert said == []


@pytest.fixture(scope="module")
def open_notebook(lab: driving.Lab, browser, context, faults: list[str]) -> Iterator[Callable]:
    """`open_notebook(*cells, **options)`: a page with these cells, run; or a lesson by `name=`."""
    opened = []  # pages, and contexts with pages

    def open_it(*cells: str, name: str = "", **options):
        own = browser.new_context(**{"viewport": SCREEN} | options) if options else None
        page = (own or context).new_page()
        opened.append(own or page)
        page.set_default_timeout(15_000)
        driving.watch(page, faults)
        lab.open(page, name, cells)
        if cells:
            driving.run_all(page)
        return page

    yield open_it
    for each in opened:
        each.close()


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest, open_notebook: Callable):
    """A page in which the module's `CELLS` have run, opened with its `OPTIONS` if it has some."""
    return open_notebook(*request.module.CELLS, **getattr(request.module, "OPTIONS", {}))


@pytest.fixture
def fresh(page):
    """The page with its cells run again: widgets stand as they do at first."""
    page.mouse.move(2, 2)
    driving.run_all(page)
    return page
