"""Windows drawn are those that PyTorch reads; the moving ones fill the output one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from refusing import refusing

from cnn_basics import plots
from cnn_basics.plots.grids import window_cells

X = torch.tensor([[1.0, 0, 2, 1, 0], [0, 3, 1, 0, 2], [2, 1, 0, 1, 1], [1, 0, 1, 2, 0]])
KERNEL = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])


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


test_what_is_no_window_is_refused = refusing(
    *(
        (lambda row=row, column=column: plots.plot_window(X, KERNEL, row, column), message)
        for row, column in ((2, 0), (0, 3), (-1, 0), (0, -1))
        for message in [rf"window inside \(4, 5\), got its corner at \({row}, {column}\)"]
    ),
    (lambda: plots.plot_window_positions(8, (3, 3)), "kernel_size as a whole number from 1, got"),
    (lambda: plots.plot_window_positions(8, 3, padding="same"), "padding as a whole number"),
    (lambda: plots.animate_convolution(X, KERNEL, (1, 2)), "stride as a whole number"),
)
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
