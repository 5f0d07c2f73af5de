"""What lesson 9 asks: training."""

import torch
import torch.nn.functional as F
from torch import nn

from cnn_basics.exercises.content import Draw, Exercise, Question, numbers

START_LOSS = Exercise("""
    9.1 · The loss before the first step (difficulty 1, importance 3, 3 minutes)
    A network for the ten digits has just been made, and has learned nothing: it gives each class
    about the same probability. Set `start_loss` to the cross-entropy that you expect, as a number
    or as a formula.

    Answer: start_loss = math.log(10)
    Wrong: math.log(2)
        That is the loss of guessing between two classes. With ten, the right class gets a
        probability of 1/10.
    Wrong: 0.1
        That is the probability of the right class. The cross-entropy is minus its logarithm.
    Wrong: -math.log(10)
        The logarithm of 1/10 is negative, and the loss is minus that: a loss is never below 0.
    Wrong: math.log10(10)
        PyTorch takes the natural logarithm, math.log, not the one to base 10.
    Hint: Which probability does the right class get when all ten get the same?
    Hint: The cross-entropy of one picture is minus the logarithm of that probability.
    Hint: -math.log(1 / 10) is the same as math.log(10).
    Why: Every class has the probability 1/10, and -log(1/10) = log 10, about 2.30. A start that is
    far from it tells of a mistake before the first step.
    """)


def accuracy(scores, labels):
    right = scores.argmax(dim=1) == labels
    return right.double().mean().item()


def accuracy_cases(draw: Draw) -> tuple:
    count, classes = draw.randint(1, 6), draw.randint(2, 4)
    # all scores of a picture differ, so that there is one largest
    ranks = torch.stack([torch.tensor(draw.sample(range(9), classes)) for _ in range(count)])
    return ranks.double() - 4, torch.tensor([draw.randrange(classes) for _ in range(count)])


ACCURACY = Exercise(
    """
    9.2 · Accuracy from scores (difficulty 2, importance 3, 5 minutes)
    Write `accuracy(scores, labels)`: the share of pictures that are answered right, a number from 0
    to 1. `scores` has shape (N, classes), one row for each picture, and `labels`, of shape (N,),
    holds the number of the right class. Scores are not probabilities.

    Wrong: dim=1 → dim=0
        You look for the largest number down each column: which picture has the highest score for a
        class. The answer to a picture is the largest of its own row: dim=1.
    Wrong: double().mean() → sum()
        You count the right answers. A share is their number divided by all pictures.
    Wrong: argmax → argmin
        You take the class with the lowest score. The network answers with the highest.
    Wrong: scores.argmax(dim=1) == labels → scores.gather(1, labels[:, None])[:, 0] > 0.5
        You ask whether the right class has a score above 0.5, as if scores were probabilities. What
        counts is whether it has the highest score of its row.
    Wrong: == → !=
        That is the share of mistakes: 1 minus the accuracy.
    Hint: What does the network answer for one picture, given its row of scores?
    Hint: scores.argmax(dim=1) gives the answers, of shape (N,). Compare them with the labels.
    Hint: The comparison gives True and False; as numbers, 1 and 0, their mean is the share.
    Why: The answer to a picture is the class with the highest score in its row; the comparison with
    the labels gives a 1 for each right one, and the mean of ones and zeros is a share.
    """,
    accuracy,
    cases=[
        (numbers([[2, 1], [0, 3], [1, -1]]), torch.tensor([0, 1, 1])),
        (numbers([[-3, -1, -2]]), torch.tensor([1])),
    ],
    random_case=accuracy_cases,
)


