import inspect

import pytest
import torch

from cnn_basics.model import PhotoNet
from cnn_basics.training import ablation, evaluate, fit, set_seed
from cnn_basics.training.ablation import VERSIONS, shrink, train_plainly, train_version
from cnn_basics.training.photos import fit_photos
from cnn_basics.training.views import evaluate_views


def photos(count=12, size=36, classes=2):
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (count, 3, size, size), generator=generator)
    return pictures.to(torch.uint8), torch.arange(count) % classes


@pytest.fixture
def calls(monkeypatch):
    """What `fit_photos` and `evaluate_views` are called with."""
    noted = []

    def note_fit(model, *args, **options):
        noted.append((model, options))
        return fit_photos(model, *args, **options)

    def note_sizes(model, test, sizes):
        noted.append(sizes)
        return evaluate_views(model, test, sizes)

    monkeypatch.setattr(ablation, "fit_photos", note_fit)
    monkeypatch.setattr(ablation, "evaluate_views", note_sizes)
    return noted


@pytest.mark.parametrize("name", VERSIONS)
def test_each_version_differs_in_what_it_says(name, calls):
    train_version(name, photos(), photos(), 1, sizes=(24, 32), batch_size=5, seed=3)
    (model, options), sizes = calls
    usual = {"seed": 3, "progress": False, "sizes": (24, 32), "batch_size": 5}
    assert set(usual) <= set(options)
    changed = {key: value for key, value in options.items() if usual.get(key, ...) != value}
    own = {key: value for key, value in VERSIONS[name].items() if key != "network"}
    assert changed == own
    network = VERSIONS[name].get("network", {})
    assert repr(model) == repr(PhotoNet(**network))
    assert sizes == ((28, 35, 42) if "large" in name else (32, 40, 48))


def test_every_version_is_another_and_only_the_first_is_complete():
    assert VERSIONS["everything"] == {}
    assert all(VERSIONS[name] for name in VERSIONS if name != "everything")
    known = {
        "network",
        *inspect.signature(fit_photos).parameters,
        *inspect.signature(fit).parameters,
    }
    for changes in VERSIONS.values():
        assert set(changes) <= known


def test_the_seed_decides():
    scores = [
        train_version("everything", photos(), photos(), 1, sizes=(24,), seed=seed).scores
        for seed in (0, 0, 1)
    ]
    assert torch.equal(scores[0], scores[1])
    assert not torch.equal(scores[0], scores[2])


def test_plain_training_is_that_of_custom_cnn():
    data = photos(classes=3)
    found = train_plainly(data, data, 2, seed=4)
    set_seed(4)
    model = ablation.Custom_CNN(3)
    fit(model, shrink(data), epochs=2, seed=4, progress=False)
    assert torch.equal(found.scores, evaluate(model, shrink(data)).scores)


def test_shrinking_keeps_labels_and_range():
    pictures, labels = photos()
    small, same = shrink((pictures, labels))
    assert small.shape == (12, 3, 28, 28)
    assert torch.equal(same, labels)
    assert small.max() <= 1
    torch.testing.assert_close(small.mean(), pictures.float().mean() / 255, atol=5e-3, rtol=0)


def test_unknown_versions_are_refused():
    with pytest.raises(ValueError, match=r"expected one of the versions everything, .*got 'most'"):
        train_version("most", photos(), photos(), 1)
