"""The feature-map browser and the occlusion explorer: every control, and what they show."""

from __future__ import annotations

import base64
import io
from itertools import product

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cnn_basics.explain import feature_maps
from cnn_basics.model import Custom_CNN
from cnn_basics.widgets import feature_map_browser, occlusion_explorer
from cnn_basics.widgets.paint import ask_network
from cnn_basics.widgets.redrawn import colour

STEPS = dict.fromkeys(("conv1", "relu", "max_pool2d"), 32)
STEPS |= dict.fromkeys(("conv2", "relu_1", "max_pool2d_1"), 64)
NAMES, LABELS, TITLES = ["cat", "dog", "cow"], torch.tensor([2, 1, 0]), ["cat", "dog", "cat"]
torch.manual_seed(3)
PICTURES = torch.randint(0, 256, (3, 3, 28, 28), dtype=torch.uint8)
MODEL = Custom_CNN(3)


def normalise(pictures):
    return (pictures.float() / 255 - 0.5) / 0.25


@pytest.fixture
def browser():
    return feature_map_browser(MODEL, PICTURES, TITLES, normalise)


@pytest.fixture
def explorer():
    return occlusion_explorer(MODEL, PICTURES, LABELS, NAMES, normalise)


@pytest.mark.parametrize("number", range(3))
def test_every_step_and_channel_is_drawn_and_described_by_its_numbers(browser, number):
    picture, maps = f"{number + 1}: {TITLES[number]}", feature_maps(MODEL, normalise(PICTURES))
    step, channel = browser.controls["step"], browser.controls["channel"]
    assert [value for _, value in step.options] == list(STEPS)
    assert step.options[3][0] == "conv2  64×14×14"
    browser.controls["picture"].value = picture
    for step.value, count in STEPS.items():
        assert channel.max == count - 1
        for channel.value in (0, 7, count - 1):
            stack = maps[step.value][number]
            chosen, side = stack[channel.value], stack.shape[-1]
            row, column = divmod(int(chosen.argmax()), side)
            largest = f"largest at row {row}, column {column};"
            for words in (
                f'alt="Picture {picture} and its feature maps. {step.value}, channel ',
                f"channel {channel.value} of {count}: ",
                largest if chosen.any() else "this map is 0 everywhere",
            ):
                assert words in browser.picture.value
            figure = browser.still()
            stored = f"the feature map of channel {channel.value} of step {step.value}, and all"
            assert figure.alt.startswith(f"Picture {picture}, {stored}")
            shown, large, sheet = (image.get_array() for image in figure.page.images)
            np.testing.assert_allclose(shown, PICTURES[number].permute(1, 2, 0) / 255, atol=1e-6)
            np.testing.assert_allclose(
                large, colour(stack.double().numpy(), "conv" in step.value)[channel.value]
            )
            left, right, _, top = figure.page.images[2].get_extent()
            (frame,), scale = figure.page.patches, sheet.shape[1] / (right - left)
            corner = np.array([frame.get_x() - left, top - frame.get_y()]) * scale
            assert (frame.get_width(), -frame.get_height()) == pytest.approx([side / scale] * 2)
            x, y = corner.round().astype(int)
            assert corner == pytest.approx((x, y))
            np.testing.assert_allclose(sheet[y : y + side, x : x + side], large)


def test_fewer_channels_take_the_slider_along_down_to_one(browser):
    step, channel = browser.controls["step"], browser.controls["channel"]
    step.value, channel.value = "conv2", 63
    step.value = "conv1"
    assert channel.value == channel.max == 31
    assert "conv1, channel 31 of 32" in browser.picture.value
    browser = feature_map_browser(nn.Sequential(nn.Conv2d(3, 1, 3), nn.Flatten()), PICTURES, TITLES)
    browser.controls["channel"].value = 1
    assert "0, channel 0 of 1" in browser.picture.value
    browser = feature_map_browser(nn.Sequential(nn.Conv2d(3, 65, 27)), PICTURES, TITLES)
    sheet = browser.still().page.images[2].get_array()
    assert sheet.shape == (8 * 3 - 1, 9 * 3 - 1, 3)  # nine in a row


def decoded(address: str) -> np.ndarray:
    png = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png))).astype(int)


def judge(picture, label):
    """What the network makes of one picture: share, lead and answer."""
    with torch.no_grad():
        scores = MODEL(normalise(picture[None]))[0]
    lead = scores[label] - torch.cat([scores[:label], scores[label + 1 :]]).max()
    return 100 * scores.softmax(dim=0)[label].item(), lead.item(), NAMES[scores.argmax()]


