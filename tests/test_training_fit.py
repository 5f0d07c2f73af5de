"""What `fit` promises beside its steps: chance, callbacks, schedules, and clear errors."""

from __future__ import annotations

import math

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from test_training import small_network, some_data
from torch import nn

from cnn_basics.datasets import load_folder
from cnn_basics.model import Custom_CNN
from cnn_basics.training import evaluate, fit
from cnn_basics.training.ablation import train_plainly
from cnn_basics.training.optimizing import scheduled_rate
from cnn_basics.training.seeds import epoch_order, epoch_seed, step_seed

QUIET = {"progress": False, "device": "cpu"}


def weights_after(**options) -> torch.Tensor:
    model = small_network()
    fit(model, some_data(), **{"epochs": 2, "batch_size": 10} | QUIET | options)
    return torch.cat([weight.flatten() for weight in model.parameters()])


def test_the_same_seed_gives_the_same_and_another_another():
    assert torch.equal(weights_after(seed=3), weights_after(seed=3))
    assert not torch.equal(weights_after(seed=3), weights_after(seed=4))


def test_the_callers_chance_is_left_alone():
    model = small_network()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(model, some_data(), epochs=1, augment=lambda x: x + torch.rand(1), **QUIET)
    assert torch.equal(torch.rand(3), expected)


def test_each_batch_is_augmented_by_new_chance_and_each_training_by_the_same():
    def drawn() -> list[float]:
        seen = []

        def change(pictures: torch.Tensor) -> torch.Tensor:
            seen.append(torch.rand(1).item())
            return pictures

        weights_after(augment=change)
        return seen

    first = drawn()
    assert len(set(first)) == len(first) == 10  # two epochs of five batches
    assert drawn() == first


def test_seeds_of_epochs_and_steps_never_meet():
    seeds = [epoch_seed(seed, epoch) for seed in (0, 1, 2) for epoch in range(1, 100)]
    seeds += [step_seed(seed, step) for seed in (0, 1, 2) for step in range(1000)]
    assert len(set(seeds)) == len(seeds)
    assert max(epoch_seed(2**32 - 1, 10**6), step_seed(2**32 - 1, 10**9)) < 2**63


def test_every_picture_is_trained_with_once_in_an_epoch():
    seen = []

    def look(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(pictures.clone())
        return pictures

    pictures = torch.arange(45.0).view(45, 1, 1, 1).expand(45, 3, 8, 8) / 45
    fit(small_network(), (pictures, some_data()[1]), epochs=1, batch_size=10, augment=look, **QUIET)
    assert [len(batch) for batch in seen] == [10, 10, 10, 10, 5]
    order = (torch.cat(seen)[:, 0, 0, 0] * 45).round().long()
    assert torch.equal(order, epoch_order(45, seed=0, epoch=1))
    assert not torch.equal(order, order.sort().values)


def test_callbacks_are_told_where_it_is_and_can_stop():
    batches, epochs = [], []

    def on_batch(state) -> bool:
        batches.append((state.epoch, state.batch, state.step))
        return state.step == 7

    model = small_network()
    history = fit(
        model, some_data(), epochs=3, batch_size=10, on_batch=on_batch,
        on_epoch=lambda state: epochs.append((state.epoch, state.share)), **QUIET,
    )  # fmt: skip
    assert batches == [(1, k, k) for k in range(1, 6)] + [(2, 1, 6), (2, 2, 7)]
    assert epochs == [(1, pytest.approx(1 / 3))]
    assert (history.epochs, history.stopped, history.reason) == (1, True, "callback")
    assert (len(history.seconds), len(history.learning_rate)) == (1, 1)


def test_stopping_in_the_last_batch_is_no_stop():
    history = fit(small_network(), some_data(), epochs=1, on_epoch=lambda s: s.stop(), **QUIET)
    assert (history.stopped, history.reason) == (False, "")


@pytest.mark.parametrize("steps", [10, 37, 250])
def test_schedules_are_those_of_pytorch(steps):
    for schedule, make in (
        ("one_cycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=steps)),
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, steps)),
    ):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
        theirs = make(optimizer)
        for step in range(steps):
            ours = scheduled_rate(schedule, 0.3, step, steps)
            assert ours == pytest.approx(theirs.get_last_lr()[0], rel=1e-9), (schedule, step)
            optimizer.step()
            theirs.step()


def test_the_rate_is_written_down():
    history = fit(small_network(), some_data(), epochs=2, schedule="cosine", **QUIET)
    assert history.learning_rate == [scheduled_rate("cosine", 1e-3, 0, 2), 1e-3 / 2]


