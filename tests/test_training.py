"""`fit` takes the very steps of a plain loop; chance, callbacks, schedules, and clear errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from cnn_basics.model import PhotoNet
from cnn_basics.training import evaluate, fit, set_seed, supports_bf16

QUIET = {"progress": False, "device": "cpu"}


def small_network(classes: int = 3, channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(6 * 4 * 4, classes))


def some_data(count: int = 45, classes: int = 3, channels: int = 3):
    generator = torch.Generator().manual_seed(1)
    shape = (count, channels, 8, 8)
    pictures = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return pictures, torch.randint(0, classes, (count,), generator=generator)


def plain_loop(model, data, epochs, batch_size, optimizer, seed=0):
    """What a PyTorch tutorial would write; only the order of the pictures is fit's."""
    pictures, losses = TensorDataset(data[0].float() / 255, data[1]), []
    for epoch in range(1, epochs + 1):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        sampler, total = RandomSampler(pictures, generator=generator), 0.0
        for batch, labels in DataLoader(pictures, batch_size, sampler=sampler):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(batch), labels)
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
    ours(data[0].float()).sum().backward()  # what was left in .grad before does not matter
    options = {"batch_size": 16, "learning_rate": 0.01, "optimizer": name, "seed": 5}
    history = fit(ours, data, epochs=3, **options, progress=False)
    losses = plain_loop(theirs, data, 3, 16, OPTIMIZERS[name](theirs.parameters()), seed=5)
    assert history.train_loss == pytest.approx(losses, abs=1e-6)
    for our, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(our, their, rtol=0, atol=1e-6)
        assert our.grad is None


def weights_after(data=None, **options) -> torch.Tensor:
    model = small_network()
    fit(model, data or some_data(), **{"epochs": 2, "batch_size": 10} | QUIET | options)
    return torch.cat([weight.flatten() for weight in model.parameters()])


def test_the_same_seed_gives_the_same_and_another_another():
    assert torch.equal(weights_after(seed=3), weights_after(seed=np.int64(3)))
    assert not torch.equal(weights_after(seed=3), weights_after(seed=4))


def test_numbers_of_numpy_are_taken_as_pythons():
    numbers = {"batch_size": np.int32(10), "learning_rate": np.float64(1e-3), "epochs": np.int8(2)}
    numbers |= {"weight_decay": np.float64(0), "label_smoothing": np.int64(0)}
    assert torch.equal(weights_after(**numbers), weights_after())


def test_set_seed_starts_all_chance_anew():
    def draw() -> list[float]:
        set_seed(3)
        return [torch.rand(1).item(), np.random.rand()]  # noqa: NPY002

    assert draw() == draw()


def test_chance_is_new_for_each_batch_the_same_for_each_training_and_the_callers_left_alone():
    seen, models = [], (small_network(), small_network())
    options = {"augment": lambda x: (seen.append(torch.rand(1).item()), x)[1]} | QUIET
    torch.manual_seed(5)
    for model in models:
        fit(model, some_data(), epochs=2, batch_size=10, **options)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    assert len(set(seen[:10])) == 10  # two epochs of five batches
    assert seen[:10] == seen[10:]


def test_every_picture_is_trained_with_once_in_an_epoch():
    seen = []
    pictures = torch.arange(45.0).view(45, 1, 1, 1).expand(45, 3, 8, 8) / 45
    data, options = (pictures, some_data()[1]), {"epochs": 2, "batch_size": 10}
    fit(small_network(), data, augment=lambda x: (seen.append(x), x)[1], **options, **QUIET)
    assert [len(batch) for batch in seen] == [10, 10, 10, 10, 5] * 2
    order = (torch.cat(seen)[:, 0, 0, 0] * 45).round().long().view(2, 45)
    assert torch.equal(order.sort().values, torch.arange(45).expand(2, 45))
    assert not torch.equal(order[0], order[1])


def test_callbacks_are_told_where_it_is_and_can_stop():
    batches, epochs = [], []

    def on_batch(state) -> np.bool_:
        batches.append((state.epoch, state.batch, state.step))
        assert 1 < math.exp(state.loss) < 100
        return np.bool_(state.step == 7)

    callbacks = {"on_batch": on_batch, "on_epoch": lambda s: epochs.append((s.epoch, s.share))}
    history = fit(small_network(), some_data(), epochs=3, batch_size=10, **callbacks, **QUIET)
    assert batches == [(1, k, k) for k in range(1, 6)] + [(2, 1, 6), (2, 2, 7)]
    assert epochs == [(1, pytest.approx(1 / 3))]
    assert (history.epochs, history.stopped, history.reason) == (1, True, "callback")
    assert (len(history.seconds), len(history.learning_rate)) == (1, 1)
    assert repr(history) == "<History: 1 epoch, stopped by callback>"


