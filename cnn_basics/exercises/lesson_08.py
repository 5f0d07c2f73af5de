"""What lesson 8 asks: forward and backward."""

import torch
import torch.nn.functional as F

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

TWO_PATHS = Exercise("""
    8.1 · Two paths to one weight (difficulty 1, importance 3, 5 minutes)
    The weight w = 3 is used twice: first = 2·w − 3, and second = w + 1. The loss is first² +
    second². Predict the gradient of the loss for w, a number, and assign it to `gradient_of_w`.

    Answer: gradient_of_w = 2 * (2 * 3 - 3) * 2 + 2 * (3 + 1) * 1
    Wrong: 12
        You followed only the path through first. The weight also reaches the loss through second:
        add what comes back along that path.
    Wrong: 8
        You kept only what came back through second, as if it replaced the rest. A number that is
        used twice gets two gradients, and they are added.
    Wrong: 14
        You left out the slope of 2·w − 3. When w grows by a little, first grows by twice as much,
        so what comes back along this path is multiplied by 2.
    Wrong: 10
        You left out the slope of the squares. A square grows 2 · first times as fast as first, and
        the same holds for second.
    Wrong: 96
        You multiplied the two paths with each other. Multiply along one path; what comes back along
        several paths is added.
    Hint: Work out first and second. Which gradient arrives at each of them from its square?
    Hint: 2 · 3 arrives at first, and 2 · 4 at second. Multiply each by the slope of its own step
    down to w.
    Hint: The slopes are 2 for first and 1 for second. So it is 6 · 2 from one path and 8 · 1 from
    the other, added.
    Why: Along the first path 2 · 3 · 2 comes back, along the second 2 · 4 · 1, and what comes back
    along several paths is added.
    """)


def score_gradient(scores, target):
    said = torch.softmax(scores, dim=1)
    truth = F.one_hot(target, scores.shape[1])
    return (said - truth) / len(scores)


def some_scores(draw: Draw) -> tuple:
    pictures, classes = draw.randint(1, 4), draw.randint(2, 4)
    target = [draw.randint(0, classes - 1) for _ in range(pictures)]
    return draw.tensor(pictures, classes, low=-2, high=2), torch.tensor(target)


SCORES = Exercise(
    """
    8.2 · Where the first gradient comes from (difficulty 2, importance 3, 8 minutes)
    Write `score_gradient(scores, target)`: the gradient of `F.cross_entropy(scores, target)` for
    the `scores`, without autograd. `scores` has the shape (N, K), for N pictures and K classes;
    `target` has the shape (N,) and holds the number of each right class. Return a tensor of shape
    (N, K).

    Wrong: / len(scores) →
        Your gradient is that of the sum of the losses. The loss of a batch is the mean over its
        pictures, so everything is divided by N.
    Wrong: said - truth → truth - said
        Your signs are turned over: you take what is true minus what was said. The loss falls when
        the score of the right class rises, so that gradient is below 0: said minus true.
    Wrong: dim=1 → dim=0
        Your softmax runs over the pictures, so each class adds up to 1. The shares of one picture's
        classes must add up to 1: softmax over dim=1.
    Wrong: len(scores) → scores.numel()
        You divide by the number of all scores, N · K. There is one loss for each picture, so the
        mean is over N numbers.
    Hint: For one picture it is what the network said minus what is true. How do scores become
    shares?
    Hint: The truth has a 1 at the right class and 0 elsewhere: F.one_hot(target, K). The loss is a
    mean over the pictures.
    Hint: Subtract F.one_hot(target, scores.shape[1]) from torch.softmax(scores, dim=1), then divide
    by N, which is len(scores).
    Why: For each picture the gradient is its shares minus the truth, and the mean over N pictures
    gives each of them 1/N of the loss.
    Without: autograd, backward, requires_grad, requires_grad_
    """,
    score_gradient,
    cases=[
        (torch.zeros(1, 4).double(), torch.tensor([2])),
        (torch.zeros(2, 2).double(), torch.tensor([0, 1])),
        (numbers([[1, 0], [0, 0], [0, 2]]), torch.tensor([0, 0, 1])),
    ],
    random_case=some_scores,
)


