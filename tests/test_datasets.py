"""The pictures of cats and dogs, found, listed in order, loaded; real digits; two photographs."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from refusing import refusing
from sklearn import datasets as sklearn_datasets

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
    load_sample_image,
    picture_paths,
)
from cnn_basics.images import read_image, resize


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small folder in the right layout, chosen by the variable; flat colours name the files."""
    for split in SPLITS:
        for label, species in enumerate(SPECIES):
            inside = tmp_path / "cat-and-dog" / split / split / species
            inside.mkdir(parents=True)
            for number in (1, 2, 10):
                picture = Image.new("RGB", (6, 4), (label * 200, number, 100))
                picture.save(inside / f"{species[:-1]}.{number}.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("CNN_BASICS_DATA", "~/cat-and-dog")
    return tmp_path / "cat-and-dog"


@pytest.fixture
def cats(folder):
    return folder / "training_set/training_set/cats"


def test_the_environment_variable_comes_first(folder, monkeypatch):
    assert data_folder() == folder
    monkeypatch.setenv("CNN_BASICS_DATA", "")
    assert data_folder() == BUNDLED
    monkeypatch.delenv("CNN_BASICS_DATA")
    assert data_folder() == BUNDLED


def test_another_folder_and_pictures_gone(folder, tmp_path, monkeypatch):
    for path in (folder / "test_set/test_set/dogs").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"expected pictures \(\.png, .* none in .*dogs"):
        picture_paths("test_set", "dogs")
    (folder / "cats.zip").write_bytes(b"PK")
    words = "got no folder .*cats: set CNN_BASICS_DATA to the folder that holds .*, or unset it"
    for elsewhere in ("..", "training_set", "cats.zip"):
        monkeypatch.setenv("CNN_BASICS_DATA", str(folder / elsewhere))
        with pytest.raises(FileNotFoundError, match=words):
            load_pictures("test_set")
    monkeypatch.setattr(datasets, "BUNDLED", tmp_path / "gone")
    with pytest.raises(FileNotFoundError, match=r"gone.*cats: restore data/ from the repository"):
        load_pets("test_set")


def test_paths_are_ordered_by_number_then_by_name_without_other_files(folder, cats):
    for name in ["tom.jpg", "2024_3.JPG", "cat.007.jpeg", "felix.WebP", "__cat.4.png"]:
        (cats / name).touch()
    for name in [".cat.3.png", "._cat.1.png", ".DS_Store", "Thumbs.db", "notes.txt", "png"]:
        (cats / name).touch()
    (cats / "folder.5.png").mkdir()
    assert [path.name for path in picture_paths("training_set", "cats")] == [
        "cat.1.png", "cat.2.png", "2024_3.JPG", "__cat.4.png", "cat.007.jpeg", "cat.10.png",
        "felix.WebP", "tom.jpg",
    ]  # fmt: skip
    assert picture_paths("test_set", "dogs")[2] == folder / "test_set/test_set/dogs/dog.10.png"


def test_loaded_pictures_labels_and_order(folder):
    pictures, labels, names = load_pictures("test_set", size=np.int64(5))
    assert (pictures.shape, pictures.dtype) == ((6, 3, 5, 5), torch.uint8)
    assert (labels.tolist(), labels.dtype, names) == ([0, 0, 0, 1, 1, 1], torch.int64, SPECIES)
    expected = [[label * 200, number, 100] for label in (0, 1) for number in (1, 2, 10)]
    assert pictures[:, :, 0, 0].tolist() == expected
    assert (pictures == pictures[:, :, :1, :1]).all()