@pytest.mark.parametrize("truth", [True, np.True_, torch.tensor(True), 1])
def test_whatever_is_true_stops_but_not_in_the_last_batch(truth):
    history = fit(small_network(), some_data(), epochs=2, on_epoch=lambda _: truth, **QUIET)
    assert (history.epochs, history.reason) == (1, "callback")
    history = fit(small_network(), some_data(), epochs=1, on_epoch=lambda s: s.stop(), **QUIET)
    assert (history.stopped, history.reason) == (False, "")


@pytest.mark.parametrize("epochs", [2, 7])
def test_schedules_rise_and_fall_along_half_a_cosine(epochs):
    steps, peak = 5 * epochs, 0.01

    def half(start: float, end: float, share: float) -> float:
        return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

    top = 0.3 * steps - 1
    one_cycle = [
        half(peak / 25, peak, step / top)
        if step <= top
        else half(peak, peak / 250_000, (step - top) / (steps - 1 - top))
        for step in range(steps)
    ]
    cosine = [half(peak, 0, step / steps) for step in range(steps)]
    for name, expected in ((None, [peak] * steps), ("one_cycle", one_cycle), ("cosine", cosine)):
        rates = []
        options = {"epochs": epochs, "batch_size": 10, "learning_rate": peak, "schedule": name}
        options |= {"on_batch": lambda state, rates=rates: rates.append(state.learning_rate)}
        history = fit(small_network(), some_data(), **options, **QUIET)
        assert rates == pytest.approx(expected, rel=1e-9)
        assert history.learning_rate == rates[4::5]


def test_validation_changes_nothing_and_is_written_down():
    model, other = small_network(), small_network()
    history = fit(model, some_data(), some_data(30), epochs=2, **QUIET)
    fit(other, some_data(), epochs=2, **QUIET)
    assert all(map(torch.equal, model.parameters(), other.parameters()))
    result = evaluate(model, some_data(30))
    assert history.valid_loss[1:] == pytest.approx([result.loss])
    assert history.valid_accuracy[1:] == [result.accuracy]


def test_the_bar_counts_batches_and_tells_the_numbers_of_the_epoch(capsys):
    fit(small_network(), some_data(), some_data(30), epochs=2, batch_size=10, device="cpu")
    assert "epoch 2/2" in (said := capsys.readouterr().err)
    assert "10/10" in said
    assert "accuracy" in said


def test_a_loss_that_explodes_is_told_with_place_and_remedy():
    words = r"the loss became (nan|inf) in epoch \d+, batch \d+: lower learning_rate, .* to 1e\+29"
    with pytest.raises(FloatingPointError, match=words):
        fit(small_network(), some_data(), epochs=50, optimizer="sgd", learning_rate=1e30, **QUIET)


class Viewing(nn.Module):
    """`view` after a convolution does not work with the channels last: it is left alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(144, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.conv(x).view(len(x), -1))


@pytest.mark.parametrize("make", [small_network, Viewing, lambda: small_network().double()])
def test_weights_lie_and_are_as_before(make):
    model, seen = make(), []
    before = next(model.parameters()).dtype
    look = {"augment": lambda x: (seen.append(x), x)[1]}
    fit(model, some_data(), epochs=1, **look, **QUIET)
    assert all(weight.is_contiguous() for weight in model.parameters())
    assert {weight.dtype for weight in model.parameters()} == {before} == {seen[0].dtype}
    last = seen[0].is_contiguous(memory_format=torch.channels_last)
    assert last == (make is small_network)


class InPlace(nn.Module):
    """Changes the pictures that it is given."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.fc = nn.Linear(192, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.sub_(0.5).div_(0.5).flatten(1))


def test_a_network_that_works_in_place_does_not_reach_the_callers_pictures():
    pictures, labels = some_data()[0] / 255, some_data()[1]
    train, valid = pictures.clone(), pictures.clone()
    options = {"epochs": 2, "averaging": 0.5} | QUIET
    fit(InPlace(), (train, labels), (valid, labels), **options)
    losses = [evaluate(InPlace(), (valid, labels), sizes=sizes).loss for sizes in ((), (), (8,))]
    assert losses[0] == losses[1]
    assert torch.equal(train, pictures)
    assert torch.equal(valid, pictures)


