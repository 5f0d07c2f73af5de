"""Numbers in the text of lessons and in notes are bound to what computes them."""

from __future__ import annotations

import nbformat.v4 as v4
import pytest
import torch

from cnn_basics.authoring.claims import (
    Note,
    changed,
    claims_by_code_cell,
    compare,
    find_claims,
    find_stale,
    find_unbound,
)


@pytest.mark.parametrize(
    ("stated", "same", "others"),
    [
        ("857,282", [857282], [857283]),
        ("0.69", [0.6931], [0.6951]),
        ("0.5", [torch.tensor(0.46)], []),
        ("−3", [-3], []),
        ("3", [], [-3]),
        ("28×28", [(28, 28), torch.Size([28, 28])], [(28, 29), (28, 28, 1)]),
        ("28", [], [(28, 28)]),
        ("3 × 4", [torch.tensor([3, 4])], []),
        ("12", [12.00001], [11.6, float("nan")]),
        ("1", [], [True, None]),
        ("1.50", ["1.50"], []),
        ("1.5", [], ["1.50"]),
    ],
)
def test_what_is_so_and_what_is_not(stated, same, others):
    assert [compare(stated, value) for value in same] == [""] * len(same)
    assert all(compare(changed(stated), value) for value in same)
    assert [compare(stated, value) for value in others] == [str(value) for value in others]


def test_claims_are_found_behind_numbers_in_every_form():
    text = (
        "It has **857,282**<!--= total --> weights, `28×28`<!--=size--> pixels, −3<!--= low -->, "
        "and 12 %<!--= round(100 * share) -->; 5 is none.\n<!-- a comment -->"
    )
    claims = find_claims(text)
    assert [claim[:2] for claim in claims] == [
        ("857,282", "total"),
        ("28×28", "size"),
        ("−3", "low"),
        ("12", "round(100 * share)"),
    ]
    assert claims[1].around.startswith("It has **857,282** weights, `28×28` pixels")
    assert find_unbound(text) == []
    assert find_unbound("so many<!--= n --> and 3<!--= m") == ["many<!--= n -->", "3<!--= m"]


def test_claims_belong_to_the_code_cell_before_them_and_notes_to_their_section():
    texts = ["# A\n1<!--= a -->", None, "2<!--= b -->", "3<!--= c -->", None, "## B", None]
    cells = [v4.new_code_cell("") if t is None else v4.new_markdown_cell(t) for t in texts]
    notes = [Note("# A", 1, "5<!--= e -->"), Note("## B", 1, "4<!--= d -->")]
    found = [[claim.expression for claim in claims] for claims in claims_by_code_cell(cells, notes)]
    assert found == [["a", "b", "c"], ["e"], ["d"]]


def cell(cell_id: str, printed: str, source: str = "") -> dict:
    outputs = [v4.new_output("stream", text=printed)]
    return v4.new_code_cell(source, id=cell_id, outputs=outputs)


def test_texts_are_pointed_at_that_state_what_no_cell_beside_them_prints_any_more():
    say = 'show(M, "The corner is 3.25.")'
    after = [
        v4.new_markdown_cell("## One\nThe mean is 3.25, the largest 8, in all 16<!--= n -->."),
        cell("a", "tensor([[4.0000, 9.]])\n8", say),
        v4.new_markdown_cell("## Two\nNothing here is 3.25."),
        cell("b", "1"),
    ]
    before = [cell("a", "tensor([[3.2500, 9.]])\n16 8", say), cell("b", "1")]
    notes = [Note("## One", 2, "Ask for the mean (3.25).")]
    assert find_stale(before, after, notes) == [
        "3.25 in 'The mean is 3.25, the largest 8, in all 16<!--= n -->.'",
        "3.25 in '\"The corner is 3.25.\"'",
        "3.25 in 'Ask for the mean (3.25).'",
    ]
    assert find_stale(after, after, notes) == []
