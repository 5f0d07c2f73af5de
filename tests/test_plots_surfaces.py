"""What is drawn on a surface of losses is what was given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from cnn_basics.figures import VERMILION, figure_to_array
from cnn_basics.plots.surfaces import plot_surface, plot_walk

LIMITS = ((-2.0, 2.0), (-1.0, 3.0))
X, Y = np.meshgrid(np.linspace(*LIMITS[0], 41), np.linspace(*LIMITS[1], 31))
HEIGHTS = X**2 + (Y - 2) ** 2  # lowest at (0, 2): in the upper half


def test_a_surface_fills_its_picture_and_is_dark_where_it_is_low():
    drawn = figure_to_array(plot_surface(HEIGHTS, LIMITS, width=2, height=1.5)).sum(axis=-1)
    assert drawn.shape == (150, 200)
    darkest = np.argwhere(drawn == drawn.min()).mean(axis=0)
    assert np.allclose(darkest, [150 * 0.25, 100], atol=4)  # row 0 is the top, y = 3
    assert (drawn[[0, -1]] < 3 * 255).all()  # nothing is white: no margin
    assert (drawn[:, [0, -1]] < 3 * 255).all()


def test_a_walk_is_drawn_from_its_square_to_its_ball():
    points = np.array([[-1.0, 0.0], [0.5, 1.0], [0.0, 2.0]])
    losses = np.array([5.0, 1.25, 0.0])
    figure = plot_walk(HEIGHTS, LIMITS, points, losses, "Three points.", title="a walk")
    left, right = figure.axes
    square, ball = left.lines[-2:]
    assert square.get_marker() == "s"
    assert square.get_xydata().tolist() == [[-1.0, 0.0]]
    assert ball.get_xydata().tolist() == [[0.0, 2.0]]
    assert to_rgba(ball.get_color()) == to_rgba(VERMILION)
    assert np.array_equal(left.lines[0].get_xydata(), points)
    assert left.get_xlim() == LIMITS[0]
    assert left.get_ylim() == LIMITS[1]
    assert left.get_title(loc="left") == "a walk"
    assert right.get_yscale() == "log"
    assert right.lines[0].get_ydata().tolist() == [5.0, 1.25, 1e-12]  # 0 has no logarithm
    assert figure.alt == "Three points."


def test_a_walk_that_never_began_is_one_point():
    figure = plot_walk(HEIGHTS, LIMITS, np.zeros((1, 2)), np.ones(1), "One point.")
    assert figure.axes[0].lines[-1].get_xydata().tolist() == [[0.0, 0.0]]
    assert len(figure.to_png()) > 1000


@pytest.mark.parametrize(("points", "losses"), [(0, 0), (2, 3)])
def test_a_loss_for_each_point_is_needed(points, losses):
    with pytest.raises(ValueError, match=f"got {points} points and {losses} losses"):
        plot_walk(HEIGHTS, LIMITS, np.zeros((points, 2)), np.ones(losses), "x")
