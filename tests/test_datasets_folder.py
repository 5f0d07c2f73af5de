"""Folders of photos: layouts, broken files, what is refused, and the pixels kept on disk."""

import os
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cnn_basics.datasets import downloading, load_folder, photos
from cnn_basics.images import read_image, resize

CLASSES = ("cats", "dogs")
PETS = {f"{name}s/{name}.{n}.png": n for name in ("cat", "dog") for n in (1, 2, 10)}


def build(root, files):
    """A folder from a dict: a number is a photo that it names, None a folder, bytes are bytes."""
    for name, content in files.items():
        path = root / name
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is not None:
            rows, columns = np.mgrid[0:30, 0:40].astype(np.uint8)
            Image.fromarray(
                np.dstack([rows * 4, columns * 3, np.full_like(rows, content * 20)])
            ).save(path)
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
    return build(tmp_path / "photos", PETS)


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
    root = build(tmp_path / "jpegs", {"a/1.jpg": 5, "b/1.jpg": 5})
    with Image.open(root / "a/1.jpg") as small:
        small.resize((640, 480)).save(root / "a/1.jpg", quality=95)
    expected = resize(read_image(root / "a/1.jpg"), size).astype(int)
    pixels = load_folder(root, size, cache=False).pictures[0].permute(1, 2, 0).numpy()
    assert 0 < np.abs(pixels - expected).max() <= 3
    shrunk = read_image(root / "a/1.jpg", at_least=2 * size)
    assert 2 * size <= min(shrunk.shape[:2]) < 480
    np.testing.assert_array_equal(pixels, resize(shrunk, size))


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


def test_import_and_loaders_are_light_and_plots_do_without_pyplot():
    """What only some loaders need is not paid by all (torch itself imports tqdm)."""
    code = "import sys, torch; before = set(sys.modules); from cnn_basics import datasets; "
    code += "datasets.load_sample_image('china.jpg'); datasets.load_digits('test_set'); "
    code += "print(*set(sys.modules) - before); import cnn_basics.plots; "
    code += "print('matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120)
    of_loaders, of_plots = done.stdout.splitlines()
    roots = {name.partition(".")[0] for name in of_loaders.split()}
    assert "PIL" in roots
    assert roots & {"requests", "tqdm", "sklearn", "matplotlib", "ipywidgets", "imageio"} == set()
    assert of_plots == "True False"


LAYOUTS = [  # where the classes lie, and which options load how many of their pictures
    *[(inside, {}, 6) for inside in (".", "PetImages", "train", "train/train")],
    *[(inside, {"split": "train"}, 6) for inside in ("train", "train/train", "train/PetImages")],
    *[(".", {"limit": limit}, count) for limit, count in [(1, 2), (np.int8(2), 4), (99, 6)]],
]


@pytest.mark.parametrize(("inside", "options", "count"), LAYOUTS)
def test_layouts(tmp_path, decoded, inside, options, count):
    build(tmp_path / "photos" / inside, PETS)
    (tmp_path / "photos" / "readme.txt").touch()
    assert len(load_folder("~/photos", np.int64(4), **options).labels) == count
    assert len(decoded) == count


def test_many_classes_and_a_path_from_here(tmp_path, monkeypatch):
    names = ("Dog", "__new", "ant", "élan")
    root = build(tmp_path / "zoo", {f"{name}/{n}.JPG": n for name in names for n in range(3)})
    (root / "ant/0.JPG").rename(root / "ant/0.jfif")
    monkeypatch.chdir(root)
    loaded = load_folder(".", 4)
    assert (loaded.class_names, len(loaded.labels)) == (names, 12)


@pytest.mark.parametrize("twice", [False, True])
def test_one_split_of_two(tmp_path, twice):
    for split, some in [("test_set", [*PETS][::3]), ("training_set", [*PETS])]:
        build(tmp_path / "p" / split / (split if twice else "."), dict.fromkeys(some, 1))
    for path, split, count in [("p", "test_set", 2), ("p/training_set", None, 6)]:
        assert len(load_folder(tmp_path / path, 4, split=split).labels) == count
    with pytest.raises(ValueError, match='the split, split="test_set" or split="training_set"'):
        load_folder(tmp_path / "p", 4)
    with pytest.raises(ValueError, match='got \'train\': there are "test_set", "training_set"'):
        load_folder(tmp_path / "p", 4, split="train")