@pytest.mark.parametrize("size", [8, 12])
def test_every_number_is_what_the_network_says_of_the_covered_picture(explorer, size):
    fill = PICTURES.float().mean(dim=(0, 2, 3)).to(torch.uint8)
    assert explorer.colour == "#" + "".join(f"{level:02x}" for level in fill.tolist())
    each = (explorer.shares, explorer.leads, explorer.answers, explorer.heats)
    shares, leads, answers, heats = (found[str(size)] for found in each)
    places = (28 - size) // 2 + 1
    assert np.shape(shares) == np.shape(answers) == (3, places, places)
    for number, row, column in [(0, 0, 0), (1, places - 1, 2), (2, 3, places - 1)]:
        covered, label = PICTURES[number].clone(), int(LABELS[number])
        assert np.array_equal(decoded(explorer.images[number]), covered.permute(1, 2, 0))
        share, lead, _ = judge(covered, label)
        assert explorer.whole[number] == pytest.approx([share, lead], abs=0.06)
        top, left = 2 * row, 2 * column
        covered[:, top : top + size, left : left + size] = fill[:, None, None]
        share, lead, answer = judge(covered, label)
        assert shares[number][row][column] == pytest.approx(share, abs=0.06)
        assert leads[number][row][column] == pytest.approx(lead, abs=0.006)
        assert answers[number][row][column] == answer
        heat, lead = decoded(heats[number]), np.array(leads[number])
        assert heat.shape == (places, places, 3)
        redder, clear = heat[..., 0] > heat[..., 2], np.abs(lead) > 0.1 * np.abs(lead).max()
        assert (redder == (lead > 0))[clear].all()  # the others are nearly white


def test_every_place_of_every_square_can_be_set_and_drawn(explorer):
    for explorer.picture, explorer.size in product(range(3), (8, 12)):
        all_leads = np.array(explorer.leads[str(explorer.size)][explorer.picture])
        for explorer.row, explorer.column in product((0, len(all_leads) - 1), repeat=2):
            place = f"at row {2 * explorer.row}, column {2 * explorer.column}, and"
            title = f"{explorer.picture + 1}: {NAMES[LABELS[explorer.picture]]}"
            said = f"Picture {title} with a {explorer.size}×{explorer.size} square {place}"
            figure = explorer.still()
            assert figure.alt.startswith(said)
        left, right, *_ = figure.axes
        (square,), (heat,) = left.patches, right.get_images()
        corner = (2 * explorer.column - 0.5, 2 * explorer.row - 0.5)
        assert (*square.get_xy(), square.get_width()) == (*corner, explorer.size)
        np.testing.assert_allclose(heat.get_array(), all_leads)
        assert heat.get_clim() == (-abs(all_leads).max(), abs(all_leads).max())
        lines = [found.levels.tolist() for found in right.collections if hasattr(found, "levels")]
        assert lines == ([[0.0]] if all_leads.min() < 0 < all_leads.max() else [])
    explorer.size = 8
    explorer.row = explorer.column = 10
    explorer.size = 12  # a larger square comes back onto the picture
    assert (explorer.row, explorer.column) == (8, 8)


class InPlace(nn.Module):
    """`MODEL` behind a normalisation in place."""

    def __init__(self):
        super().__init__()
        self.model = MODEL

    def forward(self, x):
        return self.model(x.sub_(0.5).div_(0.25))


def test_the_network_and_the_pictures_are_left_as_they_were(explorer, browser):
    model, x, state = InPlace().train(), PICTURES / 255, torch.get_rng_state()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    again = occlusion_explorer(model, x, LABELS, "abc")
    maps = feature_map_browser(MODEL, x, "abc", lambda pictures: pictures.sub_(0.5).div_(0.25))
    answer = ask_network(model, x[:1], ["model.conv1"])  # of the paint pad
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training and not module._forward_hooks for module in model.modules())
    torch.testing.assert_close(dict(model.state_dict()), before, rtol=0, atol=0)
    assert torch.equal(x, PICTURES / 255)
    for size in ("8", "12"):
        assert np.allclose(again.leads[size], explorer.leads[size], atol=0.011)
    assert np.allclose(again.whole, explorer.whole, atol=0.11)
    for left, right in zip(maps.still().page.images, browser.still().page.images, strict=True):
        np.testing.assert_allclose(left.get_array(), right.get_array(), atol=0.01)
    normalised = normalise(PICTURES[:1])
    with torch.no_grad():
        shares, conv1 = MODEL(normalised).softmax(1)[0], MODEL.conv1(normalised)[0]
    np.testing.assert_allclose(answer.picture, x[0].permute(1, 2, 0), atol=1e-6)
    np.testing.assert_allclose(answer.shares, shares, atol=1e-6)
    np.testing.assert_allclose(answer.layers["model.conv1"], conv1, atol=1e-5)
