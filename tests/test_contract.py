"""What the collection promises, held in `contract.json`: names, commands, options, sentences.

Taken off it is only what goes on purpose.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_basics import __main__ as commands
from cnn_basics.authoring.editions import EDITIONS

PROJECT = Path(__file__).resolve().parent.parent
CONTRACT = json.loads(Path(__file__).with_suffix(".json").with_stem("contract").read_text("utf-8"))


def resolve(name: str) -> object:
    """Find `room.name` in the room, or in one of its modules."""
    room, _, rest = name.partition(".")
    module = importlib.import_module(f"cnn_basics.{room}")
    inside = pkgutil.iter_modules(getattr(module, "__path__", []), f"{module.__name__}.")
    for each in [module, *(importlib.import_module(found.name) for found in inside)]:
        found = each
        for part in rest.split("."):
            found = getattr(found, part, None)
        if found is not None:
            return found
    raise AttributeError(f"{name} is gone")


@pytest.mark.parametrize("name", CONTRACT["names"])
def test_a_name_takes_its_arguments(name):
    found, wanted = resolve(name), CONTRACT["names"][name]
    if wanted is not None:
        taken = inspect.signature(found).parameters
        assert [each for each in wanted.split() if each not in taken] == []


def test_commands_and_editions():
    assert list(commands.COMMANDS) == CONTRACT["commands"]
    assert list(EDITIONS) == CONTRACT["editions"]


def test_options_of_training():
    line = [sys.executable, "-m", "cnn_basics.training", "--help"]
    said = subprocess.run(line, capture_output=True, text=True, check=True, timeout=120).stdout
    assert set(CONTRACT["training options"]) <= set(re.findall(r"--[a-z][a-z-]+", said))


@pytest.mark.parametrize("name", CONTRACT["environment variables"])
def test_an_environment_variable_is_read(name):
    assert any(name in path.read_text("utf-8") for path in (PROJECT / "cnn_basics").rglob("*.py"))


@pytest.mark.parametrize("lesson", CONTRACT["lessons"])
def test_what_a_lesson_asks_and_which_errors_it_shows(lesson):
    cells = json.loads((PROJECT / f"notebooks/{lesson}.ipynb").read_text("utf-8"))["cells"]
    sources = "\n".join("".join(cell["source"]) for cell in cells)
    asked = re.findall(r'exercises\.(?:check|ask)\("(\d+\.\d)"', sources)
    assert asked == CONTRACT["lessons"][lesson]["asks"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    shown = [f"{each['ename']}: {each['evalue']}" for each in outputs if "ename" in each]
    assert shown == CONTRACT["lessons"][lesson]["errors"]
