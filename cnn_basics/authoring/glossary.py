"""The glossary's terms, linked where a lesson first uses them.

The glossary is `notebooks/glossary.ipynb`: a heading of level 3 for each term, below it perhaps a
line such as *also: activation*, then what it means. `python -m cnn_basics.authoring.glossary`
links the first use of each term in every lesson.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cnn_basics.authoring.claims import source_of
from cnn_basics.authoring.refresh import LESSONS, write_whole

GLOSSARY = LESSONS / "glossary.ipynb"
LINK = r"\[([^\]]*)\]\(glossary\.ipynb#([^)]*)\)"
# No running text: code, headings, other links, tags, comments, folded answers, addresses.
ASIDE = (
    r"^```.*?^```|`[^`\n]*`|^#.*?$|<details>.*?</details>|<!--.*?-->|<[^>\n]*>"
    r"|!?\[[^\]]*\]\((?!glossary\.ipynb#)[^)]*\)|(?<=\])\(glossary\.ipynb#[^)]*\)"
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


class Term(NamedTuple):
    """One entry: its heading, and all forms under which lessons speak of it, the name first."""

    name: str
    forms: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """The part of a link behind the `#`."""
        return self.name.replace(" ", "-")


class Use(NamedTuple):
    """The first use of a term in a lesson: in which cell, and from where to where."""

    term: Term
    cell: int
    start: int
    end: int


def read_terms(path: Path = GLOSSARY) -> list[Term]:
    """Read the terms in the glossary's order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join(map(source_of, cells))
    entries = re.findall(r"^### (.+)\n\n(?:\*also: (.+)\*)?", text, flags=re.MULTILINE)
    return [Term(name, (name, *filter(None, also.split(", ")))) for name, also in entries]


def first_uses(cells: Sequence[dict[str, Any]], terms: Iterable[Term]) -> list[Use]:
    """Find where a lesson's running text first uses each term; "max pooling" is no "pooling"."""
    by_form = {form.lower(): (term, form) for term in terms for form in term.forms}
    forms = "|".join(re.escape(form) for form in sorted(by_form, key=len, reverse=True))
    word = re.compile(rf"(?<![\w-])({forms})(?:s)?(?![\w-])", flags=re.IGNORECASE)
    found: dict[Term, Use] = {}
    for number, cell in enumerate(cells):
        if number == 0 or cell["cell_type"] != "markdown":
            continue
        source = source_of(cell)
        text, *references = re.split(r"^(?=## References)", source, flags=re.MULTILINE)
        running = re.sub(ASIDE, lambda m: " " * len(m[0]), text, flags=re.MULTILINE | re.DOTALL)
        for match in word.finditer(running):
            term, written = by_form[match[1].lower()]
            if written == written.lower() or written in match[0]:
                found.setdefault(term, Use(term, number, *match.span()))
        if references:
            break
    return list(found.values())


def link_terms(name: str, cells: Sequence[dict[str, Any]], terms: Sequence[Term]) -> int:
    """Link the first use of each term, in place, undo all other links, and count the new ones."""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(LINK, r"\1", source_of(cell))
    other = OTHER_SENSE.get(name, set())
    uses = [use for use in first_uses(cells, terms) if use.term.name not in other]
    for use in sorted(uses, key=lambda each: -each.start):
        text = source_of(cells[use.cell])
        link = f"[{text[use.start : use.end]}](glossary.ipynb#{use.term.anchor})"
        cells[use.cell]["source"] = text[: use.start] + link + text[use.end :]
    for cell in cells:
        cell["source"] = source_of(cell).splitlines(keepends=True)
    return len(uses)


def main(arguments: list[str]) -> int:
    """Link the terms in the notebooks named, or in all lessons; return the exit code."""
    if arguments[:1] in (["-h"], ["--help"]):
        print("usage: python -m cnn_basics.authoring.glossary [NOTEBOOK …]   (none: every lesson)")
        return 0
    paths = [Path(each) for each in arguments] or sorted(LESSONS.glob("[0-9]*.ipynb"))
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        print(f"glossary: there is no notebook {', '.join(missing)}", file=sys.stderr)
        return 1
    for path in paths:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        count = link_terms(path.stem, notebook["cells"], read_terms())
        write_whole(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
        print(f"{path.name}: {count} terms linked")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
