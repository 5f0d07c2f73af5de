"""Pictures changed by chance, each against the same done another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from scipy import ndimage

from cnn_basics.training import augment
from cnn_basics.training.augment.colouring import recolour
from cnn_basics.training.augment.warping import resample, shift

CORRECT_TO = {"rtol": 0, "atol": 1e-6}  # chance is drawn in float32
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
@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32, torch.float64]
)
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
@pytest.mark.parametrize("shape", [(0, 3, 9, 7), (2, 3, 0, 7), (2, 1, 1, 1), (2, 4, 5, 2)])
def test_no_pictures_grey_ones_and_single_pixels_keep_their_shape(change, shape):
    changed = change(torch.full(shape, 0.25))
    assert changed.shape == shape
    assert torch.allclose(changed, torch.tensor(0.25)) or "colour" in repr(change)


@each
def test_pictures_stay_on_their_device(change):
    """Of the devices that every machine has one is not the CPU; colours look at the numbers."""
    if "colour" in repr(change):
        one = torch.ones(6, 1, 1, 1, device="meta")
        changed = recolour(pictures().to("meta"), one, one, one)
    else:
        changed = change(pictures().to("meta"))
    assert (changed.device.type, changed.shape) == ("meta", (6, 3, 9, 7))


@pytest.mark.parametrize(
    "make",
    [
        augment.random_flip,
        augment.random_crop,
        augment.random_rotation,
        augment.random_resized_crop,
        augment.random_colour,
        augment.random_cutout,
    ],
)
def test_a_generator_of_ones_own_leaves_pytorchs_chance_alone(make):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    same = pictures(1).expand(20, -1, -1, -1)
    first, second = (make(generator=torch.Generator().manual_seed(4))(same) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.rand(1), expected)


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


@drawn(
    *(st.integers(1, 6) for _ in "HW"),
    st.lists(st.tuples(*(st.integers(-8, 8) for _ in "dr")), min_size=1, max_size=3),
)
@settings(max_examples=50, deadline=None)
def test_shift_is_scipys_for_each_picture_by_itself(height, width, ways):
    given = torch.rand(len(ways), 2, height, width, dtype=torch.float64)
    down, right = torch.tensor(ways).T
    ours = shift(given, down, right)
    for before, after, (rows, columns) in zip(given, ours, ways, strict=True):
        theirs = ndimage.shift(before.numpy(), (0, -rows, -columns), order=0, mode="nearest")
        assert torch.equal(after, torch.from_numpy(theirs))


def scipys(picture: torch.Tensor, matrix: list[list[float]], middle: list[float]) -> torch.Tensor:
    """Each pixel from `matrix` (row, column) about the picture's middle, then moved by `middle`."""
    centre = (np.array(picture.shape[1:]) - 1) / 2
    offset = centre + middle - np.array(matrix) @ centre
    channels = [
        ndimage.affine_transform(channel, matrix, offset, order=1, mode="nearest")
        for channel in picture.numpy()
    ]
    return torch.from_numpy(np.stack(channels))


def chances(rows: int, count: int) -> torch.Tensor:
    """What comes first out of a generator with seed 3, 0 to 1, `(rows, count)` float64."""
    generator = torch.Generator().manual_seed(3)
    return torch.stack([torch.rand(count, generator=generator) for _ in range(rows)]).double()


