"""Figures and animations show themselves with their alt text."""

from __future__ import annotations

import base64
import gc

import imageio.v3 as iio
import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg

from cnn_basics import figures


@pytest.fixture
def shown(monkeypatch):
    """Collect what is displayed, as (data, metadata)."""
    collected = []

    def display(data, metadata=None, raw=False):
        collected.append((data, metadata))

    monkeypatch.setattr("IPython.display.display", display)
    return collected


def test_a_figure_shows_a_png_with_alt_text_and_a_caption(shown):
    figure, _ = figures.new_figure(width=4, height=2)
    with pytest.raises(ValueError, match="expected alt text, got an empty text"):
        figure._ipython_display_()
    assert shown == []
    figure.alt = "An empty frame with two axes."
    figure._ipython_display_()
    (picture, metadata), (caption, _) = shown
    assert iio.imread(base64.b64decode(picture["image/png"])).shape == (320, 640, 3)
    assert metadata == {"image/png": {"alt": figure.alt, "width": 400}}
    assert caption == {"text/plain": figure.alt, "text/markdown": f"*{figure.alt}*"}
    assert repr(figure) == f"<LessonFigure: {figure.alt}>"


def test_a_figure_is_stored_exactly_unless_few_colours_shall_do():
    random = np.random.default_rng(0).random((40, 40, 3)) ** 2
    for picture in (random.round(), random):
        figure, (axis,) = figures.new_figure(width=2, height=2, alt="Noise.")
        axis.imshow(picture, aspect="auto")
        stored = iio.imread(figure.to_png(), plugin="pillow", mode="RGB")
        figure.set_dpi(160)
        assert np.array_equal(stored, figures.figure_to_array(figure))
    size = len(figure.to_png())
    figure.few_colours = True
    few = iio.imread(figure.to_png(), plugin="pillow", mode="RGB")
    assert len(np.unique(few.reshape(-1, 3), axis=0)) <= 256
    assert np.abs(few.astype(int) - stored).mean() < 12
    assert len(figure.to_png()) < 0.6 * size


def test_axes_in_reading_order_and_pixels_at_screen_size():
    figure, axes = figures.new_figure(2, 3, width=2, height=1, width_ratios=[2, 1, 1])
    assert (axes.shape, list(axes)) == ((6,), figure.axes)
    assert axes[0].get_gridspec().get_width_ratios() == [2, 1, 1]
    figures.plain_axes(axes[0], "a cat")
    assert axes[0].get_title() == "a cat"
    assert len(axes[0].get_xticks()) == len(axes[0].get_yticks()) == 0
    assert not any(spine.get_visible() for spine in axes[0].spines.values())
    for axis in axes:
        axis.set_axis_off()
    axes[0].set_title("")
    picture = figures.figure_to_array(figure)
    assert (picture.shape, picture.dtype) == ((100, 200, 3), np.uint8)
    assert (picture == 255).all()


def test_a_figure_that_is_kept_keeps_no_pixels():
    def count() -> int:
        gc.collect()
        return sum(type(each) is RendererAgg for each in gc.get_objects())

    before = count()
    figure, (axis,) = figures.new_figure(alt="Words.")
    axis.set_title("words")
    figure.to_png()
    assert count() == before


def test_an_animation_is_an_animated_png_that_ends_on_its_last_frame(shown):
    grey = np.stack([np.full((6, 8, 3), level, np.uint8) for level in (0, 100, 200)])
    animation = figures.Animation(grey, "Grey that becomes lighter.", seconds_per_frame=0.5)
    png = animation.to_png()
    frames = iio.imread(png, index=None, plugin="pillow")
    assert np.array_equal(frames[..., :3], animation.frames)
    control = png.index(b"acTL") + 4
    assert list(np.frombuffer(png[control : control + 8], ">u4")) == [3, 3]  # frames, plays
    parts = png.split(b"fcTL")[1:]  # each frame's delay: numerator and denominator
    delays = [np.frombuffer(part[20:24], ">u2").astype(int).tolist() for part in parts]
    assert [1000 * top / bottom for top, bottom in delays] == [500, 500, 1500]
    animation._ipython_display_()
    (_, metadata), (caption, _) = shown
    assert metadata["image/png"] == {"alt": "Grey that becomes lighter.", "width": 8}
    assert caption["text/plain"].endswith("(Plays 3 times; run the cell to see it again.)")
    assert repr(animation) == "<Animation of 3 frames: Grey that becomes lighter.>"
    for frames, sentence in [(grey[0], r"frames \(T, H, W, 3\) uint8, g"), (grey / 1, "float64 a")]:
        with pytest.raises(ValueError, match=sentence):
            figures.Animation(frames, "Nothing.")
