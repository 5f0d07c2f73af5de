"""Slides and handouts: static pages that need nothing from the network."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_basics.editions.notes import add_notes

if TYPE_CHECKING:
    from nbformat import NotebookNode

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
# The parts of reveal.js that a deck loads, and where they come to lie beside it.
REVEAL = ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js")
# The theme, as seen from where reveal.js keeps its own, which fetch fonts.
THEME = "../../../deck/deck"


class AssetsError(Exception):
    """What slides need is not installed; the message is one sentence that says how to get it."""


def make_slides(notebook: NotebookNode, path: Path) -> str:
    """Turn a lesson into a deck of slides, one HTML page that loads `reveal.js/` beside it.

    Args:
        notebook: The lesson; it is changed.
        path: Its file.

    Returns:
        The page.
    """
    add_notes(notebook, path.stem, visible=False)
    return _convert(notebook, "cnn_basics_slides", path.stem, slides=True)


def make_handout(notebook: NotebookNode, path: Path) -> str:
    """Turn a lesson into one HTML page that stands for itself, pictures included.

    Args:
        notebook: The lesson.
        path: Its file.

    Returns:
        The page.
    """
    return _convert(notebook, "cnn_basics_handout", path.stem, slides=False)


def _convert(notebook: NotebookNode, template: str, name: str, *, slides: bool) -> str:
    from nbconvert.exporters import HTMLExporter, SlidesExporter

    kind, options = (
        (SlidesExporter, {"reveal_url_prefix": "reveal.js", "reveal_theme": THEME})
        if slides
        else (HTMLExporter, {})
    )
    exporter = kind(extra_template_basedirs=[str(TEMPLATES)], template_name=template, **options)
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}})
    return re.sub(r'(href="\d\d_\w+|href="glossary)\.ipynb', r"\1.html", page)


def copy_assets(folder: Path) -> None:
    """Put what decks load into `reveal.js/` and `deck/` of a folder.

    Args:
        folder: Where the decks are.

    Raises:
        AssetsError: The package that brings reveal.js is not installed.
    """
    found = importlib.util.find_spec("sphinx_revealjs")
    if found is None or not found.submodule_search_locations:
        raise AssetsError(
            "slides need reveal.js, which comes with the package sphinx-revealjs: install it with "
            'pip install -e ".[editions]"'
        )
    source = Path(found.submodule_search_locations[0], "_static", "revealjs")
    for name in REVEAL:
        target = folder / "reveal.js" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target)
    shutil.copytree(HERE / "static", folder / "deck", dirs_exist_ok=True)
