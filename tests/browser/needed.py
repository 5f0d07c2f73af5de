"""Which cells of a lesson its widgets need: the tests in a browser run no others.

That every cell runs, and what it prints, is what nbval proves; running a training again for each
widget that shows its network would take longer than all other tests together.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable

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
            stored, loaded = names(cell.source)
            if not shows_widget(cell) and not stored & wanted:
                continue
            wanted = (wanted - stored) | loaded
        kept.append(cell)
    notebook.cells = kept[::-1]


def shows_widget(cell: NotebookNode) -> bool:
    """Whether a cell makes one of the package's widgets."""
    return bool(re.search(r"\bwidgets\.[a-z]\w*\(", cell.source))


def names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell gives a value to, and those that must have one before."""
    stored, loaded = set(), set()
    for statement in ast.parse(source).body:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        given = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
        read = used(table) | (given if isinstance(statement, ast.AugAssign) else set())
        if isinstance(statement, ast.For):
            read -= {node.id for node in ast.walk(statement.target) if isinstance(node, ast.Name)}
        loaded |= read - stored - set(dir(builtins))
        stored |= given
    return stored, loaded


def used(table: symtable.SymbolTable) -> set[str]:
    """The global names that are read, also by functions and comprehensions inside."""
    outermost = table.get_type() == "module"
    read = (s for s in table.get_symbols() if s.is_referenced() and (outermost or s.is_global()))
    return {s.get_name() for s in read}.union(*map(used, table.get_children()))
