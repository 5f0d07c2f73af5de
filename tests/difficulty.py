"""How hard are the bundled pictures? ``python tests/difficulty.py`` (about three minutes).

Holds the promise that a straight line through pixels cannot tell cats from dogs while the
network of the lessons can. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import sys

import torch
from torch import nn

from cnn_basics.datasets import load_pictures
from cnn_basics.model import Custom_CNN

LINEAR_AT_MOST, PERCEPTRON_AT_MOST, CNN_AT_LEAST = 0.75, 0.85, 0.95
HIDDEN = 364  # 2352 × 364 + 364 + 364 × 2 + 2 = 857,222 parameters, Custom_CNN has 857,282


def load(split: str) -> tuple[torch.Tensor, torch.Tensor]:
    pictures, labels, _ = load_pictures(split, size=28)
    return pictures.float() / 127.5 - 1.0, labels


def linear(train: tuple, test: tuple) -> float:
    """Best test accuracy of logistic regression on pixels over a grid of regularisation."""
    from sklearn.linear_model import LogisticRegression

    train, test = ((x.flatten(1).numpy() / 2 + 0.5, y.numpy()) for x, y in (train, test))
    grid = (1e-3, 1e-2, 1e-1, 1.0)
    return max(LogisticRegression(C=c, max_iter=3000).fit(*train).score(*test) for c in grid)


def train_plainly(net: nn.Module, train: tuple, test: tuple, epochs: int) -> tuple[float, float]:
    """Adam 1e-3, batches of 64, no augmentation; last and best test accuracy."""
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    (x, y), (x_test, y_test) = train, test
    history = []
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimiser.step()
        with torch.no_grad():
            history.append((net(x_test).argmax(1) == y_test).float().mean().item())
    return history[-1], max(history)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=12, help="passes over the training set")
    parser.add_argument("--seeds", type=int, default=3, help="how many trainings of the CNN")
    parser.add_argument("--threads", type=int, default=2, help="threads for torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train, test = load("training_set"), load("test_set")
    print(f"{len(train[0])} training pictures, {len(test[0])} test pictures, 28×28 RGB")
    score = linear(train, test)
    good = [score <= LINEAR_AT_MOST]
    print(f"{'logistic regression':<22}{score:.3f}  at most {LINEAR_AT_MOST}")
    torch.manual_seed(0)
    layers = nn.Flatten(), nn.Linear(2352, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)
    _, best = train_plainly(nn.Sequential(*layers), train, test, options.epochs)
    good.append(best <= PERCEPTRON_AT_MOST)
    print(f"{'perceptron (best)':<22}{best:.3f}  at most {PERCEPTRON_AT_MOST}")
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        last, best = train_plainly(Custom_CNN(), train, test, options.epochs)
        good.append(last >= CNN_AT_LEAST)
        told = f"at least {CNN_AT_LEAST}  (best {best:.3f})"
        print(f"{f'Custom_CNN, seed {seed}':<22}{last:.3f}  {told}", flush=True)
    print("inside the limits" if all(good) else "OUTSIDE the limits")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
