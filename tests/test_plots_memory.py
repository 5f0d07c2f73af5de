"""Figures of memory order: which number stands where, which path memory takes, whose row it is."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from cnn_basics.plots import (
    animate_reshape,
    memory,
    plot_memory_order,
    plot_owners,
    plot_tensor,
    plot_views,
)

NUMBERS = torch.arange(12)


def shown(axes):
    return np.asarray(axes.images[0].get_array().filled(np.nan))


def outlined(axes):
    """Corner (row, column) of each thick frame."""
    return [(p.get_y() + 0.5, p.get_x() + 0.5) for p in axes.patches if p.get_linewidth() == 3]


def test_views_show_the_same_numbers_in_each_shape():
    shapes = [(1, 12), (4, 3), (12, 1)]
    figure = plot_views(NUMBERS, shapes)
    assert [shown(axes).tolist() for axes in figure.axes] == [
        NUMBERS.view(shape).tolist() for shape in shapes
    ]
    assert [axes.get_title() for axes in figure.axes] == ["(1, 12)", "(4, 3)", "(12, 1)"]
    assert "same 12 numbers in the shapes (1, 12), (4, 3), (12, 1)" in figure.alt


def test_views_hang_from_one_line_and_narrow_ones_keep_room_for_their_titles():
    figure = plot_views(NUMBERS, [(1, 12), (12, 1)])
    assert [axes.get_ylim() for axes in figure.axes] == [(11.5, -0.5)] * 2
    assert [np.ptp(axes.get_xlim()) for axes in figure.axes] == pytest.approx([12, 2.8])


@pytest.mark.parametrize(
    ("shape", "titles"),
    [
        ((2, 1, 2, 3), ["M[0, 0]", "M[1, 0]"]),
        ((2, 2, 3), ["M[0]", "M[1]"]),
        ((1, 1, 12), ["M[0]"]),
    ],
)
def test_tensor_has_one_matrix_for_each_leading_index(shape, titles):
    figure = plot_tensor(NUMBERS.view(shape))
    assert [axes.get_title() for axes in figure.axes] == titles
    assert np.concatenate([shown(axes).ravel() for axes in figure.axes]).tolist() == list(range(12))
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(0, 11)}
    assert f"shape {shape} as {len(titles)} matri" in figure.alt


def test_tensor_refuses_a_matrix():
    with pytest.raises(ValueError, match=r"at least three axes, got \(4, 3\)"):
        plot_tensor(NUMBERS.view(4, 3))


def arrows(axes):
    """Start and end of each arrow as (row, column)."""
    found = [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]
    return [(text.xyann[::-1], text.xy[::-1]) for text in found]


def test_memory_order_runs_along_rows_or_down_columns():
    matrix = torch.arange(6).view(2, 3)
    figure = plot_memory_order([matrix, matrix.T], ["rows", "columns"])
    along = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    down = [(column, row) for row, column in along]
    for axes, path in zip(figure.axes, [along, down], strict=True):
        assert arrows(axes) == list(pairwise(path))
    assert shown(figure.axes[1]).tolist() == matrix.T.tolist()
    assert "rows; columns" in figure.alt


def test_owners_name_the_picture_of_each_row():
    owner = torch.arange(2).view(2, 1, 1, 1).expand(2, 4, 2, 2).contiguous()
    figure = plot_owners(owner.view(-1, 4), "view(-1, 4)")
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert texts[::2] == ["numbers of picture 0"] * 4 + ["numbers of picture 1"] * 4
    assert texts[1::2] == [f"row {k}" for k in range(8)]
    assert [bar.get_hatch() for bar in axes.patches] == [None] * 4 + ["//"] * 4
    assert {bar.get_width() for bar in axes.patches} == {4}
    assert axes.get_title() == "view(-1, 4): (8, 4)"
    assert figure.alt == (
        "view(-1, 4) gives 8 rows of 4 numbers; rows for each picture: picture 0: 4, picture 1: 4."
    )


def test_owners_refuse_rows_of_several_pictures():
    with pytest.raises(ValueError, match=r"got \[0, 1\] in row 1"):
        plot_owners(torch.tensor([[0, 0], [0, 1]]), "mixed")


def test_reshape_animation_fills_the_new_shape_in_memory_order(monkeypatch):
    figures = []
    picture = np.zeros((2, 2, 3), np.uint8)
    monkeypatch.setattr(memory, "figure_to_array", lambda f: figures.append(f) or picture)
    animate_reshape(NUMBERS.view(3, 4), (2, 6))
    before, after = figures[7].axes  # number 7
    assert outlined(before) == [(1, 3)]
    assert outlined(after) == [(1, 1)]
    filled = shown(after).ravel()
    assert filled[:8].tolist() == list(range(8))
    assert np.isnan(filled[8:]).all()
    assert shown(figures[-1].axes[1]).tolist() == NUMBERS.view(2, 6).tolist()


def test_reshape_animation_has_one_frame_for_each_number():
    animation = animate_reshape(torch.eye(2), (1, 4))
    assert len(animation.frames) == 4
    assert "4 numbers of a (2, 2) matrix fill a (1, 4) matrix" in animation.alt


@pytest.mark.parametrize(("x", "shape"), [(NUMBERS.view(3, 4), (2, 5)), (NUMBERS, (3, 4))])
def test_reshape_animation_refuses_what_does_not_fit(x, shape):
    with pytest.raises(ValueError, match="expected a matrix and a shape with 12 cells"):
        animate_reshape(x, shape)
