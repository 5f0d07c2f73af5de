"""The pictures of cats and dogs, found, listed in order, loaded; and real digits."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn import datasets as sklearn_datasets

import cnn_basics
from cnn_basics import datasets
from cnn_basics.datasets import (
    BUNDLED,
    SPECIES,
    SPLITS,
    data_folder,
    digit_from_drawing,
    load_digits,
    load_pets,
    load_pictures,
    picture_paths,
)
from cnn_basics.images import read_image, resize
from cnn_basics.model import Custom_CNN


def colour(label, number):
    """A flat colour that names the class and the file."""
    return (label * 200, number, 100)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small folder in the right layout, chosen by the environment variable."""
    root = tmp_path / "cat-and-dog"
    for split in SPLITS:
        for label, species in enumerate(SPECIES):
            inside = root / split / split / species
            inside.mkdir(parents=True)
            for number in (1, 2, 10):
                picture = Image.new("RGB", (6, 4), colour(label, number))
                picture.save(inside / f"{species[:-1]}.{number}.png")
    monkeypatch.setenv("CNN_BASICS_DATA", str(root))
    return root


class TestFolder:
    def test_the_environment_variable_comes_first(self, folder, monkeypatch):
        assert data_folder() == folder
        monkeypatch.setenv("HOME", str(folder.parent))
        monkeypatch.setenv("USERPROFILE", str(folder.parent))
        monkeypatch.setenv("CNN_BASICS_DATA", "~/cat-and-dog")
        assert data_folder() == folder

    @pytest.mark.parametrize("value", [None, ""])
    def test_without_it_the_bundled_pictures(self, monkeypatch, value):
        monkeypatch.delenv("CNN_BASICS_DATA", raising=False)
        if value is not None:
            monkeypatch.setenv("CNN_BASICS_DATA", value)
        package = Path(cnn_basics.__file__).resolve().parent
        assert data_folder() == BUNDLED == package.parent / "data" / "cat-and-dog"

    @pytest.mark.parametrize("elsewhere", ["..", "training_set", "typo", "cats.zip"])
    def test_another_folder(self, folder, monkeypatch, elsewhere):
        (folder / "cats.zip").write_bytes(b"PK")
        monkeypatch.setenv("CNN_BASICS_DATA", str(folder / elsewhere))
        words = "got no folder .*cats: set CNN_BASICS_DATA to the folder that holds .*, or unset it"
        with pytest.raises(FileNotFoundError, match=words):
            load_pictures("test_set")

    def test_bundled_pictures_gone(self, folder, tmp_path, monkeypatch):
        monkeypatch.setattr(datasets, "BUNDLED", tmp_path / "gone")
        with pytest.raises(FileNotFoundError, match=r"gone.*cats: restore data/ from the repo"):
            load_pets("test_set")

    def test_an_empty_class(self, folder):
        for path in (folder / "test_set/test_set/dogs").iterdir():
            path.unlink()
        with pytest.raises(
            FileNotFoundError, match=r"expected pictures \(\.png, .* none in .*dogs"
        ):
            picture_paths("test_set", "dogs")


class TestPicturePaths:
    def test_ordered_by_number_then_by_name(self, folder):
        cats = folder / "training_set/training_set/cats"
        for name in ["tom.jpg", "2024_3.JPG", "cat.007.jpeg", "felix.WebP", "__cat.4.png"]:
            (cats / name).touch()
        names = [path.name for path in picture_paths("training_set", "cats")]
        assert names == [
            "cat.1.png", "cat.2.png", "2024_3.JPG", "__cat.4.png", "cat.007.jpeg", "cat.10.png",
            "felix.WebP", "tom.jpg",
        ]  # fmt: skip
        assert picture_paths("test_set", "dogs")[2] == folder / "test_set/test_set/dogs/dog.10.png"

    def test_other_files_are_left_out(self, folder):
        cats = folder / "training_set/training_set/cats"
        for name in [".cat.3.png", "._cat.1.png", ".DS_Store", "Thumbs.db", "notes.txt", "png"]:
            (cats / name).touch()
        (cats / "folder.5.png").mkdir()
        assert len(picture_paths("training_set", "cats")) == 3

    def test_other_words(self, folder):
        with pytest.raises(ValueError, match='expected split "training_set" or "test_set", got'):
            picture_paths("train", "cats")
        with pytest.raises(ValueError, match='"cats" or "dogs", got \'cat\': use one of'):
            picture_paths("test_set", "cat")


