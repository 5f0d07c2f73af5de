"""`python -m cnn_basics.training` trains, goes on, and says what is wrong in one sentence."""

from __future__ import annotations

import inspect
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_training_processes import run_processes

from cnn_basics.datasets import picture_paths
from cnn_basics.model import Custom_CNN
from cnn_basics.training import __main__ as command
from cnn_basics.training import fit, load_checkpoint


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Ten cats and ten dogs without splits."""
    folder = tmp_path_factory.mktemp("photos")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CNN_BASICS_CACHE", str(tmp_path_factory.mktemp("cache")))
        fill(folder, {"cats": "cats", "dogs": "dogs"})
        yield folder


def fill(folder: Path, species: dict[str, str], count: int = 10) -> None:
    for name, kind in species.items():
        (folder / name).mkdir(parents=True)
        for path in picture_paths("test_set", kind)[:count]:
            shutil.copy(path, folder / name)


def run(*arguments: object) -> int:
    return command.main([*map(str, arguments), "--no-progress", "--device", "cpu"])


def test_help_names_every_option_and_its_examples_are_right(capsys):
    with pytest.raises(SystemExit, match="0"):
        command.main(["--help"])
    said = capsys.readouterr().out
    assert said.endswith(command.EXAMPLE)
    for option in inspect.signature(fit).parameters:
        if option not in ("model", "train", "valid", "progress", "on_batch", "on_epoch"):
            assert f"--{option.replace('_', '-')} " in said
    for word in ("--output", "--no-progress", "--split", "resized_crop", "make one step", "0.99"):
        assert word in said
    lines = [line.split() for line in command.EXAMPLE.splitlines()[1:]]
    for line in lines:
        command.parse(line[line.index("cnn_basics.training") + 1 :])
    assert len(lines) == 4
    with pytest.raises(SystemExit, match="2"):
        run("pets", "--optimizer", "magic")
    assert "invalid choice: 'magic'" in capsys.readouterr().err
    asked = [sys.executable, "-m", "cnn_basics.training", "nowhere"]
    assert subprocess.run(asked, capture_output=True, check=False, timeout=120).returncode == 2


def test_it_trains_tests_and_writes_weights(photos, tmp_path, capsys):
    output = tmp_path / "weights.pt"
    assert run(photos, "--epochs", 2, "--augment", "flip", "crop", "--output", output) == 0
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"test accuracy \d\.\d{4}, loss \d\.\d{4}, of 4 pictures", said[0])
    assert said[1] == "true / answer     cats     dogs"
    assert sum(int(number) for row in said[2:] for number in row.split()[1:]) == 4
    model = Custom_CNN()
    model.load_state_dict(torch.load(output, weights_only=True))
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pt"]


def test_options_reach_fit(photos, monkeypatch):
    given = {}
    monkeypatch.setattr(command, "fit", lambda *data, **options: given.update(options))
    asked = "--epochs 3 --batch-size 5 --learning-rate 0.5 --optimizer sgd --weight-decay 0.25 "
    asked += "--schedule cosine --label-smoothing 0.125 --averaging 0.75 --seed 7 "
    asked += "--augment colour flip"
    assert run(photos, *asked.split()) == 0
    expected = {"epochs": 3, "batch_size": 5, "learning_rate": 0.5, "optimizer": "sgd", "seed": 7}
    expected |= {"weight_decay": 0.25, "schedule": "cosine", "label_smoothing": 0.125}
    expected |= {"averaging": 0.75, "patience": None, "precision": "float32", "device": "cpu"}
    changes = "compose(random_colour(0.2, 0.2, 0.2), random_flip(0.5))"
    assert repr(given.pop("augment")) == changes
    assert given == expected | {"checkpoint": None, "progress": False}


def test_broken_off_it_goes_on_to_the_same_weights(photos, tmp_path, capsys, monkeypatch):
    whole, resumed, kept = (tmp_path / name for name in ("a.pt", "b.pt", "kept.pt"))
    assert run(photos, "--epochs", 3, "--output", whole) == 0
    real = command.fit

    def interrupted(*data, **options):
        def stop(training):
            if training.epoch == 2:
                raise KeyboardInterrupt

        return real(*data, on_batch=stop, **options)

    monkeypatch.setattr(command, "fit", interrupted)
    assert run(photos, "--epochs", 3, "--checkpoint", kept) == 130
    assert f"call it again to go on from {kept}" in capsys.readouterr().err
    monkeypatch.setattr(command, "fit", real)
    assert run(photos, "--epochs", 3, "--checkpoint", kept, "--output", resumed) == 0
    first, second = (torch.load(path, weights_only=True) for path in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert run(photos, "--epochs", 3, "--checkpoint", kept, "--seed", 1) == 2
    assert re.search(r"training: .*with seed 1, got .*\n", capsys.readouterr().err)
    assert load_checkpoint(kept)["history"]["best_epoch"] == 0


def test_two_processes_get_the_weights_of_one(photos, tmp_path):
    one, two = tmp_path / "one.pt", tmp_path / "two.pt"
    asked = ["--epochs", "2", "--batch-size", "6", "--augment", "flip", "--device", "cpu"]
    # Not Adam, the default: it divides by the size of the gradient, so where that is almost 0 the
    # rounding, in which two sums of the same numbers differ, becomes a step of its own.
    asked += ["--optimizer", "momentum", "--learning-rate", "0.05"]
    assert run(photos, *asked, "--output", one) == 0
    said = run_processes("-m", "cnn_basics.training", str(photos), *asked, "--output", str(two))
    assert said.count("test accuracy") == 1
    first, second = (torch.load(path, weights_only=True) for path in (one, two))
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("folders", "split", "counts"),
    [
        (("training_set", "test_set"), (), (6, 4)),
        (("train", "val"), (), (6, 4)),
        (("summer", "winter"), ("winter", "summer"), (4, 6)),
        (("summer", "winter"), ("summer",), (4, 2)),
    ],
)
def test_a_folder_with_splits_is_tested_with_its_own_pictures(tmp_path, folders, split, counts):
    for folder, count in zip(folders, (3, 2), strict=True):
        fill(tmp_path / folder, {"cats": "cats", "dogs": "dogs"}, count)
    train, test, names = command.load(str(tmp_path), 16, split=split, progress=False)
    assert (train[0].shape, len(test[0]), names) == ((counts[0], 3, 16, 16), counts[1], names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("PHOTOS", '--split "summer" or --split "winter", or move'),
        ("PHOTOS --split summer winter", "cats, dogs to train and cats, foxes to test with"),
        ("PHOTOS --split a b c", "one or two folders for --split, got 3"),
        ("nowhere", "expected a folder of photos, got nothing at nowhere: check its name"),
        ("digits --size 32 --model PhotoNet", "expected --size 28 for digits, got 32: leave it"),
        ("pets --size 32", "expected --size 28 for Custom_CNN, got 32: .* add --model PhotoNet"),
        ("pets --limit 0", "expected --limit as a whole number from 1, got 0: leave it out"),
        ("pets --epochs 0", "expected epochs as a whole number from 1, got 0: write --epochs 1"),
        ("pets --batch-size -1", "expected --batch-size as .*, got -1: write --batch-size 1"),
        ("pets --learning-rate 0", "expected --learning-rate as a number .*, got 0.0: leave"),
        ("pets --device magic", "got 'magic': leave device out for the fastest"),
        ("pets --checkpoint nowhere/a", "checkpoint .*, got nowhere/a: make the folder nowhere"),
        ("pets --output nowhere/a", "--output in a folder .*, got nowhere/a: make the folder now"),
        ("pets --output .", "expected a file as --output, got the folder .: add a name"),
        ("pets --output a --checkpoint ./a", "expected two files .*, got a for both: name another"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_before_anything_is_read(
    arguments, words, capsys, monkeypatch, tmp_path
):
    fill(tmp_path / "summer", {"cats": "cats", "dogs": "dogs"}, 2)
    fill(tmp_path / "winter", {"cats": "cats", "foxes": "dogs"}, 2)
    monkeypatch.setattr(command, "load_pets", None)
    monkeypatch.setenv("RANK", "1" if arguments == "nowhere" else "0")
    assert command.main([*arguments.replace("PHOTOS", str(tmp_path)).split(), "--no-progress"]) == 2
    said, process = capsys.readouterr(), r" \(process 1\)" if arguments == "nowhere" else ""
    assert re.search(rf"^training{process}: .*{words}", said.err)
    assert (said.err.count("\n"), said.out) == (1, "")


@pytest.mark.parametrize("limit", [None, 12])
@pytest.mark.parametrize(("source", "size"), [("pets", 14), ("digits", 28)])
def test_digits_and_pets_come_with_their_own_tests(source, size, limit, monkeypatch):
    def bundled(split, size=28):  # a small stand-in, so that nothing is decoded
        labels = torch.arange({"training_set": 40, "test_set": 20}[split]) % 2
        return labels.view(-1, 1, 1, 1).expand(-1, 3, size, size), labels, ("a", "b")

    monkeypatch.setattr(command, f"load_{source}", bundled)
    train, test, names = command.load(source, size, limit)
    assert names == ("a", "b")
    for (pictures, labels), most in ((train, 20), (test, 10)):
        assert labels.bincount().tolist() == [min(most, limit or most)] * 2
        assert pictures.shape == (len(labels), 3, size, size)
        assert torch.equal(pictures[:, 0, 0, 0], labels)


def test_what_is_kept_aside_is_a_fifth_of_each_class_at_least_one_and_no_more_trained_with():
    labels = torch.tensor([0] * 2 + [1] * 4 + [2] * 11)
    numbers = torch.arange(17).view(-1, 1, 1, 1)
    (rest, rest_labels), (aside, aside_labels) = command.hold_out((numbers, labels), "abc")
    assert aside.flatten().tolist() == [1, 5, 10, 15]
    assert sorted([*rest.flatten(), *aside.flatten()]) == list(range(17))
    assert torch.equal(labels[rest.flatten()], rest_labels)
    assert torch.equal(labels[aside.flatten()], aside_labels)
    with pytest.raises(ValueError, match=r"at least two pictures of each class.* one of b: add"):
        command.hold_out((numbers[:3], labels[:3]), "ab")


def test_out_of_patience_it_takes_the_best_weights(photos, capsys, monkeypatch):
    given, real = [], command.fit
    noted = lambda *data, **options: given.append(data) or real(*data, **options)  # noqa: E731
    monkeypatch.setattr(command, "fit", noted)
    assert run(photos, "--epochs", 9, "--patience", 1, "--learning-rate", 0.01) == 0
    said = capsys.readouterr().out
    found = re.match(r"epochs (\d), the weights are those of epoch (\d)\ntest accuracy", said)
    assert int(found[1]) == int(found[2]) + 1 < 9
    (_, (_, train), (_, valid)) = given[0]
    assert (len(train), len(valid)) == (14, 2)  # of 20, 4 are for the test


def test_limit_another_network_and_files_at_home(photos, capsys, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(photos.parent))
    small = ("--limit", 5, "--model", "PhotoNet", "--size", 16, "--epochs", 1)
    assert run(f"~/{photos.name}", *small, "--output", "~/a.pt", "--checkpoint", "~/b.pt") == 0
    assert "of 2 pictures" in capsys.readouterr().out
    assert {"a.pt", "b.pt"} <= {path.name for path in photos.parent.iterdir()}
    monkeypatch.setenv("RANK", "1")  # another process reports nothing
    assert run(photos, *small) == 0
    assert capsys.readouterr().out == ""


def test_names_that_the_terminal_does_not_know_are_told_all_the_same(tmp_path, monkeypatch):
    fill(tmp_path, {"cats": "cats", "psíci": "dogs"})
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out := io.BytesIO(), encoding="ascii"))
    assert run(tmp_path, "--epochs", 1) == 0
    assert rb"ps\xedci" in out.getvalue()


def test_weights_that_cannot_be_written_cost_no_result_and_no_room(photos, tmp_path, capsys):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        assert run(photos, "--epochs", 1, "--output", tmp_path / "weights.pt") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = capsys.readouterr()
    assert said.out.startswith("test accuracy")
    assert re.search(r"write 3\.4 MB to .*, got File too large with .* MB free there: ", said.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (torch.OutOfMemoryError("CUDA"), 2, "too little memory for this: lower --batch-size"),
        (KeyboardInterrupt(), 130, "broken off; no epoch is kept in a --checkpoint"),
    ],
)
def test_broken_off_it_says_what_is_kept(photos, tmp_path, capsys, monkeypatch, error, code, words):
    def broken_off(*_, **__):
        raise error

    monkeypatch.setattr(command, "fit", broken_off)
    for options in ([], ["--checkpoint", tmp_path / "kept.pt"]):
        assert run(photos, *options) == code
        assert re.fullmatch(rf"training: .*{words}.*\n", capsys.readouterr().err)
