"""The check of the environment: green where all is well, and each fault named with its fix."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch.nn.functional as F
from notebook_rules import GUARD, load, source_of

from cnn_basics import datasets, environment, figures

PYTHON, PACKAGES, PICTURES, CONVOLUTION, DRAWING = environment.CHECKS
LESSON_0 = Path(__file__).parent.parent / "notebooks" / "00_start_here.ipynb"
NEEDED = ["torch>=2.6,<2.14", 'absent>=8; extra == "test"', 'absent>=1; python_version < "3"']
HAS = metadata.version


def absent(name):
    raise metadata.PackageNotFoundError(name)


def broken(_):
    raise OSError("cannot open\nlibstdc++.so")


def line_of(name):
    (line,) = [each for each in environment.check_environment() if each[4:].startswith(name)]
    return line


def test_all_is_well_here_and_no_version_or_folder_is_named():
    lines = environment.check_environment()
    assert lines == [*(f"ok  {name}" for name in environment.CHECKS), "All is well: go on."]
    assert not re.search(r"\d|/", "".join(lines))


FAULTS = [
    (PYTHON, (sys, "version_info", (3, 9, 18)), r"expected Python 3\.11 or newer, got 3\.9: inst"),
    (PACKAGES, (metadata, "requires", absent), "cnn-basics itself is not .* project folder again$"),
    (PACKAGES, (metadata, "version", lambda n: HAS(n) if n != "onnx" else absent(n)),
     "onnx is missing: run python3"),
    (PACKAGES, (metadata, "version", lambda n: HAS(n) if n != "jupyterlab" else "99.0"),
     r"jupyterlab is 99\.0, expected [<>=.,\d]*: run"),
    (PICTURES, (datasets, "data_folder", lambda: Path("nowhere")),
     "FileNotFoundError: .*nowhere.*set CNN_BASICS_DATA to the folder that holds .*, or unset it$"),
    (CONVOLUTION, (F, "conv2d", lambda x, kernel: x[..., 1:, 1:] - 4.00001 - x[..., 1:, 1:]),
     "PyTorch is off by .*: install torch again"),
    (DRAWING, (figures.LessonFigure, "to_png", lambda _: b""), "no PNG was made: run python3"),
    (DRAWING, (figures.LessonFigure, "to_png", broken), r"OSError: cannot open libstdc\+\+\.so$"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "sentence"), FAULTS)
def test_a_fault_is_named_with_its_fix_and_counted(monkeypatch, name, change, sentence):
    monkeypatch.setattr(*change)
    assert re.search(f"^no  {name}: {sentence}", line_of(name))
    assert environment.check_environment()[-1].startswith("Not yet (1 of 5): do what the lines")


@pytest.mark.parametrize(
    ("version", "start"),
    [("2.13.0+cpu", "ok "), ("2.6.0", "ok "), ("2.13.0rc1", "ok "), ("2.5.1", "no ")],
)
def test_versions_and_what_only_the_tests_need(monkeypatch, version, start):
    monkeypatch.setattr(metadata, "requires", lambda _: NEEDED)
    monkeypatch.setattr(metadata, "version", {"torch": version}.__getitem__)
    assert line_of(PACKAGES).startswith(start)


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({}, "PASSIVE 3000"),
        ({"GOMP_SPINCOUNT": "0"}, "PASSIVE 0"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None"),
    ],
)
def test_the_set_up_cell_lets_threads_sleep_unless_told_otherwise(chosen, found):
    told = "[os.environ.get(name) for name in ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')]"
    code = f"import os, sys\n{GUARD}print(*{told}, 'torch' in sys.modules)"
    names = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
    own = {name: value for name, value in os.environ.items() if name not in names} | chosen
    line = [sys.executable, "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, env=own, timeout=60)
    assert done.stdout == f"{found} False\n"


def test_one_lesson_alone_says_what_it_needs(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == "cnn_basics"]:
        monkeypatch.setitem(sys.modules, name, None)
    fix = "take the whole project, then: python3 -m cnn_basics lessons"
    with pytest.raises(ImportError, match=fix):
        exec(GUARD)
    cells = map(source_of, load(LESSON_0)["cells"])
    exec(next(cell for cell in cells if "check_environment" in cell))
    assert re.fullmatch(f"no  .*cnn_basics.*: {fix}\n", capsys.readouterr().out)
