"""What lesson 10 asks: looking inside."""

import torch
import torch.nn.functional as F

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

TIMES_CHANCE = Exercise("""
    10.1 · How much better than chance (difficulty 1, importance 3, 5 minutes)
    A heat-map of 2×3 pixels has the rows 6, −2, 0 and 1, 1, −4. An ear covers the first two pixels
    of the first row. How many times as large is the share of positive heat on the ear as the share
    that chance would give? Assign the number to `times_chance`.

    Answer: times_chance = (6 / (6 + 1 + 1)) / (2 / 6)
    Wrong: 0.75
        That is the share of heat on the ear. Alone it says little: divide it by what evenly spread
        heat would get, which is the ear's share of the area.
    Wrong: 6.0
        You added the numbers below 0 as well. Only positive heat counts: 6 on the ear, and 6 + 1 +
        1 in all.
    Wrong: 8 / 14 / (2 / 6)
        You took the size of every number, whatever its sign. Heat below 0 speaks against the class
        and does not count: take 0 in its place.
    Wrong: 6 / 8 - 2 / 6
        You subtracted chance from the share. How many times as large it is, you find by dividing.
    Hint: First the heat: leave out what is below 0. How much is there in all, and how much of it on
    the ear?
    Hint: Chance is the share of the area: how many of the six pixels belong to the ear?
    Hint: The share of heat is 6 / 8, that of the area 2 / 6. Divide the first by the second.
    Why: Of the positive heat 6 of 8 lies on the ear, and evenly spread heat would put 2 of 6 there;
    the first divided by the second is 2.25.
    """)


def class_heat(maps, gradients):
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return F.relu((weights * maps).sum(dim=1))


def some_maps(draw: Draw) -> tuple:
    shape = [draw.randint(1, 2), draw.randint(2, 3), draw.randint(1, 3), draw.randint(1, 3)]
    return draw.tensor(*shape, low=-2), draw.tensor(*shape)


CLASS_HEAT = Exercise(
    """
    10.2 · Grad-CAM for a batch (difficulty 2, importance 3, 8 minutes)
    Write `class_heat(maps, gradients)`: Grad-CAM for a batch. `maps` are a convolution's feature
    maps, and `gradients` are the gradients of the scores with respect to them; both have the shape
    (N, C, H, W). Return the heat of each picture, of shape (N, H, W).

    Wrong: weights * maps → gradients * maps
        You multiply each number by its own gradient. In Grad-CAM a map has one weight for all its
        places: the mean gradient over its rows and columns.
    Wrong: F.relu →
        You keep what is below 0, which speaks against the class. ReLU leaves only what speaks for
        it.
    Wrong: F.relu((weights * maps) → (F.relu(weights * maps)
        You apply ReLU before you add the maps. A map that speaks against the class must lower the
        sum where it is bright: add first, ReLU last.
    Wrong: dim=(2, 3) → dim=(0, 2, 3)
        You take the mean over the pictures as well, so they share their weights. Each picture has
        weights of its own: the mean is over dim=(2, 3).
    Wrong: mean → sum
        You add up the gradients of a map. Its weight is their mean, so that large maps do not give
        more heat than small ones.
    Hint: How many weights are there for each picture? One for each of its C maps.
    Hint: The weights are gradients.mean(dim=(2, 3), keepdim=True), of shape (N, C, 1, 1), so that
    they can be multiplied with the maps.
    Hint: Multiply the weights with the maps, add over the channels with sum(dim=1), and let F.relu
    have the last word.
    Why: The mean gradient says how much a map speaks for the class, the weighted sum over the
    channels says where, and ReLU drops the places that speak against it.
    """,
    class_heat,
    cases=[
        (numbers([[[[3, 0, 1]], [[0, 2, 1]]]]), numbers([[[[1, 2, 3]], [[-1, -1, -1]]]])),
        (
            numbers([[[[1, 2]], [[0, 1]]], [[[1, 2]], [[0, 1]]]]),
            numbers([[[[2, 0]], [[3, 1]]], [[[0, 0]], [[4, 0]]]]),
        ),
    ],
    random_case=some_maps,
)


