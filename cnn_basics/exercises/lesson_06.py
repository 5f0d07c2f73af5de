"""What lesson 6 asks: activation and normalisation."""

import torch
import torch.nn.functional as F

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

COLLAPSED = Exercise("""
    6.1 · Two layers in one (difficulty 1, importance 3, 3 minutes)
    Two fully connected layers, 8 → 20 and 20 → 3, both with bias, follow each other without an
    activation. One single layer can do the same. How many numbers does it hold, weights and biases
    together? Set `numbers_needed` to that number.

    Answer: numbers_needed = 8 * 3 + 3
    Wrong: 243
        You count the weights and biases of both layers. The single layer goes straight from 8
        inputs to 3 outputs; the 20 numbers in between do not appear in it.
    Wrong: 24
        You count the weights only. There is one bias for each output as well.
    Wrong: 47
        You keep both biases. The first one goes through the second layer, W2 @ b1 + b2, and becomes
        part of a single bias with one number for each output.
    Wrong: 483
        You multiply the sizes of all three stages. W2 @ W1 has the shape (3, 8): the 20 is summed
        over and disappears.
    Hint: How many numbers go into the single layer, and how many come out?
    Hint: Its weight is W2 @ W1, of shape (3, 8). How many numbers has its bias, W2 @ b1 + b2?
    Hint: The weight has 3 · 8 numbers; add 3 for the bias.
    Why: The weight W2 @ W1 has the shape (3, 8) and the bias W2 @ b1 + b2 has 3 numbers; the 20
    units in between add nothing that one layer cannot do.
    """)


def count_dead(x, weight, bias):
    outputs = F.relu(F.linear(x, weight, bias))
    return (outputs == 0).all(dim=0).sum().item()


def one_layer(draw: Draw) -> tuple:
    examples, inputs, units = draw.randint(1, 4), draw.randint(1, 3), draw.randint(1, 4)
    x = draw.tensor(examples, inputs, low=-2, high=2)
    return x, draw.tensor(units, inputs, low=-2, high=2), draw.tensor(units, low=-3, high=1)


DEAD = Exercise(
    """
    6.2 · Counting dead units (difficulty 2, importance 2, 7 minutes)
    Write `count_dead(x, weight, bias)`: how many units of a fully connected layer with ReLU are
    dead for the examples `x`, which means that they get no gradient from any of them. `x` has the
    shape (N, in_features), `weight` (out_features, in_features) and `bias` (out_features).

    Wrong: all → any
        You count units that are zero for at least one example. That is normal for ReLU: a unit is
        dead only if it is zero for all of them.
    Wrong: dim=0 → dim=1
        You look along the wrong axis: you count the examples for which all units are zero. Axis 0
        holds the examples, so use all(dim=0).
    Wrong: .all(dim=0) →
        You count zeros of the output, one for each example and unit. What is asked are units: first
        find out which of them are zero for every example.
    Wrong: outputs == 0 → F.linear(x, weight, bias) < 0
        You take a sum of exactly 0 for a living unit. There, too, ReLU gives 0, and PyTorch takes
        its slope to be 0: no gradient gets through.
    Wrong: , bias →
        You leave out the bias. It shifts the sum of every example, and a very negative bias is just
        what kills a unit.
    Hint: First compute the output of the layer, of shape (N, out_features). Which axis counts the
    units?
    Hint: A unit is one column of the output. It is dead if every number in its column is 0.
    Hint: `(outputs == 0).all(dim=0)` is True for each dead unit. Its sum is their number.
    Why: Where ReLU gives 0 its slope is 0 as well, so a unit gets no gradient exactly if its output
    is 0 for every example, which is what all(dim=0) asks of each column.
    """,
    count_dead,
    cases=[
        (numbers([[1, 0], [0, 1]]), numbers([[1, 1], [1, -1], [-1, -1]]), numbers([-2, 0, 0])),
        (numbers([[1], [2], [3]]), numbers([[1], [1]]), numbers([-2, -3])),
    ],
    random_case=one_layer,
)


def normalise_maps(maps, running_mean, running_var, training):
    mean, variance = running_mean, running_var
    if training:
        mean = maps.mean(dim=(0, 2, 3))
        variance = maps.var(dim=(0, 2, 3), correction=0)
    mean, variance = mean.view(1, -1, 1, 1), variance.view(1, -1, 1, 1)
    return (maps - mean) / torch.sqrt(variance + 1e-5)


