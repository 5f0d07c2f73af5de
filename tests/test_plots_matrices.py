"""Figures of matrix products and broadcasting: the numbers, outlines and labels that they show."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb

from cnn_basics.figures import SKY, VERMILION
from cnn_basics.plots import animate_product, matrices, plot_broadcast, plot_product_shapes
from cnn_basics.plots.matrices import write_sum

Y = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [-2.0, 1.0, 4.0], [5.0, -1.0, 0.0]])
DOWN = torch.tensor([10.0, 20.0, 30.0])
RIGHT = torch.tensor([[10.0], [20.0], [30.0], [40.0]])
X = torch.tensor([[2, 0, 3], [1, 1, -2]])
W = torch.tensor([[1, 0], [5, 1], [-2, 1]])


def shown(axes):
    return np.asarray(axes.images[0].get_array().filled(np.nan))


def outlined(axes):
    """Corner (row, column) and size (rows, columns) of each thick frame."""
    thick = [p for p in axes.patches if p.get_linewidth() == 3]
    return [((p.get_y() + 0.5, p.get_x() + 0.5), (p.get_height(), p.get_width())) for p in thick]


@pytest.mark.parametrize(
    ("bias", "frame", "words"),
    [
        (DOWN, ((0, 0), (1, 3)), "copied down, one for each column"),
        (DOWN[None], ((0, 0), (1, 3)), "copied down, one for each column"),
        (RIGHT, ((0, 0), (4, 1)), "copied to the right, one for each row"),
    ],
)
def test_broadcast_outlines_what_is_stored_and_adds_the_copies(bias, frame, words):
    figure = plot_broadcast(Y, bias)
    y, copies, total = figure.axes
    assert shown(y).tolist() == Y.tolist()
    assert shown(copies).tolist() == torch.broadcast_to(bias, Y.shape).tolist()
    assert shown(total).tolist() == (Y + bias).tolist()
    assert [outlined(axes) for axes in figure.axes] == [[], [frame], []]
    assert copies.get_title().startswith(f"bias {tuple(bias.shape)}, copied")
    assert words in figure.alt


def test_broadcast_of_a_square_matrix_copies_a_plain_vector_down():
    copies = plot_broadcast(torch.zeros(3, 3), DOWN).axes[1]
    assert shown(copies)[:, 0].tolist() == [10, 10, 10]
    assert outlined(copies) == [((0, 0), (1, 3))]


@pytest.mark.parametrize("shape", [(4,), (3, 1), (1, 4), (1,)])
def test_broadcast_refuses_a_bias_that_does_not_fit(shape):
    with pytest.raises(
        ValueError, match=r"expected a bias of shape \(3,\).*got \(" + str(shape[0])
    ):
        plot_broadcast(Y, torch.ones(shape))


def test_product_shapes_label_rows_and_columns_of_three_matrices():
    figure = plot_product_shapes(100, 784, 10)
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["784", "100", "x", "×", "10", "784", "W", "=", "10", "100", "y", ""]
    whole = [p for p in axes.patches if p.get_facecolor()[:3] == to_rgb(SKY)]
    x, w, y = [(p.get_width(), p.get_height()) for p in whole]
    assert x[0] == w[1]  # the inner sizes are equal
    assert (w[0], x[1]) == y  # the outer ones stay
    assert "100 rows and 784 columns times one of 784 rows and 10 columns" in figure.alt


def test_product_shapes_fill_a_row_a_column_and_the_cell_where_they_meet():
    (axes,) = plot_product_shapes(4, 9, 5).axes
    whole = [p for p in axes.patches if p.get_facecolor()[:3] == to_rgb(SKY)]
    row, column, cell = [p for p in axes.patches if p.get_facecolor()[:3] == to_rgb(VERMILION)]
    assert row.get_width() == whole[0].get_width()
    assert column.get_height() == whole[1].get_height()
    assert cell.get_y() == row.get_y()
    offset = column.get_x() - whole[1].get_x()
    assert cell.get_x() - whole[2].get_x() == pytest.approx(offset)


def test_product_animation_has_one_frame_for_each_output_and_differs_from_frame_to_frame():
    animation = animate_product(X, W)
    assert len(animation.frames) == 4
    assert all((a != b).any() for a, b in pairwise(animation.frames))
    assert "x (2, 3) times W (3, 2) fills y (2, 2)" in animation.alt


def test_product_animation_lights_the_row_and_the_column_of_each_output(monkeypatch):
    figures = []
    picture = np.zeros((2, 2, 3), np.uint8)
    monkeypatch.setattr(matrices, "figure_to_array", lambda f: figures.append(f) or picture)
    animate_product(X, W)
    x, w, y = figures[2].axes  # the third output, row 1 and column 0
    assert outlined(x) == [((1, 0), (1, 3))]
    assert outlined(w) == [((0, 0), (3, 1))]
    assert outlined(y) == [((1, 0), (1, 1))]
    filled = shown(y)
    assert filled[0].tolist() == (X @ W)[0].tolist()
    assert filled[1, 0] == 10
    assert np.isnan(filled[1, 1])
    assert figures[2].get_supxlabel() == "y[1, 0] = 1·1 + 1·5 + (−2)·(−2) = 10"
    assert shown(figures[-1].axes[2]).tolist() == (X @ W).tolist()


@pytest.mark.parametrize(("x", "weight"), [(X, W.T), (X[0], W), (X, W[0])])
def test_product_animation_refuses_shapes_that_do_not_fit(x, weight):
    with pytest.raises(ValueError, match=r"expected x \(N, in\) and weight \(in, out\), got"):
        animate_product(x, weight)


def test_sums_are_written_with_negative_numbers_in_brackets():
    row, column = torch.tensor([2.0, -1.5]), torch.tensor([-1.0, 0.0])
    assert write_sum(row, column) == "2·(−1) + (−1.5)·0 = −2"
