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

from cnn_basics.datasets import BUNDLED, Photos, downloading, load_folder, photos
from cnn_basics.images import read_image, resize

CLASSES = ("cats", "dogs")


def save(path, number, size=(40, 30), **options):
    """A photo-like picture: smooth, with colours that name it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.stack([rows * 4, columns * 3, np.full_like(rows, number * 20)], axis=-1)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, **options)
    return path


def fill(root, numbers=(1, 2, 10), classes=CLASSES, suffix=".png"):
    for label, name in enumerate(classes):
        for number in numbers:
            save(root / name / f"{name[:-1]}.{number}{suffix}", number + label)
    return root


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """Whatever these tests keep lies here, not in the user's cache."""
    monkeypatch.setenv("CNN_BASICS_CACHE", str(tmp_path / "kept"))
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


class TestLoading:
    def test_shapes_order_and_names(self, folder):
        loaded = load_folder(folder, 8)
        pictures, labels, names = loaded
        assert (pictures.shape, pictures.dtype) == ((6, 3, 8, 8), torch.uint8)
        assert pictures.is_contiguous()
        assert (labels.tolist(), labels.dtype) == ([0, 0, 0, 1, 1, 1], torch.int64)
        assert names == loaded.class_names == CLASSES
        assert [path.name for path in loaded.paths[:3]] == ["cat.1.png", "cat.2.png", "cat.10.png"]
        assert pictures[:, 2, 0, 0].tolist() == [20, 40, 200, 40, 60, 220]
        for picture, path in zip(pictures, loaded.paths, strict=True):
            long_way = resize(read_image(path), 8)
            np.testing.assert_array_equal(picture.permute(1, 2, 0), long_way)
        assert loaded.skipped == ()
        assert repr(loaded) == "6 pictures of 8×8 pixels: 3 cats, 3 dogs"

    @pytest.mark.parametrize("size", [7, 28, 60])
    def test_a_large_jpeg_shrinks_while_it_is_decoded(self, tmp_path, size):
        for name in CLASSES:
            save(tmp_path / name / "a.jpg", 5, size=(640, 480), quality=95)
        expected = resize(read_image(tmp_path / "cats/a.jpg"), size).astype(int)
        pixels = load_folder(tmp_path, size, cache=False).pictures[0].permute(1, 2, 0).numpy()
        assert 0 < np.abs(pixels - expected).max() <= 3
        shrunk = read_image(tmp_path / "cats/a.jpg", at_least=2 * size)
        assert 2 * size <= min(shrunk.shape[:2]) < 480
        np.testing.assert_array_equal(pixels, resize(shrunk, size))

    def test_too_many_pixels(self, folder, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        with pytest.raises(ValueError, match=r"cat\.1\.png has too many pixels, .* most 1,000"):
            load_folder(folder, 8)

    @pytest.mark.parametrize("limit", [1, np.int8(2), 99])
    def test_limit_counts_each_class(self, folder, limit, decoded):
        loaded = load_folder(folder, 8, limit=limit)
        assert loaded.labels.bincount().tolist() == [min(limit, 3)] * 2
        assert len(decoded) == 2 * min(limit, 3)

    def test_many_classes(self, tmp_path):
        names = ("ant", "bee", "cow", "__new", "Dog", "élan")
        assert load_folder(fill(tmp_path / "zoo", classes=names), 4).class_names == (
            "Dog", "__new", "ant", "bee", "cow", "élan",
        )  # fmt: skip

    def test_home_and_here(self, folder, monkeypatch):
        monkeypatch.setenv("HOME", str(folder.parent))
        monkeypatch.setenv("USERPROFILE", str(folder.parent))
        assert len(load_folder("~/photos", np.int64(4)).labels) == 6
        monkeypatch.chdir(folder)
        assert len(load_folder(".", 4).labels) == 6

    def test_the_bundled_pictures(self):
        loaded = load_folder(BUNDLED, 28, split="test_set")
        assert loaded.labels.bincount().tolist() == [300, 300]

    def test_a_bar_only_where_it_takes_long(self, folder, capsys, monkeypatch):
        load_folder(folder, 8, cache=False)
        assert capsys.readouterr() == ("", "")

        def slow(path, at_least):
            time.sleep(1.1)
            return read_image(path, at_least)

        monkeypatch.setattr(photos, "read_image", slow)
        load_folder(folder, 8, cache=False, limit=1)
        assert "reading photos: 100%" in capsys.readouterr().err
        load_folder(folder, 8, cache=False, limit=1, progress=False)
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize("name", ["size", "limit"])
    def test_wrong_numbers(self, folder, name):
        for wrong, error in [(0, ValueError), (2.0, TypeError), ("28", TypeError)]:
            with pytest.raises(error, match=f"expected {name} as a whole number from 1, got"):
                load_folder(folder, **{"size": 8, name: wrong})

    def test_photos_unpack_as_three(self):
        pictures = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
        loaded = Photos(pictures, torch.tensor([0, 1]), CLASSES, (Path("a"), Path("b")))
        a, b, c = loaded
        assert (a is pictures, b.tolist(), c) == (True, [0, 1], CLASSES)
        with pytest.raises(AttributeError):
            loaded.labels = None

    def test_import_is_light(self):
        """What only some loaders need is not paid by all (torch itself imports tqdm)."""
        code = "import sys, torch; before = set(sys.modules); import cnn_basics.datasets; "
        code += "print(*set(sys.modules) - before)"
        call = [sys.executable, "-c", code]
        done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120)
        roots = {name.partition(".")[0] for name in done.stdout.split()}
        heavy = {"pooch", "requests", "tqdm", "sklearn", "matplotlib", "ipywidgets", "imageio"}
        assert "PIL" in roots
        assert roots & heavy == set()


