"""A training that was broken off, at any moment and by anything, ends as if it had not been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training_scripts import BATCHES, EPOCHS, OPTIONS, data, network

from cnn_basics.training import History, fit
from cnn_basics.training.checkpoints import load_checkpoint, save_checkpoint

SCRIPT = Path(__file__).with_name("training_scripts.py")
MOMENTS = ("1.2", "2.1", "3.3", "4.3")  # epoch and batch
NUMBERS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate")


def train(model=None, **options) -> tuple[torch.nn.Module, History]:
    model = model or network()
    return model, fit(model, data(), data(seed=1), **{"patience": 3} | OPTIONS | options)


def assert_same(ours: tuple, theirs: tuple) -> None:
    for name, weight in theirs[0].state_dict().items():
        assert torch.equal(ours[0].state_dict()[name], weight), name
    for name in (*NUMBERS, "stopped", "reason", "best_epoch"):
        assert getattr(ours[1], name) == getattr(theirs[1], name), name


@pytest.fixture(scope="module")
def unbroken():
    return train()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "kept.pt"


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """Where trainings that were killed kept their checkpoints."""
    path = tmp_path_factory.mktemp("killed") / "kept"
    command = [sys.executable, str(SCRIPT), "killed", str(path), *MOMENTS]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    died = [f"{moment} {-signal.SIGKILL}" for moment in MOMENTS]
    assert ended.stdout.splitlines() == died, ended.stderr
    return path


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_and_called_again_it_ends_the_same(unbroken, killed, moment):
    path = killed.with_name(f"kept.{moment}")
    assert path.exists() == (moment > "2")
    # What the network's weights are when it goes on does not matter, only those that were kept.
    seed = 5 if path.exists() else 1
    assert_same(train(network(seed=seed), checkpoint=path), unbroken)


def test_a_key_press_leaves_the_last_whole_epoch(unbroken, path):
    def interrupt(state) -> None:
        if (state.epoch, state.batch) == (3, 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=path, on_batch=interrupt)
    assert load_checkpoint(path)["epoch"] == 2
    assert_same(train(checkpoint=path), unbroken)


def test_stopped_by_a_callback_it_goes_on_to_the_end(unbroken, path):
    _, history = train(checkpoint=path, on_epoch=lambda state: state.epoch == 2)
    assert (history.epochs, history.reason) == (2, "callback")
    assert_same(train(checkpoint=path), unbroken)


def test_one_that_ended_is_not_trained_again(unbroken, path):
    train(checkpoint=path)
    steps = []
    assert_same(train(network(seed=7), checkpoint=path, on_batch=steps.append), unbroken)
    assert steps == []


def test_out_of_patience_stays_out_of_patience(path):
    options = {"learning_rate": 0.3, "schedule": None, "patience": 1, "averaging": None}
    options |= {"epochs": 30, "augment": None}
    ended = train(**options)
    assert ended[1].reason == "patience"
    assert_same(train(checkpoint=path, **options), ended)
    assert_same(train(network(seed=9), checkpoint=path, **options), ended)


def test_more_epochs_go_on_without_a_schedule_and_are_refused_with_one(path):
    options = {"schedule": None, "patience": None, "averaging": None}
    train(checkpoint=path, **options)
    longer = train(checkpoint=path, epochs=EPOCHS + 2, **{**options})
    assert_same(longer, train(epochs=EPOCHS + 2, **options))
    other = path.with_name("other.pt")
    train(checkpoint=other)
    with pytest.raises(ValueError, match=r"with schedule one_cycle over 6 epochs, got .*over 4"):
        train(checkpoint=other, epochs=EPOCHS + 2)


def test_what_on_epoch_sets_up_is_set_up_again(path):
    def record(seen):
        return lambda state: seen.append((state.epoch, state.share))

    first, second = [], []
    train(checkpoint=path, on_epoch=lambda s: record(first)(s) or s.epoch == 2)
    train(checkpoint=path, on_epoch=record(second))
    assert first == [(1, 0.25), (2, 0.5)]
    assert second == [(2, 0.5), (3, 0.75), (4, 1.0)]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 1}, "with seed 1, got .* with seed 0"),
        ({"batch_size": 4}, "with batch_size 4, got .* with batch_size 8"),
        ({"optimizer": "sgd"}, "with optimizer sgd, got .* with optimizer adam"),
        ({"averaging": None}, "with averaging None, got .* with averaging 0.9"),
        ({"augment": None}, "with augment None, got .* with augment random_flip"),
    ],
)
def test_another_training_is_refused_and_the_file_is_kept(path, changed, words):
    train(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"{words}.*: name another file, or delete this one"):
        train(checkpoint=path, **changed)
    assert path.read_bytes() == before


def test_other_pictures_are_refused(path):
    train(checkpoint=path)
    with pytest.raises(
        ValueError, match=r"with train 20 pictures .*, got .* with train 20 pictures"
    ):
        fit(network(), data(seed=3), data(seed=1), **OPTIONS, patience=3, checkpoint=path)


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 and then nothing"])
def test_a_damaged_file_is_refused_and_kept(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="which is none or is damaged: delete it, or name another"):
        train(checkpoint=path)
    assert path.read_bytes() == content


def test_a_file_that_ends_early_is_refused(path):
    train(checkpoint=path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="which is none or is damaged"):
        train(checkpoint=path)


def test_no_code_in_a_file_is_run(path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (path.with_name("sprung"),))

    torch.save({"format": Trap()}, path)
    with pytest.raises(ValueError, match="none or is damaged"):
        load_checkpoint(path)
    assert not path.with_name("sprung").exists()


def test_a_missing_folder_is_named_before_an_epoch_is_lost(tmp_path):
    steps = []
    with pytest.raises(FileNotFoundError, match=r"make the folder .*nowhere first"):
        train(checkpoint=tmp_path / "nowhere" / "kept.pt", on_batch=steps.append)
    assert steps == []


def test_a_file_is_the_old_or_the_new_one(path, monkeypatch):
    save_checkpoint(path, {"epoch": 1})

    def break_off(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", break_off)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, {"epoch": 2})
    assert load_checkpoint(path)["epoch"] == 1


def test_the_kept_weights_are_those_of_the_network(path):
    model, _ = train(checkpoint=path, averaging=None, patience=None)
    kept = load_checkpoint(path)["model"]
    assert all(torch.equal(kept[name], weight) for name, weight in model.state_dict().items())


def test_patience_needs_validation():
    with pytest.raises(ValueError, match="expected validation pictures for patience=2, got none"):
        fit(network(), data(), patience=2, progress=False)


def test_patience_gives_back_the_best_weights():
    options = {"learning_rate": 0.3, "schedule": None, "averaging": None, "augment": None}
    model, history = train(**options, epochs=30, patience=2)
    best = history.valid_loss.index(min(history.valid_loss)) + 1
    assert history.stopped
    assert (history.reason, history.best_epoch, history.epochs) == ("patience", best, best + 2)
    again, _ = train(**options, epochs=best, patience=None)
    assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values()))


def test_averaging_ends_with_the_mean_of_the_weights():
    """Worked out by hand from the weights after each of three steps."""
    seen = []

    def look(state) -> None:
        seen.append([weight.detach().clone() for weight in state.model.parameters()])

    options = {"averaging": 0.5, "epochs": 1, "patience": None, "schedule": None}
    mean = [weight.detach().clone() for weight in network().parameters()]
    model, _ = train(**options, on_batch=look)
    assert len(seen) == BATCHES
    for step, weights in enumerate(seen, 1):
        kept = min(0.5, step / (9 + step))
        mean = [kept * old + (1 - kept) * new for old, new in zip(mean, weights, strict=True)]
    for weight, expected in zip(model.parameters(), mean, strict=True):
        torch.testing.assert_close(weight, expected)
