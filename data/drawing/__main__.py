"""Draws the bundled pictures again: ``python -m data.drawing``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .collection import COUNTS, shipped_pictures
from .sheets import part_sheets, trap_sheets

DEFAULT = Path(__file__).resolve().parents[1]
COLLECTION = "cat-and-dog"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m data.drawing",
        description="Draw the bundled cats and dogs again, with what lesson 10 reads beside them.",
    )
    parser.add_argument(
        "--output", type=Path, default=DEFAULT, help="folder to write to (default: data)"
    )
    parser.add_argument("--split", choices=tuple(COUNTS), help="only this part (default: both)")
    options = parser.parse_args(arguments)
    if options.output.is_file():
        parser.error(f"expected a folder as --output, got the file {options.output}: name a folder")
    return options


def write(output: Path, split: str) -> int:
    """Write the pictures and the sheets of a split, and return how many pictures there are."""
    pictures = list(shipped_pictures(split))
    for done, picture in enumerate(pictures, start=1):
        save(output / COLLECTION / picture.path, picture.draw())
        if done % 200 == 0 or done == len(pictures):
            print(f"{done} of {len(pictures)} pictures in {split}", flush=True)
    for path, sheet in (*part_sheets(split), *trap_sheets(split)):
        save(output / path, sheet)
    return len(pictures)


def save(path: Path, pixels: np.ndarray) -> None:
    """Write a PNG: 24 bits a pixel for colours, 1 bit for a mask."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parse(arguments)
    splits = (options.split,) if options.split else tuple(COUNTS)
    count = sum(write(options.output, split) for split in splits)
    print(f"wrote {count} pictures to {options.output}")


if __name__ == "__main__":
    main()