def test_limit_counts_each_class_and_a_broken_file_is_named(cats):
    for limit, kept in [(1, 1), (np.uint8(2), 2), (99, 3)]:
        assert load_pictures("training_set", limit=limit)[1].bincount().tolist() == [kept, kept]
    (cats / "cat.2.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"cat\.2\.png is not a picture"):
        load_pictures("training_set", limit=2)
    assert len(load_pictures("training_set", limit=1)[0]) == 2  # it is never opened


def test_the_pets_whatever_the_variable_says(folder):
    pictures, labels, _ = load_pets("test_set", size=9)
    assert (pictures.shape, labels.bincount().tolist()) == ((600, 3, 9, 9), [300, 300])
    expected = resize(read_image(BUNDLED / "test_set/test_set/cats/cat.4001.png"), 9)
    np.testing.assert_array_equal(pictures[0].permute(1, 2, 0), expected)


SPLIT = '"training_set" or "test_set", got \'train\': use one'
test_wrong_arguments = refusing(
    *[(partial(load, "train"), SPLIT) for load in (load_pictures, load_pets, load_digits)],
    (partial(picture_paths, "train", "cats"), SPLIT),
    (partial(picture_paths, "test_set", "cat"), "\"cats\" or \"dogs\", got 'cat': use one"),
    (partial(load_sample_image, "cat.jpg"), r"one of china\.jpg, flower\.jpg, got 'cat\.jpg'"),
    *[(partial(load_pictures, "test_set", size), "expected size as a whole number from 1")
      for size in (0, 2.0, "28", True)],
    (partial(load_pictures, "test_set", 28, 0), "expected limit as a whole number from 1"),
)  # fmt: skip


def small(pictures):
    """The 8×8 values from 0 to 16 of digits again."""
    return (pictures[:, :, 3:27:3, 3:27:3].double() * 16 / 255).round()


def test_nothing_of_the_digits_is_lost_or_made_up_and_both_splits_are_all():
    pictures, labels, names = load_digits()
    values, targets = sklearn_datasets.load_digits(return_X_y=True)
    assert (pictures.dtype, labels.dtype) == (torch.uint8, torch.int64)
    assert names == tuple("0123456789")
    np.testing.assert_array_equal(small(pictures).reshape(-1, 64), values)
    np.testing.assert_array_equal(labels, targets)
    blocks = F.avg_pool2d(pictures[:, :, 2:26, 2:26].float(), 3)
    assert torch.equal(blocks, pictures[:, :, 3:27:3, 3:27:3].float())
    assert pictures.sum() == pictures[:, :, 2:26, 2:26].sum()
    assert (pictures.min(), pictures.max()) == (0, 255)
    as_they_came = load_digits(enlarge=False)[0]
    assert (as_they_came.shape, as_they_came.dtype) == ((1797, 1, 8, 8), torch.uint8)
    np.testing.assert_array_equal(as_they_came.flatten(1), values)
    (train, train_labels, _), (test, test_labels, _) = map(load_digits, SPLITS)
    assert (len(train), len(test)) == (1437, 360)
    both = torch.cat([train, test]).flatten(1).tolist()
    assert sorted(both) == sorted(pictures.flatten(1).tolist())
    counts = labels.bincount()
    assert torch.equal(train_labels.bincount() + test_labels.bincount(), counts)
    assert ((test_labels.bincount() / counts - 0.2).abs() * counts < 1).all()  # every fifth


def test_the_photographs_are_those_of_scikit_learn():
    for name in ("china.jpg", "flower.jpg"):
        photo = load_sample_image(name)
        assert photo.flags.writeable
        np.testing.assert_array_equal(photo, sklearn_datasets.load_sample_image(name))


def test_a_digit_drawn_large_is_itself_again():
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
def test_place_and_size_of_a_drawing_do_not_matter(rows, columns, place):
    paper = np.zeros((120, 120), dtype=np.uint8)
    paper[place[0] : place[0] + rows, place[1] : place[1] + columns] = 255
    once, twice = paper, np.kron(paper, np.ones((2, 2), dtype=np.uint8))
    assert torch.equal(digit_from_drawing(once), digit_from_drawing(twice))
    values = small(digit_from_drawing(once))[0, 0]
    filled = values.any(1).sum(), values.any(0).sum()
    assert filled[0 if rows >= columns else 1] == 8
    assert (values - values.flip(0)).abs().max() <= 4  # in the middle, but for odd pixels
    assert (values - values.flip(1)).abs().max() <= 4


def test_ink_counts_as_much_as_it_is_dark():
    half = np.full((32, 32), 128, dtype=np.uint8)
    assert small(digit_from_drawing(half)).unique().tolist() == [8]
    empty = digit_from_drawing(np.zeros((5, 9), dtype=bool))
    assert (empty.shape, empty.any().item()) == ((1, 1, 28, 28), False)
