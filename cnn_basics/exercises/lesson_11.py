"""What lesson 11 asks: your own photos."""

import torch
from torch import nn

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers


def baseline(labels):
    return labels.bincount().max().item() / len(labels)


def some_labels(draw: Draw) -> tuple:
    classes = draw.randint(2, 4)
    labels = [*range(classes), *(draw.randrange(classes) for _ in range(draw.randint(0, 4)))]
    draw.shuffle(labels)
    return (torch.tensor(labels),)


BASELINE = Exercise(
    """
    11.1 · The accuracy of knowing nothing (difficulty 1, importance 3, 5 minutes)
    Write `baseline(labels)`: the accuracy of a network that gives the same answer for every
    picture, the class that is most frequent. `labels` is (N,) int64, and each class occurs in it at
    least once. Return a number from 0 to 1.

    Wrong: 1 / len(labels.unique())
        You give each class the same share, which is the accuracy of a fair guess. If the classes
        are not balanced, always saying the most frequent one is better.
    Wrong: / len(labels) →
        You return how many answers are right. The accuracy is their share: divide by the number of
        pictures.
    Wrong: max().item() / len(labels) → argmax().item()
        You return the number of the most frequent class. Asked for is how often this answer would
        be right.
    Wrong: (labels == 0).double().mean().item()
        You always answer class 0, whatever is frequent. Count every class first, and take the
        largest count.
    Hint: How many pictures are there of each class?
    Hint: `labels.bincount()` counts each class. Which of the counts is the number of right answers?
    Hint: The largest count, divided by len(labels).
    Why: The constant answer is right for exactly the pictures of that class, so its accuracy is
    their share of all pictures, and a network has learned something only if it does better.
    """,
    baseline,
    cases=[(torch.tensor([1, 0, 1, 1]),), (torch.tensor([2, 0, 1, 2, 2, 0]),)],
    random_case=some_labels,
)


def look_twice(model, pictures):
    model.eval()
    with torch.no_grad():
        shares = model(pictures).softmax(dim=1)
        mirrored = model(pictures.flip(3)).softmax(dim=1)
    return (shares + mirrored) / 2


def four_scores() -> nn.Module:
    """Score the four quarters of a picture by their mean; batch norm tells train from eval mode."""
    return nn.Sequential(nn.BatchNorm2d(1), nn.AdaptiveAvgPool2d(2), nn.Flatten()).double()


LOOK_TWICE = Exercise(
    """
    11.2 · Two looks at each picture (difficulty 2, importance 2, 10 minutes)
    Write `look_twice(model, pictures)`: show each test picture to the network as it is and mirrored
    left to right, and return the mean of the two answers, as shares (softmax), of shape (N, K).
    `model` turns `pictures` (N, C, H, W) into scores (N, K). It comes straight from training, and
    has batch norm. (In the cases it scores the four quarters of a picture by their mean.)

    Wrong: model.eval() →
        You leave the network in training mode, so batch norm uses the mean and the spread of these
        pictures. Write model.eval() first: it then uses those from training.
    Wrong: flip(3) → flip(2)
        You turn the pictures upside down: axis 2 counts the rows. To mirror left to right, flip the
        columns, axis 3.
    Wrong: .softmax(dim=1) →; (shares + mirrored) / 2 → ((shares + mirrored) / 2).softmax(dim=1)
        You take the mean of the scores, and softmax after it. Scores have no common scale, so one
        look with large scores outvotes the other: take the softmax of each look first.
    Wrong: dim=1 → dim=0
        Your softmax runs over axis 0, so the pictures of the batch compete with each other. The
        classes have to: they are axis 1.
    Wrong: / 2 →
        You add the two answers, so each row sums to 2. Divide by the number of looks.
    Hint: Which mode must a network with batch norm be in when it is tested?
    Hint: The columns are the last axis of (N, C, H, W): `pictures.flip(3)` mirrors them.
    Hint: model.eval(), then model(…).softmax(dim=1) for both looks, added and divided by 2.
    Why: In evaluation mode each picture is answered by itself; the softmax of each look is over the
    classes, and the mean of two lists of shares that sum to 1 sums to 1 again.
    """,
    look_twice,
    cases=[
        (four_scores(), numbers([[[[0, 2], [1, 3]]]])),
        (four_scores(), numbers([[[[0, 2, 4], [1, 3, -2]]], [[[1, 1, 0], [2, 0, 4]]]])),
    ],
    random_case=lambda draw: (four_scores(), draw.tensor(draw.randint(1, 3), 1, 4, 3)),
)


