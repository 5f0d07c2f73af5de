"""Paint or upload: what the network sees, what it answers, and what is drawn of that."""

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
    FIRST_DRAWING,
    MOST_BYTES,
    MOST_MAPS,
    SIDE,
    Answer,
    PaintOrUpload,
    PaintPad,
    as_ink,
    ask_network,
    choose_layers,
    describe_maps,
    picture_of,
    write_share,
)
from cnn_basics.widgets.redrawn import colour, tile_pictures

DIGITS, PETS = "0123456789", ("cats", "dogs")
BLANK = "0" * SIDE**2
DOT = "1" + BLANK[1:]
INK = as_ink(FIRST_DRAWING)


def make(classes=10, channels=1):
    torch.manual_seed(0)
    return Custom_CNN(classes, channels).eval()


@pytest.fixture
def of_digits():
    return paint_or_upload(make(), DIGITS)


@pytest.fixture
def of_pets():
    return paint_or_upload(make(2, 3), PETS)


def as_drawing(ink) -> str:
    return "".join("1" if cell else "0" for cell in np.asarray(ink).ravel())


def photo(mode="RGB", size=(40, 30), kind="PNG", pixels=None) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise if pixels is None else pixels).convert(mode).save(file, kind)
    return file.getvalue()


def check(widget, x) -> None:
    """The numbers are the model's own for `x`, and the page is told them."""
    model = make() if x.shape[1] == 1 else make(2, 3)
    with torch.no_grad():
        expected = model(x).softmax(1)[0].numpy()
    assert np.allclose(widget.answer.shares, expected, atol=1e-6)
    for name, maps in widget.answer.layers.items():
        theirs = feature_maps(model, x, [name])[name][0].numpy()
        assert np.allclose(maps, theirs.reshape(maps.shape), atol=1e-6)
    shown = widget.answer.picture.transpose(2, 0, 1)
    assert np.allclose(shown[: x.shape[1]], x[0].numpy(), atol=1e-6)
    best = widget._classes[int(expected.argmax())]
    for told in (widget.pad.said, widget.picture.value):
        assert f"the network says {best} (" in told


def test_a_drawing_is_what_a_network_of_digits_reads(of_digits):
    assert INK.any(1).nonzero()[0].tolist() == list(range(4, 24))  # at first, it is a 3
    assert (INK[::-1] == INK).all()
    assert INK.sum(1)[[4, 9, 13]].tolist() == [10, 4, 6]
    noise = np.random.default_rng(0).random((SIDE, SIDE)) > 0.5
    for k in range(0, SIDE, 9):
        noise[k] = noise[:, SIDE - 1 - k] = k % 2
        of_digits.pad.drawing = as_drawing(noise)
        check(of_digits, digit_from_drawing(noise).float() / 255)
        assert "Of the drawing the network says" in of_digits.pad.said
    of_digits.pad.drawing = BLANK
    check(of_digits, torch.zeros(1, 1, 28, 28))
    assert "Of empty paper the network says" in of_digits.pad.said
    for wrong in ("", "1", BLANK + "0", "2" + BLANK[1:]):
        with pytest.raises(TraitError, match="expected a drawing of 784 characters 0 or 1, got"):
            of_digits.pad.drawing = wrong
        assert of_digits.pad.drawing == BLANK


def test_a_drawing_is_black_on_white_for_a_network_of_photos(of_pets):
    for channels, size in ((1, 56), (3, 20), (3, 28)):
        picture = picture_of(("", FIRST_DRAWING), channels, size)
        assert picture.shape == (1, channels, size, size)
    assert np.array_equal(picture[0], np.where([INK] * 3, 0, 255))
    of_pets.pad.drawing, of_pets.pad.photo = FIRST_DRAWING, ""
    check(of_pets, picture.float() / 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_photo_is_as_load_folder_has_it(of_pets, tmp_path, mode):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(photo(mode))
    expected = load_folder(tmp_path, 28, cache=False).pictures[:1]
    of_pets.pad._handle_custom_msg({"photo": "1.png"}, [memoryview(photo(mode))])  # of the page
    check(of_pets, expected.float() / 255)
    assert "Of the photo 1.png the network says" in of_pets.pad.said


def test_the_first_photo_is_a_bundled_cat_or_ones_own(of_pets, tmp_path, monkeypatch):
    check(of_pets, load_pets("test_set")[0][:1].float() / 255)
    assert "photo cat.4001.png" in of_pets.still().alt
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "mine.jpg").write_bytes(photo(kind="JPEG"))
    for path in (tmp_path / "mine.jpg", str(tmp_path / "mine.jpg"), "~/mine.jpg"):
        widget = paint_or_upload(make(2, 3), PETS, photo=path)
        assert widget.pad.photo == "mine.jpg"
    check(widget, picture_of(widget.pad.value, 3, 28).float() / 255)


