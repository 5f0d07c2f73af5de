"""The convolution lens: point at any number of a convolution and see where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from traitlets import Any as AnyTrait
from traitlets import Bool, Dict, Float, Int, List, TraitError, validate

from cnn_basics.figures import LessonFigure
from cnn_basics.widgets.lens_inputs import (
    MOST,
    PRESETS,
    SAMPLE,
    SOBEL,
    Kernel,
    read_kernel,
    read_number,
    read_selected,
    read_setting,
    read_x,
)
from cnn_basics.widgets.lens_still import draw_lens
from cnn_basics.widgets.parts import FrontEndWidget


class ConvolutionLens(
    FrontEndWidget, static=("lens", "lens_text", "lens_kernel", "lens_view", "player", "lens_main")
):
    """The widget behind `convolution_lens`; its settings can be read and set from Python.

    All traits below follow the page and the page follows them. The arithmetic runs in the page;
    `output` is computed by PyTorch when it is asked for.

    Attributes:
        x: `(C, H, W)` as nested lists; may be set as a tensor `(H, W)` or `(C, H, W)`.
        kernel: `(C, k, k)` as nested lists, one slice for each channel; may be set as a tensor
            `(k, k)` or `(C, k, k)`, or as the name of a preset.
        bias: Added to every output.
        stride: 1 to 3.
        padding: 0 to 3.
        dilation: 1 to 3.
        groups: A divisor of the number of channels; there is one output map for each group.
        transposed: Whether it is a transposed convolution.
        selected: `["output", map, row, column]` or `["input", channel, row, column]`.
    """

    x = AnyTrait().tag(sync=True)
    kernel = AnyTrait().tag(sync=True)
    bias = Float().tag(sync=True)
    stride = Int(1).tag(sync=True)
    padding = Int(0).tag(sync=True)
    dilation = Int(1).tag(sync=True)
    groups = Int(1).tag(sync=True)
    transposed = Bool(False).tag(sync=True)
    selected = List(["output", 0, 0, 0]).tag(sync=True)
    presets = Dict(PRESETS).tag(sync=True)
    start = Dict().tag(sync=True)  # where Reset leads back to

    def __init__(self, x: torch.Tensor, kernel: Kernel, **settings: Any) -> None:  # noqa: ANN401
        x = read_x(x)
        start = {"kernel": read_kernel(kernel, len(x)), **settings}
        super().__init__(x=x, start=start | {"selected": ["output", 0, 0, 0]}, **start)

    @property
    def channels(self) -> int:
        """Number of input channels."""
        return len(self.x)

    @property
    def weight(self) -> torch.Tensor:
        """The kernel as PyTorch takes it, float64.

        `(groups, C / groups, k, k)`; for a transposed convolution `(C, 1, k, k)`.
        """
        slices = torch.tensor(self.kernel, dtype=torch.float64)
        if self.transposed:
            return slices[:, None]
        return slices.view(self.groups, self.channels // self.groups, *slices.shape[1:])

    @property
    def output(self) -> torch.Tensor:
        """What PyTorch computes with the present settings, `(groups, H_out, W_out)` float64.

        Raises:
            ValueError: When there is no output, because the kernel does not fit.
        """
        convolve = F.conv_transpose2d if self.transposed else F.conv2d
        x = torch.tensor(self.x, dtype=torch.float64)[None]
        bias = torch.full((self.groups,), self.bias, dtype=torch.float64)
        settings = {name: getattr(self, name) for name in MOST}
        try:
            return convolve(x, self.weight, bias, groups=self.groups, **settings)[0]
        except RuntimeError as error:
            reason = str(error).partition("\n")[0].rstrip(".")
            raise ValueError(
                f"expected settings with an output, got none ({reason}): "
                "choose a smaller kernel, or another padding"
            ) from error

    def still(self) -> LessonFigure:
        """Draw the selected state as grids, for where no kernel runs."""
        return draw_lens(self)

    @validate("x")
    def _valid_x(self, proposal: dict) -> list:
        x = _refuse_as_trait(read_x, proposal["value"])
        if self.kernel is not None and len(x) != len(self.kernel):
            raise TraitError(
                f"expected x with {len(self.kernel)} channels, as before, got {len(x)}: "
                "make a new lens for another number of channels"
            )
        return x

    @validate("kernel")
    def _valid_kernel(self, proposal: dict) -> list:
        return _refuse_as_trait(read_kernel, proposal["value"], self.channels)

    @validate("bias")
    def _valid_bias(self, proposal: dict) -> float:
        return _refuse_as_trait(read_number, proposal["value"], "bias")

    @validate("stride", "padding", "dilation", "groups")
    def _valid_setting(self, proposal: dict) -> int:
        name = proposal["trait"].name
        return _refuse_as_trait(read_setting, proposal["value"], name, self.channels)

    @validate("selected")
    def _valid_selected(self, proposal: dict) -> list:
        return _refuse_as_trait(read_selected, proposal["value"])


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
    checked = {name: read_setting(value, name, len(x)) for name, value in settings.items()}
    return ConvolutionLens(
        x,
        SOBEL if kernel is None else kernel,
        bias=read_number(bias, "bias"),
        transposed=bool(transposed),
        **checked,
    )


def _refuse_as_trait(read: Any, *values: object) -> Any:  # noqa: ANN401 - passes on
    """Read a value, turning a refusal into the error that traitlets expects."""
    try:
        return read(*values)
    except (ValueError, TypeError) as error:
        raise TraitError(str(error)) from error
