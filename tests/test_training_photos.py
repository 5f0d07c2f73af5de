import pytest
import torch

from cnn_basics.model import PhotoNet
from cnn_basics.training import fit
from cnn_basics.training.photos import RECIPE, fit_photos
from cnn_basics.training.views import RandomViews


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
    fit(plain, photos(), epochs=2, augment=RandomViews(16), seed=5, progress=False, **RECIPE)
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
