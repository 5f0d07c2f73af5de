"""Paint or upload: what the network sees, what it answers, and every callback of the pad."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from traitlets import TraitError

from cnn_basics.datasets import digit_from_drawing, load_folder, load_pets
from cnn_basics.explain import feature_maps
from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.widgets import paint_or_upload
from cnn_basics.widgets.paint import (
    FIRST_PHOTO,
    MOST_BYTES,
    SIDE,
    PaintPad,
    as_ink,
    ask_network,
    choose_layers,
    first_drawing,
    picture_of,
)

DIGITS = "0123456789"
BLANK = "0" * SIDE**2


@pytest.fixture(scope="module")
def digits():
    torch.manual_seed(0)
    return Custom_CNN(10, 1)


@pytest.fixture(scope="module")
def pets():
    torch.manual_seed(0)
    return Custom_CNN()


def as_drawing(ink) -> str:
    return "".join("1" if cell else "0" for cell in np.asarray(ink).ravel())


def photo(mode="RGB", size=(40, 30), kind="PNG", **options):
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(file, kind, **options)
    return file.getvalue()


def paper_with(ink, paper=230, pen=20):
    """A photo of ink on paper, in greys that are not quite black and white."""
    grey = np.where(ink, pen, paper).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.pad(grey, 30, constant_values=paper)).save(file, "PNG")
    return file.getvalue()


def check(widget, model, x):
    """The numbers are the model's own for `x`, and the page is told them."""
    with torch.no_grad():
        expected = model.eval()(x).softmax(1)[0].numpy()
    assert np.allclose(widget.answer.shares, expected, atol=1e-6)
    for name, maps in widget.answer.layers.items():
        theirs = feature_maps(model, x, [name])[name][0].numpy()
        assert np.allclose(maps, theirs.reshape(maps.shape), atol=1e-6)
    shown = widget.answer.picture.astype(np.float32).transpose(2, 0, 1) / 255
    assert np.allclose(shown[: x.shape[1]], x[0].numpy(), atol=1e-6)
    best = widget._classes[int(expected.argmax())]
    assert f"the network says {best} (" in widget.pad.said
    assert f"the network says {best} (" in widget.picture.value


class TestDrawing:
    def test_rows_and_columns(self, digits):
        widget = paint_or_upload(digits, DIGITS)
        for k in range(0, SIDE, 5):
            ink = np.zeros((SIDE, SIDE), dtype=bool)
            ink[k] = ink[:, SIDE - 1 - k] = True
            widget.pad.drawing = as_drawing(ink)
            check(widget, digits, digit_from_drawing(ink).float() / 255)
            assert "Of the drawing the network says" in widget.pad.said

    def test_empty_paper(self, digits):
        widget = paint_or_upload(digits, DIGITS)
        widget.pad.drawing = BLANK
        check(widget, digits, torch.zeros(1, 1, 28, 28))
        assert "Of empty paper the network says" in widget.pad.said

    def test_the_first_drawing_is_a_three(self):
        ink = as_ink(first_drawing())
        assert ink.any(1).nonzero()[0].tolist() == list(range(4, 24))
        assert ink.sum(1)[[4, 9, 13]].tolist() == [12, 4, 10]
        assert (ink == ink[::-1]).all()

    def test_black_on_white_for_a_network_of_photos(self, pets):
        ink = as_ink(first_drawing())
        picture = picture_of(("", first_drawing()), channels=3, size=28)
        assert torch.equal(picture[0, 0], torch.from_numpy(np.where(ink, 0, 255)).byte())
        assert torch.equal(picture[:, :1], picture[:, 2:])
        widget = paint_or_upload(pets, ["cats", "dogs"])
        widget.pad.drawing, widget.pad.photo = first_drawing(), ""
        check(widget, pets, picture.float() / 255)

    def test_another_size(self):
        assert picture_of(("", first_drawing()), 1, 56).shape == (1, 1, 56, 56)
        assert picture_of(("", first_drawing()), 3, 20).shape == (1, 3, 20, 20)

    def test_text_and_ink(self):
        ink = np.random.default_rng(0).random((SIDE, SIDE)) > 0.5
        assert (as_ink(as_drawing(ink)) == ink).all()

    @pytest.mark.parametrize("wrong", ["", "1", BLANK + "0", "2" + BLANK[1:]])
    def test_a_drawing_that_is_none(self, wrong):
        pad = PaintPad(BLANK)
        with pytest.raises(TraitError, match="expected a drawing of 784 characters 0 or 1, got"):
            pad.drawing = wrong
        assert pad.drawing == BLANK


