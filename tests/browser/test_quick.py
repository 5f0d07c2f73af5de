"""Quick questions in a browser: answered by keys and by mouse, each answer with its explanation."""

from __future__ import annotations

from driving import run_in_kernel
from playwright.sync_api import expect

from cnn_basics.exercises.content import find

CHOICE, NUMBER = find("5.4"), find("7.4")
CELLS = (
    "from cnn_basics import exercises",
    "choice = exercises.ask('5.4')\nchoice",
    "number = exercises.ask('7.4')\nnumber",
)


def said(page, place: int):
    return page.locator(".cb-quick").nth(place).locator(".cb-live")


def test_every_choice_by_mouse(page, fresh):
    for number, (text, why) in enumerate(CHOICE.options):
        page.get_by_label(text, exact=True).click()
        expect(said(page, 0)).to_have_text(
            ("✓ Right. " if number == CHOICE.right else "✗ Not right. ") + why
        )
    assert run_in_kernel(page, "print(choice.given)").strip() == CHOICE.options[-1][0]


def test_every_choice_by_keys(page, fresh):
    page.get_by_label(CHOICE.options[0][0], exact=True).focus()
    page.keyboard.press("Space")
    expect(said(page, 0)).to_contain_text(CHOICE.options[0][1])
    for text, why in CHOICE.options[1:]:
        page.keyboard.press("ArrowDown")
        expect(page.get_by_label(text, exact=True)).to_be_checked()
        expect(said(page, 0)).to_contain_text(why)


def test_a_number_is_typed(page, fresh):
    field = page.get_by_label("your number")
    for answer, why in NUMBER.options:
        field.fill(str(answer))
        field.press("Enter")
        expect(said(page, 1)).to_contain_text(why)
    field.fill("many")
    field.press("Enter")
    expect(said(page, 1)).to_contain_text("expected a number, got 'many'")


def test_python_leads_too(page, fresh):
    text, why = CHOICE.options[CHOICE.right]
    run_in_kernel(page, f"choice.given = {text!r}; number.given = '4'")
    expect(page.get_by_label(text, exact=True)).to_be_checked()
    expect(said(page, 0)).to_contain_text(why)
    expect(page.get_by_label("your number")).to_have_value("4")


def test_what_is_answered_is_kept(page, fresh):
    page.get_by_label(CHOICE.options[CHOICE.right][0], exact=True).click()
    expect(said(page, 0)).to_contain_text("✓ Right.")
    kept = "from cnn_basics.exercises import read_record; print(read_record()['5.4']['done'])"
    assert run_in_kernel(page, kept).strip() == "True"
