"""What lesson 5 asks: pooling and stride."""

import torch

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers


def count_windows(size, kernel_size, stride):
    return (size - kernel_size) // stride + 1


WINDOWS = Exercise(
    """
    5.1 · Windows that fit (difficulty 1, importance 3, 5 minutes)
    Write `count_windows(size, kernel_size, stride)`: how many windows of `kernel_size` columns fit
    into a row of `size` columns, each `stride` columns after the one before, without padding.

    Wrong: -((kernel_size - size) // stride) + 1
        You round up, so the last window sticks out of the row. A window that does not fit whole is
        left out: round down, with // (that is ceil_mode=False, the default).
    Wrong: + 1 →
        You count the steps between windows. There is one window more than there are steps: the
        first one, before any step.
    Wrong: size // stride
        You divide the row by the stride alone, as if the last window needed no room. It needs
        kernel_size columns: only the rest, size - kernel_size, is left for steps.
    Wrong: size - kernel_size + 1
        You let the windows start at every column. They start stride columns apart: divide what is
        left beside the first window by stride.
    Wrong: round((size - kernel_size) / stride) + 1
        You round to the nearest whole number, which may be up. A window that does not fit whole is
        left out: round down, with //.
    Wrong: // → /
        You divide with /, which gives fractions of a window. Round down: use //.
    Hint: Put the first window at the left edge. How many columns are left to its right?
    Hint: Each step to the next window uses `stride` of them. How many whole steps are there?
    Hint: Whole steps are (size - kernel_size) // stride; the first window comes on top.
    Why: After the first window, size - kernel_size columns are left, and each further window uses
    stride of them; what is left over holds no whole window, so it is cut off by //.
    """,
    count_windows,
    cases=[(6, 2, 2), (7, 2, 2), (7, 2, 3), (5, 3, 1)],
    random_case=lambda draw: (draw.randint(5, 16), draw.randint(1, 5), draw.randint(1, 4)),
)


def max_pool(x):
    rows, columns = x.shape[0] // 2, x.shape[1] // 2
    blocks = x[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    return blocks.amax(dim=(1, 3))


MAX_POOL = Exercise(
    """
    5.2 · Max pooling without a loop (difficulty 2, importance 2, 10 minutes)
    Write `max_pool(x)`: 2×2 max pooling with stride 2 of one map `x` of shape (H, W), without
    `F.max_pool2d` and without a loop. A last row or column that is left over is not used.

    Wrong: amax → mean
        You take the mean of each window: that is average pooling. Max pooling keeps the largest
        number.
    Wrong: rows, 2, columns, 2 → rows, columns, 2, 2; 1, 3 → 2, 3
        You cut the map into runs of four numbers that follow each other in memory. A window takes
        two numbers of one row and two of the next: reshape to (rows, 2, columns, 2), and take the
        largest over axes 1 and 3.
    Wrong: x[: len(x) // 2 * 2].reshape(len(x) // 2, 2, -1).amax(dim=1)
        You pool down the columns, but not along the rows: the width must be halved too.
    Wrong: torch.max_pool2d(x[None], 2, stride=1)[0]
        Your windows overlap: they move by 1. With stride 2 each window starts where the one before
        ended.
    Wrong: torch.max_pool2d(x[None], 2, ceil_mode=True)[0]
        You keep a last row or column that fills no whole window. Cut it off first: x[: H // 2 * 2,
        : W // 2 * 2].
    Hint: First cut off a last row or column that fills no window: how many rows are used?
    Hint: Give every row an axis of its own within its pair: (rows, 2, …). Then do the same with
    columns.
    Hint: x.reshape(rows, 2, columns, 2): axes 1 and 3 count within a window. `amax(dim=(1, 3))`
    does the rest.
    Why: In the shape (rows, 2, columns, 2), axis 1 is the row within a window and axis 3 the column
    within it, so the largest number over these two axes is that of each window.
    Without: max_pool2d, MaxPool2d, a loop
    """,
    max_pool,
    cases=[(numbers(range(16)).view(4, 4),), (numbers([[1, 5, 2], [7, 3, 4]]),)],
    random_case=lambda draw: (draw.tensor(draw.randint(2, 7), draw.randint(2, 7), low=-9, high=9),),
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
    """
    5.3 · Who gets the gradient (difficulty 3, importance 2, 10 minutes)
    Write `share_gradient(grad_output, height, width)`: the gradient of 2×2 average pooling with
    stride 2. It takes the gradient of its output, (height // 2, width // 2), and returns that of
    its input, (height, width). A last row or column that no window saw gets 0.

    Wrong: / 4 →
        You give each of the four numbers the whole gradient. Each of them is only a quarter of the
        mean, so a change of 1 changes the output by 1/4.
    Wrong: / 4 → / 2
        You divide by 2. A window has two rows and two columns, so each number is a quarter of the
        mean.
    Wrong: grad[: 2 * rows, : 2 * columns] = → grad =
        Your gradient ends with the last window. It has the shape of the input: a row or column that
        is left over is there too, with 0.
    Wrong: 2 * rows, : 2 * columns] = spread / 4 → 2 * rows : 2, : 2 * columns : 2] = grad_output
        You give the whole gradient to one number of each window, as max pooling does with its
        winner. A mean depends on all four alike: each gets a quarter.
    Wrong: repeat_interleave(2, dim=0).repeat_interleave(2, dim=1) → repeat(2, 2)
        You repeat the whole map beside itself. Each number has to be repeated in its own place,
        twice down and twice across: repeat_interleave(2, dim=0), then dim=1.
    Hint: How much does the mean of four numbers change when one of them grows by 1?
    Hint: So every input of a window gets the window's gradient, divided by 4. What does it get if
    it is in none?
    Hint: Start from zeros(height, width); fill its first 2·rows rows and 2·columns columns with
    grad_output.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1) / 4.
    Why: The output is (a + b + c + d) / 4, so its derivative with respect to each of the four is
    1/4; each takes that share of its window's gradient, and what is in no window influences
    nothing.
    """,
    share_gradient,
    cases=[(numbers([[4, 8]]), 2, 4), (numbers([[4], [8]]), 5, 3)],
    random_case=one_gradient,
)

LEARNS = Question("""
    5.4 · What pooling learns (difficulty 1, importance 2, 1 minute)
    A network trains for an hour. What has its max pooling layer learned?

    Right: Nothing: it has no parameters
        It always keeps the largest number; training changes nothing in it.
    Wrong: Which place of each window to keep
        The place is found anew for every picture: it is that of the largest number there.
    Wrong: One weight for each place of the window
        That would be a convolution with stride. Pooling has no weights.
    Wrong: The best stride
        The stride is a setting that you choose before training. No gradient ever reaches it.
    """)
