"""Every edition of the lessons, made from the same notebooks.

`python -m cnn_basics.authoring.editions EDITION` builds learner, instructor, slides or handout.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_basics.authoring.claims import LessonError, read_notes
from cnn_basics.authoring.refresh import LESSONS, clean, execute, write_whole

if TYPE_CHECKING:
    from nbformat import NotebookNode

HERE = Path(__file__).parent
# Two lessons are run at a time: threads of torch that wait for each other would only spin.
ONE_OF_TWO = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
# The parts of reveal.js that a deck loads, and where they come to lie beside it.
REVEAL = ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js")
# The theme, as seen from where reveal.js keeps its own, which fetch fonts.
THEME = "../../../deck/deck"
EXAMPLES = """\
editions:
  learner     the lessons as they are shipped
  instructor  solutions filled in and run, speaker notes, timing
  slides      one deck a lesson; S opens the speaker view, F fills the screen
  handout     one page a lesson that stands for itself, to print or to send

example: python -m cnn_basics.authoring.editions slides notebooks/03_convolution_layer.ipynb
"""


def add_notes(notebook: NotebookNode, lesson: str, *, visible: bool) -> None:
    """Add each note, in place, behind its heading: as a cell to read, or for a slide's speaker."""
    from nbformat.v4 import new_markdown_cell

    passed = 0
    for note in read_notes(lesson):
        texts = [cell.source if cell.cell_type == "markdown" else "" for cell in notebook.cells]
        places = [k for k, text in enumerate(texts) if note.heading in text.splitlines()]
        if not places:
            said = f"there is a note for {note.heading!r}, but no such heading"
            raise LessonError(f"{lesson}: {said}")
        time = f"{note.minutes} minute{'s' * (note.minutes != 1)}, from minute {passed}"
        passed += note.minutes
        text = f"{time}.\n\n{note.text}"
        if visible:
            text = f"**For the instructor**\n\n{text}"
            text = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
        kind = "-" if visible else "notes"
        cell = new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})
        notebook.cells.insert(places[0] + 1, cell)


def asked_in(cell: NotebookNode) -> str:
    """Return the name of the exercise or question that a cell holds, or ""."""
    if cell.cell_type != "code" or "exercise" not in cell.metadata.get("tags", []):
        return ""
    found = re.search(r'exercises\.(?:check|ask)\("(\d+\.\d)"', cell.source)
    return found[1] if found else ""


def fill_in(notebook: NotebookNode) -> None:
    """Put the solution into every exercise's cell, in place, and add why it is right."""
    from nbformat.v4 import new_markdown_cell

    from cnn_basics.exercises.content import Exercise, find

    for place, cell in reversed(list(enumerate(notebook.cells, 1))):
        if not asked_in(cell):
            continue
        asked = find(asked_in(cell))
        if isinstance(asked, Exercise):
            cell.source = asked.with_check(asked.solution)
            lines = [f"**Why:** {asked.why}\n\nMistakes to expect:\n"]
            lines += [f"- {wrong.why}" for wrong in asked.wrongs[:6]]
        else:
            lines = [f"**Answer:** {asked.options[asked.right][0]}\n"]
            lines += [f"- **{answer}**: {why}" for answer, why in asked.options]
        kind = {"slideshow": {"slide_type": "-"}}
        notebook.cells.insert(place, new_markdown_cell("\n".join(lines), metadata=kind))


def find_rejected(notebook: NotebookNode) -> list[str]:
    """List the exercises of a notebook that was run whose check did not say that they are right."""
    from cnn_basics.exercises.judging import RIGHT

    checks = [c for c in notebook.cells if asked_in(c) and "exercises.check" in c.source]
    said = {asked_in(c): "".join(each.get("text", "") for each in c.outputs) for c in checks}
    return [name for name in said if not re.search(rf"{name} · .*: {RIGHT}\n", said[name])]