@pytest.mark.parametrize(
    ("model", "count", "batch_size", "works"),
    [
        (PhotoNet, 65, 64, False),
        (PhotoNet, 65, 1, False),
        (PhotoNet, 64, 64, True),
        (small_network, 65, 64, True),
    ],
)
def test_a_batch_of_one_is_refused_where_batch_norm_needs_more(model, count, batch_size, works):
    data, options = some_data(count, 2), {"epochs": 1, "batch_size": batch_size} | QUIET
    if works:
        assert fit(model(), data, **options).epochs == 1
        return
    net = model()
    before = {name: t.clone() for name, t in net.state_dict().items()}
    with pytest.raises(ValueError, match=f"got fewer with batch_size={batch_size} and 65 pictures"):
        fit(net, data, **options)
    assert all(torch.equal(before[name], t) for name, t in net.state_dict().items())


def test_bf16_trains_nearly_as_well(monkeypatch):
    monkeypatch.setattr("cnn_basics.training.machine.supports_bf16", lambda _: True)
    exact, rough = (
        fit(small_network(), some_data(), epochs=3, precision=precision, **QUIET)
        for precision in ("float32", "bf16")
    )
    assert rough.train_loss == pytest.approx(exact.train_loss, abs=0.02)


def test_it_is_known_whether_the_processor_has_bfloat16(monkeypatch):
    known = supports_bf16("cpu")
    assert known in (True, False)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert supports_bf16("cpu") in (True, False)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: "on a GPU")
    monkeypatch.setattr("torch.backends.mps.is_macos_or_newer", lambda *version: version == (14, 0))
    for kind, known in (("cuda", "on a GPU"), ("mps", True)):
        device = torch.device(kind)
        monkeypatch.setattr("cnn_basics.training.machine.choose_device", lambda _, d=device: d)
        assert supports_bf16(device) == known


WHOLE, SHARE = "as a whole number from 1, got", "as a number from 0 to below 1, got"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, f"expected epochs {WHOLE} 0: write epochs=10"),
        ({"epochs": None}, f"expected epochs {WHOLE} None"),
        ({"batch_size": True}, f"expected batch_size {WHOLE} True: write batch_size=64"),
        ({"patience": 0}, f"expected patience {WHOLE} 0: write patience=None"),
        ({"learning_rate": 0}, "expected learning_rate as a number above 0, got 0"),
        ({"learning_rate": math.nan}, "expected learning_rate as a number above 0, got nan"),
        ({"learning_rate": "0.1"}, "expected learning_rate as a number above 0, got '0.1'"),
        ({"weight_decay": -1}, "expected weight_decay as a number from 0, got -1"),
        ({"label_smoothing": 1.0}, f"expected label_smoothing {SHARE} 1.0"),
        ({"averaging": 1.0}, f"expected averaging {SHARE} 1.0"),
        ({"optimizer": "magic"}, "expected optimizer as one of sgd, momentum, adam, adamw, got"),
        ({"schedule": "magic"}, "expected schedule as one of None, one_cycle, cosine, got 'magic'"),
        ({"seed": -1}, "expected seed as a whole number from 0, got -1"),
        ({"seed": 2**32}, "expected seed as a whole number below 2³²"),
        ({"precision": "float16"}, """precision "float32" or "bf16", got 'float16'"""),
        ({"precision": "bf16"}, 'got cpu without it: write precision="float32", which is faster'),
        ({"device": "magic"}, r"expected a device of this machine \(.*cpu\), got 'magic': write"),
        ({"augment": lambda x: x[1:]}, r"return a float32 tensor .*, got a .*\(44, 3, 8, 8\)"),
        ({"augment": 3}, "expected augment as a function, got 3: write augment=None"),
        ({"on_batch": 3}, "expected on_batch as a function, got 3: write on_batch=None"),
        ({"on_epoch": 3}, "expected on_epoch as a function, got 3: write on_epoch=None"),
    ],
)
def test_bad_options_are_refused(options, words, monkeypatch):
    monkeypatch.setattr("cnn_basics.training.machine.supports_bf16", lambda _: False)
    with pytest.raises((ValueError, TypeError), match=words):
        fit(small_network(), some_data(), **QUIET | options)


PICTURES, LABELS = some_data()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (PICTURES, TypeError, r"expected train as a pair \(pictures, labels\), got a uint8 tensor"),
        ((PICTURES,) * 4, TypeError, "got a tuple of 4: write train="),
        ((PICTURES, LABELS.tolist()), TypeError, "labels of train as a torch tensor, got a list"),
        ((PICTURES[0], LABELS), ValueError, r"as \(N, C, H, W\), got \(3, 8, 8\): write .unsq"),
        ((PICTURES[:0], LABELS[:0]), ValueError, "at least one picture in train"),
        ((PICTURES.long(), LABELS), TypeError, "uint8 .* or as floats, got torch.int64"),
        ((PICTURES, LABELS.float()), TypeError, "labels of train as int64, got torch.float32"),
        ((PICTURES, LABELS[:-1]), ValueError, "one label for each of the 45 pictures of train, go"),
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