class TestPhoto:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
    def test_as_load_folder_has_it(self, pets, tmp_path, mode):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "1.png").write_bytes(photo(mode))
        expected = load_folder(tmp_path, 28, cache=False).pictures[:1]
        widget = paint_or_upload(pets, ["cats", "dogs"])
        widget.pad.take_photo("1.png", photo(mode))
        check(widget, pets, expected.float() / 255)
        assert "Of the photo 1.png the network says" in widget.pad.said

    def test_the_first_is_a_bundled_cat(self, pets):
        widget = paint_or_upload(pets, ["cats", "dogs"])
        check(widget, pets, load_pets("test_set")[0][:1].float() / 255)
        assert "photo cat.4001.png" in widget.still().alt

    def test_one_of_ones_own(self, pets, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        (tmp_path / "mine.jpg").write_bytes(photo(kind="JPEG"))
        for path in (tmp_path / "mine.jpg", str(tmp_path / "mine.jpg"), "~/mine.jpg"):
            widget = paint_or_upload(pets, ["cats", "dogs"], photo=path)
            assert widget.pad.photo == "mine.jpg"
        check(widget, pets, picture_of(widget.pad.value, 3, 28).float() / 255)

    @pytest.mark.parametrize(("paper", "pen"), [(230, 20), (140, 60), (10, 240)])
    def test_ink_on_paper_is_a_drawing(self, digits, paper, pen):
        large = np.kron(as_ink(first_drawing()), np.ones((4, 4))) > 0
        widget = paint_or_upload(digits, DIGITS)
        widget.pad.take_photo("three.png", paper_with(large, paper, pen))
        check(widget, digits, digit_from_drawing(large).float() / 255)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "me.jpg is empty (0 bytes)"),
            (b"<svg/>", "me.jpg is not a picture in a format that Pillow reads"),
            (photo(kind="JPEG")[:300], "me.jpg is damaged or cut off"),
            (photo()[:-40], "me.jpg is damaged or cut off"),
        ],
    )
    @pytest.mark.parametrize("name", ["digits", "pets"])
    def test_broken_is_answered(self, request, name, content, sentence):
        model = request.getfixturevalue(name)
        widget = paint_or_upload(model, DIGITS if name == "digits" else ["cats", "dogs"])
        widget.pad.take_photo("me.jpg", content)
        assert 'role="alert"' in widget.picture.value
        assert sentence in widget.picture.value
        assert "<img" not in widget.picture.value  # no picture of what was there before
        assert "/tmp" not in widget.picture.value
        assert widget.pad.said == ""
        widget.pad.take_photo("good.png", photo())
        assert "photo good.png" in widget.pad.said
        assert "<img" in widget.picture.value

    def test_too_many_pixels(self, pets, monkeypatch):
        widget = paint_or_upload(pets, ["cats", "dogs"])
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        widget.pad.take_photo("huge.png", photo(size=(50, 50)))
        assert "huge.png has too many pixels, expected at most 1,000" in widget.picture.value

    def test_too_large_is_answered_and_not_looked_at(self, pets):
        widget = paint_or_upload(pets, ["cats", "dogs"])
        before = widget.pad.value
        widget.pad.take_photo("huge.png", bytes(MOST_BYTES + 1))
        assert widget.pad.said == (
            "huge.png is 8.0 MB, expected at most 8.0 MB: choose a smaller copy of the picture"
        )
        assert widget.pad.value == before

    def test_painting_and_clearing_lead_back(self, digits):
        widget = paint_or_upload(digits, DIGITS)
        for drawing, words in [("1" + BLANK[1:], "the drawing"), (BLANK, "empty paper")]:
            widget.pad.take_photo("me.png", photo())
            assert widget.pad.photo == "me.png"
            widget.pad.set_state({"drawing": drawing, "photo": ""})  # as the page does
            assert widget.pad.value == ("", drawing)
            assert f"Of {words} the" in widget.pad.said
        widget.pad.take_photo("me.png", photo())
        widget.pad.set_state({"drawing": BLANK, "photo": ""})  # the same drawing as before
        assert widget.pad.value == ("", BLANK)

    def test_long_and_strange_names(self, pets):
        widget = paint_or_upload(pets, ["cats", "dogs"])
        widget.pad.take_photo("<b>&" + "x" * 200 + ".png", b"none")
        assert len(widget.pad.photo) == 60
        widget.pad.take_photo("<b>.png", b"none")
        assert "&lt;b&gt;.png is not a picture" in widget.picture.value
        widget.pad.take_photo("", photo())
        assert "Of the photo photo the" in widget.pad.said


