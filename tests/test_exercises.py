"""Checks answer back whatever a learner writes; hints, solutions and progress are kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from cnn_basics import by_hand, exercises, images
from cnn_basics.exercises.content import LESSONS, find, of_lesson, read_number, vary
from cnn_basics.exercises.judging import (
    NEARLY,
    RIGHT,
    WRONG,
    TookTooLong,
    attempt,
    call_within,
    describe,
    is_blank,
    judge,
    names_in,
    same,
)

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    """A file of progress of its own for each test."""
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv("CNN_BASICS_PROGRESS", str(path))
    monkeypatch.setattr(exercises, "_memory", {})
    return path


@pytest.fixture
def said(capsys):
    """Call one of the exercises' functions, and return what it prints."""

    def call(function, *arguments, **settings) -> str:
        capsys.readouterr()
        function(*arguments, **settings)
        return capsys.readouterr().out

    return call


def wrong(size, kernel_size, stride):
    return 77


class TestLimits:
    def test_nothing_in_a_loop_keeps_it_alive(self):
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
        assert isinstance(call_within(0.2, stubborn)[1], TookTooLong)
        assert len(swallowed) == 4
        assert threading.active_count() == before

    def test_at_the_limit_it_ends_or_is_cut_off_and_nothing_else(self):
        def count(to):
            for _ in range(to):
                pass
            return "ended"

        ends = [call_within(0.001, lambda k=k: count(k * 50_000)) for k in range(100)]
        assert {value or type(error) for value, error in ends} == {"ended", TookTooLong}


ONES = torch.ones(2).double()


@pytest.mark.parametrize(
    ("expected", "got", "alike"),
    [
        (ONES, ONES + 1e-12, True),
        (ONES, torch.ones(2) + 1e-7, True),
        (ONES / 3, torch.ones(2) / 3, True),
        (ONES, torch.ones(2).long(), True),
        (0.5, torch.tensor(0.5), True),
        (0.5, np.float32(0.5), True),
        (3, np.int64(3), True),
        (2, 2.0, True),
        ((1, 2), [1, np.int64(2)], True),
        (float("nan"), float("nan"), True),
        (None, None, True),
        ("cat", "cat", True),
        (torch.ones(2, 1).double(), ONES, False),
        (ONES, ONES + 1e-4, False),
        (ONES, torch.ones(2) + 1e-4, False),
        (torch.ones(2), torch.ones(2, device="meta"), False),
        (ONES, [1.0, 1.0], False),
        (1, True, False),
        (True, 1, False),
        (1, torch.tensor(True), False),
        (1, np.bool_(True), False),
        (1, "1", False),
        (1, torch.ones((), device="meta"), False),
        ((1, 2), (1, 2, 3), False),
        (None, 0, False),
        (0.5, float("nan"), False),
    ],
)
def test_what_is_the_same(expected, got, alike):
    assert same(expected, got) is alike


def test_values_are_written_for_readers():
    assert describe(torch.tensor([[1, 2]])) == "tensor of shape (1, 2), int64: [[1, 2]]"
    assert describe(torch.zeros(50).double()) == "tensor of shape (50,) (50 numbers)"
    assert describe((torch.Size([2, 3]), 0.1 + 0.2)) == "((2, 3), 0.3)"
    assert describe("x" * 4000).endswith(" …")
    assert len(describe(list(range(9999)))) < 2100
    assert describe((torch.tensor([True]),)) == "(tensor of shape (1,), bool: [True],)"


def test_a_variation_that_changes_nothing_is_refused():
    with pytest.raises(ValueError, match=r"a part of the body of wrong, got '78': copy it"):
        vary(wrong, "78 → 79")


def test_nothing_that_an_attempt_does_gets_out(capsys):
    def answer(x, y):
        print("here")
        torch.manual_seed(7)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        y.add_(1)

    y = torch.zeros(2)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    outcome = attempt(answer, (1, y))
    assert (outcome.printed, outcome.changed, y.tolist()) == ("here\n", 1, [0, 0])
    assert torch.equal(torch.rand(1), expected)
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert capsys.readouterr().out == ""


class Unspeakable(BaseException):
    def __repr__(self):
        raise RuntimeError("no words")

    __str__ = __bool__ = __eq__ = __hash__ = __repr__


def raising(error):
    def answer(size, kernel_size, stride):
        raise error

    return answer


