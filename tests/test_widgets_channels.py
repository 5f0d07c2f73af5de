"""The channel mixer: its arithmetic, and every one of its controls."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cnn_basics.widgets import channel_mixer
from cnn_basics.widgets.channels import GREYS, LARGEST, ORDERS, mix_channels

IMAGES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=6).map(lambda s: (*s, 3)))
GAINS = st.tuples(*[st.integers(0, 20).map(lambda tenths: tenths / 10)] * 3)
TICKS = st.tuples(*[st.booleans()] * 3)
BT601 = [0.299, 0.587, 0.114]


def convolve(image, matrix):
    """A 1×1 convolution over the channels, in float64."""
    x = torch.from_numpy(image.astype(np.float64)).permute(2, 0, 1)[None]
    weight = torch.tensor(matrix, dtype=torch.float64)[:, :, None, None]
    return torch.nn.functional.conv2d(x, weight)[0].permute(1, 2, 0).round().numpy()


def expect(image, gains, order, dropped, grey):
    """The result, and the numbers above 255: two 1×1 convolutions."""
    own = grey == GREYS[3]
    matrix = np.zeros((3, 3))
    for row, letter in enumerate(order):
        matrix[row, "RGB".index(letter)] = (1 if own else gains[row]) * (not dropped[row])
    mixed = convolve(image, matrix.tolist())
    result, cut = mixed.clip(0, 255), int((mixed > 255).sum())
    if grey == "off":
        return result, cut
    total = sum(gains) or 1
    weights = {"mean": [1 / 3] * 3, "BT.601": BT601}.get(grey, [gain / total for gain in gains])
    return convolve(result, [weights])[..., 0], cut


@settings(max_examples=80)
@given(IMAGES, GAINS, st.sampled_from(ORDERS), TICKS, st.sampled_from(GREYS))
def test_mixing_is_a_convolution_over_the_channels(image, gains, order, dropped, grey):
    mixed = mix_channels(image, gains, order, dropped, grey)
    wanted, cut = expect(image, gains, order, dropped, grey)
    assert mixed.picture.dtype == np.uint8
    assert mixed.cut == cut
    assert mixed.numbers == image.size
    assert mixed.picture.shape == wanted.shape
    assert np.abs(mixed.picture - wanted).max() <= (grey != "off")  # halves may round either way


def test_by_hand():
    orange = np.array([[[200, 100, 50]]], dtype=np.uint8)
    assert mix_channels(orange).picture.tolist() == [[[200, 100, 50]]]
    assert mix_channels(orange, (2, 1, 0.5)).picture.tolist() == [[[255, 100, 25]]]
    assert mix_channels(orange, (2, 1, 0.5)).cut == 1
    assert mix_channels(np.full((1, 1, 3), 255, np.uint8)).cut == 0  # 255 itself is not cut
    assert mix_channels(orange, order="GRB").picture.tolist() == [[[100, 200, 50]]]
    assert mix_channels(orange, dropped=(True, False, False)).picture.tolist() == [[[0, 100, 50]]]
    assert mix_channels(orange, grey="mean").picture.tolist() == [[117]]
    assert mix_channels(orange, grey="BT.601").picture.tolist() == [[124]]
    assert mix_channels(orange, (2, 2, 0), grey=GREYS[3]).picture.tolist() == [[150]]
    assert mix_channels(orange, (0, 0, 0), grey=GREYS[3]).picture.tolist() == [[0]]


@pytest.mark.parametrize(("order", "grey"), [("RRG", "off"), ("rgb", "off"), ("RGB", "mean ")])
def test_unknown_words_are_refused(order, grey):
    with pytest.raises(ValueError, match="use one of these"):
        mix_channels(np.zeros((2, 2, 3), np.uint8), order=order, grey=grey)


@pytest.fixture(scope="module")
def image():
    rows, columns = np.indices((9, 12))
    return np.stack([rows * 28, columns * 23, 255 - rows * columns], axis=-1).astype(np.uint8)


def check(figure, image, values):
    """Whatever was drawn is what was expected for these values."""
    gains = [values[name] for name in ("red", "green", "blue")]
    dropped = [values[f"drop_{name}"] for name in ("red", "green", "blue")]
    wanted, cut = expect(image, gains, values["order"], dropped, values["grey"])
    layers = np.atleast_3d(wanted)
    drawn = figure.axes[1].images[0].get_array()
    grey = values["grey"] != "off"
    assert np.abs(drawn - np.broadcast_to(layers, image.shape)).max() <= grey
    shown = [step for step in figure.axes[2].patches if step.get_visible()]
    assert [s.get_label() for s in shown] == (["grey"] if grey else ["red", "green", "blue"])
    for step, layer in zip(shown, np.moveaxis(drawn, -1, 0), strict=False):
        counts = np.bincount(layer.ravel() // 8, minlength=32)
        assert np.allclose(step.get_data().values, 100 * counts / layer.size)
    share = 100 * cut / image.size
    number = "Less than 1" if share < 1 else "More than 99" if 99 < share < 100 else f"{share:.0f}"
    told = f" {number} % of the values were cut at 255." if cut else " No value was cut."
    assert figure.alt.endswith(told)
    assert f"order {values['order']}," in figure.alt


def test_every_combination_of_order_grey_and_drops(image):
    mixer = channel_mixer(image)
    steps = [index / 10 for index in range(21)]
    for index, (order, grey, *drops) in enumerate(product(ORDERS, GREYS, *[(False, True)] * 3)):
        values = {"order": order, "grey": grey}
        for shift, name in enumerate(("red", "green", "blue")):
            values[name] = steps[(index * (shift + 1) + 7 * shift) % 21]
            values[f"drop_{name}"] = drops[shift]
        check(mixer.draw(**values), image, values)


def sweep(widget):
    """Every control with every value it can take, the others as they are."""
    for name, control in widget.controls.items():
        before = control.value
        if hasattr(control, "options"):
            every = [option if isinstance(option, str) else option[1] for option in control.options]
        elif hasattr(control, "step"):
            count = round((control.max - control.min) / control.step)
            every = [round(control.min + i * control.step, 6) for i in range(count + 1)]
        else:
            every = [False, True]
        for value in every:
            yield name, control, value
        control.value = before


def test_every_value_of_every_control_draws(image):
    mixer = channel_mixer(image)
    seen, figure = set(), mixer.still()  # the one figure that is drawn every time
    for name, control, value in sweep(mixer):
        control.value = value
        assert mixer.values()[name] == value
        check(figure, image, mixer.values())
        seen.add((name, value, mixer.picture.value))
    assert len({(name, value) for name, value, _ in seen}) == 3 * 21 + 6 * 1 + 6 + 4
    assert all("<img" in shown and 'role="alert"' not in shown for *_, shown in seen)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 900, 3), (900, 2, 3), (64, 64, 3), (700, 500, 3)])
def test_any_picture_is_shown_and_a_large_one_is_shrunk(shape):
    mixer = channel_mixer(np.full(shape, 200, np.uint8))
    drawn = mixer.still().axes[1].images[0].get_array()
    assert max(drawn.shape) <= max(LARGEST, 3)
    assert (drawn == 200).all()
    mixer.controls["green"].value = 1.5
    assert "33 % of the values were cut at 255." in mixer.still().alt


def test_something_else_is_refused():
    with pytest.raises(TypeError, match="read the file first"):
        channel_mixer([[0]])
    with pytest.raises(ValueError, match="uint8"):
        channel_mixer(np.zeros((2, 2, 3)))


def test_the_fallback_is_a_picture_with_the_alt_text(image):
    mixer = channel_mixer(image)
    data, metadata = mixer._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == mixer.still().alt
    assert len(data["image/png"]) < 200_000
    assert repr(mixer) == "<RedrawnFigure>"