@pytest.mark.parametrize("degrees", [0, 20, 90, 180])
def test_a_turn_is_scipys(degrees):
    given = pictures(5)
    change = augment.random_rotation(degrees, generator=torch.Generator().manual_seed(3))
    angles = (2 * chances(1, 5)[0] - 1) * math.radians(degrees)
    for before, after, angle in zip(given, change(given), angles.tolist(), strict=True):
        cos, sin = math.cos(angle), math.sin(angle)
        expected = scipys(before, [[cos, sin], [-sin, cos]], [0, 0])
        torch.testing.assert_close(after, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("make", [augment.random_rotation, augment.random_resized_crop])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_numbers_of_16_bits_are_taken_from_the_right_places(make, dtype):
    """A ramp shows places; rounded at the end only, they are those of float64."""
    ramp = torch.linspace(0, 1, 256, dtype=torch.float64).expand(1, 1, 4, 256)
    ours, exact = (
        make(generator=torch.Generator().manual_seed(3))(ramp.to(each))
        for each in (dtype, ramp.dtype)
    )
    torch.testing.assert_close(ours.double(), exact, rtol=0, atol=torch.finfo(dtype).eps)


def test_half_a_turn_is_two_flips():
    one, zero = torch.ones(6), torch.zeros(6)
    turned = resample(pictures(), (-one, zero, zero), (zero, -one, zero))
    torch.testing.assert_close(turned, pictures().flip(2, 3))


@pytest.mark.parametrize("smallest", [0.2, 0.7, 1])
def test_an_enlarged_part_is_scipys(smallest):
    given = pictures(5)
    change = augment.random_resized_crop(smallest, generator=torch.Generator().manual_seed(3))
    side, down, right = chances(3, 5)
    side = smallest + (1 - smallest) * side
    room = (1 - side) / 2 * torch.tensor([[9.0], [7.0]], dtype=torch.float64)  # beside the part
    middle = torch.stack([2 * down - 1, 2 * right - 1]) * room
    for number, (before, after) in enumerate(zip(given, change(given), strict=True)):
        zoom = side[number].item()
        expected = scipys(before, [[zoom, 0], [0, zoom]], middle[:, number].tolist())
        torch.testing.assert_close(after, expected, rtol=0, atol=1e-5)


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


def test_colours_change_by_one_factor_each_for_each_picture():
    given = pictures(40) * 0.5 + 0.2
    draws = [0.3 * (2 * chance - 1) + 1 for chance in chances(3, 40)]
    bright, hard, full = (factor.view(-1, 1, 1, 1).numpy() for factor in draws)
    for number, strengths in enumerate([(0.3, 0, 0), (0, 0.3, 0), (0, 0, 0.3), (0.3, 0.3, 0.3)]):
        change = augment.random_colour(*strengths, generator=torch.Generator().manual_seed(3))
        expected = given.numpy()
        if number in (0, 3):
            expected = (expected * bright).clip(0, 1)
        if number in (1, 3):
            mean = expected.mean(axis=(1, 2, 3), keepdims=True)
            expected = (mean + (expected - mean) * hard).clip(0, 1)
        if number in (2, 3):
            grey = np.einsum("nchw,c->nhw", expected, [0.299, 0.587, 0.114])[:, None]
            expected = (grey + (expected - grey) * full).clip(0, 1)
        torch.testing.assert_close(change(given), torch.from_numpy(expected), **CORRECT_TO)


def test_colours_of_the_two_ways_to_write_pictures_agree():
    given = pictures(dtype=torch.uint8)
    torch.manual_seed(0)
    whole = augment.random_colour(0.5, 0.5, 0.5)(given)
    torch.manual_seed(0)
    floats = augment.random_colour(0.5, 0.5, 0.5)(given.double() / 255)
    assert (whole.double() - floats * 255).abs().max() <= 0.5 + 1e-3


@pytest.mark.parametrize("wrong", [-0.5, 1.5, math.nan])
def test_colours_of_normalised_pictures_are_refused_not_cut_off(wrong):
    given = pictures()
    given[2, 1, 3, 4] = wrong
    with pytest.raises(ValueError, match=r"^expected float pictures from 0 to 1, got .*uint8$"):
        augment.random_colour()(given)
    given[2, 1, 3, 4] = 1 + 1e-6  # as resampling may leave it
    assert augment.random_colour()(given).max() <= 1


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
        lambda: augment.random_resized_crop(0),
        lambda: augment.random_flip(math.nan),
        lambda: augment.random_flip(True),
        lambda: augment.random_flip("often"),
        lambda: augment.random_crop(True),
        lambda: augment.random_rotation(181),
        lambda: augment.compose(),
    ],
)
def test_what_is_out_of_range_is_refused(make):
    with pytest.raises(ValueError, match=r"^expected [^\n]* got [^\n]*: write [^\n]*$"):
        make()


def test_a_function_that_was_not_called_is_told_in_one_line():
    with pytest.raises(ValueError, match=r"^expected probability .*call the function before.*$"):
        augment.compose(augment.random_flip)(pictures())
    with pytest.raises(TypeError, match="expected augmentations, got int: write compose"):
        augment.compose(3)


@each
@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (torch.zeros(3, 4, 4), ValueError, r"\(N, C, H, W\), got \(3, 4, 4\)"),
        (torch.tensor(3.0), ValueError, r"\(N, C, H, W\), got \(\)"),
        (torch.zeros(2, 3, 4, 4).long(), TypeError, "uint8 or float, got torch.int64"),
        ([[1]], TypeError, "a torch tensor, got list"),
        (None, TypeError, "a torch tensor, got NoneType"),
    ],
)
def test_what_is_no_batch_of_pictures_is_refused(change, given, error, words):
    with pytest.raises(error, match=f"^expected pictures .*{words}: "):
        change(given)
