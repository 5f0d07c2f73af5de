"""Figures of pixels and channels: what they draw is what was given."""

from __future__ import annotations

import numpy as np
import pytest

from cnn_basics import plots


@pytest.fixture
def image():
    """Return a picture in which every number tells its place."""
    rows, columns = np.indices((9, 12))
    return np.stack([rows * 20, columns * 20, 200 - rows - columns], axis=-1).astype(np.uint8)


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_patch_shows_the_picture_with_a_frame_where_the_patch_lies(image):
    picture = plots.plot_patch(image, 2, 5, size=3).axes[0]
    assert np.array_equal(picture.images[0].get_array(), image)
    (frame,) = picture.patches
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((4.5, 1.5), 3, 3)


@pytest.mark.parametrize(("index", "name"), [(0, "red"), (1, "green"), (2, "blue")])
def test_patch_writes_each_channels_numbers(image, index, name):
    figure = plots.plot_patch(image, 2, 5, size=3)
    grid = figure.axes[1 + index]
    wanted = image[2:5, 5:8, index]
    assert grid.get_title() == name
    assert np.array_equal(grid.images[0].get_array(), wanted)
    assert words(grid) == [str(n) for n in wanted.ravel()]
    assert grid.images[0].get_clim() == (0, 255)
    assert "3×3" in figure.alt
    assert "row 2, column 5" in figure.alt


@pytest.mark.parametrize("place", [(-1, 0, 2), (0, -1, 2), (8, 0, 2), (0, 11, 2), (0, 0, 0)])
def test_patch_refuses_what_is_not_inside(image, place):
    with pytest.raises(ValueError, match=r"inside 9×12 pixels, got side \d at row .*: choose"):
        plots.plot_patch(image, *place)


def test_patch_may_touch_the_lower_right_corner(image):
    assert words(plots.plot_patch(image, 7, 10, size=2).axes[1]) == ["140", "140", "160", "160"]


def test_histograms_count_per_cent_in_each_range(image):
    (axes,) = plots.plot_channel_histograms(image, bins=4).axes
    for index, step in enumerate(axes.patches):
        counts, edges, _ = step.get_data()
        channel = image[..., index]
        assert edges.tolist() == [0, 64, 128, 192, 256]
        wanted = [((channel >= low) & (channel < low + 64)).mean() * 100 for low in edges[:-1]]
        assert counts == pytest.approx(wanted)
        assert counts.sum() == pytest.approx(100)


def test_histograms_count_the_value_255():
    white = np.full((3, 3, 3), 255, dtype=np.uint8)
    counts, _, _ = plots.plot_channel_histograms(white).axes[0].patches[0].get_data()
    assert counts[-1] == 100


def test_histograms_tell_channels_apart_without_colours(image):
    figure = plots.plot_channel_histograms(image)
    (axes,) = figure.axes
    assert [step.get_label() for step in axes.patches] == ["red", "green", "blue"]
    assert len({step.get_linestyle() for step in axes.patches}) == 3
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["red", "green", "blue"]
    assert "Mean values: red 80, green 110, blue 190." in figure.alt


def test_animated_channels_add_up_to_the_picture():
    image = np.zeros((20, 20, 3), dtype=np.uint8)
    image[...] = (200, 100, 50)
    animation = plots.animate_channels(image)
    middle = animation.frames.shape[1] // 2
    sums = [frame[middle, frame.shape[1] * 3 // 4].tolist() for frame in animation.frames]
    added = [frame[middle, frame.shape[1] // 4].tolist() for frame in animation.frames]
    assert sums == [[200, 0, 0], [200, 100, 0], [200, 100, 50]]
    assert added == [[200, 0, 0], [0, 100, 0], [0, 0, 50]]


def test_animated_resolution_has_a_frame_for_each_side(image):
    animation = plots.animate_resolution(image, (1, 3, 9))
    assert len(animation.frames) == 3
    colours = [len(np.unique(frame.reshape(-1, 3), axis=0)) for frame in animation.frames]
    assert colours == sorted(colours)
    assert "in 3 steps from 1×1 to 9×9" in animation.alt


def test_animated_resolution_starts_with_the_mean_colour(image):
    first = plots.animate_resolution(image, (1, 9)).frames[0]
    middle = first[first.shape[0] // 2, first.shape[1] // 2]
    assert np.abs(middle - image.mean(axis=(0, 1))).max() < 2


def test_animated_resolution_needs_a_side(image):
    with pytest.raises(ValueError, match="at least one side"):
        plots.animate_resolution(image, ())


def test_a_grey_picture_is_refused_with_the_fix(image):
    with pytest.raises(ValueError, match=r"shape \(9, 12\).*np\.stack"):
        plots.plot_channel_histograms(image[..., 0])
