"""Grids, windows and animations: numbers written, cells lit, colours, limits, frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
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


def test_numbers_are_written_briefly():
    words = {3.0: "3", -2.0: "−2", 0.25: "0.25", -0.0: "0", -0.001: "0", 1 / 3: "0.33"}
    assert [write_number(number) for number in words] == list(words.values())


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
    axes = one_grid(F.pad(X, (1, 1, 1, 1)), border=1)
    around = {(i, j) for i in range(6) for j in range(7) if i in (0, 5) or j in (0, 6)}
    assert {cell for cell, _ in places([p for p in axes.patches if p.get_hatch()])} == around
    assert {tuple(cell) for cell in np.argwhere(axes.images[0].get_array().mask)} == around


test_what_is_no_grid_or_window_is_refused = refusing(
    (lambda: one_grid(torch.zeros(1, 2, 2)), r"a matrix \(H, W\), got \(1, 2, 2\): pick one map"),
    (lambda: plots.plot_grids([[1, 2]], ["a"], "A row."), r"a matrix \(H, W\), got \(2,\)"),
    (lambda: plots.plot_grids([], [], "Nothing."), "one title for each of at least one picture"),
    (lambda: plots.plot_grids([X], ["a"], "A.", columns=0), "columns as a whole number"),
    *(
        (lambda row=row, column=column: plots.plot_window(X, KERNEL, row, column), message)
        for row, column in ((2, 0), (0, 3), (-1, 0), (0, -1))
        for message in [rf"window inside \(4, 5\), got its corner at \({row}, {column}\)"]
    ),
    (lambda: plots.plot_window_positions(8, (3, 3)), "kernel_size as a whole number from 1, got"),
    (lambda: plots.plot_window_positions(8, 3, padding="same"), "padding as a whole number"),
    (lambda: plots.animate([], "Nothing."), "expected figures to animate, got none"),
    (lambda: plots.animate_convolution(X, KERNEL, (1, 2)), "stride as a whole number"),
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


def read_by_pytorch(size, kernel_size, stride=1, padding=0, dilation=1):
    """The pixels that each output reads: those where its gradient is not zero."""
    x = torch.ones(1, 1, size, requires_grad=True)
    y = F.conv1d(x, torch.ones(1, 1, kernel_size), None, stride, padding, dilation)[0, 0]
    gradients = [torch.autograd.grad(value, x, retain_graph=True)[0][0, 0] for value in y]
    return [gradient.nonzero().flatten().tolist() for gradient in gradients]


def drawn_windows(axes):
    """The columns of each window's squares, and the pixels crossed out."""
    windows = {}
    for square in (p for p in axes.patches if p.get_width() == 0.72):
        line = windows.setdefault(round(square.get_y() + 0.36) - 1, [])
        line.append(round(square.get_x() + 0.36))
    crossed = [t.get_position()[0] for t in axes.texts if t.get_text() == "×"]
    return [windows[line] for line in range(len(windows))], crossed


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ((7, 3), "stride 1; 0 pixels are"),
        ((8, 3, 2), "stride 2; 1 pixel is"),
        ((8, 3, 2, 1), "stride 2, padding 1; 0 pixels are"),
        ((9, 3, 2, 1, 2), "stride 2, padding 1, dilation 2; 5 pixels are"),
        ((5, 5, 1, 2), "stride 1, padding 2; 0 pixels are"),
    ],
)
def test_windows_drawn_are_the_windows_read(case, settings):
    figure = plots.plot_window_positions(*case)
    (axes,) = figure.axes
    size, kernel_size = case[:2]
    windows, crossed = drawn_windows(axes)
    read = read_by_pytorch(*case)
    assert [[x for x in window if 0 <= x < size] for window in windows] == read
    assert {len(window) for window in windows} == {kernel_size}
    assert crossed == sorted(set(range(size)) - {x for window in read for x in window})
    assert len([p for p in axes.patches if p.get_hatch()]) == 2 * sum(case[3:4])
    assert [t.get_text() for t in axes.get_yticklabels()][-1] == f"output {len(read) - 1}"
    counted = f"{size} pixels and the {len(read)} windows of a kernel of {kernel_size} with "
    assert figure.alt == f"{counted}{settings} never seen."


def test_rounded_up_a_last_window_sees_what_is_left_and_reaches_over_the_edge():
    figure = plots.plot_window_positions(7, 2, stride=2, ceil_mode=True)
    assert drawn_windows(figure.axes[0]) == ([[0, 1], [2, 3], [4, 5], [6, 7]], [])
    assert figure.axes[0].get_xlim()[1] > 7.36
    assert "stride 2, rounded up (ceil_mode);" in figure.alt


def test_plot_window_shows_products_and_their_sum():
    figure = plots.plot_window(X, KERNEL, 1, 2)
    (frame,) = [p for p in figure.axes[0].patches if p.get_linewidth() == 3]
    assert (frame.get_xy(), frame.get_height(), frame.get_width()) == ((1.5, 0.5), 3, 3)
    assert np.array_equal(figure.axes[2].images[0].get_array(), X[1:4, 2:5] * KERNEL)
    assert figure.get_supxlabel() == "1 + 0 − 2 + 0 + 0 − 2 + 1 + 0 + 0 = −2"
    assert figure.alt.endswith("the products add up to −2.")


CONVOLUTION = "3×3 kernel slides over a 4×5 input with stride 2, padding 1 and dilation 1; window"


def test_an_animation_has_a_frame_for_each_output():
    animation = plots.animate_convolution(X, KERNEL, np.int64(2), np.int64(1))
    assert animation.frames.shape == (6, 270, 600, 3)
    assert len(np.unique(animation.frames.reshape(6, -1), axis=0)) == 6
    assert CONVOLUTION in animation.alt


def test_frames_light_the_window_and_fill_the_output(monkeypatch):
    drawn = {"input": [], "kernel": [], "output": []}
    monkeypatch.setattr(
        "cnn_basics.plots.windows.draw_grid",
        lambda axes, matrix, title, **options: drawn[title].append((matrix, options)),
    )
    plots.animate_convolution(X, KERNEL, stride=2, padding=1, dilation=2)
    (padded, first), (_, last) = drawn["input"]
    assert torch.equal(padded, F.pad(X, (1, 1, 1, 1)))
    assert first["border"] == 1
    assert last["lit"] == window_cells(0, 2, (3, 3), (2, 2))
    options = {"stride": 2, "padding": 1, "dilation": 2}
    expected = F.conv2d(X[None, None], KERNEL[None, None], **options)
    assert torch.equal(drawn["output"][0][0], expected[0, 0])
    outputs = [options for _, options in drawn["output"]]
    assert [each["hidden"] for each in outputs] == [[(0, 1)], []]
    assert [each["lit"] for each in outputs] == [[(0, 0)], [(0, 1)]]


def test_animated_grids_have_cells_of_one_size(monkeypatch):
    monkeypatch.setattr("cnn_basics.plots.windows.animate", lambda figures, alt: next(figures))
    figure = plots.animate_convolution(X, KERNEL)
    assert [axis.get_ylim() for axis in figure.axes] == [(3.5, -0.5), (3.0, -1.0), (2.5, -1.5)]
