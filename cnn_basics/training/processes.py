"""Several processes that train one network together, started by `torchrun`.

`torchrun --nproc-per-node 2 my_training.py` runs a script twice and tells each process its number
in environment variables. `fit` finds them: each process then computes its share of every batch.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

MOMENT = 0.2  # in seconds
NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Processes:
    """How many processes there are, and which one this is.

    Attributes:
        device: Of this process.
        rank: The number of this process, from 0.
        count: How many there are.

    Example:
        >>> alone = Processes(torch.device("cpu"))
        >>> alone.first, alone.part(torch.arange(3)), alone.total([0.5, 2.0])
        (True, tensor([0, 1, 2]), [0.5, 2.0])
        >>> Processes(torch.device("cpu"), rank=1, count=2).part(torch.arange(3))
        tensor([2])
    """

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that shows progress, calls back and writes files."""
        return self.rank == 0

    def part(self, whole: Tensor) -> Tensor:
        """Return this process's share of `(N, …)`: `(n, …)`, nearly as many for each."""
        return whole if self.count == 1 else whole.tensor_split(self.count)[self.rank]

    def add(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def total(self, numbers: list[float]) -> list[float]:
        """Add up numbers over all processes."""
        if self.count == 1:
            return numbers
        return self.add(torch.tensor(numbers, dtype=torch.float64, device=self.device)).tolist()

    def agree(self, flag: bool) -> bool:
        """Return the first process's flag in all of them."""
        return self.total([float(flag and self.first)])[0] > 0

    def wait(self) -> None:
        """Wait until all processes are here."""
        self.total([0.0])

    def wrap(self, model: nn.Module) -> nn.Module:
        """Let the network's gradients become the mean over all processes.

        All of them begin with the weights of the first.
        """
        if self.count == 1:
            return model
        devices = None if self.device.type == "cpu" else [self.device]
        return DistributedDataParallel(model, device_ids=devices)


def local_device(
    device: str | torch.device | None, environment: Mapping[str, str] = os.environ
) -> str | torch.device | None:
    """Give each process of a machine a GPU of its own, unless a device was named.

    Args:
        device: What the user asked for.
        environment: Where `torchrun` writes LOCAL_RANK.

    Returns:
        Such as "cuda:1", or `device` as it is.

    Example:
        >>> local_device("cuda", {"LOCAL_RANK": "1"}), local_device("cpu", {"LOCAL_RANK": "1"})
        ('cuda:1', 'cpu')
    """
    wanted = "cuda" if device is None and torch.cuda.is_available() else device
    if str(wanted) == "cuda" and "LOCAL_RANK" in environment:
        return f"cuda:{environment['LOCAL_RANK']}"
    return device


def join_processes(device: torch.device, environment: Mapping[str, str] = os.environ) -> Processes:
    """Meet the other processes, if `torchrun` started some; over NCCL on GPUs, gloo on CPUs.

    Args:
        device: Of this process.
        environment: Where `torchrun` writes the numbers.

    Returns:
        The processes; one if there are no others.

    Raises:
        ValueError: The environment names several processes but not where they meet, or they
            would meet on a device that cannot.

    Example:
        >>> join_processes(torch.device("cpu"), {}).count
        1
    """
    if dist.is_available() and dist.is_initialized():
        return Processes(device, dist.get_rank(), dist.get_world_size())
    if int(environment.get("WORLD_SIZE", "1")) == 1:
        return Processes(device)
    missing = [name for name in NAMES if name not in environment]
    if missing:
        raise ValueError(
            f"expected the variables {', '.join(NAMES)} for several processes, got none for "
            f"{', '.join(missing)}: start them with torchrun, or unset WORLD_SIZE"
        )
    if device.type not in ("cpu", "cuda"):
        raise ValueError(
            f'expected "cpu" or "cuda" for several processes, got {device.type!r}: write '
            'device="cpu", or train in one process'
        )
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    atexit.register(_leave)
    return Processes(device, dist.get_rank(), dist.get_world_size())


def _leave() -> None:
    """Leave the others before Python ends.

    Gloo's own threads let go of the last tensors a moment after their sums have arrived, and need
    Python for it: without that moment, a busy machine may find Python gone, and abort.
    """
    if dist.is_initialized():
        time.sleep(MOMENT)
        dist.destroy_process_group()
