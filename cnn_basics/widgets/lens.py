"""The convolution lens: point at any number of a convolution and see where it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from traitlets import Any as AnyTrait
from traitlets import Bool, Dict, Float, Int, List, TraitError, validate

from cnn_basics.expect import describe, expect, whole
from cnn_basics.figures import LessonFigure, new_figure
from cnn_basics.plots.grids import align_grids, draw_grid, window_cells, write_number
from cnn_basics.widgets.parts import FrontEndWidget

Kernel = torch.Tensor | Sequence | str
Matrix = list[list[float]]

RANGES = {"stride": range(1, 4), "padding": range(4), "dilation": range(1, 4)}
LARGEST_KERNEL, LARGEST_SIDE, MOST_CHANNELS, LARGEST_NUMBER = 5, 12, 3, 1000
FIRST = ["output", 0, 0, 0]
SOBEL = "Sobel left–right"
# A small picture of whole numbers, dark on the left and below, bright on the right.
SAMPLE = [
    [1, 0, 2, 7, 8, 7, 9],
    [0, 1, 1, 8, 9, 8, 7],
    [2, 0, 6, 9, 8, 9, 8],
    [1, 5, 8, 7, 9, 7, 8],
    [0, 2, 1, 3, 2, 1, 0],
    [1, 0, 2, 0, 1, 0, 2],
]


def _sizes(make: Callable[[int], np.ndarray]) -> dict[str, Matrix]:
    return {str(k): make(k).tolist() for k in range(1, LARGEST_KERNEL + 1)}


def _identity(k: int) -> np.ndarray:
    kernel = np.zeros((k, k))
    kernel[(k - 1) // 2, (k - 1) // 2] = 1
    return kernel


def _gaussian(k: int) -> np.ndarray:
    row = np.array([math.comb(k - 1, j) for j in range(k)]) / 2 ** (k - 1)
    return np.outer(row, row)


# By name and size; what exists in one size only has that one.
PRESETS: dict[str, dict[str, Matrix]] = {
    "identity": _sizes(_identity),
    "box blur": _sizes(lambda k: np.full((k, k), 1 / k**2)),
    "Gaussian blur": _sizes(_gaussian),
    "sharpen": {"3": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]},
    SOBEL: {"3": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]},
    "Sobel top–bottom": {"3": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]},
    "emboss": {"3": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]},
    "Laplacian": {"3": [[0, 1, 0], [1, -4, 1], [0, 1, 0]]},
}


class ConvolutionLens(
    FrontEndWidget, static=("pointing", "lens", "lens_text", "player", "lens_main")
):
    """The widget behind `convolution_lens`; its settings can be read and set from Python.

    `x` and `kernel` are nested lists `(C, H, W)` and `(C, k, k)`, and may be set as all that
    `convolution_lens` takes; `selected` is `["output", map, row, column]` or `["input", …]`. The
    arithmetic runs in the page; `output` is computed by PyTorch when it is asked for.
    """

    x = AnyTrait().tag(sync=True)
    kernel = AnyTrait().tag(sync=True)
    bias = Float().tag(sync=True)
    stride = Int(1).tag(sync=True)
    padding = Int(0).tag(sync=True)
    dilation = Int(1).tag(sync=True)
    groups = Int(1).tag(sync=True)
    transposed = Bool(False).tag(sync=True)
    selected = List(FIRST).tag(sync=True)
    presets = Dict(PRESETS).tag(sync=True)
    start = Dict().tag(sync=True)  # where Reset leads back to

    def __init__(self, x: list[Matrix], kernel: Kernel, **settings: Any) -> None:  # noqa: ANN401
        start = {"kernel": read_kernel(kernel, len(x)), "selected": FIRST} | settings
        super().__init__(x=x, start=start, **start)

    @property
    def output(self) -> torch.Tensor:
        """What PyTorch computes, `(groups, H', W')`, float64; a ValueError where nothing fits."""
        kernel = torch.tensor(self.kernel, dtype=torch.float64)
        size = kernel.shape[-2:]
        weight = kernel[:, None] if self.transposed else kernel.view(self.groups, -1, *size)
        convolve = F.conv_transpose2d if self.transposed else F.conv2d
        x = torch.tensor(self.x, dtype=torch.float64)[None]
        bias = torch.full((self.groups,), self.bias, dtype=torch.float64)
        settings = {name: getattr(self, name) for name in RANGES}
        try:
            return convolve(x, weight, bias, groups=self.groups, **settings)[0]
        except RuntimeError as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise ValueError(
                f"expected settings with an output, got none ({reason}): "
                "choose a smaller kernel, or another padding"
            ) from error

    def still(self) -> LessonFigure:
        """Draw inputs, kernel slices and outputs side by side, with the selected window framed."""
        try:
            output, reason = self.output, ""
        except ValueError as error:
            output, reason = None, str(error)
        outputs = output if output is not None else torch.zeros(0, 1, 1)
        where, *place = self.selected if output is not None else FIRST
        sizes = zip(place, outputs.shape, strict=True)
        place = tuple(max(0, min(n, size - 1)) if where == "output" else 0 for n, size in sizes)
        x = torch.tensor(self.x, dtype=torch.float64)
        border = 0 if self.transposed else self.padding
        padded, kernel = F.pad(x, (border,) * 4), torch.tensor(self.kernel, dtype=torch.float64)
        corner, side = (place[1] * self.stride, place[2] * self.stride), len(self.kernel[0])
        window = window_cells(*corner, (side, side), (self.dilation, self.dilation))
        shapes = [tuple(part.shape[1:]) for part in (padded, kernel, outputs)]
        figure, axes = new_figure(
            len(x), 3, height=0.5 + 2.3 * len(x), width_ratios=[width for _, width in shapes]
        )
        for c, (here, between, there) in enumerate(axes.reshape(-1, 3)):
            read = output is not None and c // (len(x) // self.groups) == place[0]
            lit = window if read and not self.transposed else []
            name = f", channel {c}" if len(x) > 1 else ""
            draw_grid(here, padded[c], f"input{name}", lit=lit, border=border)
            draw_grid(between, kernel[c], f"kernel{name}", diverging=True)
            if c < len(outputs):
                name = f"output, map {c}" if len(outputs) > 1 else "output"
                lit = [place[1:]] if c == place[0] else []
                draw_grid(there, outputs[c], name, lit=lit, diverging=True)
            else:
                there.set_axis_off()
            align_grids([here, between, there], shapes)
        figure.alt = f"Convolution lens: {reason or self._describe(output, place)}."
        return figure

    def _describe(self, output: torch.Tensor, place: tuple[int, ...]) -> str:
        channels, height, width = np.shape(self.x)
        kind = "transposed convolution" if self.transposed else "convolution"
        maps = f"{len(output)} outputs" if len(output) > 1 else "an output"
        which = f"output {place[0]}" if len(output) > 1 else "its number"
        side = len(self.kernel[0])
        source = f"{channels} channels of {height}×{width}" if channels > 1 else f"{height}×{width}"
        return (
            f"a {kind} of an input of {source} with a {side}×{side} kernel, stride {self.stride}, "
            f"padding {self.padding}, dilation {self.dilation}, groups {self.groups} gives {maps} "
            f"of {output.shape[1]}×{output.shape[2]}; {which} at row {place[1]}, column {place[2]} "
            f"is {write_number(output[place].item())}"
        )

    @validate("x", "kernel", "bias", "stride", "padding", "dilation", "groups", "selected")
    def _valid(self, proposal: dict) -> Any:  # noqa: ANN401 - any trait's
        name, value = proposal["trait"].name, proposal["value"]
        try:
            if name == "x":
                x, before = read_x(value), self.kernel
                fix = "make a new lens for another number of channels"
                same = before is None or len(x) == len(before)
                expect(same, f"x with {len(before or x)} channels, as before", str(len(x)), fix)
                return x
            if name == "kernel":
                return read_kernel(value, len(self.x))
            if name == "selected":
                cell = len(value) == 4 and value[0] in ("input", "output")
                what = "selected as ['output', map, row, column] or ['input', …]"
                numbers = cell and all(isinstance(n, int) for n in value[1:])
                expect(numbers, what, str(value), f"for example {FIRST}")
                return value
            if name == "bias":
                return read_numbers(value, name).item()
            return read_setting(value, name, len(self.x))
        except (ValueError, TypeError) as error:
            raise TraitError(str(error)) from error


def convolution_lens(
    x: torch.Tensor | Sequence | None = None,
    kernel: Kernel | None = None,
    *,
    bias: float = 0.0,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    transposed: bool = False,
) -> ConvolutionLens:
    """Show a convolution in which every number can be pointed at.

    Point at (or move by arrow keys to) an output, and its window, the kernel and the products are
    shown; point at an input, and every output that it feeds is. All settings can be moved, and
    the kernel's numbers edited.

    Args:
        x: `(H, W)` or `(C, H, W)`, small: at most 3 channels of 12×12; None takes a 6×7 example.
        kernel: `(k, k)`, the same for all channels, or `(C, k, k)`, one slice for each, with `k`
            from 1 to 5; or the name of a preset, such as `"sharpen"`; None takes
            `"Sobel left–right"`.
        bias: Added to every output.
        stride: Cells from one window to the next, 1 to 3.
        padding: Rows and columns of zeros around the input, 0 to 3.
        dilation: Cells from one kernel element to the next, 1 to 3.
        groups: Into how many groups the channels are split; each gives one output map.
        transposed: Whether every input stamps the kernel into the output instead.

    Returns:
        The widget; `lens.output` is what PyTorch computes with its present settings.

    Raises:
        ValueError: When an argument is out of its range.
        TypeError: When `x` or `kernel` is not made of numbers.

    Example:
        >>> lens = convolution_lens(torch.eye(4), torch.ones(3, 3), bias=1)
        >>> lens.output
        tensor([[[4., 3.],
                 [3., 4.]]], dtype=torch.float64)

    Source:
        Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning",
        https://arxiv.org/abs/1603.07285; `torch.nn.functional.conv2d` and `conv_transpose2d`.
    """
    x = read_x(SAMPLE if x is None else x)
    settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    settings = {name: read_setting(value, name, len(x)) for name, value in settings.items()}
    settings |= {"bias": read_numbers(bias, "bias").item(), "transposed": bool(transposed)}
    return ConvolutionLens(x, SOBEL if kernel is None else kernel, **settings)


def read_x(x: torch.Tensor | Sequence) -> list[Matrix]:
    """Read the input, `(H, W)` or `(C, H, W)`, as nested lists `(C, H, W)`."""
    tensor = read_numbers(x, "x")
    tensor = tensor[None] if tensor.ndim == 2 else tensor
    most = (MOST_CHANNELS, LARGEST_SIDE, LARGEST_SIDE)
    sizes = zip(tensor.shape, most, strict=False)
    expect(
        tensor.ndim == 3 and all(1 <= size <= limit for size, limit in sizes),
        f"x as (H, W) or (C, H, W) with at most {MOST_CHANNELS} channels of "
        f"{LARGEST_SIDE}×{LARGEST_SIDE}",
        str(tuple(np.shape(x))),
        "cut out a patch, as in x[:, 10:18, 20:29]",
    )
    return tensor.tolist()


def read_kernel(kernel: Kernel, channels: int) -> list[Matrix]:
    """Read a kernel, or a preset by name, as `(C, k, k)` nested lists, a slice for each channel."""
    if isinstance(kernel, str):
        what = f"a kernel or one of the names {', '.join(map(repr, PRESETS))}"
        expect(kernel in PRESETS, what, repr(kernel), "choose one of these")
        kernel = PRESETS[kernel]["3"]
    tensor = read_numbers(kernel, "kernel")
    tensor = tensor.expand(channels, *tensor.shape) if tensor.ndim == 2 else tensor
    square = tensor.ndim == 3 and 1 <= tensor.shape[1] == tensor.shape[2] <= LARGEST_KERNEL
    expect(
        square and len(tensor) == channels,
        f"a kernel (k, k) or ({channels}, k, k), one slice for each channel, with k from 1 to "
        f"{LARGEST_KERNEL}",
        str(tuple(np.shape(kernel))),
        "change its shape",
    )
    return tensor.tolist()


def read_setting(value: int, name: str, channels: int) -> int:
    """Check stride, padding, dilation, or into how many groups the channels are split."""
    divisors = [g for g in range(1, channels + 1) if channels % g == 0]
    allowed = RANGES.get(name, divisors)
    number = whole(value, name, min(allowed))
    what = f"{name} from {', '.join(map(str, allowed))}"
    expect(number in allowed, what, number, "choose one of these")
    return number


def read_numbers(values: object, name: str) -> torch.Tensor:
    """Turn values into a float64 tensor, refusing what is not a sensible number."""
    try:
        exact = values if isinstance(values, torch.Tensor) else np.asarray(values)
        tensor = torch.as_tensor(exact).detach().cpu()
    except (ValueError, TypeError, RuntimeError) as error:
        raise TypeError(
            f"expected {name} as a tensor of numbers, got {describe(values)}: "
            "make it with torch.tensor([[…], […]])"
        ) from error
    what, real = f"{name} of real numbers", not tensor.is_complex()
    expect(real, what, "complex ones", "take their .real", TypeError)
    tensor = tensor.double()
    what = f"{name} with numbers from −{LARGEST_NUMBER} to {LARGEST_NUMBER}"
    sensible = (tensor.abs() <= LARGEST_NUMBER).all()
    expect(sensible, what, "larger ones, or some that are not finite", "scale it")
    return tensor
