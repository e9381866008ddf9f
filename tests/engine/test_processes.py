import os

import pytest
from torch.utils.data import DataLoader, Dataset

from cpose.engine.processes import (
    init_cpu_processes,
    is_first_process,
    is_of_dead_worker,
    leave_processes,
    slurm_variables,
)
from cpose.errors import ConfigError

from ..child_processes import write_program
from ..user_errors import raises

SLURM = {'SLURM_PROCID': '3', 'SLURM_NTASKS': '8', 'SLURM_NODELIST': 'node[4-5]'}


def test_without_launcher_variables(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    for name in ('RANK', 'LOCAL_RANK', 'WORLD_SIZE'):
        monkeypatch.delenv(name, raising=False)
    with raises(ConfigError, 'RANK, LOCAL_RANK, WORLD_SIZE', argument='launcher'):
        init_cpu_processes('pytorch')


def test_gpus_are_left_to_mmengine(monkeypatch):
    monkeypatch.setattr('torch.cuda.is_available', lambda: True)
    init_cpu_processes('pytorch')
    assert is_first_process()
    leave_processes()


def test_slurm_variables():
    variables = slurm_variables(
        {**SLURM, 'SLURM_LOCALID': '1', 'MASTER_ADDR': 'head', 'MASTER_PORT': '7'}
    )
    assert variables == {
        'RANK': '3',
        'LOCAL_RANK': '1',
        'WORLD_SIZE': '8',
        'MASTER_ADDR': 'head',
        'MASTER_PORT': '7',
    }


def test_slurm_tells_the_first_host(monkeypatch, tmp_path):
    script = '#!/bin/sh\n[ "$*" = "show hostnames node[4-5]" ] && echo node4 node5\n'
    write_program(tmp_path / 'scontrol', script)
    monkeypatch.setenv('PATH', f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    variables = slurm_variables(SLURM)
    assert (variables['MASTER_ADDR'], variables['MASTER_PORT']) == ('node4', '29500')


def test_not_started_by_slurm():
    with raises(ConfigError, 'SLURM_PROCID', argument='launcher', value='slurm'):
        slurm_variables({})


def test_scontrol_that_fails_is_an_error(monkeypatch, tmp_path):
    write_program(tmp_path / 'scontrol', '#!/bin/sh\nexit 1\n')
    monkeypatch.setenv('PATH', f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    with raises(ConfigError, argument='launcher', value='slurm'):
        slurm_variables(SLURM)


class CutOff(Dataset):
    """A data set whose file ends too early."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise EOFError('Ran out of input')


def test_an_error_of_the_data_is_no_dead_process():
    with pytest.raises(EOFError) as caught:
        next(iter(DataLoader(CutOff(), num_workers=1)))
    assert not is_of_dead_worker(caught.value)
    assert is_of_dead_worker(EOFError())
    assert is_of_dead_worker(
        ConnectionResetError('Caught ConnectionResetError in pin memory thread for device 0.')
    )
