"""What `trace_shapes` returns: one row per step of a network, and the table of them."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, ...]

HEADINGS = ("Layer", "Kind", "Input shape", "Output shape", "Parameters", "Multiply-adds")


@dataclass(frozen=True)
class TraceRow:
    """One step of a network: a layer, a function called between layers, or a bare parameter.

    Attributes:
        layer: the name in the network, such as `features.3`.
        kind: the class of the layer, or `function` or `Parameter`.
        input_shape: the shape that came in, or several (a tuple of shapes) where several did.
        output_shape: the shape that came out, in the same form.
        parameters: how many learnt numbers this row adds; each is counted in one row only.
        multiply_adds: how many times a product is added to a sum, for the whole batch.
        note: `shared` (some parameters are counted in an earlier row), `not called`, or nothing.
    """

    layer: str
    kind: str
    input_shape: Shape | tuple[Shape, ...]
    output_shape: Shape | tuple[Shape, ...]
    parameters: int
    multiply_adds: int
    note: str = ""


@dataclass(frozen=True, repr=False)
class ShapeTrace:
    """The rows of a network in the order of the calls; prints as a table.

    Attributes:
        rows: one `TraceRow` per step; layers that were never called come last.

    Example:
        >>> row = TraceRow("fc", "Linear", (1, 3), (1, 2), parameters=8, multiply_adds=6)
        >>> ShapeTrace((row, row)).parameters
        16
    """

    rows: tuple[TraceRow, ...]

    @property
    def parameters(self) -> int:
        """How many learnt numbers the network has, each counted once."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """How many products one forward pass of the whole batch adds up."""
        return sum(row.multiply_adds for row in self.rows)

    def __repr__(self) -> str:
        body = [_cells(row) for row in self.rows]
        total = ("total", "", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", "")
        lines = [(*HEADINGS, ""), *body, total]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
        text = [_aligned(line, widths) for line in lines]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])


def spell(shape: Shape | tuple[Shape, ...]) -> str:
    """Write one shape, or several side by side; an en dash where there is none.

    Args:
        shape: one shape or a tuple of shapes.

    Returns:
        The text, such as `(1, 3, 28, 28)`.
    """
    if shape and isinstance(shape[0], tuple):
        return " ".join(str(one) for one in shape)
    return str(shape)


def _cells(row: TraceRow) -> tuple[str, ...]:
    shapes = (
        ("–", "–")
        if row.note == "not called"
        else (spell(row.input_shape), spell(row.output_shape))
    )
    if row.kind == "Parameter":
        shapes = ("–", spell(row.output_shape))
    note = f"({row.note})" if row.note else ""
    return (row.layer, row.kind, *shapes, f"{row.parameters:,}", f"{row.multiply_adds:,}", note)


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    """Text to the left, the two columns of numbers to the right, the note behind them."""
    left = [cell.ljust(width) for cell, width in zip(cells[:4], widths[:4], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[4:6], widths[4:], strict=True)]
    return "  ".join([*left, *right, cells[6]]).rstrip()
