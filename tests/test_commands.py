"""The commands of `python3 -m cnn_basics`, without a real environment (.ci/run makes one)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cnn_basics import __main__ as commands


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project in a folder with a space, of which each started process is only noted."""
    folder = tmp_path / "my lessons"
    (folder / ".venv").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    monkeypatch.setattr(commands, "PROJECT", folder)
    monkeypatch.setattr(commands, "ENVIRONMENT", folder / ".venv")
    return folder


@pytest.fixture
def started(monkeypatch):
    """The command lines started by `run`, each of which succeeds."""
    lines = []

    def run(line):
        lines.append(line)
        return 0

    monkeypatch.setattr(commands, "run", run)
    return lines


@pytest.mark.parametrize(("version", "shown"), [((3, 10, 14), "3.10"), ((2, 7, 18), "2.7")])
def test_an_old_python_ends_with_one_sentence(monkeypatch, capsys, started, version, shown):
    monkeypatch.setattr(sys, "version_info", version)
    assert commands.main(["lessons"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"cnn_basics: expected Python 3.11 or newer, got {shown}:")
    assert started == []


@pytest.mark.parametrize("version", [(3, 11), (3, 13, 1, "final", 0), (4, 0)])
def test_new_python_is_accepted(version):
    assert commands.check_python(version) is None


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command(flag, capsys):
    assert commands.main([flag]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in commands.COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "no command given"), (["lesson"], "unknown command 'lesson'"), (["-k"], "unknown")],
)
def test_a_wrong_command_is_refused(arguments, message, capsys, started):
    assert commands.main(arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "expected lessons, test, refresh" in shown
    assert started == []


def test_the_second_start_installs_nothing_and_jupyterlab_asks_for_no_news(
    project, started, capsys
):
    assert not commands.is_installed("")
    commands.install("")
    assert "a few minutes the first time" in capsys.readouterr().out
    commands.install("")
    assert [line[1:4] for line in started] == [["-m", "pip", "install"]]
    assert started[0][-2:] == ["--editable", str(project)]
    assert capsys.readouterr().out == ""
    path = project / ".venv" / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    assert settings == {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}


def test_the_tests_ask_for_their_extra_which_holds_what_the_lessons_need(project, started):
    for extra in ("", "test", "", "test"):
        commands.install(extra)
    assert [line[-1] for line in started] == [str(project), f"{project}[test]"]
    commands.stamp_path("").unlink()
    commands.install("")
    assert len(started) == 2


def test_a_changed_pyproject_or_a_moved_project_is_installed_again(project, started, monkeypatch):
    commands.install("test")
    (project / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert not commands.is_installed("")
    commands.install("test")
    assert len(started) == 2
    moved = project.with_name("moved")
    project.rename(moved)
    monkeypatch.setattr(commands, "PROJECT", moved)
    monkeypatch.setattr(commands, "ENVIRONMENT", moved / ".venv")
    assert commands.stamp_path("test").is_file()
    assert not commands.is_installed("test")


def test_a_failed_installation_points_to_the_readme(project, monkeypatch):
    monkeypatch.setattr(commands, "run", lambda line: 1)
    with pytest.raises(commands.SetupError, match=r"Troubleshooting in README\.md.*CPU-only torch"):
        commands.install("")
    assert not commands.is_installed("")


@pytest.mark.parametrize(("shift", "works"), [(0, True), (1, False)])
def test_an_environment_of_another_python_or_none_does_not_work(project, monkeypatch, shift, works):
    assert not commands.environment_works()
    monkeypatch.setattr(commands, "environment_python", lambda: Path(sys.executable))
    monkeypatch.setattr(sys, "version_info", (sys.version_info[0], sys.version_info[1] + shift))
    assert commands.environment_works() is works


def ending_with(code: int, text: str = ""):
    return lambda *_, **__: subprocess.CompletedProcess([], code, stdout=text)


@pytest.mark.parametrize(
    ("works", "exists", "said"),
    [(True, True, ""), (False, False, "making .venv …"), (False, True, ".venv again")],
)
def test_the_environment_is_made_where_it_does_not_work(
    project, monkeypatch, capsys, works, exists, said
):
    if not exists:
        (project / ".venv").rmdir()
    monkeypatch.setattr(commands, "environment_works", lambda: works)
    monkeypatch.setattr(subprocess, "run", None if works else ending_with(0))
    commands.make_environment()
    shown = capsys.readouterr().out
    assert said in shown
    assert bool(said) == bool(shown)


@pytest.mark.parametrize(
    ("has_venv", "message"),
    [(False, "sudo apt install python3-venv"), (True, r"could not make .*\.venv: no space left$")],
)
def test_why_the_environment_could_not_be_made(project, monkeypatch, has_venv, message):
    monkeypatch.setattr(commands, "environment_works", lambda: False)
    monkeypatch.setattr(subprocess, "run", ending_with(1, "no space left\n"))
    monkeypatch.setattr(commands.importlib.util, "find_spec", lambda name: has_venv or None)
    with pytest.raises(commands.SetupError, match=message):
        commands.make_environment()


def test_what_a_command_starts(project):
    line = commands.command_line("test", ["tests/test_images.py", "-k", "x y"])
    assert line[1:] == ["-m", "pytest", "tests/test_images.py", "-k", "x y"]
    assert Path(line[0]).is_relative_to(project / ".venv")
    line = commands.command_line("refresh", ["a.ipynb"])
    assert line[1:] == ["-m", "cnn_basics.authoring.refresh", "a.ipynb"]
    page = "--LabApp.default_url=/lab/tree/notebooks{}"
    assert page.format("") in commands.command_line("lessons", [])
    (project / "notebooks").mkdir()
    (project / "notebooks" / "00_start_here.ipynb").touch()
    line = commands.command_line("lessons", ["--port", "8899"])
    assert page.format("/00_start_here.ipynb") in line
    assert line[-2:] == ["--port", "8899"]
    assert f"--ServerApp.root_dir={project}" in line


@pytest.mark.parametrize(("command", "extra"), [("lessons", ""), ("test", "test"), ("refresh", "")])
def test_a_command_sets_up_and_then_starts(project, started, monkeypatch, command, extra):
    monkeypatch.setattr(commands, "environment_works", lambda: True)
    assert commands.main([command, "-x"]) == 0
    assert commands.stamp_path(extra).is_file()
    assert started[0][2] == "pip"
    assert started[1] == commands.command_line(command, ["-x"])


def test_ctrl_c_while_setting_up_is_quiet(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "make_environment", interrupted)
    assert commands.main(["test"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [0, 5])
def test_a_process_runs_in_the_project_and_its_exit_code_is_passed_on(project, code):
    script = f"import os, sys; sys.exit({code} if os.getcwd() == {str(project.resolve())!r} else 9)"
    assert commands.run([sys.executable, "-c", script]) == code


class Process:
    """A process that is interrupted twice while it runs, then ends by signal 15."""

    def __init__(self):
        self.ends = [KeyboardInterrupt, KeyboardInterrupt, -15]
        self.terminated = False

    def wait(self):
        end = self.ends.pop(0)
        if end is KeyboardInterrupt:
            raise KeyboardInterrupt
        signal.getsignal(signal.SIGTERM)(signal.SIGTERM, None)
        return end

    def terminate(self):
        self.terminated = True


def test_ctrl_c_is_left_to_the_process_and_termination_handed_on(project, monkeypatch):
    process = Process()
    monkeypatch.setattr(subprocess, "Popen", lambda line, cwd: process)
    before = signal.getsignal(signal.SIGTERM)
    assert commands.run(["jupyter"]) == 143
    assert process.ends == []
    assert process.terminated
    assert signal.getsignal(signal.SIGTERM) == before
