"""The folder of pictures: found, listed in order, loaded as tensors."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import cnn_basics
from cnn_basics import datasets
from cnn_basics.datasets import (
    BUNDLED,
    SPECIES,
    SPLITS,
    data_folder,
    load_pets,
    load_pictures,
    picture_paths,
)
from cnn_basics.images import read_image, resize


def colour(label, number):
    """A flat colour that names the class and the file."""
    return (label * 200, number, 100)


def make_folder(root, numbers=(1, 2, 10), suffix=".png"):
    for split in SPLITS:
        for label, species in enumerate(SPECIES):
            folder = root / split / split / species
            folder.mkdir(parents=True)
            for number in numbers:
                picture = Image.new("RGB", (6, 4), colour(label, number))
                picture.save(folder / f"{species[:-1]}.{number}{suffix}")
    return root


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small folder in the right layout, chosen by the environment variable."""
    root = make_folder(tmp_path / "up" / "cat-and-dog")
    monkeypatch.setenv("CNN_BASICS_DATA", str(root))
    return root


class TestDataFolder:
    def test_the_environment_variable_comes_first(self, folder):
        assert data_folder() == folder

    def test_a_relative_path_is_fine(self, folder, monkeypatch):
        monkeypatch.chdir(folder.parent)
        monkeypatch.setenv("CNN_BASICS_DATA", "cat-and-dog")
        assert data_folder() == Path("cat-and-dog")

    def test_home_is_spelled_out(self, folder, monkeypatch):
        monkeypatch.setenv("HOME", str(folder.parent))
        monkeypatch.setenv("USERPROFILE", str(folder.parent))
        monkeypatch.setenv("CNN_BASICS_DATA", "~/cat-and-dog")
        assert data_folder() == folder

    @pytest.mark.parametrize("value", [None, ""])
    def test_without_it_the_bundled_pictures(self, tmp_path, monkeypatch, value):
        monkeypatch.setattr(datasets.pictures, "BUNDLED", make_folder(tmp_path / "bundled"))
        monkeypatch.delenv("CNN_BASICS_DATA", raising=False)
        if value is not None:
            monkeypatch.setenv("CNN_BASICS_DATA", value)
        assert data_folder() == tmp_path / "bundled"

    def test_the_bundled_pictures_lie_beside_the_package(self):
        package = Path(cnn_basics.__file__).resolve().parent
        assert package.parent / "data" / "cat-and-dog" == datasets.BUNDLED

    def test_bundled_pictures_gone(self, tmp_path, monkeypatch):
        monkeypatch.setattr(datasets.pictures, "BUNDLED", tmp_path / "gone")
        monkeypatch.delenv("CNN_BASICS_DATA", raising=False)
        with pytest.raises(
            FileNotFoundError, match=r"gone, expected .* restore data/ from the rep"
        ):
            data_folder()

    def test_no_such_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("CNN_BASICS_DATA", str(tmp_path / "typo"))
        with pytest.raises(FileNotFoundError, match=r"typo, expected .* there is no such folder"):
            data_folder()

    def test_a_file_is_no_folder(self, tmp_path, monkeypatch):
        (tmp_path / "cats.zip").write_bytes(b"PK")
        monkeypatch.setenv("CNN_BASICS_DATA", str(tmp_path / "cats.zip"))
        with pytest.raises(FileNotFoundError, match=r"cats\.zip, .* into these folders"):
            data_folder()

    def test_one_class_is_missing(self, folder):
        (folder / "test_set" / "test_set" / "dogs").rename(folder / "wolves")
        expected = "got one without test_set/test_set/dogs: move your pictures into these folders"
        with pytest.raises(FileNotFoundError, match=expected):
            data_folder()

    @pytest.mark.parametrize(
        "elsewhere",
        ["..", "training_set", "training_set/training_set", "training_set/training_set/cats"],
    )
    def test_a_level_too_high_or_too_low(self, folder, monkeypatch, elsewhere):
        chosen = Path(os.path.normpath(folder / elsewhere))
        monkeypatch.setenv("CNN_BASICS_DATA", str(chosen))
        with pytest.raises(FileNotFoundError) as caught:
            data_folder()
        assert str(caught.value).startswith(f"CNN_BASICS_DATA names {chosen}, expected a folder")
        assert str(caught.value).endswith(f": set CNN_BASICS_DATA to {folder}")
        monkeypatch.setenv("CNN_BASICS_DATA", str(caught.value).rpartition(" to ")[2])
        assert data_folder() == folder


