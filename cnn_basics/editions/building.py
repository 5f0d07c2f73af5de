"""Builds editions of the lessons into a folder, several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_basics.editions.instructor import make_instructor
from cnn_basics.editions.pages import copy_assets, make_handout, make_slides
from cnn_basics.refresh import LESSONS, clean

if TYPE_CHECKING:
    from nbformat import NotebookNode

EDITIONS = ("learner", "instructor", "slides", "handout")


def make_learner(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Return a lesson as it is shipped, without what belongs to one run only.

    Args:
        notebook: The lesson; it is changed.
        path: Its file.

    Returns:
        The same notebook.
    """
    clean(notebook)
    return notebook


MAKERS: dict[str, Callable] = {
    "learner": make_learner,
    "instructor": make_instructor,
    "slides": make_slides,
    "handout": make_handout,
}


def build(edition: str, path: Path, folder: Path) -> Path:
    """Build one edition of one lesson.

    Args:
        edition: One of `EDITIONS`.
        path: The lesson's notebook.
        folder: Where the result goes; it is there.

    Returns:
        The file that was written.
    """
    import nbformat

    maker = "handout" if (edition, path.stem) == ("slides", "glossary") else edition
    made = MAKERS[maker](nbformat.read(path, as_version=4), path)
    is_page = isinstance(made, str)
    target = folder / (f"{path.stem}.html" if is_page else path.name)
    draft = target.with_name(f"{target.name}.new")
    draft.write_text(made if is_page else nbformat.writes(made) + "\n", encoding="utf-8")
    os.replace(draft, target)
    return target


def build_all(edition: str, paths: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Build one edition of several lessons, two at a time.

    Args:
        edition: One of `EDITIONS`.
        paths: The lessons' notebooks.
        folder: Where the results go; it is made if need be.

    Yields:
        Each file when it is written.

    Raises:
        ValueError: The folder is that of the lessons themselves.
        FileNotFoundError: There is no such notebook.
    """
    if folder.resolve() == LESSONS.resolve():
        raise ValueError(
            f"expected a folder other than {folder}, where the lessons themselves are: name "
            "another one with --output"
        )
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"there is no notebook {', '.join(missing)}: look at its name")
    folder.mkdir(parents=True, exist_ok=True)
    if edition == "slides":
        copy_assets(folder)
    with ThreadPoolExecutor(2 if edition == "instructor" else 1) as pool:
        yield from pool.map(lambda path: build(edition, path, folder), paths)
