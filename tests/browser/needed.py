"""Which cells of a lesson its widgets need: the tests in a browser run no others.

That every cell runs, and what it prints, is what nbval proves; running a training again for each
widget that shows its network would take longer than all other tests together.
"""

from __future__ import annotations

import ast
import builtins
import re

from nbformat import NotebookNode

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


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
            if not re.search(r"\bwidgets\.[a-z]\w*\(", cell.source) and not stored & wanted:
                continue
            wanted = (wanted - stored) | loaded
        kept.append(cell)
    notebook.cells = kept[::-1]


def names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell gives a value to, and those that must have one before."""
    stored, loaded = set(), set()
    for statement in ast.parse(source).body:
        given, read = names_of(statement)
        loaded |= read - stored - set(dir(builtins))
        stored |= given
    return stored, loaded


def names_of(*nodes: ast.AST | None) -> tuple[set[str], set[str]]:
    """The names that these nodes give a value to and read, outside of scopes of their own."""
    stored, loaded = set(), set()
    for node in filter(None, nodes):
        given, read = names_of(*ast.iter_child_nodes(node))
        match node:
            case ast.Name():
                (read if isinstance(node.ctx, ast.Load) else given).add(node.id)
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
                given.add(name)
            case ast.alias():
                given.add((node.asname or node.name).split(".")[0])
            case ast.AugAssign(target=ast.Name(id=name)):
                read.add(name)
            case ast.For():
                read -= names_of(node.target)[0]
        if isinstance(node, (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)):
            read = (read - given) | outside(node)
            given = {node.name} if hasattr(node, "name") else set()
        stored |= given
        loaded |= read
    return stored, loaded


def outside(node: ast.AST) -> set[str]:
    """The names that a function or a comprehension reads where it stands, not in its own scope."""
    if isinstance(node, FUNCTIONS):
        return names_of(*node.args.defaults, *node.args.kw_defaults)[1]
    return names_of(node.generators[0].iter)[1] if isinstance(node, COMPREHENSIONS) else set()
