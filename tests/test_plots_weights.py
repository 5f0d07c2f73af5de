"""Figures of weights: pixels and their places, products and their sum, counts on a log axis."""

import numpy as np
import pytest
import torch

from cnn_basics.plots import plot_flattened, plot_weight_counts, plot_weight_picture

PICTURE = torch.arange(20.0).view(4, 5)
SIGNS = torch.where(torch.arange(20).view(4, 5) % 2 == 0, 1.0, -2.0)


def shown(axes):
    return np.asarray(axes.images[0].get_array())


def test_flattened_picture_keeps_its_numbers_in_order():
    figure = plot_flattened(PICTURE, row=2)
    picture, strip = figure.axes
    assert shown(picture).tolist() == PICTURE.tolist()
    assert shown(strip).tolist() == [list(range(20))]
    assert strip.images[0].get_clim() == picture.images[0].get_clim() == (0, 255)


def test_flattened_picture_outlines_one_row_in_both():
    figure = plot_flattened(PICTURE, row=2)
    boxes = [axes.patches[0].get_bbox().bounds for axes in figure.axes]
    assert boxes == [(-0.5, 1.5, 5, 1), (9.5, -0.5, 5, 1)]
    texts = [text.get_text() for text in figure.axes[1].texts]
    assert texts == ["row 2: positions 10 to 14", "0", "19"]
    assert "row 2 (outlined) fills positions 10 to 14" in figure.alt


@pytest.mark.parametrize("row", [-1, 4])
def test_flattened_picture_refuses_a_row_outside(row):
    with pytest.raises(ValueError, match=rf"with a row {row}, got \(4, 5\)"):
        plot_flattened(PICTURE, row=row)


def test_flattened_picture_refuses_channels():
    with pytest.raises(ValueError, match=r"expected a picture \(H, W\).*got \(3, 4, 5\)"):
        plot_flattened(torch.zeros(3, 4, 5), row=0)


def test_weight_picture_shows_products_and_their_sum():
    figure = plot_weight_picture(PICTURE, SIGNS)
    picture, weights, products = figure.axes[:3]
    assert shown(picture).tolist() == PICTURE.tolist()
    assert shown(weights).tolist() == SIGNS.tolist()
    assert shown(products).tolist() == (PICTURE * SIGNS).tolist()
    assert figure.get_supxlabel() == "sum of all products: −110"
    assert figure.alt.endswith("they add up to -110.")


def test_weight_picture_has_zero_in_the_middle_of_its_colours():
    figure = plot_weight_picture(PICTURE, SIGNS)
    assert [axes.images[0].get_clim() for axes in figure.axes[1:3]] == [(-2, 2), (-38, 38)]
    assert figure.axes[1].images[0].get_cmap().name == "RdBu_r"
    assert plot_weight_picture(PICTURE, SIGNS * 0).axes[1].images[0].get_clim() == (-1, 1)


def test_weight_picture_writes_large_sums_with_commas_and_others_with_decimals():
    assert plot_weight_picture(PICTURE * 100, torch.ones(4, 5)).alt.endswith("19,000.")
    assert plot_weight_picture(PICTURE, torch.full((4, 5), 0.125)).alt.endswith("23.75.")


def test_weight_counts_are_bars_on_a_logarithmic_axis_with_their_numbers():
    figure = plot_weight_counts([28, 56], [602368, 2408704], constant=7168)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [602368, 2408704]
    assert axes.get_yscale() == "log"
    assert axes.get_ylim() == (1000, 2408704 * 5)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["28×28×3", "56×56×3"]
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["602,368", "2,408,704", "convolution\n3×3 kernels:\n7,168"]
    assert list(axes.lines[0].get_ydata()) == [7168, 7168]
    assert "dashed line" in figure.alt


def test_weight_counts_without_a_convolution_have_no_line():
    figure = plot_weight_counts([28, 56], [602368, 2408704])
    assert len(figure.axes[0].lines) == 0
    assert "dashed" not in figure.alt
