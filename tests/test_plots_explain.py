"""Sheets of kernels and maps, heat-maps, embeddings and scores: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from cnn_basics import plots
from cnn_basics.figures import BLACK, CYCLE

ALT = "What the figure shows, in words."


def shown(axes, index=0):
    return np.asarray(axes.get_images()[index].get_array())


def test_kernels_are_shown_in_colours_and_summed():
    weight = torch.zeros(3, 3, 2, 2)
    weight[0, 0, 0, 1], weight[1, 2, 1, 0], weight[2] = 2.0, -1.0, 0.5
    figure = plots.plot_kernel_sheet(weight, ALT, columns=2)
    colours, greys = (shown(axes) for axes in figure.axes)
    assert colours.shape == greys.shape == (5, 5, 3)  # two rows of 2×2 with a gap
    np.testing.assert_allclose(colours[0, 1], [1.0, 0.5, 0.5])
    np.testing.assert_allclose(colours[1, 3], [0.5, 0.5, 0.25])
    np.testing.assert_allclose(colours[3, 0], [0.625] * 3)
    np.testing.assert_allclose(greys[0, 1], [1.0] * 3)
    np.testing.assert_allclose(greys[1, 3], [0.25] * 3)
    np.testing.assert_allclose(greys[3, 0], [0.875] * 3)
    assert figure.alt == ALT


@pytest.mark.parametrize("shape", [(4, 1, 3, 3), (3, 3, 3), (64, 32, 5, 5)])
def test_kernels_that_read_other_channels_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected kernels \(K, 3, height, width\)"):
        plots.plot_kernel_sheet(torch.zeros(shape), ALT)


def test_sheets_hold_every_map_on_the_scale_of_its_layer():
    first = torch.arange(12.0).view(3, 2, 2)
    figure = plots.plot_map_sheets({"conv1": first, "pool": torch.ones(1, 2, 2)}, ALT, columns=2)
    left, right = figure.axes
    assert left.get_title() == "conv1  3×2×2"
    assert right.get_title() == "pool  1×2×2"
    pixels = shown(left)
    assert pixels.shape == (5, 5, 3)
    brightness = pixels.sum(axis=-1)
    order = [brightness[0, 0], brightness[0, 1], brightness[1, 0], brightness[0, 3]]
    order += [brightness[1, 4], brightness[3, 0], brightness[4, 1]]
    assert order == sorted(order)
    np.testing.assert_allclose(pixels[:, 2], 1.0)  # the gap is white


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        ({}, "expected 1 to 4 layers, got 0"),
        ({str(k): torch.ones(1, 2, 2) for k in range(5)}, "got 5"),
        ({"conv1": torch.ones(1, 8, 2, 2)}, r"\(C, H, W\) for conv1, got \(1, 8, 2, 2\)"),
    ],
)
def test_sheets_refuse(maps, words):
    with pytest.raises(ValueError, match=words):
        plots.plot_map_sheets(maps, ALT)


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


def test_each_class_of_an_embedding_has_a_marker_of_its_own():
    points, labels = torch.randn(9, 2), torch.tensor([0, 1, 0, 1, 0, 0, 1, 1, 0])
    wrong = torch.zeros(9, dtype=torch.bool)
    wrong[4] = True
    panels = [points, 2 * points]
    figure = plots.plot_embedding(panels, labels, ["cats", "dogs"], ["a", "b"], ALT, wrong=wrong)
    for axes, drawn in zip(figure.axes, panels, strict=True):
        cats, dogs, ring = axes.collections
        np.testing.assert_allclose(cats.get_offsets(), drawn[labels == 0])
        np.testing.assert_allclose(dogs.get_offsets(), drawn[labels == 1])
        np.testing.assert_allclose(ring.get_offsets(), drawn[4:5])
        assert cats.get_paths()[0].vertices.shape != dogs.get_paths()[0].vertices.shape
        assert to_hex(ring.get_edgecolor()[0]).upper() == BLACK
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["cats", "dogs", "answered wrongly"]


def test_embeddings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"points \(3, 2\) for 3 labels, got \(2, 2\)"):
        plots.plot_embedding([torch.ones(2, 2)], torch.zeros(3), ["a"], ["x"], ALT)
    with pytest.raises(ValueError, match="expected 1 to 7 classes, got 8"):
        plots.plot_embedding([torch.ones(2, 2)], torch.zeros(2), list("abcdefgh"), ["x"], ALT)


def test_bars_of_scores_stand_beside_chance():
    scores = {"saliency": [0.6, 0.37], "Grad-CAM": [0.5, 0.4]}
    figure = plots.plot_scores(scores, [0.51, 0.26], ["animal", "ears"], ALT)
    (axes,) = figure.axes
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert heights == list(scores.values())
    assert [bars[0].get_hatch() for bars in axes.containers] == ["", "//"]
    edges = [to_hex(bars[0].get_edgecolor()).upper() for bars in axes.containers]
    assert edges == list(CYCLE[:2])
    levels = [line.get_segments()[0][:, 1].tolist() for line in axes.collections]
    assert levels == [[0.51, 0.51], [0.26, 0.26]]
    for line, bars in zip(axes.collections, zip(*axes.containers, strict=True), strict=True):
        (left, _), (right, _) = line.get_segments()[0]
        assert left < bars[0].get_x()
        assert bars[-1].get_x() + bars[-1].get_width() < right
    assert [text.get_text() for text in axes.texts] == ["0.60", "0.37", "0.50", "0.40"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["animal", "ears"]


def test_scores_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="each of 2 targets, got 1 for saliency"):
        plots.plot_scores({"saliency": [0.5]}, [0.5, 0.5], ["a", "b"], ALT)
    with pytest.raises(ValueError, match="each of 1 targets, got 2 for chance"):
        plots.plot_scores({"saliency": [0.5]}, [0.5, 0.5], ["a"], ALT)
    with pytest.raises(ValueError, match="1 to 7 things to draw, got 0"):
        plots.plot_scores({}, [0.5], ["a"], ALT)
