"""What `evaluate` gives: counts, refusals, and a network that is left as it was."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, log_loss
from torch import nn

from cnn_basics.training import Evaluation, History, evaluate


@st.composite
def answers(draw) -> tuple[torch.Tensor, torch.Tensor]:
    """Scores of some pictures for some classes, and labels, of which some may not occur."""
    count, classes = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    labels = torch.randint(0, classes, (count,), generator=generator)
    return torch.randn(count, classes, dtype=torch.float64, generator=generator), labels


@given(answers())
@settings(max_examples=50, deadline=None)
def test_numbers_are_those_of_scikit_learn(pair):
    scores, labels = pair
    result, classes = Evaluation.of(scores, labels), range(scores.shape[1])
    theirs = confusion_matrix(labels, scores.argmax(dim=1), labels=classes)
    assert result.confusion().tolist() == theirs.tolist()
    assert result.accuracy == theirs.trace() / len(labels)
    shares = result.probabilities.numpy()
    assert result.loss == pytest.approx(log_loss(labels, shares, labels=classes), abs=1e-12)
    assert result.losses.mean().item() == pytest.approx(result.loss, abs=1e-12)
    wrong = (scores.argmax(dim=1) != labels).nonzero()[:, 0].tolist()
    assert sorted(result.mistakes().tolist()) == wrong
    falling = result.losses[result.worst(len(labels))]
    assert (falling.diff() <= 0).all()


@pytest.mark.parametrize("n", [-1, 2.5, True, None])
def test_how_many_of_the_worst_is_a_whole_number(n):
    result = Evaluation.of(torch.eye(3), torch.arange(3))
    with pytest.raises(ValueError, match=r"expected n as a whole number from 0, got .*worst\(10\)"):
        result.worst(n)
    assert result.worst(0).tolist() == []


def test_two_results_can_be_compared():
    scores, labels = torch.eye(3), torch.arange(3)
    first, second = (Evaluation.of(scores.clone(), labels.clone()) for _ in range(2))
    assert first in (second, first)
    assert first != second


@pytest.mark.parametrize("training", [True, False])
def test_the_network_and_chance_are_left_as_they_were(training):
    layers = [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(8, 2)]
    model = nn.Sequential(*layers).train(training)
    model[0].eval()
    data = torch.rand(5, 1, 4, 4), torch.tensor([0, 1, 0, 1, 0])
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = (evaluate(model, data, batch_size=size) for size in (2, 5))
    torch.testing.assert_close(first.scores, second.scores)
    assert torch.equal(torch.rand(1), expected)
    assert [layer.training for layer in model] == [False, *[training] * 4]
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    assert not first.scores.requires_grad
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize(("given_as", "kept_as"), [("double", "float64"), ("bfloat16", "float32")])
def test_scores_keep_the_precision_that_they_need(given_as, kept_as):
    model = getattr(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), given_as)()
    result = evaluate(model, (torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 1])))
    assert result.scores.dtype == getattr(torch, kept_as)


@pytest.mark.parametrize("batch_size", [0, -3, 2.0, True])
def test_a_wrong_batch_size_is_refused(batch_size):
    data = torch.rand(2, 1, 1, 2), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="expected batch_size as a whole number from 1, got"):
        evaluate(nn.Flatten(), data, batch_size)


def test_a_network_that_mixes_up_pictures_is_refused():
    data = torch.rand(2, 1, 1, 2), torch.tensor([0, 1])
    with pytest.raises(ValueError, match=r"scores of shape \(1, classes\) .*, got \(2,\): let it"):
        evaluate(nn.Flatten(start_dim=0), data)


def test_a_history_tells_epochs_and_why_it_stopped():
    assert repr(History(train_loss=[0.5])) == "<History: 1 epoch>"
    stopped = History(train_loss=[0.5, 0.4], stopped=True, reason="patience")
    assert (stopped.epochs, repr(stopped)) == (2, "<History: 2 epochs, stopped by patience>")
