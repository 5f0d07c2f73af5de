"""Two processes train one network to the result of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training_scripts import EPOCHS, OPTIONS, data, network

from cnn_basics.training import fit, machine
from cnn_basics.training.machine import Processes, choose_device, join_processes

SCRIPT = Path(__file__).with_name("training_scripts.py")
BATCH_SIZES = (8, 19)  # 19: the last batch has one picture for two


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
def path(tmp_path_factory) -> Path:
    """Where two processes wrote what came out of all their trainings."""
    path = tmp_path_factory.mktemp("together") / "result"
    run_processes(str(SCRIPT), "together", str(path), *map(str, BATCH_SIZES))
    return path


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_two_processes_equal_one(path, batch_size):
    model, losses = network(dropout=0.0), []
    options = OPTIONS | {"batch_size": batch_size, "patience": 3}
    history = fit(model, data(), data(seed=1), on_batch=lambda s: losses.append(s.loss), **options)
    first, second = (torch.load(f"{path}.{batch_size}.{rank}") for rank in (0, 1))
    for result in (first, second):
        for name, weight in model.state_dict().items():
            torch.testing.assert_close(result["model"][name], weight, rtol=0, atol=1e-5)
        assert result["loss"] == pytest.approx(history.train_loss, abs=1e-5)
        assert result["valid"] == pytest.approx(history.valid_loss, abs=1e-5)
    assert first["batches"] == pytest.approx(losses, abs=1e-5)
    assert len(losses) == EPOCHS * -(-20 // batch_size)
    assert second["batches"] == []


def test_the_first_process_stops_all(path):
    assert [torch.load(f"{path}.stopped.{rank}") for rank in (0, 1)] == [[2, "callback"]] * 2


def test_shares_are_disjoint_and_whole():
    for length, count in ((7, 3), (2, 3), (1, 2), (8, 2)):
        whole = torch.arange(length)
        shares = [
            whole[Processes(torch.device("cpu"), rank, count).share(length)]
            for rank in range(count)
        ]
        assert torch.equal(torch.cat(shares), whole)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_it_joins_nobody(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    processes = join_processes(torch.device("cpu"))
    assert (processes.first, processes.count, processes.agree(True)) == (True, 1, True)
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    ("device", "known", "words"),
    [
        ("cpu", ("MASTER_ADDR",), "got none for RANK, MASTER_PORT: start processes with torchrun"),
        ("mps", ("MASTER_ADDR", "RANK", "MASTER_PORT"), '"cpu" or "cuda" for .*, got \'mps\''),
    ],
)
def test_what_cannot_meet_is_refused(device, known, words, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in known:
        monkeypatch.setenv(name, "0")
    with pytest.raises(ValueError, match=words):
        join_processes(torch.device(device))


def test_a_group_that_is_there_already_is_joined_and_left(tmp_path):
    meeting = {"init_method": f"file://{tmp_path}/meeting", "rank": 0, "world_size": 1}
    torch.distributed.init_process_group("gloo", **meeting)
    assert join_processes(torch.device("cpu")).count == 1
    two = Processes(torch.device("cpu"), rank=0, count=2)  # who are this one alone
    assert two.agree(True)
    assert not two.agree(False)
    model = torch.nn.Linear(2, 1)
    two.wrap(model)(torch.ones(1, 2)).sum().backward()
    assert model.weight.grad.tolist() == [[1, 1]]
    machine._leave()
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize(
    ("device", "expected"), [("cuda", "cuda:1"), (None, "cuda:1"), ("cuda:0", "cuda:0")]
)
def test_each_process_gets_a_gpu_of_its_own(device, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert str(choose_device(device)) == expected
    with pytest.raises(ValueError, match=r"a device of this machine .*, got 'cuda:2': write"):
        choose_device("cuda:2")
