"""The channel mixer: its arithmetic, and every one of its controls."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeping import every_value, sweep

from cnn_basics.widgets import channel_mixer
from cnn_basics.widgets.channels import GREYS, LARGEST

NAMES = ("red", "green", "blue")
ROWS, COLUMNS = np.indices((9, 12))
IMAGE = np.stack([ROWS * 28, COLUMNS * 23, 255 - ROWS * COLUMNS], axis=-1).astype(np.uint8)


def convolve(image, matrix):
    """A 1×1 convolution over the channels, in float64."""
    x = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    weight = torch.tensor(np.array(matrix))[:, :, None, None]
    return torch.nn.functional.conv2d(x, weight)[0].permute(1, 2, 0).round().numpy()


def by_convolution(image, gains, order, dropped, grey):
    """The result, and how many numbers are above 255: two 1×1 convolutions."""
    gains_here = (1, 1, 1) if grey == GREYS[3] else gains
    kept = [gain * (not drop) for gain, drop in zip(gains_here, dropped, strict=True)]
    mixed = convolve(image, np.diag(kept) @ np.eye(3)[["RGB".index(letter) for letter in order]])
    result, cut = mixed.clip(0, 255), int((mixed > 255).sum())
    if grey == "off":
        return result, cut
    own = [gain / (sum(gains) or 1) for gain in gains]
    weights = {"mean": [1 / 3] * 3, "BT.601": [0.299, 0.587, 0.114]}.get(grey, own)
    return convolve(result, [weights])[..., 0], cut


def check(figure, values):
    """Whatever was drawn is what was expected for these values."""
    gains, dropped = [values[n] for n in NAMES], [values[f"drop_{n}"] for n in NAMES]
    wanted, cut = by_convolution(IMAGE, gains, values["order"], dropped, values["grey"])
    drawn, grey = figure.axes[1].images[0].get_array(), values["grey"] != "off"
    assert np.abs(drawn - np.broadcast_to(np.atleast_3d(wanted), IMAGE.shape)).max() <= grey
    shown = [step for step in figure.axes[2].patches if step.get_visible()]
    named = [text.get_text() for text in figure.axes[2].get_legend().get_texts()]
    assert named == [step.get_label() for step in shown] == (["grey"] if grey else [*NAMES])
    for step, layer in zip(shown, np.moveaxis(drawn, -1, 0), strict=False):
        counts = np.bincount(layer.ravel() // 8, minlength=32)
        assert np.allclose(step.get_data().values, 100 * counts / layer.size)
    share = 100 * cut / IMAGE.size
    number = "Less than 1" if share < 1 else "More than 99" if 99 < share < 100 else f"{share:.0f}"
    told = f" {number} % of the values were cut at 255." if cut else " No value was cut."
    assert figure.alt.endswith(told)
    assert f"order {values['order']}," in figure.alt


def test_every_value_of_every_control():
    mixer = channel_mixer(IMAGE)
    for _ in sweep(mixer):
        check(mixer.still(), mixer.values())


MIXER = channel_mixer(IMAGE)
VALUES = {name: st.sampled_from(every_value(control)) for name, control in MIXER.controls.items()}


@settings(max_examples=150)
@given(st.fixed_dictionaries(VALUES))
def test_controls_together_are_a_convolution_over_the_channels(values):
    check(MIXER.draw(**values), values)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (900, 2, 3), (64, 64, 3), (700, 500, 3)])
def test_any_picture_is_shown_and_a_large_one_is_shrunk(shape):
    mixer = channel_mixer(np.full(shape, 200, np.uint8))
    drawn = mixer.still().axes[1].images[0].get_array()
    assert max(drawn.shape) <= max(LARGEST, 3)
    assert (drawn == 200).all()
    mixer.controls["green"].value = 1.5
    assert "33 % of the values were cut at 255." in mixer.still().alt
    mixer.controls["red"].value = mixer.controls["blue"].value = 1.5
    beyond = mixer.still().axes[2].texts[-1].get_text()
    assert beyond.split("\n") == [f"{name} 100 % at 248–255" for name in NAMES]
