"""Checks answer back whatever a learner writes; hints, solutions and progress are kept."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from refusing import refusing

from cnn_basics import by_hand, exercises, images
from cnn_basics.exercises import judging
from cnn_basics.exercises.content import LESSONS, find, of_lesson, read_number, vary
from cnn_basics.exercises.judging import describe, same

PROJECT = Path(__file__).resolve().parent.parent
ONES = torch.ones(2).double()
META = torch.ones((), device="meta")


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    """A file of progress of its own for each test, and lines that are not broken."""
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv("CNN_BASICS_PROGRESS", str(path))
    monkeypatch.setattr(exercises, "_memory", {})
    monkeypatch.setattr(exercises, "WIDTH", 999)
    return path


@pytest.fixture
def said(capsys):
    """Call one of the exercises' functions, and return what it prints."""

    def call(function, *arguments) -> str:
        capsys.readouterr()
        function(*arguments)
        return capsys.readouterr().out

    return call


def test_nothing_in_a_loop_keeps_it_alive():
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
    assert isinstance(judging.call_within(0.2, stubborn)[1], judging.TookTooLong)
    assert (len(swallowed), threading.active_count()) == (4, before)


def test_at_the_limit_it_ends_or_is_cut_off_and_nothing_else():
    def count(to):
        for _ in range(to):
            pass
        return "ended"

    ends = [judging.call_within(0.001, lambda k=k: count(k * 50_000)) for k in range(100)]
    assert {value or type(error) for value, error in ends} == {"ended", judging.TookTooLong}


@pytest.mark.parametrize(
    ("expected", "alike", "others"),
    [
        (ONES, [ONES + 1e-12, torch.ones(2) + 1e-7, torch.ones(2).long()], [ONES + 1e-4]),
        (ONES, [], [torch.ones(2) + 1e-4, torch.ones(2, 1).double(), [1.0, 1.0]]),
        (ONES / 3, [torch.ones(2) / 3], []),
        (torch.ones(2), [], [torch.ones(2, device="meta")]),
        (0.5, [torch.tensor(0.5), np.float32(0.5)], [float("nan")]),
        (float("nan"), [float("nan")], []),
        (3, [np.int64(3)], []),
        (2, [2.0], []),
        (1, [], [True, torch.tensor(True), np.bool_(True), "1", META]),
        (True, [], [1]),
        ((1, 2), [[1, np.int64(2)]], [(1, 2, 3)]),
        (None, [None], [0]),
        ("cat", ["cat"], []),
    ],
)
def test_what_is_the_same(expected, alike, others):
    found = [same(expected, each) for each in [*alike, *others]]
    assert found == [True] * len(alike) + [False] * len(others)


def test_values_are_written_for_readers():
    assert describe(torch.tensor([[1, 2]])) == "tensor of shape (1, 2), int64: [[1, 2]]"
    assert describe(torch.zeros(50).double()) == "tensor of shape (50,) (50 numbers)"
    assert describe((torch.Size([2, 3]), 0.1 + 0.2)) == "((2, 3), 0.3)"
    assert describe("x" * 4000).endswith(" …")
    assert len(describe(list(range(9999)))) < 2100
    assert describe((torch.tensor([True]),)) == "(tensor of shape (1,), bool: [True],)"


def test_a_variation_that_changes_nothing_is_refused():
    with pytest.raises(ValueError, match=r"a part of the body of helper, got '78': copy it"):
        vary(helper, "78 → 79")


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
    outcome = judging.attempt(answer, (1, y))
    assert (outcome.printed, outcome.changed, y.tolist()) == ("here\n", 1, [0, 0])
    assert torch.equal(torch.rand(1), expected)
    assert (torch.is_grad_enabled(), torch.get_default_dtype()) == (True, torch.float32)
    assert capsys.readouterr().out == ""


def dots(size, kernel_size, stride): ...


def passes(size, kernel_size, stride):
    """Tell what it is for."""
    pass


