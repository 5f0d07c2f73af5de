"""The command `python -m cnn_basics.training`: its options are the arguments of `fit`."""

from __future__ import annotations

import argparse
import inspect
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from cnn_basics.datasets import load_digits, load_folder, load_pets
from cnn_basics.expect import expect, whole
from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.training import Data, Evaluation, augment, evaluate, fit, machine
from cnn_basics.training.loop import OPTIMIZERS, SCHEDULES, check_options

WRONG, BROKEN_OFF = 2, 130  # exit codes
REFUSED = (ValueError, TypeError, OSError, FloatingPointError)
HELD_OUT = 5  # every fifth picture of a class is kept aside
TRAIN = ("training_set", "train", "training")  # how the folders of splits are called
TEST = ("test_set", "test", "val", "valid", "validation")
MODELS = {"Custom_CNN": Custom_CNN, "PhotoNet": PhotoNet}
AUGMENTATIONS = {
    "flip": augment.random_flip,
    "crop": augment.random_crop,
    "rotation": augment.random_rotation,
    "resized_crop": augment.random_resized_crop,
    "colour": augment.random_colour,
    "cutout": augment.random_cutout,
}
NOT_OPTIONS = ("model", "train", "valid", "augment", "progress", "on_batch", "on_epoch")
ARGUMENTS = {k: p for k, p in inspect.signature(fit).parameters.items() if k not in NOT_OPTIONS}
ABOUT = re.findall(r"^ {4}(\w+): ((?:.|\n {8})*)", inspect.getdoc(fit) or "", re.MULTILINE)
ABOUT = {name: " ".join(words.split()) for name, words in ABOUT}
CHOICES = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "precision": machine.PRECISIONS}
EXAMPLE = """examples:
  python -m cnn_basics.training pets --epochs 20 --schedule one_cycle --augment flip crop
  python -m cnn_basics.training digits --epochs 15 --output digits.pt
  python -m cnn_basics.training my-photos --model PhotoNet --size 64 --checkpoint my-photos.pt
  torchrun --local-addr 127.0.0.1 --nproc-per-node 2 -m cnn_basics.training pets
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what trains is an option for each argument of `fit`."""
    parser = argparse.ArgumentParser(
        prog="python -m cnn_basics.training",
        usage="%(prog)s DATA [OPTIONS]",
        description="Train a network to tell classes of pictures apart, then test it once.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument_group("what is trained").add_argument
    about = "pets, digits, or a folder with one folder of photos for each class"
    parser.add_argument("data", metavar="DATA", help=about)
    add("--model", choices=MODELS, default="Custom_CNN", help="default: Custom_CNN")
    about = "side of the pictures in pixels (default: 28)"
    add("--size", metavar="PIXELS", type=int, default=28, help=about)
    about = "at most so many pictures of each class, for a quick trial"
    add("--limit", metavar="COUNT", type=int, help=about)
    about = "folders to train and to test with, where their names do not tell; of one alone every "
    about += "fifth picture is for the test"
    add("--split", nargs="+", default=[], metavar="FOLDER", help=about)
    about = f"change pictures by chance, by one or more of {', '.join(AUGMENTATIONS)}"
    add("--augment", nargs="+", choices=AUGMENTATIONS, default=[], metavar="CHANGE", help=about)
    add = parser.add_argument_group("how it is trained").add_argument
    for name, argument in ARGUMENTS.items():
        kind = {"int": int, "float": float}.get(argument.annotation.split(" ")[0], str)
        usual = "" if argument.default is None else f" (default: {argument.default})"
        about = f"{ABOUT.get(name, '')}{usual}".replace("%", "%%")
        shown = {"choices": CHOICES[name]} if name in CHOICES else {"metavar": "VALUE"}
        add(_option(name), type=kind, default=argument.default, help=about, **shown)
    add = parser.add_argument_group("what is shown and kept").add_argument
    about = "write the trained weights to this file, a state dict"
    add("--output", metavar="FILE", type=Path, help=about)
    add("--no-progress", action="store_true", help="show no bar")
    return parser.parse_args(arguments)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def options_of_fit(options: argparse.Namespace) -> dict[str, object]:
    """Choose from the command line what `fit` takes, with the augmentations made."""
    changes = [AUGMENTATIONS[name]() for name in options.augment]
    chosen = {name: getattr(options, name) for name in ARGUMENTS}
    return chosen | {"augment": augment.compose(*changes) if changes else None}


def check(options: argparse.Namespace) -> None:
    """Refuse what would fail later, before any time is spent."""
    given = check_options(options_of_fit(options))
    machine.autocast(options.precision, machine.choose_device(options.device))
    right, fix = options.model != "Custom_CNN" or options.size == 28, "add --model PhotoNet"
    expect(right, "--size 28 for Custom_CNN", options.size, f"leave --size out, or {fix}")
    if options.limit is not None:
        whole(options.limit, "--limit", 1, "leave it out for all")
    got, fix = f"{len(options.split)}", "name those to train and to test with"
    expect(len(options.split) <= 2, "one or two folders for --split", got, fix)
    if options.output is not None:
        options.output = machine.check_file(options.output, "--output")
        same = given["checkpoint"] and options.output.resolve() == given["checkpoint"].resolve()
        got = f"{options.output} for both"
        expect(not same, "two files for --output and --checkpoint", got, "name another")


def load(
    source: str, size: int = 28, limit: int | None = None, split: Sequence[str] = (), **shown: bool
) -> tuple[Data, Data, Sequence[str]]:
    """Load the pictures to train and to test with, and the names of the classes."""
    bundled = (TRAIN[0], TEST[0])
    if source == "digits":
        expect(size == 28, "--size 28 for digits", size, "leave it out")
        parts = [load_digits(name) for name in bundled]
    elif source == "pets":
        parts = [load_pets(name, size) for name in bundled]
    else:
        folder = Path(source).expanduser()
        found = [next((x for x in names if (folder / x).is_dir()), None) for names in (TRAIN, TEST)]
        split = split or (found if all(found) else found[:1])  # None is the folder itself
        parts = [load_folder(folder, size, split=name, limit=limit, **shown) for name in split]
    data, names = [tuple(part)[:2] for part in parts], [tuple(part)[2] for part in parts]
    got = f"{', '.join(names[0])} to train and {', '.join(names[-1])} to test with"
    what, fix = f"the same classes in both splits of {source}", "rename or move the folders"
    expect(tuple(names[0]) == tuple(names[-1]), what, got, fix)
    train, test = hold_out(data[0], names[0]) if len(data) == 1 else data
    return _first(train, limit), _first(test, limit), names[0]


def _first(data: Data, limit: int | None) -> Data:
    """Keep the first pictures of each class."""
    pictures, labels = data
    places = [(labels == label).nonzero()[:limit, 0] for label in labels.unique()]
    kept = torch.cat(places).sort().values
    return pictures[kept], labels[kept]


def hold_out(data: Data, names: Sequence[str]) -> tuple[Data, Data]:
    """Keep every fifth picture of each class aside, at least one; always the same ones."""
    pictures, labels = data
    aside = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique().tolist():
        places = (labels == label).nonzero()[:, 0]
        what = "at least two pictures of each class, so that one can be kept aside"
        expect(len(places) > 1, what, f"a single one of {names[label]}", "add some")
        aside[places[min(HELD_OUT, len(places)) - 1 :: HELD_OUT]] = True
    return (pictures[~aside], labels[~aside]), (pictures[aside], labels[aside])


def run(options: argparse.Namespace) -> None:
    """Do what the command line asks for; the result is told before the weights are written."""
    check(options)
    shown = {"progress": _is_first() and not options.no_progress}
    what = (options.data, options.size, options.limit, options.split)
    train, test, names = load(*what, **shown)
    train, valid = (train, None) if options.patience is None else hold_out(train, names)
    machine.set_seed(options.seed)
    model = MODELS[options.model](len(names), train[0].shape[1])
    history = fit(model, train, valid, **shown, **options_of_fit(options))
    result = evaluate(model, test)
    if not _is_first():
        return
    if options.patience is not None:
        print(f"epochs {history.epochs}, the weights are those of epoch {history.best_epoch}")
    encoding = sys.stdout.encoding or "utf-8"  # names of files need not be text in any encoding
    print(report(result, names).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    if options.output is not None:
        weights = {name: weight.cpu() for name, weight in model.state_dict().items()}
        machine.write_whole(options.output, weights)


def report(result: Evaluation, names: Sequence[str]) -> str:
    """Put into words how a network did: for each true class how often each was the answer."""
    corner, longest = "true / answer", max(map(len, names))
    first, wide = max(len(corner), longest), max(9, longest + 2)
    rows = [(corner, names), *zip(names, result.confusion().tolist(), strict=True)]
    table = [f"{name:{first}}" + "".join(f"{cell:>{wide}}" for cell in row) for name, row in rows]
    told = f"test accuracy {result.accuracy:.4f}, loss {result.loss:.4f}"
    return "\n".join([f"{told}, of {len(result.labels)} pictures", *table])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 2 if something was refused, or 130 if a key broke it off."""
    options = parse(arguments)
    try:
        run(options)
    except KeyboardInterrupt:
        kept = options.checkpoint and Path(options.checkpoint).expanduser().exists()
        again = f"call it again to go on from {options.checkpoint}"
        if _is_first():
            _say(f"broken off; {again if kept else 'no epoch is kept in a --checkpoint'}")
        return BROKEN_OFF
    except torch.OutOfMemoryError:
        _say("the device has too little memory for this: lower --batch-size or --size")
        return WRONG
    except REFUSED as error:
        _say(in_shell_words(str(error)))
        return WRONG
    return 0


def in_shell_words(sentence: str) -> str:
    """Let a sentence of `fit` speak of options instead of arguments.

    Example:
        >>> in_shell_words("expected batch_size as a whole number, got 0: write batch_size=64")
        'expected --batch-size as a whole number, got 0: write --batch-size 64'
        >>> in_shell_words("write device=None for the fastest")
        'leave --device out for the fastest'
    """
    line, names = " ".join(sentence.splitlines()), "|".join(ARGUMENTS)
    line = re.sub(rf"write ({names})=None", lambda m: f"leave {_option(m[1])} out", line)
    line = re.sub(rf"(?<= )({names})=", lambda m: f"{_option(m[1])} ", line)
    long_names = "|".join(name for name in ARGUMENTS if "_" in name)
    line = re.sub(rf"(?<= )({long_names})(?=[ ,])", lambda m: _option(m[1]), line)
    return re.sub(r'split="(.+?)" or split="(.+?)"', r"--split \1 \2", line)


def _is_first() -> bool:
    """Whether this is the process that prints and writes; fit finds the others later."""
    return os.environ.get("RANK", "0") == "0"


def _say(sentence: str) -> None:
    process = "" if _is_first() else f" (process {os.environ['RANK']})"
    print(f"training{process}: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