class TestPicturePaths:
    def test_ordered_by_number(self, folder):
        for split in SPLITS:
            names = [path.name for path in picture_paths(split, "cats")]
            assert names == ["cat.1.png", "cat.2.png", "cat.10.png"]
        assert picture_paths("test_set", "dogs")[2] == folder / "test_set/test_set/dogs/dog.10.png"

    def test_names_without_a_number_come_last_by_name(self, folder):
        cats = folder / "training_set/training_set/cats"
        for name in ["tom.jpg", "2024_3.JPG", "cat.007.jpeg", "felix.WebP"]:
            (cats / name).touch()
        names = [path.name for path in picture_paths("training_set", "cats")]
        assert names == [
            "cat.1.png", "cat.2.png", "2024_3.JPG", "cat.007.jpeg", "cat.10.png",
            "felix.WebP", "tom.jpg",
        ]  # fmt: skip

    def test_other_files_are_left_out(self, folder):
        cats = folder / "training_set/training_set/cats"
        for name in [".cat.3.png", "._cat.1.png", ".DS_Store", "Thumbs.db", "notes.txt", "png"]:
            (cats / name).touch()
        (cats / "folder.5.png").mkdir()
        assert len(picture_paths("training_set", "cats")) == 3

    def test_an_empty_class(self, folder):
        for path in (folder / "test_set/test_set/dogs").iterdir():
            path.unlink()
        with pytest.raises(FileNotFoundError, match=r"dogs holds no pictures, .* dog\.1\.jpg"):
            picture_paths("test_set", "dogs")

    def test_other_words(self, folder):
        with pytest.raises(ValueError, match='expected split "training_set" or "test_set", got'):
            picture_paths("train", "cats")
        with pytest.raises(ValueError, match='"cats" or "dogs", got \'cat\': use one of'):
            picture_paths("test_set", "cat")


class TestLoadPictures:
    def test_shapes_labels_and_order(self, folder):
        pictures, labels, names = load_pictures("test_set", size=5)
        assert pictures.shape == (6, 3, 5, 5)
        assert pictures.dtype == torch.uint8
        assert pictures.is_contiguous()
        assert labels.dtype == torch.int64
        assert labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert names == ("cats", "dogs")
        expected = [colour(label, number) for label in (0, 1) for number in (1, 2, 10)]
        assert [tuple(picture[:, 0, 0].tolist()) for picture in pictures] == expected
        assert (pictures == pictures[:, :, :1, :1]).all()

    def test_the_pixels_are_those_of_resize(self, folder):
        noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        path = folder / "training_set/training_set/cats/cat.0.png"
        Image.fromarray(noise).save(path)
        pictures, _, _ = load_pictures("training_set")
        assert pictures.shape[2:] == (28, 28)
        np.testing.assert_array_equal(pictures[0].permute(1, 2, 0), resize(read_image(path), 28))

    @pytest.mark.parametrize(("limit", "kept"), [(1, 1), (2, 2), (3, 3), (99, 3)])
    def test_limit_counts_each_class(self, folder, limit, kept):
        pictures, labels, _ = load_pictures("training_set", limit=limit)
        assert labels.bincount().tolist() == [kept, kept]
        assert pictures[0, 1, 0, 0] == 1

    def test_jpegs_too(self, tmp_path, monkeypatch):
        make_folder(tmp_path / "photos", suffix=".jpg")
        monkeypatch.setenv("CNN_BASICS_DATA", str(tmp_path / "photos"))
        assert load_pictures("test_set")[0].shape == (6, 3, 28, 28)

    def test_a_broken_file_is_named(self, folder):
        (folder / "test_set/test_set/cats/cat.2.png").write_bytes(b"no picture")
        with pytest.raises(ValueError, match=r"cat\.2\.png is not a picture"):
            load_pictures("test_set")
        assert len(load_pictures("test_set", limit=1)[0]) == 2  # never opened

    def test_wrong_arguments(self, folder):
        with pytest.raises(ValueError, match='expected split "training_set"'):
            load_pictures("validation_set")
        for name in ["size", "limit"]:
            with pytest.raises(ValueError, match=f"expected {name} of at least 1, got 0"):
                load_pictures("test_set", **{name: 0})
            for wrong in [2.0, "28", True]:
                with pytest.raises(TypeError, match=f"expected {name} as a whole number, got"):
                    load_pictures("test_set", **{name: wrong})


class TestLoadPets:
    def test_the_bundled_pictures_whatever_the_variable_says(self, folder):
        pictures, labels, names = load_pets("test_set", size=9)
        assert (pictures.shape, pictures.dtype) == ((600, 3, 9, 9), torch.uint8)
        assert labels.bincount().tolist() == [300, 300]
        assert names == SPECIES
        expected = resize(read_image(BUNDLED / "test_set/test_set/cats/cat.4001.png"), 9)
        np.testing.assert_array_equal(pictures[0].permute(1, 2, 0), expected)

    def test_the_same_as_load_pictures_without_the_variable(self):
        ours, theirs = load_pets("test_set"), load_pictures("test_set")
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])

    def test_gone(self, folder, tmp_path, monkeypatch):
        monkeypatch.setattr(datasets.pictures, "BUNDLED", tmp_path / "gone")
        with pytest.raises(FileNotFoundError, match=r"the lessons look in .*gone.* restore data/"):
            load_pets("test_set")

    def test_wrong_arguments(self):
        with pytest.raises(ValueError, match='expected split "training_set"'):
            load_pets("train")
        with pytest.raises(ValueError, match="expected size of at least 1, got 0"):
            load_pets("test_set", size=0)


def test_loading_imports_no_matplotlib():
    code = "import sys, cnn_basics.datasets; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
