"""What of a lesson its widgets need: the tests in a browser run nothing else of it.

That every cell runs, and what it prints, is what nbval proves; running a training again for each
widget that shows its network would take longer than all other tests together.
"""

from __future__ import annotations

import ast
import builtins
import dis
import re
from types import CodeType

from nbformat import NotebookNode

# What shows a widget, and what makes chance the same each time.
NEEDED = re.compile(r"\bwidgets\.[a-z]\w*\(|\bmanual_seed\(")


def keep_needed(notebook: NotebookNode) -> None:
    """Take out of a notebook's code cells every statement that its widgets do not need.

    `NEEDED` ones stay, and those that give a name its last value before a needed statement uses it.
    What a call changes inside of a value does not count: a network may stay untrained.
    """
    wanted: set[str] = set()
    for cell in reversed(notebook.cells):
        if cell.cell_type != "code":
            continue
        kept = []
        for statement in map(ast.unparse, reversed(ast.parse(cell.source).body)):
            stored, loaded = names(compile(statement, "cell", "exec"))
            if NEEDED.search(statement) or stored & wanted:
                wanted = (wanted - stored) | loaded
                kept.append(statement)
        cell.source = "\n".join(kept[::-1])
    notebook.cells = [cell for cell in notebook.cells if cell.source]


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
