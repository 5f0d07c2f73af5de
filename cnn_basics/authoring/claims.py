"""Numbers in a lesson's text that are bound to what computes them.

In a Markdown cell, `857,282<!--= count -->` claims that the variable `count` is 857,282 once the
code cell before has run; readers see the number alone. Any expression will do, such as
`<!--= history.train_loss[0] -->`. When the lessons are tested, each claim is compared with what its
expression gives there, to as many decimals as the text has; a whole number must be exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?"
CLAIM = rf"({NUMBER}(?:\s?×\s?{NUMBER})*)(?:\s?%)?[*_`]*<!--=\s*(.+?)\s*-->"


class Claim(NamedTuple):
    """One number as it is written ("857,282", "−3" or "28×28"), and what computes it."""

    stated: str
    expression: str


def find_claims(text: str) -> list[Claim]:
    """List the claims of a Markdown cell; an expression behind no number is a ValueError.

    Example:
        >>> find_claims("It has 1,280<!--= 128 * 10 --> weights.")
        [Claim(stated='1,280', expression='128 * 10')]
    """
    found = [Claim(*parts) for parts in re.findall(CLAIM, text)]
    if len(found) != text.count("<!--="):
        raise ValueError(
            "expected a number right before each <!--= expression -->, got a text with "
            f"{text.count('<!--=')} of these and {len(found)} such numbers: {text[:80]!r}"
        )
    return found


def claims_by_code_cell(cells: Iterable[Any]) -> list[list[Claim]]:
    """Collect, for each code cell, the claims that hold once it has run: those up to the next.

    The first code cell also has those before it.
    """
    claims: list[list[Claim]] = []
    early: list[Claim] = []
    for cell in cells:
        if cell["cell_type"] == "code":
            claims.append(early)
            early = []
        elif cell["cell_type"] == "markdown":
            (claims[-1] if claims else early).extend(find_claims("".join(cell["source"])))
    return claims


def compare(stated: str, value: Any) -> str:  # noqa: ANN401 - whatever an expression gives
    """Say what differs between the text and what was computed, or "" if nothing does.

    Example:
        >>> compare("0.69", 0.6931), compare("28×28", (28, 28))
        ('', '')
        >>> compare("0.70", 0.6931)
        'the text says 0.70, and it is 0.6931'
    """
    parts = re.findall(NUMBER, stated)
    values = value.tolist() if hasattr(value, "tolist") else value
    values = list(values) if isinstance(values, list | tuple) else [values]
    right = len(values) == len(parts) and all(map(_agrees, parts, values))
    return "" if right else f"the text says {stated}, and it is {value}"


def _agrees(part: str, value: Any) -> bool:  # noqa: ANN401 - whatever an expression gives
    if isinstance(value, str):
        return value == part
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    said = part.replace(",", "").replace("−", "-")
    decimals = len(said.partition(".")[2])
    # A whole number in the text is exact; who means "about" writes round(…) in the expression.
    allowed = 0.5 * 10**-decimals + 1e-9 if decimals else 1e-4
    return abs(float(said) - value) <= allowed


def changed(stated: str) -> str:
    """Return the number with its last digit changed by 5, so that the claim is wrong."""
    return stated[:-1] + str((int(stated[-1]) + 5) % 10)
