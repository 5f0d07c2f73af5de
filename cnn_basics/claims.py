"""Numbers in a lesson's text that are bound to what computes them.

In a Markdown cell, `857,282<!--= count -->` claims that the variable `count` is 857,282 once the
code cell before has run; readers see the number alone. Any expression will do, such as
`<!--= history.train_loss[0] -->`. When the lessons are tested, each claim is compared with what its
expression gives there, to as many decimals as the text has; a whole number must be exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?"
CLAIM = rf"({NUMBER}(?:\s?×\s?{NUMBER})*)(?:\s?%)?[*_`]*<!--=\s*(.+?)\s*-->"


@dataclass(frozen=True)
class Claim:
    """One number in the text of a lesson.

    Attributes:
        stated: As it is written: "857,282", "0.69", "−3" or "28×28".
        expression: What computes it, in the kernel of the lesson.
    """

    stated: str
    expression: str


def find_claims(text: str) -> list[Claim]:
    """List the claims of a Markdown cell.

    Args:
        text: Its source.

    Returns:
        The claims in order.

    Raises:
        ValueError: An expression stands behind something other than a number.

    Example:
        >>> find_claims("It has 1,280<!--= 128 * 10 --> weights.")
        [Claim(stated='1,280', expression='128 * 10')]
    """
    found = [Claim(stated, expression) for stated, expression in re.findall(CLAIM, text)]
    if len(found) != len(re.findall("<!--=", text)):
        raise ValueError(
            "expected a number right before each <!--= expression -->, got a text with "
            f"{text.count('<!--=')} of these and {len(found)} such numbers: {text[:80]!r}"
        )
    return found


def claims_by_code_cell(cells: Iterable[Any]) -> list[list[Claim]]:
    """Collect, for each code cell, the claims that are to hold once it has run.

    Args:
        cells: Of a notebook, as nbformat reads them.

    Returns:
        For each code cell, in order, those of the Markdown cells up to the next code cell; the
        first also has those before it.

    Example:
        >>> from nbformat.v4 import new_code_cell, new_markdown_cell
        >>> cells = [new_code_cell("n = 2"), new_markdown_cell("It is 2<!--= n -->.")]
        >>> claims_by_code_cell(cells)
        [[Claim(stated='2', expression='n')]]
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
    """Compare what the text says with what was computed.

    Args:
        stated: As it is written.
        value: A number, several of them, or a tensor of them; a text is compared as it is.

    Returns:
        "" if it is so, else a sentence that says what is.

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
    """Change the last digit of a number, so that the claim is wrong.

    Args:
        stated: As it is written.

    Returns:
        Another number with as many digits; its last digit differs by 5.

    Example:
        >>> changed("857,282"), changed("28×28")
        ('857,287', '28×23')
    """
    return stated[:-1] + str((int(stated[-1]) + 5) % 10)
