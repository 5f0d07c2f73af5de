"""Is this environment sound? What the first lesson checks before anything else.

Nothing heavy is imported until a check needs it, so that a missing package is named, not raised.
"""

from __future__ import annotations

import sys
from importlib import metadata

OLDEST_PYTHON = (3, 11)
PROJECT = "cnn-basics"
AGAIN = "run python3 -m cnn_basics lessons in the project folder again"


def check_environment() -> list[str]:
    """Check all that the lessons need: Python, packages, pictures, arithmetic, drawing.

    Returns:
        One line for each check: `ok  …`, or `no  …` with what is wrong and the fix; then one
        line that sums up. Version numbers appear only in what is wrong.

    Example:
        >>> check_environment()[0]
        'ok  Python is new enough'
    """
    lines = []
    for name, check in CHECKS.items():
        try:
            fault = check()
        except Exception as error:  # a broken package can raise anything at its import
            fault = f"{type(error).__name__}: {' '.join(str(error).split())}"
        lines.append(f"no  {name}: {fault}" if fault else f"ok  {name}")
    faults = sum(line.startswith("no ") for line in lines)
    if not faults:
        return [*lines, "All is well: go on."]
    return [*lines, f"Not yet ({faults} of {len(lines)}): do what the lines with “no” say."]


def python_fault() -> str:
    """What is wrong with the Python that runs this, in one sentence, or ""."""
    found, oldest = (".".join(map(str, v[:2])) for v in (sys.version_info, OLDEST_PYTHON))
    fault = (
        f"expected Python {oldest} or newer, got {found}: install a newer one, "
        f"then run python{oldest} -m cnn_basics lessons with it, in the project folder"
    )
    return fault if sys.version_info[:2] < OLDEST_PYTHON else ""


def _packages() -> str:
    """Name every package that is missing or outside the bounds of pyproject.toml."""
    from packaging.requirements import Requirement

    try:
        requirements = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        return f"{PROJECT} itself is not installed in this Python: {AGAIN}"
    faults = []
    for needed in map(Requirement, requirements):
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            try:
                found = metadata.version(needed.name)
            except metadata.PackageNotFoundError:
                faults.append(f"{needed.name} is missing")
                continue
            if not needed.specifier.contains(found, prereleases=True):
                faults.append(f"{needed.name} is {found}, expected {needed.specifier}")
    return f"{', '.join(faults)}: {AGAIN}" if faults else ""


def _pictures() -> str:
    """Read one picture of each kind; a missing one raises a sentence that names the folder."""
    from cnn_basics.datasets import SPLITS, load_pictures

    for split in SPLITS:
        load_pictures(split, limit=1)
    return ""


def _convolution() -> str:
    """Each pixel of 0 to 8 in rows of three, minus its neighbour down and right, is -4."""
    import torch
    import torch.nn.functional as F

    kernel = torch.tensor([[[[1.0, 0.0], [0.0, -1.0]]]])
    apart = (F.conv2d(torch.arange(9.0).view(1, 1, 3, 3), kernel) + 4).abs().max().item()
    return "" if apart <= 1e-6 else f"PyTorch is off by {apart:g}: install torch again"


def _drawing() -> str:
    from cnn_basics.figures import new_figure

    return "" if new_figure()[0].to_png().startswith(b"\x89PNG") else f"no PNG was made: {AGAIN}"


CHECKS = {
    "Python is new enough": python_fault,
    "the packages are there, in versions that fit": _packages,
    "the pictures of cats and dogs are there": _pictures,
    "PyTorch computes a small convolution right": _convolution,
    "Matplotlib draws": _drawing,
}
