"""What lesson 7 asks: the custom CNN."""

import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

FC1 = Exercise("""
    7.1 · What fc1 has to read (difficulty 1, importance 3, 3 minutes)
    You want a network like `Custom_CNN` for pictures of 40×56 pixels (height × width) instead of
    28×28; both convolutions and both poolings stay as they are. How many in_features must `fc1`
    have? Set `fc1_in_features` to that number.

    Answer: fc1_in_features = 64 * (40 // 4) * (56 // 4)
    Wrong: 64 * 7 * 7
        That is the number for 28×28 pixels. Larger pictures give larger maps, and fc1 reads every
        number of them.
    Wrong: 64 * 20 * 28
        You halve the sides only once. There are two poolings, one after each convolution: divide by
        4.
    Wrong: 10 * 14
        That is the size of one map. The flat row of a picture holds all 64 maps of the second
        convolution.
    Wrong: 64 * 7 * 11
        You take the padding for 0, so each convolution makes the maps 4 smaller. Both have
        kernel_size 5 and padding 2, which keeps the size.
    Wrong: 32 * 10 * 14
        You count the 32 maps of the first convolution. What is flattened comes from the second one,
        with 64 out_channels.
    Hint: Follow height and width through the network: which of its layers change them?
    Hint: The convolutions keep the size. Each of the two poolings halves the height and the width.
    Hint: The maps become 10 high and 14 wide, and there are 64 of them.
    Why: The padding of 2 keeps the size, two poolings make 10×14 of 40×56, and the flat row holds
    64 such maps.
    """)


def softmax(scores):
    powers = torch.exp(scores - scores.amax(dim=1, keepdim=True))
    return powers / powers.sum(dim=1, keepdim=True)


SOFTMAX = Exercise(
    """
    7.2 · Softmax by hand (difficulty 2, importance 3, 8 minutes)
    Write `softmax(scores)` without PyTorch's own softmax. It takes the logits of a batch, of shape
    (N, classes), and returns the shares in the same shape. It must also cope with scores of 1000
    and more: try what `torch.exp` makes of them, and remember that only the differences count.

    Wrong: - scores.amax(dim=1, keepdim=True) →
        The formula is right, but e to the power of 1000 is too large for a float64: it becomes inf,
        and inf / inf is nan. Subtract the largest score of each row first; the shares stay the
        same.
    Wrong: scores.amax(dim=1, keepdim=True) → scores.max()
        You subtract the largest score of the whole batch. A row of much smaller scores then becomes
        0 / 0: each row needs its own largest.
    Wrong: amax → mean
        You subtract the mean of each row. A score far above it still becomes inf: subtract the
        largest, so that none is above 0.
    Wrong: torch.softmax(scores, dim=0)
        You make the columns add up to 1, so the pictures compete with each other. The classes of
        one picture compete: sum along the axis of the classes, dim=1.
    Wrong: dim=1, keepdim=True →
        You divide by the sum of the whole batch. Each picture has its own shares: its row alone
        adds up to 1.
    Wrong: scores / scores.sum(dim=1, keepdim=True)
        You divide the scores themselves by their sum. Scores may be negative or add up to 0: raise
        e to their power first, which makes all of them positive.
    Hint: Raise e to the power of each score, then divide by a sum. Over which axis is it, and what
    does keepdim=True do?
    Hint: For scores near 1000, `torch.exp` gives inf. Which number can you subtract from all scores
    of a row so that none is above 0?
    Hint: Start with powers = torch.exp(scores - scores.amax(dim=1, keepdim=True)), then divide by
    their sum along dim=1.
    Why: Subtracting the largest score of a row divides all its powers by the same number, which
    cancels out, and no power is above 1 then; each row is divided by its own sum, so it adds up to
    1.
    Without: softmax, log_softmax, Softmax
    """,
    softmax,
    cases=[
        (numbers([[2, 0]]),),
        (numbers([[1, 1, 1], [0, 1, 2]]),),
        (numbers([[1002, 1000]]),),
        (numbers([[2, 0], [1000, 3000]]),),
    ],
    random_case=lambda draw: (draw.tensor(draw.randint(1, 3), 3) * draw.choice([1, 1, 1, 1000]),),
)


def forward(x, conv1, conv2, fc1, fc2):
    x = F.max_pool2d(F.relu(conv1(x)), 2)
    x = F.max_pool2d(F.relu(conv2(x)), 2)
    x = torch.flatten(x, start_dim=1)
    return fc2(F.relu(fc1(x)))


