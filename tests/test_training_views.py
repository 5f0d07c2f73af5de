import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.model import PhotoNet
from cnn_basics.training import evaluate
from cnn_basics.training.views import RandomViews, evaluate_views, resize_batch


def ramps(count, size=80):
    """Two channels that say where a pixel is: its column and its row, from −1 to 1."""
    line = (torch.arange(size) + 0.5) / size * 2 - 1
    x, y = line.expand(size, size), line[:, None].expand(size, size)
    return torch.stack([x, y]).expand(count, 2, size, size)


def steps(views):
    """What a step to the right, and one downwards, changes, in the middle of each view."""
    half = views.shape[-1] // 2
    middle = views[:, :, half, half]
    return (views[:, :, half, half + 1] - middle), (views[:, :, half + 1, half] - middle)


@pytest.fixture(scope="module")
def seen():
    """The size, turn, mirroring and centre of 400 views, as the ramps betray them."""
    torch.manual_seed(0)
    views = RandomViews(40, least=0.36, stretch=1.0, degrees=15)(ramps(400))
    right, down = (step * 40 / 2 for step in steps(views))  # times half the width of a view
    return {
        "width": right.norm(dim=1),
        "height": down.norm(dim=1),
        "mirrored": right[:, 0] < 0,
        "degrees": torch.atan2(-down[:, 0], down[:, 1]) * 180 / math.pi,
        "centre": views[:, :, 19:21, 19:21].mean(dim=(2, 3)),
    }


def test_views_have_the_area_asked_for(seen):
    area = seen["width"] * seen["height"]
    torch.testing.assert_close(seen["width"], seen["height"], atol=1e-3, rtol=0)
    assert area.min() > 0.36 - 1e-3
    assert area.max() < 1 + 1e-3
    assert area.min() < 0.38
    assert area.max() > 0.98
    assert abs(area.mean() - 0.68) < 0.03


def test_half_of_the_views_are_mirrored_and_all_are_turned_evenly(seen):
    assert 0.4 < seen["mirrored"].float().mean() < 0.6
    degrees = seen["degrees"]
    assert -15.1 < degrees.min() < -14
    assert 14 < degrees.max() < 15.1
    assert degrees.mean().abs() < 1.5


def test_views_stay_inside_before_they_are_turned(seen):
    centre, room = seen["centre"].abs(), 1 - seen["width"][:, None]
    assert (centre <= room + 1e-3).all()
    assert (centre / room.clamp(min=0.05)).max() > 0.9


def test_stretch_changes_the_sides_by_at_most_its_factor_each():
    torch.manual_seed(0)
    views = RandomViews(40, least=0.3, stretch=1.5, degrees=0)(ramps(400))
    right, down = steps(views)
    ratio = right.norm(dim=1) / down.norm(dim=1)
    assert 1.8 < ratio.max() <= 1.5**2 + 1e-2
    assert 1 / 1.8 > ratio.min() >= 1 / 1.5**2 - 1e-2


def test_without_chance_it_only_resizes_and_mirrors():
    torch.manual_seed(0)
    pictures = torch.rand(20, 3, 16, 24)
    views = RandomViews(16, least=1, stretch=1, degrees=0)(pictures[..., :16])
    same = torch.isclose(views, pictures[..., :16], atol=1e-5).flatten(1).all(dim=1)
    mirrored = torch.isclose(views, pictures[..., :16].flip(3), atol=1e-5).flatten(1).all(dim=1)
    assert (same ^ mirrored).all()
    assert 0 < same.sum() < 20
    assert views.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("mirror", [0, 1])
def test_mirror_is_how_likely(mirror):
    pictures = torch.rand(8, 3, 16, 16)
    views = RandomViews(16, least=1, stretch=1, degrees=0, mirror=mirror)(pictures)
    wanted = pictures.flip(3) if mirror else pictures
    torch.testing.assert_close(views, wanted, atol=1e-5, rtol=0)


def test_the_seed_decides_and_pictures_stay():
    pictures = torch.rand(4, 3, 32, 32)
    before = pictures.clone()
    views = RandomViews(24)
    torch.manual_seed(3)
    first = views(pictures)
    torch.manual_seed(3)
    assert torch.equal(views(pictures), first)
    assert not torch.equal(views(pictures), first)
    assert torch.equal(pictures, before)
    views.size = 12
    assert views(pictures.double()).shape == (4, 3, 12, 12)
    assert views(pictures.double()).dtype == torch.float64


@pytest.mark.parametrize(
    "options",
    [
        {"size": 0},
        {"least": 0.0},
        {"least": 1.1},
        {"stretch": 0.9},
        {"degrees": -1},
        {"mirror": 1.5},
    ],
    ids=str,
)
def test_odd_options_are_refused(options):
    with pytest.raises(ValueError, match="expected size of at least 1, least above 0 up to 1"):
        RandomViews(**{"size": 8, **options})


def data(count=7, size=24):
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (count, 3, size, size), generator=generator)
    return pictures.to(torch.uint8), torch.arange(count) % 2


def test_one_size_is_the_mean_of_a_picture_and_its_mirror_image():
    torch.manual_seed(0)
    model, (pictures, labels) = PhotoNet(), data()
    found = evaluate_views(model, (pictures, labels), sizes=(24,), batch_size=3)
    assert model.training
    plain = evaluate(model, (pictures, labels)).probabilities
    mirrored = evaluate(model, (pictures.flip(3), labels)).probabilities
    torch.testing.assert_close(found.probabilities, (plain + mirrored) / 2, atol=1e-6, rtol=1e-5)
    right = (found.probabilities.argmax(1) == labels).float().mean().item()
    assert found.accuracy == pytest.approx(right)


def test_sizes_are_averaged_and_batches_make_no_difference():
    torch.manual_seed(0)
    model, (pictures, labels) = PhotoNet(), data()
    both = evaluate_views(model, (pictures, labels), sizes=(24, 16)).probabilities
    each = [evaluate_views(model, (pictures, labels), sizes=(s,), batch_size=2) for s in (24, 16)]
    mean = (each[0].probabilities + each[1].probabilities) / 2
    torch.testing.assert_close(both, mean, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(each[0].probabilities, each[1].probabilities, atol=1e-4)


def test_resizing_is_that_of_torch_with_antialiasing():
    pictures = torch.rand(2, 3, 24, 20)
    wanted = F.interpolate(pictures, (10, 10), mode="bilinear", antialias=True)
    torch.testing.assert_close(resize_batch(pictures, 10), wanted)
    square = pictures[..., :20, :]
    assert resize_batch(square, 20) is square


def test_no_size_and_no_batch_are_refused():
    for options in ({"sizes": ()}, {"sizes": (0,)}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="expected at least one size, and batch_size, from 1"):
            evaluate_views(nn.Flatten(), data(), **options)