def loops(size, kernel_size, stride):
    while True:
        pass


def steps(size, kernel_size, stride):
    return (size - kernel_size) // stride


class Unspeakable(BaseException):
    def __repr__(self):
        raise RuntimeError("no words")

    __str__ = __bool__ = __eq__ = __hash__ = __repr__


def raising(error):
    def answer(size, kernel_size, stride):
        raise error

    return answer


def right_but(name, change):
    """The right answer, with a change to what it returns."""
    return lambda *given: change(find(name).reference(*given))


def pool_and_change(x):
    result = find("5.2").reference(x)
    x.zero_()
    return result


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


def train_otherwise(model, pictures, labels, batches):
    scaled = pictures.double().div(255)
    model.train(True)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for chosen in batches:
        model.zero_grad()
        torch.nn.CrossEntropyLoss()(model(scaled[chosen]), labels[chosen]).backward()
        optimizer.step()
    with torch.no_grad():
        return model.train(False)(scaled)


ITSELF = []
ITSELF.append(ITSELF)
UNWRITABLE = "got +a value of type {} that cannot be written out"
ANSWERS = {
    judging.WRONG: [
        # the first chosen case that differs or, of the drawn ones, the shortest, and the reason
        ("5.1", steps, "A case that differs:\n  size = 6\n  kernel_size = 2\n  stride = 2\n"),
        ("5.1", steps, "\n  expected 3\n  got      2\n.*there are steps"),
        ("5.1", lambda *_: 77, r'\n  size = 6\n.*A hint: exercises\.hint\("5\.1"\)'),
        ("5.1", lambda n, k, s: steps(n, k, s) + (n < 8), r":\n  size = [89]\n"),
        ("6.3", right_but("6.3", lambda y: y * (1 + 5e-6)), r"ted (tensor.*)\n  got      (?!\1\n)"),
        # what went wrong beside the value
        ("5.1", loops, r"nothing: it was cut off after 1\.5 seconds"),
        ("5.1", lambda *_: print("so"), "a line with `return`\\?\n  printed  so\n"),
        ("5.2", pool_and_change, "x was changed in place: work on a copy"),
        # no such function
        ("5.1", 3, "expected the function count_windows, got 3: pass it"),
        ("5.1", "count_windows", "expected the function count_windows, got 'count"),
        ("5.1", lambda size: size, r"expected a function of \(size, kernel_size, stride\);"),
        ("5.1", max, "A case that differs:.*expected 3\n"),
        # whatever it raises and returns
        *[
            ("5.1", raising(each()), f" {each.__name__}\n  in line 2 of answer: raise error\n")
            for each in (Unspeakable, SystemExit, KeyboardInterrupt)
        ],
        ("5.1", lambda *_: ITSELF, UNWRITABLE.format("list")),
        ("5.1", lambda *_: META, UNWRITABLE.format("Tensor")),
        ("5.1", lambda *_: Unspeakable(), UNWRITABLE.format("Unspeakable")),
        ("1.1", ITSELF, UNWRITABLE.format("list")),
        ("1.1", META, UNWRITABLE.format("Tensor")),
        ("1.1", Unspeakable(), UNWRITABLE.format("Unspeakable")),
        # a value, told from the right one without telling that, rounded or not
        ("2.1", 3, "  got 3: too small\n"),
        ("2.1", np.int64(900), "  got 900: too large\n"),
        ("2.1", "many", "  got 'many': a number is asked for\n"),
        ("1.1", 4, "  got 4: a tuple is asked for\n"),
        ("1.1", (4, 8), r"  got \(4, 8\): it has too few numbers\n"),
        ("1.1", [4, 9, 40], r"  got \[4, 9, 40\]: number 2 of 3 is too large\n"),
        *[("9.1", each, "") for each in (2, 2.4, 2.31, 2.302, "2.3", True, float("inf"))],
        ("9.1", 0.69, "two classes"),
        ("9.1", 0.7, "too small\nA hint:"),  # one digit is a guess
        ("1.2", right_but("1.2", torch.Tensor.half), ""),
    ],
    judging.NEARLY: [
        ("3.3", right_but("3.3", torch.Tensor.float), "their dtype is float32 instead of float64"),
        ("1.3", right_but("1.3", torch.Tensor.double), "their dtype is float64 instead of float32"),
        ("4.2", right_but("4.2", torch.Tensor.long), "their dtype is int64 instead of float64"),
        ("1.3", lambda pictures: helper(pictures), "without to_nchw:"),
        ("2.2", lambda x, w, b: F.linear(x.flatten(1), w, b).relu(), "without linear:"),
        ("3.2", count_by_layer, "without Conv2d:"),
        ("3.3", lambda x, w, b, s: by_hand.conv2d(x[None], w, b, s)[0], "without by_hand:"),
        ("3.3", lambda x, w, b, s: F.conv2d(x[None], w, b, s)[0], "without conv2d:"),
        ("5.2", lambda x: renamed(x[None], 2)[0], "without max_pool2d:"),
        ("5.2", pool_rows, "without a loop:"),
        ("6.3", lambda x, m, v, t: F.batch_norm(x, m + 0, v + 0, training=t), "batch_norm:"),
        ("7.2", lambda scores: scores.softmax(1), "without softmax:"),
        ("8.2", by_autograd, "without autograd:"),
        ("12.3", lambda x, weight: F.conv2d(x, weight), "without conv2d:"),
    ],
    judging.RIGHT: [
        ("1.2", lambda pictures: find("1.2").reference(pictures.float()), ""),
        ("9.3", train_otherwise, ""),
        *[("9.1", each, "") for each in (2.3, 2.303, 2.3026, np.float32(2.3))],
    ],
    judging.BLANK: [
        *[("5.1", each, "how many windows") for each in (..., None, dots, passes)],
        ("5.1", lambda size, kernel_size, stride: ..., "how many windows"),
    ],
}
ROWS = [(state, *row) for state, rows in ANSWERS.items() for row in rows]


