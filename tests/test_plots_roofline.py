"""im2col, as it is drawn."""

from __future__ import annotations

from itertools import pairwise

import torch
from cnn_basics.plots.unrolling import im2col

from cnn_basics import plots


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
