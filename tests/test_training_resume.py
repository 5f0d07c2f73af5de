"""A training that was broken off, at any moment and by anything, ends as if it had not been."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch
from test_training_processes import OPTIONS, data, network

from cnn_basics.training import History, fit, load_checkpoint
from cnn_basics.training.machine import FORMAT, write_whole

NUMBERS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "learning_rate")


def train(model=None, train=None, **options) -> tuple[torch.nn.Module, History]:
    model = model or network()
    return model, fit(model, train or data(), data(seed=1), **OPTIONS | options)


def assert_same(ours: tuple, theirs: tuple) -> None:
    for name, weight in theirs[0].state_dict().items():
        assert torch.equal(ours[0].state_dict()[name], weight), name
    for name in (*NUMBERS, "reason", "best_epoch"):
        assert getattr(ours[1], name) == getattr(theirs[1], name), name


@pytest.fixture(scope="module")
def unbroken():
    return train()


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "kept.pt"


@pytest.mark.parametrize("moment", [(1, 2), (2, 1), (3, 3), (4, 3)])
def test_broken_off_and_called_again_it_ends_the_same(unbroken, path, moment):
    def interrupt(training) -> None:
        if (training.epoch, training.batch) == moment:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=path, on_batch=interrupt)
    assert path.exists() == (moment[0] > 1)
    # What the network's weights are when it goes on does not matter, only those that were kept.
    seed = 5 if path.exists() else 1
    assert_same(train(network(seed=seed), checkpoint=path), unbroken)


def test_what_on_epoch_sets_up_is_set_up_again_after_a_callback_stopped(unbroken, path):
    first, second, steps = [], [], []

    def stop(training) -> bool:
        first.append(training.epoch)
        return training.epoch == 2

    _, history = train(checkpoint=path, on_epoch=stop)
    assert (history.epochs, history.reason, first) == (2, "callback", [1, 2])
    assert train(checkpoint=path, on_epoch=stop)[1].reason == "callback"  # at once
    assert_same(train(checkpoint=path, on_epoch=lambda t: second.append(t.epoch)), unbroken)
    assert second == [2, 3, 4]
    assert_same(train(network(seed=7), checkpoint=path, on_batch=steps.append), unbroken)
    assert steps == []  # one that ended is not trained again


def test_out_of_patience_stays_out_of_patience_with_the_best_weights(path):
    options = {"learning_rate": 0.3, "schedule": None, "averaging": None, "augment": None}
    model, history = ended = train(**options, epochs=30, patience=2)
    best = history.valid_loss.index(min(history.valid_loss)) + 1
    assert (history.reason, history.best_epoch, history.epochs) == ("patience", best, best + 2)
    again, _ = train(**options, epochs=best, patience=None)
    assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values()))
    for seed in (1, 9):
        resumed = train(network(seed=seed), checkpoint=path, **options, epochs=30, patience=2)
        assert_same(resumed, ended)


def test_other_numbers_of_epochs(path):
    """More go on; fewer than were kept are refused."""
    options = {"schedule": None, "patience": None, "averaging": None}
    train(checkpoint=path, **options)
    longer = train(checkpoint=path, epochs=6, **options)
    assert_same(longer, train(epochs=6, **options))
    with pytest.raises(ValueError, match=rf"epochs as {path} holds, 6, got 5: write epochs=6 or"):
        train(checkpoint=path, epochs=5, **options)


PICTURES, LABELS = data()
TEXTS = [b"", b"nothing", b"PK\x03\x04 and then nothing", b"epoch,loss\n1,0.7\n", b"torch==2.6\n"]
TEXTS += [b"batch_size: 64\n", b"./cat.1.jpg\n", b"results of monday\n"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 1}, "with seed 1, got .* with seed 0"),
        ({"batch_size": 4}, "with batch_size 4, got .* with batch_size 8"),
        ({"optimizer": "sgd"}, "with optimizer sgd, got .* with optimizer adam"),
        ({"averaging": None}, "with averaging None, got .* with averaging 0.9"),
        ({"augment": None}, "with augment None, got .* with augment random_flip"),
        ({"model": torch.nn.Sequential(network(), torch.nn.ReLU())}, "model .*0.0.weight"),
        ({"train": (PICTURES.flip(3), LABELS)}, "train 20 pictures .*, got .* train 20 pictures"),
        ({"train": (PICTURES[[3, 1, 2, 0, *range(4, 20)]], LABELS)}, "train 20 pictures"),
        ({"train": (PICTURES, LABELS.flip(0))}, "train 20 pictures"),
        ({"epochs": 6}, "with schedule one_cycle over 6 epochs, got .* one_cycle over 4 epochs"),
        *[(text, "which is none or is damaged: delete it") for text in (*TEXTS, "cut off")],
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value)[:20],
)
def test_what_does_not_go_on_is_refused_and_the_file_is_kept(path, changed, words):
    train(checkpoint=path, epochs=4)
    if isinstance(changed, bytes | str):
        path.write_bytes(path.read_bytes()[:-100] if changed == "cut off" else changed)
        changed = {}
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"{words}.*, or (delete this one|name another file)"):
        train(checkpoint=path, **changed)
    assert path.read_bytes() == before


def test_no_code_in_a_file_is_run(path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (path.with_name("sprung"),))

    torch.save({"format": Trap()}, path)
    with pytest.raises(ValueError, match="none or is damaged"):
        load_checkpoint(path)
    assert not path.with_name("sprung").exists()


def test_a_file_that_cannot_be_is_named_before_an_epoch_is_lost(tmp_path, monkeypatch):
    steps = []
    with pytest.raises(FileNotFoundError, match=r"make the folder .*nowhere first"):
        train(checkpoint=tmp_path / "nowhere" / "kept.pt", on_batch=steps.append)
    with pytest.raises(ValueError, match="expected a file as checkpoint, got the folder"):
        train(checkpoint=tmp_path, on_batch=steps.append)
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "other.pt")
    assert steps == []
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    model, _ = train(checkpoint="~/kept.pt", averaging=None, patience=None)
    kept = load_checkpoint("~/kept.pt")["model"]
    assert all(torch.equal(kept[name], weight) for name, weight in model.state_dict().items())


def test_a_file_is_replaced_never_written_over_and_a_full_disk_leaves_it(path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    write_whole(path, {"format": FORMAT, "epoch": 1})
    (old := path.with_name("old")).hardlink_to(path)
    write_whole(path, {"format": FORMAT, "epoch": 2})
    monkeypatch.setattr(os, "fsync", full)
    words = r"write 0\.0 MB to .*, got No space left on device with [\d.]+ MB free there: make room"
    with pytest.raises(OSError, match=words):
        write_whole(path, {"format": FORMAT, "epoch": 3})
    assert [load_checkpoint(each)["epoch"] for each in (old, path)] == [1, 2]
    assert {*path.parent.iterdir()} == {old, path}


def test_averaging_ends_with_the_mean_of_the_weights():
    """Worked out by hand from the weights after each of three steps."""
    seen = []

    def look(training) -> None:
        seen.append([weight.detach().clone() for weight in training.model.parameters()])

    options = {"averaging": 0.5, "epochs": 1, "patience": None, "schedule": None}
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(1), network())
    train(model, on_batch=look, **options)
    assert len(seen) == 3
    mean = seen[0]
    for step, weights in enumerate(seen[1:], 2):
        kept = min(0.5, step / (9 + step))
        mean = [kept * old + (1 - kept) * new for old, new in zip(mean, weights, strict=True)]
    for weight, expected in zip(model.parameters(), mean, strict=True):
        torch.testing.assert_close(weight, expected)
    assert model[0].num_batches_tracked == 3
