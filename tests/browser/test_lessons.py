"""Every lesson in a real browser: its widgets run, all their controls work, nothing is left behind.

One page opens the lessons one after another, as a learner does. Of most lessons it runs only the
cells that their widgets need; that all cells run, and what they print, is proved without a browser.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from driving import ask, command, find_axe_faults, run_in_kernel
from moving import count_open, find_quick_faults, move_everything, scan
from needed import keep_needed

NOTEBOOKS = Path(__file__).resolve().parent.parent.parent / "notebooks"
LESSONS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
# Running everything takes long: one lesson with a widget that the page computes, and one with a
# widget that the kernel draws, run whole, and again after a restart, for what all of them share.
WHOLE = ("04_reshaping", "06_activation_and_normalization")


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, lab, room):
    own = request.param in WHOLE
    if not own:
        path = lab.folder / "notebooks" / f"{request.param}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        keep_needed(notebook)
        nbformat.write(notebook, path)
    lab.open(room, f"notebooks/{request.param}", own=own)
    yield room
    ask(room, "close", own)


def run_lesson(lesson) -> None:
    """Run all cells; JupyterLab's command is back already when the first cell raises something."""
    command(lesson, "notebook:run-all-cells")
    run_in_kernel(lesson, "")
    lesson.wait_for_function("() => !window.lessonTest.unrun().length")
    assert ask(lesson, "errors") == []


def show_widgets(lesson):
    """Bring one cell with widgets after another onto the screen."""
    for cell in ask(lesson, "widgetCells"):
        ask(lesson, "show", cell)
        yield cell


def test_it_runs(lesson):
    run_lesson(lesson)


def test_every_control_answers(lesson):
    assert "\n".join(move_everything(lesson, show_widgets(lesson))) == ""


def test_quick_changes_end_with_the_last_and_axe_finds_no_serious_fault(lesson):
    for cell in show_widgets(lesson):
        assert "\n".join(find_quick_faults(scan(lesson, cell))) == ""
        assert find_axe_faults(lesson, f'[data-test-root="{cell}"]') == []


def test_running_a_cell_again_leaves_nothing_open(lesson):
    for cell in ask(lesson, "widgetCells"):
        ask(lesson, "runAgain", cell, 1)
        before = count_open(lesson)
        ask(lesson, "runAgain", cell, 3)
        assert count_open(lesson) == before


@pytest.mark.parametrize("lesson", WHOLE, indirect=True)
def test_it_runs_after_a_restart(lesson):
    ask(lesson, "restart")
    run_lesson(lesson)
    for cell in show_widgets(lesson):
        assert scan(lesson, cell), f"cell {cell} shows no control"


def test_closing_it_leaves_no_fault(lesson, request):
    ask(lesson, "close", request.node.callspec.params["lesson"] in WHOLE)
    lesson.wait_for_timeout(300)  # for what might still be said
