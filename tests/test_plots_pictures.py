"""The data behind pictures, feature maps, kernels and histograms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from refusing import refusing

from cnn_basics import plots

MAPS = torch.linspace(-1, 3, 5 * 4 * 6).view(5, 4, 6)
FIVE = list("abcde")


def looks(figure):
    """Scale and colours of every picture."""
    shown = [axes.images[0] for axes in figure.axes if axes.images]
    return [(image.get_clim(), image.cmap.name) for image in shown]


def test_pictures_are_shown_as_they_are():
    colour = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    grey = np.array([[0.0, 0.5], [1.0, 0.25]])
    three = [colour, grey.tolist(), torch.tensor(colour[..., 0])]
    figure = plots.plot_pictures(three, FIVE[:3], "Three.", columns=2)
    shown = [axes.images[0].get_array() for axes in figure.axes[:3]]
    assert all(map(np.array_equal, shown, [colour, grey, colour[..., 0]]))
    assert looks(figure)[1:] == [((0, 1), "gray"), ((0, 255), "gray")]
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", ""]
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]


@pytest.mark.parametrize(
    ("maps", "options", "scales", "colours"),
    [
        (MAPS, {}, [(-1, 3)] * 5, "viridis"),
        (MAPS, {"shared": False}, [(m.min(), m.max()) for m in MAPS.numpy()], "viridis"),
        (MAPS, {"diverging": True}, [(-3, 3)] * 5, "RdBu_r"),
        (0 * MAPS, {"diverging": True}, [(-1, 1)] * 5, "RdBu_r"),
    ],
)
def test_feature_maps_share_one_scale_unless_told_otherwise(maps, options, scales, colours):
    figure = plots.plot_feature_maps(maps.requires_grad_(), FIVE, "Five maps.", **options)
    assert looks(figure) == [(scale, colours) for scale in scales]
    assert np.array_equal(figure.axes[3].images[0].get_array(), maps[3].detach())
    assert [axes.get_label() for axes in figure.axes].count("<colorbar>") == len(set(scales))


def test_histograms_count_all_numbers_on_one_scale():
    samples = {"low": torch.tensor([[0.0, 0.1], [0.2, 0.3]]), "high": torch.tensor([9.0, 10.0])}
    samples["one"] = torch.ones(1)
    figure = plots.plot_histograms(samples, "Three samples.", bins=10)
    low, high, _, empty = figure.axes
    assert sum(bar.get_height() for bar in low.patches) == 4
    assert [bar.get_height() for bar in high.patches] == [0] * 9 + [2]
    assert low.get_xlim() == high.get_xlim() == (0.0, 10.0)
    assert high.get_title() == "high\nmean 9.5, standard deviation 0.5"
    assert low.get_lines()[0].get_xdata() == pytest.approx([0.15, 0.15])
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "value", "value", ""]
    assert not empty.axison


def test_histogram_of_equal_numbers_is_drawn():
    (axes,) = plots.plot_histograms({"ones": [1, 1, 1]}, "Three ones in one bar.").axes
    assert (axes.get_xlim(), axes.get_title()) == ((1.0, 2.0), "ones\nmean 1, standard deviation 0")


ALT = "What the figure shows, in words."


def test_heat_lies_over_the_grey_picture():
    pictures = torch.randint(0, 256, (2, 3, 6, 5), dtype=torch.uint8)
    heats = {"saliency": torch.rand(2, 6, 5), "occlusion": torch.randn(2, 6, 5)}
    table = plots.plot_heat(pictures, heats, ["cat", "dog"], ALT).axes
    assert [axes.get_title() for axes in table] == ["cat", "dog", "", "", "", ""]
    assert [axes.get_ylabel() for axes in table] == ["", "", "saliency", "", "occlusion", ""]
    colours = pictures.permute(0, 2, 3, 1).numpy() / 255
    for index, axes in enumerate(table):
        row, column = divmod(index, 2)
        wanted = colours[column].mean(axis=-1) if row else colours[column]
        np.testing.assert_allclose(axes.images[0].get_array(), wanted, atol=1e-6)
        if row == 0:
            continue
        heat = list(heats.values())[row - 1][column]
        np.testing.assert_allclose(axes.images[1].get_array(), heat)
        high = heat.abs().max().item()
        limits = pytest.approx((0, high) if row == 1 else (-high, high))
        assert axes.images[1].get_clim() == limits
        assert axes.images[1].cmap.name == ("viridis" if row == 1 else "RdBu_r")


def contours(axes):
    """The heights of the contour lines of one heat-map, by their style."""
    sets = [found for found in axes.collections if hasattr(found, "levels")]
    return {str(found.linestyles): found.levels.tolist() for found in sets}


def test_contour_lines_tell_the_heights_without_colour():
    heat = torch.zeros(2, 5, 5)
    heat[0, 1, 1], heat[0, 3, 3] = 2.0, -1.5
    masks = heat > 1
    table = plots.plot_heat(torch.rand(2, 1, 5, 5), {"h": heat}, ["cat", "dog"], ALT).axes
    lines = [contours(axes) for axes in table]
    assert lines == [{}, {}, {"solid": [1.0, 1.6], "dashed": [1.0]}, {}]
    table = plots.plot_heat(torch.rand(2, 1, 5, 5), {}, ["cat", "dog"], ALT, masks=masks).axes
    outlined, empty = (contours(axes) for axes in table)
    assert (outlined["dotted"], empty) == ([0.5], {})


def heat(pictures, heats=(2, 6, 5), titles=2):
    maps = {"heat": torch.zeros(heats)}
    return lambda: plots.plot_heat(torch.zeros(pictures), maps, ["x"] * titles, ALT)


test_what_does_not_fit_is_refused = refusing(
    (lambda: plots.plot_pictures([], [], ALT), "one title for each of at least one picture, got 0"),
    (lambda: plots.plot_pictures([np.eye(2)], ["a", "b"], ALT), "one title for .*, got 2 for 1"),
    (
        lambda: plots.plot_feature_maps(MAPS[None], [], ALT),
        r"maps as \(C, H, W\), got \(1, 5",
    ),
    (heat((3, 6, 5)), r"expected 1 to 8 pictures .*, got \(3, 6, 5\)"),
    (heat((9, 3, 6, 5)), r"expected 1 to 8 pictures .*, got \(9, "),
    (heat((2, 2, 6, 5)), r"expected 1 to 8 pictures .*, got \(2, 2"),
    (heat((2, 3, 6, 5), titles=1), "a title for each of 2 pictures, got 1"),
    (heat((2, 3, 6, 5), (2, 3, 3)), r"heat of shape \(2, 6, 5\), got \(2, 3, 3\): write explain"),
)
