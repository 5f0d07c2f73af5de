from types import SimpleNamespace

import pytest
import torch

from cnn_basics import plots

NAN = float("nan")
GROUPS = SimpleNamespace(
    edges=torch.tensor([0.5, 0.75, 0.9, 1.0]),
    counts=torch.tensor([4, 0, 1200]),
    confidence=torch.tensor([0.6, NAN, 0.95]),
    accuracy=torch.tensor([0.5, NAN, 0.9]),
)


def test_bars_and_dots_hold_the_groups():
    figure = plots.plot_reliability({"first": GROUPS, "second": GROUPS}, "Two classifiers.")
    assert [axes.get_title() for axes in figure.axes] == ["first", "second"]
    axes = figure.axes[1]
    bars = axes.patches
    assert [round(bar.get_height(), 3) for bar in bars] == [0.5, 0.0, 0.9]
    assert [round(bar.get_x(), 3) for bar in bars] == [0.5, 0.75, 0.9]
    assert [round(bar.get_width(), 3) for bar in bars] == [0.25, 0.15, 0.1]
    assert [text.get_text() for text in axes.texts] == ["4", "", "1,200"]
    figure.draw_without_rendering()
    for text, bar in zip(
        axes.texts[::2], bars[::2], strict=True
    ):  # below the diagonal and the dots
        place, box = text.get_window_extent(), bar.get_window_extent()
        assert box.y0 < place.y0 < place.y1 < box.y1
        assert place.x0 + place.x1 == pytest.approx(box.x0 + box.x1, abs=1)
    diagonal, dots = axes.get_lines()
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert dots.get_xydata().round(3).tolist() == [[0.6, 0.5], [0.95, 0.9]]
    assert figure.alt == "Two classifiers."
    assert axes.get_ylim()[1] > 1


def test_nothing_and_too_much_are_refused():
    for count in (0, 4):
        with pytest.raises(ValueError, match=f"expected 1 to 3 things to draw, got {count}"):
            plots.plot_reliability({str(i): GROUPS for i in range(count)}, "No picture.")
