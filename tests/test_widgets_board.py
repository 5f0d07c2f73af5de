"""The training board starts, stops, continues and fails, with real ipywidgets and training."""

from __future__ import annotations

import copy
import html
import math
import subprocess
import sys
import threading
import time
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import torch
from torch import nn

from cnn_basics.datasets import Photos
from cnn_basics.figures import figure_to_array
from cnn_basics.training import Evaluation, fit
from cnn_basics.widgets import training_board
from cnn_basics.widgets.board import (
    CURVES,
    MOST_MISTAKES,
    PRESSES,
    BoardFigure,
    Mistake,
    Record,
    colour_kernels,
    round_loss,
)
from cnn_basics.widgets.parts import replace_previous
from cnn_basics.widgets.redrawn import tile_pictures

NAME = "training board"
SECONDS = 60  # a test that waits longer is broken


def make_data(seed: int, count: int = 24, channels: int = 3):
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.rand(count, channels, 6, 6, generator=generator)
    labels = torch.arange(count) % 2
    pictures[labels == 1, :, :3] += 1.0  # bright above: easy to learn
    return pictures, labels


TRAIN, VALID = make_data(0), make_data(1)


class Small(nn.Module):
    """A convolution and a layer of sums, which can be made to wait for each batch."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv1 = nn.Conv2d(channels, 4, 3)
        self.fc = nn.Linear(64, 2)
        self.pause = 0.0

    def forward(self, x):
        time.sleep(self.pause)
        return self.fc(self.conv1(x).relu().flatten(1))


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert [t.name for t in threading.enumerate() if t.name == NAME] == []


@pytest.fixture
def make():
    """`make(**options)`: a board on the small network; closed at the end of the test."""
    boards = []

    def make_board(model=None, epochs=3, train=TRAIN, valid=VALID, **options):
        given = {"batch_size": 8, "class_names": ["dark", "bright"]} | options
        boards.append(training_board(model or Small(), train, valid, epochs, **given))
        return boards[-1]

    yield make_board
    for board in boards:
        board.close()


@pytest.fixture
def running(make):
    """A board whose training would take minutes, in its second batch."""
    board = make(epochs=1000)
    board.model.pause = 0.005
    board.start()
    wait_until(lambda: board.record.done > 1 / 3)
    return board


def wait_until(condition) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def finish(board, start=False):
    """Wait for the end of a training."""
    if start:
        board.start()
    assert board.wait(SECONDS)
    assert not board.controls.running
    return board


def press(board, name: str) -> None:
    board.controls._handle_custom_msg({"press": name}, [])  # as the page does


def alt(board) -> str:
    return html.unescape(board.picture.value.split('alt="')[1].removesuffix('">'))


def weights(board) -> dict[str, torch.Tensor]:
    return copy.deepcopy(board.model.state_dict())


def same(first, second) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def buttons(board) -> tuple[bool, bool, bool]:
    controls = board.controls
    return controls.running, controls.begun, controls.failed


def test_before_the_start(make):
    board = make()
    assert board.history is None
    assert buttons(board) == (False, False, False)
    assert board.controls.sentence == (
        "Start trains for 3 epochs; Stop keeps what is learnt until then."
    )
    assert alt(board) == board.still().alt
    assert board.still().alt == (
        "Training board before the start: 4 kernels of conv1, at the start; empty curves of loss "
        "and accuracy above the level of guessing; no mistakes yet."
    )
    data, _ = board._repr_mimebundle_()
    assert data["text/plain"] == board.still().alt
    assert len(data["image/png"]) < 200_000


def test_a_training_is_that_of_fit_and_is_shown(make):
    board = make(learning_rate=0.01, seed=5)
    finish(board, start=True)
    plain = Small()
    history = fit(plain, TRAIN, VALID, 3, batch_size=8, learning_rate=0.01, seed=5, progress=False)
    assert same(plain.state_dict(), weights(board))
    for name in ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy"):
        assert getattr(board.history, name) == getattr(history, name)
    curves = [board.record.curve(name) for name in CURVES]
    assert curves[0][:, 0] == pytest.approx([(k + 1) / 3 for k in range(9)])
    assert curves[1][:, 0].tolist() == [0, 1, 2, 3]
    for curve, name in zip(curves[1:], CURVES[1:], strict=True):
        assert curve[-3:, 1].tolist() == getattr(history, name)
    assert np.array_equal(board.record.kernels(), plain.conv1.weight.detach())
    assert buttons(board) == (False, True, False)
    assert board.controls.share == 1.0
    assert board.controls.sentence.startswith("Done, 3 epochs: loss ")
    assert alt(board) == board.still().alt
    assert "after 3 of 3 epochs: loss " in alt(board)
    assert f"{history.valid_loss[-1]:.2f} on the validation pictures" in alt(board)


def test_stop_keeps_the_network_and_continue_goes_on(make, running):
    board, first = running, Small().state_dict()
    press(board, "Stop")
    assert board.controls.sentence == "Stopping after this batch."
    finish(board)
    kept = weights(board)
    assert not same(first, kept)
    assert board.history.stopped
    done = board.record.done
    assert 1 / 3 < done < 1000
    assert board.controls.sentence.startswith(
        f"Stopped after {round(done, 2):g} of 1000 epochs: loss "
    )
    assert f"after {round(done, 2):g} of" in alt(board)  # the last state is shown
    assert alt(board) == board.still().alt
    time.sleep(0.05)
    assert same(kept, weights(board))
    epochs, board.model.pause, board.epochs = board.history.epochs, 0.0, 2
    press(board, "Start")
    finish(board)
    assert not same(kept, weights(board))
    assert board.history.epochs == epochs + 2
    assert not board.history.stopped
    assert (board.record.done, board.record.end) == pytest.approx((done + 2, done + 2))
    assert board.controls.sentence.startswith("Done")


def test_stop_comes_after_the_batch_and_not_after_the_epoch(make):
    board = make(epochs=1000, batch_size=1)
    board.model.pause = 0.01
    board.start()
    wait_until(lambda: board.record.done > 0)
    board.stop()
    finish(board)
    assert 0 < board.record.done < 1
    assert board.history.epochs == 0


def test_a_second_run_sees_the_pictures_in_another_order(make):
    board = make(epochs=1, learning_rate=1e-12)  # learns nothing: the same order tells the same
    for _ in range(2):
        finish(board, start=True)
    assert board.history.epochs == 2
    losses = board.record.curve("batch_loss")[:, 1]
    assert len(losses) == 6
    assert losses[:3].mean() == pytest.approx(losses[3:].mean())
    assert losses[:3] != pytest.approx(losses[3:])


WAYS = {"ready": [], "running": ["Start"], "begun": ["Start", "Stop"],
        "running again": ["Start", "Stop", "Start"]}  # fmt: skip
LOOKS = {"ready": (False, False), "running": (True, False), "begun": (False, True),
         "running again": (True, True)}  # fmt: skip


@pytest.mark.parametrize("button", PRESSES)
@pytest.mark.parametrize("state", WAYS)
def test_every_button_in_every_state(make, state, button):
    """Those that have nothing to do are off, whatever the page sends."""
    board = make(epochs=1000)
    board.model.pause = 0.005
    first, picture = weights(board), board.picture.value

    def press_and_wait(name: str) -> None:
        press(board, name)
        if name == "Stop":
            assert not board.controls.running or board.controls.stopping
            wait_until(lambda: not board.controls.running)

    for name in WAYS[state]:
        press_and_wait(name)
    assert buttons(board)[:2] == LOOKS[state]
    board.controls._handle_custom_msg({"something": "else"}, [])
    press_and_wait("something else")  # does nothing
    press_and_wait(button)
    assert sum(t.name == NAME for t in threading.enumerate()) <= 1
    running = "running again" if LOOKS[state][1] else "running"
    stopped = "ready" if state == "ready" else "begun"
    then = {"Start": running, "Stop": stopped, "Start over": "ready"}[button]
    assert buttons(board)[:2] == LOOKS[then]
    if button == "Start over":
        assert same(first, weights(board))
        assert (board.history, board.controls.share) == (None, 0.0)
        assert board.picture.value == picture


def test_the_kernel_stays_free_and_the_last_state_is_shown(running):
    """The training goes on while this thread does something else; drawings do not pile up."""
    begin, drawings = time.monotonic(), running.drawings
    wait_until(lambda: running.drawings >= drawings + 3)
    assert running.drawings - drawings <= (time.monotonic() - begin) / 0.4 + 1


class Breaks(Small):
    calls = 0

    def forward(self, x):
        self.calls += self.training
        if self.calls == 8:
            raise RuntimeError("the network broke")
        return super().forward(x)


@pytest.mark.parametrize(
    ("change", "words", "epochs"),
    [
        ({"learning_rate": 1e30}, "FloatingPointError: the loss became", None),
        ({"optimizer": "newton"}, "ValueError: ", None),
        ({"valid": (VALID[0][:, :1], VALID[1])}, "RuntimeError: ", None),
        ({"model": Breaks()}, "RuntimeError: the network broke", 2),
    ],
)
def test_what_goes_wrong_is_said_and_the_board_lives_on(make, change, words, epochs):
    board = finish(make(**change), start=True)
    assert board.error is not None
    assert board.controls.sentence.startswith(f"The training failed. {words}")
    assert buttons(board) == (False, True, True)
    assert "Training board" in alt(board)
    if epochs:
        assert board.history.epochs == epochs  # those before stay
    board.start_over()
    assert board.error is None
    assert buttons(board) == (False, False, False)


def test_closing_ends_the_training_and_leaves_nothing(make, running):
    instances = ipywidgets.widgets.widget._instances
    mine = {running.model_id, running.controls.model_id, running.picture.model_id}
    assert mine <= set(instances)
    running.close()
    assert not any(t.name == NAME for t in threading.enumerate())
    assert not mine & set(instances)
    assert running.comm is None
    assert running.history is not None  # the result stays


def test_running_the_cell_again_ends_the_training_of_the_first_run(make, running):
    replace_previous(running, ("cell", "run 1"))
    counts = set()
    for run in range(2, 8):
        replace_previous(make(), ("cell", f"run {run}"))
        counts.add(len(ipywidgets.widgets.widget._instances))
    assert not any(t.name == NAME for t in threading.enumerate())
    assert len(counts) == 1


def test_mistakes_are_the_worst_with_their_names(make):
    board = finish(make(epochs=1, learning_rate=1e-9), start=True)  # learns nothing
    with torch.no_grad():
        shares = board.model(VALID[0]).softmax(dim=1)
    right = shares.gather(1, VALID[1][:, None])[:, 0]
    wrong = (shares.argmax(dim=1) != VALID[1]).nonzero()[:, 0]
    order = wrong[right[wrong].argsort()]
    mistakes, names = board.record.mistakes, ["dark", "bright"]
    assert len(mistakes) == min(8, len(order)) > 0
    for mistake, number in zip(mistakes, order.tolist(), strict=False):
        assert mistake.truth == names[VALID[1][number]]
        assert mistake.answer == names[shares[number].argmax()]
        assert mistake.share == pytest.approx(shares[number].max().item(), abs=1e-6)
    assert f"Worst mistakes: {mistakes[0].truth} said {mistakes[0].answer} (" in alt(board)


@pytest.mark.parametrize(("wrong", "shown"), [((2, 5), (5, 2)), ((), (3, 0, 1, 2, 4, 5, 6, 7))])
def test_right_answers_are_shown_only_where_none_is_wrong(wrong, shown):
    """Picture 5 is told more wrongly than 2, and 3 is the least sure of the right ones."""
    labels, pictures = torch.zeros(9, dtype=torch.int64), torch.zeros(9, 3, 2, 2)
    pictures[:, 0, 0, 0] = torch.arange(9) / 10
    scores = torch.tensor([[2.0, 0.0]]).repeat(9, 1)
    scores[3] = torch.tensor([0.2, 0.1])
    for number in wrong:
        scores[number, 1] = 2.5 + number
    record = Record(Small(), ["dark", "bright"], 1)
    record.set_mistakes(pictures, Evaluation.of(scores, labels))
    mistakes, headline = record.mistakes, BoardFigure().update(record).axes[2].texts[1]
    assert headline.get_text() == f"worst {'mistakes' if wrong else 'answers'}"
    assert [round(10 * mistake.picture[0, 0, 0]) for mistake in mistakes] == list(shown)
    assert {mistake.answer for mistake in mistakes} == ({"bright"} if wrong else {"dark"})


PHOTOS = Photos(*VALID, ("cats", "dogs"), tuple(Path(f"{k}.png") for k in range(len(VALID[1]))))
GREY = ((100 * make_data(0, channels=1)[0]).to(torch.uint8), TRAIN[1], ("dark", "bright"))


@pytest.mark.parametrize(
    ("channels", "data", "names"),
    [(3, VALID, ("0", "1")), (3, PHOTOS, ("cats", "dogs")), (1, GREY, ("dark", "bright"))],
)
def test_names_come_with_the_data_which_may_be_grey_and_whole_numbers(make, channels, data, names):
    options = {"class_names": None, "learning_rate": 1e-9, "epochs": 1}
    board = finish(make(Small(channels), train=data, valid=data, **options), start=True)
    assert board.error is None
    assert board.record.kernels().shape == (4, channels, 3, 3)
    for mistake in board.record.mistakes:
        assert mistake.picture.shape == (6, 6, 3)
        assert 0 <= mistake.picture.min() <= mistake.picture.max() <= 1
        assert mistake.truth in names


def test_a_network_without_a_convolution(make):
    board = make(nn.Sequential(nn.Flatten(), nn.Linear(108, 2)), epochs=1)
    assert "this network has no convolution" in alt(board)
    assert finish(board, start=True).error is None


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": "Custom_CNN"}, TypeError, "expected a network .* got str"),
        ({"epochs": 0}, ValueError, "expected epochs as a whole number from 1, got 0"),
        ({"epochs": 2.0}, TypeError, "got 2.0"),
        ({"lr": 0.1}, TypeError, "expected options of fit .* got lr: leave it out"),
        ({"on_batch": print}, TypeError, "got on_batch"),
        ({"train": TRAIN[0]}, TypeError, "expected train as a pair"),
        ({"valid": (VALID[0][0], VALID[1])}, ValueError, r"expected the pictures of valid as \(N"),
    ],
)
def test_what_cannot_be_is_refused_at_once(make, change, error, words):
    with pytest.raises(error, match=words):
        make(**change)


def test_python_ends_though_a_training_runs():
    code = """
