"""Cuts off code that does not end."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class TookTooLong(BaseException):
    """The code ran out of time; not an `Exception`, so that no `except Exception` keeps it."""


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    value = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), value)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the code of a `with` block that takes longer.

    It works on every system and in every thread, at the next line of Python that runs: a loop
    ends, a single long call into C goes on to its own end.

    Args:
        seconds: How long the block may take.

    Raises:
        TookTooLong: When it takes longer.

    Example:
        >>> try:
        ...     with time_limit(0.05):
        ...         while True:
        ...             pass
        ... except TookTooLong:
        ...     print("cut off")
        cut off
    """
    thread, ended = threading.get_ident(), threading.Event()

    def watch() -> None:
        while not ended.wait(seconds):  # again and again: a bare `except:` may swallow the first
            _raise_in(thread, TookTooLong)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        try:
            ended.set()
            watcher.join()
        except TookTooLong:  # the block had just ended
            watcher.join()
        _raise_in(thread, None)
