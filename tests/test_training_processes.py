"""Two processes train one network to the result of one; started by `torchrun`, this trains."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from cnn_basics.training import fit, machine
from cnn_basics.training.augment import random_flip
from cnn_basics.training.machine import Processes, choose_device, join_processes

BATCH_SIZES = (8, 19)  # 19: the last batch has one picture for two
CPU = torch.device("cpu")
OPTIONS = {
    "epochs": 4,
    "batch_size": 8,
    "learning_rate": 0.01,
    "augment": random_flip(),
    "schedule": "one_cycle",
    "averaging": 0.9,
    "patience": 3,
    "progress": False,
    "device": "cpu",
}


def data(count: int = 20, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Twenty pictures in batches of eight: the last one has four."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 256, (count, 1, 6, 5), generator=generator, dtype=torch.uint8)
    return pictures, torch.arange(count) % 3


def network(dropout: float = 0.2, seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(48, 3)]
    return nn.Sequential(*layers)


def train_together(path: str) -> None:
    """Train with several processes, as many as torchrun started; each writes what came out."""
    rank, found = int(os.environ["RANK"]), {}
    for batch_size in BATCH_SIZES:
        model, losses = network(dropout=0.0, seed=1 + rank), []
        look = {"on_batch": lambda training, losses=losses: losses.append(training.loss)}
        history = fit(model, data(), data(seed=1), **OPTIONS | look | {"batch_size": batch_size})
        trained = history.train_loss + history.train_accuracy
        found[batch_size] = (model.state_dict(), trained, history.valid_loss, losses)
    stop = lambda training: rank == 0 and training.epoch == 2  # noqa: E731
    history = fit(network(), data(), data(seed=1), on_epoch=stop, **OPTIONS)
    torch.save(found | {"stopped": (history.epochs, history.reason)}, f"{path}.{rank}")


def run_processes(*arguments: str) -> str:
    """Start two processes as users do, on a port that is free; return what they print."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    # Without it they wait for ever where the machine's own name does not resolve.
    command += ["--local-addr=127.0.0.1", "--nproc-per-node=2", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    settings = {"env": environment, "capture_output": True, "text": True, "timeout": 240}
    ended = subprocess.run(command, check=False, **settings)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> list[dict]:
    """What came out of all trainings of two processes, in each of them."""
    path = tmp_path_factory.mktemp("together") / "result"
    run_processes(__file__, str(path))
    return [torch.load(f"{path}.{rank}") for rank in (0, 1)]


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_two_processes_equal_one(both, batch_size):
    model, losses = network(dropout=0.0), []
    look = {"on_batch": lambda training: losses.append(training.loss)}
    history = fit(model, data(), data(seed=1), **OPTIONS | look | {"batch_size": batch_size})
    for rank, found in enumerate(both):
        weights, trained, valid_loss, told = found[batch_size]
        for name, weight in model.state_dict().items():
            torch.testing.assert_close(weights[name], weight, rtol=0, atol=1e-5)
        expected = history.train_loss + history.train_accuracy
        assert trained == pytest.approx(expected, abs=1e-5)
        assert valid_loss == pytest.approx(history.valid_loss, abs=1e-5)
        assert told == ([] if rank else pytest.approx(losses, abs=1e-5))
    assert len(losses) == 4 * -(-20 // batch_size)


def test_the_first_process_stops_all(both):
    assert [found["stopped"] for found in both] == [(2, "callback")] * 2


def test_shares_are_disjoint_and_whole_and_never_empty():
    for length, count in ((7, 3), (8, 2), (1, 2)):
        rows = torch.arange(length)
        shares = [Processes(CPU, rank, count).share(rows) for rank in range(count)]
        assert torch.equal(torch.cat(shares)[:length], rows)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1 <= min(map(len, shares))


@pytest.mark.parametrize(
    ("device", "known", "words"),
    [
        ("cpu", ("MASTER_ADDR",), "expected processes on cpu or cuda .* got cpu and WORLD_SIZE, M"),
        ("mps", ("MASTER_ADDR", "RANK", "MASTER_PORT"), "got mps and RANK, .*: start them with to"),
    ],
)
def test_alone_it_joins_nobody_and_what_cannot_meet_is_refused(device, known, words, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    processes = join_processes(CPU)
    assert (processes.rank, processes.count, processes.agree(True)) == (0, 1, True)
    assert not torch.distributed.is_initialized()
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in known:
        monkeypatch.setenv(name, "0")
    with pytest.raises(ValueError, match=words):
        join_processes(torch.device(device))


def test_a_group_that_is_there_already_is_joined_and_left(tmp_path):
    meeting = {"init_method": f"file://{tmp_path}/meeting", "rank": 0, "world_size": 1}
    torch.distributed.init_process_group("gloo", **meeting)
    assert join_processes(CPU).count == 1
    two = Processes(CPU, rank=0, count=2)  # who are this one alone
    assert two.agree(True)
    assert not two.agree(False)
    model = torch.nn.Linear(2, 1)
    two.wrap(model)(torch.ones(1, 2)).sum().backward()
    assert model.weight.grad.tolist() == [[1, 1]]
    machine._leave()
    assert not torch.distributed.is_initialized()


def test_each_process_gets_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    chosen = [str(choose_device(device)) for device in ("cuda", None, "cuda:0")]
    assert chosen == ["cuda:1", "cuda:1", "cuda:0"]
    with pytest.raises(ValueError, match=r"a device of this machine .*, got 'cuda:2': leave"):
        choose_device("cuda:2")


if __name__ == "__main__":
    train_together(sys.argv[1])
