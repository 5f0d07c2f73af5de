"""What a training needs of the machine: a device, chance, other processes, files written whole."""

from __future__ import annotations

import atexit
import io
import os
import platform
import random
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from cnn_basics.expect import expect, whole
from cnn_basics.model import untouched

PRECISIONS = ("float32", "bf16")
MEETING = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun tells each process
MOMENT = 0.2  # in seconds
FORMAT = "cnn_basics training 2"


def set_seed(seed: int = 0) -> None:
    """Start the random numbers of PyTorch (on all devices), NumPy and Python anew."""
    seed = check_seed(seed)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what others draw from
    random.seed(seed)


def check_seed(seed: int) -> int:
    """Refuse what is no whole number from 0 to 2³² - 1."""
    seed = whole(seed, "seed", 0)
    expect(seed < 2**32, "seed as a whole number below 2³²", seed, "write seed=0")
    return seed


@contextmanager
def own_chance(device: torch.device, seed: int) -> Iterator[None]:
    """Draw random numbers from a seed, and leave those of the caller as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """Return the device asked for (of GPUs its own for each process), or the first there is."""
    there = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    there.append("cpu")
    try:
        chosen = torch.device(there[0] if device is None else device)
    except (RuntimeError, TypeError):
        chosen = None
    if chosen is not None and chosen.type == "cuda" and chosen.index is None:
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    count = torch.cuda.device_count() if chosen and chosen.type == "cuda" else 1
    right = chosen is not None and chosen.type in there and (chosen.index or 0) < count
    what = f"a device of this machine ({', '.join(there)})"
    expect(right, what, repr(str(device)), "write device=None for the fastest")
    return chosen


def supports_bf16(device: str | torch.device | None = None) -> bool:
    """Tell whether a device computes with bfloat16 in hardware; elsewhere it would be slower."""
    kind = choose_device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    if platform.machine().lower() in ("x86_64", "amd64"):
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def autocast(precision: str, device: torch.device) -> AbstractContextManager:
    """Return the context in which a network computes in a precision, if the device can."""
    fix = 'write precision="float32", which is faster here'
    expect(precision in PRECISIONS, 'precision "float32" or "bf16"', repr(precision), fix)
    if precision == "float32":
        return nullcontext()
    what = 'a device that computes with bfloat16 for precision "bf16"'
    expect(supports_bf16(device), what, f"{device} without it", fix)
    return torch.autocast(device.type, dtype=torch.bfloat16)


@contextmanager
def quickest_layout(model: nn.Module, pictures: Tensor) -> Iterator[torch.memory_format]:
    """Lay a network's weights out with the channels last, quicker for convolutions, if that works.

    It does not pay in other dtypes, nor work for networks that call `view` on a feature map.
    """
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    pays = pictures.dtype == torch.float32 and pictures.device.type in ("cpu", "cuda")
    plain = all(p.is_contiguous() for p in model.parameters() if p.ndim == 4)
    layout = torch.channels_last if convolves and pays else torch.contiguous_format
    try:
        if layout == torch.channels_last:
            model.to(memory_format=layout)
            try:
                with untouched(model):
                    model(pictures.contiguous(memory_format=layout))
            except RuntimeError:  # "view size is not compatible …": kinds of it differ
                layout = torch.contiguous_format
                model.to(memory_format=layout)
        yield layout
    finally:
        if layout == torch.channels_last and plain:
            model.to(memory_format=torch.contiguous_format)


@dataclass(frozen=True)
class Processes:
    """How many processes train one network together, and which one of them, from 0, this is."""

    device: torch.device
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that shows progress, calls back and writes files."""
        return self.rank == 0

    def share(self, length: int) -> slice:
        """Return which of so many things are this process's, nearly as many for each."""
        each, more = divmod(length, self.count)
        start = self.rank * each + min(self.rank, more)
        return slice(start, start + each + (self.rank < more))

    def add(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def agree(self, flag: bool) -> bool:
        """Wait until all processes are here, and return the first one's flag in all of them."""
        return self.add(torch.tensor(float(flag and self.first), device=self.device)).item() > 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give all of them the first one's weights, and let gradients be the mean over all."""
        if self.count == 1:
            return model
        devices = None if self.device.type == "cpu" else [self.device]
        return DistributedDataParallel(model, device_ids=devices)


def join_processes(device: torch.device) -> Processes:
    """Meet the other processes, if `torchrun` started some; over NCCL on GPUs, gloo on CPUs."""
    if not (dist.is_available() and dist.is_initialized()):
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Processes(device)
        missing = ", ".join(name for name in MEETING if name not in os.environ)
        what, fix = f"the variables {', '.join(MEETING)}", "start processes with torchrun"
        expect(not missing, what, f"none for {missing}", f"{fix}, or unset WORLD_SIZE")
        what, fix = '"cpu" or "cuda" for several processes', 'write device="cpu"'
        expect(device.type in ("cpu", "cuda"), what, repr(device.type), fix)
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


def check_file(path: str | os.PathLike[str], name: str) -> Path:
    """Return the path of a file that is to be written, `~` written out, if it can be one."""
    path = Path(path).expanduser()
    expect(not path.is_dir(), f"a file as {name}", f"the folder {path}", "add a name")
    what, fix = f"{name} in a folder that is there", f"make the folder {path.parent} first"
    expect(path.parent.is_dir(), what, str(path), fix, FileNotFoundError)
    return path


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Write a file that is the old one or, whole, the new one, whenever it is interrupted."""
    buffer, part = io.BytesIO(), path.with_name(f"{path.name}.part")
    torch.save(content, buffer)
    try:
        with part.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)  # before the room that is left is measured
        free, needed = shutil.disk_usage(path.parent).free / 1e6, buffer.tell() / 1e6
        got = f"{error.strerror} with {free:.1f} MB free there"
        fix = "make room, or name a file elsewhere"
        expect(False, f"to write {needed:.1f} MB to {path}", got, fix, OSError)
    finally:
        part.unlink(missing_ok=True)


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `fit` keeps, without running any code in it; "model" are the weights."""
    file, content = io.BytesIO(Path(path).expanduser().read_bytes()), None
    with suppress(Exception):  # of many kinds: torch reads any text as commands of its own
        content = torch.load(file, map_location="cpu", weights_only=True)
    right = isinstance(content, dict) and content.get("format") == FORMAT
    fix = "delete it, or name another file"
    expect(right, "a checkpoint that fit wrote", f"{path}, which is none or is damaged", fix)
    return content