def give_back(grad_output, kernel, stride, padding):
    rows, columns = grad_output.shape
    height, width = kernel.shape
    size = (rows - 1) * stride + height, (columns - 1) * stride + width
    shown = torch.zeros(size, dtype=kernel.dtype)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            shown[top : top + height, left : left + width] += grad_output[i, j] * kernel
    return shown[padding : size[0] - padding, padding : size[1] - padding]


def one_backward_pass(draw: Draw) -> tuple:
    grad_output = draw.tensor(draw.randint(2, 3), draw.randint(2, 3))
    kernel = draw.tensor(draw.randint(2, 3), draw.randint(2, 3))
    return grad_output, kernel, draw.randint(1, 3), draw.randint(0, 1)


GIVE_BACK = Exercise(
    """
    8.3 · Giving back to the picture (difficulty 3, importance 3, 15 minutes)
    Write `give_back(grad_output, kernel, stride, padding)`: the gradient for the input of a
    convolution with one input and one output channel. `grad_output` (rows, columns) arrives for its
    output; `kernel` has the shape (height, width); `stride` and `padding` are whole numbers, for
    both directions. Return the gradient for the input without its padding. The windows fitted
    exactly: no row or column was left over. Work without autograd and without `F.conv_transpose2d`.

    Wrong: * kernel → * kernel.flip(0, 1)
        Your kernel is turned the wrong way. When each output gives back to its window, it lays down
        the kernel as it is; only if you collect with a sliding kernel must that one be flipped,
        up-down and left-right.
    Wrong: += → =
        Where windows overlap, you keep only what the last one gives back. A pixel that was seen
        several times gets the sum: use += in place of =.
    Wrong: stride → 1
        You lay the windows down 1 pixel apart, whatever the stride. They began stride pixels apart
        on the way forward, so output (i, j) gives back from row i · stride and column j · stride
        on.
    Wrong: padding → 0
        You return a gradient for the padding as well. The gradient has the shape of the input: cut
        off padding rows and columns on each side.
    Wrong: padding : size → : size; - padding → - 2 * padding
        You cut off the padding at the end only, so every number stands too far down and too far
        right. It lay all around the input: cut off as much at the start as at the end.
    Hint: How large was the input with its padding? The last window starts at row (rows - 1) ·
    stride and is height rows high.
    Hint: Start from zeros of that size. Each output adds grad_output[i, j] * kernel to the window
    that it came from.
    Hint: The window of output (i, j) starts at row i * stride and column j * stride. Add with +=
    there, and at the end cut off padding rows and columns on all four sides.
    Why: Each output was made from its window, each pixel times a weight, so it hands its gradient
    times the kernel back to that window; overlaps add up, and nobody asks for the gradient of the
    padding.
    Without: conv_transpose2d, ConvTranspose2d, autograd, backward, requires_grad, requires_grad_
    """,
    give_back,
    cases=[
        (numbers([[1, 2]]), numbers([[1, 10]]), 1, 0),
        (numbers([[1], [2]]), numbers([[1, 2], [3, 4]]), 2, 0),
        (numbers([[1, 2], [3, 4]]), numbers([[1, 0, 0], [0, 5, 2]]), 1, 1),
    ],
    random_case=one_backward_pass,
)

HIDDEN_FLIP = Question("""
    8.4 · A bug that hides (difficulty 2, importance 2, 2 minutes)
    In the backward pass of a convolution, someone forgets to flip the kernel. With which of these
    kernels does `gradient_check` find nothing wrong?

    Wrong: [[1, 2], [1, 2]]
        Its rows are equal, so only the flip up-down changes nothing. The flip left-right makes [[2,
        1], [2, 1]] of it.
    Wrong: [[1, 0], [0, 2]]
        It equals its transpose, but a flip is no transpose: up-down and left-right together make
        [[2, 0], [0, 1]] of it.
    Right: [[1, 3], [3, 1]]
        Flipped up-down and left-right, it is the same kernel, so the wrong gradient is right by
        chance. Check with random kernels.
    Wrong: [[1, 1], [-1, -1]]
        The flip makes [[-1, -1], [1, 1]] of it. Every number gets the wrong sign, and the points
        lie on the diagonal turned over.
    """)