class TestLoading:
    def test_shapes_labels_and_order(self, folder):
        pictures, labels, names = load_pictures("test_set", size=np.int64(5))
        assert (pictures.shape, pictures.dtype) == ((6, 3, 5, 5), torch.uint8)
        assert pictures.is_contiguous()
        assert (labels.tolist(), labels.dtype) == ([0, 0, 0, 1, 1, 1], torch.int64)
        assert names == ("cats", "dogs")
        expected = [colour(label, number) for label in (0, 1) for number in (1, 2, 10)]
        assert [tuple(picture[:, 0, 0].tolist()) for picture in pictures] == expected
        assert (pictures == pictures[:, :, :1, :1]).all()

    def test_the_pixels_are_those_of_resize(self, folder):
        noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        path = folder / "training_set/training_set/cats/cat.0.png"
        Image.fromarray(noise).save(path)
        pictures, _, _ = load_pictures("training_set")
        np.testing.assert_array_equal(pictures[0].permute(1, 2, 0), resize(read_image(path), 28))

    @pytest.mark.parametrize(("limit", "kept"), [(1, 1), (np.uint8(2), 2), (99, 3)])
    def test_limit_counts_each_class(self, folder, limit, kept):
        pictures, labels, _ = load_pictures("training_set", limit=limit)
        assert labels.bincount().tolist() == [kept, kept]
        assert pictures[0, 1, 0, 0] == 1

    def test_a_broken_file_is_named(self, folder):
        (folder / "test_set/test_set/cats/cat.2.png").write_bytes(b"no picture")
        with pytest.raises(ValueError, match=r"cat\.2\.png is not a picture"):
            load_pictures("test_set")
        assert len(load_pictures("test_set", limit=1)[0]) == 2  # never opened

    def test_wrong_arguments(self, folder):
        for load in (load_pictures, load_pets, load_digits):
            with pytest.raises(ValueError, match='"training_set" or "test_set", got \'train\''):
                load("train")
        for name in ["size", "limit"]:
            with pytest.raises(
                ValueError, match=f"expected {name} as a whole number from 1, got 0"
            ):
                load_pictures("test_set", **{name: 0})
            for wrong in [2.0, "28", True]:
                with pytest.raises(TypeError, match=f"expected {name} as a whole number from 1"):
                    load_pictures("test_set", **{name: wrong})

    def test_the_pets_whatever_the_variable_says(self, folder):
        pictures, labels, names = load_pets("test_set", size=9)
        assert (pictures.shape, pictures.dtype) == ((600, 3, 9, 9), torch.uint8)
        assert (labels.bincount().tolist(), names) == ([300, 300], SPECIES)
        expected = resize(read_image(BUNDLED / "test_set/test_set/cats/cat.4001.png"), 9)
        np.testing.assert_array_equal(pictures[0].permute(1, 2, 0), expected)


def small(pictures):
    """The 8×8 values from 0 to 16 of digits again."""
    return (pictures[:, :, 3:27:3, 3:27:3].double() * 16 / 255).round()


