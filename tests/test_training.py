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
from cnn_basics.training import evaluate, fit, machine, supports_bf16

QUIET = {"progress": False, "device": "cpu"}


def small_network() -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(6 * 4 * 4, 3))


def some_data(count: int = 45, classes: int = 3):
    generator = torch.Generator().manual_seed(1)
    pictures = torch.randint(0, 256, (count, 3, 8, 8), dtype=torch.uint8, generator=generator)
    return pictures, torch.randint(0, classes, (count,), generator=generator)


def train(model: nn.Module | None = None, data=None, valid=None, **options):
    """Train for two epochs of five batches, unless told otherwise."""
    model = model or small_network()
    options = {"epochs": 2, "batch_size": 10} | QUIET | options
    return model, fit(model, some_data() if data is None else data, valid, **options)


def same_weights(ours: nn.Module, theirs: nn.Module) -> bool:
    return all(map(torch.equal, ours.parameters(), theirs.parameters()))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sgd", torch.optim.SGD),
        ("momentum", lambda *args, **rate: torch.optim.SGD(*args, **rate, momentum=0.9)),
        ("adam", torch.optim.Adam),
        ("adamw", lambda *args, **rate: torch.optim.AdamW(*args, **rate, weight_decay=0.0)),
    ],
)
def test_fit_takes_the_steps_of_a_plain_loop(name, make):
    """The loop is what a PyTorch tutorial would write; only the order of the pictures is fit's."""
    data, ours, theirs = some_data(), small_network(), small_network()
    ours(data[0].float()).sum().backward()  # what was left in .grad before does not matter
    options = {"batch_size": 16, "learning_rate": 0.01, "optimizer": name, "seed": 5}
    _, history = train(ours, epochs=3, **options)
    pictures, losses = TensorDataset(data[0].float() / 255, data[1]), []
    optimizer = make(theirs.parameters(), lr=0.01)
    for epoch in (1, 2, 3):
        generator = torch.Generator().manual_seed(5 * 1_000_003 + epoch)
        sampler, total = RandomSampler(pictures, generator=generator), 0.0
        for batch, labels in DataLoader(pictures, 16, sampler=sampler):
            optimizer.zero_grad()
            loss = F.cross_entropy(theirs(batch), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses.append(total / len(pictures))
    assert history.train_loss == pytest.approx(losses, abs=1e-6)
    for our, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(our, their, rtol=0, atol=1e-6)
        assert our.grad is None


def test_chance_is_of_the_seed_new_for_each_batch_and_the_callers_is_left_alone():
    seen, model = [], small_network()
    look = {"augment": lambda x: (seen.append(torch.rand(1).item()), x)[1]}
    torch.manual_seed(5)
    train(model, seed=2**70, **look)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))
    assert same_weights(model, train(seed=2**70, **look)[0])
    assert not same_weights(model, train(seed=4)[0])
    assert seen[:10] == seen[10:]
    assert len(set(seen)) == 10  # two epochs of five batches


def test_numbers_of_numpy_are_taken_as_pythons():
    numbers = {"batch_size": np.int32(10), "learning_rate": np.float64(1e-3), "epochs": np.int8(2)}
    numbers |= {"weight_decay": np.float64(0), "label_smoothing": np.int64(0), "seed": np.int64(3)}
    assert same_weights(train(**numbers)[0], train(seed=3)[0])


def test_every_picture_is_trained_with_once_in_an_epoch():
    seen = []
    pictures = torch.arange(45.0).view(45, 1, 1, 1).expand(45, 3, 8, 8) / 45
    train(data=(pictures, some_data()[1]), augment=lambda x: (seen.append(x), x)[1])
    assert [len(batch) for batch in seen] == [10, 10, 10, 10, 5] * 2
    order = (torch.cat(seen)[:, 0, 0, 0] * 45).round().long().view(2, 45)
    assert torch.equal(order.sort().values, torch.arange(45).expand(2, 45))
    assert not torch.equal(order[0], order[1])


def test_callbacks_are_told_where_it_is_and_can_stop():
    batches, epochs = [], []

    def on_batch(training) -> np.bool_:
        batches.append((training.epoch, training.batch, training.step))
        assert 1 < math.exp(training.loss) < 100
        return np.bool_(training.step == 7)

    callbacks = {"on_batch": on_batch, "on_epoch": lambda t: epochs.append((t.epoch, t.epochs))}
    _, history = train(epochs=3, **callbacks)
    assert batches == [(1, k, k) for k in range(1, 6)] + [(2, 1, 6), (2, 2, 7)]
    assert epochs == [(1, 3)]
    assert (history.epochs, history.stopped, history.reason) == (1, True, "callback")
    assert (len(history.seconds), len(history.learning_rate)) == (1, 1)
    assert repr(history) == "<History: 1 epoch, stopped by callback>"


