"""The command line of `python -m cnn_basics.editions`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cnn_basics.refresh import LESSONS

EXAMPLES = """\
editions:
  learner     the lessons as they are shipped
  instructor  solutions filled in and run, speaker notes, timing
  slides      one deck a lesson; S opens the speaker view, F fills the screen
  handout     one page a lesson that stands for itself, to print or to send

examples:
  python -m cnn_basics.editions slides
  python -m cnn_basics.editions instructor notebooks/03_convolution_layer.ipynb
  python -m cnn_basics.editions handout --output handouts
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments.

    Args:
        arguments: What was typed after `python -m cnn_basics.editions`.

    Returns:
        `edition`, `notebooks` and `output`.

    Example:
        >>> parse(["slides"]).output.as_posix()
        'build/slides'
    """
    from cnn_basics.editions.building import EDITIONS

    parser = argparse.ArgumentParser(
        prog="python -m cnn_basics.editions",
        description="Make an edition of the lessons from their notebooks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("edition", choices=EDITIONS, help="which edition")
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="lessons' notebooks (none: all of them)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="default: build/ and the edition's name"
    )
    asked = parser.parse_args(arguments)
    asked.output = asked.output or Path("build", asked.edition)
    asked.notebooks = asked.notebooks or sorted(LESSONS.glob("*.ipynb"))
    return asked


def main(arguments: list[str]) -> int:
    """Build an edition, with a progress bar.

    Args:
        arguments: What was typed after `python -m cnn_basics.editions`.

    Returns:
        The exit code: 0, 1 if something went wrong, 2 for wrong arguments (raised by argparse).
    """
    from tqdm import tqdm

    from cnn_basics.editions.building import build_all
    from cnn_basics.editions.instructor import SolutionError
    from cnn_basics.editions.notes import NotesError
    from cnn_basics.editions.pages import AssetsError
    from cnn_basics.refresh import RefreshError

    asked = parse(arguments)
    expected = (AssetsError, NotesError, OSError, RefreshError, SolutionError, ValueError)
    made = []
    try:
        with tqdm(total=len(asked.notebooks), desc=asked.edition, disable=None) as bar:
            for path in build_all(asked.edition, asked.notebooks, asked.output):
                made.append(path)
                bar.update()
    except expected as error:
        print(f"editions: {error}", file=sys.stderr)
        return 1
    print(f"{asked.edition}: {len(made)} of {len(asked.notebooks)} in {asked.output}")
    return 0
