"""The feature-map browser and the occlusion explorer: every control, and what they show."""

from __future__ import annotations

import base64
import io
import itertools
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from traitlets import TraitError

from cnn_basics.explain import feature_maps
from cnn_basics.model import Custom_CNN
from cnn_basics.widgets import feature_map_browser, occlusion_explorer
from cnn_basics.widgets.redrawn import colour

STEPS = dict.fromkeys(("conv1", "relu", "max_pool2d"), 32)
STEPS |= dict.fromkeys(("conv2", "relu_1", "max_pool2d_1"), 64)
NAMES = ["cat", "dog"]


def normalise(pictures):
    return (pictures.float() / 255 - 0.5) / 0.25


@pytest.fixture(scope="module")
def pictures():
    torch.manual_seed(3)
    return torch.randint(0, 256, (3, 3, 28, 28), dtype=torch.uint8)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Custom_CNN()


@pytest.fixture
def browser(model, pictures):
    return feature_map_browser(model, pictures, ["cat", "dog", "cat"], normalise)


@pytest.fixture(scope="module")
def labels():
    return torch.tensor([0, 1, 0])


@pytest.fixture
def explorer(model, pictures, labels):
    return occlusion_explorer(model, pictures, labels, NAMES, normalise)


def alt_of(browser) -> str:
    """What the picture in the page says."""
    return re.search('alt="([^"]*)"', browser.picture.value)[1]


@pytest.mark.parametrize("picture", ["1: cat", "2: dog", "3: cat"])
def test_every_step_and_channel_is_drawn_and_described_by_its_numbers(
    browser, model, pictures, picture
):
    number = int(picture[0]) - 1
    maps = feature_maps(model, normalise(pictures))
    step, channel = browser.controls["step"], browser.controls["channel"]
    assert [value for _, value in step.options] == list(STEPS)
    assert step.options[3][0] == "conv2  64×14×14"
    browser.controls["picture"].value = picture
    for step.value, count in STEPS.items():
        assert channel.max == count - 1
        for channel.value in (0, 7, count - 1):
            chosen = maps[step.value][number, channel.value]
            alt, place = alt_of(browser), f"{step.value}, channel {channel.value} of {count}: "
            assert alt.startswith(f"Picture {picture} and its feature maps. {place}")
            row, column = divmod(int(chosen.argmax()), chosen.shape[1])
            largest = f"largest at row {row}, column {column};"
            assert (largest if chosen.any() else "this map is 0 everywhere") in alt
            stored = f"feature map of channel {channel.value} of step {step.value}, and"
            page = (figure := browser.still()).page
            assert figure.alt.startswith(f"Picture {picture}, the {stored}")
            shown, large, sheet = (image.get_array() for image in page.images)
            np.testing.assert_allclose(shown, pictures[number].permute(1, 2, 0) / 255, atol=1e-6)
            coloured = colour(maps[step.value][number].double().numpy(), "conv" in step.value)
            np.testing.assert_allclose(large, coloured[channel.value])
            left, right, _, top = page.images[2].get_extent()
            (frame,), scale, side = page.patches, sheet.shape[1] / (right - left), len(chosen)
            x, y = frame.get_x() - left, top - frame.get_y()
            x, y, width, height = (
                scale * n for n in (x, y, frame.get_width(), -frame.get_height())
            )
            assert (x, y, width, height) == pytest.approx([*map(round, (x, y)), side, side])
            x, y = round(x), round(y)
            np.testing.assert_allclose(sheet[y : y + side, x : x + side], large)


def test_fewer_channels_take_the_slider_along(browser):
    browser.controls["step"].value = "conv2"
    browser.controls["channel"].value = 63
    browser.controls["step"].value = "conv1"
    assert browser.controls["channel"].value == browser.controls["channel"].max == 31
    assert "conv1, channel 31 of 32" in alt_of(browser)
    assert "channel 31 of step conv1" in browser.still().alt


