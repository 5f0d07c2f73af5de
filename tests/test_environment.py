"""The check of the environment: green where all is well, and each fault named with its fix."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

import pytest
import torch.nn.functional as F

from cnn_basics import environment, figures

NAMES = list(environment.CHECKS)
PYTHON, PACKAGES, PICTURES, CONVOLUTION, DRAWING = NAMES


def line_of(name):
    return environment.check_environment()[NAMES.index(name)]


def test_all_is_well_here_and_no_version_or_folder_is_named():
    lines = environment.check_environment()
    assert lines == [*(f"ok  {name}" for name in NAMES), "All is well: go on."]
    assert not re.search(r"\d|/", "".join(lines))


def test_its_import_is_light():
    code = (
        "import sys, cnn_basics.environment; "
        "print({'torch', 'numpy', 'matplotlib', 'PIL', 'packaging'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "set()"


def test_the_project_is_not_installed(monkeypatch):
    def not_found(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", not_found)
    assert "cnn-basics itself is not installed" in line_of(PACKAGES)
    assert line_of(PACKAGES).endswith("python3 -m cnn_basics lessons in the project folder again")


def test_a_missing_package_and_one_too_new(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "imageio":
            raise metadata.PackageNotFoundError(name)
        return "99.0" if name == "jupyterlab" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    found = re.search(r"^no .*imageio is missing.*jupyterlab is 99\.0, expected", line_of(PACKAGES))
    assert found or re.search(r"^no .*jupyterlab is 99\.0, expected.*imageio is", line_of(PACKAGES))
    assert "numpy" not in line_of(PACKAGES)


@pytest.mark.parametrize(
    ("version", "start"),
    [("2.13.0+cpu", "ok "), ("2.6.0", "ok "), ("2.13.0rc1", "ok "), ("2.5.1", "no ")],
)
def test_versions_and_what_only_the_tests_need(monkeypatch, version, start):
    def version_of(name):
        return {"torch": version}[name]

    needed = ["torch>=2.6,<2.14", 'absent>=8; extra == "test"', 'absent>=1; python_version < "3"']
    monkeypatch.setattr(metadata, "requires", lambda _: needed)
    monkeypatch.setattr(metadata, "version", version_of)
    assert line_of(PACKAGES).startswith(start)


def test_pictures_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("CNN_BASICS_DATA", str(tmp_path / "nowhere"))
    words = "^no .*nowhere.*set CNN_BASICS_DATA to the folder that holds .*, or unset it$"
    assert re.search(words, line_of(PICTURES))


@pytest.mark.parametrize(("error", "word"), [(1e-5, "no "), (0.0, "ok ")])
def test_a_wrong_convolution(monkeypatch, error, word):
    real = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda *a: real(*a) + error)
    assert line_of(CONVOLUTION).startswith(word)


def test_whatever_a_broken_package_raises_becomes_a_line(monkeypatch):
    def broken(_):
        raise OSError("cannot open\nlibstdc++.so")

    monkeypatch.setattr(figures.LessonFigure, "to_png", broken)
    assert line_of(DRAWING) == "no  Matplotlib draws: OSError: cannot open libstdc++.so"


def test_an_old_python_no_picture_drawn_and_the_last_line_counts_the_faults(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    monkeypatch.setattr(figures.LessonFigure, "to_png", lambda _: b"")
    assert line_of(PYTHON) == (
        "no  Python is new enough: this is Python 3.9, expected 3.11 or newer: install a newer one"
    )
    assert line_of(DRAWING).startswith("no  Matplotlib draws: Matplotlib made no PNG")
    last = environment.check_environment()[-1]
    assert last == "Not yet (2 of 5): do what the lines with “no” say."