def test_photos_of_a_folder_are_taken_as_they_are(tmp_path):
    for number in range(8):
        folder = tmp_path / ("dark" if number % 2 else "light")
        folder.mkdir(exist_ok=True)
        grey = np.full((9, 9, 3), 20 + 200 * (number % 2), np.uint8)
        imageio.imwrite(folder / f"{number}.png", grey)
    photos = load_folder(tmp_path, 28, cache=False)
    model = Custom_CNN()
    assert len(fit(model, photos, photos, epochs=1, progress=False).valid_loss) == 1
    pair = photos.pictures, photos.labels
    assert torch.equal(evaluate(model, photos).scores, evaluate(model, pair).scores)
    assert train_plainly(photos, photos, 1).scores.shape == (8, 2)


def test_validation_changes_nothing_and_is_written_down():
    data = some_data()
    model, other = small_network(), small_network()
    history = fit(model, data, some_data(30), epochs=2, **QUIET)
    fit(other, data, epochs=2, **QUIET)
    assert all(map(torch.equal, model.parameters(), other.parameters()))
    assert (len(history.valid_loss), len(history.valid_accuracy)) == (2, 2)
    assert model.training == other.training


def test_a_loss_that_explodes_is_told_with_place_and_remedy():
    words = (
        r"the loss became (nan|inf) in epoch \d+, batch \d+: lower learning_rate, for example to"
    )
    with pytest.raises(FloatingPointError, match=words):
        fit(small_network(), some_data(), epochs=50, optimizer="sgd", learning_rate=1e30, **QUIET)


def test_weights_lie_as_before_and_double_precision_stays():
    model = small_network().double()
    fit(model, (some_data()[0].double() / 255, some_data()[1]), epochs=1, **QUIET)
    assert {weight.dtype for weight in model.parameters()} == {torch.float64}
    model = small_network()
    fit(model, some_data(), epochs=1, **QUIET)
    assert all(weight.is_contiguous() for weight in model.parameters())


def test_a_network_with_view_is_trained_too():
    """`view` after a convolution does not work with the channels last: the layout is left alone."""

    class Viewing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(144, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.conv(x).view(len(x), -1))

    assert fit(Viewing(), some_data(), epochs=1, **QUIET).epochs == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "expected epochs as a whole number from 1, got 0"),
        ({"epochs": 1.5}, "expected epochs as a whole number from 1, got 1.5"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0}, "expected learning_rate as a number above 0, got 0"),
        ({"learning_rate": math.nan}, "expected learning_rate as a number above 0, got nan"),
        ({"weight_decay": -1}, "expected weight_decay as a number from 0, got -1"),
        ({"label_smoothing": 1.0}, "expected label_smoothing as a number from 0 to below 1, got"),
        ({"averaging": 1.0}, "expected averaging as a number from 0 to below 1, got 1.0"),
        ({"patience": 0}, "expected patience as a whole number from 1, got 0"),
        ({"optimizer": "magic"}, "expected optimizer as one of sgd, momentum, adam, adamw, got"),
        ({"schedule": "magic"}, "expected schedule as None, one_cycle or cosine, got 'magic'"),
        ({"seed": -1}, "expected seed as a whole number from 0"),
        ({"precision": "float16"}, "precision"),
        ({"device": "magic"}, "magic"),
        ({"augment": lambda x: x[1:]}, r"expected .* got .*\(44, 3, 8, 8\)"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        fit(small_network(), some_data(), **QUIET | options)


@pytest.mark.parametrize("name", ["augment", "on_batch", "on_epoch"])
def test_what_is_no_function_is_refused(name):
    with pytest.raises(
        TypeError, match=f"expected {name} as a function, got int: write {name}=None"
    ):
        fit(small_network(), some_data(), **QUIET, **{name: 3})


PICTURES, LABELS = some_data()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (PICTURES, TypeError, r"expected train as a pair \(pictures, labels\), got Tensor"),
        ((PICTURES, LABELS.tolist()), TypeError, "labels of train as a torch tensor, got list"),
        ((PICTURES[0], LABELS), ValueError, r"as \(N, C, H, W\), got \(3, 8, 8\)"),
        ((PICTURES[:0], LABELS[:0]), ValueError, "at least one picture in train"),
        (
            (PICTURES.long(), LABELS),
            TypeError,
            "uint8 from 0 to 255, or as floats, got torch.int64",
        ),
        ((PICTURES, LABELS.float()), TypeError, "labels of train as int64, got torch.float32"),
        ((PICTURES, LABELS[:-1]), ValueError, "one label for each of the 45 pictures"),
        ((PICTURES, LABELS - 1), ValueError, "labels of train from 0, got -1"),
        ((PICTURES, LABELS + 1), ValueError, "from 0 to 2, since the network has 3 scores, got 3"),
        ((PICTURES / 0, LABELS), ValueError, "expected finite numbers in the pictures of train"),
    ],
)
def test_bad_data_are_refused(data, error, words):
    with pytest.raises(error, match=words):
        fit(small_network(), data, **QUIET)


def test_a_network_without_weights_is_refused():
    with pytest.raises(ValueError, match="expected a network with weights to train"):
        fit(nn.Flatten(), (torch.rand(4, 1, 1, 2), torch.tensor([0, 1, 0, 1])), **QUIET)
