"""The command `python -m cnn_basics.training`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from cnn_basics.datasets import load_digits, load_folder, load_pets
from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.training import augment
from cnn_basics.training.data import Data
from cnn_basics.training.evaluation import Evaluation, evaluate
from cnn_basics.training.fit import fit
from cnn_basics.training.optimizing import OPTIMIZERS, SCHEDULES
from cnn_basics.training.seeds import set_seed

MODELS = {"Custom_CNN": Custom_CNN, "PhotoNet": PhotoNet}
AUGMENTATIONS = {
    "flip": augment.random_flip,
    "crop": augment.random_crop,
    "rotation": augment.random_rotation,
    "colour": augment.random_colour,
}
SPLITS = ("training_set", "test_set")
HELD_OUT = 5  # where a folder has no test set, every fifth picture is one
EXAMPLE = """examples:
  python -m cnn_basics.training pets --epochs 10 --schedule one_cycle --augment flip
  python -m cnn_basics.training my-photos --model PhotoNet --size 64 --checkpoint my-photos.pt
  torchrun --nproc-per-node 2 -m cnn_basics.training pets
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cnn_basics.training",
        description="Train a network to tell classes of pictures apart, then test it once.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", help="pets, digits, or a folder with one folder of photos for each class")
    add("--model", choices=MODELS, default="Custom_CNN", help="default: Custom_CNN")
    add("--size", type=int, default=28, help="side of the pictures in pixels (default: 28)")
    add("--epochs", type=int, default=10, help="passes over the training pictures (default: 10)")
    add("--batch-size", type=int, default=64, help="pictures in one step (default: 64)")
    add("--learning-rate", type=float, default=0.001, help="default: 0.001")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="default: adam")
    add("--weight-decay", type=float, default=0.0, help="default: 0")
    add("--schedule", choices=SCHEDULES, help="how the learning rate changes (default: not)")
    add("--augment", nargs="+", choices=AUGMENTATIONS, default=[], help="change them by chance")
    add("--label-smoothing", type=float, default=0.0, help="default: 0")
    add("--averaging", type=float, help="running mean of the weights, such as 0.99")
    add("--precision", choices=("float32", "bf16"), default="float32", help="default: float32")
    add("--device", help="cpu, cuda or mps (default: the best that there is)")
    add("--seed", type=int, default=0, help="the same gives the same (default: 0)")
    add("--checkpoint", type=Path, help="keep the training here, and go on from it if it is there")
    add("--output", type=Path, help="write the trained weights to this file, a state dict")
    add("--no-progress", action="store_true", help="show no bar")
    return parser.parse_args(arguments)


def load(source: str, size: int, progress: bool = True) -> tuple[Data, Data, Sequence[str]]:
    """Load pictures to train and to test with.

    Args:
        source: "pets", "digits", or a folder of photos, which may have the splits training_set
            and test_set; of one that has not, every fifth picture is kept for the test.
        size: Side of the pictures in pixels.
        progress: Show a bar.

    Returns:
        Training pictures with labels, test pictures with labels, and the class names.

    Raises:
        ValueError: Digits of another size than 28, or what `load_folder` refuses.
        FileNotFoundError: There is no such folder, or there is nothing in it.

    Example:
        >>> train, test, names = load("digits", 28)
        >>> len(train[1]), len(test[1]), len(names)
        (1437, 360, 10)
    """
    if source == "digits":
        if size != 28:
            raise ValueError(f"expected --size 28 for digits, got {size}: leave it out")
        parts = [load_digits(split) for split in SPLITS]
    elif source == "pets":
        parts = [load_pets(split, size) for split in SPLITS]
    elif Path(source, SPLITS[0]).is_dir():
        parts = [tuple(load_folder(source, size, split=s, progress=progress)) for s in SPLITS]
    else:
        return _hold_out(*load_folder(source, size, progress=progress))
    return parts[0][:2], parts[1][:2], parts[0][2]


def _hold_out(
    pictures: Tensor, labels: Tensor, names: Sequence[str]
) -> tuple[Data, Data, Sequence[str]]:
    test = torch.arange(len(labels)) % HELD_OUT == HELD_OUT - 1
    return (pictures[~test], labels[~test]), (pictures[test], labels[test]), names


def train(options: argparse.Namespace) -> tuple[nn.Module, Evaluation, Sequence[str]]:
    """Do what the command line asks for.

    Args:
        options: From `parse`.

    Returns:
        The network, how it did on the test pictures, and the class names.
    """
    first = os.environ.get("RANK", "0") == "0"
    progress = first and not options.no_progress
    pictures, test, names = load(options.data, options.size, progress)
    set_seed(options.seed)
    model = MODELS[options.model](len(names), pictures[0].shape[1])
    changes = [AUGMENTATIONS[name]() for name in options.augment]
    given = vars(options) | {"augment": augment.compose(*changes) if changes else None}
    for name in ("data", "model", "size", "output", "no_progress"):
        del given[name]
    fit(model, pictures, progress=progress, **given)
    if options.output and first:
        part = options.output.with_name(f"{options.output.name}.part")
        torch.save(model.state_dict(), part)
        part.replace(options.output)
    return model, evaluate(model, test), names


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
        true class      cat      dog
        cat               1        0
        dog               1        0
    """
    count = len(result.labels)
    wide = max(10, *map(len, names))
    rows = [f"test accuracy {result.accuracy:.4f}, loss {result.loss:.4f}, of {count} pictures"]
    rows.append(f"{'true class':{wide}}" + "".join(f"{name[:8]:>9}" for name in names))
    for name, counts in zip(names, result.confusion().tolist(), strict=True):
        rows.append(f"{name:{wide}}" + "".join(f"{number:>9}" for number in counts))
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line, without the program; None for that of the process.

    Returns:
        The exit code: 0, 1 if something was refused, or 130 if a key broke it off.
    """
    options = parse(arguments)
    first = os.environ.get("RANK", "0") == "0"
    try:
        _, result, names = train(options)
    except KeyboardInterrupt:
        kept = f"call it again to go on from {options.checkpoint}" if options.checkpoint else ""
        print(
            f"training: broken off; {kept or 'nothing is kept without --checkpoint'}",
            file=sys.stderr,
        )
        return 130
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1
    if first:
        print(report(result, names))
    return 0