class TestMessages:
    def test_a_photo_from_the_page(self, pets):
        widget = paint_or_upload(pets, ["cats", "dogs"])
        widget.pad._handle_custom_msg({"photo": "me.png"}, [memoryview(photo())])
        assert widget.pad.value == ("me.png", photo())

    @pytest.mark.parametrize(
        ("content", "buffers"),
        [({}, []), ({"photo": "a"}, []), ({"other": 1}, [memoryview(b"x")]), ("photo", [b"x"])],
    )
    def test_anything_else_is_left_alone(self, pets, content, buffers):
        widget = paint_or_upload(pets, ["cats", "dogs"])
        before = widget.pad.value
        widget.pad._handle_custom_msg(content, buffers)
        assert widget.pad.value == before


class TestLayers:
    def test_custom_cnn(self, digits):
        layers = ask_network(digits, torch.zeros(1, 1, 28, 28, dtype=torch.uint8)).layers
        assert {name: maps.shape for name, maps in layers.items()} == {
            "relu": (32, 28, 28),
            "relu_1": (64, 14, 14),
            "relu_2": (256, 1, 1),
        }

    def test_photo_net(self):
        widget = paint_or_upload(PhotoNet(), ["cats", "dogs"], size=64)
        shapes = [maps.shape for maps in widget.answer.layers.values()]
        assert shapes == [(48, 32, 32), (96, 16, 16), (144, 8, 8), (144, 1, 1)]

    def test_no_more_than_six(self):
        blocks = [nn.Sequential(nn.Conv2d(3, 3, 3, stride=2, padding=1), nn.ReLU())] * 7
        model = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(3, 2))
        picture = torch.zeros(1, 3, 128, 128, dtype=torch.uint8)
        assert len(ask_network(model, picture).layers) == 6

    def test_none_but_maps_of_one_pixel_count_as_numbers(self):
        names = choose_layers({"conv": torch.zeros(1, 4, 1, 1), "fc": torch.zeros(1, 2)})
        assert names == []

    def test_those_that_are_named(self, digits):
        widget = paint_or_upload(digits, DIGITS, layers=["conv1", "max_pool2d_1", "fc1"])
        assert list(widget.answer.layers) == ["conv1", "max_pool2d_1", "fc1"]
        check(widget, digits, digit_from_drawing(as_ink(first_drawing())).float() / 255)
        with pytest.raises(ValueError, match="expected a step of the network"):
            paint_or_upload(digits, DIGITS, layers=["conv3"])


