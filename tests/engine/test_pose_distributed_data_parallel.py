"""Two processes on CPUs against one with the double batch, through the tools."""

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.training_state import from_plain
from cpose.registry import RUNNERS

from ..child_processes import LONGEST_WAIT, started
from .toy_training import loader, read_losses, toy_config

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / 'tools'
TOLERANCE = 1e-4
ERRORS = 'errors.txt'


def write_config(folder, batch_size):
    options = {
        'custom_imports': ['toy_training'],
        'train_dataloader': loader(8, batch_size=batch_size),
        'val_dataloader': loader(5, batch_size=2),
        'train_dataloader.dataset.use_global_noise': False,
        'val_dataloader.dataset.use_global_noise': False,
        'train_cfg.max_epochs': 2,
        'model.frozen_norm': True,
        'model.dropout': 0.0,
        'optim_wrapper.optimizer': {'type': 'SGD', 'lr': 0.1},
        'optim_wrapper.clip_grad': None,
    }
    file = folder / 'config.py'
    toy_config(folder, options).dump(file)
    return file


@contextmanager
def start(command, config, arguments=(), **variables):
    paths = os.pathsep.join([str(HERE), str(TOOLS.parent)])
    environment = {'OMP_NUM_THREADS': '1', 'PYTHON': sys.executable, 'PYTHONPATH': paths}
    options = {'env': {**os.environ, **environment, **variables}, 'stdout': subprocess.DEVNULL}
    with (
        config.with_name(ERRORS).open('a') as errors,
        started([*command, str(config), *arguments], stderr=errors, **options) as process,
    ):
        yield process


def start_slurm(config):
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = str(listener.getsockname()[1])
    return [
        start(
            [sys.executable, str(TOOLS / 'train.py')],
            config,
            ('--launcher', 'slurm'),
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=port,
            SLURM_PROCID=rank,
            SLURM_LOCALID=rank,
            SLURM_NTASKS='2',
            SLURM_NODELIST='localhost',
        )
        for rank in ('0', '1')
    ]


STARTERS = {
    'torchrun': lambda config: [start(['sh', str(TOOLS / 'dist_train.sh')], config, ('2',))],
    'slurm': start_slurm,
}


def end_together(starts):
    """Return the exit codes of processes; the first that fails ends the others."""
    with ExitStack() as stack:
        processes = [stack.enter_context(start) for start in starts]
        end = time.monotonic() + LONGEST_WAIT
        while None in (codes := [process.poll() for process in processes]) and not any(codes):
            assert time.monotonic() < end, 'the processes hang'
            time.sleep(0.1)
    return codes


def train_in_processes(start_processes, config):
    codes = end_together(start_processes(config))
    errors = config.with_name(ERRORS)
    if any(codes) and 'EADDRINUSE' in errors.read_text():  # somebody took the port in between
        codes = end_together(start_processes(config))
    assert not any(codes), errors.read_text()[-2000:]


def read_run(folder):
    checkpoint = from_plain(load_checkpoint_file(folder / 'epoch_2.pth'))
    return read_losses(folder / 'losses.jsonl'), checkpoint


@pytest.mark.slow
def test_two_processes_equal_one_with_the_double_batch(tmp_path):
    folders = {name: tmp_path / name for name in ('single', *STARTERS)}
    for folder in folders.values():
        folder.mkdir()
    config = Config.fromfile(write_config(folders['single'], 4), import_custom_modules=False)
    RUNNERS.build(config).train()
    expected, single = read_run(folders['single'])
    for how, start_processes in STARTERS.items():
        train_in_processes(start_processes, write_config(folders[how], 2))
        actual, double = read_run(folders[how])
        assert list(actual) == list(expected) == list(range(4))
        for iteration, records in expected.items():
            for name, value in records[0][2].items():
                found = float.fromhex(actual[iteration][0][2][name])
                assert found == pytest.approx(float.fromhex(value), rel=TOLERANCE), name
        for name, value in single['state_dict'].items():
            torch.testing.assert_close(double['state_dict'][name], value, rtol=TOLERANCE, atol=1e-7)
        scores = [item['message_hub']['runtime_info']['best_score'] for item in (single, double)]
        assert scores[1] == pytest.approx(scores[0], rel=TOLERANCE)
        assert len(double['train_loop']['random_states']) == 2


PROGRAM = """
import atexit, sys
from pathlib import Path
from cpose.cli.main import main

def write_threads():
    names = [file.read_text().strip() for file in Path('/proc/self/task').glob('*/comm')]
    Path(sys.argv[2]).write_text(' '.join(names))

atexit.register(write_threads)
sys.exit(main(['train', sys.argv[1], '--launcher', 'pytorch']))
"""
"""A training that writes its threads down when all else is over, before the interpreter ends."""


@pytest.mark.slow
@pytest.mark.skipif(not Path('/proc/self/task').is_dir(), reason='threads are listed by Linux only')
def test_no_thread_of_the_connection_outlives_the_interpreter(tmp_path):
    """One that does may abort the process when its work is done: some in a hundred do."""
    (tmp_path / 'program.py').write_text(PROGRAM)
    config, threads = write_config(tmp_path, 2), tmp_path / 'threads.txt'
    command = [sys.executable, str(tmp_path / 'program.py')]
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = str(listener.getsockname()[1])
    group = {'RANK': '0', 'LOCAL_RANK': '0', 'WORLD_SIZE': '1', 'MASTER_ADDR': '127.0.0.1'}
    with start(command, config, (str(threads),), MASTER_PORT=port, **group) as process:
        assert process.wait(LONGEST_WAIT) == 0, (tmp_path / ERRORS).read_text()[-2000:]
    assert 'gloo' not in threads.read_text()
    assert 'tcpstore' not in threads.read_text()
