"""Heat-maps over pictures, surfaces and paths: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cnn_basics import plots
from cnn_basics.figures import new_figure

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


def test_masks_are_outlined_where_they_have_an_edge():
    masks = torch.zeros(2, 5, 5, dtype=torch.bool)
    masks[0, 1:3, 1:3] = True
    figure = plots.plot_heat(torch.rand(2, 1, 5, 5), {}, ["cat", "dog"], ALT, masks=masks)
    outlined, empty = figure.axes
    assert contours(outlined)["dotted"] == [0.5]
    assert contours(empty) == {}


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


def test_a_surface_is_low_where_it_is_given_low_and_levels_lie_closer_there():
    figure, (axes,) = new_figure()
    x, y = np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-1, 3, 31))
    plots.draw_surface(axes, x**2 + (y - 2) ** 2, ((-2, 2), (-1, 3)))
    filled, _lines = axes.collections
    gaps = np.diff(filled.levels)
    assert (filled.levels[0], filled.levels[-1]) == pytest.approx((0, 13), abs=0.02)
    assert (np.diff(gaps) > 0).all()
    lowest = filled.get_paths()[0].get_extents()
    assert ((lowest.x0 + lowest.x1) / 2, (lowest.y0 + lowest.y1) / 2) == pytest.approx((0, 2))
    assert len(figure.axes) == 1


def test_a_path_leads_from_a_square_to_a_ball():
    _, (axes,) = new_figure()
    points = np.array([[-1.0, 0.0], [0.5, 1.0], [0.0, 2.0]])
    plots.draw_path(axes, points)
    dark, light, steps, square, ball = axes.lines
    assert np.array_equal(dark.get_xydata(), points)
    assert np.array_equal(light.get_xydata(), points)
    assert np.array_equal(steps.get_xydata(), points[1:])
    assert (square.get_marker(), square.get_xydata().tolist()) == ("s", [[-1, 0]])
    assert (ball.get_marker(), ball.get_xydata().tolist()) == ("o", [[0, 2]])
    plots.draw_path(axes, points[:1])  # a walk that never began
    assert axes.lines[-1].get_xydata().tolist() == [[-1, 0]]
