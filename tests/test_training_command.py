"""`python -m cnn_basics.training` trains, goes on, and says what is wrong in one sentence."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
import torch
from test_training_processes import run_processes

from cnn_basics.datasets import picture_paths
from cnn_basics.model import Custom_CNN
from cnn_basics.training import command
from cnn_basics.training.checkpoints import load_checkpoint


@pytest.fixture(scope="module")
def photos(tmp_path_factory, monkeypatch_module):
    """Ten cats and ten dogs without splits."""
    folder = tmp_path_factory.mktemp("photos")
    monkeypatch_module.setenv("CNN_BASICS_CACHE", str(tmp_path_factory.mktemp("cache")))
    for species in ("cats", "dogs"):
        (folder / species).mkdir()
        for path in picture_paths("test_set", species)[:10]:
            shutil.copy(path, folder / species)
    return folder


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def run(*arguments: object) -> int:
    return command.main([*map(str, arguments), "--no-progress", "--device", "cpu"])


def test_help_names_every_option():
    asked = [sys.executable, "-m", "cnn_basics.training", "--help"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    for option in ("--checkpoint", "--learning-rate", "--augment", "torchrun", "digits"):
        assert option in said


def test_it_trains_and_writes_weights(photos, tmp_path, capsys):
    output = tmp_path / "weights.pt"
    assert run(photos, "--epochs", 2, "--augment", "flip", "crop", "--output", output) == 0
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"test accuracy \d\.\d{4}, loss \d\.\d{4}, of 4 pictures", said[0])
    assert said[1].split() == ["true", "class", "cats", "dogs"]
    assert sum(int(number) for row in said[2:] for number in row.split()[1:]) == 4
    model = Custom_CNN()
    model.load_state_dict(torch.load(output, weights_only=True))
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pt"]


def test_options_reach_fit(photos, monkeypatch):
    given = {}
    monkeypatch.setattr(command, "fit", lambda model, data, **options: given.update(options))
    options = "--epochs 3 --batch-size 5 --learning-rate 0.5 --optimizer sgd --weight-decay 0.25 "
    options += "--schedule cosine --label-smoothing 0.125 --averaging 0.75 --seed 7"
    assert run(photos, *options.split()) == 0
    expected = {"epochs": 3, "batch_size": 5, "learning_rate": 0.5, "optimizer": "sgd", "seed": 7}
    expected |= {"weight_decay": 0.25, "schedule": "cosine", "label_smoothing": 0.125}
    expected |= {"averaging": 0.75, "augment": None, "precision": "float32", "device": "cpu"}
    assert given == expected | {"checkpoint": None, "progress": False}


def test_broken_off_it_goes_on_to_the_same_weights(photos, tmp_path, capsys, monkeypatch):
    whole, resumed, kept = (tmp_path / name for name in ("a.pt", "b.pt", "kept.pt"))
    assert run(photos, "--epochs", 3, "--output", whole) == 0
    real = command.fit

    def interrupted(*data, **options):
        def stop(state):
            if state.epoch == 2:
                raise KeyboardInterrupt

        return real(*data, on_batch=stop, **options)

    monkeypatch.setattr(command, "fit", interrupted)
    assert run(photos, "--epochs", 3, "--checkpoint", kept) == 130
    assert f"call it again to go on from {kept}" in capsys.readouterr().err
    assert load_checkpoint(kept)["epoch"] == 1
    monkeypatch.setattr(command, "fit", real)
    assert run(photos, "--epochs", 3, "--checkpoint", kept, "--output", resumed) == 0
    first, second = (torch.load(path, weights_only=True) for path in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_processes_get_the_weights_of_one(photos, tmp_path):
    one, two = tmp_path / "one.pt", tmp_path / "two.pt"
    options = ["--epochs", "2", "--batch-size", "6", "--augment", "flip", "--device", "cpu"]
    assert run(photos, *options, "--output", one) == 0
    said = run_processes("-m", "cnn_basics.training", str(photos), *options, "--output", str(two))
    assert said.count("test accuracy") == 1
    first, second = (torch.load(path, weights_only=True) for path in (one, two))
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=0, atol=1e-5)


def test_digits_and_pets():
    train, test, names = command.load("pets", 14)
    assert (train[0].shape, test[0].shape) == ((2000, 3, 14, 14), (600, 3, 14, 14))
    assert list(names) == ["cats", "dogs"]
    train, _, names = command.load("digits", 28)
    assert (train[0].shape[1:], len(names)) == ((1, 28, 28), 10)


def test_a_folder_with_splits_is_tested_with_its_test_set(photos, tmp_path):
    for split, count in (("training_set", 3), ("test_set", 2)):
        for species in ("cats", "dogs"):
            (tmp_path / split / species).mkdir(parents=True)
            for path in sorted((photos / species).iterdir())[:count]:
                shutil.copy(path, tmp_path / split / species)
    train, test, _ = command.load(str(tmp_path), 16)
    assert (train[0].shape, test[0].shape) == ((6, 3, 16, 16), (4, 3, 16, 16))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere"),
        (["digits", "--size", "32"], "expected --size 28 for digits, got 32: leave it out"),
        (["pets", "--size", "32"], "expected .*28"),
        (["pets", "--epochs", "0"], "expected epochs as a whole number from 1, got 0"),
        (
            ["pets", "--checkpoint", "nowhere/a.pt", "--epochs", "1"],
            "make the folder nowhere first",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(arguments, words, capsys):
    assert run(*arguments) == 1
    said = capsys.readouterr().err
    assert re.search(rf"^training: .*{words}", said)
    assert said.count("\n") == 1


def test_unknown_words_are_refused_by_the_parser(capsys):
    with pytest.raises(SystemExit) as ended:
        run("pets", "--optimizer", "magic")
    assert ended.value.code == 2
    assert "invalid choice: 'magic'" in capsys.readouterr().err
