"""The project's commands, for a bare clone: only the standard library is imported here.

Each command first makes the environment `.venv` in the project folder and installs the project
into it; when nothing changed since the last time, both are skipped and no network is needed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
COMMANDS = ("lessons", "test", "refresh")
USAGE = """\
usage: python3 -m cnn_basics COMMAND [ARGUMENTS]     (Windows: py -m cnn_basics …)

  lessons   open the lessons in JupyterLab; arguments go to it (--no-browser, --port 8899)
  test      run the tests and every lesson; arguments go to pytest (tests/test_images.py -k grey)
  refresh   run lessons again and store their outputs; arguments: notebooks (none: all of them)

Run it from the project folder. Each command makes .venv there and installs what it needs."""


class SetupError(Exception):
    """The environment could not be made; the message is one sentence that says what to do."""


def say(message: str) -> None:
    """Print one short line about what is being done."""
    print(f"cnn_basics: {message}", flush=True)


def environment_python() -> Path:
    """Return the path of the environment's Python, which may not exist yet."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def check_python(version: tuple[int, ...]) -> None:
    """Raise SetupError if `version`, as in `sys.version_info`, is older than 3.11."""
    if tuple(version[:2]) < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        found = ".".join(map(str, version[:2]))
        raise SetupError(
            f"expected Python {wanted} or newer, got {found}: install a newer one, "
            f"then run this command with it, for example python{wanted} -m cnn_basics lessons"
        )


def environment_works() -> bool:
    """Tell whether `.venv` has a Python that starts, has pip, and is of the version running now."""
    script = "import sys, pip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [str(environment_python()), "-c", script], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return answer.stdout.split() == [*map(str, sys.version_info[:2])]


def make_environment() -> None:
    """Make `.venv` if there is none, or if it is broken or belongs to another Python."""
    if environment_works():
        return
    again = " again: it is broken or of another Python" if ENVIRONMENT.exists() else ""
    say(f"making .venv{again} …")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode == 0:
        return
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "this Python comes without its venv module: install it "
            "(Debian, Ubuntu: sudo apt install python3-venv), then try again"
        )
    raise SetupError(f"could not make {ENVIRONMENT}: {made.stdout.strip()}")


def stamp_path(extra: str) -> Path:
    """Return the file that says what was installed, for `extra` "" or "test"."""
    return ENVIRONMENT / f"cnn_basics{'-' + extra if extra else ''}.stamp"


def stamp(extra: str) -> str:
    """Return a digest of all that asks for a new installation of `extra` when it changes."""
    content = f"{extra}\n{PROJECT}\n".encode() + (PROJECT / "pyproject.toml").read_bytes()
    return hashlib.sha256(content).hexdigest()


def is_installed(extra: str) -> bool:
    """Tell whether the environment holds what `extra` asks for; "test" holds all of "" too."""
    for held in {extra, "test"}:
        path = stamp_path(held)
        if path.is_file() and path.read_text(encoding="utf-8") == stamp(held):
            return True
    return False


def install(extra: str) -> None:
    """Install the project into the environment, unless that was done already.

    Args:
        extra: the optional dependencies to install: "" or "test".

    Raises:
        SetupError: if pip fails.
    """
    if is_installed(extra):
        return
    say("installing the project into .venv (a few minutes the first time) …")
    target = f"{PROJECT}[{extra}]" if extra else str(PROJECT)
    options = ["--disable-pip-version-check", "--no-input", "--editable", target]
    code = run([str(environment_python()), "-m", "pip", "install", *options])
    if code != 0:
        raise SetupError(
            "pip could not install the project (its message is above): see Troubleshooting in "
            "README.md, which also says how to get the much smaller CPU-only torch"
        )
    keep_jupyterlab_offline()
    stamp_path(extra).write_text(stamp(extra), encoding="utf-8")


def keep_jupyterlab_offline() -> None:
    """Set "no news" as the environment's default, or JupyterLab asks whether to fetch them."""
    settings = ENVIRONMENT / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    defaults = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    (settings / "overrides.json").write_text(json.dumps(defaults), encoding="utf-8")


def lessons_command(arguments: list[str]) -> list[str]:
    """Return the command line that opens JupyterLab on the first lesson, or on their folder."""
    first = "notebooks/00_start_here.ipynb"
    page = first if (PROJECT / first).is_file() else "notebooks"
    return [
        *(str(environment_python()), "-m", "jupyterlab"),
        f"--ServerApp.root_dir={PROJECT}",
        f"--LabApp.default_url=/lab/tree/{page}",
        *arguments,
    ]


def command_line(command: str, arguments: list[str]) -> list[str]:
    """Return what `command`, one of `COMMANDS`, starts in the environment."""
    if command == "lessons":
        return lessons_command(arguments)
    module = {"test": "pytest", "refresh": "cnn_basics.authoring.refresh"}[command]
    return [str(environment_python()), "-m", module, *arguments]


def run(command: list[str]) -> int:
    """Run `command` in the project folder, hand it our signals, and return its exit code.

    Ctrl-C reaches the command from the terminal, so here it is only waited for: JupyterLab asks
    before it stops, and pytest prints its report.
    """
    process = subprocess.Popen(command, cwd=PROJECT)
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                continue
            return code if code >= 0 else 128 - code
    finally:
        signal.signal(signal.SIGTERM, previous)


def main(arguments: list[str]) -> int:
    """Run one of the commands.

    Args:
        arguments: what was typed after `python3 -m cnn_basics`.

    Returns:
        The exit code: that of the command, 1 if the set-up failed, 2 for a wrong command.
    """
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        got = f"unknown command {arguments[0]!r}" if arguments else "no command given"
        print(f"cnn_basics: {got}: expected {', '.join(COMMANDS)}\n\n{USAGE}", file=sys.stderr)
        return 2
    command, *rest = arguments
    try:
        check_python(sys.version_info)
        make_environment()
        install("test" if command == "test" else "")
        return run(command_line(command, rest))
    except SetupError as error:
        print(f"cnn_basics: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