class TestLayouts:
    @pytest.mark.parametrize(
        ("inside", "split"),
        [
            (".", None),
            ("PetImages", None),
            ("train", "train"),
            ("train", None),
            ("train/train", "train"),
            ("train/train", None),
            ("train/PetImages", "train"),
        ],
    )
    def test_found(self, tmp_path, inside, split):
        fill(tmp_path / "photos" / inside)
        (tmp_path / "photos" / "readme.txt").touch()
        assert len(load_folder(tmp_path / "photos", 4, split=split).labels) == 6

    @pytest.mark.parametrize("twice", [False, True])
    def test_one_split_of_two(self, tmp_path, twice):
        for split, numbers in [("test_set", [1]), ("training_set", [2, 3])]:
            fill(tmp_path / "p" / split / (split if twice else "."), numbers)
        assert len(load_folder(tmp_path / "p", 4, split="test_set").labels) == 2
        assert len(load_folder(tmp_path / "p", 4, split="training_set").labels) == 4
        assert len(load_folder(tmp_path / "p" / "training_set", 4).labels) == 4
        with pytest.raises(ValueError, match='the split, split="test_set" or split="training_set"'):
            load_folder(tmp_path / "p", 4)
        with pytest.raises(ValueError, match='got \'train\': there are "test_set", "training_set"'):
            load_folder(tmp_path / "p", 4, split="train")

    def test_what_systems_leave_behind_is_no_class_and_is_counted(self, folder):
        for name in (".git", "__MACOSX", ".ipynb_checkpoints"):
            save(folder / name / "a.png", 1)
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._cat.1.png"):
            (folder / "cats" / name).touch()
        (folder / "cats" / "cat.2.png").rename(folder / "cats" / "__cat.2.png")  # one's own
        loaded = load_folder(folder, 4, strict=True)
        assert (loaded.class_names, len(loaded.paths), loaded.hidden) == (CLASSES, 6, 7)
        assert repr(loaded).endswith("3 dogs; 7 files of the system left out")

    def test_no_folder_of_classes(self, tmp_path):
        (tmp_path / "a.zip").touch()
        with pytest.raises(FileNotFoundError, match=r"gone does not exist, .* check its name"):
            load_folder(tmp_path / "gone", 4)
        with pytest.raises(ValueError, match=r"the file .*a\.zip: unpack it"):
            load_folder(tmp_path / "a.zip", 4)
        with pytest.raises(FileNotFoundError, match=r"got no pictures in .* check the name"):
            load_folder(tmp_path, 4)
        save(tmp_path / "a.png", 1)
        with pytest.raises(ValueError, match=r"got pictures but no folders in .* into a folder"):
            load_folder(tmp_path, 4)
        with pytest.raises(ValueError, match="at least two classes, got only cats in"):
            load_folder(fill(tmp_path, classes=("cats",)), 4)

    def test_an_odd_class(self, folder):
        (folder / "mice").mkdir()
        with pytest.raises(FileNotFoundError, match=r"got none in .*mice: .* remove the folder"):
            load_folder(folder, 4)
        (folder / "mice" / "mice").symlink_to(folder / "mice")  # in a circle
        with pytest.raises(ValueError, match="folders inside folders"):
            load_folder(folder, 4)
        (folder / "mice" / "mice").unlink()
        save(folder / "mice" / "2024" / "mouse.1.png", 1)
        with pytest.raises(ValueError, match=r"folders inside folders .* pictures one level up"):
            load_folder(folder, 4)


