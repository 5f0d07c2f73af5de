"""The check of the environment: green where all is well, and each fault named with its fix."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

import pytest
import torch
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


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    line = line_of("Python is new enough")
    assert line == (
        "no  Python is new enough: this is Python 3.9, expected 3.11 or newer: install a newer one"
    )


def test_the_oldest_python_that_fits(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 11, 0))
    assert line_of("Python is new enough").startswith("ok ")


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


def test_a_package_too_old(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda _: ["numpy>=1.26"])
    monkeypatch.setattr(metadata, "version", lambda _: "1.25.2")
    assert "numpy is 1.25.2, expected >=1.26" in packages_line()


def test_what_only_the_tests_need_is_not_asked_for(monkeypatch):
    needed = ["numpy>=1.26", 'pytest>=8.2; extra == "test"', 'old>=1; python_version < "3"']
    monkeypatch.setattr(metadata, "requires", lambda _: needed)
    monkeypatch.setattr(environment, "_version", lambda name: "2.0" if name == "numpy" else None)
    assert packages_line().startswith("ok ")


@pytest.mark.parametrize("version", ["2.13.0+cpu", "2.6.0", "2.13.0rc1"])
def test_builds_and_release_candidates_within_the_bounds_are_fine(monkeypatch, version):
    monkeypatch.setattr(metadata, "requires", lambda _: ["torch>=2.6,<2.14"])
    monkeypatch.setattr(metadata, "version", lambda _: version)
    assert packages_line().startswith("ok ")


def test_pictures_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("CNN_BASICS_DATA", str(tmp_path / "nowhere"))
    line = line_of("the pictures of cats and dogs are there")
    assert line.startswith("no ")
    assert "nowhere" in line
    assert "unset CNN_BASICS_DATA" in line


@pytest.mark.parametrize(("error", "word"), [(1e-5, "no "), (0.0, "ok ")])
def test_a_wrong_convolution(monkeypatch, error, word):
    real = F.conv2d
    monkeypatch.setattr(F, "conv2d", lambda *a: real(*a) + error)
    assert line_of("PyTorch computes a small convolution right").startswith(word)


def test_the_wanted_numbers_are_those_by_hand():
    x = torch.arange(9.0).view(3, 3)
    by_hand = [[(x[i, j] - x[i + 1, j + 1]).item() for j in range(2)] for i in range(2)]
    assert by_hand == [[-4.0, -4.0], [-4.0, -4.0]]


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
