"""Set-up for all tests, and for the lessons when plain `pytest` runs both."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator

import nbval.plugin
import pytest
from hypothesis import settings

# The stored outputs are those of the bundled pictures, whatever photos the user works with.
os.environ.pop("CNN_BASICS_DATA", None)

# What the exercises note down goes nowhere near the user's own progress.
os.environ["CNN_BASICS_PROGRESS"] = os.path.join(tempfile.mkdtemp(prefix="cnn_basics"), "own.json")

# Two tests at a time on two cores: threads of torch that wait for each other would only spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("cnn_basics", deadline=None, derandomize=True, database=None)
settings.load_profile("cnn_basics")

# Coverage is that of unit tests and docstrings: tracing the kernels makes the lessons slower, and
# under pytest-xdist what it finds gets lost.
nbval.plugin.setup_coverage = lambda *_: None
nbval.plugin.teardown_coverage = lambda *_: None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """A process that did not end in time shows what it had said."""
    try:
        return (yield)
    except subprocess.TimeoutExpired as error:
        error.add_note(f"It had said: {error.stdout} {error.stderr}")
        raise
