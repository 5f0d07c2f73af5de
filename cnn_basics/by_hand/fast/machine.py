"""What this computer can do at best: arithmetic per second, and bytes per second."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from cnn_basics.by_hand.fast.timing import time_side_by_side


@dataclass(frozen=True)
class Machine:
    """The two speeds that bound every program: the *roofline* of a computer.

    Attributes:
        peak: Operations per second at best; a multiply-add is two.
        bandwidth: Bytes per second between memory and processor at best.

    Raises:
        ValueError: When a speed is not above 0.

    Example:
        >>> laptop = Machine(peak=100e9, bandwidth=20e9)
        >>> laptop.ridge, laptop.attainable(2.0), laptop.attainable(50.0)
        (5.0, 40000000000.0, 100000000000.0)

    Source:
        Williams, Waterman & Patterson (2009), "Roofline: an insightful visual performance model
        for multicore architectures", https://doi.org/10.1145/1498765.1498785.
    """

    peak: float
    bandwidth: float

    def __post_init__(self) -> None:
        if min(self.peak, self.bandwidth) <= 0:
            raise ValueError(
                f"expected peak and bandwidth above 0, got {self.peak} and {self.bandwidth}: "
                "measure them with measure_machine()"
            )

    @property
    def ridge(self) -> float:
        """The arithmetic intensity from which on arithmetic, not memory, sets the pace."""
        return self.peak / self.bandwidth

    def attainable(self, intensity: float) -> float:
        """Bound the speed of a program: it waits for memory, or for the processor.

        Args:
            intensity: Operations for each byte that is moved, at least 0.

        Returns:
            Operations per second.
        """
        return min(self.peak, intensity * self.bandwidth)


def measure_machine(side: int = 1024, copied: int = 2**27, repeats: int = 5) -> Machine:
    """Measure both speeds, in float32 and with as many threads as PyTorch uses.

    The peak is that of a large matrix product or of a convolution with many channels, both of
    which use each number many times: PyTorch has code of its own for each, and on some processors
    the second is twice as fast. The bandwidth is that of copying more bytes than the caches hold,
    or of changing them in place. The best of all repeats counts, because whatever else the
    computer does can only slow it down.

    Args:
        side: Rows and columns of the two matrices, at least 1; an eighth as many channels.
        copied: Bytes to copy, at least 4; each is read once and written once.
        repeats: How often each is done, at least 1.

    Returns:
        The measured machine.

    Raises:
        ValueError: When a number is too small.

    Example:
        >>> machine = measure_machine(side=64, copied=2**16, repeats=1)
        >>> machine.peak > 0 and machine.bandwidth > 0
        True
    """
    if side < 1 or copied < 4:
        raise ValueError(
            f"expected side of at least 1 and copied of at least 4, got {side} and {copied}: "
            "give larger numbers"
        )
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
    moved = 2 * source.numel() * source.element_size()
    return Machine(
        peak=max(2 * side**3 / best["product"], convolved / best["convolution"]),
        bandwidth=moved / min(best["copy"], best["change"]),
    )
