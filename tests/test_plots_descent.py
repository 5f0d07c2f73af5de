"""Gradient descent on a curve: the points lie where the weights and losses are."""

from __future__ import annotations

import pytest
import torch

from cnn_basics import plots

PATHS = {"slow": [8.0, 7.0, 6.2], "at once": [8.0, 3.0]}


def loss(weight):
    return (weight - 3) ** 2


def panels():
    return plots.plot_descent(loss, PATHS, "Two descents on one curve.", limits=(-1, 9)).axes


def test_each_path_has_its_panel():
    assert [axes.get_title() for axes in panels()] == list(PATHS)


def test_points_are_weights_and_their_losses():
    for axes, path in zip(panels(), PATHS.values(), strict=True):
        _, points, last = axes.lines
        assert points.get_xdata().tolist() == torch.tensor(path).tolist()
        assert points.get_ydata().tolist() == loss(torch.tensor(path)).tolist()
        assert last.get_xdata().tolist() == torch.tensor(path[-1:]).tolist()
        assert last.get_marker() == "D" != points.get_marker()


def test_the_curve_is_the_loss_between_the_limits():
    curve = panels()[0].lines[0]
    x, y = torch.tensor(curve.get_xdata()), torch.tensor(curve.get_ydata())
    assert (x.min().item(), x.max().item()) == (-1, 9)
    assert torch.equal(y, loss(x))


def test_all_panels_have_the_same_limits():
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels()}) == 1


@pytest.mark.parametrize("paths", [{}, {"none": []}])
def test_a_path_needs_a_weight(paths):
    with pytest.raises(ValueError, match="at least one weight"):
        plots.plot_descent(loss, paths, "Nothing to see.")
    with pytest.raises(ValueError, match="at least one weight"):
        plots.animate_descent(loss, [])


def test_animation_has_a_frame_for_each_weight_and_tells_the_losses():
    animation = plots.animate_descent(loss, [8.0, 5.0, 3.5], limits=(-1, 9))
    assert len(animation.frames) == 3
    assert (
        animation.alt == "A point goes down a curve in 2 steps; its loss falls from 25.00 to 0.25."
    )
    first = plots.animate_descent(loss, [8.0], limits=(-1, 9)).frames[0]
    assert (animation.frames[0] == first).all()  # no later step shown yet
    assert (animation.frames[0] != animation.frames[1]).any()


def test_animation_says_when_the_loss_grows():
    assert "does not fall: 25.00 at first, 36.00 at last" in (
        plots.animate_descent(loss, [8.0, -3.0]).alt
    )