class TestCheck:
    def test_a_failing_case_and_the_reason_are_shown(self, said):
        off_by_one = "lambda size, kernel_size, stride: (size - kernel_size) // stride"
        text = said(exercises.check, "5.1", eval(off_by_one))
        assert text.startswith("5.1 · Windows that fit: wrong\nA case that differs:\n  size = 6\n")
        assert "  expected 3\n  got      2\n" in text
        assert "there are steps" in text

    def test_a_chosen_case_is_shown_before_a_drawn_one_and_of_those_the_shortest(self, said):
        chosen = said(exercises.check, "5.1", wrong)
        assert "  size = 6\n  kernel_size = 2\n  stride = 2\n" in chosen
        assert 'A hint: exercises.hint("5.1")' in chosen
        drawn = said(exercises.check, "5.1", lambda size, kernel_size, stride: 3)
        assert re.search(r"size = \d\n", drawn)

    def test_digits_are_shown_until_they_differ(self, said):
        def nearly(*given):
            return find("6.3").reference(*given) * (1 + 5e-6)

        text = said(exercises.check, "6.3", nearly)
        wanted, got = re.findall(r"(?:expected|got) +(tensor.*)", text)
        assert wanted != got

    def test_what_went_wrong_beside_the_value_is_said(self, said):
        def loops(size, kernel_size, stride):
            while True:
                pass

        def changes(x):
            result = find("5.2").reference(x)
            x.zero_()
            return result

        text = said(exercises.check, "5.1", loops, seconds=0.2)
        assert "cut off after 0.2 seconds" in text
        text = said(exercises.check, "5.1", lambda size, kernel_size, stride: print("so"))
        assert "is there a line with `return`?\n  printed  so\n" in text
        text = said(exercises.check, "5.2", changes)
        assert "x was changed in place: work on a copy" in text

    @pytest.mark.parametrize("answer", [3, "count_windows", lambda size: size, print])
    def test_what_is_no_such_function_is_said(self, answer, said):
        text = said(exercises.check, "5.1", answer)
        assert text.startswith("5.1 · Windows that fit: wrong\n")
        assert "expected" in text

    @pytest.mark.parametrize("error", [Unspeakable(), SystemExit(), KeyboardInterrupt()])
    def test_whatever_an_answer_raises_is_said_with_its_line(self, error, said):
        text = said(exercises.check, "5.1", raising(error))
        assert f"got      {type(error).__name__}\n  in line 2 of answer: raise error\n" in text

    def test_whatever_it_returns_is_said(self, said):
        itself = []
        itself.append(itself)
        for value in (itself, torch.ones((), device="meta"), Unspeakable()):
            for name, answer in (("5.1", lambda *_, value=value: value), ("1.1", value)):
                text = said(exercises.check, name, answer)
                kind = type(value).__name__
                assert re.search(f"got +a value of type {kind} that cannot be written out", text)

    @pytest.mark.parametrize("answer", [..., None])
    def test_blank_is_no_attempt(self, answer, said, kept):
        text = said(exercises.check, "5.1", answer)
        assert ": not attempted yet\n" in text
        assert "how many windows" in text
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

        blank = [is_blank(find("5.1"), each) for each in (dots, passes, returns_dots, loops)]
        assert blank == [True, True, True, False]

    def test_right_is_kept_and_a_later_mistake_does_not_undo_it(self, said, kept):
        text = said(exercises.check, "5.1", find("5.1").reference)
        assert "5.1 · Windows that fit: right" in text
        assert json.loads(kept.read_text()) == {"5.1": {"attempts": 1, "hints": 0, "done": True}}
        exercises.check("5.1", wrong)
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


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("2.1", 3, "3: too small"),
        ("2.1", np.int64(900), "900: too large"),
        ("2.1", "many", "'many': a number is asked for"),
        ("1.1", 4, "4: a tuple is asked for"),
        ("1.1", (4, 8), "(4, 8): it has too few numbers"),
        ("1.1", [4, 9, 40], "[4, 9, 40]: number 2 of 3 is too large"),
    ],
)
def test_a_wrong_value_is_told_from_the_right_one_without_telling_that(name, answer, said):
    verdict = judge(find(name), answer)
    assert (verdict.state, verdict.case.strip()) == (WRONG, f"got {said}")
    assert describe(find(name).reference()) not in verdict.case.replace(describe(answer), "")


@pytest.mark.parametrize(
    ("answer", "state"),
    [(2.3, RIGHT), (2.303, RIGHT), (2.3026, RIGHT), (np.float32(2.3), RIGHT)]
    + [(each, WRONG) for each in (2, 2.4, 2.31, 2.302, 0.69, "2.3", True, float("inf"))],
)
def test_a_value_may_be_rounded_sensibly(answer, state):
    assert judge(find("9.1"), answer).state == state


def test_a_wrong_value_may_be_rounded_too():
    assert "two classes" in judge(find("9.1"), 0.69).reason
    assert judge(find("9.1"), 0.7).reason == ""  # one digit is a guess


def by_helper(pictures):
    return helper(pictures)


def helper(pictures):
    return torch.cat([images.to_nchw(each[..., [2, 1, 0]].numpy()) for each in pictures])


