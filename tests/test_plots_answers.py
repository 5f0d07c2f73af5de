"""The figure of an answer: its pictures, bars and words are those of the numbers given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps

from cnn_basics.figures import SEQUENTIAL, figure_to_array
from cnn_basics.widgets.paint import MOST_MAPS, AnswerFigure, describe_maps, write_share

SHAPES = {"relu": (12, 9, 7), "numbers": (30, 1, 1)}
PICTURE = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


def numbers(seed):
    rng = np.random.default_rng(seed)
    return {name: rng.random(shape).astype(np.float32) for name, shape in SHAPES.items()}


def shares(*values):
    return np.array(values) / sum(values)


def strips(drawn):
    return [axes.images[0].get_array() for axes in drawn.figure.axes[2:]]


def coloured(maps):
    return colormaps[SEQUENTIAL]((maps - maps.min()) / (maps.max() - maps.min()))[..., :3]


def bars(figure):
    """Of each row: name, share and length of its bar, and whether it is hatched."""
    chart = figure.axes[1]
    half = len(chart.texts) // 2
    rows = zip(chart.texts[:half], chart.texts[half:], chart.patches, strict=True)
    return [(n.get_text(), s.get_text(), b.get_width(), bool(b.get_hatch())) for n, s, b in rows]


def test_the_picture_is_the_one_given():
    drawn = AnswerFigure(SHAPES, "ab")
    figure = drawn.update(PICTURE, numbers(0), shares(1, 3))
    assert (figure.axes[0].images[0].get_array() == PICTURE).all()
    assert figure.axes[0].get_title() == "what the network sees"
    assert drawn.update(PICTURE[::-1], numbers(0), shares(1, 3)) is figure
    assert (figure.axes[0].images[0].get_array() == PICTURE[::-1]).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_each_map_is_in_its_place(seed):
    drawn = AnswerFigure(SHAPES, "ab")
    layers = numbers(seed)
    drawn.update(PICTURE, numbers(7), shares(1, 1))
    drawn.update(PICTURE, layers, shares(1, 1))
    sheet, cells = strips(drawn)
    for k, expected in enumerate(coloured(layers["relu"])):
        row, column = divmod(k, (sheet.shape[1] + 1) // 8)
        one = sheet[row * 10 : row * 10 + 9, column * 8 : column * 8 + 7]
        assert np.allclose(one, expected)
    for k, expected in enumerate(coloured(layers["numbers"])):
        row, column = divmod(k, (cells.shape[1] + 1) // 5)
        assert np.allclose(cells[row * 5 : row * 5 + 4, column * 5 : column * 5 + 4], expected)


@pytest.mark.parametrize("shape", [(1, 4, 4), (70, 3, 3), (2, 1, 1), (300, 1, 1), (5, 30, 2)])
def test_maps_of_any_number_and_shape_fit(shape):
    drawn = AnswerFigure({"one": shape, "two": shape}, "ab")
    maps = np.random.default_rng(0).random(shape)
    figure = drawn.update(PICTURE, {"one": maps, "two": maps}, shares(1, 1))
    figure_to_array(figure)
    for axes in figure.axes[2:]:
        box = axes.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1
    (sheet, _) = strips(drawn)
    shown = min(shape[0], MOST_MAPS) if shape[1:] != (1, 1) else shape[0]
    size = (4, 4) if shape[1:] == (1, 1) else shape[1:]
    places = ((sheet.shape[0] + 1) // (size[0] + 1)) * ((sheet.shape[1] + 1) // (size[1] + 1))
    assert shown <= places < shown + (sheet.shape[1] + 1) // (size[1] + 1)


def test_a_silent_layer_is_all_of_one_colour():
    drawn = AnswerFigure({"relu": (4, 5, 5)}, "ab")
    figure = drawn.update(PICTURE, {"relu": np.zeros((4, 5, 5))}, shares(1, 1))
    assert len(np.unique(strips(drawn)[0].reshape(-1, 3), axis=0)) <= 2  # and white between
    assert "relu: 4 maps of 5×5, all 0" in figure.alt


def test_bars_have_the_lengths_of_the_shares():
    drawn = AnswerFigure(SHAPES, ["cats", "dogs", "a long name"])
    figure = drawn.update(PICTURE, numbers(0), shares(1, 2, 5))
    assert [row[:2] for row in bars(figure)] == [
        ("cats", "12 %"),
        ("dogs", "25 %"),
        ("a long n…", "▶ 62 %"),
    ]
    widths = np.array([row[2] for row in bars(figure)])
    assert np.allclose(widths / widths.sum(), [1 / 8, 2 / 8, 5 / 8])
    assert [row[3] for row in bars(figure)] == [False, False, True]
    drawn.update(PICTURE, numbers(0), shares(5, 2, 1))
    assert [row[3] for row in bars(figure)] == [True, False, False]


def test_of_many_classes_the_largest():
    names = [f"c{k}" for k in range(14)]
    drawn = AnswerFigure(SHAPES, names)
    figure = drawn.update(PICTURE, numbers(0), shares(*range(1, 15)))
    assert [row[0] for row in bars(figure)] == names[:3:-1]
    drawn.update(PICTURE, numbers(0), shares(*range(14, 0, -1)))
    assert [row[0] for row in bars(figure)] == names[:10]


def test_alt_text_says_all_of_it():
    figure = AnswerFigure(SHAPES, "abcd").update(PICTURE, numbers(0), shares(10, 60, 5, 25))
    layers = "; ".join(describe_maps(name, maps) for name, maps in numbers(0).items())
    assert figure.alt == (
        "A picture of 8×6 pixels, of which the network says b (60 %), d (25 %), a (10 %): the "
        f"response of its layers as small pictures, {layers}."
    )


def test_words_of_maps():
    assert describe_maps("relu", np.array([[[0, 1.256]]])) == "relu: 1 map of 1×2, 0 to 1.26"
    assert describe_maps("x", np.full((70, 2, 2), -1)) == "x: 70 maps of 2×2, all −1"
    assert describe_maps("fc", np.zeros((1, 1, 1))) == "fc: 1 number, all 0"
    ramp = np.arange(70 * 4).reshape(70, 2, 2)
    assert describe_maps("x", ramp) == "x: 70 maps of 2×2, the first 64 shown, 0 to 279"
    assert describe_maps("fc", ramp.reshape(-1, 1, 1)) == "fc: 280 numbers, 0 to 279"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (1e-9, "<1 %"), (0.0101, "1 %"), (0.5, "50 %"), (0.992, ">99 %"), (1, "100 %")],
)
def test_words_of_shares(share, words):
    assert write_share(share) == words
