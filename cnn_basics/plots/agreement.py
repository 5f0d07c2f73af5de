"""Gradients against numeric ones: right ones lie on the diagonal, each fault looks its own way."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.axes import Axes

from cnn_basics.figures import BLUE, LessonFigure, new_figure
from cnn_basics.plots.curves import check_count

Pair = tuple[torch.Tensor, torch.Tensor]


def plot_agreement(
    panels: Mapping[str, Pair], alt: str, *, columns: int = 4, size: float = 2.1
) -> LessonFigure:
    """Draw one point for each gradient: across its numeric value, up the value to be checked.

    Args:
        panels: Title of each plot, with the gradients to be checked and the numeric ones, both of
            one shape; at most 12.
        alt: What the picture shows.
        columns: Plots in a row.
        size: Height of a row in inches.

    Returns:
        The figure; the first axes hold the panels in order, each with the diagonal dashed and
        with equal axes around zero.

    Raises:
        ValueError: When there is no panel, too many, or the shapes differ.

    Example:
        >>> one = torch.tensor([1.0, -2.0])
        >>> plot_agreement({"same": (one, one)}, "Two points on the diagonal.")
        <LessonFigure: Two points on the diagonal.>
    """
    check_count(panels, 12)
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, axes = new_figure(rows, columns, height=size * rows + 0.2, alt=alt)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, (given, numeric)) in zip(axes, panels.items(), strict=False):
        if given.shape != numeric.shape:
            raise ValueError(
                f"expected two tensors of one shape for {title!r}, got {tuple(given.shape)} and "
                f"{tuple(numeric.shape)}: give one numeric gradient for each gradient"
            )
        _draw_panel(axis, title, given, numeric)
    axes[0].set_ylabel("gradient checked")
    return figure


def _draw_panel(axis: Axes, title: str, given: torch.Tensor, numeric: torch.Tensor) -> None:
    """Draw the points and the diagonal."""
    across, up = numeric.detach().cpu().flatten(), given.detach().cpu().flatten()
    limit = 1.1 * torch.cat([across, up]).abs().max().item() if len(up) else 1.0
    limit = limit or 1.0
    axis.plot([-limit, limit], [-limit, limit], color="0.5", linestyle="--", linewidth=1)
    points = {"marker": "o", "markersize": 4, "color": BLUE, "markerfacecolor": "white"}
    axis.plot(across.numpy(), up.numpy(), linestyle="", **points)
    axis.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="numeric")
    axis.locator_params(nbins=5)
    axis.tick_params(labelsize=8)
    axis.set_title(title, fontsize=10)
