"""A trained network as an ONNX file, which runs without PyTorch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from cnn_basics.model.untouched import untouched


def export_onnx(model: nn.Module, path: str | PathLike[str], example: Tensor) -> Path:
    """Write a network into one ONNX file, for phones, browsers and other programs.

    The file holds the network as it answers in evaluation mode. Its input is called `pictures`,
    its output `scores`; it takes any number of pictures of the size of the example.

    Args:
        model: a network that takes one tensor and gives one; it is left as it was.
        path: the file, usually ending in `.onnx`; an older one is replaced.
        example: (N, C, H, W), pictures as the network takes them, N at least 1.

    Returns:
        The path of the file.

    Raises:
        TypeError: if `example` is not a tensor.
        ValueError: if `example` has not four axes, or holds no picture.
        FileNotFoundError: if the folder is not there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export_onnx(nn.Flatten(), Path(folder, "net.onnx"), torch.zeros(1, 1, 8, 8)).name
        'net.onnx'
    """
    path = Path(path)
    _check(path, example)
    batch = torch.export.Dim("N", min=1)
    pictures = torch.cat([example, example])[:2].detach()  # a batch of 1 would be taken for fixed
    with untouched(model), _quiet():
        torch.onnx.export(
            model,
            (pictures,),
            path,
            input_names=["pictures"],
            output_names=["scores"],
            dynamic_shapes=({0: batch},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return path


def _check(path: Path, example: Tensor) -> None:
    if not isinstance(example, Tensor):
        raise TypeError(
            f"expected an example as a tensor (N, C, H, W), got {type(example).__name__}: "
            "give some pictures, as the network takes them"
        )
    if example.ndim != 4 or not len(example):
        raise ValueError(
            f"expected an example (N, C, H, W) of at least one picture, got "
            f"{tuple(example.shape)}: give for example pictures[:1]"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{path.parent} is no folder, expected one for {path.name}: make it"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter from telling about its own insides."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
