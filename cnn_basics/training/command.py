"""The command `python -m cnn_basics.training`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from cnn_basics.training.devices import check_precision, choose_device
from cnn_basics.training.evaluation import Evaluation, evaluate
from cnn_basics.training.fit import fit
from cnn_basics.training.history import History
from cnn_basics.training.options import MODELS, in_shell_words, options_of_fit, parse
from cnn_basics.training.processes import local_device
from cnn_basics.training.seeds import set_seed
from cnn_basics.training.settings import Settings
from cnn_basics.training.sources import hold_out, load

WRONG, BROKEN_OFF = 2, 130  # exit codes
REFUSED = (ValueError, TypeError, OSError, FloatingPointError)


def check(options: argparse.Namespace) -> None:
    """Refuse what would fail later, before any time is spent.

    Args:
        options: From `parse`.

    Raises:
        ValueError: An option is out of range, or does not fit another.
        FileNotFoundError: A file's folder is missing.
    """
    settings = Settings(**options_of_fit(options))
    check_precision(settings.precision, choose_device(local_device(settings.device)))
    if options.model == "Custom_CNN" and options.size != 28:
        raise ValueError(
            f"expected --size 28 for Custom_CNN, got {options.size}: leave --size out, or add "
            "--model PhotoNet"
        )
    if options.limit is not None and options.limit < 1:
        raise ValueError(f"expected --limit from 1, got {options.limit}: leave it out for all")
    for name in ("checkpoint", "output"):
        _check_file(name, getattr(options, name))
    both = options.output and options.checkpoint
    if both and options.output.resolve() == options.checkpoint.resolve():
        raise ValueError(
            f"expected two files for --output and --checkpoint, got {options.output} for both: "
            "name another"
        )


def _check_file(name: str, path: Path | None) -> None:
    if path is not None and path.is_dir():
        raise ValueError(f"expected a file as --{name}, got the folder {path}: add a name")
    if path is not None and not path.parent.is_dir():
        raise FileNotFoundError(
            f"expected --{name} in a folder that is there, got {path}: make the folder "
            f"{path.parent} first"
        )


def train(options: argparse.Namespace) -> tuple[History, Evaluation, Sequence[str]]:
    """Do what the command line asks for.

    Args:
        options: From `parse`.

    Returns:
        How the training went, how the network did on the test pictures, and the class names.

    Raises:
        ValueError: Options, pictures or a checkpoint do not fit.
        FileNotFoundError: A folder is missing.
        FloatingPointError: The loss is no longer finite.
    """
    check(options)
    progress = _is_first() and not options.no_progress
    pictures, test, names = load(options.data, options.size, options.limit, progress)
    valid = None
    if options.patience is not None:
        pictures, valid = hold_out(pictures, names)
    set_seed(options.seed)
    model = MODELS[options.model](len(names), pictures[0].shape[1])
    history = fit(model, pictures, valid, progress=progress, **options_of_fit(options))
    if options.output and _is_first():
        write_weights(options.output, model)
    return history, evaluate(model, test), names


def write_weights(path: Path, model: nn.Module) -> None:
    """Write a network's weights, whole or not at all.

    Args:
        path: The file; `model.load_state_dict(torch.load(path, weights_only=True))` reads it.
        model: The network, on any device; in the file its weights are on the CPU.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_weights(Path(folder, "a.pt"), nn.Linear(2, 1))
        ...     list(torch.load(Path(folder, "a.pt"), weights_only=True))
        ['weight', 'bias']
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            torch.save({name: weight.cpu() for name, weight in model.state_dict().items()}, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def report(result: Evaluation, names: Sequence[str]) -> str:
    """Put into words how a network did.

    Args:
        result: On the test pictures.
        names: Of the classes.

    Returns:
        Accuracy, loss, and for each true class how often each class was the answer.

    Example:
        >>> scores = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
        >>> print(report(Evaluation(0.5, 0.5, scores, torch.tensor([0, 1])), ["cat", "dog"]))
        test accuracy 0.5000, loss 0.5000, of 2 pictures
        true / answer      cat      dog
        cat                  1        0
        dog                  1        0
    """
    count, longest = len(result.labels), max(map(len, names))
    corner = "true / answer"
    first, wide = max(len(corner), longest), max(9, longest + 2)
    rows = [f"test accuracy {result.accuracy:.4f}, loss {result.loss:.4f}, of {count} pictures"]
    head = "".join(f"{name:>{wide}}" for name in names)
    rows.append(f"{corner:{first}}{head}")
    for name, counts in zip(names, result.confusion().tolist(), strict=True):
        rows.append(f"{name:{first}}" + "".join(f"{number:>{wide}}" for number in counts))
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program; None for that of the process.

    Returns:
        The exit code: 0, 2 if something was refused, or 130 if a key broke it off.
    """
    options = parse(arguments)
    try:
        history, result, names = train(options)
    except KeyboardInterrupt:
        if _is_first():
            _say(f"broken off; {_what_is_kept(options.checkpoint)}")
        return BROKEN_OFF
    except torch.OutOfMemoryError:
        _say("the device has too little memory for this: lower --batch-size or --size")
        return WRONG
    except REFUSED as error:
        _say(in_shell_words(str(error)))
        return WRONG
    if _is_first():
        if options.patience is not None:
            print(f"epochs {history.epochs}, the weights are those of epoch {history.best_epoch}")
        print(report(result, names))
    return 0


def _is_first() -> bool:
    """Whether this is the process that prints and writes; fit finds the others later."""
    return os.environ.get("RANK", "0") == "0"


def _say(sentence: str) -> None:
    process = "" if _is_first() else f" (process {os.environ['RANK']})"
    print(f"training{process}: {sentence}", file=sys.stderr)


def _what_is_kept(checkpoint: Path | None) -> str:
    if checkpoint is None:
        return "nothing is kept without --checkpoint"
    if not checkpoint.exists():
        return "no epoch had ended, so nothing is kept"
    return f"call it again to go on from {checkpoint}"