@pytest.mark.parametrize(("paper", "pen"), [(230, 20), (140, 60), (10, 240)])
def test_ink_on_paper_is_a_drawing(of_digits, paper, pen):
    large = np.kron(INK, np.ones((4, 4))) > 0
    grey = np.pad(np.where(large, pen, paper), 30, constant_values=paper).astype(np.uint8)
    of_digits.pad.take_photo("three.png", photo("L", pixels=grey))
    check(of_digits, digit_from_drawing(large).float() / 255)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "&lt;b&gt;.jpg is empty (0 bytes)"),
        (b"<svg/>", "&lt;b&gt;.jpg is not a picture in a format that Pillow reads"),
        (photo(kind="JPEG")[:300], "&lt;b&gt;.jpg is damaged or cut off"),
        (photo()[:-40], "&lt;b&gt;.jpg is damaged or cut off"),
        (photo(size=(50, 50)), "&lt;b&gt;.jpg has too many pixels, expected at most 1,500"),
    ],
)
@pytest.mark.parametrize("name", ["of_digits", "of_pets"])
def test_of_a_broken_photo_there_is_a_sentence(request, monkeypatch, name, content, sentence):
    widget = request.getfixturevalue(name)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    widget.pad.take_photo("<b>.jpg", content)
    for words, told in {'role="alert"': 1, sentence: 1, "<img": 0, "/tmp": 0}.items():
        assert (words in widget.picture.value) == told
    assert widget.pad.said == ""
    assert widget.still().alt.startswith("<b>.jpg ")
    widget.pad.take_photo("good.png", photo())
    assert "photo good.png" in widget.pad.said
    assert "<img" in widget.picture.value


def test_a_file_too_large_is_answered_and_not_looked_at_and_long_names_are_cut(of_pets):
    before, pad = of_pets.pad.value, of_pets.pad
    pad.take_photo("huge.png", bytes(MOST_BYTES + 1))
    most = "expected at most 8.0 MB: choose a smaller copy of the picture"
    assert pad.said == f"huge.png is 8.0 MB, {most}"
    for content, buffers in [({}, []), ({"photo": "a"}, []), ({"b": 1}, [b"x"]), ("photo", [b"x"])]:
        pad._handle_custom_msg(content, buffers)
    assert pad.value == before
    pad.take_photo("x" * 200 + ".png", b"none")
    assert pad.photo == "x" * 56 + ".png"
    pad.take_photo("", photo())
    assert "Of the photo photo the" in pad.said


def test_painting_and_clearing_lead_back_with_one_drawing_for_each_change(of_digits):
    pad, drawings = of_digits.pad, of_digits.drawings
    for drawing, words in [(DOT, "the drawing"), (BLANK, "empty paper"), (BLANK, "empty paper")]:
        pad.take_photo("me.png", photo())
        pad.take_photo("me.png", photo())
        assert (pad.photo, of_digits.drawings) == ("me.png", drawings + 1)
        pad.set_state({"drawing": drawing, "photo": ""})  # as the page does
        assert pad.value == ("", drawing)
        assert f"Of {words} the" in pad.said
        drawings += 2
        assert of_digits.drawings == drawings


def test_layers_that_are_chosen():
    blocks = [nn.Sequential(nn.Conv2d(3, 3, 3, stride=2, padding=1), nn.ReLU())] * 7
    deep = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(3, 2))
    chosen = [
        ask_network(model, torch.zeros(1, channels, size, size).byte()).layers
        for model, channels, size in ((make(), 1, 28), (PhotoNet(), 3, 64), (deep, 3, 128))
    ]
    digits, photos = ([maps.shape for maps in layers.values()] for layers in chosen[:2])
    assert list(chosen[0]) == ["relu", "relu_1", "relu_2"]
    assert digits == [(32, 28, 28), (64, 14, 14), (256, 1, 1)]
    assert photos == [(48, 32, 32), (96, 16, 16), (144, 8, 8), (144, 1, 1)]
    assert len(chosen[2]) == 6
    assert choose_layers({"conv": torch.zeros(1, 4, 1, 1), "fc": torch.zeros(1, 2)}) == []
    list(draw("ab", Answer(PICTURE, {}, np.array([0.5, 0.5]))))  # then none is shown
    widget = paint_or_upload(make(), DIGITS, layers=["conv1", "max_pool2d_1", "fc1"])
    assert list(widget.answer.layers) == ["conv1", "max_pool2d_1", "fc1"]
    check(widget, digit_from_drawing(INK).float() / 255)


