"""Run lessons again and store their outputs in a stable form: `python3 -m cnn_basics refresh`.

The stored outputs are the reference that the tests compare with, so they hold nothing that
changes from one run or machine to the next: no timings, widget states, versions or tracebacks.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cnn_basics.authoring.claims import LessonError, find_stale, read_notes

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from nbformat import NotebookNode

LESSONS = Path(__file__).resolve().parents[2] / "notebooks"
CELL_SECONDS = 120
KEPT_CELL_METADATA = ("tags", "slideshow", "editable", "deletable")
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


def write_whole(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)


def clean(notebook: NotebookNode) -> None:
    """Remove, in place, what differs between two runs; of errors, all but the last line."""
    notebook.metadata = type(notebook.metadata)(kernelspec=KERNEL, language_info=LANGUAGE)
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            kept["jupyter"] = {"source_hidden": True}
        cell.metadata = type(cell.metadata)(kept)
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
            if "image/png" in output.get("data", {}):
                output.data.pop(WIDGET_VIEW, None)


def forget_this_computer(model: dict, path: str, **_: object) -> None:
    """Before JupyterLab saves a lesson, drop its Python version: `git pull` can then change it."""
    if model["type"] == "notebook" and model["content"] and (LESSONS / Path(path).name).is_file():
        metadata = model["content"]["metadata"]
        noted = metadata.get("language_info", {})
        metadata["language_info"] = {key: noted[key] for key in LANGUAGE if key in noted}


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    app.contents_manager.register_pre_save_hook(forget_this_computer)


def find_failure(notebook: NotebookNode) -> str:
    """Return which cell raised what, or "" where every error is one that its cell asks for."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if errors and "raises-exception" not in cell.metadata.get("tags", []):
            return f"cell [{number}] raised {errors[0].ename}: {errors[0].evalue}"
    return ""


def execute(
    notebook: NotebookNode, folder: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run every cell, in place, in a new kernel of this environment that works in `folder`."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, CellExecutionError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        with tempfile.TemporaryDirectory() as nowhere:  # stored outputs show nobody's own progress
            own = {"CNN_BASICS_PROGRESS": f"{nowhere}/progress.json"}
            client.execute(env=os.environ | own | (environment or {}))
    except CellExecutionError as error:
        raise LessonError(find_failure(notebook) or str(error)) from error
    except (CellControlSignal, DeadKernelError) as error:
        raise LessonError(str(error).partition("\n")[0]) from error


def refresh(path: Path) -> bool:
    """Run one notebook, store it with its outputs if all its cells ran, and tell if it changed."""
    import nbformat

    before = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    execute(notebook, path.parent)
    clean(notebook)
    after = nbformat.writes(notebook).rstrip("\n") + "\n"
    if after != before:
        write_whole(path, after)
    return after != before


def refresh_and_say(path: Path) -> None:
    """Refresh one lesson, and print what came of it, and which texts no commit has adapted yet."""
    line = ["git", "-C", str(path.parent), "show", f"HEAD:./{path.name}"]
    before = path.read_text(encoding="utf-8")
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        before = subprocess.run(line, capture_output=True, check=True).stdout.decode()
    print(f"{path.name}: {'stored' if refresh(path) else 'unchanged'}", flush=True)
    cells = [json.loads(text)["cells"] for text in (before, path.read_text(encoding="utf-8"))]
    for words in find_stale(*cells, read_notes(path.stem)):
        print(f"  look again, no cell there prints it any more: {words}")


def main(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Refresh the notebooks named, or all lessons; return 1 if any could not be, else 0."""
    if arguments[:1] in (["-h"], ["--help"]):
        print("usage: python3 -m cnn_basics refresh [NOTEBOOK …]   (none: every lesson)")
        return 0
    if environment.get("CNN_BASICS_DATA"):
        reason = "stored outputs are those of the bundled pictures: unset it, then try again"
        print(f"refresh: CNN_BASICS_DATA is set, but {reason}", file=sys.stderr)
        return 1
    failed = 0
    for path in [Path(item) for item in arguments] or sorted(LESSONS.glob("*.ipynb")):
        try:
            refresh_and_say(path)
        except FileNotFoundError:
            failed = 1
            print(f"{path}: no such notebook", file=sys.stderr)
        except LessonError as error:
            failed = 1
            print(f"{path.name}: left as it was: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
