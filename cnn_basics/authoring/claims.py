"""Numbers in a lesson's text and in its speaker notes, bound to what computes them.

In a Markdown cell, `857,282<!--= count -->` claims that the variable `count` is 857,282 once the
code cell before has run; readers see the number alone. Any expression will do, such as
`<!--= history.train_loss[0] -->`. When the lessons are tested, each claim is compared with what its
expression gives there, to as many decimals as the text has; a whole number must be exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

NOTES = Path(__file__).parent / "notes"
NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?"
CLAIM = rf"({NUMBER}(?:\s?×\s?{NUMBER})*)(?:\s?%)?[*_`]*<!--=\s*(.+?)\s*-->"


class LessonError(Exception):
    """A lesson could not be run or built; the message is one sentence that says why."""


class Claim(NamedTuple):
    """One number as it is written ("857,282", "−3" or "28×28"), what computes it, and where."""

    stated: str
    expression: str
    around: str = ""


class Note(NamedTuple):
    """What an instructor reads beside one section, known by its heading such as "## Takeaways"."""

    heading: str
    minutes: int
    text: str


def find_claims(text: str) -> list[Claim]:
    """List the claims of a Markdown cell."""
    found = []
    for match in re.finditer(CLAIM, text):
        start = text.rfind("\n", 0, match.start()) + 1
        around = re.sub(r"<!--.*?(-->|$)", "", text[start : match.end() + 30].split("\n")[0])
        found.append(Claim(match[1], match[2], around[-70:]))
    return found


def find_unbound(text: str) -> list[str]:
    """List the words before each `<!--= … -->` that stands behind no number in digits."""
    bound = {match.end() for match in re.finditer(CLAIM, text)}
    marks = re.finditer(r"(\S*)<!--=.*?(-->|$)", text)
    return [mark[0] for mark in marks if mark.end() not in bound]


def source_of(cell: dict[str, Any]) -> str:
    """Return a cell's text, which files hold in lines."""
    return "".join(cell["source"])


def claims_by_code_cell(
    cells: Iterable[dict[str, Any]], notes: Iterable[Note] = ()
) -> list[list[Claim]]:
    """Collect the claims after each code cell; a note's are at the end of its section."""
    claims: list[list[Claim]] = [[]]
    for section, said in by_section(cells, notes):
        notes_cells = [{"cell_type": "markdown", "source": text} for text in said]
        for cell in [*section, *notes_cells]:
            if cell["cell_type"] == "code":
                claims.append([])
            elif cell["cell_type"] == "markdown":
                claims[-1].extend(find_claims(source_of(cell)))
    early, *claims = claims
    if claims:
        claims[0] = early + claims[0]
    return claims


def by_section(
    cells: Iterable[dict[str, Any]], notes: Iterable[Note] = ()
) -> Iterator[tuple[list[dict[str, Any]], list[str]]]:
    """Yield the cells of each section, up to the next heading of level 1 or 2, and its notes."""
    texts = {note.heading: note.text for note in notes}
    section: list[dict[str, Any]] = []
    said: list[str] = []
    for cell in cells:
        lines = source_of(cell).splitlines() if cell["cell_type"] == "markdown" else []
        headings = [line.strip() for line in lines if re.match(r"#{1,2} ", line)]
        if headings and section:
            yield section, said
            section, said = [], []
        section.append(cell)
        said += [texts[heading] for heading in headings if heading in texts]
    yield section, said


def compare(stated: str, value: Any) -> str:  # noqa: ANN401 - whatever an expression gives
    """Return what was computed if the text states something else, or "" if they agree."""
    parts = re.findall(NUMBER, stated)
    values = value.tolist() if hasattr(value, "tolist") else value
    values = list(values) if isinstance(values, list | tuple) else [values]
    right = len(values) == len(parts) and all(map(_agrees, parts, values))
    return "" if right else f"{value}"


def _agrees(part: str, value: Any) -> bool:  # noqa: ANN401 - whatever an expression gives
    if isinstance(value, str):
        return value == part
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    decimals = len(part.partition(".")[2])
    # A whole number in the text is exact; who means "about" writes round(…) in the expression.
    allowed = 0.5 * 10**-decimals + 1e-9 if decimals else 1e-4
    return abs(_number(part) - value) <= allowed


def _number(part: str) -> float:
    return float(part.replace(",", "").replace("−", "-"))


def changed(stated: str) -> str:
    """Return the number with its last digit changed by 5, so that the claim is wrong."""
    return stated[:-1] + str((int(stated[-1]) + 5) % 10)


def read_notes(lesson: str) -> list[Note]:
    """Read a lesson's notes, one for each heading of level 1 and 2; none if there is no file."""
    path = NOTES / f"{lesson}.md"
    if not path.is_file():
        return []
    parts = re.split(r"^(#{1,2} .+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    notes = []
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        time, _, text = body.strip().partition("\n")
        found = re.fullmatch(r"(\d+) minutes?", time.strip())
        if not found:
            raise LessonError(f'{path.name}: expected "5 minutes" below {heading!r}, got {time!r}')
        notes.append(Note(heading.strip(), int(found[1]), text.strip()))
    return notes


def find_stale(
    before: Iterable[dict[str, Any]], after: Iterable[dict[str, Any]], notes: Iterable[Note]
) -> list[str]:
    """List texts, strings in code and notes that state a number no longer printed there."""
    old = {cell.get("id"): _printed(cell) for cell in before if cell["cell_type"] == "code"}
    found = []
    for section, said in by_section(after, notes):
        code = [cell for cell in section if cell["cell_type"] == "code"]
        gone = {n for cell in code for n in old.get(cell.get("id"), set()) - _printed(cell)}
        texts = [source_of(cell) for cell in section if cell["cell_type"] == "markdown"]
        texts += [string for cell in code for string in re.findall(r'"[^"\n]+"', source_of(cell))]
        for line in "\n".join([*texts, *said]).splitlines():
            unbound = re.sub(CLAIM, "", line)
            stated = [n for n in re.findall(NUMBER, unbound) if _number(n) in gone]
            if stated:
                found.append(f"{', '.join(dict.fromkeys(stated))} in {line.strip()!r}")
    return found


def _printed(cell: dict[str, Any]) -> set[float]:
    """Collect the numbers in a code cell's text outputs."""
    outputs = cell.get("outputs", [])
    texts = [each.get("text") or each.get("data", {}).get("text/plain", "") for each in outputs]
    return {_number(n) for text in texts for n in re.findall(NUMBER, "".join(text))}
