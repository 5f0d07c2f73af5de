"""What is said about a map that moves, and about what pooling makes of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from cnn_basics.plots.numbers import write_short
from cnn_basics.plots.reused import share_in_words
from cnn_basics.plots.shifts import is_small


def shift_titles(maps: Sequence[torch.Tensor], kind: str, right: int, down: int) -> list[str]:
    """Name the input, its output, the moved input and its output, with their sizes.

    Args:
        maps: These four, each `(1, C, H, W)`.
        kind: "max", "average" or "strided".
        right: Columns moved to the right.
        down: Rows moved down.

    Returns:
        Four titles.

    Example:
        >>> shift_titles([torch.ones(1, 1, 4, 4), torch.ones(1, 1, 2, 2)] * 2, "max", 1, 0)[1:3]
        ['max: 2×2', 'input moved 1 right']
    """
    sizes = [f"{each.shape[-2]}×{each.shape[-1]}" for each in maps]
    moved = f"input moved {_direction(right, down)}" if right or down else "input, not moved"
    return [f"input: {sizes[0]}", f"{kind}: {sizes[1]}", moved, f"{kind} after the move"]


def describe_changes(before: torch.Tensor, after: torch.Tensor, right: int, down: int) -> str:
    """Say how many outputs changed when the input moved, and by how much.

    Args:
        before: `(1, C, H, W)`.
        after: `(1, C, H, W)`.
        right: Columns moved to the right.
        down: Rows moved down.

    Returns:
        One or two sentences.

    Example:
        >>> describe_changes(torch.zeros(1, 1, 1, 2), torch.tensor([[[[0.0, 3.0]]]]), 1, 0)
        '1 of 2 outputs (50 %) changed, by 3 on average.'
    """
    if not right and not down:
        return "Nothing moved yet: move the input by one, and see which outputs change."
    differences = (after - before).abs().amax(dim=1)
    changed = differences[differences > 1e-5]
    total = differences.numel()
    if not len(changed):
        return f"None of {total} outputs changed."
    share = share_in_words(len(changed), total)
    size = write_short(changed.mean().item())
    return f"{len(changed)} of {total} outputs ({share}) changed, by {size} on average."


def describe_shift(
    maps: Sequence[torch.Tensor], settings: Mapping[str, object], right: int, down: int
) -> str:
    """Say all that the four maps show.

    Args:
        maps: The input, its output, the moved input and its output, each `(1, C, H, W)`.
        settings: The arguments of the pooling, by name.
        right: Columns moved to the right.
        down: Rows moved down.

    Returns:
        The alt text, which ends with what changed.
    """
    strided = settings["kind"] == "strided"
    names = ("stride",) if strided else ("kernel_size", "stride", "padding")
    numbers = ", ".join(f"{name} {settings[name]}" for name in names)
    if not strided and settings["ceil_mode"]:
        numbers += ", ceil_mode"
    if settings["kind"] == "average" and settings["padding"]:
        numbers += ", padding counted" if settings["count_include_pad"] else ", padding not counted"
    how = "Every s-th number kept" if strided else f"{settings['kind'].capitalize()} pooling"
    parts = [f"{how}, {numbers}: {_size(maps[0])} in, {_size(maps[1])} out{_write(maps[1])}"]
    if right or down:
        parts.append(f"moved {_direction(right, down)}{_write(maps[3], ' it gives')}")
    return "; ".join(parts) + ": " + describe_changes(maps[1], maps[3], right, down)


def _direction(right: int, down: int) -> str:
    words = [f"{right} right" if right > 0 else f"{-right} left"] if right else []
    words += [f"{down} down" if down > 0 else f"{-down} up"] if down else []
    return ", ".join(words)


def _size(maps: torch.Tensor) -> str:
    return f"{maps.shape[-2]}×{maps.shape[-1]}"


def _write(maps: torch.Tensor, before: str = "") -> str:
    """Write a small map row by row, a larger one not at all."""
    if maps.shape[1] > 1 or not is_small(maps[0, 0].numpy()):
        return ""
    rows = [", ".join(write_short(n) for n in row) for row in maps[0, 0].tolist()]
    return f"{before} [{'; '.join(rows)}]"
