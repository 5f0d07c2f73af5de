"""What lesson 5 asks: pooling and stride."""

from __future__ import annotations

import torch

from cnn_basics.exercises.content import Draw, Exercise, Levels, Question, numbers


def count_windows(size, kernel_size, stride):
    return (size - kernel_size) // stride + 1


def one_window_cases(draw: Draw) -> tuple:
    kernel_size = draw.randint(1, 5)
    return draw.randint(kernel_size, 16), kernel_size, draw.randint(1, 4)


WINDOWS = Exercise(
    name="5.1",
    title="Windows that fit",
    levels=Levels(difficulty=1, importance=3, minutes=5),
    asks="Write `count_windows(size, kernel_size, stride)`: how many windows of `kernel_size` columns fit "
    "into a row of `size` columns, each `stride` columns after the one before, without padding.",
    reference=count_windows,
    cases=[(6, 2, 2), (7, 2, 2), (5, 3, 1)],
    random_case=one_window_cases,
    mistakes={
        "-((kernel_size - size) // stride) + 1": (
            "You round up, so the last window sticks out of the row. A window that does not fit whole is "
            "left out: round down, with // (that is ceil_mode=False, the default)."
        ),
        "+ 1 →": (
            "You count the steps between windows. There is one window more than there are steps: the "
            "first one, before any step."
        ),
        "size // stride": (
            "You divide the row by the stride alone, as if the last window needed no room. It needs "
            "kernel_size columns: only the rest, size - kernel_size, is left for steps."
        ),
        "// → /": "You divide with /, which gives fractions of a window. Round down: use //.",
    },
    hints=[
        "Put the first window at the left edge. How many columns are left to its right?",
        "Each step to the next window uses `stride` of them. How many whole steps are there?",
        "Whole steps are (size - kernel_size) // stride; the first window comes on top.",
    ],
    why="After the first window, size - kernel_size columns are left, and each further window uses stride "
    "of them; what is left over holds no whole window, so it is cut off by //.",
)


def max_pool(x):
    rows, columns = x.shape[0] // 2, x.shape[1] // 2
    blocks = x[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    return blocks.amax(dim=(1, 3))


MAX_POOL = Exercise(
    name="5.2",
    title="Max pooling without a loop",
    levels=Levels(difficulty=2, importance=2, minutes=10),
    asks="Write `max_pool(x)`: 2×2 max pooling with stride 2 of one map `x` of shape (H, W), without "
    "`F.max_pool2d` and without a loop. A last row or column that is left over is not used.",
    reference=max_pool,
    cases=[(numbers(range(16)).view(4, 4),), (numbers([[1, 5, 2], [7, 3, 4]]),)],
    random_case=lambda draw: (draw.tensor(draw.randint(2, 7), draw.randint(2, 7), low=-9, high=9),),
    mistakes={
        "amax → mean": (
            "You take the mean of each window: that is average pooling. Max pooling keeps the largest "
            "number."
        ),
        "rows, 2, columns, 2 → rows, columns, 2, 2; 1, 3 → 2, 3": (
            "You cut the map into runs of four numbers that follow each other in memory. A window takes "
            "two numbers of one row and two of the next: reshape to (rows, 2, columns, 2), and take the "
            "largest over axes 1 and 3."
        ),
        "x[: len(x) // 2 * 2].reshape(len(x) // 2, 2, -1).amax(dim=1)": (
            "You pool down the columns, but not along the rows: the width must be halved too."
        ),
        "torch.max_pool2d(x[None], 2, stride=1)[0]": (
            "Your windows overlap: they move by 1. With stride 2 each window starts where the one before "
            "ended."
        ),
        "torch.max_pool2d(x[None], 2, ceil_mode=True)[0]": (
            "You keep a last row or column that fills no whole window. Cut it off first: x[: H // 2 * 2, "
            ": W // 2 * 2]."
        ),
    },
    hints=[
        "First cut off a last row or column that fills no window: how many rows are used?",
        "Give every row an axis of its own within its pair: (rows, 2, …). Then do the same with columns.",
        "x.reshape(rows, 2, columns, 2): axes 1 and 3 count within a window. `amax(dim=(1, 3))` does the "
        "rest.",
    ],
    why="In the shape (rows, 2, columns, 2), axis 1 is the row within a window and axis 3 the column "
    "within it, so the largest number over these two axes is that of each window.",
)


def share_gradient(grad_output, height, width):
    grad = torch.zeros(height, width, dtype=grad_output.dtype)
    rows, columns = grad_output.shape
    spread = grad_output.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1)
    grad[: 2 * rows, : 2 * columns] = spread / 4
    return grad


def one_gradient(draw: Draw) -> tuple:
    height, width = draw.randint(2, 7), draw.randint(2, 7)
    return draw.tensor(height // 2, width // 2), height, width


SHARE = Exercise(
    name="5.3",
    title="Who gets the gradient",
    levels=Levels(difficulty=3, importance=2, minutes=10),
    asks="Write `share_gradient(grad_output, height, width)`: the gradient of 2×2 average pooling with "
    "stride 2. It takes the gradient of its output, (height // 2, width // 2), and returns that of its "
    "input, (height, width). A last row or column that no window saw gets 0.",
    reference=share_gradient,
    cases=[(numbers([[4, 8]]), 2, 4), (numbers([[4], [8]]), 5, 3)],
    random_case=one_gradient,
    mistakes={
        "/ 4 →": (
            "You give each of the four numbers the whole gradient. Each of them is only a quarter of the "
            "mean, so a change of 1 changes the output by 1/4."
        ),
        "2 * rows, : 2 * columns] = spread / 4 → 2 * rows : 2, : 2 * columns : 2] = grad_output": (
            "You give the whole gradient to one number of each window, as max pooling does with its "
            "winner. A mean depends on all four alike: each gets a quarter."
        ),
        "repeat_interleave(2, dim=0).repeat_interleave(2, dim=1) → repeat(2, 2)": (
            "You repeat the whole map beside itself. Each number has to be repeated in its own place, "
            "twice down and twice across: repeat_interleave(2, dim=0), then dim=1."
        ),
    },
    hints=[
        "How much does the mean of four numbers change when one of them grows by 1?",
        "So every input of a window gets the window's gradient, divided by 4. What does it get if it is "
        "in none?",
        "Start from zeros(height, width); fill its first 2·rows rows and 2·columns columns with "
        "grad_output.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1) / 4.",
    ],
    why="The output is (a + b + c + d) / 4, so its derivative with respect to each of the four is 1/4; "
    "each takes that share of its window's gradient, and what is in no window influences nothing.",
)

LEARNS = Question(
    name="5.4",
    title="What pooling learns",
    levels=Levels(difficulty=1, importance=2, minutes=1),
    asks="A network trains for an hour. What has its max pooling layer learned?",
    answers={
        "Nothing: it has no parameters": (
            "It always keeps the largest number; training changes nothing in it."
        ),
        "Which place of each window to keep": (
            "The place is found anew for every picture: it is that of the largest number there."
        ),
        "One weight for each place of the window": (
            "That would be a convolution with stride. Pooling has no weights."
        ),
        "The best stride": (
            "The stride is a setting that you choose before training. No gradient ever reaches it."
        ),
    },
    right=0,
)

ASKED = (WINDOWS, MAX_POOL, SHARE, LEARNS)
