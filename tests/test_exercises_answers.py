"""Every exercise takes the right answer, tells each planted mistake from the others, and stands in
its lesson as it is written here."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import notebook_rules as rules
import pytest
import torch

from cnn_basics import exercises
from cnn_basics.exercises.content import LESSONS, Exercise, Question, of_lesson
from cnn_basics.exercises.judging import (
    BLANK,
    RIGHT,
    WRONG,
    Outcome,
    _show,
    all_cases,
    attempt,
    judge,
)

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
ASKED = [asked for lesson in LESSONS for asked in of_lesson(lesson)]
EXERCISES = [asked for asked in ASKED if isinstance(asked, Exercise)]
QUESTIONS = [asked for asked in ASKED if isinstance(asked, Question)]
WRONGS = [
    (each, k)
    for each in EXERCISES
    for k in range(len(each.wrongs) - bool(each.answers("Planted")))  # the last is what is given
]

all_exercises = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda each: each.name)
all_questions = pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.name)


def answer_of(exercise: Exercise, function):
    return function if exercise.parameters else function()


@cache
def set_up(lesson: int) -> dict:
    """Run a lesson's set-up cell; solutions need nothing else."""
    _, code = rules.Lesson(next(FOLDER.glob(f"{lesson:02}_*.ipynb"))).code[0]
    scope = {}
    kept = torch.get_default_dtype(), torch.is_grad_enabled()
    try:
        exec(code, scope)
    finally:  # what a lesson sets for itself must not reach other tests
        torch.set_default_dtype(kept[0])
        torch.set_grad_enabled(kept[1])
    return scope


def run(exercise: Exercise, code: str):
    """Run an answer's code in the place of the learner's cell, and return the answer."""
    scope = dict(set_up(int(exercise.name.partition(".")[0])))
    exec(code, scope)
    return scope[exercise.answer_name]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_asks_three_to_five_things_in_order(lesson):
    asked = of_lesson(lesson)
    assert [each.name for each in asked] == [f"{lesson}.{k}" for k in range(1, len(asked) + 1)]
    assert 3 <= len(asked) <= 5


@all_exercises
def test_the_reference_and_the_solution_as_it_is_shown_are_right(exercise):
    assert judge(exercise, answer_of(exercise, exercise.reference)) == (RIGHT, "", "")
    assert judge(exercise, run(exercise, exercise.solution)).state == RIGHT
    assert len(exercise.with_check(exercise.solution).splitlines()) <= 25


@all_exercises
def test_the_blank_is_neither_right_nor_wrong(exercise):
    assert judge(exercise, run(exercise, exercise.blank)).state == BLANK
    assert len(exercise.cell.splitlines()) <= 15


@pytest.mark.parametrize(("exercise", "k"), WRONGS, ids=lambda each: getattr(each, "name", each))
def test_each_mistake_gets_its_own_explanation_and_a_chosen_case(exercise, k):
    wrong = exercise.wrongs[k]
    verdict = judge(exercise, answer_of(exercise, wrong.answer))
    assert (verdict.state, verdict.reason) == (WRONG, wrong.why)
    if exercise.parameters:
        shown = [_show(exercise, case, Outcome(), 3) for case in range(len(exercise.cases))]
        inputs = [text.partition("\n  expected")[0] for text in shown]
        assert verdict.case.partition("\n  expected")[0] in inputs


@all_exercises
def test_it_says_what_is_needed(exercise):
    assert len({wrong.why for wrong in exercise.wrongs}) >= 3
    assert len(exercise.hints) >= 2
    assert exercise.why.endswith((".", "?", "…"))
    assert exercise.answer_name in exercise.asks


@all_exercises
def test_cases_are_many_and_leave_their_arguments_alone(exercise):
    cases = all_cases(exercise.name)
    if exercise.parameters:
        assert len(cases) >= (20 if not exercise.answers("Planted") else 4)
    for arguments in cases:
        outcome = attempt(exercise.reference, arguments)
        assert (outcome.changed, outcome.cut_off) == (None, False)
        for each in arguments:  # float64, so that rounding cannot decide
            if isinstance(each, torch.Tensor) and each.is_floating_point():
                assert each.dtype == torch.float64


@all_questions
def test_each_answer_of_a_question_has_its_explanation(question):
    assert 3 <= len(question.options) <= 5
    assert len({why for _, why in question.options}) == len(question.options)
    for number, (answer, why) in enumerate(question.options):
        assert question.reply(answer) == (number == question.right, why)


@all_questions
def test_a_still_picture_shows_it_whole(question):
    widget = exercises.ask(question.name)
    drawn = " ".join(text.get_text() for text in widget.still().texts)
    for text in (question.asks, *question.choices):
        assert text in " ".join(drawn.split())
    for answer, _ in [("", ""), *question.options]:
        widget.given = answer
        figure = widget.still()
        figure.canvas.draw()
        for text in figure.texts:
            box = text.get_window_extent()
            assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, text.get_text()
            assert 0 <= box.y0 < box.y1 <= figure.bbox.y1, text.get_text()
