"""The data behind grids, pictures and animations: numbers written, cells lit, colours, limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from cnn_basics import plots
from cnn_basics.figures import VERMILION, new_figure
from cnn_basics.plots.grids import align_grids, window_cells, write_number

X = torch.tensor([[1.0, 0, 2, 1, 0], [0, 3, 1, 0, 2], [2, 1, 0, 1, 1], [1, 0, 1, 2, 0]])
KERNEL = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])


def one_grid(matrix, **options):
    _, (axis,) = new_figure()
    plots.draw_grid(axis, matrix, **options)
    return axis


def written(axis):
    """The numbers on a grid as {(row, column): text}."""
    return {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text()
            for t in axis.texts if t.get_position()[0] >= 0}  # fmt: skip


def frames(axis):
    """Outlines as [((row, column), (height, width))]."""
    return [
        ((round(p.get_y() + 0.5), round(p.get_x() + 0.5)), (p.get_height(), p.get_width()))
        for p in axis.patches
        if isinstance(p, Rectangle) and p.get_linewidth() == 3
    ]


def hatched(axis):
    return {(round(p.get_y() + 0.5), round(p.get_x() + 0.5)) for p in axis.patches if p.get_hatch()}


def test_every_number_stands_in_its_own_cell():
    axis = one_grid(X, title="input")
    assert written(axis) == {
        (i, j): f"{int(X[i, j])}" for i in range(X.shape[0]) for j in range(X.shape[1])
    }
    assert np.array_equal(axis.images[0].get_array(), X.numpy())
    assert axis.images[0].get_clim() == (0, 3)
    assert axis.get_title() == "input"


@pytest.mark.parametrize(
    ("number", "text"),
    [(3.0, "3"), (-2.0, "−2"), (0.25, "0.25"), (-0.0, "0"), (-0.001, "0"), (1 / 3, "0.33")],
)
def test_numbers_are_written_briefly(number, text):
    assert write_number(number) == text


def test_a_diverging_grid_has_zero_in_the_middle():
    image = one_grid(torch.tensor([[1.0, -3.0]]), diverging=True).images[0]
    assert image.get_clim() == (-3, 3)
    assert image.cmap.name == "RdBu_r"
    assert one_grid(torch.zeros(2, 2), diverging=True).images[0].get_clim() == (-1, 1)


def test_limits_can_be_given_and_a_constant_matrix_has_some():
    assert one_grid(X, limits=(-1, 9)).images[0].get_clim() == (-1, 9)
    assert one_grid(torch.ones(2, 3)).images[0].get_clim() == (1, 2)


def test_numbers_can_be_read_on_their_cells():
    dark = one_grid(torch.tensor([[-1.0, 0.0]]), diverging=True)
    assert [t.get_color() for t in dark.texts] == ["white", "#000000"]


def test_lit_cells_that_fill_a_rectangle_get_one_frame():
    axis = one_grid(X, lit=window_cells(1, 2, (3, 3)))
    assert frames(axis) == [((1, 2), (3, 3))]
    patch = next(p for p in axis.patches if p.get_linewidth() == 3)
    assert patch.get_edgecolor() == pytest.approx((0xD5 / 255, 0x5E / 255, 0, 1))
    assert VERMILION == "#D55E00"


def test_lit_cells_apart_get_a_frame_each():
    axis = one_grid(X, lit=window_cells(0, 0, (2, 2), (2, 3)))
    assert frames(axis) == [(cell, (1, 1)) for cell in [(0, 0), (0, 3), (2, 0), (2, 3)]]


def test_padding_is_hatched_and_white():
    axis = one_grid(torch.nn.functional.pad(X, (1, 1, 1, 1)), border=1)
    assert len(hatched(axis)) == 6 * 7 - 4 * 5
    assert (0, 3) in hatched(axis)
    assert (1, 1) not in hatched(axis)
    assert axis.images[0].get_array().mask.sum() == len(hatched(axis))


def test_hidden_cells_stay_empty():
    axis = one_grid(X, hidden=[(3, 4)])
    assert (3, 4) not in written(axis)
    assert axis.images[0].get_array().mask.sum() == 1


def test_a_grid_needs_a_matrix():
    with pytest.raises(ValueError, match=r"expected a matrix \(H, W\), got \(1, 2, 2\)"):
        one_grid(torch.zeros(1, 2, 2))


def test_grids_stand_side_by_side_with_signs_and_equal_cells():
    figure = plots.plot_grids([X, KERNEL], ["a", "b"], "Two grids.", signs=["×"], diverging=[1])
    assert [axis.get_title() for axis in figure.axes] == ["a", "b"]
    figure.draw_without_rendering()
    sign = figure.axes[1].texts[-1]
    place, left, right = (part.get_window_extent() for part in (sign, *figure.axes))
    assert sign.get_text() == "×"
    assert left.x1 < place.x0 < place.x1 < right.x0
    assert figure.axes[0].get_ylim() == (3.5, -0.5)
    assert figure.axes[1].get_ylim() == (3.0, -1.0)  # as tall as the other, centred
    assert figure.alt == "Two grids."


def test_grids_can_share_one_scale_and_fill_several_rows():
    matrices = [torch.zeros(2, 2), torch.full((2, 2), 5.0), torch.ones(2, 2)]
    figure = plots.plot_grids(matrices, list("abc"), "Three grids.", shared=True, columns=2)
    assert {axis.images[0].get_clim() for axis in figure.axes[:3]} == {(0, 5)}
    assert figure.axes[2].get_subplotspec().rowspan.start == 1
    own = plots.plot_grids(matrices, list("abc"), "Three grids.")
    assert [axis.images[0].get_clim() for axis in own.axes] == [(0, 1), (5, 6), (1, 2)]


def test_align_grids_centres_each_grid():
    _, axes = new_figure(1, 2)
    align_grids(axes, [(5, 2), (1, 1)])
    assert [axis.get_ylim() for axis in axes] == [(4.5, -0.5), (2.5, -2.5)]


def test_plot_window_shows_products_and_their_sum():
    figure = plots.plot_window(X, KERNEL, 1, 2, bias=3.0)
    assert frames(figure.axes[0]) == [((1, 2), (3, 3))]
    assert np.array_equal(figure.axes[2].images[0].get_array(), (X[1:4, 2:5] * KERNEL).numpy())
    assert figure.get_supxlabel() == "1 + 0 − 2 + 0 + 0 − 2 + 1 + 0 + 0 + 3 (bias) = 1"
    assert figure.alt.endswith("the products add up to 1 with the bias 3.")


@pytest.mark.parametrize(("row", "column"), [(2, 0), (0, 3), (-1, 0), (0, -1)])
def test_plot_window_refuses_a_window_that_leaves_the_input(row, column):
    with pytest.raises(ValueError, match=rf"window inside \(4, 5\).*\({row}, {column}\)"):
        plots.plot_window(X, KERNEL, row, column)


def test_animated_convolution_has_a_frame_for_each_output():
    animation = plots.animate_convolution(X, KERNEL, stride=2, padding=1)
    assert animation.frames.shape == (6, 270, 600, 3)
    assert len(np.unique(animation.frames.reshape(6, -1), axis=0)) == 6
    assert "3×3 kernel slides over a 4×5 input with stride 2, padding 1" in animation.alt
    assert "fills the 2×3 output" in animation.alt


@pytest.mark.parametrize(("kind", "word"), [("max", "largest number"), ("average", "mean")])
def test_animated_pooling_has_a_frame_for_each_output(kind, word):
    animation = plots.animate_pooling(X[:, :4], kind=kind)
    assert animation.frames.shape[0] == 4
    assert f"the {word} of each window becomes one number of the 2×2 output" in animation.alt


def test_animated_pooling_knows_two_kinds():
    with pytest.raises(ValueError, match="expected kind 'max' or 'average', got 'median'"):
        plots.animate_pooling(X, kind="median")


def test_animation_frames_light_the_window_and_fill_the_output(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "cnn_basics.plots.grids.draw_grid",
        lambda axis, matrix, title="", **options: drawn.append((title, matrix, options)),
    )
    plots.animate_convolution(X, KERNEL, stride=2, padding=1)
    inputs = [entry for entry in drawn if entry[0] == "input"]
    outputs = [entry for entry in drawn if entry[0] == "output"]
    assert inputs[4][2]["lit"] == window_cells(2, 2, (3, 3))
    assert inputs[4][2]["border"] == 1
    assert inputs[0][1].shape == (6, 7)
    expected = torch.nn.functional.conv2d(X[None, None], KERNEL[None, None], stride=2, padding=1)
    assert torch.equal(outputs[0][1], expected[0, 0])
    assert [len(entry[2]["hidden"]) for entry in outputs] == [5, 4, 3, 2, 1, 0]
    assert [entry[2]["lit"] for entry in outputs][3] == [(1, 0)]


def test_animated_grids_have_cells_of_one_size(monkeypatch):
    monkeypatch.setattr("cnn_basics.plots.grids.animate", lambda figures, alt: next(figures))
    figure = plots.animate_convolution(X, KERNEL)
    assert [axis.get_ylim() for axis in figure.axes] == [(3.5, -0.5), (3.0, -1.0), (2.5, -1.5)]


def test_all_frames_of_one_figure_have_the_layout_of_the_first():
    figure, (axes,) = new_figure(width=2, height=1)
    places = []

    def steps():
        for label in ("a", "a much longer label"):
            axes.set_yticks([0], [label])
            yield figure
            places.append(axes.get_position().bounds)

    plots.animate(steps(), "A label that grows.")
    assert places[0] == places[1]


def test_animate_draws_each_state_of_one_figure_or_each_figure():
    def steps():
        figure, (axes,) = new_figure(width=2, height=1)
        for width in (1, 2, 3):
            plots.clear([axes])
            axes.barh([0], [width])
            yield figure

    animation = plots.animate(steps(), "A bar that grows.", seconds_per_frame=0.2)
    assert animation.frames.shape == (3, 100, 200, 3)
    assert len(np.unique(animation.frames.reshape(3, -1), axis=0)) == 3
    assert (animation.alt, animation.seconds_per_frame) == ("A bar that grows.", 0.2)


def test_clear_takes_off_all_that_was_drawn():
    axis = one_grid(X, lit=[(0, 0)], border=1)
    axis.plot([0, 1])
    plots.clear([axis])
    parts = (axis.images, axis.collections, axis.patches, axis.lines, axis.texts)
    assert [len(part) for part in parts] == [0] * 5
