"""Shows the code of the package's own functions in a lesson."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable


def show_source(function: Callable) -> None:
    """Print a function's code without its docstring, which `help(function)` shows.

    Example:
        >>> from cnn_basics.by_hand import relu
        >>> show_source(relu)  # doctest: +ELLIPSIS
        def relu(x: Tensor) -> Tensor:
        ...
    """
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    lines = source.splitlines()
    if ast.get_docstring(definition) is not None:
        docstring = definition.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    print("\n".join(lines))