def one_batch(draw: Draw) -> tuple:
    channels = draw.randint(1, 3)
    maps = draw.tensor(draw.randint(2, 3), channels, draw.randint(1, 2), draw.randint(2, 3))
    mean, variance = draw.tensor(channels), draw.tensor(channels, low=1, high=9)
    return maps, mean, variance, draw.choice([True, True, False])


NORMALISED = Exercise(
    """
    6.3 · Batch normalisation, both ways (difficulty 3, importance 3, 15 minutes)
    Write `normalise_maps(maps, running_mean, running_var, training)`: batch normalisation of
    feature maps of shape (N, C, H, W), without γ and β. If `training` is True, it uses the mean and
    variance of the batch, else the running ones, both of shape (C,), which it leaves as they are.
    Add eps = 1e-5 to the variance before you take the root. Do it by hand, without `batch_norm`.

    Wrong: dim=(0, 2, 3) → dim=(2, 3); 1, -1, 1, 1 → -1, maps.shape[1], 1, 1
        You take the mean over H and W only, so each picture has its own. All pictures of the batch
        share the mean of a channel: take it over the axes (0, 2, 3).
    Wrong: dim=(0, 2, 3) → dim=0; 1, -1, 1, 1 → maps.shape[1:] if training else (-1, 1, 1)
        You take the mean over N only, so each pixel has its own. All pixels of a channel share one
        mean: take it over the axes (0, 2, 3).
    Wrong: , correction=0 →
        You divide by the unbiased variance, which is what `var` gives unless told otherwise. The
        normalisation divides by the number of values: correction=0. Only the running variance is
        updated with the unbiased one.
    Wrong: torch.sqrt →
        You divide by the variance. Its root, the standard deviation, is what brings the spread to
        1.
    Wrong: torch.sqrt(variance + 1e-5) → (torch.sqrt(variance) + 1e-5)
        You add eps to the root. It belongs under it: torch.sqrt(variance + 1e-5).
    Wrong: variance + 1e-5 → variance
        You leave eps out. It keeps a channel of equal numbers from being divided by 0.
    Wrong: if training → if False
        You use the running statistics even if `training` is True. In training, mean and variance
        are those of this batch.
    Wrong: mean.view(1, -1, 1, 1), variance.view(1, -1, 1, 1) → mean, variance
        Your statistics of shape (C,) meet the last axis, the width. Give them the shape (1, C, 1,
        1), with view(1, -1, 1, 1).
    Wrong: if training → if True
        You use the statistics of the batch even if `training` is False. Then a picture's answer
        depends on the others in its batch. In evaluation, use running_mean and running_var.
    Hint: First decide which mean and variance to use: those of the batch or those that were given.
    Hint: One mean for each channel means over all axes but axis 1. The variance needs correction=0.
    Hint: Means of shape (C,) meet the maps as `mean.view(1, -1, 1, 1)`. Then it is (maps - mean) /
    torch.sqrt(variance + 1e-5).
    Why: Each channel is one feature, so its mean and variance are taken over N, H and W in
    training; in evaluation they are fixed numbers, and no picture can change the answer for
    another.
    Without: batch_norm, BatchNorm2d
    """,
    normalise_maps,
    cases=[
        (numbers([[[[1, 3]]], [[[1, 3]]]]), numbers([0]), numbers([4]), True),
        (
            numbers([[[[1, 3]], [[4, 4]]], [[[5, 7]], [[0, 8]]]]),
            numbers([3, 4]),
            numbers([4, 16]),
            False,
        ),
        (
            numbers([[[[1, 3]], [[4, 4]]], [[[5, 7]], [[0, 8]]]]),
            numbers([3, 4]),
            numbers([4, 16]),
            True,
        ),
    ],
    random_case=one_batch,
)

REVIVED = Question("""
    6.4 · Bringing a unit back (difficulty 2, importance 2, 2 minutes)
    A unit with ReLU gets sums near −50 for every training picture, so it is dead. You train by
    plain gradient descent and leave all layers before it as they are. What lets the unit learn
    again?

    Wrong: Training longer
        Its slope is 0 for every picture, so its gradient is 0 in every step, however many there
        are.
    Wrong: A larger learning rate
        The step is learning rate times gradient, and 0 times anything is 0. A large learning rate
        may have killed it.
    Wrong: Sigmoid instead of ReLU
        At −50 sigmoid is saturated: its slope there is far below one millionth, so in practice
        nothing changes.
    Right: Leaky ReLU instead of ReLU
        Its slope for negative sums is small, such as 0.1, but not 0, however far from zero the sum
        is. So a gradient arrives.
    """)