def train_by_batches(model, pictures, labels, batches):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.train()
    for chosen in batches:
        scores = model(pictures[chosen].double() / 255)
        loss = F.cross_entropy(scores, labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    return model(pictures.double() / 255).detach()


def train_case(draw: Draw) -> tuple:
    """Draw a network, pictures, labels, and the numbers of the pictures in each batch."""
    height, width, classes, count = draw.randint(1, 2), draw.randint(2, 3), 3, 7
    layer, norm = nn.Linear(height * width, classes), nn.BatchNorm1d(classes)
    layer.weight = nn.Parameter(draw.tensor(classes, height * width) / 4)
    layer.bias = nn.Parameter(draw.tensor(classes) / 4)
    model = nn.Sequential(nn.Flatten(), layer, norm).double()
    pictures = draw.tensor(count, 1, height, width, low=0, high=255).to(torch.uint8)
    labels = torch.tensor([0, 1, 2, *(draw.randrange(classes) for _ in range(count - 3))])
    order = torch.tensor(draw.sample(range(count), count))
    return model, pictures, labels, [*order.split(3)[:2], order.flip(0)[:3]]


TRAIN = Exercise(
    """
    9.3 · Repair the training (difficulty 3, importance 3, 20 minutes)
    `train_by_batches(model, pictures, labels, batches)` should train with SGD, one step for each
    batch, and return the scores of all pictures after that. It runs without an error, and has six
    mistakes. `pictures` are uint8 of shape (N, 1, H, W), `labels` the right classes, and each of
    `batches` holds the numbers of the pictures of one step.

    Wrong: model.eval() → model.train()
        You test in training mode, so the answer to a picture depends on the others: write
        model.train() before the loop, and leave model.eval() behind it.
    Wrong: optimizer.zero_grad() → pass; loss.backward() → loss.backward(), optimizer.zero_grad()
        You clear the gradients between backward() and step(), so no step has any: clear them before
        backward().
    Planted: model.train() → model.eval()
        the network is trained in evaluation mode: batch norm then uses its running statistics, and
        never updates them. Write model.train() before the loop.
    Planted: [chosen].double() / 255 → [chosen].double()
        it is trained with pixels from 0 to 255 and tested with pixels from 0 to 1. Divide by 255 in
        both places.
    Planted: cross_entropy(scores → cross_entropy(F.softmax(scores, dim=1)
        F.cross_entropy takes scores and does the softmax itself. A softmax before it flattens the
        gradient.
    Planted: labels[chosen] → labels[: len(chosen)]
        the labels are the first ones, whatever pictures are chosen. Pick both with the same
        numbers: labels[chosen].
    Planted: loss.backward() → (loss / len(chosen)).backward()
        F.cross_entropy is a mean over the batch already. Dividing once more makes every step too
        small.
    Planted: optimizer.zero_grad() →
        gradients add up from step to step. Call optimizer.zero_grad() before backward().
    Hint: Read it line by line, and say of each: what comes in, what goes out, and is it so in
    training and in testing?
    Hint: Two mistakes are in the line with F.cross_entropy, one is in the line after it. Two are
    about what is done before the loop, and to the pixels.
    Hint: One is not in any line: what must happen to the gradients of the last step?
    Why: Training mode for batch norm, the same scaling in both places, scores instead of
    probabilities, the labels of the chosen pictures, one mean only, and gradients that start from
    zero in each step.
    """,
    train_by_batches,
    cases=[train_case(Draw(str(number))) for number in range(4)],
)


def kept_epoch(valid_loss, patience):
    best = 0
    for epoch, loss in enumerate(valid_loss):
        if loss < valid_loss[best]:
            best = epoch
        if epoch - best == patience:
            break
    return best


def losses(draw: Draw) -> tuple:
    return [draw.randint(1, 9) / 10 for _ in range(draw.randint(1, 8))], draw.randint(1, 3)


KEPT = Exercise(
    """
    9.4 · Early stopping (difficulty 2, importance 2, 10 minutes)
    Write `kept_epoch(valid_loss, patience)`: the epoch, counted from 0, whose weights are kept.
    Training stops as soon as `patience` epochs in a row have brought no loss below the best one so
    far; what would have come later is never seen. `valid_loss` lists the validation losses of all
    epochs.

    Wrong: valid_loss.index(min(valid_loss))
        You take the lowest loss of the whole list. Training may have stopped before it: the epochs
        after the stop never happen.
    Wrong: == patience → == 1
        You stop at the first epoch that is not better than the one before. A loss goes up and down
        by chance: wait for `patience` epochs without a new best one.
    Wrong: return best → return epoch
        You return the epoch at which training stops. Its weights are worse than those of the best
        epoch, which are the ones to keep.
    Hint: Go through the losses in order, and remember the epoch with the lowest one so far.
    Hint: How many epochs have gone by since then? If it is `patience`, stop.
    Hint: for epoch, loss in enumerate(valid_loss): a lower loss makes best = epoch; stop when epoch
    - best == patience; return best.
    Why: The loop sees only what training has seen so far. It remembers the best epoch, and ends
    when `patience` epochs have passed since, so a minimum that lies later does not count.
    """,
    kept_epoch,
    cases=[([0.7, 0.5, 0.6, 0.4], 2), ([0.7, 0.5, 0.6, 0.6, 0.1], 2), ([0.3], 1)],
    random_case=losses,
)

CURVES = Question("""
    9.5 · Two curves that part (difficulty 1, importance 3, 2 minutes)
    From epoch 8 on, the training loss goes on falling, and the validation loss rises. What happens?

    Wrong: The learning rate is too high
        Then the training loss would jump about or rise as well. It falls.
    Wrong: The network has stopped learning
        It still learns: the training loss falls. But what it learns no longer helps.
    Right: The network learns its training pictures by heart
        What it learns now holds for the training pictures alone: it overfits. Stop at epoch 8, take
        more pictures, or vary them.
    Wrong: The validation pictures are too hard
        They have not changed since epoch 8, and the loss was lower then.
    """)