def test_what_systems_leave_behind_is_no_class_and_is_counted(folder):
    for name in (".git", "__MACOSX", ".ipynb_checkpoints"):
        build(folder, {f"{name}/a.png": 1})
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._cat.1.png"):
        (folder / "cats" / name).touch()
    (folder / "cats" / "cat.2.png").rename(folder / "cats" / "__cat.2.png")  # one's own
    loaded = load_folder(folder, 4, strict=True)
    assert (loaded.class_names, len(loaded.paths), loaded.hidden) == (CLASSES, 6, 7)
    assert repr(loaded).endswith("3 dogs; left out, of the system: 7")


ONE_CLASS = {name: 1 for name in PETS if name.startswith("cats")}
REFUSED = [
    (None, {}, "got nothing at .*photos: check its name"),
    (b"", {}, "got the file .*photos: unpack it"),
    ({"x": None}, {}, "in one folder for each class, .* got 0 in x of .*photos"),
    ({"a.png": 1}, {}, "got 1 beside the folders of .*: give each class a folder"),
    (ONE_CLASS | {"a.png": 1}, {}, "two classes or more, got 3 in cats, 1 beside the folders"),
    (PETS | {"mice": None}, {}, "in dogs, 0 in mice of .*, or remove it"),
    (PETS | {"mice/2024/mouse.1.png": 1}, {}, "folders inside folders .* pictures one level up"),
    ("circle", {}, "got folders inside folders"),
    (dict.fromkeys(PETS, b"no"), {}, r"of cats, got none in 3 files .*cat\.1\.png is not"),
    (PETS, {"size": 0}, "expected size as a whole number from 1, got 0"),
    (PETS, {"size": "4"}, "expected size as a whole number from 1, got '4'"),
    (PETS, {"limit": 2.0}, r"expected limit as a whole number from 1, got 2\.0"),
]


@pytest.mark.parametrize(("files", "options", "sentence"), REFUSED)
def test_what_is_refused(tmp_path, files, options, sentence):
    root = tmp_path / "photos"
    if isinstance(files, dict):
        build(root, files)
    if files == b"":
        root.touch()
    if files == "circle":
        build(root, PETS | {"mice": None})
        (root / "mice/mice").symlink_to(root / "mice")
    with pytest.raises((FileNotFoundError, ValueError, TypeError), match=sentence):
        load_folder(root, **{"size": 4} | options)


REASONS = {
    "2024": "move the pictures of a folder one level up",
    "cat.8.heic": "run pip install pillow-heif",
    "gone.jpg": "is no picture by its name (expected .png, .jpg, .jpeg, .jfif",
    "notes.txt": "save it as JPEG or PNG",
    "dog.2.jpg": "is empty",
    "dog.3.jpg": "is not a picture in a format",
    "dog.4.jpg": "is damaged or cut off",
}


