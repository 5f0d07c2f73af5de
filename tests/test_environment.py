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


def line_of(name):
    return environment.check_environment()[NAMES.index(name)]


def test_all_is_well_here():
    assert environment.check_environment() == [*(f"ok  {n}" for n in NAMES), "All is well: go on."]


def test_the_lines_name_no_version_and_no_folder():
    assert not re.search(r"\d|/", "".join(environment.check_environment()))


def test_its_import_is_light():
    code = (
        "import sys, cnn_basics.environment; "
        "print({'torch', 'numpy', 'matplotlib', 'PIL', 'packaging'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "set()"


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 11, 0)])
def test_the_version_of_python(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    old = (
        "no  Python is new enough: this is Python 3.9, expected 3.11 or newer: install a newer one"
    )
    assert line_of("Python is new enough") == (
        old if version[1] == 9 else "ok  Python is new enough"
    )


def packages_line():
    return line_of("the packages are there, in versions that fit")


def test_the_project_is_not_installed(monkeypatch):
    def not_found(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", not_found)
    assert "cnn-basics itself is not installed" in packages_line()
    assert packages_line().endswith("python3 -m cnn_basics lessons in the project folder again")


def test_a_missing_package_and_one_too_new(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "imageio":
            raise metadata.PackageNotFoundError(name)
        return "99.0" if name == "torch" else real(name)

    monkeypatch.setattr(metadata, "version", version)
    line = packages_line()
    assert line.startswith("no ")
    assert "imageio is missing" in line
    assert re.search(r"torch is 99\.0, expected \S*<2\.14", line)
    assert "numpy" not in line


def test_what_only_the_tests_need_is_not_asked_for(monkeypatch):
    needed = ["numpy>=1.26", 'not-there>=8; extra == "test"', 'nor-this>=1; python_version < "3"']
    monkeypatch.setattr(metadata, "requires", lambda _: needed)
    assert packages_line().startswith("ok ")


@pytest.mark.parametrize(
    ("version", "is_fine"),
    [("2.13.0+cpu", True), ("2.6.0", True), ("2.13.0rc1", True), ("2.5.1", False)],
)
def test_versions_within_the_bounds_are_fine(monkeypatch, version, is_fine):
    monkeypatch.setattr(metadata, "requires", lambda _: ["torch>=2.6,<2.14"])
    monkeypatch.setattr(metadata, "version", lambda _: version)
    assert packages_line().startswith("ok " if is_fine else "no ")
    assert is_fine or "torch is 2.5.1, expected" in packages_line()


def test_pictures_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("CNN_BASICS_DATA", str(tmp_path / "nowhere"))
    line = line_of("the pictures of cats and dogs are there")
    assert line.startswith("no ")
    assert "nowhere" in line
    assert "set CNN_BASICS_DATA to the folder that holds" in line
    assert line.endswith("or unset it")


@pytest.mark.parametrize(("error", "word"), [(1e-5, "no "), (0.0, "ok ")])
def test_a_wrong_convolution(monkeypatch, error, word):
    real = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda *a: real(*a) + error)
    assert line_of("PyTorch computes a small convolution right").startswith(word)


def test_no_picture_drawn(monkeypatch):
    monkeypatch.setattr(figures.LessonFigure, "to_png", lambda _: b"")
    assert line_of("Matplotlib draws").startswith("no  Matplotlib draws: Matplotlib made no PNG")


def test_whatever_a_broken_package_raises_becomes_a_line(monkeypatch):
    def broken(_):
        raise OSError("cannot open\nlibstdc++.so")

    monkeypatch.setattr(figures.LessonFigure, "to_png", broken)
    assert line_of("Matplotlib draws") == "no  Matplotlib draws: OSError: cannot open libstdc++.so"


def test_the_last_line_counts_the_faults(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9))
    monkeypatch.setattr(figures.LessonFigure, "to_png", lambda _: b"")
    assert environment.check_environment()[-1] == (
        "Not yet (2 of 5): do what the lines with “no” say."
    )
