"""Pictures changed by chance, each against the same done another way; the recipe made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from refusing import refusing
from scipy import ndimage

from cnn_basics.model import PhotoNet
from cnn_basics.training import PhotoChanges, augment, fit, fit_photos
from cnn_basics.training.augment import RECIPE, random_views

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


def changed_by(seed: int, change, given: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(seed)
    return change(given)


def chances(rows: int, count: int) -> torch.Tensor:
    """What is drawn first after seed 3, 0 to 1, `(rows, count)` float64."""
    torch.manual_seed(3)
    return torch.stack([torch.rand(count) for _ in range(rows)]).double()


@each
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16, torch.float32])
def test_shape_dtype_range_and_the_pictures_given_stay(change, dtype):
    """Other dtypes give what float64 gives, rounded once at the end."""
    given = pictures(dtype=dtype)
    before, top = given.clone(), 255 if dtype == torch.uint8 else 1
    changed = changed_by(3, change, given)
    assert (changed.shape, changed.dtype) == (given.shape, dtype)
    assert torch.equal(given, before)
    exact = changed_by(3, change, given.double() / top).clamp(0, 1) * top
    room = 0.5 + 1e-3 if dtype == torch.uint8 else max(torch.finfo(dtype).eps, 1e-5)
    torch.testing.assert_close(changed.double(), exact, rtol=0, atol=room)


@each
def test_shape_and_device_stay_and_each_picture_has_its_own_chance(change):
    for shape in ((0, 3, 9, 7), (2, 3, 0, 7), (2, 1, 1, 1), (2, 4, 5, 2)):
        changed = change(torch.full(shape, 0.25))
        assert changed.shape == shape
        assert torch.allclose(changed, torch.tensor(0.25)) or "colour" in repr(change)
    if "colour" not in repr(change):  # which looks at the numbers
        changed = change(pictures().to("meta"))  # every machine has this device beside the CPU
        assert (changed.device.type, changed.shape) == ("meta", (6, 3, 9, 7))
    same = pictures(1).expand(40, -1, -1, -1)
    first = changed_by(2, change, same)
    assert torch.equal(changed_by(2, change, same), first)
    assert not torch.equal(change(same), first)
    assert len(first.flatten(1).unique(dim=0)) > 1


def test_compose_goes_from_left_to_right():
    change = augment.compose(lambda x: x * 2, lambda x: x + 1)
    assert change(torch.ones(1, 1, 1, 1)).item() == 3


def test_flip_is_torchs_and_as_likely_as_asked():
    given = pictures()
    assert torch.equal(augment.random_flip(1)(given), given.flip(3))
    assert torch.equal(augment.random_flip(np.float64(0))(given), given)
    many = pictures(1).expand(2000, -1, -1, -1)
    changed = (changed_by(0, augment.random_flip(0.25), many) != many).flatten(1).any(dim=1)
    assert 0.21 < changed.double().mean() < 0.29  # four standard deviations


def test_a_crop_is_a_window_of_the_padded_picture_and_every_window_comes():
    given = pictures(1).expand(400, -1, -1, -1)
    changed = changed_by(0, augment.random_crop(np.int64(1)), given)
    padded = torch.nn.functional.pad(given[:1], (1, 1, 1, 1), mode="replicate")
    windows = [padded[0, :, i : i + 9, j : j + 7] for i in range(3) for j in range(3)]
    counts = [sum(torch.equal(each, window) for each in changed) for window in windows]
    assert sum(counts) == 400
    assert min(counts) > 0


@pytest.mark.parametrize(
    ("degrees", "least", "stretch"),
    [(0, 1, 1), (20, 1, 1), (90, 1, 1), (180, 1, 1), (0, 0.04, 1), (0, 0.5, 1.3), (30, 0.2, 1.5)],
)
def test_views_are_scipys(degrees, least, stretch):
    given, (area, longer, right, down, _, turned) = pictures(5), chances(6, 5)
    change = lambda x: random_views(x, None, least, stretch, degrees)  # noqa: E731
    if stretch == least == 1:
        change = augment.random_rotation(degrees)
    elif stretch == 1:
        change = augment.random_resized_crop(least**0.5)
    changed, angle = changed_by(3, change, given), (2 * turned - 1) * math.radians(degrees)
    side, longer = (least + (1 - least) * area).sqrt(), stretch ** (2 * longer - 1)
    high, wide = (side / longer).clamp(max=1), (side * longer).clamp(max=1)
    rows = torch.stack([high * angle.cos(), wide * angle.sin()], dim=1)
    columns = torch.stack([-high * angle.sin(), wide * angle.cos()], dim=1)
    matrices = torch.stack([rows, columns], dim=1).numpy()  # from a pixel of the view to its place
    moves = torch.stack([(2 * down - 1) * (1 - high) * 4.5, (2 * right - 1) * (1 - wide) * 3.5], 1)
    centre = np.array([4.0, 3.0])
    for before, after, matrix, move in zip(given, changed, matrices, moves.numpy(), strict=True):
        settings = {"offset": centre + move - matrix @ centre, "order": 1, "mode": "reflect"}
        views = [ndimage.affine_transform(channel, matrix, **settings) for channel in before]
        torch.testing.assert_close(after, torch.from_numpy(np.stack(views)), rtol=0, atol=1e-5)
    assert changed.is_contiguous(memory_format=torch.channels_last)


def test_views_have_another_size_and_are_mirrored_as_likely_as_asked():
    given = torch.rand(200, 3, 16, 16)
    views = changed_by(0, lambda x: random_views(x, 16, mirror=0.5), given)
    same, mirrored = (
        torch.isclose(views, way, atol=1e-5).flatten(1).all(dim=1) for way in (given, given.flip(3))
    )
    assert (same ^ mirrored).all()
    assert 70 < mirrored.sum() < 130
    torch.testing.assert_close(random_views(given, mirror=1), given.flip(3), rtol=0, atol=1e-5)
    assert random_views(pictures(), 12).shape == (6, 3, 12, 12)


def test_colours_change_by_one_factor_each_for_each_picture():
    given = pictures(40) * 0.5 + 0.2
    bright, hard, full = (0.3 * (2 * chances(3, 40) - 1) + 1).view(3, -1, 1, 1, 1).numpy()
    for number, strengths in enumerate([(0.3, 0, 0), (0, 0.3, 0), (0, 0, 0.3), (0.3, 0.3, 0.3)]):
        expected = given.numpy()
        if number in (0, 3):
            expected = (expected * bright).clip(0, 1)
        if number in (1, 3):
            mean = expected.mean(axis=(1, 2, 3), keepdims=True)
            expected = (mean + (expected - mean) * hard).clip(0, 1)
        if number in (2, 3):
            grey = np.einsum("nchw,c->nhw", expected, [0.299, 0.587, 0.114])[:, None]
            expected = (grey + (expected - grey) * full).clip(0, 1)
        changed = changed_by(3, augment.random_colour(*strengths), given)
        torch.testing.assert_close(changed, torch.from_numpy(expected), **CORRECT_TO)


def test_colours_of_normalised_pictures_are_refused_not_cut_off():
    given = pictures()
    for wrong in (-0.5, 1.5, math.nan):
        given[2, 1, 3, 4] = wrong
        with pytest.raises(ValueError, match=r"^expected float pictures from 0 to 1, got .*uint8$"):
            augment.random_colour()(given)
    given[2, 1, 3, 4] = 1 + 1e-6  # as resampling may leave it
    assert augment.random_colour()(given).max() <= 1


def test_cutout_hides_one_square_behind_the_mean_of_each_channel():
    given = pictures(50)
    changed = changed_by(0, augment.random_cutout(3), given)
    for before, after in zip(given, changed, strict=True):
        hidden = (before != after).any(dim=0)
        rows, columns = hidden.any(dim=1).sum(), hidden.any(dim=0).sum()
        assert hidden.sum() == rows * columns  # a rectangle: cut off only at the edge
        assert 1 <= rows <= 3
        assert 1 <= columns <= 3
        mean = before.mean(dim=(1, 2))[:, None].expand(-1, int(hidden.sum()))
        torch.testing.assert_close(after[:, hidden], mean)


FLIP, BATCH = augment.random_flip(), r"pictures as a tensor \(N, C, H, W\), got"


test_what_is_out_of_range_or_no_batch_of_pictures_is_refused = refusing(
    (lambda: augment.random_flip(1.5), "probability as a number from 0 to 1, got 1.5: leave"),
    (lambda: augment.random_flip(math.nan), "probability as a number from 0 to 1, got nan"),
    (lambda: augment.random_flip(True), "probability as a number from 0 to 1, got True"),
    (lambda: augment.random_flip("often"), "probability as a number from 0 to 1, got 'often'"),
    (lambda: augment.random_crop(-1), "padding as a whole number from 0, got -1"),
    (lambda: augment.random_crop(True), "padding as a whole number from 0, got True"),
    (lambda: augment.random_rotation(181), "degrees as a number from 0 to 180, got 181"),
    (lambda: augment.random_resized_crop(0), "smallest as a number from 0.01 to 1, got 0"),
    (lambda: augment.random_colour(brightness=2), "brightness as a number from 0 to 1, got 2"),
    (lambda: augment.random_cutout(1.5), "size as a whole number from 0, got 1.5"),
    (lambda: augment.compose(), r"augmentations to do, got \(\): write for example compose\("),
    (lambda: augment.compose(3), r"augmentations to do, got \(3,\)"),
    (lambda: augment.compose(augment.random_flip)(pictures()), "probability as a number from"),
    (lambda: FLIP(torch.zeros(3, 4, 4)), rf"{BATCH} a float32 tensor of shape \(3, 4, 4\): for"),
    (lambda: FLIP(torch.tensor(3.0)), rf"{BATCH} a float32 tensor of shape \(\)"),
    (lambda: FLIP([[1]]), f"{BATCH} a list: for a single one"),
    (lambda: FLIP(torch.zeros(2, 3, 4, 4).long()), "pictures as uint8 from 0 to 255, or as fl"),
    (lambda: PhotoChanges(0), "size as a whole number from 1, got 0"),
    (lambda: fit_photos(PhotoNet(), photos(), sizes=()), "at least one size, got none"),
)


def photos(count=12, size=20):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, size, size, generator=generator), torch.arange(count) % 2


def test_changes_are_of_place_and_colour_and_hide_a_square_or_only_of_size():
    torch.manual_seed(0)
    changes, flat = PhotoChanges(40), torch.full((8, 3, 50, 50), 0.5)
    flat[:, 0] = 0.6
    views = changes(flat)
    assert views.shape == (8, 3, 40, 40)
    means = views.mean(dim=(2, 3))
    assert (means[0] - means[1]).abs().max() > 1e-3  # other colours
    ramp = torch.linspace(0, 1, 50).expand(8, 3, 50, 50)
    hidden = (changes(ramp)[:, 0].diff(dim=2).abs() < 1e-6).float().mean(dim=(1, 2))
    assert (hidden > 0.01).all()
    torch.testing.assert_close(PhotoChanges(20, augmented=False)(photos()[0]), photos()[0])


@pytest.mark.parametrize(
    ("epochs", "sizes", "seen"),
    [
        (6, (8, 12, 16), [8, 8, 12, 12, 16, 16]),
        (5, (8, 16), [8, 8, 8, 16, 16]),
        (2, (8, 12, 16), [8, 12]),
    ],
)
def test_views_grow_with_the_training(epochs, sizes, seen):
    model, sides = PhotoNet(), []
    look = {"on_batch": lambda _: sides.append(model.side)}
    model.register_forward_pre_hook(lambda net, given: setattr(net, "side", given[0].shape[2]))
    history = fit_photos(model, photos(), epochs, sizes=sizes, progress=False, **look)
    assert (sides, history.epochs) == (seen, epochs)


@pytest.mark.parametrize("own", [{}, {"learning_rate": 1e-4, "schedule": None}])
def test_it_is_fit_with_the_recipe_unless_options_replace_it(own):
    torch.manual_seed(0)
    ours, plain = PhotoNet(), PhotoNet()
    plain.load_state_dict(ours.state_dict())
    fit_photos(ours, photos(), 2, sizes=(16,), seed=5, progress=False, **own)
    options = {"augment": PhotoChanges(16), "seed": 5, "progress": False} | RECIPE | own
    fit(plain, photos(), epochs=2, **options)
    assert all(map(torch.equal, ours.parameters(), plain.parameters()))
