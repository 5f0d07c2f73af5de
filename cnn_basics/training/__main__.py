"""The command `python -m cnn_basics.training`: its options are the arguments of `fit`."""

from __future__ import annotations

import argparse
import inspect
import io
import math
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from cnn_basics.datasets import load_digits, load_folder, load_pets
from cnn_basics.expect import expect, whole
from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.training import Data, Evaluation, augment, evaluate, fit, machine
from cnn_basics.training.loop import CHOICES, check_options

WRONG, BROKEN_OFF = 2, 130  # exit codes
REFUSED = (ValueError, TypeError, OSError, FloatingPointError)
HELD_OUT = 5  # every fifth picture of a class is kept aside
TRAIN = ("training_set", "train", "training")  # how the folders of splits are called
TEST = ("test_set", "test", "val", "valid", "validation")
MODELS = {"Custom_CNN": Custom_CNN, "PhotoNet": PhotoNet}
AUGMENTATIONS = ("flip", "crop", "rotation", "resized_crop", "colour", "cutout")
NOT_OPTIONS = ("model", "train", "valid", "augment", "progress", "on_batch", "on_epoch")
ARGUMENTS = {k: p for k, p in inspect.signature(fit).parameters.items() if k not in NOT_OPTIONS}
ABOUT = dict(re.findall(r"^ {4}(\w+): ((?:.|\n {8})*)", inspect.getdoc(fit) or "", re.MULTILINE))
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
    add = parser.add_argument
    add("data", metavar="DATA", help="pets, digits, or a folder with a folder for each class")
    add("--model", choices=MODELS, default="Custom_CNN", help="default: Custom_CNN")
    add("--size", type=int, default=28, help="side of the pictures in pixels (default: 28)")
    add("--limit", type=int, help="at most so many pictures of each class, for a quick trial")
    about = "folders to train and to test with, where their names do not tell; of one alone every "
    add("--split", nargs="+", default=[], help=f"{about}fifth picture is for the test")
    about = f"change pictures by chance, by one or more of {', '.join(AUGMENTATIONS)}"
    add("--augment", nargs="+", choices=AUGMENTATIONS, default=[], metavar="CHANGE", help=about)
    for name, argument in ARGUMENTS.items():
        kind = {"int": int, "float": float}.get(argument.annotation.split(" ")[0], str)
        usual = "" if argument.default is None else f" (default: {argument.default})"
        about = f"{' '.join(ABOUT[name].split())}{usual}".replace("%", "%%")
        shown = {"choices": CHOICES[name]} if name in CHOICES else {}
        add(_option(name), type=kind, default=argument.default, help=about, **shown)
    add("--output", metavar="FILE", help="write the trained weights to this file, a state dict")
    add("--no-progress", action="store_true", help="show no bar")
    return parser.parse_args(arguments)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-').replace('=', ' ')}"


def run(asked: argparse.Namespace) -> None:
    """Do what the command line asks for; the result is told before the weights are written."""
    options = {name: getattr(asked, name) for name in ARGUMENTS}
    changes = [getattr(augment, f"random_{name}")() for name in asked.augment]
    options["augment"] = augment.compose(*changes) if changes else None
    options["progress"] = is_first() and not asked.no_progress
    output = check(asked, options)
    shown = {"progress": options["progress"]}
    train, test, names = load(asked.data, asked.size, asked.limit, asked.split, **shown)
    train, valid = (train, None) if asked.patience is None else hold_out(train, names)
    torch.manual_seed(asked.seed % 2**63)
    model = MODELS[asked.model](len(names), train[0].shape[1])
    history = fit(model, train, valid, **options)
    result = evaluate(model, test)
    if not is_first():
        return
    if asked.patience is not None:
        print(f"epochs {history.epochs}, the weights are those of epoch {history.best_epoch}")
    print(report(result, names), flush=True)
    if output is not None:
        weights = {name: weight.cpu() for name, weight in model.state_dict().items()}
        machine.write_whole(output, weights)


