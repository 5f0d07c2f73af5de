"""Checks answer back whatever a learner writes; hints, solutions and progress are kept."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import notebook_rules as rules
import numpy as np
import pytest
import torch

from cnn_basics import exercises
from cnn_basics.exercises.content import LESSONS, Draw, Exercise, Question, find, of_lesson
from cnn_basics.exercises.judging import (
    BLANK,
    RIGHT,
    WRONG,
    TookTooLong,
    all_cases,
    attempt,
    call_within,
    describe,
    is_blank,
    judge,
    same,
    size_of,
)

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    """A file of progress of its own for each test."""
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv("CNN_BASICS_PROGRESS", str(path))
    return path


class TestLimits:
    def test_a_loop_is_cut_off(self):
        def loop():
            while True:
                pass

        with pytest.raises(TookTooLong):
            call_within(0.2, loop)

    def test_nothing_in_the_loop_keeps_it_alive(self):
        swallowed = []

        def stubborn():
            while True:
                try:
                    while True:
                        pass
                except Exception:
                    continue
                except BaseException:
                    swallowed.append(1)
                    if len(swallowed) > 3:
                        raise

        before = threading.active_count()
        with pytest.raises(TookTooLong):
            call_within(0.2, stubborn)
        assert len(swallowed) == 4
        assert threading.active_count() == before

    def test_what_ends_in_time_returns_or_raises_as_ever(self):
        assert call_within(60, lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            call_within(60, lambda: 1 / 0)

    def test_at_the_limit_it_ends_or_is_cut_off_and_nothing_else(self):
        def count(to):
            for _ in range(to):
                pass
            return "ended"

        ends = set()
        for number in range(100):
            try:
                ends.add(call_within(0.001, lambda to=number * 50_000: count(to)))
            except TookTooLong:
                ends.add("cut off")
        assert ends == {"ended", "cut off"}


class TestSame:
    @pytest.mark.parametrize(
        ("expected", "got"),
        [
            (torch.ones(2).double(), torch.ones(2).double() + 1e-12),
            (2, 2.0),
            (0.5, torch.tensor(0.5)),
            (0.5, np.float32(0.5)),
            (3, np.int64(3)),
            ((1, 2), [1, 2]),
            ({"a": [1]}, {"a": [1]}),
            (float("nan"), float("nan")),
            (None, None),
            ("cat", "cat"),
        ],
    )
    def test_what_is_the_same(self, expected, got):
        assert same(expected, got)

    @pytest.mark.parametrize(
        ("expected", "got"),
        [
            (torch.ones(2).double(), torch.ones(2)),
            (torch.ones(2, 1).double(), torch.ones(2).double()),
            (torch.ones(2).double(), torch.ones(2).double() + 1e-4),
            (torch.ones(1).double(), [1.0]),
            (1, True),
            (True, 1),
            (1, torch.tensor(True)),
            (1, np.bool_(True)),
            (1, "1"),
            ((1, 2), (1, 2, 3)),
            ({"a": 1}, {"b": 1}),
            (None, 0),
            (0.5, float("nan")),
        ],
    )
    def test_what_is_not(self, expected, got):
        assert not same(expected, got)


def test_values_are_written_for_readers():
    assert describe(torch.tensor([[1, 2]])) == "tensor of shape (1, 2), int64: [[1, 2]]"
    assert describe(torch.zeros(50).double()) == "tensor of shape (50,) (50 numbers)"
    assert describe((torch.Size([2, 3]), 0.1 + 0.2)) == "((2, 3), 0.3)"
    assert describe("x" * 400).endswith(" …")
    assert describe(torch.tensor([True])) == "tensor of shape (1,), bool: [True]"


def test_fewer_and_smaller_numbers_are_the_smaller_case():
    cases = [(torch.ones(3, 4), 2), (torch.ones(2, 2) * 9, 2), (torch.ones(2, 2), 2), (1, 2)]
    assert sorted(cases, key=size_of) == cases[::-1]


class TestAttempts:
    def test_changing_an_argument_is_noticed_and_does_not_get_out(self):
        x = torch.zeros(2)
        outcome = attempt(lambda a, b: b.add_(1), (1, x))
        assert outcome.changed == 1
        assert x.tolist() == [0, 0]

    def test_an_exception_is_told_with_the_learners_own_line(self):
        scope = {}
        exec(
            compile("\n\ndef f(x):\n    y = x + 1\n    return y.nothing\n", __file__, "exec"), scope
        )
        outcome = attempt(scope["f"], (1,))
        assert outcome.error == "AttributeError"
        assert "in line 3 of f" in outcome.told

    def test_what_is_printed_is_kept(self, capsys):
        assert attempt(lambda: print("here"), ()).printed == "here\n"
        assert capsys.readouterr().out == ""

    def test_random_numbers_and_gradients_are_as_before(self):
        torch.manual_seed(3)
        expected = torch.rand(1)
        torch.manual_seed(3)
        attempt(lambda: torch.manual_seed(7) and torch.set_grad_enabled(False) and None, ())
        assert torch.equal(torch.rand(1), expected)
        assert torch.is_grad_enabled()

    def test_leaving_python_is_an_exception_like_others(self):
        assert attempt(lambda: exit(), ()).error == "SystemExit"


class TestCheck:
    def test_the_smallest_failing_case_and_the_reason_are_shown(self, capsys):
        exercises.check("5.1", lambda size, kernel_size, stride: (size - kernel_size) // stride)
        said = capsys.readouterr().out
        assert said.startswith("5.1 · Windows that fit: wrong\nThe smallest case that differs:\n")
        assert re.search(r"expected (\d+)\n  got      (\d+)\n", said)
        assert "there are steps" in said

    def test_of_all_cases_that_fail_the_smallest_is_shown(self, capsys):
        exercises.check("5.1", lambda size, kernel_size, stride: 77)
        shown = re.findall(r"^  \w+ = (\d+)$", capsys.readouterr().out, flags=re.MULTILINE)
        smallest = min(all_cases("5.1"), key=size_of)
        assert shown == [str(value) for value in smallest]
        assert sum(smallest) < 10

    def test_an_unknown_mistake_gets_a_hint(self, capsys):
        exercises.check("5.1", lambda size, kernel_size, stride: 77)
        assert "got      77" in (said := capsys.readouterr().out)
        assert 'A hint: exercises.hint("5.1")' in said

    def test_an_endless_loop_is_cut_off_and_said(self, capsys):
        def count_windows(size, kernel_size, stride):
            while True:
                pass

        exercises.check("5.1", count_windows, seconds=0.2)
        assert "cut off after 0.2 seconds" in capsys.readouterr().out

    def test_forgetting_return_is_said(self, capsys):
        def count_windows(size, kernel_size, stride):
            _ = size

        exercises.check("5.1", count_windows)
        assert "is there a line with `return`?" in capsys.readouterr().out

    def test_changing_the_input_is_wrong_and_said(self, capsys):
        def max_pool(x):
            result = find("5.2").reference(x)
            x.zero_()
            return result

        exercises.check("5.2", max_pool)
        assert "x was changed in place: work on a copy" in capsys.readouterr().out

    @pytest.mark.parametrize("answer", [3, "count_windows", lambda size: size, print])
    def test_what_is_no_such_function_is_said(self, answer, capsys):
        exercises.check("5.1", answer)
        said = capsys.readouterr().out
        assert said.startswith("5.1 · Windows that fit: wrong\n")
        assert "expected" in said

    @pytest.mark.parametrize("answer", [..., None])
    def test_blank_is_no_attempt(self, answer, capsys, kept):
        exercises.check("5.1", answer)
        said = capsys.readouterr().out
        assert ": not attempted yet\n" in said
        assert "how many windows" in said
        assert not kept.exists()

    def test_blank_functions_in_every_form(self):
        def dots(size, kernel_size, stride): ...

        def passes(size, kernel_size, stride):
            """Tell what it is for."""
            pass

        def returns_dots(size, kernel_size, stride):
            return ...

        def loops(size, kernel_size, stride):
            while True:
                pass

        exercise = find("5.1")
        assert [is_blank(exercise, f) for f in (dots, passes, returns_dots, loops)] == [
            True,
            True,
            True,
            False,
        ]

    def test_right_is_kept(self, capsys, kept):
        exercises.check("5.1", find("5.1").reference)
        assert "5.1 · Windows that fit: right" in capsys.readouterr().out
        assert json.loads(kept.read_text()) == {"5.1": {"attempts": 1, "hints": 0, "done": True}}

    def test_a_later_mistake_does_not_undo_it(self, kept):
        exercises.check("5.1", find("5.1").reference)
        exercises.check("5.1", lambda size, kernel_size, stride: 0)
        assert exercises.read_record()["5.1"] == {"attempts": 2, "hints": 0, "done": True}

    @pytest.mark.parametrize("name", ["5.9", "13.1", "0.1", "five", "", "5", None, 5.1])
    def test_other_names_are_refused(self, name):
        with pytest.raises(ValueError, match="expected the name of an exercise, one of"):
            exercises.check(name, 1)

    def test_questions_and_exercises_are_not_mixed_up(self):
        with pytest.raises(ValueError, match=r"expected an exercise, got '5\.4', a quick"):
            exercises.check("5.4", 1)
        with pytest.raises(ValueError, match=r'call exercises\.check\("5\.1", count_windows\)'):
            exercises.ask("5.1")


class TestRepairs:
    def test_as_given_it_is_not_attempted(self):
        scope = dict(vars(__import__("cnn_basics.exercises.lesson_09", fromlist=["F"])))
        exec(find("9.3").blank, scope)
        assert judge(find("9.3"), scope["train_by_batches"]).state == BLANK

    def test_each_bug_alone_is_told(self):
        wrongs = find("9.3").wrongs
        alone = [wrong for wrong in wrongs if wrong.why.startswith("One mistake is left")]
        assert len(alone) == 6
        assert [judge(find("9.3"), w.answer).reason for w in alone] == [w.why for w in alone]

    def test_repaired_otherwise_it_is_right_too(self):
        def train(model, pictures, labels, batches):
            scaled = pictures.double().div(255)
            model.train(True)
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for chosen in batches:
                model.zero_grad()
                torch.nn.CrossEntropyLoss()(model(scaled[chosen]), labels[chosen]).backward()
                optimizer.step()
            with torch.no_grad():
                return model.train(False)(scaled)

        assert judge(find("9.3"), train).state == RIGHT


class TestHintsAndSolutions:
    def test_one_hint_more_each_time(self, capsys):
        said = []
        for _ in range(5):
            exercises.hint("5.1")
            said.append(capsys.readouterr().out)
        assert [text.count("Hint ") for text in said] == [1, 2, 3, 3, 3]
        assert "That was the last one" not in said[1]
        assert "That was the last one" in said[2]

    def test_the_solution_comes_after_an_attempt(self, capsys):
        exercises.solution("5.1")
        assert "first try it yourself" in (said := capsys.readouterr().out)
        assert "def count_windows" not in said
        exercises.check("5.1", lambda size, kernel_size, stride: 0)
        capsys.readouterr()
        exercises.solution("5.1")
        said = capsys.readouterr().out
        assert said.startswith("def count_windows(size, kernel_size, stride):\n")
        assert "Why: After the first window" in said

    def test_a_value_is_shown_as_a_line(self, capsys):
        exercises.check("9.1", 3)
        capsys.readouterr()
        exercises.solution("9.1")
        assert capsys.readouterr().out.startswith("start_loss = math.log(10)\n")


class TestProgress:
    def test_it_counts_what_is_kept(self, capsys):
        exercises.check("5.1", find("5.1").reference)
        exercises.check("5.2", lambda x: x)
        capsys.readouterr()
        exercises.progress()
        lines = capsys.readouterr().out.splitlines()
        assert lines[4] == "lesson  5  5.1 ✓  5.2 …  5.3 –  5.4 –"
        total = sum(len(of_lesson(lesson)) for lesson in LESSONS)
        assert lines[-1] == f"1 of {total} done (✓ done, … tried, – not yet)"

    def test_it_is_forgotten_by_one_call(self, capsys, kept):
        exercises.check("5.1", find("5.1").reference)
        exercises.forget_progress()
        assert not kept.exists()
        exercises.forget_progress()
        assert capsys.readouterr().out.endswith("Forgotten.\nThere was nothing to forget.\n")

    @pytest.mark.parametrize("content", ["{", "[]", '{"5.1": 3}', "\x00"])
    def test_a_broken_file_counts_as_none(self, content, kept):
        kept.parent.mkdir()
        kept.write_text(content)
        with pytest.warns(UserWarning, match="could not be read"):
            assert exercises.read_record() == {}

    def test_where_it_cannot_be_kept_a_warning_says_so(self, monkeypatch, tmp_path):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("CNN_BASICS_PROGRESS", str(tmp_path / "file" / "progress.json"))
        with (
            pytest.warns(UserWarning, match="could not be read"),
            pytest.warns(UserWarning, match="name another file with .*CNN_BASICS_PROGRESS"),
        ):
            exercises.note("5.1", attempts=1)

    def test_without_the_variable_it_is_the_users_own_folder(self, monkeypatch):
        monkeypatch.delenv("CNN_BASICS_PROGRESS")
        assert exercises.record_path().name == "progress.json"
        assert exercises.record_path().parent.name == "cnn-basics"


class TestQuestions:
    def test_a_choice_is_answered_and_kept(self):
        question = exercises.ask("5.4")
        question.given = question.choices[1]
        assert (question.right, bool(question.reply)) == (False, True)
        question.given = question.choices[0]
        assert question.right
        assert question.still().alt.endswith(question.reply)
        assert exercises.read_record()["5.4"] == {"attempts": 2, "hints": 0, "done": True}
        question.given = ""
        assert (question.right, question.reply) == (False, "")

    def test_a_number_is_read_as_it_is_written(self):
        question = exercises.ask("7.4")
        assert question.choices == []
        for given, right in (("4", True), (" 4.0 ", True), ("16", False), ("four", False)):
            question.given = given
            assert question.right is right
        assert "expected a number, got 'four'" in question.reply
        question.given = "5"
        assert "no mistake that we know" in question.reply

    def test_the_still_picture_shows_question_and_choices(self):
        question = exercises.ask("5.4")
        texts = " ".join(text.get_text() for text in question.still().axes[0].texts)
        for text in (question.asks, *question.choices):
            assert " ".join(text.split()) in " ".join(texts.split())


ALL_QUESTIONS = [
    asked for lesson in LESSONS for asked in of_lesson(lesson) if isinstance(asked, Question)
]


@pytest.mark.parametrize("question", ALL_QUESTIONS, ids=lambda each: each.name)
def test_nothing_of_a_still_picture_is_cut_off(question):
    widget = exercises.ask(question.name)
    for answer, _ in [("", ""), *question.options]:
        widget.given = str(answer)
        figure = widget.still()
        figure.canvas.draw()
        for text in figure.axes[0].texts:
            box = text.get_window_extent()
            assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, text.get_text()
            assert 0 <= box.y0 < box.y1 <= figure.bbox.y1, text.get_text()


LESSON_CELLS = {
    lesson: [
        cell
        for _, cell in rules.cells(rules.load(next(FOLDER.glob(f"{lesson:02}_*.ipynb"))), "code")
        if "exercise" in rules.tags(cell)
    ]
    for lesson in LESSONS
}


@pytest.mark.parametrize("lesson", LESSONS)
def test_lessons_hold_the_blank_cells(lesson):
    sources = [rules.source(cell) for cell in LESSON_CELLS[lesson]]
    assert sources == [asked.cell for asked in of_lesson(lesson)]


@pytest.mark.parametrize("lesson", LESSONS)
def test_their_headings_tell_title_and_levels(lesson):
    notebook = rules.load(next(FOLDER.glob(f"{lesson:02}_*.ipynb")))
    texts = [rules.source(cell) for _, cell in rules.cells(notebook, "markdown")]
    for asked in of_lesson(lesson):
        assert f"### {asked.name} · {asked.title}\n\n*{asked.levels}*" in texts


@pytest.mark.parametrize("lesson", LESSONS)
def test_blank_they_print_what_is_asked(lesson):
    for asked, cell in zip(of_lesson(lesson), LESSON_CELLS[lesson], strict=True):
        if isinstance(asked, Exercise):
            (output,) = cell["outputs"]
            assert f"{asked.title}: {BLANK}\n" in rules.joined(output["text"])
            words = " ".join(rules.joined(output["text"]).split())
            assert " ".join(asked.asks.split()) in words


def test_random_cases_are_the_same_every_time():
    first, second = Draw("5.1"), Draw("5.1")
    assert torch.equal(first.tensor(3, 4), second.tensor(3, 4))
    assert judge(find("5.1"), lambda size, kernel_size, stride: 0) == judge(
        find("5.1"), lambda size, kernel_size, stride: 0
    )
    assert judge(find("5.1"), lambda size, kernel_size, stride: 0).state == WRONG