import time, torch
from torch import nn
from cnn_basics.widgets import training_board
data = torch.rand(8, 3, 4, 4), torch.arange(8) % 2
board = training_board(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), data, data, 10**9)
board.start()
while not board.record.done:
    time.sleep(0.01)
print("running", board.controls.running)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "running True\n", "")


RANDOM = np.random.default_rng(0)


def make_record(done: int, mistakes: int = 8, convolution=True, epochs=5, classes=2) -> Record:
    """A record after `done` epochs."""
    model = Small() if convolution else nn.Flatten()
    record = Record(model, [f"class {k}" for k in range(classes)], epochs)
    for name in CURVES if done else ():
        for epoch in np.linspace(0.1, done, 7):
            record.add(name, epoch, RANDOM.random() * (5 if "loss" in name else 1))
    picture = RANDOM.random((6, 9, 3))
    record.mistakes = (Mistake(picture, "cats", "long-haired dogs", 0.9),) * mistakes
    return record


def check_figure(figure, record: Record) -> None:
    loss, accuracy, lower = figure.axes
    for line, name in zip([*loss.lines[:2], *accuracy.lines[:2]], CURVES, strict=True):
        curve = record.curve(name)
        assert np.array_equal(line.get_xydata(), curve)
        if len(curve):
            low, high = line.axes.get_ylim()
            assert low <= curve[:, 1].min() <= curve[:, 1].max() <= high
    assert loss.get_xlim() == accuracy.get_xlim() == (0, record.end)
    assert loss.lines[2].get_ydata()[0] == math.log(len(record.names))
    assert accuracy.lines[2].get_ydata()[0] == 1 / len(record.names)
    (kernels, *places), (title, _, *captions) = lower.images, lower.texts
    assert title.get_text() == record.title(record.kernels())
    assert kernels.get_visible() == (record.kernels() is not None)
    if kernels.get_visible():
        tiles = tile_pictures(colour_kernels(record.kernels()), 4)
        assert np.array_equal(kernels.get_array(), tiles)
    shown = len(record.mistakes)
    assert [p.get_visible() for p in places] == [k < shown for k in range(MOST_MISTAKES)]
    said = ["cats, said\nlong-ha… 90 %"] * shown + [""] * (MOST_MISTAKES - shown)
    assert [text.get_text() for text in captions] == said
    for place, mistake in zip(places, record.mistakes, strict=False):
        assert np.array_equal(place.get_array(), mistake.picture)
        box = place.get_window_extent()
        assert box.width / box.height == pytest.approx(9 / 6)
        assert box.width == pytest.approx(68.4)  # of 100 in an inch