class TestDigits:
    def test_nothing_is_lost_or_made_up(self):
        pictures, labels, names = load_digits()
        values, targets = sklearn_datasets.load_digits(return_X_y=True)
        assert (pictures.dtype, labels.dtype, names) == (
            torch.uint8, torch.int64, tuple("0123456789"),
        )  # fmt: skip
        np.testing.assert_array_equal(small(pictures).reshape(-1, 64), values)
        np.testing.assert_array_equal(labels, targets)
        blocks = F.avg_pool2d(pictures[:, :, 2:26, 2:26].float(), 3)
        assert torch.equal(blocks, pictures[:, :, 3:27:3, 3:27:3].float())
        assert pictures.sum() == pictures[:, :, 2:26, 2:26].sum()
        assert (pictures.min(), pictures.max()) == (0, 255)
        assert Custom_CNN(len(names), 1)(pictures[:3] / 255).shape == (3, 10)

    def test_the_two_splits_are_all_and_share_none(self):
        (train, train_labels, _), (test, test_labels, _) = map(load_digits, SPLITS)
        pictures, labels, _ = load_digits()
        assert (len(train), len(test)) == (1437, 360)
        both = torch.cat([train, test]).flatten(1).tolist()
        assert sorted(both) == sorted(pictures.flatten(1).tolist())
        counts = labels.bincount()
        assert torch.equal(train_labels.bincount() + test_labels.bincount(), counts)
        assert ((test_labels.bincount() / counts - 0.2).abs() * counts < 1).all()  # every fifth
        assert torch.equal(load_digits("test_set")[0], test)

    def test_a_digit_drawn_large_is_itself_again(self):
        """8×8 digits as bitmaps with so many dots in each block as its value says."""
        values = small(load_digits("test_set")[0])
        order = torch.tensor([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
        dots = values.repeat_interleave(4, 2).repeat_interleave(4, 3) > order.repeat(8, 8)
        tall = dots.any(3).all(2)[:, 0]  # these fill the bitmap's 32 rows
        rows = dots.any(2)[:, 0]
        tall &= rows.int().argmax(1) == rows.flip(1).int().argmax(1)  # and are in the middle
        assert tall.sum() >= 5
        for dot, value in zip(dots[tall, 0].numpy(), values[tall], strict=True):
            assert torch.equal(small(digit_from_drawing(dot))[0], value)
            large = np.pad(np.kron(dot, np.ones((3, 3), dtype=bool)), 9)
            assert (small(digit_from_drawing(large))[0] - value).abs().max() <= 1

    @pytest.mark.parametrize(("rows", "columns"), [(12, 3), (3, 12), (50, 20), (1, 1), (32, 32)])
    @pytest.mark.parametrize("place", [(0, 0), (7, 30), (60, 4)])
    def test_place_and_size_of_a_drawing_do_not_matter(self, rows, columns, place):
        paper = np.zeros((120, 120), dtype=np.uint8)
        paper[place[0] : place[0] + rows, place[1] : place[1] + columns] = 255
        once, twice = paper, np.kron(paper, np.ones((2, 2), dtype=np.uint8))
        assert torch.equal(digit_from_drawing(once), digit_from_drawing(twice))
        values = small(digit_from_drawing(once))[0, 0]
        filled = values.any(1).sum(), values.any(0).sum()
        assert filled[0 if rows >= columns else 1] == 8
        assert (values - values.flip(0)).abs().max() <= 4  # in the middle, but for odd pixels
        assert (values - values.flip(1)).abs().max() <= 4

    def test_ink_counts_as_much_as_it_is_dark(self):
        half = np.full((32, 32), 128, dtype=np.uint8)
        assert small(digit_from_drawing(half)).unique().tolist() == [8]
        empty = digit_from_drawing(np.zeros((5, 9), dtype=bool))
        assert (empty.shape, empty.any().item()) == ((1, 1, 28, 28), False)

    def test_wrong_drawings(self):
        for wrong in ([[0, 1]], np.zeros((4, 4)), torch.zeros(4, 4)):
            with pytest.raises(TypeError, match="expected a drawing as an array of shape"):
                digit_from_drawing(wrong)
        for shape in [(4,), (4, 4, 3), (0, 4)]:
            with pytest.raises(ValueError, match=r"of shape \(.*: give one grey picture"):
                digit_from_drawing(np.zeros(shape, dtype=np.uint8))
