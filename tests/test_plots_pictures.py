"""The data behind pictures, feature maps and kernels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnn_basics import plots

MAPS = torch.linspace(-1, 3, 5 * 4 * 6).view(5, 4, 6)


def test_pictures_are_shown_as_they_are():
    colour = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    grey = np.array([[0.0, 0.5], [1.0, 0.25]])
    figure = plots.plot_pictures([colour, grey, colour], ["a", "b", "c"], "Three.", columns=2)
    assert np.array_equal(figure.axes[0].images[0].get_array(), colour)
    assert np.array_equal(figure.axes[1].images[0].get_array(), grey)
    assert figure.axes[1].images[0].get_clim() == (0, 1)
    assert figure.axes[1].images[0].cmap.name == "gray"
    assert [axis.get_title() for axis in figure.axes[:3]] == ["a", "b", "c"]
    assert [axis.axison for axis in figure.axes] == [True, True, True, False]


def test_a_grey_uint8_picture_runs_from_0_to_255():
    figure = plots.plot_pictures([np.full((2, 2), 7, np.uint8)], ["dark"], "One.")
    assert figure.axes[0].images[0].get_clim() == (0, 255)


@pytest.mark.parametrize(("pictures", "titles"), [([], []), ([np.zeros((2, 2))], ["a", "b"])])
def test_pictures_and_titles_must_match(pictures, titles):
    with pytest.raises(ValueError, match="expected one title for each of at least one picture"):
        plots.plot_pictures(pictures, titles, "Nothing.")


def test_feature_maps_share_one_scale_unless_told_otherwise():
    titles = [f"map {i}" for i in range(5)]
    shared = plots.plot_feature_maps(MAPS, titles, "Five maps.")
    assert {axis.images[0].get_clim() for axis in shared.axes[:5]} == {(-1, 3)}
    own = plots.plot_feature_maps(MAPS, titles, "Five maps.", shared=False)
    limits = [axis.images[0].get_clim() for axis in own.axes[:5]]
    assert limits == [(pytest.approx(m.min().item()), pytest.approx(m.max().item())) for m in MAPS]
    assert np.array_equal(shared.axes[3].images[0].get_array(), MAPS[3].numpy())
    assert shared.axes[0].images[0].cmap.name == "viridis"


def test_diverging_maps_have_zero_in_the_middle():
    figure = plots.plot_feature_maps(MAPS, list("abcde"), "Five kernels.", diverging=True)
    assert {axis.images[0].get_clim() for axis in figure.axes[:5]} == {(-3, 3)}
    assert figure.axes[0].images[0].cmap.name == "RdBu_r"
    zeros = plots.plot_feature_maps(torch.zeros(1, 2, 2), ["zero"], "Empty.", diverging=True)
    assert zeros.axes[0].images[0].get_clim() == (-1, 1)


def test_feature_maps_need_three_axes():
    with pytest.raises(ValueError, match=r"expected maps as \(C, H, W\), got \(1, 5, 4, 6\)"):
        plots.plot_feature_maps(MAPS[None], [], "Nothing.")


def test_filtered_maps_have_grey_for_zero_where_told():
    picture = torch.rand(3, 4)
    maps = torch.stack([torch.linspace(0, 2, 1001), torch.linspace(-1.5, 0.5, 1001)]).view(
        2, 7, 143
    )
    figure = plots.plot_filtered(picture, maps, ["a", "b"], "Two maps.", signed=[1], columns=2)
    shown = [axis.images[0] for axis in figure.axes[:3]]
    assert [axis.get_title() for axis in figure.axes[:3]] == ["input", "a", "b"]
    assert shown[0].get_clim() == (0, 1)
    assert shown[1].get_clim() == (0, pytest.approx(1.99))
    assert shown[2].get_clim() == (pytest.approx(-1.49), pytest.approx(1.49))
    assert np.array_equal(shown[2].get_array(), maps[1].numpy())
    assert len(figure.axes[3].images) == 0