def test_one_figure_shows_one_record_after_another():
    board = BoardFigure()
    for record in (
        make_record(0, mistakes=0),
        make_record(1, mistakes=3),
        make_record(3),
        make_record(3, mistakes=0),
        make_record(5, convolution=False),
        make_record(9, epochs=10, classes=10),
    ):
        figure = board.update(record)
        check_figure(figure, record)
        # Nothing of another record stays in the pixels: a new figure draws the same.
        fresh = BoardFigure().update(record)
        assert np.array_equal(figure_to_array(figure), figure_to_array(fresh))
        assert figure.alt == fresh.alt


@pytest.mark.parametrize(
    ("losses", "top"),
    [([0.2], 1), ([1.0], 1), ([1.01], 2), ([4.0, np.nan], 5), ([7.0], 10), ([np.inf, 12.0], 20),
     ([3e5], 5e5), ([], 1), ([np.nan], 1), ([0.0], 1)],
)  # fmt: skip
def test_the_axis_of_the_loss_holds_all_that_is_finite(losses, top):
    curve = np.array([[index, loss] for index, loss in enumerate(losses)]).reshape(-1, 2)
    assert round_loss(curve) == pytest.approx(top)


def test_what_is_not_finite_is_drawn_as_gaps_and_grey():
    record = make_record(0)
    for step, loss in enumerate((0.7, np.nan, np.inf), 1):
        record.add("batch_loss", step / 10, loss)
    with torch.no_grad():
        record._layer.weight.fill_(math.nan)
    figure = BoardFigure().update(record)
    assert figure_to_array(figure).shape == (480, 760, 3)
    assert "conv1, no longer numbers" in figure.alt


def test_colours_of_kernels():
    weight = np.zeros((2, 3, 1, 2))
    weight[0, :, 0, 0] = [1.0, -2.0, 0.5]
    colours = colour_kernels(weight)
    assert colours.shape == (2, 1, 2, 3)
    assert colours[0, 0, 0].tolist() == [0.75, 0.0, 0.625]  # channels around grey
    assert (colours[1] == 0.5).all()
    for channels in (1, 2, 4):  # averaged, with white for zero and for what is no number
        weight = np.zeros((1, channels, 1, 4))
        weight[0, 0, 0] = [-1.0, 0.0, 1.0, np.nan]
        negative, zero, positive, none = colour_kernels(weight)[0, 0]
        assert negative[2] > negative[0]  # blue
        assert positive[0] > positive[2]  # red
        assert zero.min() > 0.95
        assert none.tolist() == zero.tolist()
