"""Speaker notes: for each section of a lesson, how long it takes and what to say and ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path(__file__).parent / "notes"


@dataclass(frozen=True)
class Note:
    """What an instructor reads beside one section.

    Attributes:
        heading: The section's heading with its marks, such as "## Takeaways".
        minutes: How long the section takes.
        text: What to say, ask or leave out.
    """

    heading: str
    minutes: int
    text: str


class NotesError(Exception):
    """The notes do not fit the lesson; the message is one sentence that says where."""


def read_notes(lesson: str) -> list[Note]:
    """Read a lesson's notes.

    Args:
        lesson: Name of the notebook without its suffix.

    Returns:
        One note for each heading of level 1 and 2, in order; none if the lesson has no notes.

    Raises:
        NotesError: A heading has no line such as "5 minutes" below it.

    Example:
        >>> read_notes("05_pooling_and_stride")[0].heading
        '# 5 · Pooling and stride'
    """
    path = FOLDER / f"{lesson}.md"
    if not path.is_file():
        return []
    parts = re.split(r"^(#{1,2} .+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    notes = []
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        time, _, text = body.strip().partition("\n")
        found = re.fullmatch(r"(\d+) minutes?", time.strip())
        if not found:
            raise NotesError(f'{path.name}: expected "5 minutes" below {heading!r}, got {time!r}')
        notes.append(Note(heading.strip(), int(found[1]), text.strip()))
    return notes


def add_notes(notebook: NotebookNode, lesson: str, *, visible: bool) -> None:
    """Add a cell with its note, in place, after the first cell of each section.

    Args:
        notebook: The lesson.
        lesson: Its name.
        visible: Whether readers see it in the notebook; else it is a speaker note of a slide.

    Raises:
        NotesError: There is a note for a heading that the lesson does not have.
    """
    from nbformat.v4 import new_markdown_cell

    passed = 0
    for note in read_notes(lesson):
        place = find_heading(notebook, note.heading)
        if place is None:
            raise NotesError(f"{lesson}: there is a note for {note.heading!r}, but no such heading")
        time = f"{note.minutes} minute{'s' * (note.minutes != 1)}, from minute {passed}"
        passed += note.minutes
        text = f"{time}.\n\n{note.text}"
        if visible:
            quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
            text = f"> **For the instructor**\n>\n{quoted}"
        kind = "-" if visible else "notes"
        cell = new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})
        notebook.cells.insert(place + 1, cell)


def find_heading(notebook: NotebookNode, heading: str) -> int | None:
    """Find the cell that holds a heading.

    Args:
        notebook: Any.
        heading: Its whole line.

    Returns:
        The number of the cell, or None.
    """
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and heading in cell.source.splitlines():
            return number
    return None
