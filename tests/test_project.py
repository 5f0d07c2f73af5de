"""The project's own files agree: packages, versions, commands, licence, and a light import."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import cnn_basics
from cnn_basics import environment

PROJECT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA_NAMES = {"pytorch": "torch"}
CONDA_ONLY = {"python", "pip"}


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def split(requirement: str) -> tuple[str, frozenset[str]]:
    """`torch>=2.6,<2.14` gives `("torch", {">=2.6", "<2.14"})`."""
    match = re.fullmatch(r"([A-Za-z0-9_.-]+)((?:[<>=!~]=?[^,\s]+,?)*)", requirement)
    assert match, f"not understood: {requirement!r}"
    return match[1].lower(), frozenset(filter(None, match[2].split(",")))


def project_packages(pyproject: dict) -> dict[str, frozenset[str]]:
    project = pyproject["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    return dict(map(split, listed))


def conda_packages(text: str) -> dict[str, frozenset[str]]:
    """The packages of environment.yml, conda's and pip's, under the names that pip uses."""
    lines = text.partition("\ndependencies:\n")[2].splitlines()
    items = [re.fullmatch(r" +- (.+)", line) for line in lines]
    assert all(items), "a line under dependencies is not understood"
    found = [item[1] for item in items if item[1] not in ("pip:", "-e .")]
    packages = dict(map(split, found))
    assert len(packages) == len(found), "a package is listed twice"
    return {CONDA_NAMES.get(n, n): bounds for n, bounds in packages.items() if n not in CONDA_ONLY}


def test_conda_and_pip_get_the_same_packages_and_bounds():
    assert conda_packages(read("environment.yml")) == project_packages(PYPROJECT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pytorch>=2.7", "pytorch>=2.7,<2.14"),
        ("pytorch>=2.7", "pytorch>=2.5"),
        ("  - numpy>=1.26\n", ""),
        ("  - nbval>=0.11\n", ""),
        ("  - pip\n", "  - pip\n  - pandas\n"),
        ("torchsummary>=1.5.1", "torchinfo>=1.5.1"),
    ],
)
def test_a_difference_between_conda_and_pip_is_noticed(old, new):
    text = read("environment.yml")
    assert old in text
    assert conda_packages(text.replace(old, new)) != project_packages(PYPROJECT)


def test_conda_installs_the_project_itself():
    assert re.search(r"(?m)^  - pip:\n(?:      - .*\n)*      - -e \.$", read("environment.yml"))


def test_versions_are_the_same_everywhere():
    assert PYPROJECT["project"]["version"] == cnn_basics.__version__
    oldest = ".".join(map(str, environment.OLDEST_PYTHON))
    assert PYPROJECT["project"]["requires-python"] == f">={oldest}"
    assert f"- python>={oldest}\n" in read("environment.yml")
    assert f'python: ["{oldest}", ' in read(".github/workflows/test.yml")


def test_licence():
    text = read("LICENSE")
    assert "MIT License" in text
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in text
    assert PYPROJECT["project"]["license"] == "MIT AND CC-BY-4.0"
    assert {"MIT", "CC BY 4.0"} <= set(re.findall(r"MIT|CC BY 4\.0", read("README.md")))


def loaded(module: str, *options: str) -> set[str]:
    """The packages that are loaded when a module is imported by a new Python."""
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    line = [sys.executable, *options, "-c", script]
    settings = {"capture_output": True, "text": True, "check": True, "timeout": 60}
    return set(subprocess.run(line, cwd=PROJECT, **settings).stdout.split())


def test_import_is_light():
    heavy = {"torch", "numpy", "matplotlib", "imageio", "PIL", "sklearn", "IPython", "ipywidgets"}
    assert loaded("cnn_basics") & {"cnn_basics", *heavy} == {"cnn_basics"}


def test_the_commands_need_only_the_standard_library():
    found = loaded("cnn_basics.__main__", "-S")
    assert found - sys.stdlib_module_names == {"__main__", "cnn_basics"}


@pytest.fixture(scope="module")
def readme_command():
    spec = importlib.util.spec_from_file_location("x", PROJECT / ".ci" / "readme_command.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_gives_two_commands_first(readme_command):
    text = read("README.md")
    assert readme_command.find_command(text, "lessons") == "python3 -m cnn_basics lessons"
    assert readme_command.find_command(text, "test") == "python3 -m cnn_basics test"
    blocks = re.findall(r"^```.*?^```", text, flags=re.MULTILINE | re.DOTALL)
    assert "cnn_basics lessons" in blocks[0]
    assert "cnn_basics test" in "".join(blocks[:2])
    assert "cnn_basics test" in text.partition("\n## ")[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "python3 -m cnn_basics test",
        "```python\npython3 -m cnn_basics test\n```\n",
        "```sh\npython3 -m cnn_basics test -k x\n```\n",
        "```sh\npython3 -m cnn_basics test\n```\n\n```sh\npython -m cnn_basics test\n```\n",
    ],
)
def test_a_readme_without_exactly_one_command_is_refused(readme_command, text):
    wanted = "expected exactly one line ending in '-m cnn_basics test'"
    with pytest.raises(SystemExit, match=wanted):
        readme_command.find_command(text, "test")


def test_readme_names_the_lessons_way_for_conda_and_own_photos():
    text = read("README.md")
    for needed in ("conda env create", "CNN_BASICS_DATA", "cnn_basics refresh", "Troubleshooting"):
        assert needed in text


FLOORS = (
    ["expect", "source"],
    ["figures"],
    ["images"],
    ["by_hand"],
    ["model"],
    ["datasets"],
    ["training", "explain"],
    ["plots"],
    ["widgets"],
    ["exercises"],
    ["authoring", "environment"],
)


def imported_rooms(path: Path) -> set[str]:
    """The rooms of the package that a file imports, at its top or inside of functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [f"{node.module}.{alias.name}" for node in froms for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("cnn_basics.")}


@pytest.mark.parametrize("floor", range(len(FLOORS)))
def test_imports_point_down(floor):
    below = {room for rooms in FLOORS[:floor] for room in rooms}
    for room in FLOORS[floor]:
        own = PROJECT / "cnn_basics" / room
        for path in sorted(own.rglob("*.py")) or [own.with_suffix(".py")]:
            assert imported_rooms(path) - {room} <= below, path.name


def test_every_room_has_its_floor():
    found = {path.stem for path in (PROJECT / "cnn_basics").iterdir() if path.suffix in ("", ".py")}
    rooms = {room for rooms in FLOORS for room in rooms}
    assert found - {"__init__", "__main__", "__pycache__"} == rooms


def test_what_jupyterlab_is_told_in_every_environment():
    shared = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    told = {place: json.loads(read(file)) for file, place in shared.items()}
    extensions = {"jpserver_extensions": {"cnn_basics.authoring.refresh": True}}
    assert told == {
        "share/jupyter/lab/settings/overrides.d/cnn-basics.json": {
            "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}
        },
        "etc/jupyter/jupyter_server_config.d/cnn-basics.json": {"ServerApp": extensions},
    }


def test_the_tests_run_where_the_project_may_only_be_read():
    line = [sys.executable, "-m", "pytest", "-n0", "-q", "-o", "cache_dir=/dev/null/x"]
    line += ["tests/test_source.py"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=PROJECT, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["tests", "data/drawing"])
def test_no_process_is_waited_for_for_ever(folder):
    found = []
    for path in (PROJECT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "subprocess.run":
                given = {each.arg for each in node.keywords}
                found += [] if given & {"timeout", None} else [f"{path.name}:{node.lineno}"]
    assert found == []