BROKEN = {
    "empty": (b"", "is empty"),
    "text": (b"no picture", "is not a picture in a format"),
    "cut off": (None, "is damaged or cut off"),
}


class TestBrokenFiles:
    @pytest.fixture
    def broken(self, tmp_path):
        root = fill(tmp_path / "photos", numbers=range(1, 8), suffix=".jpg")
        for number, (content, _) in enumerate(BROKEN.values(), 2):
            path = root / "dogs" / f"dog.{number}.jpg"
            path.write_bytes(path.read_bytes()[:400] if content is None else content)
        (root / "cats" / "notes.txt").touch()
        (root / "cats" / "2024").mkdir()
        (root / "cats" / "gone.jpg").symlink_to(root / "nowhere.jpg")
        return root

    def test_skipped_with_names_and_reasons(self, broken, capsys):
        for _ in range(2):  # decoded, then kept
            loaded = load_folder(broken, 8)
            assert loaded.labels.bincount().tolist() == [7, 4]
            assert len(loaded.pictures) == len(loaded.paths) == 11
            assert [path.name for path in loaded.paths[7:]] == [
                "dog.1.jpg", "dog.5.jpg", "dog.6.jpg", "dog.7.jpg",
            ]  # fmt: skip
            blues = loaded.pictures[7:, 2, 4, 4].tolist()
            assert blues == pytest.approx([40, 120, 140, 160], abs=3)
            reasons = {skipped.path.name: skipped.reason for skipped in loaded.skipped}
            assert list(reasons) == [
                "2024", "gone.jpg", "notes.txt", "dog.2.jpg", "dog.3.jpg", "dog.4.jpg",
            ]  # fmt: skip
            assert "is a folder inside a class" in reasons["2024"]
            assert "gone.jpg is no file whose name ends in .png, .jpg" in reasons["gone.jpg"]
            assert "save it as JPEG or PNG" in reasons["notes.txt"]
            for name, (_, reason) in zip(list(reasons)[3:], BROKEN.values(), strict=True):
                assert reason in reasons[name]
            assert capsys.readouterr().out == (
                "Skipped 6 files: cats/2024, cats/gone.jpg, cats/notes.txt, dogs/dog.2.jpg, "
                "dogs/dog.3.jpg, … (.skipped says why).\n"
            )
        assert repr(loaded) == "11 pictures of 8×8 pixels: 7 cats, 4 dogs; 6 files skipped"

    def test_refused_if_strict_and_quiet_if_asked(self, broken, capsys):
        for _ in range(2):
            with pytest.raises(ValueError, match=r"2024 is a folder inside .* \(and 5 more\)$"):
                load_folder(broken, 8, strict=True)
            assert len(load_folder(broken, 8, progress=False).skipped) == 6
        assert capsys.readouterr() == ("", "")

    def test_a_file_that_may_not_be_read(self, folder, monkeypatch):
        read = Path.read_bytes

        def refuse(path):
            if path.name == "cat.2.png":
                raise PermissionError(13, "Permission denied", str(path))
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", refuse)
        ((path, reason),) = load_folder(folder, 8, progress=False).skipped
        assert (path.name, "Permission denied" in reason) == ("cat.2.png", True)

    def test_a_class_without_a_readable_file(self, folder):
        for path in (folder / "dogs").iterdir():
            path.write_bytes(b"no picture")
        with pytest.raises(ValueError, match=r"of dogs, got none in 3 files .*dog\.1\.png is not"):
            load_folder(folder, 8)


