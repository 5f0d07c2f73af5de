"""The data behind grids and animations: numbers written, cells lit, colours, limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from refusing import refusing

from cnn_basics import plots
from cnn_basics.figures import VERMILION, new_figure
from cnn_basics.plots.grids import window_cells, write_number

X = torch.tensor([[1.0, 0, 2, 1, 0], [0, 3, 1, 0, 2], [2, 1, 0, 1, 1], [1, 0, 1, 2, 0]])
KERNEL = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])


def one_grid(matrix, **options):
    _, (axes,) = new_figure()
    plots.draw_grid(axes, matrix, **options)
    return axes


def written(axes):
    """The numbers on a grid as {(row, column): text}."""
    return {t.get_position()[::-1]: t.get_text() for t in axes.texts}


def places(patches):
    """Upper left cells and sizes of rectangles, as [((row, column), (height, width))]."""
    corners = [(round(p.get_y() + 0.5), round(p.get_x() + 0.5)) for p in patches]
    return [(c, (p.get_height(), p.get_width())) for c, p in zip(corners, patches, strict=True)]


def test_every_number_stands_in_its_own_cell_but_in_hidden_ones():
    axes = one_grid(X, title="input", hidden=[(3, 4)])
    cells = {(i, j): f"{int(X[i, j])}" for i in range(4) for j in range(5) if (i, j) != (3, 4)}
    assert written(axes) == cells
    shown = axes.images[0].get_array()
    assert np.array_equal(shown.data, X)
    assert np.argwhere(shown.mask).tolist() == [[3, 4]]
    assert axes.get_title() == "input"


@pytest.mark.parametrize(
    ("number", "text"),
    [(3.0, "3"), (-2.0, "−2"), (0.25, "0.25"), (-0.0, "0"), (-0.001, "0"), (1 / 3, "0.33")],
)
def test_numbers_are_written_briefly(number, text):
    assert write_number(number) == text


@pytest.mark.parametrize(
    ("matrix", "options", "limits", "colours"),
    [
        (X, {}, (0, 3), "light"),
        (X, {"limits": (-1, 9)}, (-1, 9), "light"),
        (torch.ones(2, 3), {}, (1, 2), "light"),
        (torch.tensor([[1.0, -3.0]]), {"diverging": True}, (-3, 3), "RdBu_r"),
        (torch.zeros(2, 2), {"diverging": True}, (-1, 1), "RdBu_r"),
    ],
)
def test_colours_have_their_scale(matrix, options, limits, colours):
    (image,) = one_grid(matrix, **options).images
    assert (image.get_clim(), image.cmap.name) == (limits, colours)


def test_numbers_can_be_read_on_their_cells():
    dark = one_grid(torch.tensor([[-1.0, 0.0]]), diverging=True)
    assert [t.get_color() for t in dark.texts] == ["white", "#000000"]


@pytest.mark.parametrize(
    ("lit", "frames"),
    [
        (window_cells(1, 2, (3, 3)), [((1, 2), (3, 3))]),
        (window_cells(1, 2, (2, 2))[::-1], [((1, 2), (2, 2))]),
        (
            window_cells(0, 0, (2, 2), (2, 3)),
            [(c, (1, 1)) for c in ((0, 0), (0, 3), (2, 0), (2, 3))],
        ),
        ((), []),
    ],
)
def test_lit_cells_that_fill_a_rectangle_get_one_frame_others_one_each(lit, frames):
    thick = [p for p in one_grid(X, lit=lit).patches if p.get_linewidth() == 3]
    assert places(thick) == frames
    assert {to_hex(p.get_edgecolor()).upper() for p in thick} <= {VERMILION}


def test_padding_is_hatched_and_white():
    axes = one_grid(torch.nn.functional.pad(X, (1, 1, 1, 1)), border=1)
    around = {(i, j) for i in range(6) for j in range(7) if i in (0, 5) or j in (0, 6)}
    assert {cell for cell, _ in places([p for p in axes.patches if p.get_hatch()])} == around
    assert {tuple(cell) for cell in np.argwhere(axes.images[0].get_array().mask)} == around


test_what_is_no_grid_is_refused = refusing(
    (lambda: one_grid(torch.zeros(1, 2, 2)), r"a matrix \(H, W\), got \(1, 2, 2\): pick one map"),
    (lambda: plots.plot_grids([[1, 2]], ["a"], "A row."), r"a matrix \(H, W\), got \(2,\)"),
    (lambda: plots.plot_grids([], [], "Nothing."), "one title for each of at least one picture"),
    (
        lambda: plots.plot_grids([X], ["a"], "A.", columns=0),
        "columns as a whole number from 1",
    ),
)


def test_grids_stand_side_by_side_with_signs_and_equal_cells():
    figure = plots.plot_grids([X, KERNEL], ["a", "b"], "Two grids.", signs=["×"], diverging=[1])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    assert [axes.images[0].cmap.name for axes in figure.axes] == ["light", "RdBu_r"]
    figure.draw_without_rendering()
    sign = figure.axes[1].texts[-1]
    place, left, right = (part.get_window_extent() for part in (sign, *figure.axes))
    assert sign.get_text() == "×"
    assert left.x1 < place.x0 < place.x1 < right.x0
    assert figure.alt == "Two grids."


def test_grids_can_share_one_scale_and_fill_several_rows():
    matrices = [torch.zeros(2, 2), torch.full((2, 2), 5.0), torch.ones(2, 2)]
    figure = plots.plot_grids(matrices, list("abc"), "Three grids.", shared=True, columns=2)
    assert {axes.images[0].get_clim() for axes in figure.axes[:3]} == {(0, 5)}
    assert [axes.get_subplotspec().rowspan.start for axes in figure.axes] == [0, 0, 1, 1]
    assert [axes.axison for axes in figure.axes] == [True, True, True, False]
    own = plots.plot_grids(matrices, list("abc"), "Three grids.")
    assert [axes.images[0].get_clim() for axes in own.axes] == [(0, 1), (5, 6), (1, 2)]


def test_aligned_grids_are_centred_with_numbers_of_one_size():
    axes = plots.plot_grids([torch.ones(9, 2), np.ones((1, 1))], ["a", "b"], "Two grids.").axes
    assert [axis.get_ylim() for axis in axes] == [(8.5, -0.5), (4.5, -4.5)]
    assert {text.get_fontsize() for axis in axes for text in axis.texts} == {7.5}


def test_animate_draws_each_state_of_one_figure_in_the_layout_of_the_first():
    figure, (axes,) = new_figure(width=2, height=1)
    left = []

    def steps():
        for width, label in ((1, "a"), (2, "a longer label"), (3, "b")):
            plots.clear([axes])
            axes.barh([0], [width])
            axes.set_yticks([0], [label])
            yield figure
            left.append(axes.get_position().x0)

    animation = plots.animate(steps(), "A bar that grows.", seconds_per_frame=0.2)
    assert animation.frames.shape == (3, 100, 200, 3)
    assert len(np.unique(animation.frames.reshape(3, -1), axis=0)) == 3
    assert (animation.alt, animation.seconds_per_frame) == ("A bar that grows.", 0.2)
    assert len(set(left)) == 1


def test_clear_takes_off_all_that_was_drawn():
    axes = one_grid(X, lit=[(0, 0)], border=1)
    axes.plot([0, 1])
    plots.clear([axes])
    parts = (axes.images, axes.collections, axes.patches, axes.lines, axes.texts)
    assert [len(part) for part in parts] == [0] * 5
