"""Cuts off code that does not end."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any

TRIES, PAUSE = 30, 0.1  # how often a loop is told to end, and seconds in between


class TookTooLong(BaseException):
    """The code ran out of time; not an `Exception`, so that no `except Exception` keeps it."""


def call_within(seconds: float, function: Callable[[], Any]) -> Any:  # noqa: ANN401 - any function's
    """Call a function in a thread of its own, and cut it off when it takes too long.

    It works on every system and wherever it is called: at the next line of Python that it runs
    the function is told to end. A single long call into C goes on to its own end.

    Args:
        seconds: How long the function may take.
        function: Takes nothing.

    Returns:
        What it returns.

    Raises:
        TookTooLong: When it takes longer.
        BaseException: Whatever the function raises.

    Example:
        >>> def loop():
        ...     while True:
        ...         pass
        >>> try:
        ...     call_within(0.05, loop)
        ... except TookTooLong:
        ...     print("cut off")
        cut off
    """
    came: dict[str, Any] = {}

    def work() -> None:
        try:
            came["value"] = function()
        except BaseException as error:  # to be raised where it is waited for
            came["error"] = error

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        worker.join(seconds)
    finally:  # also when the waiting is interrupted
        _end(worker)
    if "value" in came:
        return came["value"]
    error = came.get("error", TookTooLong())
    raise error


def _end(worker: threading.Thread) -> None:
    """Raise `TookTooLong` in a thread until it ends: a bare `except:` may swallow it at first."""
    for _ in range(TRIES):
        if not worker.is_alive():
            return
        ident, error = ctypes.c_ulong(worker.ident), ctypes.py_object(TookTooLong)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error)
        worker.join(PAUSE)