class TestKept:
    def test_decoded_once(self, folder, decoded, kept):
        before = sorted(folder.rglob("*"))
        first = load_folder(folder, 8)
        assert len(decoded) == 6
        second = load_folder(folder, 8)
        assert len(decoded) == 6
        assert torch.equal(first.pictures, second.pictures)
        assert torch.equal(first.labels, second.labels)
        assert first.paths == second.paths
        assert [path.suffix for path in kept.rglob("*.*")] == [".npz"]
        assert sorted(folder.rglob("*")) == before  # nothing beside the photos
        second.pictures[:] = 0  # its own copy, in memory
        assert torch.equal(load_folder(folder, 8).pictures, first.pictures)

    def test_a_long_name(self, tmp_path, decoded):
        folder = fill(tmp_path / ("猫" * 80))  # 240 bytes, about as long as a name may be
        assert torch.equal(load_folder(folder, 8).pictures, load_folder(folder, 8).pictures)
        assert len(decoded) == 6

    def test_another_size_split_limit_or_folder_is_kept_apart(self, tmp_path, decoded):
        for split in ("test", "train"):
            fill(tmp_path / "photos" / split, [1, 2] if split == "test" else [3, 4])
        calls = [
            {"size": size, "split": split, "limit": limit}
            for size in (4, 5)
            for split in ("test", "train")
            for limit in (None, 1)
        ]
        first = [load_folder(tmp_path / "photos", **call).pictures for call in calls]
        count = len(decoded)
        second = [load_folder(tmp_path / "photos", **call).pictures for call in calls]
        assert len(decoded) == count
        assert all(map(torch.equal, first, second))

    @pytest.mark.parametrize("change", ["content", "added", "removed", "renamed", "moved"])
    def test_changes_are_noticed(self, folder, decoded, kept, change):
        before = load_folder(folder, 8)
        file = folder / "cats" / "cat.2.png"
        times = os.stat(file)
        if change == "content":
            other = folder / "dogs" / "dog.10.png"
            file.write_bytes(other.read_bytes())
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        elif change == "added":
            save(folder / "dogs" / "dog.3.png", 9)
        elif change == "removed":
            file.unlink()
        elif change == "renamed":
            file.rename(file.with_name("cat.11.png"))
        else:
            file.rename(folder / "dogs" / file.name)
        after, fresh = load_folder(folder, 8), load_folder(folder, 8, cache=False)
        assert torch.equal(after.pictures, fresh.pictures)
        assert torch.equal(after.labels, fresh.labels)
        assert after.paths == fresh.paths
        assert (after.paths, after.pictures.tolist()) != (before.paths, before.pictures.tolist())
        assert len(list(kept.rglob("*.npz"))) == 1  # the old pixels are gone

    def test_a_broken_file_that_is_renamed_or_mended(self, folder):
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
    def test_broken_is_built_again(self, folder, decoded, kept, damage):
        first = load_folder(folder, 16)
        (file,) = kept.rglob("*.npz")
        file.write_bytes(damage(file.read_bytes()))
        assert torch.equal(load_folder(folder, 16).pictures, first.pictures)
        assert len(decoded) == 12
        assert load_folder(folder, 16).paths == first.paths
        assert len(decoded) == 12

    def test_nothing_that_runs_code_is_read(self, folder, kept):
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

    def test_another_pillow_decodes_again(self, folder, decoded, monkeypatch):
        load_folder(folder, 8)
        monkeypatch.setattr(photos, "FORMAT", "2 Pillow 0.0.1")
        load_folder(folder, 8)
        assert len(decoded) == 12

    def test_a_folder_of_ones_own_or_none(self, folder, decoded, kept, tmp_path, monkeypatch):
        load_folder(folder, 8, cache=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        load_folder(folder, 8, cache=tmp_path / "elsewhere")
        load_folder(folder, 8, cache="~/elsewhere")
        assert len(decoded) == 12
        assert not kept.exists()

    def test_without_the_variable_the_users_own(self, monkeypatch):
        monkeypatch.delenv("CNN_BASICS_CACHE")
        assert downloading.cache_folder().name == "cnn-basics"
        monkeypatch.setenv("CNN_BASICS_CACHE", "")
        assert downloading.cache_folder().name == "cnn-basics"

    def test_where_nothing_can_be_kept(self, folder, kept):
        kept.write_text("a file, no folder")
        with pytest.warns(UserWarning, match="could not be kept in .*CNN_BASICS_CACHE names") as w:
            loaded = load_folder(folder, 8)
        assert len(w) == 1
        assert len(loaded.paths) == 6

    def test_an_interrupted_write_leaves_the_old_one(self, folder, kept, monkeypatch):
        load_folder(folder, 8)
        before = [path.read_bytes() for path in kept.rglob("*.npz")]

        def torn(target, **arrays):
            Path(target).write_bytes(b"PK half")
            raise KeyboardInterrupt

        save(folder / "dogs" / "dog.3.png", 9)
        with monkeypatch.context() as patch:
            patch.setattr(np, "savez", torn)
            with pytest.raises(KeyboardInterrupt):
                load_folder(folder, 8)
        assert [path.read_bytes() for path in kept.rglob("*") if path.is_file()] == before
