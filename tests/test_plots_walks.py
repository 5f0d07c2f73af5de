"""Paths of update rules on a surface: where they lie, and what is told apart."""

from __future__ import annotations

import pytest
import torch

from cnn_basics import plots
from cnn_basics.by_hand import RULES, SURFACES, walk

SADDLE = SURFACES["saddle"]
WALKS = {rule: walk(SADDLE, rule=rule, steps=12) for rule in RULES}


def figure(**options):
    return plots.plot_walks(SADDLE, WALKS, "Three paths on a saddle.", **options)


def test_each_walk_has_its_panel_with_its_points():
    drawn = figure()
    assert [axes.get_title() for axes in drawn.axes] == list(RULES)
    assert drawn.alt == "Three paths on a saddle."
    for axes, path in zip(drawn.axes, WALKS.values(), strict=True):
        paths = [line.get_xydata().tolist() for line in axes.get_lines()]
        assert path.points.tolist() in paths
        assert path.points[:1].tolist() in paths
        assert path.points[-1:].tolist() in paths


def test_start_end_and_valleys_differ_by_marker():
    markers = {}
    for line in figure().axes[0].get_lines():
        markers[str(line.get_xydata().tolist())] = line.get_marker()
    ends = [str(WALKS["sgd"].points[part].tolist()) for part in (slice(1), slice(-1, None))]
    valleys = str([list(valley) for valley in SADDLE.valleys])
    assert len({markers[place] for place in (*ends, valleys)}) == 3


def test_the_surface_is_the_loss_in_its_own_proportions(monkeypatch):
    seen = []
    monkeypatch.setattr(plots.walks, "draw_surface", lambda *args: seen.append(args))
    axes = figure().axes[0]
    assert (axes.get_xlim(), axes.get_ylim(), axes.get_aspect()) == (*SADDLE.limits, 1)
    _, heights, limits = seen[0]
    assert limits == SADDLE.limits
    corners = torch.tensor([[[x, y] for x in limits[0]] for y in limits[1]], dtype=torch.float64)
    assert heights[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == pytest.approx(
        SADDLE.loss(corners).flatten().tolist()
    )
    right_of_middle = torch.tensor([limits[0][1], 0.0], dtype=torch.float64)
    assert heights[40, -1] == pytest.approx(SADDLE.loss(right_of_middle).item())


def test_pictures_of_surfaces_take_little_room():
    assert len(figure().to_png()) < 100_000


def test_panels_break_into_rows_with_labels_below_the_lowest():
    drawn = figure(columns=2)
    assert [axes.get_xlabel() for axes in drawn.axes[:3]] == ["", "first weight", "first weight"]
    assert [axes.axison for axes in drawn.axes] == [True, True, True, False]


def test_losses_are_drawn_step_by_step():
    drawn = plots.plot_walk_losses(WALKS, "Three losses that fall.")
    lines = drawn.axes[0].get_lines()
    for line, path in zip(lines, WALKS.values(), strict=True):
        assert line.get_ydata().tolist() == path.losses.tolist()
    assert drawn.axes[0].get_yscale() == "log"
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == list(RULES)
    assert len({line.get_marker() for line in lines}) == 3
    assert len({line.get_linestyle() for line in lines}) == 3


def test_the_axis_of_losses_holds_the_highest_and_ends_at_the_lowest_asked_for():
    tiny = walk("bowl", learning_rate=0.9, steps=50)  # falls to far below the lowest
    axes = plots.plot_walk_losses({"tiny": tiny}, "A loss that falls.", lowest=1e-4).axes[0]
    low, high = axes.get_ylim()
    first = tiny.losses[0].item()
    assert low == 1e-4
    assert first < high < 10 * first
    powers = [tick for tick in axes.get_yticks() if low <= tick <= high]
    assert powers == pytest.approx([10.0**k for k in range(-4, 2)])


@pytest.mark.parametrize("count", [0, 10])
def test_no_walk_or_too_many_are_refused(count):
    walks = {str(i): WALKS["sgd"] for i in range(count)}
    with pytest.raises(ValueError, match=f"got {count}"):
        plots.plot_walks(SADDLE, walks, "Nothing to see.")
    with pytest.raises(ValueError, match=f"got {count}"):
        plots.plot_walk_losses(walks, "Nothing to see.")
