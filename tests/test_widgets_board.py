"""The training board starts, stops, continues and fails, with real ipywidgets and training."""

from __future__ import annotations

import html
import math
import subprocess
import sys
import threading
import time
from itertools import product
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
    BoardFigure,
    Record,
    colour_kernels,
    round_loss,
)
from cnn_basics.widgets.parts import replace_previous
from cnn_basics.widgets.redrawn import colour, tile_pictures

NAME = "training board"
SECONDS = 60  # a test that waits longer is broken


def make_data(seed: int, channels: int = 3):
    pictures = torch.rand(24, channels, 6, 6, generator=torch.Generator().manual_seed(seed))
    labels = torch.arange(24) % 2
    pictures[labels == 1, :, :3] += 1.0  # bright above: easy to learn
    return pictures, labels


TRAIN, VALID = make_data(0), make_data(1)


class Small(nn.Module):
    """A convolution and a layer of sums, which can wait, and raise `error` in the eighth batch."""

    def __init__(self, channels: int = 3, error: BaseException | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.fc = nn.Conv2d(channels, 4, 3), nn.Linear(64, 2)
        self.pause, self.error, self.calls = 0.0, error, 0

    def forward(self, x):
        time.sleep(self.pause)
        self.calls += self.training
        if self.calls == 8 and self.error:
            raise self.error
        return self.fc(self.conv1(x).relu().flatten(1))


def threads() -> int:
    return sum(thread.name == NAME for thread in threading.enumerate())


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
    assert threads() == 0


@pytest.fixture
def running(make):
    """A board whose training would take minutes, in its second batch of 24."""
    board = make(epochs=1000, batch_size=1)
    board.model.pause = 0.03
    board.start()
    wait_until(lambda: board.record.done > 0)
    return board


def wait_until(condition) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def finish(board, start=True):
    """Wait for the end of a training; the picture then shows its last state."""
    if start:
        board.start()
    assert board.wait(SECONDS)
    assert not board.controls.running
    assert alt(board) == board.still().alt
    return board


def press(board, name: str) -> None:
    board.controls._handle_custom_msg({"press": name}, [])  # as the page does


def alt(board) -> str:
    return html.unescape(board.picture.value.split('alt="')[1].removesuffix('">'))


def weights(model) -> torch.Tensor:
    return torch.cat([each.detach().reshape(-1) for each in model.parameters()])


def buttons(board) -> tuple[bool, bool, bool]:
    controls = board.controls
    return controls.running, controls.begun, controls.failed


def test_a_training_is_that_of_fit_and_is_shown(make):
    board = make(learning_rate=0.01, seed=5)
    assert (board.history, *buttons(board)) == (None, False, False, False)
    said = "Start trains for 3 epochs; Stop keeps what is learnt until then."
    assert board.controls.sentence == said
    assert alt(board) == board.still().alt == (
        "Training board before the start: 4 kernels of conv1, at the start; empty curves of loss "
        "and accuracy above the level of guessing; no mistakes yet."
    )  # fmt: skip
    finish(board)
    plain = Small()
    history = fit(plain, TRAIN, VALID, 3, batch_size=8, learning_rate=0.01, seed=5, progress=False)
    assert torch.equal(weights(plain), weights(board.model))
    curves = {name: np.array(points) for name, points in board.record.curves.items()}
    assert curves["batch_loss"][:, 0] == pytest.approx([(k + 1) / 3 for k in range(9)])
    assert curves["valid_loss"][:, 0].tolist() == [0, 1, 2, 3]
    assert vars(board.history) | {"seconds": 0} == vars(history) | {"seconds": 0}
    for name in CURVES[1:]:
        assert getattr(history, name) == curves[name][-3:, 1].tolist()
    assert (*buttons(board), board.controls.share) == (False, True, False, 1.0)
    assert board.controls.sentence.startswith("Done, 3 epochs: loss ")
    assert "after 3 of 3 epochs: loss " in alt(board)
    assert f"{history.valid_loss[-1]:.2f} on the validation pictures" in alt(board)


def test_stop_keeps_the_network_after_a_batch_and_continue_goes_on(running):
    board, first = running, weights(Small())
    press(board, "Stop")
    assert board.controls.sentence == "Stopping after this batch."
    kept, done = weights(finish(board, start=False).model), board.record.done
    assert not torch.equal(first, kept)
    assert (0 < done < 1, board.history.epochs, board.history.stopped) == (True, 0, True)
    so_far = f"after {round(done, 2):g} of 1000 epochs: loss "
    assert board.controls.sentence.startswith(f"Stopped {so_far}")
    assert so_far in alt(board)
    time.sleep(0.05)
    assert torch.equal(kept, weights(board.model))
    board.model.pause, board.epochs = 0.0, 2
    press(board, "Start")
    finish(board, start=False)
    assert not torch.equal(kept, weights(board.model))
    assert (board.history.epochs, board.history.stopped) == (2, False)
    assert (board.record.done, board.record.end) == pytest.approx((done + 2, done + 2))
    assert board.controls.sentence.startswith("Done")


def test_a_second_run_takes_another_order(make):
    board = make(epochs=1, learning_rate=1e-12)  # learns nothing: the same order tells the same
    finish(finish(board))
    assert board.history.epochs == 2
    losses = np.array(board.record.curves["batch_loss"])[:, 1].reshape(2, 3)
    assert losses[0].mean() == pytest.approx(losses[1].mean())
    assert losses[0] != pytest.approx(losses[1])


# What leads to a state, and what it looks like: running, begun.
STATES = {"ready": ([], False, False), "running": (["Start"], True, False),
          "begun": (["Start", "Stop"], False, True),
          "running again": (["Start", "Stop", "Start"], True, True)}  # fmt: skip


@pytest.mark.parametrize(("state", "button"), [*product(STATES, ("Start", "Stop", "Start over"))])
def test_every_button_in_every_state(make, state, button):
    """Those that have nothing to do are off, whatever the page sends."""
    board = make(epochs=1000)
    board.model.pause = 0.005
    first, picture, (way, *look) = weights(board.model), board.picture.value, STATES[state]

    def press_and_wait(name: str) -> None:
        press(board, name)
        if name == "Stop":
            assert not board.controls.running or board.controls.stopping
            wait_until(lambda: not board.controls.running)

    for name in [*way, "something else"]:  # the last does nothing
        press_and_wait(name)
    board.controls._handle_custom_msg({"something": "else"}, [])
    assert list(buttons(board)[:2]) == look
    press_and_wait(button)
    assert threads() <= 1
    running = "running again" if look[1] else "running"
    stopped = "ready" if state == "ready" else "begun"
    _, *then = STATES[{"Start": running, "Stop": stopped, "Start over": "ready"}[button]]
    assert list(buttons(board)[:2]) == then
    if button == "Start over":
        assert torch.equal(first, weights(board.model))
        assert (board.history, board.controls.share) == (None, 0.0)
        assert board.picture.value == picture


@pytest.mark.parametrize(
    ("change", "words", "epochs"),
    [
        ({"learning_rate": 1e30}, "FloatingPointError: the loss became", None),
        ({"optimizer": "newton"}, "ValueError: ", None),
        ({"seed": "five"}, "TypeError: ", None),
        ({"valid": (VALID[0][:, :1], VALID[1])}, "RuntimeError: ", None),
        ({"model": Small(error=RuntimeError("it broke"))}, "RuntimeError: it broke", 2),
        ({"model": Small(error=SystemExit("it left"))}, "SystemExit: it left", 2),
    ],
)
def test_what_goes_wrong_is_said_and_the_board_lives_on(make, change, words, epochs):
    board = finish(make(**change))
    assert board.error is not None
    assert board.controls.sentence.startswith(f"The training failed. {words}")
    assert buttons(board) == (False, True, True)
    assert not epochs or board.history.epochs == epochs  # those before stay
    board.start_over()
    assert (board.error, *buttons(board)) == (None, False, False, False)
    board.model.fc = nn.Linear(64, 3)
    press(board, "Start over")
    assert board.controls.sentence.startswith("Start over failed. RuntimeError: Error(s) in load")
    assert board.controls.failed


def test_closing_or_running_the_cell_again_ends_the_training_and_leaves_nothing(make, running):
    begin, drawings = time.monotonic(), running.drawings
    wait_until(lambda: running.drawings >= drawings + 3)  # the kernel stays free meanwhile
    assert running.drawings - drawings <= (time.monotonic() - begin) / 0.4 + 1
    instances = ipywidgets.widgets.widget._instances
    mine = {running.model_id, running.controls.model_id, running.picture.model_id}
    assert mine <= set(instances)
    replace_previous(running, ("cell", "run 1"))
    counts = set()
    for run in range(2, 8):
        replace_previous(make(), ("cell", f"run {run}"))
        counts.add(len(instances))
        assert not mine & set(instances)
        assert (threads(), running.comm, len(counts)) == (0, None, 1)
    assert running.history is not None  # the result stays


@pytest.mark.parametrize(("wrong", "shown"), [((2, 5), (5, 2)), ((), (3, 0, 1, 2, 4, 5, 6, 7))])
def test_the_worst_mistakes_and_right_answers_only_where_none_is_wrong(wrong, shown):
    """Picture 5 is told more wrongly than 2, and 3 is the least sure of the right ones."""
    labels, pictures = torch.zeros(9, dtype=torch.int64), torch.zeros(9, 3, 2, 2)
    pictures[:, 0, 0, 0] = torch.arange(9) / 10
    scores = torch.tensor([[2.0, 0.0]]).repeat(9, 1)
    scores[3] = torch.tensor([0.2, 0.1])
    for number in wrong:
        scores[number, 1] = 2.5 + number
    record = Record(Small(), ["dark"], 1)
    record.note(0.5, pictures, Evaluation.of(scores, labels))
    record.curves["batch_loss"].append((0.5, 0.7))
    figure, kind = BoardFigure().update(record), "mistakes" if wrong else "answers"
    assert figure.page.texts[1].get_text() == f"worst {kind}"
    answer, sure = ("class 1" if wrong else "dark"), scores.softmax(dim=1).amax(dim=1)
    for (picture, *names, share), number in zip(record.mistakes, shown, strict=True):
        assert round(10 * picture[0, 0, 0]) == number
        assert (*names, share) == ("dark", answer, pytest.approx(sure[number].item()))
    assert f"Worst {kind}: dark said {answer} ({100 * sure[shown[0]]:.0f} %)" in figure.alt


PHOTOS = Photos(*VALID, ("cats", "dogs"), tuple(Path(f"{k}.png") for k in range(len(VALID[1]))))
GREY = ((100 * make_data(2, channels=1)[0]).to(torch.uint8), TRAIN[1], ("dark", "bright"))


@pytest.mark.parametrize(
    ("channels", "data", "names"),
    [
        (3, VALID, ("0", "1")),
        (3, PHOTOS, ("cats", "dogs")),
        (1, GREY, ("dark", "bright")),
        (0, VALID, "01"),
    ],
)
def test_names_come_with_the_data_which_may_be_grey(make, channels, data, names):
    model = Small(channels) if channels else nn.Sequential(nn.Flatten(), nn.Linear(108, 2))
    options = {"class_names": None, "learning_rate": 1e-9, "epochs": 1}
    board = finish(make(model, train=data, valid=data, **options))
    assert board.error is None
    assert ("4 kernels of conv1" if channels else "this network has no convolution") in alt(board)
    for picture, truth, *_ in board.record.mistakes:
        assert picture.shape == (6, 6, 3)
        assert 0 <= picture.min() <= picture.max() <= 1
        assert truth in names


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
PICTURE = RANDOM.random((6, 9, 3))


def make_record(done: int, mistakes: int = 8, model=Small, epochs=5, classes=2) -> Record:
    """A record after `done` epochs."""
    record = Record(model(), [f"class {k}" for k in range(classes)], epochs)
    for name, epoch in product(CURVES if done else (), np.linspace(0.1, done, 7)):
        record.curves[name].append((epoch, RANDOM.random() * (5 if "loss" in name else 1)))
    record.mistakes = [(PICTURE, "cats", "long-haired dogs", 0.9)] * mistakes
    return record


def test_one_figure_shows_one_record_after_another():
    board = BoardFigure()
    for record in (
        make_record(0, mistakes=0),
        make_record(1, mistakes=3),
        make_record(3),
        make_record(5, mistakes=0, model=nn.Flatten),
        make_record(9, epochs=10, classes=10),
    ):
        figure, fresh = board.update(record), BoardFigure().update(record)
        # Nothing of another record stays in the pixels: a new figure draws the same.
        assert np.array_equal(figure_to_array(figure), figure_to_array(fresh))
        assert figure.alt == fresh.alt
        loss, accuracy, page = figure.axes
        for line, name in zip([*loss.lines[:2], *accuracy.lines[:2]], CURVES, strict=True):
            curve = np.array(record.curves[name]).reshape(-1, 2)
            assert np.array_equal(line.get_xydata(), curve)
            low, high = line.axes.get_ylim()
            assert ((low <= curve[:, 1]) & (curve[:, 1] <= high)).all()
        assert loss.get_xlim() == accuracy.get_xlim() == (0, record.end)
        guesses = [axes.lines[2].get_ydata()[0] for axes in (loss, accuracy)]
        assert guesses == [math.log(len(record.names)), 1 / len(record.names)]
        (kernels, *places), weight = page.images, record.kernels()
        assert kernels.get_visible() == (len(weight) > 0)
        if len(weight):
            tiles = tile_pictures(colour_kernels(weight), 4)
            assert np.array_equal(kernels.get_array(), tiles)
        shown = len(record.mistakes)
        assert [each.get_visible() for each in places] == [k < shown for k in range(MOST_MISTAKES)]
        said = ["cats, said\nlong-ha… 90 %"] * shown + [""] * (MOST_MISTAKES - shown)
        assert [text.get_text() for text in page.texts[2:]] == said
        for place in places[:shown]:
            assert np.array_equal(place.get_array(), PICTURE)
            box = place.get_window_extent()  # in its place of 0.684 inches, in its own shape
            assert (box.width, box.height) == pytest.approx((68.4, 68.4 * 6 / 9))


def test_what_is_not_finite_is_drawn_as_gaps_and_grey():
    record = make_record(0)
    record.curves["batch_loss"] += [(0.1, 0.7), (0.2, np.nan), (0.3, np.inf)]
    with torch.no_grad():
        record._layer.weight.fill_(math.nan)
    figure = BoardFigure().update(record)
    assert figure_to_array(figure).shape == (480, 760, 3)
    assert "conv1, no longer numbers" in figure.alt
    tops = {(0.2,): 1, (1.0,): 1, (1.01,): 2, (4.0, np.nan): 4, (7.0,): 8, (np.inf, 12.0): 16}
    for losses, top in (tops | {(3e5,): 2**19, (): 1, (np.nan,): 1, (0.0,): 1}).items():
        assert round_loss(*losses) == top


def test_colours_of_kernels():
    weight = np.zeros((2, 3, 1, 2))
    weight[0, :, 0, 0] = [1.0, -2.0, 0.5]
    colours = colour_kernels(weight)
    assert colours[0, 0].tolist() == [[0.75, 0.0, 0.625], [0.5] * 3]  # channels around grey
    assert (colours[1] == 0.5).all()
    for channels in (1, 2, 4):  # averaged, and what is no number counts as zero
        weight = np.zeros((1, channels, 1, 4))
        weight[0, 0, 0] = [-1.0, 0.0, 1.0, np.nan]
        shades = colour(np.array([[[-1.0, 0.0, 1.0, 0.0]]]), signed=True)
        assert np.array_equal(colour_kernels(weight), shades)
