"""The steps of a network as blocks, each with the shape that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnn_basics.model import ShapeTrace


@dataclass(frozen=True)
class Block:
    """What one step of a network gives for one picture.

    Attributes:
        label: the step, or several one below the other where the later ones keep the shape.
        shape: `(C, H, W)` for feature maps, `(D,)` for a row of numbers.
    """

    label: str
    shape: tuple[int, ...]

    @property
    def text(self) -> str:
        """The shape as it is written on the block: `32×28×28`."""
        return "×".join(str(size) for size in self.shape)


def network_blocks(trace: ShapeTrace) -> list[Block]:
    """Make a block for the input and for each step with parameters or another shape.

    Args:
        trace: what `cnn_basics.model.trace_shapes` found; a network without branches.

    Returns:
        The blocks in the order of the calls; the batch axis is left out.

    Raises:
        ValueError: When a step gives something else than `(N, C, H, W)` or `(N, D)`.

    Example:
        >>> from torch import nn
        >>> from cnn_basics.model import trace_shapes
        >>> [block.text for block in network_blocks(trace_shapes(nn.Linear(3, 2), (1, 3)))]
        ['3', '2']
    """
    rows = [row for row in trace.rows if row.kind != "Parameter" and row.note != "not called"]
    blocks = [Block("input", _picture_shape(rows[0].input_shape))]
    for row in rows:
        shape, last = _picture_shape(row.output_shape), blocks[-1]
        if shape == last.shape and not row.parameters:
            blocks[-1] = Block(f"{last.label}\n{row.layer}", shape)
        else:
            blocks.append(Block(row.layer, shape))
    return blocks


def _picture_shape(shape: tuple) -> tuple[int, ...]:
    """Leave out the batch axis, and refuse what cannot be drawn as a block."""
    if len(shape) not in (2, 4) or not all(isinstance(size, int) for size in shape):
        raise ValueError(
            f"expected a network whose steps give (N, C, H, W) or (N, D), got {shape}: draw a "
            "network without branches"
        )
    return tuple(shape[1:])
