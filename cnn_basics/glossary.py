"""Links the first use of each term of the glossary in each lesson: `python -m cnn_basics.glossary`.

The glossary is `notebooks/glossary.ipynb`: a heading of level 3 for each term, below it perhaps a
line such as *also: activation*, then what it means.
"""

from __future__ import annotations

import json
import re
import sys
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
# Lessons whose first use of a word has another sense: there it is not linked.
OTHER_SENSE = {
    "00_start_here": {"kernel"},
    "01_images_and_channels": {"view", "channels last", "layer", "weight"},
    "04_reshaping": {"stride"},
    "09_training": {"class"},
    "10_looking_inside": {"shape", "axis", "kernel"},
    "11_your_own_photos": {"view", "group", "shape"},
    "12_fast_convolution": {"stride"},
}


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


def find_unlinked(name: str, cells: Sequence[dict[str, Any]], terms: Iterable[Term]) -> list[Use]:
    """List the first uses of terms that are no links.

    Args:
        name: Of the lesson.
        cells: Of the lesson.
        terms: Of the glossary.

    Returns:
        The uses, without those that have another sense.
    """
    other = OTHER_SENSE.get(name, set())
    return [
        use for use in first_uses(cells, terms) if not use.linked and use.term.name not in other
    ]


def find_lost_links(cells: Iterable[dict[str, Any]], terms: Iterable[Term]) -> list[str]:
    """List the anchors of links to the glossary that lead to no term.

    Args:
        cells: Of a lesson.
        terms: Of the glossary.

    Returns:
        The anchors.
    """
    known = {term.anchor for term in terms}
    anchors = [m[2] for cell in cells for m in re.finditer(LINK, source(cell))]
    return [anchor for anchor in anchors if anchor not in known]


def link_terms(name: str, cells: Sequence[dict[str, Any]], terms: Sequence[Term]) -> int:
    """Make the first use of each term a link, in place, and undo links of later uses.

    Args:
        name: Of the lesson.
        cells: Of the lesson.
        terms: Of the glossary.

    Returns:
        How many links there are now.
    """
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(LINK, r"\1", source(cell))
    uses = find_unlinked(name, cells, terms)
    for use in sorted(uses, key=lambda each: (each.cell, -each.start)):
        text = source(cells[use.cell])
        link = f"[{text[use.start : use.end]}](glossary.ipynb#{use.term.anchor})"
        cells[use.cell]["source"] = text[: use.start] + link + text[use.end :]
    for cell in cells:
        if isinstance(cell["source"], str):
            cell["source"] = cell["source"].splitlines(keepends=True)
    return len(uses)


def main(arguments: list[str]) -> int:
    """Link the terms in the notebooks named, or in all lessons.

    Args:
        arguments: Paths of notebooks; none means every lesson.

    Returns:
        The exit code, 0.
    """
    terms = read_terms()
    for path in [Path(each) for each in arguments] or sorted(FOLDER.glob("[0-9]*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        count = link_terms(path.stem, notebook["cells"], terms)
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"{path.name}: {count} terms linked")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
