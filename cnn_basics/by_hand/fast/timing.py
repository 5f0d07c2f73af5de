"""Timing functions side by side, so that what else the computer does hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch


def time_side_by_side(
    functions: Mapping[str, Callable[[], object]], repeats: int = 9
) -> dict[str, list[float]]:
    """Call functions in turn, again and again, and take the time of each call.

    Timing one function after the other compares a computer at two moments. Taking turns compares
    neighbours in time: judge by their ratios (`ratios_to`), and by the median of these.

    Args:
        functions: By name; called without arguments, once more at first, which does not count.
        repeats: How many calls of each count, at least 1.

    Returns:
        The seconds of each call by name, in the order of the rounds.

    Raises:
        ValueError: When there is nothing to call, or `repeats` is below 1.

    Example:
        >>> seconds = time_side_by_side({"nothing": lambda: None, "a sum": lambda: 1 + 1})
        >>> [len(times) for times in seconds.values()]
        [9, 9]
    """
    if not functions or repeats < 1:
        raise ValueError(
            f"expected functions and at least 1 repeat, got {len(functions)} functions and "
            f"{repeats} repeats: give some of each"
        )
    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratios_to(reference: str, seconds: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Divide each time by the reference's time of the same round.

    Args:
        reference: A name in `seconds`.
        seconds: The times by name, as many for each, as `time_side_by_side` returns them.

    Returns:
        By name, without the reference's own: 2.0 means twice as long as the reference.

    Raises:
        ValueError: When `reference` is not among the names.

    Example:
        >>> ratios_to("library", {"library": [1.0, 2.0], "loops": [3.0, 8.0]})
        {'loops': [3.0, 4.0]}
    """
    if reference not in seconds:
        raise ValueError(
            f"expected a reference of {', '.join(seconds)}, got {reference!r}: use one of them"
        )
    return {
        name: [time / base for time, base in zip(times, seconds[reference], strict=True)]
        for name, times in seconds.items()
        if name != reference
    }


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Let PyTorch compute with so many threads inside of a `with`, then with as many as before.

    Args:
        count: At least 1.

    Example:
        >>> with use_threads(1):
        ...     torch.get_num_threads()
        1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