@pytest.mark.parametrize("truth", [True, np.True_, torch.tensor(True), 1])
def test_whatever_is_true_stops_but_not_in_the_last_batch(truth):
    ended = [train(epochs=epochs, on_epoch=lambda _: truth)[1] for epochs in (2, 1)]
    assert [(history.epochs, history.reason) for history in ended] == [(1, "callback"), (1, "")]


@pytest.mark.parametrize("epochs", [2, 7])
@pytest.mark.parametrize("name", [None, "cosine", "one_cycle"])
def test_schedules_are_pytorchs_and_step_after_each_batch(epochs, name):
    steps, rates, expected = 5 * epochs, [], [0.01] * 5 * epochs
    look = {"on_batch": lambda training: rates.append(training.learning_rate)}
    _, history = train(epochs=epochs, learning_rate=0.01, schedule=name, **look)
    if name == "cosine":
        expected = [0.005 * (1 + math.cos(math.pi * step / steps)) for step in range(steps)]
    elif name == "one_cycle":
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)])
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, steps, cycle_momentum=False)
        for step in range(steps):
            expected[step] = schedule.get_last_lr()[0]
            optimizer.step()
            schedule.step()
    assert rates == pytest.approx(expected, rel=1e-9)
    assert history.learning_rate == rates[4::5]


def test_validation_changes_nothing_and_is_written_down():
    (model, history), (other, _) = train(valid=some_data(30)), train()
    result = evaluate(model, some_data(30))
    assert same_weights(model, other)
    assert history.valid_loss[1:] == pytest.approx([result.loss])
    assert history.valid_accuracy[1:] == [result.accuracy]
    with pytest.raises(ValueError, match="expected validation pictures for patience=2, got none"):
        train(patience=2)


def test_the_bar_counts_batches_and_tells_the_numbers_of_the_epoch(capsys):
    train(valid=some_data(30), progress=True)
    said = capsys.readouterr().err
    assert all(word in said for word in ("epoch 2/2", "10/10", "train_loss=", "valid_accuracy="))


def test_a_loss_that_explodes_is_told_with_place_and_remedy():
    words = r"the loss became (nan|inf) in epoch \d+, batch \d+: lower learning_rate, .* to 1e\+29"
    with pytest.raises(FloatingPointError, match=words):
        train(epochs=50, optimizer="sgd", learning_rate=1e30)