class TestRefused:
    def test_names(self, digits):
        with pytest.raises(ValueError, match=r"expected 10 class names, .* got 2: give the names"):
            paint_or_upload(digits, ["cats", "dogs"])

    def test_channels(self):
        two = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(4 * 26 * 26, 2))
        for model, got in [(two, "2"), (nn.Linear(3, 2), "None")]:
            with pytest.raises(ValueError, match=f"in_channels 1 or 3, got {got}"):
                paint_or_upload(model, ["a", "b"])

    def test_size(self, digits):
        with pytest.raises(ValueError, match="28"):
            paint_or_upload(digits, DIGITS, size=30)

    def test_scores(self):
        model = nn.Sequential(nn.Conv2d(3, 2, 3))
        with pytest.raises(
            ValueError,
            match=r"for one picture, got a float32 tensor of shape \(1, 2, 26",
        ):
            paint_or_upload(model, ["a", "b"])

    def test_photo(self, digits, tmp_path):
        with pytest.raises(FileNotFoundError):
            paint_or_upload(digits, DIGITS, photo=tmp_path / "gone.png")
        (tmp_path / "me.png").write_bytes(b"none")
        with pytest.raises(ValueError, match=r"me\.png is not a picture"):
            paint_or_upload(digits, DIGITS, photo=tmp_path / "me.png")


class TestWidget:
    def test_the_network_is_left_as_it_was(self):
        model = PhotoNet().train()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        state = torch.random.get_rng_state()
        widget = paint_or_upload(model, ["cats", "dogs"], size=64)
        widget.pad.take_photo("me.png", photo())
        assert model.training
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
        assert torch.equal(torch.random.get_rng_state(), state)

    def test_it_follows_the_network(self, digits):
        """Trained further, the same network answers otherwise."""
        model = Custom_CNN(10, 1)
        widget = paint_or_upload(model, DIGITS)
        before = widget.answer.shares
        with torch.no_grad():
            model.fc2.bias[4] += 20
        widget.redraw()
        assert widget.answer.shares.argmax() == 4
        assert before.argmax() != 4 or before[4] < 0.9

    def test_one_drawing_for_each_change(self, digits):
        widget = paint_or_upload(digits, DIGITS)
        before = widget.drawings
        widget.pad.drawing = "1" + BLANK[1:]
        assert widget.drawings == before + 1
        widget.pad.take_photo("me.png", photo())
        assert widget.drawings == before + 2
        widget.pad.take_photo("me.png", photo())
        assert widget.drawings == before + 2
        widget.pad.take_photo("other.png", photo())
        assert widget.drawings == before + 3

    def test_what_is_stored_says_nothing_that_depends_on_training(self):
        told = set()
        for seed in range(2):
            torch.manual_seed(seed)
            widget = paint_or_upload(Custom_CNN(10, 1), DIGITS)
            data, metadata = widget._repr_mimebundle_()
            assert data["text/plain"] == metadata["image/png"]["alt"]
            assert len(data["image/png"]) < 200_000
            told.add(data["text/plain"])
        assert told == {
            "What a network makes of the drawing: the picture that it sees, the response of relu, "
            "relu_1, relu_2 as small pictures, and a bar for each of 10 classes."
        }
        assert repr(widget) == "<PaintOrUpload>"
        assert repr(widget.pad) == "<PaintPad: drawing>"

    def test_of_a_broken_photo_the_sentence_is_stored(self, pets):
        widget = paint_or_upload(pets, ["cats", "dogs"])
        widget.pad.take_photo("me.png", b"none")
        assert widget.still().alt.startswith("me.png is not a picture")

    def test_close_closes_everything(self, digits):
        import ipywidgets

        before = set(ipywidgets.widgets.widget._instances)
        paint_or_upload(digits, DIGITS).close()
        assert set(ipywidgets.widgets.widget._instances) == before

    def test_the_bundled_photo_is_there(self):
        assert FIRST_PHOTO.is_file()
