"""The instructor's edition: solutions filled in and run, with notes and timing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnn_basics.editions.notes import add_notes
from cnn_basics.exercises.catalog import find
from cnn_basics.exercises.judging import RIGHT
from cnn_basics.exercises.kinds import Exercise
from cnn_basics.refresh import clean, execute

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

# Two lessons are run at a time: threads of torch that wait for each other would only spin.
ONE_OF_TWO = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
ASKED = r'exercises\.(?:check|ask)\("(\d+\.\d)"'


class SolutionError(Exception):
    """A solution was not accepted in its lesson; the message is one sentence that says which."""


def fill_in(notebook: NotebookNode) -> None:
    """Put the solution into every exercise's cell, in place, and add why it is right.

    Args:
        notebook: A lesson as learners get it.
    """
    from nbformat.v4 import new_markdown_cell

    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        name = asked_in(cell)
        if not name:
            continue
        asked = find(name)
        if isinstance(asked, Exercise):
            cell.source = asked.with_check(asked.solution)
            mistakes = [wrong.why for wrong in asked.wrongs[:6]]
            text = f"**Why:** {asked.why}\n\nMistakes to expect:\n\n"
        else:
            mistakes = [f"**{answer}**: {why}" for answer, why in asked.options]
            text = f"**Answer:** {asked.options[asked.right][0]}\n\n"
        listed = "\n".join(f"- {mistake}" for mistake in mistakes)
        cells.append(new_markdown_cell(text + listed, metadata={"slideshow": {"slide_type": "-"}}))
    notebook.cells = cells


def asked_in(cell: NotebookNode) -> str:
    """Return the name of the exercise or question that a cell holds, or ""."""
    if cell.cell_type != "code" or "exercise" not in cell.metadata.get("tags", []):
        return ""
    found = re.search(ASKED, cell.source)
    return found[1] if found else ""


def find_rejected(notebook: NotebookNode) -> list[str]:
    """List the exercises of a notebook that was run whose check did not say that they are right."""
    rejected = []
    for cell in notebook.cells:
        name = asked_in(cell)
        if name and "exercises.check" in cell.source:
            said = "".join(output.get("text", "") for output in cell.outputs)
            if f"{name} · " not in said or f": {RIGHT}\n" not in said:
                rejected.append(name)
    return rejected


def make_instructor(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Turn a lesson into the instructor's edition, and run it.

    Args:
        notebook: The lesson; it is changed.
        path: Its file, in whose folder it is run.

    Returns:
        The same notebook with new outputs.

    Raises:
        SolutionError: A solution was not accepted.
        RefreshError: A cell failed.
    """
    fill_in(notebook)
    add_notes(notebook, path.stem, visible=True)
    execute(notebook, path.parent, ONE_OF_TWO)
    clean(notebook)
    rejected = find_rejected(notebook)
    if rejected:
        raise SolutionError(
            f"{path.name}: the solutions of {', '.join(rejected)} were not accepted: run the "
            "instructor's edition and read what the checks say"
        )
    return notebook
