"""Folders of photos: layouts, broken files, what is refused, and the pixels kept on disk."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cnn_basics.datasets import downloading, load_folder, photos
from cnn_basics.images import read_image, resize

CLASSES = ("cats", "dogs")


def save(path, number, size=(40, 30), **options):
    """A photo-like picture: smooth, with colours that name it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.stack([rows * 4, columns * 3, np.full_like(rows, number * 20)], axis=-1)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, **options)


def fill(root, numbers=(1, 2, 10), classes=CLASSES, suffix=".png"):
    for label, name in enumerate(classes):
        for number in numbers:
            save(root / name / f"{name[:-1]}.{number}{suffix}", number + label)
    return root


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """Whatever these tests keep lies here, not in the user's cache."""
    monkeypatch.setenv("CNN_BASICS_CACHE", str(tmp_path / "kept"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path / "kept"


@pytest.fixture
def folder(tmp_path):
    return fill(tmp_path / "photos")


@pytest.fixture
def decoded(monkeypatch):
    """The files that were decoded, in the order they were."""
    names = []

    def read(path, at_least):
        names.append(Path(path).name)
        return read_image(path, at_least)

    monkeypatch.setattr(photos, "read_image", read)
    return names


def test_shapes_order_and_names(folder):
    loaded = load_folder(folder, 8)
    pictures, labels, names = loaded
    assert (pictures.shape, pictures.dtype) == ((6, 3, 8, 8), torch.uint8)
    assert pictures.is_contiguous()
    assert (labels.tolist(), labels.dtype) == ([0, 0, 0, 1, 1, 1], torch.int64)
    assert names == loaded.class_names == CLASSES
    assert [path.name for path in loaded.paths[:3]] == ["cat.1.png", "cat.2.png", "cat.10.png"]
    for picture, path in zip(pictures, loaded.paths, strict=True):
        np.testing.assert_array_equal(picture.permute(1, 2, 0), resize(read_image(path), 8))
    assert repr(loaded) == "6 pictures of 8×8 pixels: 3 cats, 3 dogs"
    with pytest.raises(AttributeError):
        loaded.labels = None


@pytest.mark.parametrize("size", [7, 28, 60])
def test_a_large_jpeg_shrinks_while_it_is_decoded(tmp_path, size):
    for name in CLASSES:
        save(tmp_path / name / "a.jpg", 5, size=(640, 480), quality=95)
    expected = resize(read_image(tmp_path / "cats/a.jpg"), size).astype(int)
    pixels = load_folder(tmp_path, size, cache=False).pictures[0].permute(1, 2, 0).numpy()
    assert 0 < np.abs(pixels - expected).max() <= 3
    shrunk = read_image(tmp_path / "cats/a.jpg", at_least=2 * size)
    assert 2 * size <= min(shrunk.shape[:2]) < 480
    np.testing.assert_array_equal(pixels, resize(shrunk, size))


@pytest.mark.parametrize("limit", [1, np.int8(2), 99])
def test_limit_counts_each_class(folder, limit, decoded):
    loaded = load_folder(folder, 8, limit=limit)
    assert loaded.labels.bincount().tolist() == [min(limit, 3)] * 2
    assert len(decoded) == 2 * min(limit, 3)


def test_many_classes_and_a_path_from_home_and_from_here(tmp_path, monkeypatch):
    fill(tmp_path / "zoo", classes=("ant", "bee", "cow", "__new", "Dog", "élan"))
    names = load_folder("~/zoo", np.int64(4)).class_names
    assert names == ("Dog", "__new", "ant", "bee", "cow", "élan")
    monkeypatch.chdir(tmp_path / "zoo")
    assert len(load_folder(".", 4).labels) == 18


def test_a_bar_only_where_it_takes_long(folder, capsys, monkeypatch):
    def slow(path, at_least):
        time.sleep(1.1)
        return read_image(path, at_least)

    options = {"cache": False, "limit": 1}
    load_folder(folder, 8, **options)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(photos, "read_image", slow)
    load_folder(folder, 8, **options)
    assert "reading photos: 100%" in capsys.readouterr().err
    load_folder(folder, 8, **options, progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["size", "limit"])
@pytest.mark.parametrize(("wrong", "error"), [(0, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_wrong_numbers(folder, name, wrong, error):
    with pytest.raises(error, match=f"expected {name} as a whole number from 1, got"):
        load_folder(folder, **{"size": 8, name: wrong})


def test_import_is_light():
    """What only some loaders need is not paid by all (torch itself imports tqdm)."""
    code = "import sys, torch; before = set(sys.modules); import cnn_basics.datasets; "
    code += "print(*set(sys.modules) - before)"
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = {"pooch", "requests", "tqdm", "sklearn", "matplotlib", "ipywidgets", "imageio"}
    assert "PIL" in roots
    assert roots & heavy == set()


@pytest.mark.parametrize(
    ("inside", "split"),
    [(".", None), ("PetImages", None), ("train", "train"), ("train", None),
     ("train/train", "train"), ("train/train", None), ("train/PetImages", "train")],
)  # fmt: skip
def test_layouts(tmp_path, inside, split):
    fill(tmp_path / "photos" / inside)
    (tmp_path / "photos" / "readme.txt").touch()
    assert len(load_folder(tmp_path / "photos", 4, split=split).labels) == 6


@pytest.mark.parametrize("twice", [False, True])
def test_one_split_of_two(tmp_path, twice):
    for split, numbers in [("test_set", [1]), ("training_set", [2, 3])]:
        fill(tmp_path / "p" / split / (split if twice else "."), numbers)
    assert len(load_folder(tmp_path / "p", 4, split="test_set").labels) == 2
    assert len(load_folder(tmp_path / "p", 4, split="training_set").labels) == 4
    assert len(load_folder(tmp_path / "p" / "training_set", 4).labels) == 4
    with pytest.raises(ValueError, match='the split, split="test_set" or split="training_set"'):
        load_folder(tmp_path / "p", 4)
    with pytest.raises(ValueError, match='got \'train\': there are "test_set", "training_set"'):
        load_folder(tmp_path / "p", 4, split="train")


def test_what_systems_leave_behind_is_no_class_and_is_counted(folder):
    for name in (".git", "__MACOSX", ".ipynb_checkpoints"):
        save(folder / name / "a.png", 1)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._cat.1.png"):
        (folder / "cats" / name).touch()
    (folder / "cats" / "cat.2.png").rename(folder / "cats" / "__cat.2.png")  # one's own
    loaded = load_folder(folder, 4, strict=True)
    assert (loaded.class_names, len(loaded.paths), loaded.hidden) == (CLASSES, 6, 7)
    assert repr(loaded).endswith("3 dogs; 7 files of the system left out")


def beside(folder):
    save(folder / "a.png", 1)


def nested(folder):
    save(folder / "mice" / "2024" / "mouse.1.png", 1)


def circle(folder):
    (folder / "mice").mkdir(parents=True)
    (folder / "mice" / "mice").symlink_to(folder / "mice")


WRONG_FOLDERS = {
    "gone": (lambda f: None, (), r"got nothing at .*photos: check its name"),
    "file": (lambda f: f.touch(), (), r"got the file .*photos: unpack it"),
    "nothing": (lambda f: f.mkdir(), (), "in one folder for each class, .* got none of .*photos"),
    "no folders": (beside, (), "got 1 beside the folders of .*: give each class a folder"),
    "one class": (beside, ("cats",), "two classes or more, got 3 in cats, 1 beside the folders"),
    "empty": (lambda f: (f / "mice").mkdir(), CLASSES, "in dogs, 0 in mice of .*, or remove it"),
    "nested": (nested, CLASSES, "got folders inside folders .* pictures one level up"),
    "circle": (circle, CLASSES, "got folders inside folders"),
}


@pytest.mark.parametrize("case", WRONG_FOLDERS)
def test_folders_that_are_refused(tmp_path, case):
    spoil, classes, sentence = WRONG_FOLDERS[case]
    folder = fill(tmp_path / "photos", classes=classes)
    spoil(folder)
    with pytest.raises((FileNotFoundError, ValueError), match=sentence):
        load_folder(folder, 4)


REASONS = {
    "2024": "is a folder inside a class",
    "gone.jpg": "is no file whose name ends in .png, .jpg",
    "notes.txt": "save it as JPEG or PNG",
    "dog.2.jpg": "is empty",
    "dog.3.jpg": "is not a picture in a format",
    "dog.4.jpg": "is damaged or cut off",
}


@pytest.fixture
def broken(tmp_path):
    root = fill(tmp_path / "photos", numbers=range(1, 8), suffix=".jpg")
    (root / "dogs" / "dog.2.jpg").write_bytes(b"")
    (root / "dogs" / "dog.3.jpg").write_bytes(b"no picture")
    cut_off = root / "dogs" / "dog.4.jpg"
    cut_off.write_bytes(cut_off.read_bytes()[:400])
    (root / "cats" / "notes.txt").touch()
    (root / "cats" / "2024").mkdir()
    (root / "cats" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    return root


@pytest.mark.parametrize("times", [1, 2])  # decoded, then kept
def test_broken_files_are_skipped_with_names_and_reasons(broken, capsys, times):
    for _ in range(times):
        capsys.readouterr()
        loaded = load_folder(broken, 8)
    assert loaded.labels.bincount().tolist() == [7, 4]
    assert len(loaded.pictures) == len(loaded.paths) == 11
    names = [path.name for path in loaded.paths[7:]]
    assert names == ["dog.1.jpg", "dog.5.jpg", "dog.6.jpg", "dog.7.jpg"]
    assert loaded.pictures[7:, 2, 4, 4].tolist() == pytest.approx([40, 120, 140, 160], abs=3)
    assert [path.name for path, _ in loaded.skipped] == list(REASONS)
    for (path, reason), part in zip(loaded.skipped, REASONS.values(), strict=True):
        assert reason.startswith(f"{path} ")
        assert part in reason
    assert capsys.readouterr().out == (
        "Skipped 6 files: cats/2024, cats/gone.jpg, cats/notes.txt, dogs/dog.2.jpg, "
        "dogs/dog.3.jpg, … (.skipped says why).\n"
    )
    assert repr(loaded) == "11 pictures of 8×8 pixels: 7 cats, 4 dogs; 6 files skipped"
    with pytest.raises(ValueError, match=r"2024 is a folder inside .* \(and 5 more\)$"):
        load_folder(broken, 8, strict=True)
    assert len(load_folder(broken, 8, progress=False).skipped) == 6
    assert capsys.readouterr() == ("", "")


def test_a_file_that_may_not_be_read(folder, monkeypatch):
    read = Path.read_bytes

    def refuse(path):
        if path.name == "cat.2.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    ((path, reason),) = load_folder(folder, 8, progress=False).skipped
    assert (path.name, "Permission denied" in reason) == ("cat.2.png", True)


def test_a_class_without_a_readable_file(folder, monkeypatch):
    for path in (folder / "dogs").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"of dogs, got none in 3 files .*dog\.1\.png is not"):
        load_folder(folder, 8)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # in threads too
    with pytest.raises(ValueError, match=r"cat\.1\.png has too many pixels, .* most 1,000"):
        load_folder(folder, 8, cache=False)


def test_decoded_once(folder, decoded, kept):
    before = sorted(folder.rglob("*"))
    first, second = load_folder(folder, 8), load_folder(folder, 8)
    assert len(decoded) == 6
    assert torch.equal(first.pictures, second.pictures)
    assert torch.equal(first.labels, second.labels)
    assert first.paths == second.paths
    assert [path.suffix for path in kept.rglob("*.*")] == [".npz"]
    assert sorted(folder.rglob("*")) == before  # nothing beside the photos
    second.pictures[:] = 0  # its own copy, in memory
    assert torch.equal(load_folder(folder, 8).pictures, first.pictures)


def test_another_size_split_limit_or_folder_is_kept_apart(tmp_path, decoded):
    root = tmp_path / ("猫" * 80)  # 240 bytes, about as long as a name may be
    for split, numbers in [("test", [1, 2]), ("train", [3, 4]), ("猫" * 80, [5, 6])]:
        fill(root / split, numbers)
    calls = [
        {"size": size, "split": split, "limit": limit}
        for size in (4, 5)
        for split in ("test", "train", "猫" * 80)
        for limit in (None, 1)
    ]
    first = [load_folder(root, **call).pictures for call in calls]
    count = len(decoded)
    second = [load_folder(root, **call).pictures for call in calls]
    assert len(decoded) == count
    assert all(map(torch.equal, first, second))


@pytest.mark.parametrize("change", ["content", "added", "removed", "renamed", "moved"])
def test_changes_are_noticed(folder, kept, change):
    before = load_folder(folder, 8)
    file = folder / "cats" / "cat.2.png"
    times = os.stat(file)
    if change == "content":
        file.write_bytes((folder / "dogs" / "dog.10.png").read_bytes())
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "added":
        save(folder / "dogs" / "dog.3.png", 9)
    elif change == "removed":
        file.unlink()
    else:
        file.rename(folder / ("cats/cat.11.png" if change == "renamed" else "dogs/cat.2.png"))
    after, fresh = load_folder(folder, 8), load_folder(folder, 8, cache=False)
    assert torch.equal(after.pictures, fresh.pictures)
    assert torch.equal(after.labels, fresh.labels)
    assert after.paths == fresh.paths
    assert (after.paths, after.pictures.tolist()) != (before.paths, before.pictures.tolist())
    assert len(list(kept.rglob("*.npz"))) == 1  # the old pixels are gone


def test_a_broken_file_that_is_renamed_or_mended(folder):
    file = folder / "cats/cat.2.png"
    whole = file.read_bytes()
    file.write_bytes(b"")
    load_folder(folder, 8, progress=False)
    file = file.rename(file.with_name("cat.3.png"))  # the order stays
    ((path, reason),) = load_folder(folder, 8, progress=False).skipped
    assert path.name == "cat.3.png"
    assert "cat.3.png" in reason
    file.write_bytes(whole)
    assert len(load_folder(folder, 8).paths) == 6


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"no archive",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:400] + bytes([whole[400] ^ 1]) + whole[401:],
        lambda whole: whole[:-30],
    ],
)
def test_a_damaged_cache_and_one_of_another_pillow_are_built_again(
    folder, decoded, kept, monkeypatch, damage
):
    first = load_folder(folder, 16)
    (file,) = kept.rglob("*.npz")
    file.write_bytes(damage(file.read_bytes()))
    assert torch.equal(load_folder(folder, 16).pictures, first.pictures)
    assert len(decoded) == 12
    assert load_folder(folder, 16).paths == first.paths
    assert len(decoded) == 12
    monkeypatch.setattr(photos, "FORMAT", "3 Pillow 0.0.1")
    load_folder(folder, 16)
    assert len(decoded) == 18


def test_nothing_that_runs_code_is_read(folder, kept):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (folder / "sprung",))

    load_folder(folder, 8)
    (file,) = kept.rglob("*.npz")
    with np.load(file) as archive:
        key = archive["key"]
    np.savez(file, key=key, pictures=np.array([Trap()]), reasons=np.array([""] * 6))
    assert len(load_folder(folder, 8).paths) == 6
    assert not (folder / "sprung").exists()


def test_where_pixels_are_kept(folder, decoded, kept, tmp_path, monkeypatch):
    load_folder(folder, 8, cache=False)
    load_folder(folder, 8, cache=tmp_path / "elsewhere")
    load_folder(folder, 8, cache="~/elsewhere")
    assert len(decoded) == 12
    assert not kept.exists()
    monkeypatch.setenv("CNN_BASICS_CACHE", "")
    assert downloading.cache_folder().name == "cnn-basics"
    monkeypatch.delenv("CNN_BASICS_CACHE")
    assert downloading.cache_folder().name == "cnn-basics"


def test_where_nothing_can_be_kept(folder, kept):
    kept.write_text("a file, no folder")
    with pytest.warns(UserWarning, match="could not be kept in .*CNN_BASICS_CACHE names") as w:
        assert len(load_folder(folder, 8).paths) == 6
    assert len(w) == 1


def test_an_interrupted_write_leaves_the_old_one(folder, kept, monkeypatch):
    def torn(target, **arrays):
        Path(target).write_bytes(b"PK half")
        raise KeyboardInterrupt

    load_folder(folder, 8)
    before = [path.read_bytes() for path in kept.rglob("*.npz")]
    save(folder / "dogs" / "dog.3.png", 9)
    monkeypatch.setattr(np, "savez", torn)
    with pytest.raises(KeyboardInterrupt):
        load_folder(folder, 8)
    assert [path.read_bytes() for path in kept.rglob("*") if path.is_file()] == before