def test_networks_of_one_and_of_many_channels_and_one_without_maps(pictures):
    one = nn.Sequential(nn.Conv2d(3, 1, 3), nn.Flatten())
    browser = feature_map_browser(one, pictures, [*NAMES, "cat"])
    browser.controls["channel"].value = 1
    assert "0, channel 0 of 1" in alt_of(browser)
    many = nn.Sequential(nn.Conv2d(3, 65, 27))
    browser = feature_map_browser(many, pictures, [*NAMES, "cat"])
    sheet = browser.still().page.images[2].get_array()
    assert sheet.shape == (8 * 3 - 1, 9 * 3 - 1, 3)  # nine in a row
    with pytest.raises(ValueError, match="with a step that gives maps"):
        feature_map_browser(nn.Sequential(nn.Flatten()), pictures, [*NAMES, "cat"])


@pytest.mark.parametrize("size", [8, 12])
def test_every_share_is_what_the_network_says_of_the_covered_picture(
    explorer, model, pictures, labels, size
):
    fill = pictures.float().mean(dim=(0, 2, 3)).to(torch.uint8)
    each = (explorer.shares, explorer.leads, explorer.answers)
    shares, leads, answers = (found[str(size)] for found in each)
    places = (28 - size) // 2 + 1
    assert np.array(shares).shape == np.array(answers).shape == (3, places, places)
    for number, row, column in [(0, 0, 0), (1, places - 1, 2), (2, 3, places - 1)]:
        covered = pictures[number : number + 1].clone()
        top, left = 2 * row, 2 * column
        covered[:, :, top : top + size, left : left + size] = fill[None, :, None, None]
        with torch.no_grad():
            right = model(normalise(covered))[0]
        own, other = right[labels[number]].item(), right[1 - labels[number]].item()
        share = 100 * F.softmax(right, dim=0)[labels[number]].item()
        assert shares[number][row][column] == pytest.approx(share, abs=0.06)
        assert leads[number][row][column] == pytest.approx(own - other, abs=0.006)
        assert answers[number][row][column] == NAMES[right.argmax()]


def decoded(address: str) -> np.ndarray:
    png = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png))).astype(int)


def test_the_whole_picture_and_the_colour_of_the_square(explorer, model, pictures, labels):
    with torch.no_grad():
        scores = model(normalise(pictures))
    shares = 100 * F.softmax(scores, dim=1)[range(3), labels]
    assert [share for share, _ in explorer.whole] == pytest.approx(shares.tolist(), abs=0.06)
    leads = scores[range(3), labels] - scores[range(3), 1 - labels]
    assert [lead for _, lead in explorer.whole] == pytest.approx(leads.tolist(), abs=0.006)
    mean = pictures.float().mean(dim=(0, 2, 3)).to(torch.uint8).tolist()
    assert explorer.colour == "#" + "".join(f"{level:02x}" for level in mean)
    assert np.array_equal(decoded(explorer.images[1]), pictures[1].permute(1, 2, 0))


def test_heats_are_red_above_zero_and_blue_below(explorer):
    for size in ("8", "12"):
        for number, leads in enumerate(explorer.leads[size]):
            heat = decoded(explorer.heats[size][number])
            assert heat.shape == (*np.shape(leads), 3)
            redder = heat[..., 0] - heat[..., 2]
            clear = np.abs(leads) > 0.1 * np.abs(leads).max()  # else nearly white
            assert ((redder > 0) == (np.array(leads) > 0))[clear].all()


def test_the_lead_of_more_than_two_classes_is_over_the_best_other():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 12, 4))
    x = torch.rand(2, 3, 12, 12)
    explorer = occlusion_explorer(model, x, torch.tensor([3, 1]), list("abcd"))
    scores = model(x)
    for number, label in enumerate([3, 1]):
        others = [k for k in range(4) if k != label]
        lead = scores[number, label] - scores[number, others].max()
        assert explorer.whole[number][1] == pytest.approx(lead.item(), abs=0.006)


