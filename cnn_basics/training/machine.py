"""What a training needs of the machine: a device, chance, other processes, files written whole."""

from __future__ import annotations

import atexit
import ctypes
import io
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from cnn_basics.expect import expect
from cnn_basics.model import untouched

MEETING = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun tells each process
MOMENT = 0.2  # in seconds
FORMAT = "cnn_basics training 2"


@contextmanager
def own_chance(device: torch.device, seed: int) -> Iterator[None]:
    """Draw random numbers from a seed, and leave those of the caller as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed % 2**63)
        yield


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """Return the device asked for (of GPUs its own for each process), or the first there is."""
    there = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    there.append("cpu")
    with suppress(RuntimeError, TypeError):
        chosen = torch.device(there[0] if device is None else device)
        if chosen.type == "cuda" and chosen.index is None:
            chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        count = torch.cuda.device_count() if chosen.type == "cuda" else 1
        if chosen.type in there and (chosen.index or 0) < count:
            return chosen
    what, fix = f"a device of this machine ({', '.join(there)})", "leave device out for the fastest"
    raise ValueError(f"expected {what}, got {str(device)!r}: {fix}")


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
    if precision == "float32":
        return nullcontext()
    what, fix = 'a device that computes with bfloat16 for precision="bf16"', "which is faster here"
    got, fix = f"{device} without it", f'write precision="float32", {fix}'
    expect(supports_bf16(device), what, got, fix)
    return torch.autocast(device.type, dtype=torch.bfloat16)


@contextmanager
def quickest_layout(model: nn.Module, pictures: Tensor) -> Iterator[torch.memory_format]:
    """Lay a network's weights out with the channels last, if that works and pays (in float32)."""
    layout = torch.contiguous_format
    plain = all(p.is_contiguous() for p in model.parameters() if p.ndim == 4)
    convolves = any(isinstance(module, nn.Conv2d) for module in model.modules())
    if convolves and pictures.dtype == torch.float32 and pictures.device.type in ("cpu", "cuda"):
        layout = torch.channels_last
        model.to(memory_format=layout)
        try:
            with untouched(model):
                model(pictures.contiguous(memory_format=layout))
        except RuntimeError:  # "view size is not compatible …": kinds of it differ
            layout = torch.contiguous_format
            model.to(memory_format=layout)
    try:
        yield layout
    finally:
        if plain:
            model.to(memory_format=torch.contiguous_format)


@dataclass(frozen=True)
class Processes:
    """How many train one network together, and which this is; 0 calls back and writes files."""

    device: torch.device
    rank: int = 0
    count: int = 1

    def share(self, rows: Tensor) -> Tensor:
        """Return this process's rows, nearly as many for each; the first where none is left."""
        own = rows.tensor_split(self.count)[self.rank]
        return own if len(own) else rows[:1]

    def add(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place."""
        if self.count > 1:
            dist.all_reduce(tensor)
        return tensor

    def agree(self, flag: bool) -> bool:
        """Wait until all processes are here, and return the first one's flag in all of them."""
        own = flag and self.rank == 0
        return self.add(torch.tensor(float(own), device=self.device)).item() > 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Give all of them the first one's weights, and let gradients be the mean over all."""
        devices = None if self.device.type == "cpu" else [self.device]
        return model if self.count == 1 else DistributedDataParallel(model, device_ids=devices)


def join_processes(device: torch.device) -> Processes:
    """Meet the other processes, if `torchrun` started some; over NCCL on GPUs, gloo on CPUs."""
    if not (dist.is_available() and dist.is_initialized()):
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Processes(device)
        told = ", ".join(name for name in MEETING if name in os.environ)
        right = told == ", ".join(MEETING) and device.type in ("cpu", "cuda")
        what = f"processes on cpu or cuda that are told {', '.join(MEETING)}"
        fix = "start them with torchrun, or unset WORLD_SIZE"
        expect(right, what, f"{device.type} and {told}", fix)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)
    return Processes(device, dist.get_rank(), dist.get_world_size())


def _leave() -> None:
    """Leave the others before Python ends."""
    if dist.is_initialized():  # gloo's threads need Python a moment longer, or may abort
        time.sleep(MOMENT)
        dist.destroy_process_group()


def release_memory() -> None:
    """Give back to the system what was let go: the C library of Linux keeps it, in pieces."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


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
