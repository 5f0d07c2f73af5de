"""Two processes train one network to the result of one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training_scripts import EPOCHS, OPTIONS, data, network

from cnn_basics.training import fit
from cnn_basics.training.processes import Processes, join_processes, local_device

SCRIPT = Path(__file__).with_name("training_scripts.py")
BATCH_SIZES = (8, 19)  # 19: the last batch has one picture for two


def run_processes(*arguments: str, processes: int = 2) -> str:
    """Start processes as users do, on a port that is free; return what they print."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
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
    model = network(dropout=0.0)
    options = OPTIONS | {"batch_size": batch_size}
    history = fit(model, data(), data(seed=1), patience=3, **options)
    first, second = (torch.load(f"{path}.{batch_size}.{rank}") for rank in (0, 1))
    for result in (first, second):
        for name, weight in model.state_dict().items():
            torch.testing.assert_close(result["model"][name], weight, rtol=0, atol=1e-5)
        assert result["loss"] == pytest.approx(history.train_loss, abs=1e-5)
        assert result["valid"] == pytest.approx(history.valid_loss, abs=1e-5)
    assert first["called"] == EPOCHS * -(-20 // batch_size)
    assert second["called"] == 0


def test_the_first_process_stops_all(path):
    assert [torch.load(f"{path}.stopped.{rank}") for rank in (0, 1)] == [[2, "callback"]] * 2


def test_shares_are_disjoint_and_whole():
    for count, processes in ((7, 3), (2, 3), (1, 2), (8, 2)):
        whole = torch.arange(count)
        parts = [
            Processes(torch.device("cpu"), rank, processes).part(whole) for rank in range(processes)
        ]
        assert torch.equal(torch.cat(parts), whole)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_alone_it_joins_nobody():
    processes = join_processes(torch.device("cpu"), {"WORLD_SIZE": "1"})
    assert (processes.first, processes.count, processes.agree(True)) == (True, 1, True)
    assert not torch.distributed.is_initialized()


def test_half_an_environment_is_refused():
    with pytest.raises(
        ValueError, match="got none for RANK, MASTER_PORT: start them with torchrun"
    ):
        join_processes(torch.device("cpu"), {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"})


def test_devices_without_a_way_to_talk_are_refused():
    everything = dict.fromkeys(("RANK", "MASTER_ADDR", "MASTER_PORT"), "0") | {"WORLD_SIZE": "2"}
    with pytest.raises(ValueError, match='"cpu" or "cuda" for several processes, got \'mps\''):
        join_processes(torch.device("mps"), everything)


@pytest.mark.parametrize(
    ("device", "expected"), [("cuda", "cuda:1"), ("cuda:0", "cuda:0"), ("cpu", "cpu")]
)
def test_each_process_gets_a_gpu_of_its_own(device, expected):
    assert local_device(device, {"LOCAL_RANK": "1"}) == expected
