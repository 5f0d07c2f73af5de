"""The convolution of `by_hand.conv2d` made fast, and what tells why: counts, timings, machine."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, wraps

import torch
import torch.nn.functional as F
from torch import Tensor

from cnn_basics.by_hand.backward import spread
from cnn_basics.by_hand.layers import (
    Padding,
    Size,
    Window,
    conv2d,
    pad,
    read_conv2d,
    slide,
    windows,
)
from cnn_basics.expect import expect, number, whole

Shape = tuple[int, int, int, int]
BLOCK_BYTES = 2**22  # of columns at a time: about what the caches of a few cores hold


def rung(core: Callable[[Tensor, Tensor, Window], Tensor]) -> Callable[..., Tensor]:
    """Make a convolution with the arguments of `conv2d` of one of padded maps in one group."""

    @wraps(core)
    def convolve(*given: object, **named: object) -> Tensor:
        call = convolve.__signature__.bind(*given, **named)
        call.apply_defaults()
        x, weight, bias, *_, groups = call.args
        window, shape = read_conv2d(**call.arguments)
        padded = pad(x if x.ndim == 4 else x[None], window.borders)
        parts = zip(padded.chunk(groups, dim=1), weight.chunk(groups), strict=True)
        y = torch.cat([core(maps, kernels, window) for maps, kernels in parts], dim=1)
        return y.reshape(shape) if bias is None else y.reshape(shape) + bias.view(-1, 1, 1)

    convolve.__signature__ = inspect.signature(conv2d)  # what help shows
    return convolve


def im2col(x: Tensor, kernel_size: Size, **options: Padding) -> Tensor:
    """Write every window of `by_hand.windows` into a row: `(N·H_out·W_out, C·kh·kw)`.

    A pixel is copied once for each window that it is in.
    Source: Chellapilla, Puri & Simard (2006), "High performance convolutional …", section 4.

    Example:
        >>> im2col(torch.arange(9.0).view(1, 1, 3, 3), kernel_size=2).int().tolist()
        [[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]
    """
    return to_rows(windows(x, kernel_size, **options))


def to_rows(seen: Tensor) -> Tensor:
    """Copy windows (N, C, H_out, W_out, kh, kw) into the rows of a matrix."""
    return seen.movedim(-5, -3).flatten(-3).flatten(0, -2)  # (N·H_out·W_out, C·kh·kw)


@rung
def conv2d_im2col(padded: Tensor, weight: Tensor, window: Window) -> Tensor:
    """Convolve as `by_hand.conv2d`, with one product: all windows times all kernels."""
    seen = slide(padded, window)
    n, _, height, width = seen.shape[:4]
    products = to_rows(seen) @ weight.flatten(1).T  # (N·H_out·W_out, O)
    return products.view(n, height, width, len(weight)).permute(0, 3, 1, 2)


@rung
def conv2d_shifts(padded: Tensor, weight: Tensor, window: Window) -> Tensor:
    """Convolve as `by_hand.conv2d`, with one small matrix product for each place in the kernel.

    A 5×5 convolution is the sum of 25 convolutions of 1×1, each of the maps moved by some pixels.
    Source: Vasudevan, Anderson & Gregg (2017), https://arxiv.org/abs/1704.04428, section III.
    """
    padded = padded.contiguous(memory_format=torch.channels_last)
    moved = slide(padded, window).permute(4, 5, 0, 2, 3, 1)
    kernel_height, kernel_width, n, height, width, channels = moved.shape
    kernels = weight.permute(2, 3, 1, 0).contiguous()  # (kh, kw, C, O)
    y = padded.new_zeros(n * height * width, len(weight))
    for i in range(kernel_height):
        for j in range(kernel_width):
            y.addmm_(moved[i, j].reshape(-1, channels), kernels[i, j])
    return y.view(n, height, width, len(weight)).permute(0, 3, 1, 2)


@rung
def conv2d_fft(padded: Tensor, weight: Tensor, window: Window) -> Tensor:
    """Convolve as `by_hand.conv2d` by the Fourier transform, where sliding becomes multiplying.

    The conjugate makes it a cross-correlation. The work hardly depends on the size of the kernel;
    a stride saves nothing. Zeros are added up to the next length with only small factors.
    Source: Mathieu, Henaff & LeCun (2014), https://arxiv.org/abs/1312.5851, section 2.
    """
    from scipy.fft import next_fast_len  # takes its time, and no other rung needs it

    if not len(padded):  # fast Fourier transforms refuse an empty batch
        return conv2d_im2col(padded, weight, None, window.stride, 0, window.dilation)
    lengths = next_fast_len(padded.shape[2]), next_fast_len(padded.shape[3], real=True)  # H, W
    frequencies = torch.fft.rfft2(padded, s=lengths)  # (N, C, H, W/2 + 1)
    kernels = torch.fft.rfft2(spread(weight, window.dilation), s=lengths).conj()  # (O, C, …)
    products = torch.einsum("nchw,ochw->nohw", frequencies, kernels)
    y = torch.fft.irfft2(products, s=lengths)  # wraps around at the edges, which go
    y = y[:, :, :: window.stride[0], :: window.stride[1]]
    return y[:, :, : window.counts[0], : window.counts[1]]


@rung
def conv2d_blocked(padded: Tensor, weight: Tensor, window: Window) -> Tensor:
    """Convolve as `by_hand.conv2d`, a few pictures, or a few rows of one, at a time.

    A block's columns are still in the cache when the product reads them, their memory is used again
    (so there is no history for autograd, which is refused), and with channels last, neighbours in a
    window are neighbours in memory, so they are copied together.
    Source: Goto & van de Geijn (2008), "Anatomy of high-performance matrix multiplication".
    """
    wanted = torch.is_grad_enabled() and (padded.requires_grad or weight.requires_grad)
    fix = "call it inside of torch.no_grad(), or use conv2d_im2col"
    expect(not wanted, "tensors that need no gradient", "requires_grad=True", fix)
    padded = padded.contiguous(memory_format=torch.channels_last)
    seen = slide(padded, window).permute(0, 2, 3, 4, 5, 1)  # (N, H_out, W_out, kh, kw, C)
    kernels = weight.permute(2, 3, 1, 0).reshape(-1, len(weight))  # (kh·kw·C, O)
    y = seen.new_empty(*seen.shape[:3], len(weight))  # (N, H_out, W_out, O)
    rows = max(1, BLOCK_BYTES // (seen[:1, :1].nbytes or 1))  # of outputs in a block
    pictures = max(1, rows // seen.shape[1])
    columns = seen.new_empty(seen[:pictures, :rows].shape)
    for some, out in zip(seen.split(pictures), y.split(pictures), strict=True):
        for block, part in zip(some.split(rows, dim=1), out.split(rows, dim=1), strict=True):
            copy = columns[: len(block), : block.shape[1]].copy_(block)
            torch.mm(copy.view(-1, len(kernels)), kernels, out=part.view(-1, len(weight)))
    return y.permute(0, 3, 1, 2)


RUNGS = {
    "all windows at once": conv2d,
    "im2col, then one product": conv2d_im2col,
    "a product for each kernel position": conv2d_shifts,
    "Fourier transform": conv2d_fft,
    "im2col in blocks": conv2d_blocked,
}


def ladder(x: Tensor, weight: Tensor, **options: object) -> dict[str, Callable[[], Tensor]]:
    """Get every rung and the library ready for one layer: by name, what `time_side_by_side` calls.

    Example:
        >>> ladder(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 3, 3), padding=1)["F.conv2d"]().sum()
        tensor(49.)
    """
    last = [tensor.contiguous(memory_format=torch.channels_last) for tensor in (x, weight)]
    return {
        **{name: partial(rung, x, weight, **options) for name, rung in RUNGS.items()},
        "F.conv2d, channels last": partial(F.conv2d, *last, **options),
        "F.conv2d": partial(F.conv2d, x, weight, **options),
    }


@dataclass(frozen=True)
class Cost:
    """The products that are added to a sum, and the bytes moved between memory and processor."""

    multiply_adds: int
    bytes: int

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.multiply_adds

    @property
    def intensity(self) -> float:
        """The arithmetic intensity: operations for each byte that is moved."""
        return self.operations / self.bytes


def conv2d_cost(x_shape: Shape, weight_shape: Shape, **options: Padding) -> Cost:
    """Count what `by_hand.conv2d` needs at least, in float32: each number moved once.

    Padding is not read from memory, but multiplied.

    Example:
        >>> conv2d_cost((1, 3, 28, 28), (32, 3, 5, 5), padding=2)
        Cost(multiply_adds=1881600, bytes=119360)
    """
    shapes = ([whole(n, "each size", 0) for n in shape] for shape in (x_shape, weight_shape))
    x, weight = (torch.empty(1).expand(shape) for shape in shapes)  # takes no memory
    outputs = math.prod(read_conv2d(x, weight, **options)[1])
    return Cost(outputs * weight[0].numel(), 4 * (x.numel() + weight.numel() + outputs))


@dataclass(frozen=True)
class Machine:
    """The two speeds that bound every program, its *roofline*: operations and bytes per second.

    Source: Williams, Waterman & Patterson (2009), https://doi.org/10.1145/1498765.1498785.

    Example:
        >>> laptop = Machine(peak=100e9, bandwidth=20e9)
        >>> laptop.ridge, laptop.attainable(2.0), laptop.attainable(50.0)
        (5.0, 40000000000.0, 100000000000.0)
    """

    peak: float
    bandwidth: float

    def __post_init__(self) -> None:
        for name, speed in vars(self).items():
            number(speed, name, 1e-30, math.inf, "measure it with measure_machine()")

    @property
    def ridge(self) -> float:
        """The arithmetic intensity from which on arithmetic, not memory, sets the pace."""
        return self.peak / self.bandwidth

    def attainable(self, intensity: float) -> float:
        """Bound the operations per second: a program waits for memory, or for the processor."""
        return min(self.peak, intensity * self.bandwidth)


def measure_machine(side: int = 1024, copied: int = 2**27, repeats: int = 5) -> Machine:
    """Measure both speeds, in float32 and with as many threads as PyTorch uses.

    The peak is that of a large matrix product or of a convolution with many channels, whichever is
    faster, the bandwidth that of copying more bytes than the caches hold, or of changing them in
    place. The best of all repeats counts: whatever else the computer does can only slow it down.

    Example:
        >>> measure_machine(side=64, copied=2**16, repeats=1).peak > 0
        True
    """
    side, copied = whole(side, "side", 1), whole(copied, "copied", 4)
    a, b, product = (torch.ones(side, side) for _ in range(3))
    channels = -(-side // 8)
    maps, kernels = torch.ones(16, channels, 20, 20), torch.ones(channels, channels, 5, 5)
    source, target = (torch.ones(copied // 4) for _ in range(2))
    tasks = {
        "product": lambda: torch.mm(a, b, out=product),
        "convolution": lambda: F.conv2d(maps, kernels),
        "copy": lambda: target.copy_(source),
        "change": lambda: source.add_(1),
    }
    best = {name: min(times) for name, times in time_side_by_side(tasks, repeats).items()}
    convolved = 2 * 16 * 16**2 * kernels.numel()  # 16 maps of 16×16 outputs
    peak = max(2 * side**3 / best["product"], convolved / best["convolution"])
    return Machine(peak, 2 * source.nbytes / min(best["copy"], best["change"]))


def time_side_by_side(
    functions: Mapping[str, Callable[[], object]], repeats: int = 9
) -> dict[str, list[float]]:
    """Call functions in turn, again and again, and return the seconds of each call by name.

    So neighbours in time are compared: judge by the median of their ratios (`ratios_to`). Each is
    called once more at first, which does not count.

    Example:
        >>> seconds = time_side_by_side({"nothing": lambda: None, "a sum": lambda: 1 + 1})
        >>> [len(times) for times in seconds.values()]
        [9, 9]
    """
    expect(functions, "functions to time", "none", "give them by name")
    seconds = {name: [] for name in functions}
    for _ in range(1 + whole(repeats, "repeats", 1)):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: times[1:] for name, times in seconds.items()}


def ratios_to(reference: str, seconds: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Divide each time by the reference's of the same round: 2.0 means twice as long.

    Example:
        >>> ratios_to("library", {"library": [1.0, 2.0], "loops": [3.0, 8.0]})
        {'loops': [3.0, 4.0]}
    """
    what = f"a reference of {', '.join(seconds)}"
    expect(reference in seconds, what, repr(reference), "use one of them")
    return {
        name: [time / base for time, base in zip(times, seconds[reference], strict=True)]
        for name, times in seconds.items()
        if name != reference
    }
