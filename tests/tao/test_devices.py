import sys
from subprocess import CompletedProcess

import pytest
import torch

from cpose.errors import ConfigError
from cpose.tao import devices
from cpose.tao.devices import choose_gpus, current_device, start_processes, use_gpus

from .specs import make_spec


@pytest.fixture
def visible(monkeypatch):
    def set_number(number):
        monkeypatch.setattr(torch.cuda, 'device_count', lambda: number)

    return set_number


def test_cpu_takes_the_place_of_one_gpu(tmp_path, visible):
    visible(0)
    with pytest.warns(UserWarning, match='No GPU is visible, so train uses the CPU'):
        assert choose_gpus(make_spec(tmp_path), 'train') == []
    assert choose_gpus(make_spec(tmp_path, 'export.on_cpu=true'), 'export') == []


@pytest.mark.parametrize(
    ('number', 'word', 'message'),
    [
        (0, 'train.num_gpus=2', r'train\.gpu_ids=\[0, 1\] is not allowed: 0 GPUs are visible'),
        (2, 'train.gpu_ids=[2]', r'2 GPUs are visible. Allowed: numbers from 0 to 1'),
    ],
)
def test_gpus_that_are_not_there(tmp_path, visible, number, word, message):
    visible(number)
    with pytest.raises(ConfigError, match=message):
        choose_gpus(make_spec(tmp_path, word), 'train')


def test_first_gpu_becomes_the_current_one(tmp_path, visible, monkeypatch):
    visible(4)
    chosen = []
    monkeypatch.setattr(torch.cuda, 'set_device', chosen.append)
    use_gpus(make_spec(tmp_path, 'evaluate.gpu_ids=[3,1]'), 'evaluate')
    assert chosen == [3]
    monkeypatch.setenv('LOCAL_RANK', '1')
    use_gpus(make_spec(tmp_path), 'train')
    assert chosen == [3]


def test_current_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert current_device() == 'cpu'
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 2)
    assert current_device() == 'cuda:2'


@pytest.mark.parametrize(('given', 'expected'), [(None, '3,1'), ('4,5,6,7', '7,5')])
def test_one_process_for_each_gpu(monkeypatch, given, expected):
    calls = []

    def run(command, env, check):
        calls.append((command, env))
        return CompletedProcess(command, 7)

    monkeypatch.setattr(devices.subprocess, 'run', run)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if given:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', given)
    assert start_processes(['tao', 'train', '-e', 's.yaml', 'a=1'], [3, 1]) == 7
    command, environment = calls[0]
    assert command[:3] == [sys.executable, '-m', 'torch.distributed.run']
    assert command[command.index('--nproc_per_node') + 1] == '2'
    assert command[-8:] == [
        *('cpose.cli.main', 'tao', 'train', '-e', 's.yaml', 'a=1', '--launcher', 'pytorch')
    ]
    assert environment['CUDA_VISIBLE_DEVICES'] == expected
