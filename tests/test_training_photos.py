import pytest
import torch

from cnn_basics.model import PhotoNet
from cnn_basics.training import fit
from cnn_basics.training.photos import RECIPE, PhotoChanges, fit_photos


def photos(count=12, size=20):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 3, size, size, generator=generator), torch.arange(count) % 2


class Watched(PhotoNet):
    """Notes the size of the pictures that it is trained with."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, x):
        if self.training:
            self.sizes.append(x.shape[2])
        return super().forward(x)


@pytest.mark.parametrize(
    ("epochs", "sizes", "seen"),
    [
        (6, (8, 12, 16), [8, 8, 12, 12, 16, 16]),
        (5, (8, 16), [8, 8, 8, 16, 16]),
        (3, (8,), [8, 8, 8]),
        (2, (8, 12, 16), [8, 12]),
    ],
)
def test_views_grow_with_the_training(epochs, sizes, seen):
    model = Watched()
    history = fit_photos(model, photos(), epochs, sizes=sizes, progress=False)
    assert model.sizes == seen
    assert history.epochs == epochs


def test_it_is_fit_with_the_recipe():
    torch.manual_seed(0)
    ours, plain = PhotoNet(), PhotoNet()
    plain.load_state_dict(ours.state_dict())
    fit_photos(ours, photos(), 2, sizes=(16,), seed=5, progress=False)
    fit(plain, photos(), epochs=2, augment=PhotoChanges(16), seed=5, progress=False, **RECIPE)
    for (name, p), q in zip(ours.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=0, msg=name)


def test_options_replace_the_recipe():
    history = fit_photos(
        PhotoNet(), photos(), 2, learning_rate=1e-4, schedule=None, valid=photos(), progress=False
    )
    assert history.learning_rate == [1e-4, 1e-4]
    assert len(history.valid_accuracy) == 2


def test_no_size_is_refused():
    with pytest.raises(ValueError, match="expected at least one size, got none"):
        fit_photos(PhotoNet(), photos(), sizes=())


def test_without_chance_pictures_are_only_resized():
    pictures, _ = photos(size=16)
    torch.testing.assert_close(PhotoChanges(16, augmented=False)(pictures), pictures)
    assert PhotoChanges(8, augmented=False)(pictures).shape == (12, 3, 8, 8)
    torch.manual_seed(0)
    plain, changed = PhotoNet(), PhotoNet()
    changed.load_state_dict(plain.state_dict())
    for model, augmented in ((plain, False), (changed, True)):
        fit_photos(model, photos(), 1, sizes=(16,), augmented=augmented, progress=False)
    assert not torch.equal(plain.fc.weight, changed.fc.weight)


def test_changes_are_of_place_and_colour_and_hide_a_square():
    torch.manual_seed(0)
    changes = PhotoChanges(40)
    flat = torch.full((8, 3, 50, 50), 0.5)
    flat[:, 0] = 0.6
    views = changes(flat)
    assert views.shape == (8, 3, 40, 40)
    means = views.mean(dim=(2, 3))
    assert (means[0] - means[1]).abs().max() > 1e-3  # other colours
    ramp = torch.linspace(0, 1, 50).expand(8, 3, 50, 50)
    hidden = (changes(ramp)[:, 0].diff(dim=2).abs() < 1e-6).float().mean(dim=(1, 2))
    assert (hidden > 0.01).all()