def make_learner(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Return a lesson as it is shipped, without what belongs to one run only."""
    clean(notebook)
    return notebook


def make_instructor(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Fill in a lesson's solutions and notes, and run it in the folder of its file."""
    fill_in(notebook)
    add_notes(notebook, path.stem, visible=True)
    execute(notebook, path.parent, ONE_OF_TWO)
    clean(notebook)
    rejected = find_rejected(notebook)
    if rejected:
        said = f"the solutions of {', '.join(rejected)} were not accepted: read what the checks say"
        raise LessonError(f"{path.name}: {said}")
    return notebook


def make_slides(notebook: NotebookNode, path: Path) -> str:
    """Turn a lesson into a deck, one HTML page that loads `reveal.js/` and `deck/` beside it."""
    from nbconvert.exporters import SlidesExporter

    add_notes(notebook, path.stem, visible=False)
    options = {"reveal_url_prefix": "reveal.js", "reveal_theme": THEME}
    page = _convert(notebook, path, SlidesExporter, "cnn_basics_slides", **options)
    # The speaker's windows are narrow: laid out as for phones, they would split slides otherwise.
    return page.replace("@media only screen and (max-width: 760px)", "@media not all")


def make_handout(notebook: NotebookNode, path: Path) -> str:
    """Turn a lesson into one HTML page that stands for itself, pictures included."""
    from nbconvert.exporters import HTMLExporter

    return _convert(notebook, path, HTMLExporter, "cnn_basics_handout")


def _convert(notebook: NotebookNode, path: Path, kind: type, template: str, **options: str) -> str:
    for cell in notebook.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):  # folded: it only draws
            cell.metadata["transient"] = {"remove_source": True}
    folders = [str(HERE / "templates")]
    exporter = kind(extra_template_basedirs=folders, template_name=template, **options)
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    return re.sub(r'(href="\d\d_\w+|href="glossary)\.ipynb', r"\1.html", page)


EDITIONS: dict[str, Callable] = {
    "learner": make_learner,
    "instructor": make_instructor,
    "slides": make_slides,
    "handout": make_handout,
}


def copy_assets(folder: Path) -> None:
    """Put what decks load into `reveal.js/` and `deck/` of a folder."""
    found = importlib.util.find_spec("sphinx_revealjs")
    if found is None or not found.submodule_search_locations:
        fix = 'install it with pip install -e ".[editions]"'
        raise LessonError(f"slides need reveal.js, which sphinx-revealjs brings: {fix}")
    source = Path(found.submodule_search_locations[0], "_static", "revealjs")
    for name in REVEAL:
        target = folder / "reveal.js" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target)
    shutil.copytree(HERE / "static", folder / "deck", dirs_exist_ok=True)


def build(edition: str, path: Path, folder: Path) -> Path:
    """Build one edition of one lesson into a folder, and return the file that was written."""
    import nbformat

    maker = "handout" if (edition, path.stem) == ("slides", "glossary") else edition
    made = EDITIONS[maker](nbformat.read(path, as_version=4), path)
    is_page = isinstance(made, str)
    target = folder / (f"{path.stem}.html" if is_page else path.name)
    write_whole(target, made if is_page else nbformat.writes(made) + "\n")
    return target


def build_all(edition: str, paths: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Build one edition of several lessons into a folder, and yield each file once written."""
    if folder.resolve() == LESSONS.resolve():
        what = f"a folder other than {folder}, where the lessons themselves are"
        raise ValueError(f"expected {what}: name another one with --output")
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"there is no notebook {', '.join(missing)}: look at its name")
    folder.mkdir(parents=True, exist_ok=True)
    if edition == "slides":
        copy_assets(folder)
    with ThreadPoolExecutor(2 if edition == "instructor" else 1) as pool:
        yield from pool.map(lambda path: build(edition, path, folder), paths)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read `edition`, `notebooks` and `output` from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m cnn_basics.authoring.editions",
        description="Make an edition of the lessons from their notebooks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("edition", choices=EDITIONS, help="which edition")
    where = "default: build/ and the edition's name"
    parser.add_argument("notebooks", nargs="*", type=Path, help="lessons (none: all of them)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help=where)
    asked = parser.parse_intermixed_args(arguments)
    asked.output = asked.output or Path("build", asked.edition)
    asked.notebooks = asked.notebooks or sorted(LESSONS.glob("*.ipynb"))
    return asked


def main(arguments: list[str]) -> int:
    """Build an edition, with a progress bar; return 0, or 1 if something went wrong."""
    from tqdm import tqdm

    asked = parse(arguments)
    made = []
    try:
        with tqdm(total=len(asked.notebooks), desc=asked.edition, disable=None) as bar:
            for path in build_all(asked.edition, asked.notebooks, asked.output):
                made.append(path)
                bar.update()
    except (LessonError, OSError, ValueError) as error:
        print(f"editions: {error}", file=sys.stderr)
        return 1
    print(f"{asked.edition}: {len(made)} of {len(asked.notebooks)} in {asked.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