class Viewing(nn.Sequential):
    """`view` after a convolution does not work with the channels last: it is left alone."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self[1](self[0](x).view(len(x), -1))


def lazy_network() -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3))


@pytest.mark.parametrize(
    ("make", "last"),
    [
        (small_network, True),
        (lazy_network, True),
        (lambda: Viewing(nn.Conv2d(3, 4, 3), nn.Linear(144, 3)), False),
        (lambda: small_network().double(), False),
        (lambda: torch.jit.script(small_network()), False),
    ],
)
def test_weights_lie_and_are_as_before(make, last):
    model, seen = make(), []
    before = next(model.parameters()).dtype
    train(model, valid=some_data(), averaging=0.9, augment=lambda x: (seen.append(x), x)[1])
    assert all(weight.is_contiguous() for weight in model.parameters())
    assert {weight.dtype for weight in model.parameters()} == {before} == {seen[0].dtype}
    assert seen[0].is_contiguous(memory_format=torch.channels_last) == last
    assert all(module.training for module in model.modules())


def test_a_network_that_works_in_place_does_not_reach_the_callers_pictures():
    pictures, labels = some_data()[0] / 255, some_data()[1]
    mine, valid = pictures.clone(), pictures.clone()
    model = nn.Sequential(nn.SELU(inplace=True), nn.Flatten(), nn.Linear(192, 3))
    train(model, (mine, labels), (valid, labels), averaging=0.5)
    losses = [evaluate(model, (valid, labels), sizes=sizes).loss for sizes in ((), (), (8,))]
    assert losses[0] == losses[1]
    assert torch.equal(mine, pictures)
    assert torch.equal(valid, pictures)


@pytest.mark.parametrize(
    ("count", "batch_size", "processes"), [(65, 64, 1), (65, 1, 1), (67, 64, 2)]
)
def test_a_batch_or_a_share_of_one_is_refused_where_batch_norm_needs_more(
    count, batch_size, processes, monkeypatch
):
    alone = machine.Processes(torch.device("cpu"), 0, processes)
    monkeypatch.setattr(machine, "join_processes", lambda _: alone)
    net, data, options = PhotoNet(), some_data(count, 2), {"batch_size": batch_size, "epochs": 1}
    before = {name: t.clone() for name, t in net.state_dict().items()}
    with pytest.raises(ValueError, match=f"with batch_size={batch_size} and {count} pictures"):
        train(net, data, **options)
    assert all(torch.equal(before[name], t) for name, t in net.state_dict().items())
    monkeypatch.undo()
    assert train(data=data, **options)[1].epochs == 1  # without batch norm
    assert train(net, some_data(64, 2), epochs=1, batch_size=64)[1].epochs == 1


def test_bf16_trains_nearly_as_well(monkeypatch):
    monkeypatch.setattr(machine, "supports_bf16", lambda _: True)
    (_, exact), (_, rough) = (train(precision=precision) for precision in ("float32", "bf16"))
    assert rough.train_loss == pytest.approx(exact.train_loss, abs=0.02)


def test_it_is_known_whether_the_processor_has_bfloat16(monkeypatch):
    assert supports_bf16("cpu") in (True, False)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert supports_bf16("cpu") in (True, False)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: "on a GPU")
    monkeypatch.setattr("torch.backends.mps.is_macos_or_newer", lambda *version: version == (14, 0))
    for kind, known in (("cuda", "on a GPU"), ("mps", True)):
        monkeypatch.setattr(machine, "choose_device", lambda _, kind=kind: torch.device(kind))
        assert supports_bf16(kind) == known


WHOLE, UNIT = "as a whole number from 1, got", "as a number from 0 to 1, got"
PICTURES, LABELS = some_data()
REFUSED = [
    ({"epochs": 0}, f"expected epochs {WHOLE} 0: write epochs=1"),
    ({"epochs": None}, f"expected epochs {WHOLE} None"),
    ({"batch_size": True}, f"expected batch_size {WHOLE} True"),
    ({"patience": 0}, f"expected patience {WHOLE} 0"),
    ({"learning_rate": 0}, r"expected learning_rate as a number from 1e-30 to 1e\+30, got 0: leav"),
    ({"learning_rate": math.nan}, "expected learning_rate as a number .*, got nan"),
    ({"learning_rate": "0.1"}, "expected learning_rate as a number .*, got '0.1'"),
    ({"weight_decay": -1}, "expected weight_decay as a number from 0 .*, got -1"),
    ({"label_smoothing": 1.1}, f"expected label_smoothing {UNIT} 1.1"),
    ({"averaging": -0.1}, f"expected averaging {UNIT} -0.1"),
    ({"optimizer": "magic"}, "optimizer as one of sgd, .*, adamw, got 'magic': write opt.*\"sgd\""),
    ({"schedule": "magic"}, "expected schedule as one of one_cycle, cosine, got 'magic'"),
    ({"seed": -1}, "expected seed as a whole number from 0, got -1"),
    ({"precision": "float16"}, "precision as one of float32, bf16, got 'float16'"),
    ({"precision": "bf16"}, 'got cpu without it: write precision="float32", which is faster'),
    ({"device": "magic"}, r"expected a device of this machine \(.*cpu\), got 'magic': leave"),
    ({"augment": lambda x: x[1:]}, r"return a float32 tensor .*, got a .*\(9, 3, 8, 8\)"),
    ({"augment": 3}, "expected augment as a function, got 3: leave it out"),
    ({"on_batch": 3}, "expected on_batch as a function, got 3"),
    ({"on_epoch": 3}, "expected on_epoch as a function, got 3"),
    ({"data": PICTURES}, r"train as a pair of tensors \(pictures, labels\), got a uint8 tensor"),
    ({"data": (PICTURES,) * 4}, "got a tuple of a uint8 .*: write train="),
    ({"data": (PICTURES, LABELS.tolist())}, r"got a tuple of a uint8 .*\(45, 3, 8, 8\), a list"),
    ({"data": (PICTURES[0], LABELS)}, r"as \(N, C, H, W\), .* of shape \(3, 8, 8\): write .unsq"),
    ({"data": (PICTURES[:0], LABELS[:0])}, r"N at least 1, got a uint8 tensor of shape \(0, 3"),
    ({"data": (PICTURES.long(), LABELS)}, "uint8 .* or as floats, got torch.int64"),
    ({"data": (PICTURES, LABELS.float())}, "the labels of train as int64 .*, got a float32 tensor"),
    ({"data": (PICTURES, LABELS[:-1])}, r"one for each of 45 pictures, got an int64 .*\(44,\)"),
    ({"data": (PICTURES, LABELS - 1)}, "the labels of train as int64 from 0, .* from -1: number"),
    ({"data": (PICTURES, LABELS + 1)}, r"of shape \(1, 4 or more\) .* train, got .*\(1, 3\)"),
    ({"data": (PICTURES / 0, LABELS)}, "finite numbers in .* train, got nan or inf in picture 0:"),
    ({"model": nn.Flatten(), "data": (torch.rand(4, 1, 1, 3), LABELS[:4])}, "weights to train"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_what_cannot_be_is_refused(options, words, monkeypatch):
    monkeypatch.setattr(machine, "supports_bf16", lambda _: False)
    with pytest.raises((ValueError, TypeError), match=words):
        train(**options)