def test_broken_files_are_skipped_with_names_and_reasons(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    root = build(
        tmp_path / "photos",
        {f"{name}s/{name}.{n}.jpg": n for name in ("cat", "dog") for n in range(1, 8)}
        | {"dogs/dog.2.jpg": b"", "dogs/dog.3.jpg": b"no picture"}
        | {"cats/notes.txt": b"", "cats/2024": None}
        | {"cats/cat.8.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"},
    )
    (root / "dogs/dog.4.jpg").write_bytes((root / "dogs/dog.1.jpg").read_bytes()[:400])
    (root / "cats" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    for _ in range(2):  # decoded, then kept
        capsys.readouterr()
        loaded = load_folder(root, 8)
        assert loaded.labels.bincount().tolist() == [7, 4]
        assert len(loaded.pictures) == len(loaded.paths) == 11
        names = [path.name for path in loaded.paths[7:]]
        assert names == ["dog.1.jpg", "dog.5.jpg", "dog.6.jpg", "dog.7.jpg"]
        assert loaded.pictures[7:, 2, 4, 4].tolist() == pytest.approx([20, 100, 120, 140], abs=3)
        assert {path.name for path in loaded.skipped} == set(REASONS)
        for path, reason in loaded.skipped.items():
            assert reason.startswith(str(path))
            assert REASONS[path.name] in reason
        said = capsys.readouterr().out
        assert said.startswith("Skipped (.skipped says why): cats/2024, cats/gone.jpg, cats/notes")
        assert said.endswith(", …\n")
        assert repr(loaded) == "11 pictures of 8×8 pixels: 7 cats, 4 dogs; skipped: 7"
    with pytest.raises(ValueError, match=r"2024 is no picture by its name"):
        load_folder(root, 8, strict=True)
    assert len(load_folder(root, 8, progress=False).skipped) == 7
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="others have no such names")
def test_names_that_are_no_utf_8_can_be_printed(tmp_path, capfd):
    root = build(tmp_path / "photos", {"ch\udce2ts/1.png": 1, "d/1.png": 1, "d/caf\udce9.png": b""})
    for _ in range(2):
        loaded = load_folder(root, 4)
        assert loaded.class_names == (r"ch\xe2ts", "d")
        assert loaded.paths[0] == root / "ch\udce2ts/1.png"
        assert capfd.readouterr().out.endswith("d/caf\\xe9.png\n")
        assert f"{loaded}{loaded.skipped.values()}".isprintable()


def test_a_file_that_may_not_be_read(folder, monkeypatch):
    read = Path.read_bytes

    def refuse(path):
        if path.name == "cat.2.png":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    ((path, reason),) = load_folder(folder, 8, progress=False).skipped.items()
    assert (path.name, "Permission denied" in reason) == ("cat.2.png", True)
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
    for number, split in enumerate(["test", "train", "猫" * 80]):
        build(root / split, {name: n + number for name, n in PETS.items()})
    values = product((4, 5), ("test", "train", "猫" * 80), (None, 1))
    calls = [dict(zip(("size", "split", "limit"), each, strict=True)) for each in values]
    first = [load_folder(root, **call).pictures for call in calls]
    count = len(decoded)
    second = [load_folder(root, **call).pictures for call in calls]
    assert len(decoded) == count
    assert all(map(torch.equal, first, second))


CAT = "cats/cat.2.png"
CHANGES = {
    "content": lambda root: (root / CAT).write_bytes((root / "dogs/dog.10.png").read_bytes()),
    "added": lambda root: build(root, {"dogs/dog.3.png": 9}),
    "removed": lambda root: (root / CAT).unlink(),
    "renamed": lambda root: (root / CAT).rename(root / "cats/cat.11.png"),
    "renamed in its place": lambda root: (root / CAT).rename(root / "cats/cat.3.png"),
    "moved": lambda root: (root / CAT).rename(root / "dogs/cat.2.png"),
    "broken": lambda root: (root / CAT).write_bytes(b""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_noticed(folder, kept, change):
    before = load_folder(folder, 8)
    times = os.stat(folder / CAT)
    CHANGES[change](folder)
    if (folder / CAT).exists():
        os.utime(folder / CAT, ns=(times.st_atime_ns, times.st_mtime_ns))
    for _ in range(2):
        after = load_folder(folder, 8, progress=False)
        fresh = load_folder(folder, 8, cache=False, progress=False)
        assert torch.equal(after.pictures, fresh.pictures)
        assert torch.equal(after.labels, fresh.labels)
        assert (after.paths, after.skipped) == (fresh.paths, fresh.skipped)
        assert (after.paths, after.pictures.tolist()) != (before.paths, before.pictures.tolist())
    assert len(list(kept.rglob("*.npz"))) == 1  # the old pixels are gone


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path(os.environ["CNN_BASICS_CACHE"], "sprung"),))


def trapped(file):
    with np.load(file) as archive:
        key = archive["key"]
    np.savez(file, key=key, pictures=np.array([Trap()]), reasons=np.array([""] * 6))
    return file.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: b"",
        lambda file: b"no archive",
        lambda file: file.read_bytes()[:-30],
        lambda file: file.read_bytes()[:300],
        lambda file: file.read_bytes()[:400] + b"\xff" + file.read_bytes()[401:],
        trapped,
    ],
)
def test_a_damaged_cache_and_one_of_another_pillow_are_built_again(
    folder, decoded, kept, monkeypatch, damage
):
    first = load_folder(folder, 16)
    (file,) = kept.rglob("*.npz")
    file.write_bytes(damage(file))
    for _ in range(2):
        assert torch.equal(load_folder(folder, 16).pictures, first.pictures)
        assert len(decoded) == 12
    assert not (kept / "sprung").exists()
    monkeypatch.setattr(photos, "FORMAT", "3 Pillow 0.0.1")
    load_folder(folder, 16)
    assert len(decoded) == 18


def test_where_pixels_are_kept_and_where_they_cannot_be(folder, decoded, kept, monkeypatch):
    load_folder(folder, 8, cache=False)
    assert not kept.exists()
    monkeypatch.setenv("CNN_BASICS_CACHE", "~/elsewhere")
    assert downloading.cache_folder() == kept.with_name("elsewhere")
    monkeypatch.setenv("CNN_BASICS_CACHE", "")
    assert downloading.cache_folder().name == "cnn-basics"
    monkeypatch.setenv("CNN_BASICS_CACHE", str(kept))
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
    build(folder, {"dogs/dog.3.png": 9})
    monkeypatch.setattr(np, "savez", torn)
    with pytest.raises(KeyboardInterrupt):
        load_folder(folder, 8)
    assert [path.read_bytes() for path in kept.rglob("*") if path.is_file()] == before