def test_what_is_stored_does_not_depend_on_training_as_the_answer_does():
    widget = paint_or_upload(model := make(), DIGITS)
    for _ in range(2):
        assert widget.still().alt == (
            "What a network makes of the drawing: the picture that it sees, the response of relu, "
            "relu_1, relu_2 as small pictures, and a bar for each of 10 classes."
        )
        with torch.no_grad():
            model.fc2.bias[0] += 20
        widget.redraw()
    assert widget.answer.shares[0] > 0.99


PICTURE = np.linspace(0, 1, 6 * 8 * 3).reshape(6, 8, 3)


def answer(*shares, **shapes):
    shapes = shapes or {"relu": (12, 9, 7), "numbers": (30, 1, 1)}
    layers = {name: torch.rand(shape).numpy() for name, shape in shapes.items()}
    return Answer(PICTURE, layers, np.array(shares) / sum(shares))


def draw(names, *answers):
    """The figure of a widget, with one answer after another."""
    given = iter([answers[0], *answers, answers[-1]])  # the first is also asked for beforehand
    widget = PaintOrUpload(lambda _: next(given), names, PaintPad())
    yield widget._figure
    for _ in answers[1:]:
        widget.redraw()
        yield widget._figure


def bars(figure):
    """Of each row: name, share and length of its bar, and whether it is hatched."""
    words = [text.get_text() for text in figure.page.texts[1:]]
    rows = zip(words[::2], words[1::2], figure.page.patches, strict=False)
    return [(name, share, b.get_width(), bool(b.get_hatch())) for name, share, b in rows]


@pytest.mark.parametrize("shape", [(12, 9, 7), (1, 4, 4), (70, 3, 3), (2, 1, 1), (300, 1, 1)])
def test_picture_and_maps_of_any_number_and_shape_are_in_their_places(shape):
    answers = answer(1, 3, one=shape, two=(5, 30, 2)), answer(1, 3, one=shape, two=shape)
    for given, figure in zip(answers, draw("ab", *answers), strict=True):
        picture, sheet, _ = (image.get_array() for image in figure.page.images)
        assert np.allclose(picture, given.picture)
        if shape[1:] == (1, 1):  # numbers are enlarged, and all shown
            maps = np.kron(given.layers["one"], np.ones((1, 4, 4)))
        else:
            maps = given.layers["one"][:MOST_MAPS]
        columns = (sheet.shape[1] + 1) // (maps.shape[2] + 1)
        assert np.allclose(sheet, tile_pictures(colour(maps, signed=False), columns))
        for box in (image.get_window_extent() for image in figure.page.images):
            assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
            assert 0 <= box.y0 < box.y1 <= figure.bbox.y1


def test_bars_have_the_lengths_of_the_shares_and_the_alt_text_says_all():
    drawn = draw(["cats", "dogs", "a long name"], given := answer(1, 2, 5), answer(5, 2, 1))
    figure = next(drawn)
    assert bars(figure) == [
        ("cats", "12 %", pytest.approx(0.85 / 8), False),
        ("dogs", "25 %", pytest.approx(0.85 / 4), False),
        ("a long n…", "▶ 62 %", pytest.approx(0.85 * 5 / 8), True),
    ]
    layers = "; ".join(describe_maps(name, maps) for name, maps in given.layers.items())
    assert figure.alt == (
        "A picture of 8×6 pixels, of which the network says a long name (62 %), dogs (25 %), cats "
        f"(12 %): the response of its layers as small pictures, {layers}."
    )
    assert [row[3] for row in bars(next(drawn))] == [True, False, False]
    names = [f"c{k}" for k in range(14)]  # of many classes the largest
    drawn = draw(names, answer(*range(1, 15)), answer(*range(14, 0, -1)))
    assert [row[0] for row in bars(next(drawn))] == names[:3:-1]
    assert [row[0] for row in bars(next(drawn))] == names[:10]


def test_words_of_maps_and_shares():
    assert describe_maps("relu", np.array([[[0, 1.256]]])) == "relu: 1 map of 1×2, 0 to 1.26"
    assert describe_maps("x", np.full((70, 2, 2), -1)).endswith("the first 64 shown, all −1")
    assert describe_maps("fc", np.zeros((1, 1, 1))) == "fc: 1 number, all 0"
    assert describe_maps("fc", np.arange(280).reshape(-1, 1, 1)) == "fc: 280 numbers, 0 to 279"
    words = {0: "0 %", 1e-9: "<1 %", 0.0101: "1 %", 0.5: "50 %", 0.992: ">99 %", 1: "100 %"}
    assert [write_share(share) for share in words] == list(words.values())
