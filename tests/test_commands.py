"""The commands of `python3 -m cnn_basics`, without a real environment (.ci/run makes one)."""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from cnn_basics import __main__ as commands

HERE = f"{sys.version_info[0]} {sys.version_info[1]}"
BOTH = f"{HERE} pip jupyterlab pytest"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project in a folder with a space; processes are noted, and succeed unless told."""
    folder = tmp_path / "my lessons"
    (folder / ".venv").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    project = SimpleNamespace(folder=folder, environment=BOTH, makes=(0, ""), code=0, lines=[])

    def start(line, **_):
        if "-c" in line:
            return subprocess.CompletedProcess(line, 0, project.environment)
        project.lines.append(line)
        return subprocess.CompletedProcess(line, *project.makes)

    def run(line):
        project.lines.append(line)
        return project.code

    monkeypatch.setattr(commands, "PROJECT", folder)
    monkeypatch.setattr(commands, "ENVIRONMENT", folder / ".venv")
    monkeypatch.setattr(subprocess, "run", start)
    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    return project


def started(project):
    """What was started since the last call: `venv`, `pip .`, `uv .[test]`, `pytest`, …"""
    said = []
    for line in project.lines:
        module = line[line.index("-m") + 1] if "-m" in line else "uv"
        what = line[-1].replace(str(project.folder), ".")
        said.append(f"{module} {what}" if "--editable" in line else module)
    project.lines.clear()
    return said


def test_what_is_installed_when(project, monkeypatch):
    def starts(command):
        assert commands.main([command]) == 0
        return started(project)

    lessons, test, refresh = "jupyterlab", "pytest", "cnn_basics.authoring.refresh"
    assert starts("lessons") == ["pip .", lessons]
    assert starts("refresh") == [refresh]
    assert starts("test") == ["pip .[test]", test]
    assert [starts("test"), starts("lessons")] == [[test], [lessons]]  # which holds all of both
    (project.folder / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert [starts("test"), starts("test")] == [["pip .[test]", test], [test]]
    project.environment = f"{HERE} jupyterlab"  # `uv sync` took pip and pytest away
    assert [starts("lessons"), starts("test")] == [[lessons], ["uv .[test]", test]]
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert starts("test") == ["venv", "pip .[test]", test]
    for broken in ("3 9 pip jupyterlab pytest", "", "Fatal error"):
        project.environment = broken
        assert starts("lessons") == ["venv", "pip .", lessons]
    project.environment = BOTH
    moved = project.folder.with_name("moved")
    project.folder.rename(moved)
    monkeypatch.setattr(commands, "PROJECT", moved)
    monkeypatch.setattr(commands, "ENVIRONMENT", moved / ".venv")
    assert starts("lessons")[0].startswith("pip ")


def test_what_a_command_starts(project):
    python = str(project.folder / ".venv/bin/python")
    page = "--LabApp.default_url=/lab/tree/notebooks"
    line = [python, "-m", "jupyterlab", f"--ServerApp.root_dir={project.folder}", page]
    assert commands.command_line("lessons", []) == line
    (project.folder / "notebooks").mkdir()
    (project.folder / "notebooks" / "00_start_here.ipynb").touch()
    line[-1] += "/00_start_here.ipynb"
    assert commands.command_line("lessons", ["--port", "8899"]) == [*line, "--port", "8899"]
    assert commands.main(["test", "tests/test_images.py", "-k", "x y"]) == 0
    assert project.lines[-1] == [python, "-m", "pytest", "tests/test_images.py", "-k", "x y"]


FAULTS = [
    ({}, [], 2, r"no command given: expected lessons, test, refresh\n\nusage"),
    ({}, ["lesson"], 2, "unknown command 'lesson': expected lessons, test, refresh"),
    ({}, ["-k"], 2, "unknown command '-k'"),
    ({"version": (3, 10, 14)}, ["lessons"], 1, r"expected Python 3\.11 or newer, got 3\.10: inst"),
    ({"version": (2, 7, 18)}, ["test"], 1, r"got 2\.7: install a newer one, then run python3\.11"),
    (
        {"gone": True},
        ["test"],
        1,
        "not in the installed package: run this command in the folder of",
    ),
    ({"code": 1}, ["lessons"], 1, r"Troubleshooting in README\.md.*CPU-only torch"),
    ({"makes": (1, "no space left\n"), "environment": ""}, ["test"], 1, r"\.venv: no space left$"),
    ({"makes": (1, ""), "environment": "", "bare": True}, ["test"], 1, "apt install python3-venv"),
    ({"stopped": True}, ["test"], 130, "^$"),
]


@pytest.mark.parametrize(("state", "arguments", "code", "sentence"), FAULTS)
def test_what_is_wrong_is_one_sentence(
    project, monkeypatch, capsys, state, arguments, code, sentence
):
    for name, value in state.items():
        setattr(project, name, value)
    if "version" in state:
        monkeypatch.setattr(sys, "version_info", state["version"])
    if "gone" in state:
        (project.folder / "pyproject.toml").unlink()
    if "bare" in state:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    if "stopped" in state:
        monkeypatch.setattr(commands, "set_up", Mock(side_effect=KeyboardInterrupt))
    assert commands.main(arguments) == code
    said = capsys.readouterr().err
    assert re.search(sentence, said.strip())
    assert said == "" or said.startswith("cnn_basics: ")
    assert not (project.folder / ".venv" / "cnn_basics.stamp").exists()


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command(flag, capsys):
    assert commands.main([flag]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in commands.COMMANDS)


def test_what_an_environment_holds(monkeypatch):
    monkeypatch.setattr(commands, "environment_python", lambda: sys.executable)
    pip = ["pip"] if importlib.util.find_spec("pip") else []  # uv makes environments without
    assert commands.look_into_environment() == [*pip, "jupyterlab", "pytest"]
    monkeypatch.setattr(commands, "environment_python", lambda: "nowhere/python")
    assert commands.look_into_environment() == [""]


@pytest.mark.parametrize("code", [0, 5])
def test_a_process_runs_in_the_project_and_its_exit_code_is_passed_on(tmp_path, monkeypatch, code):
    monkeypatch.setattr(commands, "PROJECT", tmp_path)
    script = f"import os, sys; sys.exit({code} if os.getcwd() == {str(tmp_path)!r} else 9)"
    assert commands.run([sys.executable, "-c", script]) == code


def test_ctrl_c_is_left_to_the_process_and_termination_handed_on(monkeypatch):
    """A process that is interrupted twice while it runs, then ends by signal 15."""

    def wait():
        left.append(None)
        if len(left) < 3:
            raise KeyboardInterrupt
        signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)
        return -15

    left, ended = [], []
    process = SimpleNamespace(wait=wait, terminate=lambda: ended.append(True))
    monkeypatch.setattr(subprocess, "Popen", lambda line, cwd: process)
    before = signal.getsignal(signal.SIGTERM)
    assert commands.run(["jupyter"]) == 143
    assert (len(left), ended) == (3, [True])
    assert signal.getsignal(signal.SIGTERM) == before