def calibration_error(shares, labels, bins):
    confidence, answers = shares.max(dim=1)
    right = (answers == labels).double()
    least = 1 / shares.shape[1]
    group = ((confidence - least) / (1 - least) * bins).long().clamp(max=bins - 1)
    distances = 0.0
    for k in range(bins):
        distances += (confidence - right)[group == k].sum().abs().item()
    return distances / len(labels)


def some_shares(draw: Draw) -> tuple:
    """Draw answers whose confidence lies in the middle of a group, clear of its edges."""
    classes, bins, count = draw.choice([2, 3, 5]), draw.randint(1, 4), draw.randint(1, 6)
    shares = torch.empty(count, classes, dtype=torch.float64)
    for row in shares:
        group = draw.choice([draw.randrange(bins), bins - 1])
        confidence = 1 / classes + (1 - 1 / classes) * (group + 0.5) / bins
        row[:] = (1 - confidence) / (classes - 1)
        row[draw.randrange(classes)] = confidence
    return shares, torch.tensor([draw.randrange(classes) for _ in range(count)]), bins


CALIBRATION = Exercise(
    """
    11.3 · Surer than right (difficulty 3, importance 2, 15 minutes)
    Write `calibration_error(shares, labels, bins)`, without `training.reliability`. `shares` is (N,
    K), each row sums to 1; `labels` is (N,) int64. The confidence of an answer is its share, from 1
    / K to 1. Cut this range into `bins` groups of the same width (no confidence lies on an edge).
    Return, as a number, the mean distance of mean confidence and share right, each group weighted
    by its count. A group may be empty.

    Wrong: sum().abs() → mean().abs().nan_to_num(); len(labels) → len(group.unique())
        You take the plain mean over the groups, so a group of one answer weighs as much as one of a
        hundred. Weight each distance by the count of its group.
    Wrong: sum().abs() → mean().abs().mul((group == k).sum())
        You take the mean of an empty group, which is nan, and 0 times nan is nan too. Leave out
        groups without answers.
    Wrong: least = 1 / shares.shape[1] → least = 0
        You cut the range from 0 to 1. The largest of K shares is never below 1 / K, so the groups
        begin there.
    Wrong: * bins → * 0
        You let a group that is too sure make up for one that is not sure enough. Take the distance,
        without its sign, in each group before you add.
    Wrong: sum().abs() → abs().sum()
        You compare each answer's confidence with its own 0 or 1, so even an honest 0.8 counts as an
        error. Compare means: first over a group, then the distance.
    Hint: `shares.max(dim=1)` gives the confidence and the answer. Which answers are right?
    Hint: ((confidence - 1 / K) / (1 - 1 / K) * bins).long() is the number of each answer's group.
    For each group you need its count, mean confidence and share right.
    Hint: Count times |mean confidence - share right| is |sum of (confidence - right)| over the
    group, which is 0 for an empty one. Add them up, and divide by N.
    Why: A group's count times the distance of its two means is the distance of its two sums, so an
    empty group adds 0, and dividing by N weights each group by its count.
    Without: reliability
    """,
    calibration_error,
    cases=[
        (numbers([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]), torch.tensor([0, 0, 1]), 2),
        (numbers([[0.1, 0.9], [0.2, 0.8]]), torch.tensor([1, 1]), 2),
        (numbers([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]), torch.tensor([0, 1]), 2),
    ],
    random_case=some_shares,
)

LEAK = Question("""
    11.4 · Pictures it has seen before (difficulty 2, importance 3, 2 minutes)
    A test set has 500 pictures, and the accuracy on it is 0.8. Then you find that 100 of these
    pictures are also in the training set, and that the network tells all 100 right. What is its
    accuracy on the test pictures that are really new? (A share such as 0.5.)

    Wrong: 0.8
        This is the accuracy with the 100 that it knows by heart. They must not count: leave them
        out.
    Wrong: 0.6
        300 right answers are left, but also only 400 pictures: leave the 100 out of both.
    Right: 0.75
        400 were right, 100 of them by heart. Of the 400 new pictures 300 are right.
    Wrong: 0.64
        You scaled the accuracy by the share of new pictures, 0.8 · 0.8. Count instead: how many of
        the 400 new pictures are right?
    """)
