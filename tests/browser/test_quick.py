"""Quick questions in a browser: answered by keys and by mouse, each answer with its explanation."""

from __future__ import annotations

from driving import control, get, run_in_kernel
from playwright.sync_api import expect

from cnn_basics.exercises.content import find

CHOICE, NUMBER = find("5.4"), find("7.4")
CELLS = (
    "from cnn_basics import exercises\nfrom cnn_basics.exercises import read_record",
    "choice = exercises.ask('5.4')\nchoice",
    "number = exercises.ask('7.4')\nnumber",
)


def says(page, place: int, words: str):
    said = page.locator(".cb-quick").nth(place).locator(".cb-live")
    expect(said).to_contain_text(words)


def test_every_choice_by_mouse_and_by_keys(page, fresh):
    for number, (text, why) in enumerate(CHOICE.options):
        control(page, text).click()
        says(page, 0, ("✓ Right. " if number == CHOICE.right else "✗ Not right. ") + why)
    assert get(page, "choice.given") == CHOICE.options[-1][0]
    for text, why in CHOICE.options:  # from the last one on to the first
        page.keyboard.press("ArrowDown")
        expect(control(page, text)).to_be_checked()
        says(page, 0, why)
    assert get(page, "read_record()['5.4']['done']") == "True"


def test_a_number_is_typed(page, fresh):
    field = control(page, "your number")
    for answer, why in [*NUMBER.options, ("many", "expected a number, got 'many'")]:
        field.fill(str(answer))
        field.press("Enter")
        says(page, 1, why)


def test_python_leads_too(page, fresh):
    text, why = CHOICE.options[CHOICE.right]
    run_in_kernel(page, f"choice.given = {text!r}; number.given = '4'")
    expect(control(page, text)).to_be_checked()
    says(page, 0, why)
    expect(control(page, "your number")).to_have_value("4")
