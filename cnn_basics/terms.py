"""The terms of the glossary, and where lessons first use them.

The glossary is `notebooks/glossary.ipynb`: a heading of level 3 for each term, below it perhaps a
line such as *also: activation*, then what it means.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
GLOSSARY = FOLDER / "glossary.ipynb"
LINK = r"\[([^\]]*)\]\(glossary\.ipynb#([^)]*)\)"
# What is no running text: code, headings, other links, tags and comments, answers that are folded.
ASIDE = (
    r"^```.*?^```|`[^`\n]*`|^#.*?$|<details>.*?</details>|<!--.*?-->|<[^>\n]*>"
    r"|!?\[[^\]]*\]\((?!glossary\.ipynb#)[^)]*\)"
)


@dataclass(frozen=True)
class Term:
    """One entry of the glossary.

    Attributes:
        name: As its heading has it.
        forms: All forms under which lessons speak of it, the name first.
    """

    name: str
    forms: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """The part of a link behind the `#`."""
        return self.name.replace(" ", "-")


@dataclass(frozen=True)
class Use:
    """The first use of a term in a lesson.

    Attributes:
        term: What is used.
        cell: Number of the cell.
        start: Where in its source the word begins.
        end: Where it ends.
        linked: Whether it is a link to the term.
    """

    term: Term
    cell: int
    start: int
    end: int
    linked: bool


def source(cell: dict[str, Any]) -> str:
    """Return the source of a cell of a notebook's JSON as one text."""
    return "".join(cell["source"])


def read_terms(path: Path = GLOSSARY) -> list[Term]:
    """Read the glossary.

    Args:
        path: Its notebook.

    Returns:
        The terms in its order.

    Example:
        >>> [term.forms for term in read_terms() if term.name == "axis"]
        [('axis', 'axes')]
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join(source(cell) for cell in cells)
    entries = re.findall(r"^### (.+)\n\n(?:\*also: (.+)\*)?", text, flags=re.MULTILINE)
    return [Term(name, (name, *filter(None, also.split(", ")))) for name, also in entries]


def first_uses(cells: Sequence[dict[str, Any]], terms: Iterable[Term]) -> list[Use]:
    """Find where the running text of a lesson first uses each term.

    Args:
        cells: Of the lesson. The first, with the title, and what follows from *References* on do
            not count.
        terms: Of the glossary.

    Returns:
        The uses in their order. Longer terms win: "max pooling" is no use of "pooling".
    """
    by_form = {form.lower(): term for term in terms for form in term.forms}
    found: dict[Term, Use] = {}
    for number, cell in enumerate(cells):
        if number == 0 or cell["cell_type"] != "markdown":
            continue
        text, *references = re.split(r"^(?=## References)", source(cell), flags=re.MULTILINE)
        links = [(m.start(), m.end(), m[2]) for m in re.finditer(LINK, text)]
        for start, end, form in words(text, by_form):
            term = by_form[form]
            inside = any(a < start < b and anchor == term.anchor for a, b, anchor in links)
            found.setdefault(term, Use(term, number, start, end, inside))
        if references:
            break
    return list(found.values())


def words(text: str, by_form: dict[str, Term]) -> Iterator[tuple[int, int, str]]:
    """Find all terms in the running text of a cell.

    Args:
        text: Its source.
        by_form: The terms by their forms in lower case.

    Yields:
        Where each begins and ends, and its form in lower case.
    """
    running = re.sub(ASIDE, _blank, text, flags=re.MULTILINE | re.DOTALL)
    running = re.sub(r"\]\([^)]*\)", _blank, running)  # addresses of links to the glossary
    forms = "|".join(re.escape(form) for form in sorted(by_form, key=len, reverse=True))
    for match in re.finditer(rf"(?<![\w-])({forms})(?:s)?(?![\w-])", running, flags=re.IGNORECASE):
        form = match[1].lower()
        written = next(each for each in by_form[form].forms if each.lower() == form)
        if written == form or written in match[0]:  # proper names only as they are written
            yield match.start(), match.end(), form


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])  # so that every place stays where it is
