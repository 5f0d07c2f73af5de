import pytest
import torch

from cnn_basics.training.calibration import reliability


def by_hand(probabilities, labels, bins):
    """Group by group, in plain Python."""
    classes = probabilities.shape[1]
    groups = [[] for _ in range(bins)]
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        width = (1 - 1 / classes) / bins
        number = min(int((max(row) - 1 / classes) / width), bins - 1)
        groups[number].append((max(row), row.index(max(row)) == label))
    error = 0.0
    for group in groups:
        sure, right = (sum(part) for part in zip(*group, strict=True)) if group else (0, 0)
        error += abs(sure - right) / len(labels)
    return groups, error


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("bins", [1, 5, 8])
def test_it_is_what_counting_gives(classes, bins):
    generator = torch.Generator().manual_seed(classes * bins)
    scores = torch.randn(200, classes, generator=generator) * 2
    labels = torch.randint(classes, (200,), generator=generator)
    found = reliability(scores.softmax(dim=1), labels, bins)
    groups, error = by_hand(scores.softmax(dim=1), labels, bins)
    assert found.counts.tolist() == [len(group) for group in groups]
    assert found.error == pytest.approx(error, abs=1e-5)
    assert found.edges[0] == pytest.approx(1 / classes)
    assert found.edges[-1] == 1
    for group, sure, right in zip(groups, found.confidence, found.accuracy, strict=True):
        if not group:
            assert sure.isnan()
            assert right.isnan()
            continue
        assert sure.item() == pytest.approx(sum(s for s, _ in group) / len(group), abs=1e-5)
        assert right.item() == pytest.approx(sum(r for _, r in group) / len(group), abs=1e-5)


def test_honest_answers_have_no_error():
    generator = torch.Generator().manual_seed(0)
    second = torch.rand(200_000, generator=generator)
    shares = torch.stack([1 - second, second], dim=1)
    labels = (torch.rand(200_000, generator=generator) < second).long()
    assert reliability(shares, labels, 10).error < 0.005
    flattered = (shares.log() * 3).softmax(dim=1)
    assert reliability(flattered, labels, 10).error > 0.08


def test_equal_and_full_shares_have_a_group():
    shares = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    assert reliability(shares, torch.tensor([0, 0]), 4).counts.tolist() == [1, 0, 0, 1]


def test_what_does_not_fit_is_refused():
    shares, labels = torch.full((3, 2), 0.5), torch.tensor([0, 1, 0])
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(2,\)"):
        reliability(shares, labels[:2])
    with pytest.raises(ValueError, match=r"got \(0, 2\) and \(0,\)"):
        reliability(shares[:0], labels[:0])
    for wrong in (shares * 3, torch.tensor([[1.5, -0.5]] * 3)):
        with pytest.raises(ValueError, match=r"write scores\.softmax\(dim=1\)"):
            reliability(wrong, labels)
    for wrong in (labels - 1, labels + 1):
        with pytest.raises(ValueError, match="expected labels from 0 to 1, one for each column"):
            reliability(shares, wrong)
    with pytest.raises(TypeError, match=r"as int64, got torch.float32: write labels\.long"):
        reliability(shares, labels.float())
    for bins in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match=f"bins as a whole number from 1, got {bins}: write"):
            reliability(shares, labels, bins)