def count_by_layer(in_channels, out_channels, kernel_size, groups):
    layer = torch.nn.Conv2d(in_channels, out_channels, kernel_size, groups=groups)
    return sum(parameter.numel() for parameter in layer.parameters())


renamed = F.max_pool2d


def pool_rows(x):
    x = x[: len(x) // 2 * 2, : len(x[0]) // 2 * 2].unfold(1, 2, 2).amax(2)
    return torch.stack([x[row : row + 2].amax(0) for row in range(0, len(x), 2)])


def by_autograd(scores, target):
    scores = scores.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(scores, target), scores)[0]


class TestNearly:
    def test_float32_is_as_good_where_no_dtype_is_asked_for(self):
        grey = find("1.2").reference
        assert judge(find("1.2"), lambda pictures: grey(pictures.float())).state == RIGHT
        assert judge(find("1.2"), lambda pictures: grey(pictures).half()).state == WRONG

    def test_other_dtypes_are_said(self):
        for name, change, said in [
            ("3.3", lambda y: y.float(), "dtype is float32 instead of float64"),
            ("1.3", lambda y: y.double(), "dtype is float64 instead of float32"),
            ("4.2", lambda y: y.long(), "dtype is int64 instead of float64"),
        ]:
            right = find(name).reference
            verdict = judge(find(name), lambda *given, change=change, f=right: change(f(*given)))
            assert verdict.state == NEARLY
            assert said in verdict.reason

    def test_a_closed_way_is_said_kindly_and_not_counted(self, said):
        def convolve(x, weight, bias, stride):
            return F.conv2d(x[None], weight, bias, stride)[0]

        text = said(exercises.check, "3.3", convolve)
        assert text.startswith("3.3 · Your own convolution layer: nearly\nThe numbers are right")
        assert "without conv2d" in text
        assert not exercises.read_record()["3.3"]["done"]

    @pytest.mark.parametrize(
        ("name", "way", "answer"),
        [
            ("1.3", "to_nchw", lambda pictures: by_helper(pictures)),
            ("2.2", "linear", lambda x, w, b: F.linear(x.flatten(1), w, b).relu()),
            ("3.2", "Conv2d", count_by_layer),
            ("3.3", "by_hand", lambda x, w, b, s: by_hand.conv2d(x[None], w, b, s)[0]),
            ("5.2", "max_pool2d", lambda x: renamed(x[None], 2)[0]),
            ("5.2", "a loop", pool_rows),
            ("6.3", "batch_norm", lambda x, m, v, t: F.batch_norm(x, m + 0, v + 0, training=t)),
            ("7.2", "softmax", lambda scores: scores.softmax(1)),
            ("8.2", "autograd", by_autograd),
            ("12.3", "conv2d", lambda x, weight: F.conv2d(x, weight)),
        ],
    )
    def test_closed_ways(self, name, way, answer):
        verdict = judge(find(name), answer)
        assert verdict.state == NEARLY
        assert f"without {way}:" in verdict.reason

    def test_no_way_of_a_reference_is_closed(self):
        for lesson in LESSONS:
            for asked in of_lesson(lesson):
                assert not set(getattr(asked, "without", ())) & names_in(
                    getattr(asked, "reference", None)
                )


class TestHintsAndSolutions:
    def test_one_hint_more_each_time(self, said):
        texts = [said(exercises.hint, "5.1") for _ in range(5)]
        assert [text.count("Hint ") for text in texts] == [1, 2, 3, 3, 3]
        assert ["That was the last one" in text for text in texts[1:3]] == [False, True]

    def test_the_solution_comes_after_an_attempt(self, said):
        text = said(exercises.solution, "5.1")
        assert "first try it yourself" in text
        assert "def count_windows" not in text
        exercises.check("5.1", wrong)
        text = said(exercises.solution, "5.1")
        assert text.startswith("def count_windows(size, kernel_size, stride):\n")
        assert "Why: After the first window" in text

    def test_a_value_is_shown_as_a_line(self, said):
        exercises.check("9.1", 3)
        assert said(exercises.solution, "9.1").startswith("start_loss = math.log(10)\n")


def no_home(monkeypatch, kept):
    """A user that the system does not know, as in some containers."""
    for name in ("CNN_BASICS_PROGRESS", "HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)


def no_folder(monkeypatch, kept):
    kept.parent.write_text("a file where a folder is needed")


def full_disk(monkeypatch, kept):
    def write_text(path, text, **_):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_text)


NOTE = """
from cnn_basics import exercises
print("ready", flush=True)
input()
for _ in range(100):
    exercises.note("5.1", attempts=1)
"""


