"""`python -m cnn_basics.glossary` links the first use of each of its terms in every lesson."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cnn_basics.terms import FOLDER, LINK, Term, Use, first_uses, read_terms, source

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
