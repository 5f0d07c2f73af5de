"""Which cells of a lesson its widgets need: the tests in a browser run no others.

That every cell runs, and what it prints, is what nbval proves; running a training again for each
widget that shows its network would take longer than all other tests together.
"""

from __future__ import annotations

import builtins
import dis
import re
from types import CodeType

from nbformat import NotebookNode


def keep_needed(notebook: NotebookNode) -> None:
    """Take all code cells out of a notebook that no widget needs.

    A cell is needed if it shows a widget, or gives a name its last value before a needed cell uses
    it. What a call changes inside of a value does not count: a network may stay untrained.
    """
    wanted: set[str] = set()
    kept = []
    for cell in reversed(notebook.cells):
        if cell.cell_type == "code":
            stored, loaded = names(compile(cell.source, "cell", "exec"))
            if not re.search(r"\bwidgets\.[a-z]\w*\(", cell.source) and not stored & wanted:
                continue
            wanted = (wanted - stored) | loaded
        kept.append(cell)
    notebook.cells = kept[::-1]


def names(code: CodeType) -> tuple[set[str], set[str]]:
    """The names that a cell gives a value to, and those that must have one before."""
    stored, loaded = set(), set()
    for step in dis.get_instructions(code):
        if step.opname in ("STORE_NAME", "STORE_GLOBAL"):
            stored.add(step.argval)
        elif re.match("LOAD_.*(NAME|GLOBAL)", step.opname):
            loaded |= {step.argval} - stored - set(dir(builtins))
        elif isinstance(step.argval, CodeType):  # what a function or a class reads
            loaded |= names(step.argval)[1] - stored
    return stored, loaded
