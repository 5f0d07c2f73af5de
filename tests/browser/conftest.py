"""One JupyterLab on loopback and one headless Chromium for all tests that drive widgets.

A test module names its cells, `CELLS`, and asks for `page`, where they have run. A test fails when
its page reports an error, when its kernel does, or when it asks anything of another machine.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest.register_assert_rewrite("driving", "moving")

import driving  # noqa: E402

HERE = Path(__file__).resolve().parent
GET_IT = "needs Chromium: sudo apt install chromium (or Chrome), and pip install -e '.[test]'"
BRIEF = "test_widgets.py"  # what plain `pytest` runs of this folder
SCREEN = {"width": 1200, "height": 900}


class ByLesson(LoadScopeScheduling):
    """Processes side by side take one lesson after another, and the other tests by file."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return test.partition("[")[2] if file.endswith("test_lessons.py") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByLesson:
    return ByLesson(config, log)


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


@pytest.fixture(scope="session")
def room(lab: driving.Lab, browser, faults: list[str]):
    """The one page of JupyterLab, in which notebooks are opened and closed, as a learner does."""
    page = browser.new_page(viewport=SCREEN, has_touch=True)
    page.set_default_timeout(15_000)
    driving.watch(page, faults)
    page.goto(lab.url("doc"))
    page.wait_for_function("() => window.jupyterapp?.shell.restored")
    return page


@pytest.fixture(scope="module")
def open_notebook(lab: driving.Lab, room) -> Iterator[Callable]:
    """`open_notebook(*cells)`: the page with these cells, run; or with a lesson by `name=`."""

    def open_it(*cells: str, name: str = ""):
        lab.open(room, name, cells)
        if cells:
            driving.run_all(room)
        return room

    yield open_it
    room.set_viewport_size(SCREEN)
    room.emulate_media(reduced_motion="null")
    driving.ask(room, "close")


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest, open_notebook: Callable):
    """A page in which the module's `CELLS` have run."""
    return open_notebook(*request.module.CELLS)


@pytest.fixture
def fresh(page):
    """The page with its cells run again: widgets stand as they do at first."""
    page.mouse.move(2, 2)
    driving.run_in_kernel(page, "")  # what the last test has done is answered
    driving.run_all(page)
    return page
