"""Something to move for lesson 5: pooling and striding, and a picture that moves by a pixel."""

from __future__ import annotations

import ipywidgets
import numpy as np
import torch

from cnn_basics.by_hand import avg_pool2d, max_pool2d
from cnn_basics.expect import describe
from cnn_basics.figures import LessonFigure
from cnn_basics.images import check_picture, resize
from cnn_basics.plots.shift_words import describe_changes, describe_shift, shift_titles
from cnn_basics.plots.shifts import ShiftFigure, is_small
from cnn_basics.widgets.parts import Slider, checkbox, dropdown, hide_unless
from cnn_basics.widgets.redrawn import RedrawnFigure, wrapping_row

KINDS = ("max", "average", "strided")
LARGEST = 48  # pixels of a picture's longer side
_MAP = ((1, 1, 2, 4, 0, 1), (5, 6, 7, 8, 2, 1), (3, 2, 1, 0, 0, 3),
        (1, 2, 3, 4, 1, 0), (0, 1, 0, 2, 9, 2), (2, 0, 1, 1, 3, 1))  # fmt: skip


def pool(
    x: torch.Tensor,
    kind: str = "max",
    kernel_size: int = 2,
    stride: int = 2,
    padding: int = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> torch.Tensor:
    """Make maps smaller in one of three ways.

    Args:
        x: `(N, C, H, W)`, float32 or float64.
        kind: "max", "average", or "strided", which keeps every stride-th number and has no
            use for the arguments after `stride`.
        kernel_size: Height and width of a window.
        stride: Pixels from one window to the next.
        padding: Rows and columns added on every side.
        ceil_mode: Also use a last window that reaches over the edge.
        count_include_pad: Let the padding count in the average.

    Returns:
        `(N, C, H_out, W_out)`.

    Raises:
        ValueError: When no window fits, or an argument is out of range or unknown.

    Example:
        >>> pool(torch.arange(16.0).view(1, 1, 4, 4), "strided").tolist()
        [[[[0.0, 2.0], [8.0, 10.0]]]]
    """
    if kind not in KINDS:
        raise ValueError(f"expected kind as one of {', '.join(KINDS)}, got {kind!r}: use one")
    if kind == "strided":
        return x[..., ::stride, ::stride]
    if kind == "max":
        return max_pool2d(x, kernel_size, stride, padding, ceil_mode=ceil_mode)
    return avg_pool2d(x, kernel_size, stride, padding, ceil_mode, count_include_pad)


def shift(x: torch.Tensor, right: int, down: int) -> torch.Tensor:
    """Move maps; what comes in repeats the edge.

    Args:
        x: `(..., H, W)`.
        right: Columns to move to the right; below 0, to the left.
        down: Rows to move down; below 0, up.

    Returns:
        `(..., H, W)`.

    Example:
        >>> shift(torch.tensor([[1, 2, 3]]), right=1, down=0).tolist()
        [[1, 1, 2]]
    """
    height, width = x.shape[-2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return x[..., rows[:, None], columns]


def pooling_explorer(x: torch.Tensor | np.ndarray | None = None) -> RedrawnFigure:
    """Pool a map in many ways, and watch what changes when it moves by a pixel.

    Args:
        x: A map `(H, W)`, float32 or float64, of at most 64×64 numbers; or a picture
            `(H, W, 3)` uint8, which is shrunk if it is large. None takes the lesson's map.

    Returns:
        Controls above four maps: the input, its output, the moved input, its output.

    Raises:
        TypeError: `x` is neither a float tensor nor a picture.
        ValueError: `x` has another shape, or numbers that are not finite.

    Example:
        >>> explorer = pooling_explorer(torch.eye(4))
        >>> explorer.controls["right"].value = 1
        >>> explorer.still().alt.split(": ")[-1]
        '1 of 4 outputs (25 %) changed, by 1 on average.'
    """
    maps = _read(x)
    coloured = maps.shape[1] == 3
    limits = None if coloured else (maps.min().item(), maps.max().item())
    drawing = ShiftFigure(tuple(maps.shape[2:]), limits)
    controls = _controls()

    def draw(right: int, down: int, **settings: object) -> LessonFigure:
        _switch(controls, settings["kind"])
        moved = shift(maps, right, down)
        four = [maps, pool(maps, **settings), moved, pool(moved, **settings)]
        changed = (four[3] - four[1]).abs() > 1e-5
        return drawing.update(
            [_drawable(each) for each in four],
            shift_titles(four, settings["kind"], right, down),
            describe_changes(four[1], four[3], right, down),
            describe_shift(four, settings, right, down),
            changed=changed.any(dim=1)[0].numpy(),
            **_inputs(maps, four[1], settings),
        )

    first = ("kind", "kernel_size", "stride", "padding")
    rows = [[c for n, c in controls.items() if (n in first) == top] for top in (True, False)]
    return RedrawnFigure(controls, draw, ipywidgets.VBox([wrapping_row(*row) for row in rows]))


def _controls() -> dict[str, ipywidgets.Widget]:
    names = {"strided": "strided (every s-th)"}
    kinds = [(names.get(kind, kind), kind) for kind in KINDS]
    return {
        "kind": dropdown("kind", kinds, 190),
        "kernel_size": Slider("kernel_size", 2, min=1, max=4),
        "stride": Slider("stride", 2, min=1, max=4),
        "padding": Slider("padding", 0, min=0, max=2),
        "right": Slider("move right", 0, min=-2, max=2),
        "down": Slider("move down", 0, min=-2, max=2),
        "ceil_mode": checkbox("ceil_mode", False, 100),
        "count_include_pad": checkbox("count_include_pad", True, 155),
    }


def _switch(controls: dict[str, ipywidgets.Widget], kind: object) -> None:
    """Hide the controls that the kind of pooling has no use for."""
    window = [controls[name] for name in ("kernel_size", "padding", "ceil_mode")]
    hide_unless(kind != "strided", window)
    hide_unless(kind == "average", [controls["count_include_pad"]])


def _read(x: torch.Tensor | np.ndarray | None) -> torch.Tensor:
    """Turn what was given into maps `(1, C, H, W)`."""
    if isinstance(x, np.ndarray):
        height, width = check_picture(x).shape[:2]
        factor = min(1.0, LARGEST / max(height, width))
        small = resize(x, (max(1, round(height * factor)), max(1, round(width * factor))))
        return torch.from_numpy(small).permute(2, 0, 1)[None].float()
    x = torch.tensor(_MAP, dtype=torch.float32) if x is None else x
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise TypeError(
            f"expected a float tensor (H, W) or a picture (H, W, 3) uint8, got {describe(x)}: "
            "convert a tensor with x.float()"
        )
    if x.ndim != 2 or not 1 <= min(x.shape) <= max(x.shape) <= 64 or not x.isfinite().all():
        raise ValueError(
            f"expected one map (H, W) of at most 64×64 finite numbers, got {describe(x)}: "
            "pick a part of one map, as in x[0, 0, :64, :64]"
        )
    return x.detach()[None, None]


def _drawable(maps: torch.Tensor) -> np.ndarray:
    """Return the one map as `(H, W)`, or a coloured picture as `(H, W, 3)` from 0 to 1."""
    if maps.shape[1] == 1:
        return maps[0, 0].numpy()
    return (maps[0].permute(1, 2, 0) / 255).clamp(0, 1).numpy()


def _inputs(x: torch.Tensor, y: torch.Tensor, settings: dict[str, object]) -> dict[str, object]:
    """Work out what is drawn onto an input: padding, overhang, and frames around windows.

    All windows of a small map are framed, but where they overlap only the first two.
    """
    strided = settings["kind"] == "strided"
    side = 1 if strided else settings["kernel_size"]
    padding = 0 if strided else settings["padding"]
    step, (rows, columns) = settings["stride"], y.shape[-2:]
    needed = [(count - 1) * step + side for count in (rows, columns)]
    overhang = [max(0, n - s - 2 * padding) for n, s in zip(needed, x.shape[-2:], strict=True)]
    if not is_small(_drawable(x)):
        rows = columns = 1
    elif side > step:
        rows, columns = 1, min(2, columns)
    corners = [
        (i * step - padding, j * step - padding) for i in range(rows) for j in range(columns)
    ]
    return {
        "padding": padding,
        "overhang": tuple(overhang),
        "windows": [(*corner, side) for corner in corners],
    }