class TestProgress:
    def test_it_counts_what_is_kept(self, said):
        exercises.check("5.1", find("5.1").reference)
        exercises.check("5.2", lambda x: x)
        lines = said(exercises.progress).splitlines()
        assert lines[4] == "lesson  5  5.1 ✓  5.2 …  5.3 –  5.4 –"
        total = sum(len(of_lesson(lesson)) for lesson in LESSONS)
        assert lines[-1] == f"1 of {total} done (✓ done, … tried, – not yet)"

    def test_it_is_forgotten_by_one_call(self, said, kept):
        exercises.check("5.1", find("5.1").reference)
        assert said(exercises.forget_progress) == "Forgotten.\n"
        assert not kept.exists()
        assert said(exercises.forget_progress) == "There was nothing to forget.\n"

    @pytest.mark.parametrize(
        "content",
        ["{", "[]", '{"5.1": 3}', '{"5.1": {"hints": "a"}}', "\x00", "\xff", "", "[" * 10**5],
        ids=range(8),
    )
    def test_a_broken_file_is_set_aside_and_counts_as_none(self, content, kept):
        kept.parent.mkdir()
        kept.write_text(content, encoding="latin-1")
        with pytest.warns(UserWarning, match="could not be read .*, and is kept as progress.*: "):
            exercises.check("5.1", wrong)
        assert exercises.read_record() == {"5.1": {"attempts": 1, "hints": 0, "done": False}}
        (aside,) = kept.parent.glob("*.broken")
        assert aside.read_text(encoding="latin-1") == content

    def test_a_file_that_an_editor_saved_with_a_bom_is_read(self, kept):
        exercises.note("5.1", done=True)
        kept.write_text(kept.read_text(), encoding="utf-8-sig")
        assert exercises.note("5.1", hints=1) == {"attempts": 0, "hints": 1, "done": True}

    def test_two_kernels_that_note_at_once_lose_nothing(self, kept):
        line, environment = [sys.executable, "-c", NOTE], os.environ | {"PYTHONPATH": str(PROJECT)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment}
        kernels = [subprocess.Popen(line, **pipes) for _ in range(2)]
        assert [kernel.stdout.readline() for kernel in kernels] == [b"ready\n"] * 2
        for kernel in kernels:
            kernel.stdin.write(b"go\n")
            kernel.stdin.flush()
        for kernel in kernels:
            kernel.communicate(timeout=120)
        assert exercises.read_record()["5.1"]["attempts"] == 200
        assert [path.name for path in kept.parent.iterdir()] == ["progress.json"]

    @pytest.mark.parametrize("trouble", [no_home, no_folder, full_disk])
    def test_what_cannot_be_kept_is_remembered(self, trouble, monkeypatch, kept, said):
        with monkeypatch.context() as patch:
            trouble(patch, kept)
            with pytest.warns(UserWarning, match="not kept, only remembered .*CNN_BASICS_PROGRESS"):
                exercises.check("5.1", wrong)
            with pytest.warns(UserWarning, match="not kept"):
                said(exercises.hint, "5.1")
            assert "def count_windows" in said(exercises.solution, "5.1")
            assert "5.1 …" in said(exercises.progress)
            assert list(kept.parent.parent.rglob("progress*")) == []
        other = str(kept.parent.parent / "other.json")
        monkeypatch.setenv("CNN_BASICS_PROGRESS", other)
        assert exercises.note("5.1", done=True) == {"attempts": 1, "hints": 1, "done": True}
        assert exercises._memory == {}

    def test_without_the_variable_it_is_the_users_own_folder(self, monkeypatch):
        monkeypatch.delenv("CNN_BASICS_PROGRESS")
        assert exercises.record_path().parts[-2:] == ("cnn-basics", "progress.json")


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

    @pytest.mark.parametrize(
        ("given", "right", "reply"),
        [
            ("4", True, "Each kernel"),
            (" 4,0 ", True, "Each kernel"),
            ("16", False, "You let the kernels grow"),
            ("5", False, "it is no mistake that we know"),
            ("four", False, "expected a number, got 'four'"),
        ],
    )
    def test_a_number_is_answered(self, given, right, reply):
        question = exercises.ask("7.4")
        question.given = given
        assert question.choices == []
        assert question.right is right
        assert reply in question.reply

    @pytest.mark.parametrize(
        ("given", "number"),
        [
            ("0,75", 0.75),
            ("75 %", 0.75),
            ("7,5%", 0.075),
            ("3/4", 0.75),
            ("−3", -3),
            ("1,234.5", 1234.5),
            ("12 345", 12345),
            ("1,2345", 1.2345),
            ("3/0", None),
            ("%", None),
            ("", None),
        ],
    )
    def test_numbers_are_read_as_people_write_them(self, given, number):
        assert read_number(given) == pytest.approx(number)