def occlusion_heat(picture, weights, size, stride):
    height, width = picture.shape
    total, times = torch.zeros_like(picture), torch.zeros_like(picture)
    score = (picture * weights).sum()
    for row in range(0, height - size + 1, stride):
        for column in range(0, width - size + 1, stride):
            square = slice(row, row + size), slice(column, column + size)
            covered = picture.clone()
            covered[square] = 0
            total[square] += score - (covered * weights).sum()
            times[square] += 1
    return total / times.clamp(min=1)


def one_occlusion(draw: Draw) -> tuple:
    size = draw.randint(1, 2)
    shape = draw.randint(size, size + 2), draw.randint(size, size + 2)
    return draw.tensor(*shape), draw.tensor(*shape), size, draw.randint(1, 2)


OCCLUSION = Exercise(
    """
    10.3 · Occlusion with larger squares (difficulty 3, importance 2, 15 minutes)
    Write `occlusion_heat(picture, weights, size, stride)` for the score (picture * weights).sum();
    both have the shape (H, W). Cover a square of `size` × `size` pixels with 0, at every place that
    is `stride` pixels from the one before and where the whole square lies on the picture. Return
    the heat, of shape (H, W): for each pixel the mean fall of the score over all squares that cover
    it, or 0 if none does.

    Wrong: / times.clamp(min=1) →
        You add up the falls of all squares that cover a pixel. Pixels in the middle are covered
        more often, so they would look hot for that reason alone: divide by the number of squares.
    Wrong: total[square] += → total[square] =; / times.clamp(min=1) →
        Each square overwrites what an earlier one found. A pixel gets the mean over all squares
        that cover it: add up the falls, count the squares, and divide at the end.
    Wrong: score - (covered * weights).sum() → (covered * weights).sum() - score
        Your signs are turned over: you take the score with the square minus the score without it.
        Heat says how much the score falls, so it is the whole picture's score minus the covered
        one's.
    Wrong: size + 1 → size
        You leave out the squares that touch the lower or the right edge. `range` stops before its
        end, so the end must be H - size + 1, and W - size + 1.
    Wrong: picture.clone() → picture
        You cover the picture itself, so the squares of before stay covered. Cover a copy, made anew
        for each square: picture.clone().
    Hint: Two loops go over the places: rows 0, stride, 2 · stride and so on, as long as row + size
    is at most H. Columns alike.
    Hint: Keep two maps, made with torch.zeros_like(picture): the sum of the falls and the number of
    squares for each pixel.
    Hint: For each place, cover a clone, add score - (covered * weights).sum() to the square of the
    first map and 1 to that of the second. At the end return total / times.clamp(min=1).
    Why: Every square starts from a fresh copy, its fall counts for each pixel that it covers, and
    the mean keeps pixels that are covered often from looking more important than they are.
    """,
    occlusion_heat,
    cases=[
        (numbers([[1, 2, 3]]), numbers([[5, -1, 0]]), 1, 1),
        (numbers([[1, 2, 1], [1, 0, 4]]), numbers([[1, 1, 1], [1, 1, 1]]), 2, 1),
    ],
    random_case=one_occlusion,
)

RUNS = Question("""
    10.4 · The price of occlusion (difficulty 2, importance 2, 2 minutes)
    You explain one answer by occlusion. The picture has 12 × 20 pixels, the square 4 × 4, the
    stride is 2. Saliency needs one picture to be run through the network, and one way back. How
    many pictures must be run through it for occlusion, all counted?

    Wrong: 45
        That is the number of squares, 5 down times 9 across. One more is needed: the whole picture,
        from whose score the others are subtracted.
    Wrong: 15
        You laid the squares side by side, 3 down and 5 across. With stride 2 they overlap, so there
        are more of them.
    Right: 46
        There are (12 − 4) / 2 + 1 = 5 places down and (20 − 4) / 2 + 1 = 9 across, so 45 covered
        pictures, and the whole one. That is why occlusion is slow.
    Wrong: 60
        You divided 12 and 20 by the stride. The last square needs room as well: only 12 − 4 and 20
        − 4 pixels are left for steps.
    """)