@pytest.mark.parametrize(("state", "name", "answer", "words"), ROWS, ids=range(len(ROWS)))
def test_whatever_is_handed_in_is_answered(state, name, answer, words, said, kept):
    asked = find(name)
    text = said(exercises.check, name, answer, 1.5)
    assert text.startswith(f"{name} · {asked.title}: {state}\n")
    assert re.search(words, text, re.DOTALL)
    assert ("\nThe numbers are right, but " in text) == (state == judging.NEARLY)
    assert kept.exists() == (state != judging.BLANK)
    assert exercises.read_record().get(name, {}).get("done", False) == (state == judging.RIGHT)
    if not asked.parameters:
        assert describe(asked.reference()) not in text.replace(describe(answer), "")


test_what_is_not_asked_is_refused = refusing(
    *[
        (lambda name=name: exercises.check(name, 1), "the name of an exercise, one of")
        for name in ("5.9", "13.1", "0.1", "five", "", "5", None, 5.1)
    ],
    (lambda: exercises.check("5.4", 1), r"expected an exercise, got '5\.4', a quick"),
    (lambda: exercises.ask("5.1"), r'call exercises\.check\("5\.1", count_windows\)'),
)


def test_one_hint_more_each_time(said):
    texts = [said(exercises.hint, "5.1") for _ in range(5)]
    assert [text.count("Hint ") for text in texts] == [1, 2, 3, 3, 3]
    assert ["That was the last one" in text for text in texts[1:3]] == [False, True]


