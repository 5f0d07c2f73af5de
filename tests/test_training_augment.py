"""Pictures changed by chance, each against the same done another way."""

from __future__ import annotations

import pytest
import torch
from scipy import ndimage

from cnn_basics.training import augment
from cnn_basics.training.augment.colouring import recolour
from cnn_basics.training.augment.warping import shift

EVERY = {
    "random_flip": augment.random_flip(),
    "random_crop": augment.random_crop(2),
    "random_rotation": augment.random_rotation(30),
    "random_resized_crop": augment.random_resized_crop(),
    "random_colour": augment.random_colour(0.5, 0.5, 0.5),
    "random_cutout": augment.random_cutout(3),
    "compose": augment.compose(augment.random_flip(), augment.random_crop(1)),
}
each = pytest.mark.parametrize("change", EVERY.values(), ids=EVERY)


def pictures(count: int = 6, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.rand(count, 3, 9, 7, generator=generator, dtype=torch.float64)
    return (drawn * 255).to(torch.uint8) if dtype == torch.uint8 else drawn.to(dtype)


@each
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_shape_dtype_range_and_the_pictures_given_stay(change, dtype):
    given = pictures(dtype=dtype)
    before = given.clone()
    changed = change(given)
    assert (changed.shape, changed.dtype) == (given.shape, dtype)
    assert torch.equal(given, before)
    low, high = (0, 255) if dtype == torch.uint8 else (0.0, 1.0)
    assert changed.min() >= low
    assert changed.max() <= high


@each
def test_chance_is_that_of_the_seed_and_each_picture_has_its_own(change):
    same = pictures(1).expand(40, -1, -1, -1)
    torch.manual_seed(2)
    first = change(same)
    torch.manual_seed(2)
    assert torch.equal(change(same), first)
    assert not torch.equal(change(same), first)
    assert len(first.flatten(1).unique(dim=0)) > 1


def test_flip_is_torchs_and_as_likely_as_asked():
    given = pictures()
    assert torch.equal(augment.random_flip(1.0)(given), given.flip(3))
    assert torch.equal(augment.random_flip(0.0)(given), given)
    torch.manual_seed(0)
    many = pictures(1).expand(2000, -1, -1, -1)
    changed = (augment.random_flip(0.25)(many) != many).flatten(1).any(dim=1)
    assert 0.21 < changed.double().mean() < 0.29  # four standard deviations


def test_a_crop_is_a_window_of_the_padded_picture_and_every_window_comes():
    given = pictures(1).expand(400, -1, -1, -1)
    torch.manual_seed(0)
    changed = augment.random_crop(1)(given)
    padded = torch.nn.functional.pad(given[:1], (1, 1, 1, 1), mode="replicate")
    windows = [padded[0, :, i : i + 9, j : j + 7] for i in range(3) for j in range(3)]
    counts = [sum(torch.equal(each, window) for each in changed) for window in windows]
    assert sum(counts) == 400
    assert min(counts) > 0


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, -1), (-3, 4), (9, 0)])
def test_shift_is_scipys(down, right):
    given = pictures(1)
    ours = shift(given, torch.tensor([down]), torch.tensor([right]))
    theirs = ndimage.shift(given[0].numpy(), (0, -down, -right), order=0, mode="nearest")
    torch.testing.assert_close(ours[0], torch.from_numpy(theirs))


def test_no_turn_at_all_is_the_same_picture():
    torch.testing.assert_close(augment.random_rotation(0)(pictures()), pictures())


def test_a_turn_keeps_the_middle_and_stays_within_the_degrees():
    """A line through the middle of a large picture: its angle is measured."""
    length = 101
    line = torch.zeros(1, 1, length, length, dtype=torch.float64)
    line[:, :, 50, :] = 1
    torch.manual_seed(0)
    turned = augment.random_rotation(20)(line.expand(60, -1, -1, -1))
    angles = []
    for picture in turned[:, 0]:
        rows, columns = (picture > 0.5).nonzero(as_tuple=True)
        slope = ((rows - 50.0) * (columns - 50)).sum() / ((columns - 50.0) ** 2).sum()
        angles.append(torch.rad2deg(torch.atan(slope)).item())
    assert all(abs(angle) < 20.5 for angle in angles)
    assert min(angles) < -12
    assert max(angles) > 12
    assert (turned[:, 0, 50, 50] > 0.9).all()


def test_recolour_by_hand():
    given = torch.tensor([0.2, 0.4, 0.6], dtype=torch.float64).view(1, 3, 1, 1).repeat(1, 1, 1, 2)
    given[..., 1] = 0.8
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    torch.testing.assert_close(recolour(given, 1.2 * one, one, one), (given * 1.2).clamp(0, 1))
    mean = given.mean()
    expected = mean + 0.5 * (given - mean)
    torch.testing.assert_close(recolour(given, one, 0.5 * one, one), expected)
    grey = 0.299 * given[:, :1] + 0.587 * given[:, 1:2] + 0.114 * given[:, 2:]
    torch.testing.assert_close(recolour(given, one, one, 0 * one), grey.expand_as(given))


def test_cutout_hides_one_square_behind_the_mean_of_each_channel():
    given = pictures(50)
    torch.manual_seed(0)
    changed = augment.random_cutout(3)(given)
    for before, after in zip(given, changed, strict=True):
        hidden = (before != after).any(dim=0)
        rows, columns = hidden.any(dim=1).sum(), hidden.any(dim=0).sum()
        assert hidden.sum() == rows * columns  # a rectangle: cut off only at the edge
        assert 1 <= rows <= 3
        assert 1 <= columns <= 3
        mean = before.mean(dim=(1, 2))[:, None].expand(-1, int(hidden.sum()))
        torch.testing.assert_close(after[:, hidden], mean)


def test_compose_goes_from_left_to_right():
    double, add = (lambda x: x * 2), (lambda x: x + 1)
    assert augment.compose(double, add)(torch.ones(1, 1, 1, 1)).item() == 3
    assert augment.compose(add, double)(torch.ones(1, 1, 1, 1)).item() == 4


@pytest.mark.parametrize(
    "make",
    [
        lambda: augment.random_flip(1.5),
        lambda: augment.random_crop(-1),
        lambda: augment.random_rotation(-1),
        lambda: augment.random_colour(brightness=2),
        lambda: augment.random_cutout(-1),
        lambda: augment.random_cutout(1.5),
    ],
)
def test_what_is_out_of_range_is_refused(make):
    with pytest.raises(ValueError, match=r"^expected .* got "):
        make()


@each
@pytest.mark.parametrize("given", [torch.zeros(3, 4, 4), torch.zeros(2, 3, 4, 4).long()])
def test_what_is_no_batch_of_pictures_is_refused(change, given):
    with pytest.raises((ValueError, TypeError), match=r"expected .* got "):
        change(given)
