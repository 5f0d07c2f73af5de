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

from cnn_basics.datasets import BUNDLED, Photos, cache, decoding, folders, load_folder
from cnn_basics.datasets.decoding import in_threads, read_square
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
def photos(tmp_path):
    return fill(tmp_path / "photos")


@pytest.fixture
def decoded(monkeypatch):
    """The files that were decoded, in the order they were."""
    names = []

    def read(path, size):
        names.append(Path(path).name)
        return read_square(path, size)

    monkeypatch.setattr(folders, "read_square", read)
    return names


class TestReadSquare:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
    @pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".gif", ".webp"])
    def test_the_pixels_are_those_of_the_long_way(self, tmp_path, mode, suffix):
        noise = np.random.default_rng(0).integers(0, 256, (23, 37, 3), dtype=np.uint8)
        picture = Image.fromarray(noise)
        picture = Image.new("I;16", (37, 23), 777) if mode == "I;16" else picture.convert(mode)
        path = tmp_path / f"a{suffix}"
        try:
            picture.save(path)
        except (OSError, KeyError, ValueError):
            picture.convert("RGB").save(path)  # the format has no such mode
        np.testing.assert_array_equal(read_square(path, 12), resize(read_image(path), 12))

    @pytest.mark.parametrize("size", [7, 28, 60])
    def test_a_large_jpeg_shrinks_while_it_is_decoded(self, tmp_path, monkeypatch, size):
        path = save(tmp_path / "a.jpg", 5, size=(640, 480), quality=95)
        expected = resize(read_image(path), size).astype(int)
        shrunk = []
        load = Image.Image.resize
        monkeypatch.setattr(
            Image.Image, "resize", lambda i, *a, **k: (shrunk.append(i.size), load(i, *a, **k))[1]
        )
        pixels = read_square(path, size)
        assert shrunk[0] < (640, 480)
        assert min(shrunk[0]) >= 2 * size
        assert np.abs(pixels - expected).max() <= 3

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("suffix", [".jpg", ".png"])
    def test_the_right_way_up(self, tmp_path, orientation, suffix):
        exif = Image.Exif()
        exif[0x0112] = orientation
        path = save(tmp_path / f"a{suffix}", 5, size=(64, 48), exif=exif)
        difference = read_square(path, 20).astype(int) - resize(read_image(path), 20)
        assert np.abs(difference).max() <= 1  # rounded after columns, then rows, or the reverse
        upright = np.abs(read_square(path, 20).astype(int) - read_square_unturned(path)).max()
        assert (upright <= 1) == (orientation == 1)

    def test_the_first_picture_of_an_animated_png(self, tmp_path):
        frames = [Image.new("RGB", (9, 9), (value, 0, 0)) for value in (10, 200)]
        frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
        assert read_square(tmp_path / "a.png", 4)[0, 0].tolist() == [10, 0, 0]

    def test_too_many_pixels(self, tmp_path, monkeypatch):
        path = save(tmp_path / "a.jpg", 1, size=(40, 40))
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        with pytest.raises(ValueError, match=r"a\.jpg has too many pixels, expected at most 1,000"):
            read_square(path, 8)


def read_square_unturned(path):
    with Image.open(path) as image:
        return resize(np.asarray(image.convert("RGB")), 20).astype(int)


