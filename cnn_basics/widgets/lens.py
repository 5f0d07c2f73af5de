"""The convolution lens: point at any number of a convolution and see where it comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from traitlets import Any as AnyTrait
from traitlets import Bool, Dict, List, TraitError, validate

from cnn_basics.expect import expect, whole
from cnn_basics.figures import LessonFigure
from cnn_basics.plots import plot_grids
from cnn_basics.plots.grids import window_cells, write_number
from cnn_basics.widgets.parts import FrontEndWidget

Kernel = torch.Tensor | Sequence | str
Matrix = list[list[float]]

RANGES = {"stride": range(1, 4), "padding": range(4), "dilation": range(1, 4)}
LARGEST_KERNEL, LARGEST_SIDE, MOST_CHANNELS, LARGEST_NUMBER = 5, 12, 3, 1000
FIRST = ["output", 0, 0, 0]
SOBEL = "Sobel left–right"
# A small picture of whole numbers, dark on the left and below, bright on the right.
SAMPLE = [[1, 0, 2, 7, 8, 7, 9], [0, 1, 1, 8, 9, 8, 7], [2, 0, 6, 9, 8, 9, 8],
          [1, 5, 8, 7, 9, 7, 8], [0, 2, 1, 3, 2, 1, 0], [1, 0, 2, 0, 1, 0, 2]]  # fmt: skip
_SIZES = range(1, LARGEST_KERNEL + 1)
_BINOMIALS = {k: [math.comb(k - 1, j) / 2 ** (k - 1) for j in range(k)] for k in _SIZES}
# By name and size; what exists in one size only has that one.
PRESETS: dict[str, dict[str, Matrix]] = {
    "identity": {str(k): np.pad([[1.0]], ((k - 1) // 2, k // 2)).tolist() for k in _SIZES},
    "box blur": {str(k): np.full((k, k), 1 / k**2).tolist() for k in _SIZES},
    "Gaussian blur": {str(k): np.outer(row, row).tolist() for k, row in _BINOMIALS.items()},
    "sharpen": {"3": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]},
    SOBEL: {"3": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]},
    "Sobel top–bottom": {"3": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]},
    "emboss": {"3": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]},
    "Laplacian": {"3": [[0, 1, 0], [1, -4, 1], [0, 1, 0]]},
}


class ConvolutionLens(
    FrontEndWidget, static=("pointing", "lens", "lens_text", "player", "lens_main")
):
    """The widget behind `convolution_lens`; the page computes, and settings can be set here."""

    x, kernel, bias, stride = (AnyTrait().tag(sync=True) for _ in range(4))
    padding, dilation, groups = (AnyTrait().tag(sync=True) for _ in range(3))
    transposed = Bool(False).tag(sync=True)
    selected = List(FIRST).tag(sync=True)
    presets = Dict(PRESETS).tag(sync=True)
    start = Dict().tag(sync=True)  # where Reset leads back to

    def __init__(self, x: list[Matrix], **settings: Any) -> None:  # noqa: ANN401 - any trait's
        super().__init__(x=x, start=settings | {"selected": FIRST}, **settings)

    @property
    def output(self) -> torch.Tensor:
        """What PyTorch computes, `(groups, H', W')`, float64; a ValueError where nothing fits."""
        x, kernel = (torch.tensor(each, dtype=torch.float64) for each in (self.x, self.kernel))
        convolve, weight = F.conv2d, kernel.view(self.groups, -1, *kernel.shape[1:])
        if self.transposed:
            convolve, weight = F.conv_transpose2d, kernel[:, None]
        bias = torch.full((self.groups,), self.bias, dtype=torch.float64)
        settings = {name: getattr(self, name) for name in (*RANGES, "groups")}
        try:
            return convolve(x[None], weight, bias, **settings)[0]
        except RuntimeError as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise ValueError(
                f"expected settings with an output, got none ({reason}): "
                "choose a smaller kernel, or another padding"
            ) from error

    def still(self) -> LessonFigure:
        """Draw inputs, kernel slices and outputs, with the selected window framed."""
        channels, height, width = np.shape(self.x)
        border, k = 0 if self.transposed else self.padding, len(self.kernel[0])
        x = F.pad(torch.tensor(self.x, dtype=torch.float64), (border,) * 4)
        try:
            output = self.output
        except ValueError as error:
            output, alt = x[:0], str(error)
        place = self.selected[1:] if self.selected[0] == "output" else FIRST[1:]
        sizes = zip(place, output.shape, strict=True)
        plane, row, column = (max(0, min(n, size - 1)) for n, size in sizes)
        window = window_cells(row * self.stride, column * self.stride, (k, k), (self.dilation,) * 2)
        read = not self.transposed and len(output)
        lit = [
            window if read and plane == c * self.groups // channels else () for c in range(channels)
        ]
        lit += [()] * channels + [[(row, column)] if c == plane else () for c in range(len(output))]
        parts = {"input": channels, "kernel": channels, "output": len(output)}
        titles = [f"{part} {n}" for part, count in parts.items() for n in range(count)]
        if len(output):
            kind = f"{'transposed ' * self.transposed}convolution"
            source = f"{channels} channels of {height}×{width}"
            maps, which = f"{len(output)} outputs", f"output {plane}"
            if len(output) == 1:
                maps, which = "an output", "its number"
            alt = (
                f"a {kind} of an input of {source.removeprefix('1 channels of ')} with a {k}×{k} "
                f"kernel, stride {self.stride}, padding {self.padding}, dilation {self.dilation}, "
                f"groups {self.groups} gives {maps} of {output.shape[1]}×{output.shape[2]}; "
                f"{which} at row {row}, column {column} is "
                f"{write_number(output[plane, row, column])}"
            )
        return plot_grids(
            [*x, *torch.tensor(self.kernel), *output],
            titles if channels > 1 else list(parts)[: len(titles)],
            f"Convolution lens: {alt}.",
            lit=lit,
            diverging=range(channels, len(titles)),
            borders=[border] * channels + [0] * (len(titles) - channels),
            columns=channels if channels > 1 else 3,
            height=1.9 if channels > 1 else 2.6,
        )

    @validate("x", "kernel", "bias", "stride", "padding", "dilation", "groups", "selected")
    def _valid(self, proposal: dict) -> Any:  # noqa: ANN401 - any trait's
        name, channels = proposal["trait"].name, len(self.x or ())
        try:
            value = read_setting(name, proposal["value"], channels)
            if name == "x" and self.kernel is not None:
                what, fix = f"x with {len(self.kernel)} channels, as before", "make a new lens"
                expect(len(value) == len(self.kernel), what, str(len(value)), fix)
            return value
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
    settings = {"kernel": SOBEL if kernel is None else kernel, "bias": bias, "stride": stride}
    settings |= {"padding": padding, "dilation": dilation, "groups": groups}
    settings = {name: read_setting(name, value, len(x)) for name, value in settings.items()}
    return ConvolutionLens(x, transposed=bool(transposed), **settings)


def read_setting(name: str, value: Any, channels: int) -> Any:  # noqa: ANN401 - any trait's
    """Check a setting of a lens with so many channels, and return it in plain numbers."""
    if name == "x":
        return read_x(value)
    if name == "kernel":
        return read_kernel(value, channels)
    if name == "bias":
        return read_numbers(value, name).item()
    if name == "selected":
        cell = len(value) == 4 and value[0] in ("input", "output")
        numbers = cell and all(isinstance(n, Integral) for n in value[1:])
        what = "selected as ['output', map, row, column] or ['input', …]"
        expect(numbers, what, str(value), f"for example {FIRST}")
        return [value[0], *map(int, value[1:])]
    allowed = RANGES.get(name, [g for g in range(1, channels + 1) if channels % g == 0])
    number = whole(value, name, min(allowed))
    what = f"{name} from {', '.join(map(str, allowed))}"
    expect(number in allowed, what, number, "choose one of these")
    return number


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


def read_numbers(values: object, name: str) -> torch.Tensor:
    """Turn values into a float64 tensor, refusing what is not a sensible number."""
    try:
        exact = values if isinstance(values, torch.Tensor) else np.asarray(values)
        tensor = torch.as_tensor(exact).detach().cpu()
    except (ValueError, TypeError, RuntimeError):
        tensor = None
    real = tensor is not None and not tensor.is_complex()
    fix = "make it with torch.tensor([[…], […]])"
    got = repr(values) if isinstance(values, str) else values
    expect(real, f"{name} as a tensor of real numbers", got, fix, TypeError)
    what = f"{name} with numbers from −{LARGEST_NUMBER} to {LARGEST_NUMBER}"
    sensible = (tensor.double().abs() <= LARGEST_NUMBER).all()
    expect(sensible, what, "larger ones, or some that are not finite", "scale it")
    return tensor.double()
