"""Sheets of kernels and maps, heat-maps, embeddings and scores: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnn_basics import plots

ALT = "What the figure shows, in words."


def shown(axes, index=0):
    return np.asarray(axes.get_images()[index].get_array())


def test_heat_lies_over_the_grey_picture():
    pictures = torch.randint(0, 256, (2, 3, 6, 5), dtype=torch.uint8)
    positive, signed = torch.rand(2, 6, 5), torch.randn(2, 6, 5)
    heats = {"saliency": positive, "occlusion": signed}
    figure = plots.plot_heat(pictures, heats, ["cat", "dog"], ALT)
    axes = figure.axes
    assert [axes[k].get_title() for k in (0, 1)] == ["cat", "dog"]
    assert [axes[k].get_ylabel() for k in (2, 4)] == ["saliency", "occlusion"]
    for column in range(2):
        picture = pictures[column].permute(1, 2, 0).numpy() / 255
        np.testing.assert_allclose(shown(axes[column]), picture, atol=1e-6)
        np.testing.assert_allclose(shown(axes[2 + column]), picture.mean(axis=-1), atol=1e-6)
        np.testing.assert_allclose(shown(axes[2 + column], 1), positive[column])
        np.testing.assert_allclose(shown(axes[4 + column], 1), signed[column])
        top = positive[column].max().item()
        image = axes[2 + column].get_images()[1]
        assert image.get_clim() == (0, pytest.approx(top))
        assert image.get_cmap().name == "viridis"
        image = axes[4 + column].get_images()[1]
        assert image.get_clim()[0] == -image.get_clim()[1] != 0
        assert image.get_cmap().name == "RdBu_r"


def contours(axes):
    """The heights of the contour lines of one heat-map, by their style."""
    sets = [found for found in axes.collections if hasattr(found, "levels")]
    return {str(found.linestyles): found.levels.tolist() for found in sets}


def test_contour_lines_tell_the_heights_without_colour():
    heat = torch.zeros(1, 5, 5)
    heat[0, 1, 1], heat[0, 3, 3] = 2.0, -1.5
    axes = plots.plot_heat(torch.rand(1, 1, 5, 5), {"heat": heat}, ["cat"], ALT).axes[1]
    assert contours(axes) == {"solid": [1.0, 1.6], "dashed": [1.0]}
    nothing = plots.plot_heat(torch.rand(1, 1, 5, 5), {"heat": torch.zeros(1, 5, 5)}, ["cat"], ALT)
    assert contours(nothing.axes[1]) == {}


def test_masks_are_outlined():
    mask = torch.zeros(1, 5, 5, dtype=torch.bool)
    mask[0, 1:3, 1:3] = True
    figure = plots.plot_heat(torch.rand(1, 1, 5, 5), {}, ["cat"], ALT, masks=mask)
    assert contours(figure.axes[0])["dotted"] == [0.5]


@pytest.mark.parametrize(
    ("shape", "heat", "titles", "words"),
    [
        ((3, 6, 5), (3, 6, 5), 3, "expected 1 to 8 pictures"),
        ((9, 3, 6, 5), (9, 6, 5), 9, "expected 1 to 8 pictures"),
        ((2, 2, 6, 5), (2, 6, 5), 2, "expected 1 to 8 pictures"),
        ((2, 3, 6, 5), (2, 6, 5), 1, "a title for each of 2 pictures, got 1"),
        ((2, 3, 6, 5), (2, 3, 3), 2, r"heat of shape \(2, 6, 5\), got \(2, 3, 3\): write explain"),
    ],
)
def test_heat_that_does_not_fit_is_refused(shape, heat, titles, words):
    with pytest.raises(ValueError, match=words):
        plots.plot_heat(torch.zeros(shape), {"heat": torch.zeros(heat)}, ["x"] * titles, ALT)
