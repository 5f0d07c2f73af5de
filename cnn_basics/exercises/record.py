"""What a learner has done, kept in a small file: it outlives the kernel."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

VARIABLE = "CNN_BASICS_PROGRESS"


def record_path() -> Path:
    """Find the file.

    Returns:
        The one that the environment variable CNN_BASICS_PROGRESS names; without it, one in the
        user's own folder for data, as the operating system has it. It need not exist yet.

    Example:
        >>> record_path().is_absolute()
        True
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("cnn-basics"), "progress.json").absolute()


def read_record() -> dict[str, dict[str, Any]]:
    """Read what was kept.

    Returns:
        For each exercise by name: "attempts", "hints" and "done". A file that is broken counts as
        none, with a warning.
    """
    path = record_path()
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(each, dict) for each in kept.values()):
            raise ValueError("expected one object for each exercise")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        warnings.warn(f"{path} could not be read ({error}): progress starts anew", stacklevel=2)
        return {}
    return kept


def note(name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - numbers and truth values
    """Keep something about an exercise.

    Args:
        name: Of the exercise.
        changes: "attempts" or "hints" to add, or "done".

    Returns:
        All that is kept about it now. Where the file cannot be written, a warning says so.
    """
    record = read_record()
    about = record.setdefault(name, {"attempts": 0, "hints": 0, "done": False})
    for key, value in changes.items():
        about[key] = value if isinstance(value, bool) else about.get(key, 0) + value
    path = record_path()
    aside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(record, indent=1), encoding="utf-8")
        os.replace(aside, path)  # never half a file
    except OSError as error:
        warnings.warn(
            f"progress could not be kept in {path} ({error.strerror}): name another file with the "
            f"environment variable {VARIABLE}",
            stacklevel=2,
        )
    return about


def forget() -> bool:
    """Delete the file.

    Returns:
        Whether there was one.
    """
    with contextlib.suppress(FileNotFoundError):
        record_path().unlink()
        return True
    return False