def test_every_place_of_every_square_can_be_set_and_drawn(explorer, labels):
    for explorer.picture, explorer.size in itertools.product(range(3), (8, 12)):
        last = len(explorer.shares[str(explorer.size)][0]) - 1
        for explorer.row, explorer.column in itertools.product((0, last), repeat=2):
            place = f"at row {2 * explorer.row}, column {2 * explorer.column}, and"
            title = f"{explorer.picture + 1}: {NAMES[labels[explorer.picture]]}"
            said = f"Picture {title} with a {explorer.size}×{explorer.size} square {place}"
            assert explorer.still().alt.startswith(said)
    assert (explorer.row, explorer.column) == (8, 8)
    explorer.size = 8
    explorer.row = explorer.column = 10
    explorer.size = 12  # a larger square comes back onto the picture
    assert (explorer.row, explorer.column) == (8, 8)


@pytest.mark.parametrize(
    ("name", "value"), [("picture", 3), ("row", 11), ("column", -1), ("size", 5)]
)
def test_what_there_is_not_is_refused(explorer, name, value):
    with pytest.raises(TraitError, match=f"expected {name} as one of"):
        setattr(explorer, name, value)


def test_the_still_picture_shows_square_and_places(explorer):
    explorer.row, explorer.column, explorer.picture = 3, 5, 1
    left, right, *_ = explorer.still().axes
    (square,) = left.patches
    assert (*square.get_xy(), square.get_width()) == (9.5, 5.5, 8)
    leads = np.array(explorer.leads["8"][1])
    np.testing.assert_allclose(right.get_images()[0].get_array(), leads)
    assert right.get_images()[0].get_clim() == (-abs(leads).max(), abs(leads).max())
    lines = [found.levels.tolist() for found in right.collections if hasattr(found, "levels")]
    assert lines == ([[0.0]] if leads.min() < 0 < leads.max() else [])


def test_the_network_and_the_pictures_are_left_as_they_were(model, pictures, labels):
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.model, self.relu = model, nn.ReLU(inplace=True)

        def forward(self, x):
            return self.model(self.relu(x.sub_(0.5).div_(0.25)))

    in_place, x = InPlace().train(), pictures / 255
    before, kept = {name: value.clone() for name, value in model.state_dict().items()}, x.clone()
    explorer = occlusion_explorer(in_place, x, labels, NAMES)
    browser = feature_map_browser(in_place, x, ["a", "b", "c"])
    assert in_place.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in in_place.modules())
    assert torch.equal(x, kept)
    right = occlusion_explorer(model, x, labels, NAMES, lambda x: ((x - 0.5) / 0.25).relu())
    for name in ("whole", "leads", "shares", "answers"):
        for size in ("8", "12"):
            told, wanted = (getattr(each, name) for each in (explorer, right))
            told, wanted = (each if name == "whole" else each[size] for each in (told, wanted))
            assert name == "answers" or np.allclose(told, wanted, atol=0.011)
    np.testing.assert_allclose(browser.still().page.images[0].get_array(), x[0].permute(1, 2, 0))


BLACK = torch.zeros(2, 3, 28, 28)


@pytest.mark.parametrize(
    ("pictures", "labels", "error", "words"),
    [
        (BLACK[0], [0] * 3, ValueError, "expected 1 to 12"),
        (BLACK[:1].expand(13, -1, -1, -1), [0] * 13, ValueError, "expected 1 to 12"),
        (BLACK[:, :2], [0, 1], ValueError, "expected 1 to 12"),
        (BLACK, [0], ValueError, "a title for each of 2 pictures, got 1"),
        (BLACK.tolist(), [0, 1], TypeError, r"got a list: write torch\.as_tensor"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(model, pictures, labels, error, words):
    with pytest.raises(error, match=words):
        feature_map_browser(model, pictures, [NAMES[label] for label in labels])
    with pytest.raises(error, match=words):
        occlusion_explorer(model, pictures, torch.tensor(labels), NAMES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pictures": BLACK[:1, :, :8]}, "at least 12×12 pixels, got 8×28"),
        ({"labels": [2]}, r"expected labels from 0 to 1, .* got \[2\]"),
        ({"labels": np.array([-1])}, r"got \[-1\]"),
        ({"names": ["cat", "dog", "cow"]}, "expected 2 names, one for each score .* got 3"),
    ],
)
def test_what_the_occlusion_explorer_refuses(model, change, words):
    with pytest.raises(ValueError, match=words):
        occlusion_explorer(
            **{"model": model, "pictures": BLACK[:1], "labels": [0], "names": NAMES} | change
        )
