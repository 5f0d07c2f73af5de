"""`fit` takes the very steps of a plain loop, and `evaluate` counts right."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from cnn_basics.training import Evaluation, evaluate, fit, prepare
from cnn_basics.training.seeds import epoch_seed


def small_network(classes: int = 3, channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(6 * 4 * 4, classes),
    )


def some_data(count: int = 45, classes: int = 3, channels: int = 3):
    generator = torch.Generator().manual_seed(1)
    shape = (count, channels, 8, 8)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return pictures, torch.randint(0, classes, (count,), generator=generator)


def plain_loop(model, data, epochs, batch_size, optimizer, seed=0, **loss_options):
    """What a PyTorch tutorial would write; only the order of the pictures is fit's."""
    pictures = TensorDataset(data[0].float() / 255, data[1])
    losses = []
    for epoch in range(1, epochs + 1):
        generator = torch.Generator().manual_seed(epoch_seed(seed, epoch))
        sampler = RandomSampler(pictures, generator=generator)
        total = 0.0
        for batch, labels in DataLoader(pictures, batch_size, sampler=sampler):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(batch), labels, **loss_options)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(pictures))
    return losses


OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.01),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.01, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.01),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.01, weight_decay=0.0),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_takes_the_steps_of_a_plain_loop(name):
    data, ours, theirs = some_data(), small_network(), small_network()
    history = fit(
        ours, data, epochs=3, batch_size=16, learning_rate=0.01, optimizer=name, seed=5,
        progress=False,
    )  # fmt: skip
    losses = plain_loop(theirs, data, 3, 16, OPTIMIZERS[name](theirs.parameters()), seed=5)
    assert history.train_loss == pytest.approx(losses, abs=1e-6)
    for our, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(our, their, rtol=0, atol=1e-6)


def test_evaluate_counts_right():
    model, (pictures, labels) = small_network(), some_data()
    scores = model(pictures.float() / 255).detach()
    result = evaluate(model, (pictures, labels), batch_size=7)
    torch.testing.assert_close(result.scores, scores)
    assert result.loss == pytest.approx(F.cross_entropy(scores, labels).item(), abs=1e-6)
    assert result.accuracy == (scores.argmax(1) == labels).sum().item() / len(labels)
    confusion = result.confusion()
    assert confusion.sum(1).tolist() == labels.bincount(minlength=3).tolist()
    assert confusion[0, 1] == ((labels == 0) & (scores.argmax(1) == 1)).sum()


def test_worst_and_mistakes_come_with_the_highest_loss_first():
    scores = torch.tensor([[3.0, 0.0], [0.0, 2.0], [0.0, 1.0], [1.0, 0.0]])
    result = Evaluation.of(scores, torch.tensor([0, 0, 0, 1]))
    assert result.worst(2).tolist() == [1, 2]
    assert result.mistakes().tolist() == [1, 2, 3]
    assert result.worst(9).tolist() == [1, 2, 3, 0]


def test_prepare_scales_whole_numbers_only():
    pictures = torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)
    torch.testing.assert_close(prepare(pictures), torch.tensor([[[[0.0, 0.2, 1.0]]]]))
    floats = torch.tensor([[[[-2.0, 7.0]]]])
    assert torch.equal(prepare(floats), floats)
