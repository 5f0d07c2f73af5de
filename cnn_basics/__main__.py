"""The project's commands, for a bare clone: only the standard library is imported here.

Each command first makes the environment `.venv` in the project folder and installs the project
into it; when nothing changed since the last time, both are skipped and no network is needed.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from cnn_basics.environment import python_fault

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
COMMANDS = ("lessons", "test", "refresh")
NEEDED = {"": "jupyterlab", "test": "pytest"}  # what an installation of this extra must hold
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


def environment_python() -> str:
    """Return the path of the environment's Python, which may not exist yet."""
    return str(ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def look_into_environment() -> list[str]:
    """What `.venv` holds of pip, jupyterlab and pytest; [""] if it is none of this Python."""
    script = "import sys; from importlib.util import find_spec; print(*sys.version_info[:2], "
    script += f"*filter(find_spec, {['pip', *NEEDED.values()]}))"
    try:
        line = [environment_python(), "-c", script]
        major, minor, *found = subprocess.run(
            line, capture_output=True, text=True, check=True
        ).stdout.split()
    except (OSError, ValueError, subprocess.CalledProcessError):
        return [""]
    return found if (major, minor) == tuple(map(str, sys.version_info[:2])) else [""]


def make_environment() -> None:
    """Make `.venv`, or raise SetupError with the reason why it could not be made."""
    say(f"making .venv{' again: it is broken or of another Python' * ENVIRONMENT.exists()} …")
    line = [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)]
    made = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode and not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        raise SetupError(
            "this Python comes without its venv module: install it "
            "(Debian, Ubuntu: sudo apt install python3-venv), then try again"
        )
    if made.returncode:
        raise SetupError(f"could not make {ENVIRONMENT}: {made.stdout.strip()}")


def set_up(extra: str) -> None:
    """Make the environment and install the project with an extra into it, unless that is done."""
    if python_fault():
        raise SetupError(python_fault())
    if not (PROJECT / "pyproject.toml").is_file():
        raise SetupError(
            "the lessons, their pictures and tests are not in the installed package: run this "
            "command in the folder of README.md, a clone of the whole project"
        )
    held, uv = look_into_environment(), shutil.which("uv")
    if held == [""] or not ("pip" in held or uv):
        make_environment()
        held = ["pip"]
    stamp = ENVIRONMENT / "cnn_basics.stamp"  # what was installed, from where, what it asked for
    pyproject = (PROJECT / "pyproject.toml").read_text("utf-8")
    wanted, more = (f"{each}\n{PROJECT}\n{pyproject}" for each in (extra, "test"))
    if NEEDED[extra] in held and stamp.is_file() and stamp.read_text("utf-8") in (wanted, more):
        return
    say("installing the project into .venv (a few minutes the first time) …")
    installer = [environment_python(), "-m", "pip", "install", "--disable-pip-version-check"]
    if "pip" not in held:  # as in an environment that uv has made
        installer = [uv, "pip", "install", "--python", environment_python()]
    if run([*installer, "--editable", f"{PROJECT}[{extra}]" if extra else str(PROJECT)]):
        raise SetupError(
            "pip could not install the project (its message is above): see Troubleshooting in "
            "README.md, which also says how to get the much smaller CPU-only torch"
        )
    stamp.write_text(wanted, "utf-8")


def command_line(command: str, arguments: list[str]) -> list[str]:
    """Return what `command`, one of `COMMANDS`, starts in the environment."""
    options = []
    if command == "lessons":
        first = "notebooks/00_start_here.ipynb"
        page = first if (PROJECT / first).is_file() else "notebooks"
        options = [f"--ServerApp.root_dir={PROJECT}", f"--LabApp.default_url=/lab/tree/{page}"]
    modules = {"lessons": "jupyterlab", "test": "pytest"}
    module = modules.get(command, "cnn_basics.authoring.refresh")
    return [environment_python(), "-m", module, *options, *arguments]


def run(command: list[str]) -> int:
    """Run `command` in the project folder, hand it our signals, and return its exit code."""
    process = subprocess.Popen(command, cwd=PROJECT)
    previous = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                continue  # the terminal gave it to the command, too, which may ask before it stops
            return code if code >= 0 else 128 - code
    finally:
        signal.signal(signal.SIGTERM, previous)


def main(arguments: list[str]) -> int:
    """Run one command, as typed; return its exit code, 1 without a set-up, 2 if there is none."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        got = f"unknown command {arguments[0]!r}" if arguments else "no command given"
        print(f"cnn_basics: {got}: expected {', '.join(COMMANDS)}\n\n{USAGE}", file=sys.stderr)
        return 2
    command, *rest = arguments
    try:
        set_up("test" if command == "test" else "")
        return run(command_line(command, rest))
    except SetupError as error:
        print(f"cnn_basics: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
