"""What lesson 7 asks: the custom CNN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.exercises.content import Draw, Exercise, Levels, Question, numbers


def fc1_in_features():
    return 64 * (40 // 4) * (56 // 4)


FC1 = Exercise(
    name="7.1",
    title="What fc1 has to read",
    levels=Levels(difficulty=1, importance=3, minutes=3),
    asks="You want a network like `Custom_CNN` for pictures of 40×56 pixels (height × width) instead of "
    "28×28; both convolutions and both poolings stay as they are. How many in_features must `fc1` have? "
    "Set `fc1_in_features` to that number.",
    reference=fc1_in_features,
    mistakes={
        64 * 7 * 7: (
            "That is the number for 28×28 pixels. Larger pictures give larger maps, and fc1 reads every "
            "number of them."
        ),
        64 * 20 * 28: (
            "You halve the sides only once. There are two poolings, one after each convolution: divide by "
            "4."
        ),
        10 * 14: (
            "That is the size of one map. The flat row of a picture holds all 64 maps of the second "
            "convolution."
        ),
        64 * 7 * 11: (
            "You take the padding for 0, so each convolution makes the maps 4 smaller. Both have "
            "kernel_size 5 and padding 2, which keeps the size."
        ),
        32 * 10 * 14: (
            "You count the 32 maps of the first convolution. What is flattened comes from the second one, "
            "with 64 out_channels."
        ),
    },
    hints=[
        "Follow height and width through the network: which of its layers change them?",
        "The convolutions keep the size. Each of the two poolings halves the height and the width.",
        "The maps become 10 high and 14 wide, and there are 64 of them.",
    ],
    why="The padding of 2 keeps the size, two poolings make 10×14 of 40×56, and the flat row holds 64 "
    "such maps.",
)


def softmax(scores):
    powers = torch.exp(scores - scores.amax(dim=1, keepdim=True))
    return powers / powers.sum(dim=1, keepdim=True)


def some_scores(draw: Draw) -> tuple:
    return (draw.tensor(draw.randint(1, 3), draw.randint(2, 4)) + draw.choice([0, 0, 0, 1000]),)


SOFTMAX = Exercise(
    name="7.2",
    title="Softmax by hand",
    levels=Levels(difficulty=2, importance=3, minutes=8),
    asks="Write `softmax(scores)` without PyTorch's own softmax. It takes the logits of a batch, of shape "
    "(N, classes), and returns the shares in the same shape. It must also cope with scores near 1000: try "
    "what `torch.exp` makes of them, and remember that only the differences count.",
    reference=softmax,
    cases=[(numbers([[2, 0]]),), (numbers([[1, 1, 1], [0, 1, 2]]),), (numbers([[1002, 1000]]),)],
    random_case=some_scores,
    mistakes={
        "- scores.amax(dim=1, keepdim=True) →": (
            "The formula is right, but e to the power of 1000 is too large for a float64: it becomes inf, "
            "and inf / inf is nan. Subtract the largest score of each row first; the shares stay the "
            "same."
        ),
        "torch.softmax(scores, dim=0)": (
            "You make the columns add up to 1, so the pictures compete with each other. The classes of "
            "one picture compete: sum along the axis of the classes, dim=1."
        ),
        "dim=1, keepdim=True →": (
            "You divide by the sum of the whole batch. Each picture has its own shares: its row alone "
            "adds up to 1."
        ),
        "scores / scores.sum(dim=1, keepdim=True)": (
            "You divide the scores themselves by their sum. Scores may be negative or add up to 0: raise "
            "e to their power first, which makes all of them positive."
        ),
    },
    hints=[
        "Raise e to the power of each score, then divide by a sum. Over which axis is it, and what does "
        "keepdim=True do?",
        "For scores near 1000, `torch.exp` gives inf. Which number can you subtract from all scores of a "
        "row so that none is above 0?",
        "Start with powers = torch.exp(scores - scores.amax(dim=1, keepdim=True)), then divide by their "
        "sum along dim=1.",
    ],
    why="Subtracting the largest score of a row divides all its powers by the same number, which cancels "
    "out, and no power is above 1 then; each row is divided by its own sum, so it adds up to 1.",
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
    """Make four small layers for x; the maps fit if in_features is twice their height times width."""
    conv1 = filled(draw, nn.Conv2d, x.shape[1], 2, kernel_size=3, padding=1)
    conv2 = filled(draw, nn.Conv2d, 2, 2, kernel_size=3, padding=1)
    return x, conv1, conv2, filled(draw, nn.Linear, in_features, 3), filled(draw, nn.Linear, 3, 2)


def one_network(draw: Draw) -> tuple:
    rows, columns, times = draw.randint(1, 2), draw.randint(1, 2), draw.choice([1, 1, 1, 2])
    x = draw.tensor(draw.randint(1, 3), draw.randint(1, 3), 4 * rows * times, 4 * columns)
    return network(draw, x, 2 * rows * columns)


FORWARD = Exercise(
    name="7.3",
    title="The way through the network",
    levels=Levels(difficulty=3, importance=3, minutes=12),
    asks="Write `forward(x, conv1, conv2, fc1, fc2)`: what `Custom_CNN` does with a batch `x` of shape "
    "(N, C, H, W), from the pictures to the logits. The four layers are given, smaller than in the "
    "lesson; ReLU, 2×2 max pooling and flattening are yours. Pictures whose maps do not fit `fc1` must "
    "end in an error: let PyTorch raise it.",
    reference=forward,
    cases=[
        network(Draw("4×4"), Draw(1).tensor(1, 1, 4, 4), 2),
        network(Draw("4×8"), Draw(2).tensor(1, 1, 4, 8), 4),
        network(Draw("too high"), Draw(3).tensor(1, 1, 8, 4), 2),
    ],
    random_case=one_network,
    mistakes={
        "torch.flatten(x, start_dim=1) → x.view(-1, fc1.in_features)": (
            "Your rows are as long as fc1 wants them, whatever came in: pictures of another size become "
            "extra rows, silently. Keep one row for each picture with torch.flatten(x, start_dim=1)."
        ),
        ", start_dim=1 →": (
            "You flatten the batch axis as well, so all pictures end up in one row. Keep axis 0: "
            "torch.flatten(x, start_dim=1)."
        ),
        "F.relu(fc1(x)) → fc1(x)": (
            "There is no ReLU between fc1 and fc2. Without it these two layers can do no more than a "
            "single one."
        ),
        "F.relu(forward(x, conv1, conv2, fc1, fc2))": (
            "You put a ReLU after fc2. A score may well be negative: the last layer has no activation."
        ),
        "F.softmax(forward(x, conv1, conv2, fc1, fc2), dim=1)": (
            "You return shares instead of logits. PyTorch's cross-entropy expects logits and applies "
            "softmax itself."
        ),
    },
    hints=[
        "The order is convolution, ReLU, pooling, and the same once more. What has to happen before "
        "`fc1`?",
        "`fc1` wants one flat row for each picture: keep axis 0. ReLU follows on `fc1`, but not on `fc2`.",
        "`F.max_pool2d(F.relu(conv1(x)), 2)`, then the same with conv2, then `torch.flatten(x, "
        "start_dim=1)`, then fc1, ReLU and fc2.",
    ],
    why="Every layer but the last is followed by ReLU, each convolution also by pooling; flattening from "
    "axis 1 on keeps one row for each picture, so fc1 notices when pictures have the wrong size.",
)

WORK = Question(
    name="7.4",
    title="Larger pictures, more work",
    levels=Levels(difficulty=2, importance=2, minutes=2),
    asks="Pictures twice as high and twice as wide go through the two convolutions of `Custom_CNN`. By "
    "which factor does the number of multiply-adds in `conv2` grow?",
    answers={
        1: (
            "That is the factor for its parameters: the kernels stay as they are. But they are used at "
            "more places."
        ),
        2: "You double one side only. The maps get twice as high and twice as wide.",
        4: "Each kernel is used at every place of the output, and there are 2 · 2 times as many places.",
        16: (
            "You let the kernels grow with the pictures. They keep their 5×5 pixels; only the number of "
            "places grows."
        ),
    },
    right=2,
)

ASKED = (FC1, SOFTMAX, FORWARD, WORK)
