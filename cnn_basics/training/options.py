"""The options of the command `python -m cnn_basics.training`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.training import augment
from cnn_basics.training.optimizing import OPTIMIZERS, SCHEDULES

MODELS = {"Custom_CNN": Custom_CNN, "PhotoNet": PhotoNet}
AUGMENTATIONS = {
    "flip": augment.random_flip,
    "crop": augment.random_crop,
    "rotation": augment.random_rotation,
    "resized_crop": augment.random_resized_crop,
    "colour": augment.random_colour,
    "cutout": augment.random_cutout,
}
NOT_FOR_FIT = ("data", "model", "size", "limit", "output", "no_progress")
EXAMPLE = """examples:
  python -m cnn_basics.training pets --epochs 20 --schedule one_cycle --augment flip crop
  python -m cnn_basics.training digits --epochs 15 --output digits.pt
  python -m cnn_basics.training my-photos --model PhotoNet --size 64 --checkpoint my-photos.pt
  torchrun --nproc-per-node 2 -m cnn_basics.training pets
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cnn_basics.training",
        usage="%(prog)s DATA [OPTIONS]",
        description="Train a network to tell classes of pictures apart, then test it once.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("what is trained").add_argument
    words = "pets, digits, or a folder with one folder of photos for each class"
    parser.add_argument("data", metavar="DATA", help=words)
    add("--model", choices=MODELS, default="Custom_CNN", help="default: Custom_CNN")
    add(
        "--size",
        metavar="PIXELS",
        type=int,
        default=28,
        help="side of the pictures in pixels (default: 28)",
    )
    add(
        "--limit",
        metavar="COUNT",
        type=int,
        help="at most so many pictures of each class, for a quick trial",
    )
    words = f"change them by chance, by one or more of {', '.join(AUGMENTATIONS)}"
    add("--augment", nargs="+", choices=AUGMENTATIONS, default=[], metavar="CHANGE", help=words)
    _add_training(parser.add_argument_group("how it is trained"))
    _add_files(parser.add_argument_group("where, and what is kept"))
    return parser.parse_args(arguments)


def _add_training(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        "--epochs",
        metavar="COUNT",
        type=int,
        default=10,
        help="passes over the training pictures (default: 10)",
    )
    add(
        "--batch-size",
        metavar="COUNT",
        type=int,
        default=64,
        help="pictures in one step (default: 64)",
    )
    add("--learning-rate", metavar="RATE", type=float, default=0.001, help="default: 0.001")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="default: adam")
    add("--weight-decay", metavar="NUMBER", type=float, default=0.0, help="default: 0")
    add("--schedule", choices=SCHEDULES, help="how the learning rate changes (default: not)")
    add("--label-smoothing", metavar="SHARE", type=float, default=0.0, help="default: 0")
    add(
        "--averaging", metavar="SHARE", type=float, help="running mean of the weights, such as 0.99"
    )
    words = "keep every fifth training picture aside, stop after so many epochs without a lower "
    add(
        "--patience",
        metavar="EPOCHS",
        type=int,
        help=f"{words}loss there, and take the best weights",
    )
    add(
        "--seed", metavar="NUMBER", type=int, default=0, help="the same gives the same (default: 0)"
    )


def _add_files(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--device", metavar="NAME", help="cpu, cuda or mps (default: the best that there is)")
    add("--precision", choices=("float32", "bf16"), default="float32", help="default: float32")
    add(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        help="keep the training here, and go on from it if it is there",
    )
    add(
        "--output",
        metavar="FILE",
        type=Path,
        help="write the trained weights to this file, a state dict",
    )
    add("--no-progress", action="store_true", help="show no bar")


def options_of_fit(options: argparse.Namespace) -> dict[str, object]:
    """Choose from the command line what `fit` takes.

    Args:
        options: From `parse`.

    Returns:
        Arguments of `fit`, with the augmentations made; without `progress`.

    Example:
        >>> given = options_of_fit(parse(["pets", "--augment", "flip", "crop"]))
        >>> given["augment"], given["batch_size"]
        (compose(random_flip(0.5), random_crop(2)), 64)
    """
    changes = [AUGMENTATIONS[name]() for name in options.augment]
    given = vars(options) | {"augment": augment.compose(*changes) if changes else None}
    return {name: value for name, value in given.items() if name not in NOT_FOR_FIT}


def in_shell_words(sentence: str) -> str:
    """Let a sentence of `fit` speak of options instead of arguments.

    Args:
        sentence: Of an error.

    Returns:
        The same, with `--batch-size 64` for `batch_size=64`, on one line.

    Example:
        >>> in_shell_words("expected batch_size as a whole number, got 0: write batch_size=64")
        'expected --batch-size as a whole number, got 0: write --batch-size 64'
        >>> in_shell_words("write device=None for the fastest")
        'leave --device out for the fastest'
    """

    def option(found: re.Match[str]) -> str:
        return f"--{found['name'].replace('_', '-')}{' ' if found[0].endswith('=') else ''}"

    known = [name for name in vars(parse(["pets"])) if name not in NOT_FOR_FIT]
    any_name, long_name = "|".join(known), "|".join(name for name in known if "_" in name)
    line = " ".join(sentence.splitlines())
    line = re.sub(rf"write (?P<name>{any_name})=None", r"leave --\g<name> out", line)
    line = re.sub(rf"(?<= )(?P<name>{any_name})=", option, line)
    return re.sub(rf"(?<= )(?P<name>{long_name})(?=[ ,])", option, line)