def filled(draw: Draw, kind: type, *sizes: int, **settings: int) -> nn.Module:
    """Make a layer of drawn weights, leaving PyTorch's own random numbers alone."""
    layer = nn.utils.skip_init(kind, *sizes, dtype=torch.float64, **settings)
    for parameter in layer.parameters():
        parameter.data = draw.tensor(*parameter.shape, low=-2, high=2)
    return layer


def network(draw: Draw, x: torch.Tensor, in_features: int) -> tuple:
    """Make four small layers; the maps fit if in_features is twice their height times width."""
    conv1 = filled(draw, nn.Conv2d, x.shape[1], 2, kernel_size=3, padding=1)
    conv2 = filled(draw, nn.Conv2d, 2, 2, kernel_size=3, padding=1)
    return x, conv1, conv2, filled(draw, nn.Linear, in_features, 3), filled(draw, nn.Linear, 3, 2)


def one_network(draw: Draw) -> tuple:
    rows, columns, times = draw.randint(1, 2), draw.randint(1, 2), draw.choice([1, 1, 1, 2])
    x = draw.tensor(draw.randint(1, 3), draw.randint(1, 3), 4 * rows * times, 4 * columns)
    return network(draw, x, 2 * rows * columns)


FORWARD = Exercise(
    """
    7.3 · The way through the network (difficulty 3, importance 3, 12 minutes)
    Write `forward(x, conv1, conv2, fc1, fc2)`: what `Custom_CNN` does with a batch `x` of shape (N,
    C, H, W), from the pictures to the logits. The four layers are given, smaller than in the
    lesson; ReLU, 2×2 max pooling and flattening are yours. Pictures whose maps do not fit `fc1`
    must end in an error: let PyTorch raise it.

    Wrong: torch.flatten(x, start_dim=1) → x.view(-1, fc1.in_features)
        Your rows are as long as fc1 wants them, whatever came in: pictures of another size become
        extra rows, silently. Keep one row for each picture with torch.flatten(x, start_dim=1).
    Wrong: , start_dim=1 →
        You flatten the batch axis as well, so all pictures end up in one row. Keep axis 0:
        torch.flatten(x, start_dim=1).
    Wrong: F.relu(conv1(x)) → conv1(x)
        There is no ReLU after conv1. Each convolution is followed by ReLU, then by pooling.
    Wrong: F.relu(conv2(x)) → conv2(x)
        There is no ReLU after conv2. Each convolution is followed by ReLU, then by pooling.
    Wrong: F.relu(conv → (conv
        There is no ReLU after the convolutions. Each convolution is followed by ReLU, then by
        pooling.
    Wrong: F.relu(fc1(x)) → fc1(x)
        There is no ReLU between fc1 and fc2. Without it these two layers can do no more than a
        single one.
    Wrong: F.relu(forward(x, conv1, conv2, fc1, fc2))
        You put a ReLU after fc2. A score may well be negative: the last layer has no activation.
    Wrong: F.softmax(forward(x, conv1, conv2, fc1, fc2), dim=1)
        You return shares instead of logits. PyTorch's cross-entropy expects logits and applies
        softmax itself.
    Hint: The order is convolution, ReLU, pooling, and the same once more. What has to happen before
    `fc1`?
    Hint: `fc1` wants one flat row for each picture: keep axis 0. ReLU follows on `fc1`, but not on
    `fc2`.
    Hint: `F.max_pool2d(F.relu(conv1(x)), 2)`, then the same with conv2, then `torch.flatten(x,
    start_dim=1)`, then fc1, ReLU and fc2.
    Why: Every layer but the last is followed by ReLU, each convolution also by pooling; flattening
    from axis 1 on keeps one row for each picture, so fc1 notices when pictures have the wrong size.
    """,
    forward,
    cases=[
        network(Draw("13"), Draw(13).tensor(1, 1, 4, 4), 2),
        network(Draw("5"), Draw(5).tensor(1, 1, 4, 8), 4),
        network(Draw("too high"), Draw(3).tensor(1, 1, 8, 4), 2),
    ],
    random_case=one_network,
)

WORK = Question("""
    7.4 · Larger pictures, more work (difficulty 2, importance 2, 2 minutes)
    Pictures twice as high and twice as wide go through the two convolutions of `Custom_CNN`. By
    which factor does the number of multiply-adds in `conv2` grow?

    Wrong: 1
        That is the factor for its parameters: the kernels stay as they are. But they are used at
        more places.
    Wrong: 2
        You double one side only. The maps get twice as high and twice as wide.
    Right: 4
        Each kernel is used at every place of the output, and there are 2 · 2 times as many places.
    Wrong: 16
        You let the kernels grow with the pictures. They keep their 5×5 pixels; only the number of
        places grows.
    """)
