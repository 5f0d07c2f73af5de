"""Trainings on disk: written whole or not at all, read safely, refused when of another training."""

from __future__ import annotations

import os
import pickle
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnn_basics.training.data import Batches
from cnn_basics.training.settings import Settings

FREE = ("epochs", "device", "progress", "checkpoint", "on_batch", "on_epoch")  # may differ
FORMAT = "cnn_basics training 1"


def save_checkpoint(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    """Write a file that is either the old one or, whole, the new one, whenever it is interrupted.

    Args:
        path: The file.
        content: Tensors, numbers, words, and lists and dicts of them.

    Raises:
        FileNotFoundError: The folder is missing.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_checkpoint(f"{folder}/a.pt", {"epoch": 2})
        ...     load_checkpoint(f"{folder}/a.pt")["epoch"]
        2
    """
    path = check_folder(path)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        torch.save({"format": FORMAT, **content}, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def check_folder(path: str | os.PathLike[str]) -> Path:
    """Refuse a file in a folder that is not there.

    Args:
        path: The file.

    Returns:
        Its path.

    Raises:
        FileNotFoundError: The folder is missing.

    Example:
        >>> check_folder("pets.pt").name
        'pets.pt'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"expected a checkpoint in a folder that is there, got {path}: make the folder "
            f"{path.parent} first"
        )
    return path


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote, without running any code that is in the file.

    Args:
        path: The file.

    Returns:
        Its content, all tensors on the CPU; among it "model", a state dict, if `fit` wrote it.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no checkpoint of this project, or damaged.

    Example:
        `model.load_state_dict(load_checkpoint("pets.pt")["model"])` gives a network the weights
        at the end of the last epoch.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except (RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError, KeyError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f"expected a checkpoint that fit wrote, got {path}, which is none or is damaged: "
            "delete it, or name another file"
        )
    return content


def describe_training(
    model: nn.Module, train: Batches, valid: Batches | None, settings: Settings
) -> dict[str, str]:
    """Put into words all that decides how a training goes on.

    Args:
        model: The network.
        train: The training pictures.
        valid: The validation pictures, or None.
        settings: The rest.

    Returns:
        A word for each thing, by its name.

    Example:
        >>> batches = Batches(torch.ones(1, 1, 2, 2), torch.tensor([1]), torch.float32, False)
        >>> words = describe_training(nn.Linear(2, 1), batches, None, Settings())
        >>> words["model"], words["train"], words["seed"]
        ('Linear with weight (1, 2), bias (1,)', '1 pictures (sums 4261412864, 1)', '0')
    """
    shapes = ", ".join(f"{name} {tuple(t.shape)}" for name, t in model.state_dict().items())
    words = {"model": f"{type(model).__name__} with {shapes}", "train": _describe_data(train)}
    words["valid"] = "none" if valid is None else _describe_data(valid)
    for field in fields(Settings):
        if field.name not in FREE:
            words[field.name] = _describe(getattr(settings, field.name))
    if settings.schedule is not None:
        words["schedule"] += f" over {settings.epochs} epochs"
    return words


def check_same_training(
    path: str | os.PathLike[str], kept: dict[str, str], now: dict[str, str]
) -> None:
    """Refuse a checkpoint of another training.

    Args:
        path: The file, for the sentence.
        kept: What `describe_training` said when it was written.
        now: What it says now.

    Raises:
        ValueError: They differ.

    Example:
        >>> check_same_training("a.pt", {"seed": "0"}, {"seed": "0"})
    """
    for name in now:
        if kept.get(name) != now[name]:
            raise ValueError(
                f"expected a checkpoint of this training, with {name} {now[name]}, got {path} "
                f"with {name} {kept.get(name)}: name another file, or delete this one to start anew"
            )


def _describe_data(batches: Batches) -> str:
    """Sum up the bytes, exactly, and the labels with their places."""
    pictures, labels = batches.pictures, batches.labels
    whole = {2: torch.int16, 4: torch.int32, 8: torch.int64}.get(pictures.element_size())
    total = (pictures if whole is None else pictures.view(whole)).sum(dtype=torch.int64)
    places = torch.arange(1, len(labels) + 1, device=labels.device)
    return f"{len(batches)} pictures (sums {total.item()}, {(labels * places).sum().item()})"


def _describe(value: object) -> str:
    """Name a setting; what lies at an address would be another in the next run."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(value))