class TestInThreads:
    def test_in_order_even_if_the_last_is_first(self):
        def wait(number):
            time.sleep(0.02 if number % 3 == 0 else 0)
            return number

        assert list(in_threads(wait, range(200))) == list(range(200))

    def test_few_wait(self, monkeypatch):
        monkeypatch.setattr(decoding, "IN_FLIGHT", 4)
        called = []
        results = in_threads(called.append, range(100))
        next(results)
        time.sleep(0.1)  # the threads have nothing more to do
        assert len(called) == 5
        results.close()

    def test_an_error_comes_through(self):
        with pytest.raises(ZeroDivisionError):
            list(in_threads(lambda number: 1 // number, [2, 1, 0, 1]))


class TestLoading:
    def test_shapes_order_and_names(self, photos):
        loaded = load_folder(photos, 8)
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

    def test_what_it_says_of_itself(self, photos):
        assert repr(load_folder(photos, 8)) == "6 pictures of 8×8 pixels: 3 cats, 3 dogs"
        (photos / "cats/cat.2.png").write_bytes(b"")
        loaded = load_folder(photos, 8, progress=False)
        assert repr(loaded) == "5 pictures of 8×8 pixels: 2 cats, 3 dogs; 1 file skipped"

    @pytest.mark.parametrize("limit", [1, 2, 99])
    def test_limit_counts_each_class(self, photos, limit, decoded):
        loaded = load_folder(photos, 8, limit=limit)
        assert loaded.labels.bincount().tolist() == [min(limit, 3)] * 2
        assert len(decoded) == 2 * min(limit, 3)

    def test_many_classes(self, tmp_path):
        names = ("ant", "bee", "cow", "Dog", "élan")
        assert load_folder(fill(tmp_path / "zoo", classes=names), 4).class_names == (
            "Dog", "ant", "bee", "cow", "élan",
        )  # fmt: skip

    def test_home_and_text(self, photos, monkeypatch):
        monkeypatch.setenv("HOME", str(photos.parent))
        monkeypatch.setenv("USERPROFILE", str(photos.parent))
        assert len(load_folder("~/photos", 4).labels) == 6

    def test_the_bundled_pictures(self):
        loaded = load_folder(BUNDLED, 28, split="test_set")
        assert loaded.labels.bincount().tolist() == [300, 300]

    def test_a_bar_only_where_it_takes_long(self, photos, capsys, monkeypatch):
        load_folder(photos, 8, cache=False)
        assert capsys.readouterr() == ("", "")

        def slow(path, size):
            time.sleep(1.1)
            return read_square(path, size)

        monkeypatch.setattr(folders, "read_square", slow)
        load_folder(photos, 8, cache=False, limit=1)
        assert "reading photos: 100%" in capsys.readouterr().err
        load_folder(photos, 8, cache=False, limit=1, progress=False)
        assert capsys.readouterr() == ("", "")

    def test_wrong_arguments(self, photos):
        for name in ("size", "limit"):
            with pytest.raises(ValueError, match=f"expected {name} of at least 1, got 0"):
                load_folder(photos, **{"size": 8, name: 0})
            for wrong in (2.0, "28", True):
                with pytest.raises(TypeError, match=f"expected {name} as a whole number, got"):
                    load_folder(photos, **{"size": 8, name: wrong})


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

    def test_photos_beside_the_public_folder(self, tmp_path):
        fill(tmp_path / "PetImages")
        (tmp_path / "docs").mkdir()
        assert len(load_folder(tmp_path, 4).labels) == 6

    def test_what_systems_leave_behind_is_no_class(self, photos):
        for name in (".git", "__MACOSX", ".ipynb_checkpoints"):
            save(photos / name / "a.png", 1)
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._cat.1.png"):
            (photos / "cats" / name).touch()
        loaded = load_folder(photos, 4, strict=True)
        assert (loaded.class_names, len(loaded.paths)) == (CLASSES, 6)

    def test_the_folder_one_is_in(self, photos, monkeypatch):
        monkeypatch.chdir(photos)
        assert len(load_folder(".", 4).labels) == 6

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"gone does not exist, .* check its name"):
            load_folder(tmp_path / "gone", 4)

    def test_a_file(self, tmp_path):
        (tmp_path / "a.zip").touch()
        with pytest.raises(ValueError, match=r"a\.zip is a file, expected a folder: unpack it"):
            load_folder(tmp_path / "a.zip", 4)

    def test_no_pictures(self, tmp_path):
        (tmp_path / "a.txt").touch()
        with pytest.raises(FileNotFoundError, match="holds no pictures, expected a folder for"):
            load_folder(tmp_path, 4)

    def test_pictures_without_a_class(self, tmp_path):
        save(tmp_path / "a.png", 1)
        with pytest.raises(ValueError, match=r"holds pictures but no classes, .* into a folder"):
            load_folder(tmp_path, 4)

    def test_an_empty_class(self, photos):
        (photos / "mice").mkdir()
        with pytest.raises(
            FileNotFoundError, match=r"mice holds no pictures, .* remove the folder"
        ):
            load_folder(photos, 4)

    def test_one_class(self, tmp_path):
        with pytest.raises(ValueError, match="one class only, cats, expected at least two: add"):
            load_folder(fill(tmp_path, classes=("cats",)), 4)

    def test_a_folder_too_deep(self, photos):
        save(photos / "mice" / "2024" / "mouse.1.png", 1)
        with pytest.raises(ValueError, match=r"folders inside folders, .* move the pictures one"):
            load_folder(photos, 4)

    def test_a_link_in_a_circle(self, photos):
        (photos / "mice").mkdir()
        (photos / "mice" / "mice").symlink_to(photos / "mice")
        with pytest.raises(ValueError, match="folders inside folders"):
            load_folder(photos, 4)
        (photos / "mice" / "mice").unlink()


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
            assert loaded.pictures[7:, 2, 4, 4].tolist() == pytest.approx(
                [40, 120, 140, 160], abs=3
            )
            reasons = {skipped.path.name: skipped.reason for skipped in loaded.skipped}
            assert list(reasons) == [
                "2024", "gone.jpg", "notes.txt", "dog.2.jpg", "dog.3.jpg", "dog.4.jpg",
            ]  # fmt: skip
            assert "is a folder inside a class" in reasons["2024"]
            assert "is a link to a file that is not there" in reasons["gone.jpg"]
            assert "is no picture by its name" in reasons["notes.txt"]
            for name, (_, reason) in zip(list(reasons)[3:], BROKEN.values(), strict=True):
                assert reason in reasons[name]
            assert capsys.readouterr().out == (
                "Skipped 6 files: cats/2024, cats/gone.jpg, cats/notes.txt, dogs/dog.2.jpg, "
                "dogs/dog.3.jpg and 1 more (.skipped says why).\n"
            )

    def test_quiet(self, broken, capsys):
        assert len(load_folder(broken, 8, progress=False).skipped) == 6
        assert capsys.readouterr() == ("", "")

    @pytest.mark.parametrize("again", [False, True])
    def test_refused(self, broken, again):
        if again:
            load_folder(broken, 8, progress=False)
        with pytest.raises(ValueError, match=r"2024 is a folder inside .* \(and 5 more\)$"):
            load_folder(broken, 8, strict=True)
        with pytest.raises(ValueError, match=r"dog\.2\.jpg is empty .* \(and 1 more\)$"):
            load_folder(trimmed(broken), 8, strict=True, limit=3)

    def test_a_file_that_may_not_be_read(self, photos, monkeypatch):
        def read(path, size):
            if path.name == "cat.2.png":
                raise PermissionError(13, "Permission denied", str(path))
            return read_square(path, size)

        monkeypatch.setattr(folders, "read_square", read)
        loaded = load_folder(photos, 8, progress=False)
        assert [(s.path.name, "Permission denied" in s.reason) for s in loaded.skipped] == [
            ("cat.2.png", True)
        ]

    def test_a_class_without_a_readable_file(self, photos):
        for path in (photos / "dogs").iterdir():
            path.write_bytes(b"no picture")
        with pytest.raises(
            ValueError, match=r"none of the 3 pictures of dogs .*dog\.1\.png is not"
        ):
            load_folder(photos, 8)


def trimmed(root):
    """Only the files that break on decoding are left."""
    for name in ("notes.txt", "gone.jpg"):
        (root / "cats" / name).unlink()
    (root / "cats" / "2024").rmdir()
    return root


class TestKept:
    def test_decoded_once(self, photos, decoded, kept):
        first = load_folder(photos, 8)
        assert len(decoded) == 6
        second = load_folder(photos, 8)
        assert len(decoded) == 6
        assert torch.equal(first.pictures, second.pictures)
        assert torch.equal(first.labels, second.labels)
        assert first.paths == second.paths
        assert [path.suffix for path in kept.rglob("*.*")] == [".npz"]
        second.pictures[:] = 0  # its own copy, in memory
        assert torch.equal(load_folder(photos, 8).pictures, first.pictures)

    def test_not_beside_the_photos(self, photos, kept):
        before = sorted(photos.rglob("*"))
        load_folder(photos, 8)
        assert sorted(photos.rglob("*")) == before
        assert kept.is_dir()

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
    def test_changes_are_noticed(self, photos, decoded, kept, change):
        before = load_folder(photos, 8)
        file = photos / "cats" / "cat.2.png"
        times = os.stat(file)
        if change == "content":
            other = photos / "dogs" / "dog.10.png"
            file.write_bytes(other.read_bytes())
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        elif change == "added":
            save(photos / "dogs" / "dog.3.png", 9)
        elif change == "removed":
            file.unlink()
        elif change == "renamed":
            file.rename(file.with_name("cat.11.png"))
        else:
            file.rename(photos / "dogs" / file.name)
        after, fresh = load_folder(photos, 8), load_folder(photos, 8, cache=False)
        assert torch.equal(after.pictures, fresh.pictures)
        assert torch.equal(after.labels, fresh.labels)
        assert after.paths == fresh.paths
        assert (after.paths, after.pictures.tolist()) != (before.paths, before.pictures.tolist())
        assert len(list(kept.rglob("*.npz"))) == 1  # the old pixels are gone

    def test_a_file_that_is_mended(self, photos):
        whole = (photos / "cats/cat.2.png").read_bytes()
        (photos / "cats/cat.2.png").write_bytes(whole[:50])
        assert len(load_folder(photos, 8, progress=False).paths) == 5
        (photos / "cats/cat.2.png").write_bytes(whole)
        assert len(load_folder(photos, 8).paths) == 6

    def test_a_broken_file_that_is_renamed(self, photos):
        file = photos / "cats/cat.2.png"
        file.write_bytes(b"")
        load_folder(photos, 8, progress=False)
        file.rename(file.with_name("cat.3.png"))  # the order stays
        (skipped,) = load_folder(photos, 8, progress=False).skipped
        assert skipped.path.name == "cat.3.png"
        assert "cat.3.png is empty" in skipped.reason

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
    def test_broken_is_built_again(self, photos, decoded, kept, damage):
        first = load_folder(photos, 16)
        (file,) = kept.rglob("*.npz")
        whole = file.read_bytes()
        file.write_bytes(damage(whole))
        assert torch.equal(load_folder(photos, 16).pictures, first.pictures)
        assert len(decoded) == 12
        assert load_folder(photos, 16).paths == first.paths
        assert len(decoded) == 12

    @pytest.mark.parametrize(
        "change",
        [
            {"pictures": np.zeros((6, 3, 8, 8), dtype=np.float32)},
            {"pictures": np.zeros((5, 3, 8, 8), dtype=np.uint8)},
            {"pictures": np.array([None])},
            {"reasons": np.array([""] * 5)},
            {"more": np.zeros(1)},
            {"reasons": None},
        ],
    )
    def test_what_does_not_fit_is_built_again(self, photos, decoded, kept, change):
        first = load_folder(photos, 8)
        (file,) = kept.rglob("*.npz")
        with np.load(file) as archive:
            arrays = {name: archive[name] for name in archive.files} | change
        np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
        assert torch.equal(load_folder(photos, 8).pictures, first.pictures)
        assert len(decoded) == 12

    def test_nothing_that_runs_code_is_read(self, photos, kept):
        class Trap:
            def __reduce__(self):
                return (Path.touch, (photos / "sprung",))

        load_folder(photos, 8)
        (file,) = kept.rglob("*.npz")
        with np.load(file) as archive:
            key = archive["key"]
        np.savez(file, key=key, pictures=np.array([Trap()]), reasons=np.array([""] * 6))
        assert len(load_folder(photos, 8).paths) == 6
        assert not (photos / "sprung").exists()

    def test_another_pillow_decodes_again(self, photos, decoded, monkeypatch):
        load_folder(photos, 8)
        monkeypatch.setattr(folders, "FORMAT", "1 Pillow 0.0.1")
        load_folder(photos, 8)
        assert len(decoded) == 12

    def test_a_folder_of_ones_own_or_none(self, photos, decoded, kept, tmp_path):
        load_folder(photos, 8, cache=False)
        assert not kept.exists()
        load_folder(photos, 8, cache=tmp_path / "elsewhere")
        assert not kept.exists()
        load_folder(photos, 8, cache=str(tmp_path / "elsewhere"))
        assert len(decoded) == 12

    def test_without_the_variable_the_users_own(self, monkeypatch):
        monkeypatch.delenv("CNN_BASICS_CACHE")
        assert cache.cache_folder().name == "cnn-basics"
        monkeypatch.setenv("CNN_BASICS_CACHE", "")
        assert cache.cache_folder().name == "cnn-basics"

    def test_where_nothing_can_be_kept(self, photos, kept):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("a file, no folder")
        with pytest.warns(UserWarning, match="could not be kept in .*CNN_BASICS_CACHE names") as w:
            loaded = load_folder(photos, 8)
        assert len(w) == 1
        assert len(loaded.paths) == 6

    def test_an_interrupted_write_leaves_the_old_one(self, tmp_path, monkeypatch):
        file = tmp_path / "a.npz"
        cache.save_arrays(file, "old", {"x": np.arange(3)})

        def torn(target, **arrays):
            Path(target).write_bytes(b"PK half")
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(np, "savez", torn)
            with pytest.raises(KeyboardInterrupt):
                cache.save_arrays(file, "new", {"x": np.arange(4)})
        assert cache.load_arrays(file, "old")["x"].tolist() == [0, 1, 2]
        assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_photos_unpack_as_three():
    pictures = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    photos = Photos(pictures, torch.tensor([0, 1]), CLASSES, (Path("a"), Path("b")))
    a, b, c = photos
    assert (a is pictures, b.tolist(), c) == (True, [0, 1], CLASSES)
    with pytest.raises(AttributeError):
        photos.labels = None


def test_import_is_light():
    """What only some loaders need is not paid by all (torch itself imports tqdm)."""
    code = "import sys, torch; before = set(sys.modules); import cnn_basics.datasets; "
    code += "print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert "imageio" in roots
    assert roots & {"pooch", "requests", "tqdm", "sklearn", "matplotlib", "ipywidgets"} == set()
