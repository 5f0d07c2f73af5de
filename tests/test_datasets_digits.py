"""Digits: nothing is lost on the way to 28×28, the split is fair, drawings look the same."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn import datasets as sklearn_datasets

from cnn_basics.datasets import SPLITS, digit_from_drawing, load_digits
from cnn_basics.model import Custom_CNN


@pytest.fixture(scope="module")
def original():
    return sklearn_datasets.load_digits(return_X_y=True)


def small(pictures):
    """The 8×8 values from 0 to 16 again."""
    return (pictures[:, :, 3:27:3, 3:27:3].double() * 16 / 255).round()


class TestLoadDigits:
    def test_shapes_and_names(self):
        for split, count in [("training_set", 1437), ("test_set", 360), (None, 1797)]:
            pictures, labels, names = load_digits(split)
            assert (pictures.shape, pictures.dtype) == ((count, 1, 28, 28), torch.uint8)
            assert (labels.shape, labels.dtype) == ((count,), torch.int64)
            assert pictures.is_contiguous()
            assert names == tuple("0123456789")

    def test_nothing_is_lost_or_made_up(self, original):
        pictures, labels, _ = load_digits()
        values, targets = original
        np.testing.assert_array_equal(small(pictures).reshape(-1, 64), values)
        np.testing.assert_array_equal(labels, targets)
        blocks = F.avg_pool2d(pictures[:, :, 2:26, 2:26].float(), 3)
        assert torch.equal(blocks, pictures[:, :, 3:27:3, 3:27:3].float())
        assert pictures.sum() == pictures[:, :, 2:26, 2:26].sum()
        assert (pictures.min(), pictures.max()) == (0, 255)

    def test_the_two_splits_are_all_and_share_none(self):
        (train, train_labels, _), (test, test_labels, _) = map(load_digits, SPLITS)
        pictures, labels, _ = load_digits()
        both = torch.cat([train, test]).flatten(1).tolist()
        assert sorted(both) == sorted(pictures.flatten(1).tolist())
        assert torch.equal(
            train_labels.bincount() + test_labels.bincount(), labels.bincount(minlength=10)
        )

    def test_each_digit_has_its_fifth_in_the_test(self):
        counts = load_digits()[1].bincount()
        share = load_digits("test_set")[1].bincount() / counts
        assert ((share - 0.2).abs() * counts < 1).all()

    def test_always_the_same(self):
        for split in SPLITS:
            assert all(map(torch.equal, load_digits(split)[:2], load_digits(split)[:2]))

    def test_custom_cnn_takes_them(self):
        pictures, _, names = load_digits("test_set")
        assert Custom_CNN(len(names), 1)(pictures[:3] / 255).shape == (3, 10)

    def test_other_words(self):
        with pytest.raises(ValueError, match='"training_set" or "test_set", got \'train\''):
            load_digits("train")


class TestDigitFromDrawing:
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
            assert (small(digit_from_drawing(framed(dot)))[0] - value).abs().max() <= 1

    def test_exact_where_the_drawing_fills_the_bitmap(self):
        drawing = np.zeros((32, 32), dtype=bool)
        drawing[:4] = drawing[-2:] = drawing[:, :5] = True
        expected = torch.zeros(8, 8)
        expected[0], expected[1:, 0] = 16, 16
        expected[1:, 1] = 4
        expected[7, 1:] = torch.tensor([4 + 8 - 2, *[8] * 6])
        assert torch.equal(small(digit_from_drawing(drawing))[0, 0], expected.double())

    @pytest.mark.parametrize(("rows", "columns"), [(12, 3), (3, 12), (50, 20), (1, 1), (32, 32)])
    @pytest.mark.parametrize("place", [(0, 0), (7, 30), (60, 4)])
    def test_place_and_size_do_not_matter(self, rows, columns, place):
        paper = np.zeros((120, 120), dtype=np.uint8)
        paper[place[0] : place[0] + rows, place[1] : place[1] + columns] = 255
        once, twice = paper, np.kron(paper, np.ones((2, 2), dtype=np.uint8))
        assert torch.equal(digit_from_drawing(once), digit_from_drawing(twice))
        values = small(digit_from_drawing(once))[0, 0]
        filled = values.any(1).sum(), values.any(0).sum()
        assert filled[0 if rows >= columns else 1] == 8
        assert (values - values.flip(0)).abs().max() <= 4  # in the middle, but for odd pixels
        assert (values - values.flip(1)).abs().max() <= 4

    def test_grey_ink_counts_as_much_as_it_is_dark(self):
        half = np.full((32, 32), 128, dtype=np.uint8)
        assert small(digit_from_drawing(half)).unique().tolist() == [8]

    def test_paper_without_ink(self):
        picture = digit_from_drawing(np.zeros((5, 9), dtype=bool))
        assert picture.shape == (1, 1, 28, 28)
        assert not picture.any()

    def test_like_those_the_network_learns_from(self):
        """A written 1 lies nearer to the mean 1 than to the mean of any other digit."""
        pictures, labels, _ = load_digits("training_set")
        means = torch.stack([pictures[labels == k].float().mean(0) for k in range(10)])
        one, seven = np.zeros((90, 90), dtype=bool), np.zeros((90, 90), dtype=bool)
        one[20:70, 40:52] = True
        seven[20:30, 25:60] = True
        for row in range(20, 70):
            seven[row, 58 - (row - 20) // 2 - 8 : 58 - (row - 20) // 2 + 2] = True
        for digit, drawing in [(1, one), (7, seven)]:
            distance = (means - digit_from_drawing(drawing).float()).flatten(1).norm(dim=1)
            assert distance.argmin() == digit

    def test_wrong_drawings(self):
        for wrong in ([[0, 1]], np.zeros((4, 4)), torch.zeros(4, 4)):
            with pytest.raises(TypeError, match="expected a drawing as an array of shape"):
                digit_from_drawing(wrong)
        for shape in [(4,), (4, 4, 3), (0, 4)]:
            with pytest.raises(ValueError, match=r"got shape \(.*: give one grey picture"):
                digit_from_drawing(np.zeros(shape, dtype=np.uint8))


def framed(drawing):
    """The same drawing three times as large, on larger paper."""
    large = Image.fromarray(drawing).resize((96, 96), Image.Resampling.NEAREST)
    return np.pad(np.asarray(large), 9)
