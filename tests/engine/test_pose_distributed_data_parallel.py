"""Two processes on CPUs against one with the double batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from .toy_training import read_losses

SCRIPT = str(Path(__file__).with_name('train_distributed.py'))
TOLERANCE = 1e-4


def free_port():
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return str(listener.getsockname()[1])


def start(folder, launcher, batch_size, variables):
    return subprocess.Popen(
        [sys.executable, SCRIPT, str(folder), launcher, str(batch_size)],
        env={**os.environ, 'OMP_NUM_THREADS': '1', **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(processes):
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors[-2000:]


def torchrun_variables(rank):
    return {'RANK': rank, 'LOCAL_RANK': rank, 'WORLD_SIZE': '2'}


def slurm_variables(rank):
    return {
        'SLURM_PROCID': rank,
        'SLURM_LOCALID': rank,
        'SLURM_NTASKS': '2',
        'SLURM_NODELIST': 'localhost',
    }


VARIABLES = {'pytorch': torchrun_variables, 'slurm': slurm_variables}


@pytest.mark.slow
def test_two_processes_equal_one_with_the_double_batch(tmp_path):
    finish([start(tmp_path / 'none', 'none', 4, {})])
    single = torch.load(tmp_path / 'none/result.pt')
    expected = read_losses(tmp_path / 'none/losses.jsonl')
    for launcher, variables_of in VARIABLES.items():
        address = {'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': free_port()}
        folder = tmp_path / launcher
        finish(
            [start(folder, launcher, 2, {**address, **variables_of(rank)}) for rank in ('0', '1')]
        )
        actual = read_losses(folder / 'losses.jsonl')
        assert list(actual) == list(expected) == list(range(4))
        for iteration, records in expected.items():
            for name, value in records[0][2].items():
                found = float.fromhex(actual[iteration][0][2][name])
                assert found == pytest.approx(float.fromhex(value), rel=TOLERANCE), name
        double = torch.load(folder / 'result.pt')
        for name, value in single['weights'].items():
            torch.testing.assert_close(double['weights'][name], value, rtol=TOLERANCE, atol=1e-7)
        assert double['metrics']['val/num_images'] == 5
        assert double['metrics']['val/AP50_3DIoU'] == pytest.approx(
            single['metrics']['val/AP50_3DIoU'], rel=TOLERANCE
        )