def test_the_solution_comes_after_an_attempt(said):
    assert re.fullmatch(r"5\.1: first try it yourself.*\n", said(exercises.solution, "5.1"))
    exercises.check("5.1", 77)
    text = said(exercises.solution, "5.1")
    assert text.startswith("def count_windows(size, kernel_size, stride):\n")
    assert "Why: After the first window" in text
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
    def test_it_counts_what_is_kept_until_it_is_forgotten(self, said, kept):
        exercises.check("5.1", find("5.1").reference)
        assert json.loads(kept.read_text()) == {"5.1": {"attempts": 1, "hints": 0, "done": True}}
        exercises.check("5.1", 77)  # a later mistake does not undo it
        exercises.check("5.2", lambda x: x)
        assert exercises.read_record()["5.1"] == {"attempts": 2, "hints": 0, "done": True}
        lines = said(exercises.progress).splitlines()
        assert lines[4] == "lesson  5  5.1 ✓  5.2 …  5.3 –  5.4 –"
        total = sum(len(of_lesson(lesson)) for lesson in LESSONS)
        assert lines[-1] == f"1 of {total} done (✓ done, … tried, – not yet)"
        assert (said(exercises.forget_progress), kept.exists()) == ("Forgotten.\n", False)
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
            exercises.check("5.1", 77)
        assert exercises.read_record() == {"5.1": {"attempts": 1, "hints": 0, "done": False}}
        (aside,) = kept.parent.glob("*.broken")
        assert aside.read_text(encoding="latin-1") == content

    def test_a_file_that_an_editor_saved_with_a_bom_is_read(self, kept):
        exercises.note("5.1", done=True)
        kept.write_text(kept.read_text(), encoding="utf-8-sig")
        assert exercises.note("5.1", hints=1) == {"attempts": 0, "hints": 1, "done": True}

    def test_two_kernels_that_note_at_once_lose_nothing(self, kept):
        pipes = {"stdin": PIPE, "stdout": PIPE, "bufsize": 0, "cwd": PROJECT}
        kernels = [Popen([executable, "-c", NOTE], **pipes) for _ in range(2)]
        assert [kernel.stdout.readline() for kernel in kernels] == [b"ready\n"] * 2
        assert [kernel.stdin.write(b"go\n") for kernel in kernels] == [3, 3]
        for kernel in kernels:
            kernel.communicate(timeout=120)
        assert exercises.read_record()["5.1"]["attempts"] == 200
        assert [path.name for path in kept.parent.iterdir()] == ["progress.json"]

    @pytest.mark.parametrize("trouble", [no_home, no_folder, full_disk])
    def test_what_cannot_be_kept_is_remembered(self, trouble, monkeypatch, kept, said):
        with monkeypatch.context() as patch:
            trouble(patch, kept)
            with pytest.warns(UserWarning, match="not kept, only remembered .*CNN_BASICS_PROGRESS"):
                exercises.check("5.1", 77)
            with pytest.warns(UserWarning, match="not kept"):
                said(exercises.hint, "5.1")
            assert "def count_windows" in said(exercises.solution, "5.1")
            assert "5.1 …" in said(exercises.progress)
            assert list(kept.parent.parent.rglob("progress*")) == []
        monkeypatch.setenv("CNN_BASICS_PROGRESS", str(kept.parent.parent / "other.json"))
        assert exercises.note("5.1", done=True) == {"attempts": 1, "hints": 1, "done": True}
        assert exercises._memory == {}

    def test_without_the_variable_it_is_the_users_own_folder(self, monkeypatch):
        monkeypatch.delenv("CNN_BASICS_PROGRESS")
        assert exercises.record_path().parts[-2:] == ("cnn-basics", "progress.json")


def test_a_choice_is_answered_and_kept():
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
def test_a_number_is_answered(given, right, reply):
    question = exercises.ask("7.4")
    question.given = given
    assert (question.choices, question.right) == ([], right)
    assert reply in question.reply


def test_numbers_are_read_as_people_write_them():
    wanted = {"0,75": 0.75, "75 %": 0.75, "7,5%": 0.075, "3/4": 0.75, "−3": -3, "1,2345": 1.2345}
    wanted |= {"1,234.5": 1234.5, "12 345": 12345, "3/0": None, "%": None, "": None}
    assert {given: read_number(given) for given in wanted} == pytest.approx(wanted)