def check(asked: argparse.Namespace, options: dict[str, object]) -> Path | None:
    """Refuse what would fail later, before any time is spent; return the file for the weights."""
    given = check_options(options)
    right, fix = asked.model != "Custom_CNN" or asked.size == 28, "add --model PhotoNet"
    expect(right, "--size 28 for Custom_CNN", asked.size, f"leave --size out, or {fix}")
    if asked.limit is not None:
        whole(asked.limit, "--limit", 1, "leave it out for all")
    got, fix = f"{len(asked.split)}", "name those to train and to test with"
    expect(len(asked.split) <= 2, "one or two folders for --split", got, fix)
    if asked.output is None:
        return None
    output = machine.check_file(asked.output, "--output")
    same = given["checkpoint"] and output.resolve() == given["checkpoint"].resolve()
    what = "two files for --output and --checkpoint"
    expect(not same, what, f"{output} for both", "name another")
    return output


def load(
    source: str, size: int = 28, limit: int | None = None, split: Sequence[str] = (), **shown: bool
) -> tuple[Data, Data, Sequence[str]]:
    """Load the pictures to train and to test with, and the names of the classes."""
    if source in ("digits", "pets"):
        expect(source == "pets" or size == 28, "--size 28 for digits", size, "leave it out")
        read = load_digits if source == "digits" else partial(load_pets, size=size)
        parts = [read(TRAIN[0]), read(TEST[0])]
    else:
        folder = Path(source).expanduser()
        found = [next((x for x in names if (folder / x).is_dir()), None) for names in (TRAIN, TEST)]
        split = split or (found if all(found) else found[:1])  # None is the folder itself
        parts = [load_folder(folder, size, split=name, limit=limit, **shown) for name in split]
    (*train, names), (*test, tested) = (tuple(part)[:3] for part in (parts[0], parts[-1]))
    got = f"{', '.join(names)} to train and {', '.join(tested)} to test with"
    what, fix = f"the same classes in both splits of {source}", "rename or move the folders"
    expect(tuple(names) == tuple(tested), what, got, fix)
    if len(parts) == 1:
        train, test = hold_out(train, names)
    train, test = (_choose(data, _count(data[1]) <= (limit or math.inf)) for data in (train, test))
    return train, test, names


def hold_out(data: Data, names: Sequence[str]) -> tuple[Data, Data]:
    """Keep every fifth picture of each class aside, at least one; always the same ones."""
    number, many = _count(data[1]), data[1].bincount()
    what = "at least two pictures of each class, so that one can be kept aside"
    alone = [names[label] for label in (many == 1).nonzero()]
    expect(not alone, what, f"a single one of {', '.join(alone)}", "add some")
    aside = (number % HELD_OUT == 0) | (number == many[data[1]].clamp(max=HELD_OUT))
    return _choose(data, ~aside), _choose(data, aside)


def _count(labels: Tensor) -> Tensor:
    """Number the pictures of each class from 1."""
    return F.one_hot(labels).cumsum(dim=0).gather(1, labels[:, None])[:, 0]


def _choose(data: Data, chosen: Tensor) -> Data:
    return data[0][chosen], data[1][chosen]


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
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files need not be text
        sys.stdout.reconfigure(errors="backslashreplace")
    asked = parse(arguments)
    try:
        run(asked)
        return 0
    except KeyboardInterrupt:
        kept = asked.checkpoint and Path(asked.checkpoint).expanduser().exists()
        again = f"call it again to go on from {asked.checkpoint}"
        said = f"broken off; {again if kept else 'no epoch is kept in a --checkpoint'}"
    except torch.OutOfMemoryError:
        said = "the device has too little memory for this: lower --batch-size or --size"
    except REFUSED as error:
        named = (rf"{name}\b=?" if "_" in name else f"{name}=" for name in (*ARGUMENTS, "split"))
        line = " ".join(str(error).split())  # in which they are arguments, and here options
        said = re.sub(rf"\b({'|'.join(named)})", lambda found: _option(found[1]), line)
    process = "" if is_first() else f" (process {os.environ['RANK']})"
    print(f"training{process}: {said}", file=sys.stderr)
    return BROKEN_OFF if said.startswith("broken off") else WRONG


def is_first() -> bool:
    """Whether this is the process that prints and writes; fit finds the others later."""
    return os.environ.get("RANK", "0") == "0"


if __name__ == "__main__":
    sys.exit(main())
