"""What `evaluate` and `reliability` give: counts, refusals, a network left as it was."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from refusing import refusing
from sklearn.metrics import confusion_matrix, log_loss
from torch import nn

from cnn_basics.datasets import BUNDLED, load_folder
from cnn_basics.model import Custom_CNN, PhotoNet
from cnn_basics.training import Evaluation, evaluate, fit, prepare, reliability, resize


@pytest.mark.parametrize("seed", range(20))
def test_numbers_are_those_of_scikit_learn(seed):
    generator = torch.Generator().manual_seed(seed)
    shape = (1 + seed % 12, 2 + seed % 4)  # of some classes there may be no picture
    scores = torch.randn(shape, dtype=torch.float64, generator=generator)
    labels = torch.randint(0, shape[1], shape[:1], generator=generator)
    result, classes = Evaluation.of(scores, labels), range(shape[1])
    theirs = confusion_matrix(labels, scores.argmax(dim=1), labels=classes)
    assert result.confusion().tolist() == theirs.tolist()
    assert result.accuracy == theirs.trace() / len(labels)
    shares = result.probabilities.numpy()
    assert result.loss == pytest.approx(log_loss(labels, shares, labels=classes), abs=1e-12)
    assert result.losses.mean().item() == pytest.approx(result.loss, abs=1e-12)
    wrong = (scores.argmax(dim=1) != labels).nonzero()[:, 0].tolist()
    assert sorted(result.mistakes().tolist()) == wrong
    for falling in (result.losses[result.worst(99)], result.losses[result.mistakes()]):
        assert (falling.diff() <= 0).all()
    assert repr(result) == f"<Evaluation: loss {result.loss:.4f}, accuracy {result.accuracy:.4f}>"
    assert result in (Evaluation.of(scores, labels), result)  # they can be compared


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
    first, second = (evaluate(model, data, batch_size=size) for size in (np.int64(2), 5))
    torch.testing.assert_close(first.scores, second.scores)
    assert torch.equal(torch.rand(1), expected)
    assert [layer.training for layer in model] == [False, *[training] * 4]
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    assert not first.scores.requires_grad
    assert all(weight.grad is None for weight in model.parameters())
    torch.testing.assert_close(first.scores, model.eval()(data[0]).detach())


def test_numbers_keep_the_precision_that_they_need():
    data = torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 1])
    for dtype, kept in ((torch.double, torch.double), (torch.bfloat16, torch.float32)):
        model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).to(dtype)
        assert evaluate(model, data).scores.dtype == kept
    pictures = torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8)
    torch.testing.assert_close(prepare(pictures), torch.tensor([[[[0.0, 0.2, 1.0]]]]))
    floats = torch.tensor([[[[-2.0, 7.0]]]])
    assert torch.equal(prepare(floats), floats)


def test_photos_of_a_folder_are_taken_as_they_are():
    photos = load_folder(BUNDLED, 28, split="test_set", limit=4, cache=False)
    model = Custom_CNN()
    assert len(fit(model, photos, photos, epochs=1, progress=False).valid_loss) == 1
    pair = photos.pictures, photos.labels
    assert torch.equal(evaluate(model, photos).scores, evaluate(model, pair).scores)


def test_views_are_averaged_over_sizes_and_mirror_images():
    torch.manual_seed(0)
    model, labels = PhotoNet(), torch.arange(7) % 2
    pictures = torch.randint(0, 256, (7, 3, 24, 24), dtype=torch.uint8)
    both = evaluate(model, (pictures, labels), 3, sizes=(24, 16))
    assert model.training
    shares = [
        evaluate(model, (way, labels)).probabilities
        for size in (24, 16)
        for way in (resize(pictures, size), resize(pictures, size).flip(3))
    ]
    mean = sum(shares) / 4
    torch.testing.assert_close(both.probabilities, mean, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(shares[0], shares[2], atol=1e-4)
    assert both.accuracy == (mean.argmax(1) == labels).double().mean().item()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_resizing_is_that_of_torch_with_antialiasing_and_copies(dtype):
    pictures = (torch.rand(2, 3, 24, 20) * 255).to(dtype)
    floats = prepare(pictures, torch.float32 if dtype == torch.uint8 else dtype)
    wanted = F.interpolate(floats, (10, 10), mode="bilinear", antialias=True)
    torch.testing.assert_close(resize(pictures, 10), wanted, rtol=0, atol=0)
    square = floats[..., :20, :]
    assert torch.equal(resize(square, 20), square)
    assert resize(square, 20).data_ptr() != square.data_ptr()


@pytest.mark.parametrize(("classes", "bins"), [(2, 1), (2, 5), (3, 8), (10, 5)])
def test_reliability_is_what_counting_gives(classes, bins):
    generator = torch.Generator().manual_seed(classes * bins)
    shares = (torch.randn(200, classes, generator=generator) * 2).softmax(dim=1)
    labels = torch.randint(classes, (200,), generator=generator)
    found = reliability(shares, labels, bins)
    groups, width, error = [[] for _ in range(bins)], (1 - 1 / classes) / bins, 0.0
    for row, label in zip(shares.tolist(), labels.tolist(), strict=True):
        number = min(int((max(row) - 1 / classes) / width), bins - 1)
        groups[number].append((max(row), row.index(max(row)) == label))
    for number, group in enumerate(groups):
        mean = np.mean(group, axis=0) if group else np.full(2, np.nan)
        told = [found.confidence[number].item(), found.accuracy[number].item()]
        assert told == pytest.approx(mean, abs=1e-5, nan_ok=True)
        error += len(group) / 200 * abs(mean[0] - mean[1]) if group else 0.0
    assert found.counts.tolist() == [len(group) for group in groups]
    assert found.error == pytest.approx(error, abs=1e-5)
    assert found.edges.tolist() == pytest.approx([1 / classes + k * width for k in range(bins + 1)])


def test_equal_and_full_shares_have_a_group():
    ends = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    assert reliability(ends, torch.tensor([0, 0]), 4).counts.tolist() == [1, 0, 0, 1]
    assert Evaluation.of(ends, torch.tensor([0, 0])).worst(np.int64(0)).tolist() == []


SHARES, LABELS = torch.full((3, 2), 0.5), torch.tensor([0, 1, 0])
DATA = torch.rand(2, 1, 1, 2), torch.tensor([0, 1])


test_what_does_not_fit_is_refused = refusing(
    (lambda: Evaluation.of(SHARES, LABELS).worst(-3), r"n as a whole .*, got -3: write worst\("),
    (lambda: evaluate(nn.Flatten(), DATA, 2.5), "batch_size as a whole number from 1, got 2.5"),
    (lambda: evaluate(nn.Flatten(), DATA, sizes=(True,)), "each of sizes as a whole .* True"),
    (lambda: evaluate(nn.Flatten(0), DATA), r"network with scores of shape \(1, 2 .*\(2,\): fla"),
    (lambda: reliability(SHARES, LABELS, None), "bins as a whole number from 1, got None"),
    (lambda: reliability(SHARES, LABELS[:2]), r"\(3, 2\) and \(2,\): give one row for each"),
    (lambda: reliability(SHARES[:0], LABELS[:0]), r"got \(0, 2\) and \(0,\)"),
    (lambda: reliability(SHARES * 3, LABELS), r"that do not: write scores\.softmax\(dim=1\)"),
    (lambda: reliability(SHARES + torch.tensor([1.0, -1.0]), LABELS), "probabilities that sum"),
    (lambda: reliability(SHARES, LABELS - 1), "labels as int64 from 0 to 1, .* from -1 to 0"),
    (lambda: reliability(SHARES, LABELS + 1), "labels as int64 from 0 to 1, .* from 1 to 2"),
    (lambda: reliability(SHARES, LABELS.float()), r"labels as int64 .*, got torch.float32"),
)
