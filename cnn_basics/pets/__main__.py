"""Draws the bundled collection again: ``python -m cnn_basics.pets``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from cnn_basics.pets.collection import COUNTS, shipped_pictures

DEFAULT = Path(__file__).resolve().parents[2] / "data" / "cat-and-dog"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cnn_basics.pets",
        description="Draw the bundled cats and dogs again, as PNG files in folders by class.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=DEFAULT,
        help="folder to write to (default: data/cat-and-dog)",
    )
    parser.add_argument("--split", choices=tuple(COUNTS), help="only this part (default: both)")
    options = parser.parse_args(arguments)
    if options.output.is_file():
        parser.error(f"expected a folder as --output, got the file {options.output}: name a folder")
    return options


def write(output: Path, split: str | None = None) -> int:
    """Write the collection.

    Args:
        output: Folder that receives ``training_set/`` and ``test_set/``.
        split: Only this part, or ``None`` for both.

    Returns:
        How many pictures were written.

    Example:
        `write(Path("pictures"), "test_set")` fills the folder `pictures/test_set`.
    """
    pictures = list(shipped_pictures(split))
    for done, picture in enumerate(pictures, start=1):
        path = output / picture.path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.draw()).save(path, optimize=True)
        if done % 200 == 0 or done == len(pictures):
            print(f"{done} of {len(pictures)} pictures", flush=True)
    return len(pictures)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = parse(arguments)
    count = write(options.output, options.split)
    print(f"wrote {count} pictures to {options.output}")


if __name__ == "__main__":
    main()
