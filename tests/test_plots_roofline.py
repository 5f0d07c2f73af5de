"""Rooflines, ratios and im2col, as they are drawn."""

from __future__ import annotations

from itertools import pairwise

import torch
from cnn_basics.plots.unrolling import im2col

from cnn_basics import plots
from cnn_basics.by_hand.fast import Machine
from cnn_basics.plots.attainable import INTENSITIES, SPEEDS

LAPTOP = Machine(peak=100e9, bandwidth=20e9)


def test_windows_become_rows(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "cnn_basics.plots.unrolling.draw_grid", lambda axes, *given, **look: drawn.append(look)
    )
    animation = plots.animate_im2col(torch.arange(12.0).view(3, 4), (2, 3))
    assert len(animation.frames) == 4
    for row, (window, matrix) in enumerate(zip(drawn[::2], drawn[1::2], strict=True)):
        i, j = divmod(row, 2)
        assert window["lit"] == [(i + a, j + b) for a in range(2) for b in range(3)]
        assert matrix["lit"] == [(row, column) for column in range(6)]
        assert matrix["hidden"] == [(r, c) for r in range(row + 1, 4) for c in range(6)]
    assert "4 windows of 2×3 of a 3×4 input" in animation.alt
    assert "(4, 6)" in animation.alt


def test_the_last_frame_shows_the_whole_matrix():
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    frames = plots.animate_im2col(x, (2, 2)).frames
    changed = [int((a != b).any(axis=2).sum()) for a, b in pairwise(frames)]
    assert min(changed) > 100
    assert im2col(x[None, None], 2)[-1].tolist() == [5, 6, 8, 9]


def state(figure):
    axes = figure.axes[0]
    roof, *drops_and_points = axes.lines
    return roof.get_xydata(), [line.get_xydata().tolist() for line in drops_and_points[2:]]


def test_the_layer_is_on_the_roof():
    drawing = plots.RooflineFigure()
    figure = drawing.update(LAPTOP, (50.0, 2.0), ["first", "second"], "A layer.")
    roof, points = state(figure)
    assert roof.tolist() == [[0.1, 2], [5, 100], [1000, 100]]
    assert points == [[[50, 100]], [[2, 40]]]
    assert [text.get_text() for text in figure.texts][:3] == ["first", "second", ""]
    again = drawing.update(Machine(10e9, 20e9), (50.0, 2.0), ["third"], "Another.")
    assert again is figure
    assert state(figure)[1] == [[[50, 10]], [[2, 10]]]
    assert [text.get_text() for text in figure.texts][:2] == ["third", ""]
    assert figure.alt == "Another."


def test_what_lies_outside_is_drawn_at_the_edge():
    figure = plots.RooflineFigure().update(LAPTOP, (1e6, 0.001), [], "Outside.")
    assert [point[0][0] for point in state(figure)[1]] == [INTENSITIES[1], INTENSITIES[0]]
    low, high = figure.axes[0].get_ylim()
    assert (low, high) == SPEEDS


def test_a_redrawn_figure_is_the_same_as_a_fresh_one():
    drawing = plots.RooflineFigure()
    drawing.update(Machine(1e9, 1e9), (1.0, 2.0), ["a long line of words", "two"], "x").to_png()
    again = drawing.update(LAPTOP, (50.0, 2.0), ["new"], "x").to_png()
    fresh = plots.RooflineFigure().update(LAPTOP, (50.0, 2.0), ["new"], "x").to_png()
    assert again == fresh
